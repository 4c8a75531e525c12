"""`./dev bench --errors`: rms and largest error by channels, of plait's algorithms that transform,
of its direct sums and of the peers."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import plait

from . import document
from .first import prepare_request, write_operands
from .layers import Layer, make_operands, parse_layer
from .lineup import PLAIT, Column, Settings, gather
from .oracle import Reference, convolve
from .process import DriverError
from .progress import Progress
from .report import table
from .turn import PREPARE_TIMEOUT

CHANNELS = (8, 64, 128, 512)
KERNELS = (3, 5)
SIDE = 28
DIRECT = "direct/pixels"
TRANSFORMS = "winograd/"


def layer_of(channels: int, side: int, k: int) -> Layer:
    return parse_layer(f"1x{channels}x{side}x{side},{channels}x{channels}x{k}x{k},p{k // 2}")


def algorithms_for(k: int) -> list[str]:
    """plait's direct sums, and its variants for kernels of this size: winograd/f4x3 is for 3x3."""
    forms = [name for name in plait.algorithms() if name.startswith(TRANSFORMS)]
    return [DIRECT, *(name for name in forms if name.endswith(f"x{k}"))]


def compute_by_plait(algorithm: str, layer: Layer, threads: int) -> np.ndarray:
    x, k = make_operands(layer.problem)
    try:
        plan = plait.plan(layer.line, accuracy="relaxed", algorithm=algorithm, threads=threads)
    except ValueError as reason:
        raise DriverError(str(reason)) from None
    y: np.ndarray = plan.run(x, plan.pack(k))
    return y


def compute_by_peer(column: Column, layer: Layer, paths: dict[str, str]) -> np.ndarray:
    answer = column.get().ask(prepare_request(column, layer, paths), PREPARE_TIMEOUT)
    if not answer.get("ok"):
        raise DriverError(str(answer.get("reason")))
    return np.fromfile(paths["y"], "<f4").reshape(layer.problem.y_shape)


def row_of(name: str, exact: Reference, compute: Callable[[], np.ndarray]) -> dict[str, Any]:
    """What was found, or why nothing was."""
    try:
        y = compute()
    except DriverError as reason:
        return {"column": name, "reason": str(reason)}
    rms, largest = exact.relative_rms(y), exact.relative_max(y)
    if not math.isfinite(largest):
        return {"column": name, "reason": "its output is not finite"}
    return {"column": name, "rms": rms, "max": largest}


def measure_layer(layer: Layer, columns: Sequence[Column], threads: int) -> list[dict[str, Any]]:
    problem = layer.problem
    exact = Reference(None, convolve(problem, *make_operands(problem)))
    rows = [
        row_of(f"{PLAIT} {name}", exact, partial(compute_by_plait, name, layer, threads))
        for name in algorithms_for(problem.k_h)
    ]
    with tempfile.TemporaryDirectory(prefix="plait-bench-") as folder:
        paths = write_operands(layer, Path(folder))
        for column in columns:
            rows.append(row_of(column.name, exact, partial(compute_by_peer, column, layer, paths)))
            column.drop()
    return [{"kernel": problem.k_h, "channels": problem.c_i, **row} for row in rows]


def measure_errors(peers: Sequence[str], threads: int, folder: Path) -> dict[str, Any]:
    lineup = gather(peers, Settings(threads, folder / "logs"), native=False)
    told = document.begin_with("plait.peers.errors/1", threads, lineup)
    columns = [column for column in lineup.columns if not column.is_plait]
    layers = [layer_of(c, SIDE, k) for k in KERNELS for c in CHANNELS]
    progress = Progress(len(layers))
    rows = []
    try:
        for layer in layers:
            progress.start(layer.line)
            rows += measure_layer(layer, columns, threads)
            progress.advance(1)
    finally:
        progress.close()
        lineup.close()
    return {**told, "side": SIDE, "rows": rows}


def error_pair(row: dict[str, Any]) -> str:
    return f"{row['rms']:.1e} / {row['max']:.1e}" if "rms" in row else "-"


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """A line per column, the errors by number of channels."""
    channels = sorted({row["channels"] for row in rows})
    lines: dict[str, dict[int, str]] = {}
    for row in rows:
        lines.setdefault(row["column"], {})[row["channels"]] = error_pair(row)
    return table(
        ["rms / largest", *(f"{c} channels" for c in channels)],
        [[name, *(line[c] for c in channels)] for name, line in lines.items()],
    )


def page(told: dict[str, Any]) -> str:
    side = told["side"]
    parts = [
        f"# Errors\n\n{document.where(told)}\nAs many output as input channels, {side}x{side} px,"
        " padded to the same size; x like the output of a ReLU, He's weights. rms and largest"
        " error against float64, both relative to the rms of the output. Made by"
        " `./dev bench --errors`.\n"
    ]
    for k in sorted({row["kernel"] for row in told["rows"]}):
        rows = [row for row in told["rows"] if row["kernel"] == k]
        parts.append(f"\n## {k}x{k}\n\n{table_of(rows)}")
        reasons = {f"- {row['column']}: {row['reason']}\n" for row in rows if "reason" in row}
        if reasons:
            parts.append("\nSkipped:\n\n" + "".join(sorted(reasons)))
    return "".join(parts)
