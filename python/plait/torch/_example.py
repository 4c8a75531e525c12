"""Whether a converted model answers an example as the model did."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

# Errors are relative to the answer's rms. Each layer may add plait's expected error in class fp32.
_OF_A_LAYER = 2e-6
_OF_A_NETWORK = 1e-5
_TIMES_TORCHS = 4  # plait and torch round differently, as they add in different orders


def compare(model: nn.Module, converted: nn.Module, example: Any, layers: int) -> None:
    """Raise ValueError if an answer differs by more than rounding.

    The measure is the model in float64, or, where that cannot be called, in float32.
    """
    before = dict(_answers(copy.deepcopy(model), example))
    after = dict(_answers(converted, example))
    if before.keys() != after.keys():
        raise ValueError(
            f"example: the model answers {len(before)} tensors but the converted one {len(after)}: "
            f"{_CURE}"
        )
    try:
        exact = dict(_answers(copy.deepcopy(model).double(), _doubled(example)))
    except Exception:  # a model may raise anything for numbers that it is not made for
        exact = {}
    for name, answer in after.items():
        if exact.keys() == before.keys():
            torchs = _error(before[name], exact[name])
            error = _error(answer, exact[name])
            limit = max(_TIMES_TORCHS * torchs, _OF_A_NETWORK)
        else:
            error = _error(answer, before[name])
            limit = _OF_A_NETWORK + layers * _OF_A_LAYER
        if not error <= limit:
            raise ValueError(
                f"example: output{name} of the converted model differs by {error:.2g} of its rms, "
                f"and rounding explains {limit:.2g}: {_CURE}"
            )


_CURE = "pass fold=False, or fold= with the names of the batch norms that are right"


def _answers(model: nn.Module, example: Any) -> Iterator[tuple[str, torch.Tensor]]:
    example = copy.deepcopy(example)  # a model may write to it
    if isinstance(example, Mapping):
        return _tensors("", model(**example))
    if isinstance(example, (tuple, list)):
        return _tensors("", model(*example))
    return _tensors("", model(example))


def _tensors(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors of real numbers in an answer, each with the way to it."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point():
            yield name, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _tensors(f"{name}[{key!r}]", one)
    elif isinstance(value, (tuple, list)):
        for i, one in enumerate(value):
            yield from _tensors(f"{name}[{i}]", one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _tensors(f"{name}.{field.name}", getattr(value, field.name))


def _doubled(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    if isinstance(value, Mapping):
        return {key: _doubled(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(_doubled, value))
    return value


def _error(answer: torch.Tensor, right: torch.Tensor) -> float:
    """Return the rms of the difference, relative to that of the right answer."""
    if answer.shape != right.shape:
        return float("inf")
    given, wanted = answer.double(), right.double()
    same = (given == wanted) | (given.isnan() & wanted.isnan())
    difference = torch.where(same, 0.0, given - wanted)
    size = torch.where(wanted.isfinite(), wanted, 0.0).norm()
    return float(difference.norm() / size) if size > 0 else float(difference.norm())
