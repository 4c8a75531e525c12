"""Keeps packed weights and plans between calls with a constant weight.

A change of the weight shows in torch's count of changes or in its address. Writes that torch does
not count, such as those of fused optimisers, show in checksums of the weight's memory, of which
every call verifies some.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

import plait
from plait import _core
from plait.torch import _shapes

_KEPT_STEPS = 32  # per weight; to make a step again takes some 50 us, since packed weights stay

# The packed copies of a weight take at most so many times its own bytes, or there is one copy only.
# Direct algorithms need the bytes once, Winograd's usual variant four times. For a new input the
# algorithms of the kept copies are asked first, and one is taken if it is predicted to take hardly
# longer than the fastest; the second factor holds where a copy would have to be dropped.
_KEPT_TIMES = 5.5
_HARDLY_LONGER, _MUCH_LONGER = 1.05, 1.25


class Limits(NamedTuple):
    """What a plan may do, as in `plait.conv2d`."""

    accuracy: str = "fp32"
    max_workspace_bytes: int | None = None
    reproducible: bool = False
    threads: int | None = None


def check(limits: Limits) -> None:
    """Raise for limits that no plan could have."""
    plait.plan("1x1x1x1,1x1x1x1", **limits._asdict())


class Step(NamedTuple):
    """All that a call with inputs of one shape needs."""

    plan: plait.Plan
    packed: plait.Packed
    y_shape: Sequence[int]
    y_strides: Sequence[int]
    large_bytes: int  # the bytes of y if it asks for huge pages, else 0
    checked_bytes: int  # how many bytes of weight and bias each call verifies


# Checksums may take one hundredth of a call's time, at a rate that any memory reaches. The time of
# a call is what the plan predicts, and what torch takes before.
_CHECKED_PER_SECOND = 0.01 * 8e9
_CALL_SECONDS = 1e-5

# The C library gets memory for large tensors from the system and returns it when they are freed. So
# each first write to a page is a page fault again: 2.4 us on a Zen 4 VM (2026-12-01), which can be
# more than the layer takes.
_LARGE = 4 << 20

# A weight whose memory spans more than this many times its bytes is not kept.
_SPREAD = 4


class Layer:
    """A weight with its bias, as they were when first used."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.weight = weakref.ref(weight, partial(_forget, id(weight)))
        self._bias = None if bias is None else weakref.ref(bias)
        # Tensors made in inference mode do not count their changes.
        self._counted = not any(t.is_inference() for t in (weight, bias) if t is not None)
        self._versions = _versions(weight, bias, self._counted)
        # The memory is held, so that no other tensor gets the same address.
        self._memory = [t.untyped_storage() for t in (weight, bias) if t is not None]
        self._sums = _core.Checksums([_span(t) for t in (weight, bias) if t is not None])
        self.is_channels_last = _shapes.is_channels_last(weight)
        # Whether any of the next so many bytes has changed.
        self.is_stale: Callable[[int], bool] = self._sums.changed
        self._packed: dict[str, plait.Packed] = {}
        self.steps: dict[tuple[Any, ...], Step] = {}

    def holds(self, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
        """Tell whether it was made of these tensors, unchanged since."""
        same_bias = bias is None if self._bias is None else self._bias() is bias
        same = same_bias and self.weight() is weight
        return same and self._versions == _versions(weight, bias, self._counted)

    def is_stale_anywhere(self) -> bool:
        """Tell whether any byte has changed."""
        return self._sums.changed(self._sums.bytes)

    def add_step(
        self,
        key: tuple[Any, ...],
        problem: plait.Problem,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        limits: Limits,
    ) -> Step:
        """Plan the problem, and pack unless another plan takes weights packed in the same way."""
        if limits.threads is None:
            limits = limits._replace(threads=threads())
        plan = self._plan(problem, limits)
        packed = self._packed.pop(plan.packed_format, None)
        if packed is None:
            while self._packed and not self._has_room(plan):
                self._drop(next(iter(self._packed)))
            packed = plan.pack(weight, bias)
        self._packed[plan.packed_format] = packed  # the last entry is the last used
        y_strides = _shapes.strides(problem.y_shape, problem.y_layout)
        if len(self.steps) >= _KEPT_STEPS:
            self.steps.clear()  # all at once, since other threads may be adding steps
        checked = int(_CHECKED_PER_SECOND * (plan.predicted_seconds + _CALL_SECONDS))
        if not self._counted:
            checked = self._sums.bytes
        y_bytes = math.prod(problem.y_shape) * weight.element_size()
        large = y_bytes if y_bytes >= _LARGE else 0
        step = self.steps[key] = Step(plan, packed, problem.y_shape, y_strides, large, checked)
        return step

    def _plan(self, problem: plait.Problem, limits: Limits) -> plait.Plan:
        """Plan with a packed copy that is kept, if that gives the same bits and is fast enough."""
        best = plait.plan(problem, **limits._asdict())
        if best.packed_format in self._packed:
            return best
        factor = _HARDLY_LONGER if self._has_room(best) else _MUCH_LONGER
        longest = best.predicted_seconds * factor
        for kept in list(self._packed):
            try:
                other = plait.plan(problem, packed_format=kept, **limits._asdict())
            except ValueError:  # the algorithm of this copy refuses the problem
                continue
            if other.predicted_seconds <= longest and _have_equal_bits(other, best):
                return other
        return best

    def _has_room(self, plan: plait.Plan) -> bool:
        kept = sum(packed.nbytes for packed in self._packed.values())
        return kept + plan.packed_bytes <= _KEPT_TIMES * self._sums.bytes

    def _drop(self, packed_format: str) -> None:
        del self._packed[packed_format]
        for key, step in list(self.steps.items()):
            if step.plan.packed_format == packed_format:
                self.steps.pop(key, None)


def _have_equal_bits(a: plait.Plan, b: plait.Plan) -> bool:
    """Tell whether two plans give the same bits: the same algorithm, or both without transforms."""
    direct = a.cost.transform_operations == b.cost.transform_operations == 0
    return direct or a.algorithm == b.algorithm


_layers: dict[int, Layer] = {}  # by the id of the weight


def layer_of(weight: torch.Tensor, bias: torch.Tensor | None) -> Layer | None:
    """Return what is kept for the weight and bias; None if nothing should be."""
    if weight.requires_grad or (bias is not None and bias.requires_grad):
        _layers.pop(id(weight), None)  # an optimiser may write without torch counting it
        return None
    layer = _layers.get(id(weight))
    if layer is not None and layer.holds(weight, bias):
        return layer
    return new_layer(weight, bias)


def new_layer(weight: torch.Tensor, bias: torch.Tensor | None) -> Layer | None:
    """Keep the weight and bias as they are now, and nothing that was kept of them before."""
    if not all(_is_together(t) for t in (weight, bias) if t is not None):
        return None
    layer = _layers[id(weight)] = Layer(weight, bias)
    return layer


def steps_of(weight: torch.Tensor) -> list[Step]:
    """Return what is kept for calls with the weight, the latest last."""
    layer = _layers.get(id(weight))
    return [] if layer is None or layer.weight() is not weight else list(layer.steps.values())


def drop_kept_weights() -> None:
    """Forget all packed weights and plans; the next call of each layer reads its weight anew.

    For weights that were just written past torch's count of changes: by a fused optimiser, through
    ``weight.numpy()`` or ``weight.data``. Calls would find that themselves, but of large weights
    each looks at a part only.

    Examples
    --------
    >>> numpy.copyto(layer.weight.numpy(), weights)
    >>> plait.torch.drop_kept_weights()
    """
    _layers.clear()


def _span(tensor: torch.Tensor) -> tuple[int, int]:
    """Return address and bytes of the memory from a tensor's first number to its last."""
    if tensor.numel() == 0:
        return tensor.data_ptr(), 0
    last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), (last + 1) * tensor.element_size()


def _is_together(tensor: torch.Tensor) -> bool:
    return _span(tensor)[1] <= _SPREAD * tensor.numel() * tensor.element_size()


def threads() -> int | None:
    """Return torch's number of threads, or None if plait itself would use no more."""
    number = torch.get_num_threads()
    return number if number < _OWN_THREADS else None


_OWN_THREADS: int = plait.info()["machine"]["default_threads"]


def _forget(key: int, weight: weakref.ref[torch.Tensor]) -> None:
    layer = _layers.get(key)
    if layer is not None and layer.weight is weight:  # the id may belong to another tensor by now
        del _layers[key]


def _versions(weight: torch.Tensor, bias: torch.Tensor | None, counted: bool) -> tuple[int, ...]:
    """Count in-place changes and, as ``tensor.data = other`` is not counted, tell the address."""
    if not counted:
        return weight.data_ptr(), 0 if bias is None else bias.data_ptr()
    if bias is None:
        return weight._version, weight.data_ptr()
    return weight._version, weight.data_ptr(), bias._version, bias.data_ptr()
