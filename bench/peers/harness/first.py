"""`./dev bench --first`: the first call in a process, and that of a new shape."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import document
from .layers import Layer, make_operands, parse_layer
from .lineup import Column, Settings, gather
from .process import DriverError
from .progress import Progress
from .report import seconds_text, table
from .turn import PREPARE_TIMEOUT

FIRST = "1x64x56x56,64x64x3x3,p1"
SECOND = "1x64x50x62,64x64x3x3,p1"
REPEATS = 5


def write_operands(layer: Layer, folder: Path) -> dict[str, str]:
    """The fields of a prepare request that name files."""
    paths = {key: str(folder / key) for key in "xky"}
    for key, array in zip("xk", make_operands(layer.problem), strict=True):
        array.tofile(paths[key])
    return paths


def prepare_request(column: Column, layer: Layer, paths: dict[str, str]) -> dict[str, Any]:
    return {
        "do": "prepare",
        "column": column.name,
        "problem": layer.problem.to_json(),
        **paths,
    }


def measure_once(column: Column, layers: Sequence[Layer], folders: Sequence[Path]) -> list[float]:
    """Seconds of: the start of the process with all imports; the first call; the second shape's.
    Planning, packing and compiling are part of a first call, which ends with an output."""
    column.drop()
    begin = time.perf_counter()
    process = column.get()
    seconds = [time.perf_counter() - begin]
    for layer, folder in zip(layers, folders, strict=True):
        paths = {key: str(folder / key) for key in "xky"}
        answer = process.ask(prepare_request(column, layer, paths), PREPARE_TIMEOUT)
        if not answer.get("ok"):
            column.drop()
            raise DriverError(str(answer.get("reason")))
        seconds.append(float(answer["prepare_seconds"]))
    column.drop()
    return seconds


def measure_first(peers: Sequence[str], threads: int, folder: Path) -> dict[str, Any]:
    layers = [parse_layer(FIRST), parse_layer(SECOND)]
    lineup = gather(peers, Settings(threads, folder / "logs"), native=False, calls=True)
    told = document.begin_with("plait.peers.first/1", threads, lineup)
    progress = Progress(len(lineup.columns), "column")
    rows = []
    try:
        with tempfile.TemporaryDirectory(prefix="plait-bench-") as name:
            folders = [Path(name, str(number)) for number in range(len(layers))]
            for layer, place in zip(layers, folders, strict=True):
                place.mkdir()
                write_operands(layer, place)
            for column in lineup.columns:
                progress.start(column.name)
                row: dict[str, Any] = {"column": column.name}
                try:
                    runs = [measure_once(column, layers, folders) for _ in range(REPEATS)]
                    start, first, second = (
                        statistics.median(times) for times in zip(*runs, strict=True)
                    )
                    row |= {
                        "start_seconds": start,
                        "first_call_seconds": first,
                        "new_shape_seconds": second,
                    }
                except DriverError as reason:
                    column.process = None
                    row["reason"] = str(reason)
                rows.append(row)
                progress.advance(1)
    finally:
        progress.close()
        lineup.close()
    return {**told, "first": FIRST, "second": SECOND, "repeats": REPEATS, "rows": rows}


def page(told: dict[str, Any]) -> str:
    keys = ("start_seconds", "first_call_seconds", "new_shape_seconds")
    rows = [
        [row["column"], *(seconds_text(row[key]) if key in row else "-" for key in keys)]
        for row in told["rows"]
    ]
    skipped = "".join(
        f"- {row['column']}: {row['reason']}\n" for row in told["rows"] if "reason" in row
    )
    return (
        "# The first call\n\n"
        f"{document.where(told)}\nMedians of {told['repeats']} fresh processes. Start: the process,"
        f" Python and every import. First call: {told['first']}, with planning, packing or"
        f" compiling, until the output is there. New shape: the same for {told['second']}, next in"
        " that process.\n\n"
        f"{table(['column', 'start', 'first call', 'new shape'], rows)}"
        + (f"\nSkipped:\n\n{skipped}" if skipped else "")
    )
