"""One column on one layer: preparing it, bursts, and what comes of them."""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .layers import Layer
from .lineup import Column
from .oracle import Reference
from .process import DriverError
from .quiet import cpu_seconds, wait_until_idle
from .stats import gflops, summarize

WARM_UP = 2
LONG_CALL_SECONDS = 0.1  # for longer calls one warm-up is enough
PREPARE_TIMEOUT = 180.0
BURST_TIMEOUT = 60.0  # and for each second that a call is known to take, 20 more


class Turn:
    """One column on one layer."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.rounds: list[list[float]] = []  # seconds of each call, by round
        self.disturbed: list[float] = []  # what other drivers computed meanwhile, in cores
        self.found: dict[str, Any] = {}
        self.reason = ""  # why it is skipped

    def prepare(self, layer: Layer, folder: Path, exact: Reference) -> None:
        y_path = folder / "y"
        y_path.unlink(missing_ok=True)
        request = {
            "do": "prepare",
            "column": self.column.name,
            "problem": layer.problem.to_json(),
            "x": str(folder / "x"),
            "k": str(folder / "k"),
            "y": str(y_path),
        }
        with self._skipping():
            answer = self.column.get().ask(request, PREPARE_TIMEOUT)
            if not answer.get("ok"):
                self.reason = str(answer.get("reason", "refused"))
                return
            outputs = math.prod(layer.problem.y_shape)
            if not y_path.is_file() or y_path.stat().st_size != 4 * outputs:
                self.reason = "wrote no output of the right size"
                return
            y = np.fromfile(y_path, "<f4").reshape(layer.problem.y_shape)
            error = exact.relative_rms(y)
            self.found = {
                "error_rms": error if math.isfinite(error) else None,
                "prepare_seconds": float(answer["prepare_seconds"]),
                "note": str(answer.get("note", "")),
            }

    def burst(self, seconds: float, others: list[int]) -> None:
        """others: the processes that are to be idle meanwhile."""
        known = statistics.median(self.rounds[-1]) if self.rounds else 0.0
        warm_up = WARM_UP if known < LONG_CALL_SECONDS else 1
        wait_until_idle(others)
        begin, used = time.monotonic(), cpu_seconds(others)
        with self._skipping():
            times = self.column.get().burst(seconds, warm_up, BURST_TIMEOUT + 20 * known)
            self.rounds.append(times)
            used = cpu_seconds(others) - used
            self.disturbed.append(used / (time.monotonic() - begin))

    def release(self) -> None:
        if self.column.process is not None:
            with contextlib.suppress(DriverError):
                self.column.process.ask({"do": "release"}, PREPARE_TIMEOUT)

    @contextlib.contextmanager
    def _skipping(self) -> Iterator[None]:
        try:
            yield
        except DriverError as reason:
            self.column.process = None
            self.reason = str(reason)
        except (KeyError, TypeError, ValueError) as error:
            self.column.drop()
            self.reason = f"answered nonsense: {error}"

    def result(
        self, layer: Layer, kept: Sequence[int], peak_gflops: float | None
    ) -> dict[str, Any]:
        """kept: the rounds that count."""
        if self.reason:
            return {"status": "skipped", "reason": self.reason}
        rounds = [self.rounds[number] for number in kept]
        times = summarize([seconds for one in rounds for seconds in one])
        rate = gflops(layer.multiplications, times["median_seconds"])
        return {
            "status": "measured",
            **times,
            "samples": sum(map(len, rounds)),
            "round_median_seconds": [statistics.median(one) for one in rounds],
            "gflops": rate,
            "peak_share": rate / peak_gflops if peak_gflops else None,
            "disturbed_cores": max(self.disturbed[number] for number in kept),
            **self.found,
        }
