"""compose: two layers with nothing between them as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from plait import _core
from plait._layers import ConvLayer

if TYPE_CHECKING:
    import numpy as np

    _Padding = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str


class CompositionCost(NamedTuple):
    """What two layers cost and the one that stands for both: pairs (two layers, one layer).

    Attributes
    ----------
    products_per_position : (int, int)
        Multiplications for each output position, all channels together, of a large image.
    products : (int, int), optional
        Multiplications for one image of `input_size`, those by padding zeros included.
    predicted_seconds : (float, float), optional
        For such an image, as `plait.plan` predicts.
    measured_seconds : (float, float), optional
        Medians, if asked for with ``measure=True``.
    """

    products_per_position: tuple[int, int]
    products: tuple[int, int] | None = None
    predicted_seconds: tuple[float, float] | None = None
    measured_seconds: tuple[float, float] | None = None

    @property
    def factor(self) -> float:
        """Products of the one layer by those of the two: below 1, composing makes it cheaper."""
        two, one = self.products or self.products_per_position
        return one / two


class _OneLayer(NamedTuple):
    kernel: Any
    bias: Any
    stride: tuple[int, int]
    padding: tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
    groups: int
    exact: bool
    differing: np.ndarray | None


class Composition(_OneLayer):
    """One layer that stands for two: a named tuple of seven, and what it costs beside it.

    ``plait.conv2d(x, c.kernel, c.bias, c.stride, c.padding, groups=c.groups)`` is its output, and
    so is ``plait.conv2d(x, *c.layer)``.

    Attributes
    ----------
    kernel : array
        Shape c_out x c_in/groups x k_h x k_w.
    bias : array, optional
        Shape c_out; None if neither layer has one.
    stride : (int, int)
        (h, w).
    padding : (int, int) or ((int, int), (int, int))
        (h, w), or ((top, bottom), (left, right)) where opposite sides differ.
    groups : int
    exact : bool
        Whether no output can differ: of images of `input_size`, or without it of images of any
        size that both layers accept.
    differing : numpy.ndarray, optional
        With `input_size`: bool, h_out x w_out, the outputs that can differ.
    cost : CompositionCost
        Whether it pays.
    """

    cost: CompositionCost

    @property
    def layer(self) -> ConvLayer:
        """The layer as `plait.conv2d` takes it."""
        return ConvLayer(self.kernel, self.bias, self.stride, self.padding, groups=self.groups)


def compose(
    K1: Any,  # noqa: N803
    K2: Any,  # noqa: N803
    *,
    stride1: int | Sequence[int] = 1,
    stride2: int | Sequence[int] = 1,
    dilation1: int | Sequence[int] = 1,
    dilation2: int | Sequence[int] = 1,
    groups1: int = 1,
    groups2: int = 1,
    bias1: Any = None,
    bias2: Any = None,
    padding1: _Padding = 0,
    padding2: _Padding = 0,
    input_size: int | Sequence[int] | None = None,
    require_exact: bool = False,
    measure: bool = False,
) -> Composition:
    """Make one layer of two with nothing between them.

    Its kernel is the full convolution of the two, summed over the middle channels. On each axis it
    has ``1 + dilation1 * (k1 - 1) + stride1 * dilation2 * (k2 - 1)`` taps, which is k1 + k2 - 1 of
    plain layers, stride ``stride1 * stride2``, padding ``padding1 + stride1 * padding2``, no
    dilation, and gcd(groups1, groups2) groups.

    Parameters
    ----------
    K1 : array
        The first layer's kernel, c_mid x c_in/groups1 x k_h x k_w, or k_h x k_w or k_w for one
        channel; of any kind and dtype that `conv2d` takes.
    K2 : array
        The second layer's, c_out x c_mid/groups2 x k_h x k_w, or k_h x k_w or k_w.
    stride1, stride2, dilation1, dilation2, groups1, groups2
        As in `conv2d`.
    bias1, bias2 : array, optional
        Shapes c_mid and c_out.
    padding1, padding2
        Zeros, as in `conv2d`; words such as 'same' for layers of stride 1.
    input_size : int or (int, int), optional
        Of the images: (h, w). With it `differing` tells the outputs that can differ.
    require_exact : bool
        Raise an error where outputs can differ.
    measure : bool
        Whether to measure both alternatives, for some 0.2 seconds each; needs `input_size`.

    Returns
    -------
    Composition
        Arrays of the kind of `K1`, but for `differing`, and of the dtype that numpy's rules make of
        all. Values are summed in float64 and rounded once.

    Raises
    ------
    ValueError
        If the layers do not fit each other or `input_size`, or a value is not finite; the message
        names the shapes and the rule. With `require_exact` it says how many outputs can differ, and
        why.
    TypeError
        If an argument has a wrong type, holds no real numbers, or is not on the CPU.
    KeyboardInterrupt
        On Ctrl-C.

    See Also
    --------
    plait.fold_pointwise : the same with a 1x1 layer, only where exact, keeping a dilation.

    Notes
    -----
    With `padding2` the second layer reads zeros around the middle map, where one kernel goes on
    with the first layer. So outputs can differ whose second window has a tap on such a padded
    position, if the first window there has a tap within the image, or `bias1` is not 0. Kernels
    count as generic: zeros in them make no layer exact.

    Examples
    --------
    >>> ones = numpy.ones((2, 2), "float32")
    >>> plait.compose(ones, ones).kernel[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]], dtype=float32)
    >>> k = numpy.ones((1, 1, 3, 3), "float32")
    >>> c = plait.compose(k, k, padding1=1, padding2=1, input_size=4)
    >>> c.padding, c.exact
    ((2, 2), False)
    >>> c.differing.astype(int)
    array([[1, 1, 1, 1],
           [1, 0, 0, 1],
           [1, 0, 0, 1],
           [1, 1, 1, 1]])
    >>> c.cost.products_per_position
    (18, 25)
    """
    fields: Any = _core.compose(
        K1,
        K2,
        stride1,
        stride2,
        dilation1,
        dilation2,
        groups1,
        groups2,
        bias1,
        bias2,
        padding1,
        padding2,
        input_size,
        require_exact,
        measure,
    )
    *layer, cost = fields
    composed = Composition(*layer)
    composed.cost = CompositionCost(*cost)
    return composed
