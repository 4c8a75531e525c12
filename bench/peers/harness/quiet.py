"""Whether anybody else computes. Pools of some libraries spin for tens of milliseconds after their
last call, and would take a core from whoever comes next; and a machine may have other work."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

PAUSE_SECONDS = 0.02  # the shortest pause
STEP_SECONDS = 0.005
IDLE_SHARE = 0.1  # of a core: less use than this counts as idle
PATIENCE_SECONDS = 0.5


def cpu_seconds(pids: Iterable[int]) -> float:
    """What all threads of these processes have used so far; 0 on kernels that do not tell."""
    nanoseconds = 0
    for pid in pids:
        for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # threads end
                nanoseconds += int(stat.read_text().split()[0])
    return 1e-9 * nanoseconds


BUSY_FIELDS = (0, 1, 2, 5, 6, 7)  # of proc(5), stat: user, nice, system, irq, softirq, steal


def busy_seconds(cpus: Iterable[int]) -> float:
    """For how long these CPUs have not been idle, whoever used them; stolen by the host too."""
    wanted = {f"cpu{cpu}" for cpu in cpus}
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in wanted:
            ticks += sum(int(fields[field]) for field in BUSY_FIELDS)
    return ticks / os.sysconf("SC_CLK_TCK")


class ForeignWork:
    """What processes outside of the run use meanwhile, in cores."""

    def __init__(self, cpus: list[int], pids: list[int]) -> None:
        self._cpus = cpus
        self._pids = [*pids, os.getpid()]
        self._begin = time.monotonic()
        self._before = self._now()

    def _now(self) -> float:
        return busy_seconds(self._cpus) - cpu_seconds(self._pids)

    def cores(self) -> float:
        return max(0.0, (self._now() - self._before) / (time.monotonic() - self._begin))


def wait_until_idle(pids: list[int]) -> None:
    time.sleep(PAUSE_SECONDS)
    end = time.monotonic() + PATIENCE_SECONDS
    then, used = time.monotonic(), cpu_seconds(pids)
    while then < end:
        time.sleep(STEP_SECONDS)
        now, used_now = time.monotonic(), cpu_seconds(pids)
        if used_now - used < IDLE_SHARE * (now - then):
            return
        then, used = now, used_now
