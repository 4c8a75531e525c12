"""What is kept between calls with a constant weight: the weight as packed, and plans per input."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

import plait
from plait.torch import _shapes

_KEPT_STEPS = 32  # per weight; making one again takes some 50 us, as packed weights stay


class Step(NamedTuple):
    """All that a call with inputs of one shape needs."""

    plan: plait.Plan
    packed: plait.Packed
    y_shape: Sequence[int]
    y_strides: Sequence[int]


class Layer:
    """A weight with its bias, as they were when first used."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.weight = weakref.ref(weight, partial(_forget, id(weight)))
        self._bias = None if bias is None else weakref.ref(bias)
        self._versions = _versions(weight, bias)
        # Holding the memory keeps other numbers from being put at the same address.
        self._memory = [t.untyped_storage() for t in (weight, bias) if t is not None]
        self._packed: dict[str, plait.Packed] = {}
        self.steps: dict[tuple[Any, ...], Step] = {}

    def holds(self, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
        """Tell whether it was made of these tensors, unchanged since."""
        same_bias = bias is None if self._bias is None else self._bias() is bias
        same = same_bias and self.weight() is weight
        return same and self._versions == _versions(weight, bias)

    def add_step(
        self,
        key: tuple[Any, ...],
        problem: plait.Problem,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
    ) -> Step:
        """Plan the problem, and pack unless another plan takes weights packed in the same way."""
        plan = plait.plan(problem, threads=threads())
        packed = self._packed.get(plan.packed_format)
        if packed is None:
            packed = self._packed[plan.packed_format] = plan.pack(weight, bias)
        y_strides = _shapes.strides(problem.y_shape, problem.y_layout)
        if len(self.steps) >= _KEPT_STEPS:
            self.steps.clear()  # all at once, as other threads may be adding
        step = self.steps[key] = Step(plan, packed, problem.y_shape, y_strides)
        return step


_layers: dict[int, Layer] = {}  # from the weight's id


def layer_of(weight: torch.Tensor, bias: torch.Tensor | None) -> Layer | None:
    """Return what is kept for the weight and bias; None if changes of them would not be seen."""
    layer = _layers.get(id(weight))
    if layer is not None and layer.holds(weight, bias):
        return layer
    if weight.is_inference() or (bias is not None and bias.is_inference()):
        return None
    layer = _layers[id(weight)] = Layer(weight, bias)
    return layer


def threads() -> int | None:
    """Return torch's number of threads, or None if plait itself would use no more."""
    number = torch.get_num_threads()
    return number if number < _OWN_THREADS else None


_OWN_THREADS: int = plait.info()["machine"]["default_threads"]


def _forget(key: int, weight: weakref.ref[torch.Tensor]) -> None:
    layer = _layers.get(key)
    if layer is not None and layer.weight is weight:  # not that of a later tensor
        del _layers[key]


def _versions(weight: torch.Tensor, bias: torch.Tensor | None) -> tuple[int, ...]:
    """Count in-place changes and, as ``tensor.data = other`` is not counted, tell the address."""
    if bias is None:
        return weight._version, weight.data_ptr()
    return weight._version, weight.data_ptr(), bias._version, bias.data_ptr()
