"""Calls of the operator plait::conv2d, and the check of what they answer."""

from __future__ import annotations

import plait.torch  # noqa: F401 (registers the operator)
import torch
from plait.torch import _kept

conv2d = torch.ops.plait.conv2d.default
F = torch.nn.functional


def kept(weight):
    """What is kept of a constant weight between calls, or None."""
    return _kept._layers.get(id(weight))


def operands(c_in=4, c_out=6, k=3, groups=1, size=(9, 8), n=2, dtype=torch.float32):
    x = torch.randn(n, c_in, *size, dtype=dtype)
    return x, torch.randn(c_out, c_in // groups, k, k, dtype=dtype), torch.randn(c_out, dtype=dtype)


def assert_close(y, x, weight, bias=None, **options):
    """Against torch in float64, within plait's error bound for sums of this depth."""
    exact = F.conv2d(
        x.double(), weight.double(), bias if bias is None else bias.double(), **options
    )
    size = F.conv2d(
        x.double().abs(),
        weight.double().abs(),
        None if bias is None else bias.double().abs(),
        **options,
    )
    bound = (weight[0].numel() + 2) * torch.finfo(y.dtype).eps * size
    assert y.shape == exact.shape
    assert y.dtype == x.dtype
    assert torch.all((y - exact).abs() <= bound)


def four(padding=(0, 0)):
    return (padding[0], padding[0], padding[1], padding[1])


def call(x, weight, bias=None, activation="", constant_weight=False, **options):
    one = (1, 1)
    return conv2d(
        x, weight, bias, options.get("stride", one), four(options.get("padding", (0, 0))),
        options.get("dilation", one), options.get("groups", 1), activation, constant_weight,
        options.get("padding_mode", "zeros"),
    )  # fmt: skip
