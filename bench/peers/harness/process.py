"""One driver in a process of its own: start it, ask it, and give it up when it breaks."""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# OpenVINO sends usage statistics from a process of its own, but not from where CI runs.
QUIET = {"CI": "true"}


class DriverError(Exception):
    """The driver died, hung or talked nonsense; the text says which. Its process is gone."""


class DriverProcess:
    """The requests and answers are those of drivers/driver.py."""

    def __init__(self, command: Sequence[str], threads: int, cpus: Sequence[int], log: Path):
        self._log = log
        # The driver gets a session of its own, so that the harness alone handles Ctrl-C. OpenMP's
        # variable gives the threads to drivers that ask it, and all drivers have the same cores.
        with log.open("ab") as errors:
            self._log_start = errors.tell()
            self._process = subprocess.Popen(
                [*command, "--threads", str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, **QUIET, "OMP_NUM_THREADS": str(threads)},
                preexec_fn=lambda: os.sched_setaffinity(0, cpus),
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin
        self._answers = self._process.stdout
        os.set_blocking(self._answers.fileno(), False)
        self._unread = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except OSError:
            raise self._broken(self._death()) from None
        line = self._read_line(timeout_seconds)
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._broken(f"answered nonsense: {line[:60].decode(errors='replace')!r}")
        return answer

    def burst(self, seconds: float, warm_up: int, timeout_seconds: float) -> list[float]:
        """Seconds of each call; times that cannot be true are nonsense too."""
        begin = time.perf_counter()
        request = {"do": "burst", "seconds": seconds, "warm_up": warm_up}
        answer = self.ask(request, timeout_seconds)
        elapsed = time.perf_counter() - begin
        times = answer.get("seconds")
        true = (
            isinstance(times, list)
            and len(times) > 0
            and all(isinstance(t, float) and math.isfinite(t) and t > 0 for t in times)
            and sum(times) <= elapsed
        )
        if not true or not isinstance(times, list):
            raise self._broken(answer.get("reason") or "its times cannot be true")
        return times

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # the driver and all that it has started
        self._process.wait()
        self._requests.close()
        self._answers.close()

    def _read_line(self, timeout_seconds: float) -> bytes:
        end = time.monotonic() + timeout_seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise self._broken(f"gave no answer within {timeout_seconds:.0f} s")
                data = os.read(self._answers.fileno(), 1 << 16)
                if not data:
                    raise self._broken(self._death())
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _death(self) -> str:
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            return "closed its output"
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        said = self._log.read_bytes()[self._log_start :].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return f"{how}: {last}" if last else how

    def _broken(self, reason: str) -> DriverError:
        self.close()
        return DriverError(reason)
