"""The layer: torch.nn.Conv2d, computed by plait."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from plait.torch import _explain, _kept, _op


class Conv2d(nn.Conv2d):
    """A convolution layer for inference, whose weight is packed once.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, \
device, dtype
        As in `torch.nn.Conv2d`.

    Raises
    ------
    ValueError
        If an argument breaks a rule; in a call, also if input, weight or bias requires a gradient
        while gradients are enabled.
    RuntimeError
        In a call, if the layer is in training mode; it starts in eval mode.
    TypeError
        In a call, if the input is neither float32 nor float64, or not of the weight's dtype.

    Notes
    -----
    `weight` and `bias` are parameters that require no gradient, under the same names as in
    `torch.nn.Conv2d`. They are packed in the first call, and again after a change: at once if torch
    counts it (an in-place operation, ``load_state_dict``) or another tensor is in their place. A
    write past torch's count (``weight.numpy()``, in place into ``weight.data``, fused optimisers)
    is seen by checksums, of which each call verifies as many as take a hundredth of its time, in
    turn; `drop_kept_weights` makes the next call read all anew.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.requires_grad_(False)
        self.eval()
        self._sides = _sides(self)
        self._limits: tuple[Any, ...] = ()  # the limits given to `convert`; empty: the defaults

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch's name)
        """Convolve n x c_in x h x w, or c_in x h x w, images; see `plait.conv2d`."""
        return self.fused(input)

    def fused(
        self,
        input: torch.Tensor,  # noqa: A002
        residual: torch.Tensor | None = None,
        activation: str = "",
    ) -> torch.Tensor:
        """Convolve, add a tensor like the output, and apply an activation, in one pass."""
        if self.training:
            raise RuntimeError(
                "plait's Conv2d is in training mode, but computes for inference only: call .eval() "
                "on the model; to train, keep the torch model, and convert it afterwards"
            )
        rest: tuple[Any, ...] = ()
        # Each argument takes torch some time, so defaults are left out.
        if residual is not None or self._limits:
            rest = (self.padding_mode, residual, *self._limits)
        elif self.padding_mode != "zeros":
            rest = (self.padding_mode,)
        y: torch.Tensor = _op.conv2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self._sides,
            self.dilation,
            self.groups,
            activation,
            True,
            *rest,
        )
        return y

    def extra_repr(self) -> str:
        """Describe the layer as torch does, and how plait last planned it."""
        steps = _kept.steps_of(self.weight)
        plans = f"; {_explain.described(steps[-1].plan)}" if steps else ""
        torchs: str = super().extra_repr()  # type: ignore[no-untyped-call,unused-ignore]
        return torchs + plans


def _sides(layer: nn.Conv2d) -> tuple[int, int, int, int]:
    """Return the padding at top, bottom, left and right; 'same' puts an odd one below or right."""
    padding = layer.padding
    if isinstance(padding, str):
        h, w = (
            d * (k - 1) if padding == "same" else 0
            for d, k in zip(layer.dilation, layer.kernel_size, strict=True)
        )
        return h // 2, h - h // 2, w // 2, w - w // 2
    return padding[0], padding[0], padding[1], padding[1]


def from_torch(
    layer: nn.Conv2d, weight: torch.Tensor, bias: torch.Tensor | None, limits: tuple[Any, ...] = ()
) -> Conv2d:
    """Make a layer like another, of these tensors."""
    made = Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
        bias is not None,
        layer.padding_mode,
        device="meta",  # allocates no memory
    )
    made.weight = nn.Parameter(weight.detach(), requires_grad=False)
    made.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
    made._limits = limits
    return made.train(layer.training)


Conv2d.__module__ = "plait.torch"  # the name that pickled models refer to
