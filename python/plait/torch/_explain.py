"""How the layers of a converted model are computed, in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import nn

import plait
from plait import _core
from plait.torch import _kept, _shapes

_TEXTS = 4  # the first columns hold texts and are aligned to the left


def described(plan: plait.Plan) -> str:
    """Say in one line how a layer is computed."""
    return (
        f"{plan.algorithm} for {_shapes.text(plan.problem.x_shape)}, "
        f"{_core.seconds_text(plan.predicted_seconds)} predicted, "
        f"workspace {_core.bytes_text(plan.workspace_bytes)}, "
        f"packed {_core.bytes_text(plan.packed_bytes)}"
    )


def table(model: nn.Module, converted: Collection[str], fused: dict[str, list[str]]) -> str:
    """Tell, for each converted layer and each input that it was called with, how it is done."""
    rows = [["layer", "input", "with", "algorithm", "predicted", "workspace", "packed"]]
    for name in converted:
        shown, more = name or "(the model)", ", ".join(fused.get(name, []))
        layer: Any = model.get_submodule(name)
        plans = [step.plan for step in _kept.steps_of(layer.weight)]
        rows += [
            [
                shown,
                _shapes.text(plan.problem.x_shape),
                more,
                plan.algorithm,
                _core.seconds_text(plan.predicted_seconds),
                _core.bytes_text(plan.workspace_bytes),
                _core.bytes_text(plan.packed_bytes),
            ]
            for plan in plans
        ]
        if not plans:
            rows.append([shown, "not called yet", more])
    return _core.table_text(rows, _TEXTS).rstrip("\n")
