"""Convolution layers as values: what the algebra of kernels takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class ConvLayer(NamedTuple):
    """A convolution layer with its weights, in the order of the arguments of `conv2d`.

    So ``plait.conv2d(x, *layer)`` is its output, and where padding is the same on opposite sides,
    ``torch.nn.functional.conv2d(x, *layer)`` is too.

    Attributes
    ----------
    kernel : array
        Shape c_out x c_in/groups x k_h x k_w, or k_h x k_w of one channel.
    bias : array, optional
        Shape c_out.
    stride, padding, dilation, groups
        As in `conv2d`; where they are results, pairs (h, w), or ((top, bottom), (left, right)) for
        a padding that differs on opposite sides.

    Examples
    --------
    >>> layer = plait.ConvLayer(numpy.ones((1, 1, 3, 3), "float32"), padding=1)
    >>> plait.conv2d(numpy.ones((1, 3, 3), "float32"), *layer)
    array([[[4., 6., 4.],
            [6., 9., 6.],
            [4., 6., 4.]]], dtype=float32)
    """

    kernel: Any
    bias: Any = None
    stride: int | Sequence[int] = 1
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0
    dilation: int | Sequence[int] = 1
    groups: int = 1


def to_layer(given: Any) -> ConvLayer:
    """Take a `ConvLayer`, a tuple or dict of its fields, or a kernel alone."""
    if isinstance(given, ConvLayer):
        return given
    if isinstance(given, Mapping):
        return ConvLayer(**given)
    if isinstance(given, tuple):
        return ConvLayer(*given)
    return ConvLayer(given)


def from_core(fields: Any) -> ConvLayer:
    """Name the fields that the extension answers with."""
    return ConvLayer(*fields)
