"""How the layers of a converted model are computed, in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import nn

import plait
from plait.torch import _kept

_UNITS = ("B", "kB", "MB", "GB")


def described(plan: plait.Plan) -> str:
    """Say in one line how a layer is computed."""
    return (
        f"{plan.algorithm} for {_text(plan.problem.x_shape)}, "
        f"{_time(plan.predicted_seconds)} predicted, "
        f"workspace {_bytes(plan.workspace_bytes)}, packed {_bytes(plan.packed_bytes)}"
    )


def table(model: nn.Module, converted: Collection[str], fused: dict[str, list[str]]) -> str:
    """Tell, for each converted layer and each input that it was called with, how it is done."""
    rows = [("layer", "input", "with", "algorithm", "predicted", "workspace", "packed")]
    for name in converted:
        more = ", ".join(fused.get(name, []))
        layer: Any = model.get_submodule(name)
        steps = _kept.steps_of(layer.weight)
        for step in steps:
            plan = step.plan
            rows.append(
                (
                    name or "(the model)",
                    _text(plan.problem.x_shape),
                    more,
                    plan.algorithm,
                    _time(plan.predicted_seconds),
                    _bytes(plan.workspace_bytes),
                    _bytes(plan.packed_bytes),
                )
            )
        if not steps:
            rows.append((name or "(the model)", "not called yet", more, "", "", "", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _text(sizes: Collection[int]) -> str:
    return "x".join(map(str, sizes))


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} us" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def _bytes(number: float) -> str:
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.3g} {unit}"
