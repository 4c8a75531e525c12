"""Measuring one layer: all columns prepare it, then take turns in short bursts, round after round,
so that a machine that slows down meanwhile does so for all of them. One driver runs at a time."""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .effort import Effort
from .layers import Layer, make_operands
from .lineup import Column
from .oracle import Reference, reference
from .process import DriverError
from .quiet import ForeignWork, cpu_seconds, wait_until_idle
from .stats import gflops, summarize

WARM_UP = 2
PEAK_SECONDS = 0.01
PREPARE_TIMEOUT = 180.0
LONG_CALL_SECONDS = 0.1  # one warm-up is enough
MIN_ROUNDS = 3
BURST_TIMEOUT = 60.0  # and for each second that a call is known to take, 20 more


class Turn:
    """One column on one layer."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.seconds: list[float] = []
        self.round_medians: list[float] = []
        self.disturbed = 0.0  # the most that other drivers computed during a burst, in cores
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
        known = statistics.median(self.seconds) if self.seconds else 0.0
        warm_up = WARM_UP if known < LONG_CALL_SECONDS else 1
        wait_until_idle(others)
        begin, used = time.monotonic(), cpu_seconds(others)
        with self._skipping():
            times = self.column.get().burst(seconds, warm_up, BURST_TIMEOUT + 20 * known)
            self.seconds += times
            self.round_medians.append(statistics.median(times))
        share = (cpu_seconds(others) - used) / (time.monotonic() - begin)
        self.disturbed = max(self.disturbed, share)

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

    def result(self, layer: Layer, peak_gflops: float | None) -> dict[str, Any]:
        if self.reason:
            return {"status": "skipped", "reason": self.reason}
        times = summarize(self.seconds)
        rate = gflops(layer.multiplications, times["median_seconds"])
        return {
            "status": "measured",
            **times,
            "samples": len(self.seconds),
            "round_median_seconds": self.round_medians,
            "gflops": rate,
            "peak_share": rate / peak_gflops if peak_gflops else None,
            "disturbed_cores": self.disturbed,
            **self.found,
        }


def others_of(column: Column | None, columns: list[Column]) -> list[int]:
    return [
        other.process.pid for other in columns if other is not column and other.process is not None
    ]


def measure_peak(columns: list[Column], threads: int) -> float | None:
    """Of multiply-adds on as many threads, by plait's driver, where it stands."""
    plait = next((column for column in columns if column.is_plait), None)
    if plait is None:
        return None
    wait_until_idle(others_of(plait, columns))
    try:
        request = {"do": "peak", "threads": threads, "seconds": PEAK_SECONDS}
        answer = plait.get().ask(request, PREPARE_TIMEOUT)
    except DriverError:
        plait.process = None
        return None
    rate = answer.get("gflops")
    return float(rate) if rate else None


def measure_layer(
    layer: Layer,
    columns: list[Column],
    effort: Effort,
    threads: int,
    tick: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """What was measured of a layer, as it stands in the results. tick(share of the work done)."""
    x, k = make_operands(layer.problem)
    exact = reference(layer.problem, x, k)
    turns = [Turn(column) for column in columns]
    with tempfile.TemporaryDirectory(prefix="plait-bench-") as name:
        folder = Path(name)
        x.tofile(folder / "x")
        k.tofile(folder / "k")
        for turn in turns:
            turn.prepare(layer, folder, exact)
    del x, k

    peaks: list[float] = []
    begin = time.monotonic()
    foreign = ForeignWork(columns[0].settings.cpus, others_of(None, columns))
    done = 0
    for number in range(effort.rounds):
        peak = measure_peak(columns, threads)
        peaks += [peak] if peak else []
        start = number % len(turns)
        for turn in turns[start:] + turns[:start]:
            if not turn.reason:
                turn.burst(effort.burst_seconds, others_of(turn.column, columns))
        done += 1
        tick(1 / effort.rounds)
        if done >= MIN_ROUNDS and time.monotonic() - begin > effort.layer_seconds:
            tick(1 - done / effort.rounds)
            break
    foreign_cores = foreign.cores()
    for turn in turns:
        turn.release()
    highest = max(peaks, default=None)
    return {
        "name": layer.name,
        "line": layer.line,
        "class": layer.layer_class,
        "multiplications": layer.multiplications,
        "reference": exact.describe(),
        "rounds": done,
        "peak_gflops": highest,
        "foreign_cores": foreign_cores,
        "columns": {turn.column.name: turn.result(layer, highest) for turn in turns},
    }
