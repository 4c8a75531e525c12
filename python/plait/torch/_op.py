"""The operator plait::conv2d: on real tensors, on fake ones, and where a gradient is asked for.

`padding` is top, bottom, left, right. `activation` is as in `plait.conv2d`, but "" means none. With
`constant_weight` the packed weight is kept until weight or bias change. `residual` is added before
the activation. The last four arguments are limits as in `plait.conv2d`.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._C import (
    DispatchKey,
    DispatchKeySet,
    _after_autograd_keyset,
    _AutoDispatchBelowAutograd,
)
from torch.autograd import forward_ad

import plait
from plait import _core
from plait.torch import _kept, _shapes
from plait.torch._shapes import Options

_SCHEMA = (
    "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[4] padding=0, "
    'int[2] dilation=1, int groups=1, str activation="", bool constant_weight=False, '
    'str padding_mode="zeros", Tensor? residual=None, str accuracy="fp32", '
    "int? max_workspace_bytes=None, bool reproducible=False, int? threads=None) -> Tensor"
)

# The keys of a call without tensor subclasses or modes: the CPU comes right after autograd.
_PLAIN_CALL = DispatchKeySet(DispatchKey.CPU).add(DispatchKey.AutogradCPU).raw_repr()


# Arguments are listed here, and not an `Options`, because making one at each call takes time. torch
# leaves out trailing arguments that have the schema's defaults.
def _conv2d_on_cpu(
    input: torch.Tensor,  # noqa: A002 (torch's name)
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0, 0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
    activation: str = "",
    constant_weight: bool = False,
    padding_mode: str = "zeros",
    residual: torch.Tensor | None = None,
    *limits: Any,
) -> torch.Tensor:
    layer_options = (stride, padding, dilation, groups, activation, constant_weight, padding_mode)
    if input.dim() == 3:
        batch = input.unsqueeze(0)
        other = None if residual is None else residual.unsqueeze(0)
        return _conv2d_on_cpu(batch, weight, bias, *layer_options, other, *limits).squeeze(0)
    layer = _kept.layer_of(weight, bias) if constant_weight else None
    if layer.is_channels_last if layer else _shapes.is_channels_last(weight):
        input = input.contiguous(memory_format=torch.channels_last)  # noqa: A001 (as torch does)
    if layer is None:
        return _convolve_once(input, weight, bias, Options(*layer_options, residual, *limits))
    key = (
        *input.shape,
        *input.stride(),
        *stride,
        *padding,
        *dilation,
        groups,
        activation,
        padding_mode,
        residual is None,
        torch.get_num_threads(),
        *limits,
    )
    step = layer.steps.get(key)
    if layer.is_stale_anywhere() if step is None else layer.is_stale(step.checked_bytes):
        layer = _kept.new_layer(weight, bias)
        if layer is None:
            return _convolve_once(input, weight, bias, Options(*layer_options, residual, *limits))
        step = None
    if step is None:
        options = Options(*layer_options, residual, *limits)
        y = _shapes.empty_output(input, weight, bias, options)
        if input.shape[0] == 0:
            return y
        problem = _problem(input, weight, bias, options)
        step = layer.add_step(key, problem, weight, bias, _kept.Limits(*limits))
    else:
        y = input.new_empty_strided(step.y_shape, step.y_strides)
        if step.large_bytes:
            _core.ask_for_huge_pages(y.data_ptr(), step.large_bytes)
    if residual is not None:
        residual = _shapes.residual_like(y, residual)
    step.plan.run(input, step.packed, residual, y)
    return y


def _convolve_once(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    options: Options,
) -> torch.Tensor:
    y = _shapes.empty_output(input, weight, bias, options)
    if input.shape[0] > 0:
        residual = options.residual
        plait.conv2d(
            input,
            weight,
            bias,
            tuple(options.stride),
            _shapes.sides(options.padding),
            tuple(options.dilation),
            options.groups,
            padding_mode=options.padding_mode,
            activation=options.activation or None,
            residual=residual if residual is None else _shapes.residual_like(y, residual),
            accuracy=options.accuracy,
            max_workspace_bytes=options.max_workspace_bytes,
            reproducible=options.reproducible,
            threads=options.threads,
            out=y,
        )
    return y


def _problem(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    options: Options,
) -> plait.Problem:
    layout = _shapes.layout_of(input)
    problem = plait.Problem.from_shapes(
        input.shape,
        weight.shape,
        stride=options.stride,
        padding=_shapes.sides(options.padding),
        dilation=options.dilation,
        groups=options.groups,
        bias=bias is not None,
        residual=options.residual is not None,
        activation=options.activation or None,
        padding_mode=options.padding_mode,
        layout=layout,
        dtype=str(weight.dtype).removeprefix("torch."),
    )
    if layout == "nchw" and not input.is_contiguous():
        problem = plait.Problem(f"{problem},xstrides=" + "_".join(map(str, input.stride())))
    return problem


def _conv2d_above_autograd(
    keyset: DispatchKeySet,
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *options: Any,
) -> torch.Tensor:
    """Refuse derivatives, which torch would otherwise take to be zero, and go on below autograd."""
    residual = options[_RESIDUAL] if len(options) > _RESIDUAL else None
    if torch.is_grad_enabled() and (
        input.requires_grad
        or weight.requires_grad
        or (bias is not None and bias.requires_grad)
        or (residual is not None and residual.requires_grad)
    ):
        _refuse_gradient(input, weight, bias, residual)
    if forward_ad._current_level >= 0:
        _refuse_tangent(input, weight, bias, residual)
    if keyset.raw_repr() == _PLAIN_CALL:
        return _conv2d_on_cpu(input, weight, bias, *options)  # as torch would, in some 4 us less
    with _AutoDispatchBelowAutograd():
        y: torch.Tensor = conv2d.redispatch(
            keyset & _after_autograd_keyset, input, weight, bias, *options
        )
    return y


def _fake_conv2d(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *options: Any,
) -> torch.Tensor:
    return _shapes.empty_output(input, weight, bias, Options(*options))


_RESIDUAL = Options._fields.index("residual")
_TENSORS = ("input", "weight", "bias", "residual")


def _refuse_gradient(*tensors: torch.Tensor | None) -> None:
    for name, tensor in zip(_TENSORS, tensors, strict=True):
        if tensor is not None and tensor.requires_grad:
            raise ValueError(
                f"{name} requires a gradient, which plait does not compute: call under "
                f"torch.no_grad() or torch.inference_mode(), or pass {name}.detach()"
            )


def _refuse_tangent(*tensors: torch.Tensor | None) -> None:
    for name, tensor in zip(_TENSORS, tensors, strict=True):
        if tensor is not None and forward_ad.unpack_dual(tensor).tangent is not None:
            raise ValueError(
                f"{name} has a forward-mode derivative, which plait does not propagate: pass "
                f"{name}.detach()"
            )


_LIBRARY = torch.library.Library("plait", "DEF")
# The strides of outputs depend on those of inputs, so compilers must keep the strides they traced.
_LIBRARY.define(_SCHEMA, tags=(torch.Tag.pt2_compliant_tag, torch.Tag.needs_exact_strides))
_LIBRARY.impl("conv2d", _conv2d_on_cpu, "CPU")
_LIBRARY.impl("conv2d", _conv2d_above_autograd, "Autograd", with_keyset=True)
torch.library.register_fake("plait::conv2d", _fake_conv2d, lib=_LIBRARY)

torch.library.register_autocast("plait::conv2d", "cpu", torch.float32, lib=_LIBRARY)

conv2d: Any = torch.ops.plait.conv2d.default
