"""Measuring one layer: all columns prepare it, then take turns in short bursts, round after round,
so that a machine that slows down meanwhile does so for all of them. One driver runs at a time."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .effort import Effort
from .layers import Layer, make_operands
from .lineup import Column
from .oracle import reference
from .process import DriverError
from .quiet import ForeignWork, wait_until_idle
from .stats import BUSY_CORES
from .turn import PREPARE_TIMEOUT, Turn

PEAK_SECONDS = 0.01
MIN_ROUNDS = 3
MOST_ROUNDS = 2  # times the rounds asked for, if other work disturbs some of them


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

    run = _run_rounds(turns, columns, effort, threads, tick)
    for turn in turns:
        turn.release()
    kept = run.kept(effort.rounds)
    peak = max((one for number in kept if (one := run.peaks[number])), default=None)
    return {
        "name": layer.name,
        "line": layer.line,
        "class": layer.layer_class,
        "multiplications": layer.multiplications,
        "reference": exact.describe(),
        "rounds": len(kept),
        "rounds_dropped": len(run.peaks) - len(kept),
        "peak_gflops": peak,
        "foreign_cores": statistics.mean(run.foreign_cores[number] for number in kept),
        "columns": {turn.column.name: turn.result(layer, kept, peak) for turn in turns},
    }


@dataclasses.dataclass
class _Run:
    """What was measured beside the columns, by round."""

    peaks: list[float | None]
    foreign_cores: list[float]

    def quiet(self) -> list[int]:
        return [number for number, cores in enumerate(self.foreign_cores) if cores <= BUSY_CORES]

    def kept(self, rounds: int) -> list[int]:
        """The rounds that count: those without other work on the machine, if there are some."""
        quiet = self.quiet()
        enough = len(quiet) >= min(MIN_ROUNDS, rounds)
        return quiet if enough else list(range(len(self.peaks)))


def _run_rounds(
    turns: list[Turn],
    columns: list[Column],
    effort: Effort,
    threads: int,
    tick: Callable[[float], None],
) -> _Run:
    """As many quiet rounds as were asked for, within reason."""
    run = _Run([], [])
    begin = time.monotonic()
    for number in range(MOST_ROUNDS * effort.rounds):
        foreign = ForeignWork(columns[0].settings.cpus, others_of(None, columns))
        run.peaks.append(measure_peak(columns, threads))
        start = number % len(turns)
        for turn in turns[start:] + turns[:start]:
            if not turn.reason:
                turn.burst(effort.burst_seconds, others_of(turn.column, columns))
        run.foreign_cores.append(foreign.cores())
        quiet = len(run.quiet())
        if run.foreign_cores[-1] <= BUSY_CORES:
            tick(1 / effort.rounds)
        late = time.monotonic() - begin > effort.layer_seconds
        if quiet >= effort.rounds or (late and number + 1 >= MIN_ROUNDS):
            break
    tick(1 - len(run.quiet()) / effort.rounds)
    return run
