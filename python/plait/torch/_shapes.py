"""Options, shapes, memory formats and checks of a call of the operator. Sizes may be symbols."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

_AXES = (0, 1)  # h, w


class Options(NamedTuple):
    """What the operator takes besides input, weight and bias, in the order of its schema."""

    stride: Sequence[int] = (1, 1)
    padding: Sequence[int] = (0, 0, 0, 0)
    dilation: Sequence[int] = (1, 1)
    groups: int = 1
    activation: str = ""
    constant_weight: bool = False
    padding_mode: str = "zeros"
    residual: torch.Tensor | None = None
    accuracy: str = "fp32"
    max_workspace_bytes: int | None = None
    reproducible: bool = False
    threads: int | None = None


def empty_output(
    input: torch.Tensor,  # noqa: A002 (torch's name)
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    options: Options,
) -> torch.Tensor:
    """Check a call, and make its output without initialising it.

    As in torch, the output is channels_last if input or weight is dense in that format alone, else
    contiguous.
    """
    _check_dtypes(input, weight, bias)
    _check_ranks(input, weight)
    if input.dim() == 3:
        if options.residual is not None:
            options = options._replace(residual=options.residual.unsqueeze(0))
        return empty_output(input.unsqueeze(0), weight, bias, options).squeeze(0)
    _check_channels(input, weight, bias, options.groups)
    _check_window(input, weight, options)
    _check_padding(input, options)
    shape = [input.shape[0], weight.shape[0]]
    for axis in _AXES:
        steps = _padded(input, options, axis) - _window(weight, options, axis)
        shape.append(steps // options.stride[axis] + 1)
    _check_residual(input, options.residual, shape)
    nhwc = is_channels_last(input) or is_channels_last(weight)
    return input.new_empty_strided(shape, strides(shape, "nhwc" if nhwc else "nchw"))


def residual_like(y: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
    """Check the residual, and return it with the strides of the output."""
    if residual.dtype != y.dtype or residual.shape != y.shape:
        _check_residual(y, residual, y.shape)
    if residual.stride() == y.stride():
        return residual
    return torch.empty_like(y).copy_(residual)


def is_channels_last(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is dense in that memory format alone."""
    if tensor.is_contiguous():
        return False
    return tensor.is_contiguous(memory_format=torch.channels_last)


def layout_of(input: torch.Tensor) -> str:  # noqa: A002
    """Return the layout, as `plait.conv2d` finds it: nhwc if the input is dense in that alone."""
    return "nhwc" if is_channels_last(input) else "nchw"


def strides(shape: Sequence[int], layout: str) -> tuple[int, int, int, int]:
    """Return the element strides, in the order n, c, h, w, of a dense n x c x h x w tensor."""
    _, c, h, w = shape
    if layout == "nhwc":
        return h * w * c, 1, w * c, c
    return c * h * w, h * w, w, 1


def sides(padding: Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return padding on top, bottom, left and right as `plait.conv2d` takes it."""
    top, bottom, left, right = padding
    return (top, bottom), (left, right)


def _padded(input: torch.Tensor, options: Options, axis: int) -> int:  # noqa: A002
    return input.shape[2 + axis] + sum(options.padding[2 * axis : 2 * axis + 2])


def _window(weight: torch.Tensor, options: Options, axis: int) -> int:
    return options.dilation[axis] * (weight.shape[2 + axis] - 1) + 1


def _check_dtypes(*tensors: torch.Tensor | None) -> None:
    given = {tensor.dtype for tensor in tensors if tensor is not None}
    if len(given) != 1 or not given <= {torch.float32, torch.float64}:
        names = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in given))
        raise TypeError(
            f"input, weight and bias must be all float32 or all float64 but are {names}: "
            "convert them by .float()"
        )


def _check_ranks(input: torch.Tensor, weight: torch.Tensor) -> None:  # noqa: A002
    if input.dim() not in (3, 4) or weight.dim() != 4:
        raise ValueError(
            "input must be n x c x h x w or c x h x w, and weight c_out x c_in/groups x k_h x k_w, "
            f"but they are {text(input.shape)} and {text(weight.shape)}"
        )


def _check_channels(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    groups: int,
) -> None:
    _check(
        groups >= 1
        and input.shape[1] == weight.shape[1] * groups
        and weight.shape[0] % groups == 0,
        lambda: (
            f"weight {text(weight.shape)} in {groups} groups does not fit the channels of input "
            f"{text(input.shape)}"
        ),
    )
    _check(
        bias is None or (bias.dim() == 1 and bias.shape[0] == weight.shape[0]),
        lambda: (
            f"bias must have one value per output channel of weight {text(weight.shape)} but is "
            f"{text(bias.shape if bias is not None else ())}"
        ),
    )


def _check_residual(
    input: torch.Tensor,  # noqa: A002
    residual: torch.Tensor | None,
    shape: Sequence[int],
) -> None:
    if residual is None:
        return
    if residual.dtype != input.dtype:
        raise TypeError(f"residual must be {input.dtype}, like input, but is {residual.dtype}")
    if residual.dim() != len(shape):
        raise ValueError(f"residual must have {len(shape)} axes but has {residual.dim()}")
    for have, need in zip(residual.shape, shape, strict=True):
        _check(
            have == need,
            lambda: (
                f"residual must be {text(shape)}, like the output, but is {text(residual.shape)}"
            ),
        )


def _check_window(input: torch.Tensor, weight: torch.Tensor, options: Options) -> None:  # noqa: A002
    stride, padding, dilation = options.stride, options.padding, options.dilation
    if min(stride) < 1 or min(dilation) < 1 or min(padding) < 0:
        raise ValueError(
            f"stride {text(stride)} and dilation {text(dilation)} must be at least 1, and "
            f"padding {text(padding)} at least 0"
        )
    for axis in _AXES:
        _check(
            _window(weight, options, axis) <= _padded(input, options, axis),
            lambda: (
                f"the kernel of weight {text(weight.shape)} with dilation {text(dilation)} is "
                f"larger than input {text(input.shape)} with padding {text(padding)}"
            ),
        )


_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def _check_padding(input: torch.Tensor, options: Options) -> None:  # noqa: A002
    padding, padding_mode = options.padding, options.padding_mode
    if padding_mode not in _PADDING_MODES:
        modes = ", ".join(map(repr, _PADDING_MODES))
        raise ValueError(f"padding_mode must be one of {modes} but is {padding_mode!r}")
    if padding_mode not in ("reflect", "circular"):
        return
    for axis in _AXES:
        most = max(padding[2 * axis : 2 * axis + 2])
        size = input.shape[2 + axis]
        _check(
            most < size if padding_mode == "reflect" else most <= size,
            lambda: (
                f"padding {text(padding)} with padding_mode {padding_mode!r} must be "
                f"{'less than' if padding_mode == 'reflect' else 'at most'} the size of input "
                f"{text(input.shape)} on each axis"
            ),
        )


def _check(condition: bool, text: Callable[[], str]) -> None:
    if condition is not True:  # false, or a symbol
        torch._check_value(condition, text)


def text(sizes: Sequence[int]) -> str:
    """Write sizes as in "1x3x224x224"."""
    return "x".join(map(str, sizes))
