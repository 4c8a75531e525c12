"""`./dev bench --memory`: what a call holds beside input and output, and what stays behind
after many shapes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import document
from .first import prepare_request, write_operands
from .layers import Layer, parse_layer
from .lineup import Column, Settings, gather
from .process import DriverError, DriverProcess
from .progress import Progress
from .report import table
from .turn import PREPARE_TIMEOUT

LINES = (
    "1x3x4096x4096,16x3x3x3,p1",
    "1x64x224x224,64x64x3x3,p1",
    "1x128x256x256,128x128x5x5,p2",
)
SHAPES = 500
SETTLED_AFTER = 20  # shapes, after which pools and arenas have grown to their first size
MB = 1e6


def status_bytes(pid: int, field: str) -> int:
    """The value of VmRSS, or of VmHWM, the highest VmRSS so far."""
    text = Path(f"/proc/{pid}/status").read_text()
    match = re.search(rf"^{field}:\s+(\d+) kB$", text, re.M)
    assert match is not None
    return 1024 * int(match[1])


def forget_peak(pid: int) -> None:
    """Reset VmHWM to VmRSS: proc(5), clear_refs."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def ask_prepare(
    process: DriverProcess, column: Column, layer: Layer, paths: dict[str, str]
) -> None:
    operands = {key: paths[key] for key in "xk"}  # the output is not asked for: no copy of it
    answer = process.ask(prepare_request(column, layer, operands), PREPARE_TIMEOUT)
    if not answer.get("ok"):
        raise DriverError(str(answer.get("reason")))


def measure_layer(column: Column, layer: Layer, paths: dict[str, str]) -> dict[str, int]:
    """Bytes beside x and y: held between calls, and at the highest point of one."""
    column.drop()
    process = column.get()
    before = status_bytes(process.pid, "VmRSS")
    ask_prepare(process, column, layer, paths)
    forget_peak(process.pid)
    process.burst(0, 0, PREPARE_TIMEOUT)
    p = layer.problem
    own = before + 4 * int(np.prod(p.x_shape) + np.prod(p.y_shape))
    return {
        "held_bytes": status_bytes(process.pid, "VmRSS") - own,
        "peak_bytes": status_bytes(process.pid, "VmHWM") - own,
    }


def random_layers(count: int) -> list[Layer]:
    """Shapes as an application with images of any size meets them."""
    rng = np.random.default_rng(500)
    layers = []
    for _ in range(count):
        h, w = rng.integers(16, 129, 2)
        c_i, c_o = rng.choice([3, 8, 16, 32, 48, 64], 2)
        k = rng.choice([1, 3, 5])
        layers.append(parse_layer(f"1x{c_i}x{h}x{w},{c_o}x{c_i}x{k}x{k},p{k // 2}"))
    return layers


def measure_growth(column: Column, layers: Sequence[Layer], folder: Path) -> int:
    """Bytes by which the process has grown when all layers have come and gone."""
    column.drop()
    process = column.get()
    settled = 0
    for number, layer in enumerate(layers):
        ask_prepare(process, column, layer, write_operands(layer, folder))
        process.ask({"do": "release"}, PREPARE_TIMEOUT)
        if number + 1 == SETTLED_AFTER:
            settled = status_bytes(process.pid, "VmRSS")
    return status_bytes(process.pid, "VmRSS") - settled


def measure_column(column: Column, shapes: Sequence[Layer], progress: Progress) -> dict[str, Any]:
    row: dict[str, Any] = {"column": column.name, "layers": {}}
    with tempfile.TemporaryDirectory(prefix="plait-bench-") as name:
        folder = Path(name)
        for line in LINES:
            layer = parse_layer(line)
            try:
                found: dict[str, Any] = dict(
                    measure_layer(column, layer, write_operands(layer, folder))
                )
            except DriverError as reason:
                found = {"reason": str(reason)}
            row["layers"][line] = found
            column.drop()
            progress.advance(0.1)
        try:
            row["growth_bytes"] = measure_growth(column, shapes, folder)
        except DriverError as reason:
            row["growth_reason"] = str(reason)
        column.drop()
        progress.advance(1 - 0.1 * len(LINES))
    return row


def measure_memory(
    peers: Sequence[str], threads: int, folder: Path, shapes: int = SHAPES
) -> dict[str, Any]:
    lineup = gather(peers, Settings(threads, folder / "logs"), native=False, calls=True)
    told = document.begin_with("plait.peers.memory/1", threads, lineup)
    progress = Progress(len(lineup.columns), "column")
    layers = random_layers(shapes)
    rows = []
    try:
        for column in lineup.columns:
            progress.start(column.name)
            rows.append(measure_column(column, layers, progress))
    finally:
        progress.close()
        lineup.close()
    return {**told, "shapes": shapes, "settled_after": SETTLED_AFTER, "rows": rows}


def page(told: dict[str, Any]) -> str:
    def megabytes(found: dict[str, Any], key: str) -> str:
        return f"{found[key] / MB:.1f}" if key in found else "-"

    rows = [
        [
            row["column"],
            *(
                megabytes(row["layers"][line], key)
                for line in LINES
                for key in ("peak_bytes", "held_bytes")
            ),
            megabytes(row, "growth_bytes"),
        ]
        for row in told["rows"]
    ]
    header = ["column"]
    for line in LINES:
        header += [f"{line}: peak", "held"]
    header.append(f"growth over {told['shapes']} shapes")
    skipped = [
        f"- {row['column']}, {line}: {found['reason']}\n"
        for row in told["rows"]
        for line, found in row["layers"].items()
        if "reason" in found
    ] + [
        f"- {row['column']}, random shapes: {row['growth_reason']}\n"
        for row in told["rows"]
        if "growth_reason" in row
    ]
    return (
        "# Memory beside input and output\n\n"
        f"{document.where(told)}\nMB of resident memory beyond what the process had before the"
        " layer came, less input and output: at the highest point of a call, and held between"
        f" calls, with packed weights. Growth: from the {told['settled_after']}th of"
        f" {told['shapes']} random shapes to the last, each prepared, run once and released.\n\n"
        f"{table(header, rows)}" + ("\nSkipped:\n\n" + "".join(skipped) if skipped else "")
    )
