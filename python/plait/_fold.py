"""Layers folded into one kernel: batch norms, 1x1 layers, parallel branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from plait import _core
from plait._layers import ConvLayer, from_core, to_layer


def fold_batch_norm(
    K: Any,  # noqa: N803
    bias: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    variance: Any,
    eps: float = 1e-5,
    *,
    before: bool = False,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0,
    groups: int = 1,
) -> tuple[Any, Any]:
    """Fold a batch norm, as it is after training, into the layer before or behind it.

    The norm is ``scale * x + shift`` per channel, with ``scale = gamma / sqrt(variance + eps)`` and
    ``shift = beta - scale * mean``. Values are computed in float64 and rounded once.

    Parameters
    ----------
    K : array
        The layer's kernel, c_out x c_in/groups x k_h x k_w, or k_h x k_w of one channel; of any
        kind and dtype that `conv2d` takes.
    bias : array or None
        The layer's, c_out.
    gamma, beta : array or None
        The norm's factors and summands, one per channel; None stands for ones and zeros.
    mean, variance : array
        The norm's running statistics.
    eps : float
        Added to the variance; not negative.
    before : bool
        Whether the norm is in front of the layer, and so has its c_in channels, rather than behind
        it.
    padding
        The layer's, as in `conv2d`. It matters to a norm in front only: the norm would not have
        shifted the padding's zeros.
    groups : int
        The layer's.

    Returns
    -------
    kernel, bias : array
        Of the kind and dtype of `K`: the layer that computes what both did, with the same stride,
        padding, dilation and groups, at the borders too.

    Raises
    ------
    ValueError
        If lengths do not fit, a variance or `eps` is negative, a value is not finite, or a norm in
        front shifts a channel of a layer with padding, so that outputs at the borders would differ.
    TypeError
        If an argument has a wrong type.

    See Also
    --------
    plait.merge_branches : layers side by side as one, behind this for a RepVGG block.

    Examples
    --------
    >>> def values(*numbers):
    ...     return numpy.array(numbers, "float32")
    >>> K = numpy.ones((2, 1, 1, 2), "float32")
    >>> kernel, bias = plait.fold_batch_norm(
    ...     K, None, values(2, 4), values(5, 0), values(1, 2), values(3, 0), eps=1
    ... )
    >>> kernel.ravel()
    array([1., 1., 4., 4.], dtype=float32)
    >>> bias
    array([ 4., -8.], dtype=float32)
    """
    return cast(
        "tuple[Any, Any]",
        _core.fold_batch_norm(K, bias, gamma, beta, mean, variance, eps, before, padding, groups),
    )


def fold_pointwise(
    first: Any, second: Any, *, input_size: int | Sequence[int] | None = None
) -> ConvLayer:
    """Make one layer of two in a row, of which one is 1x1.

    A 1x1 layer without padding behind another always folds. One in front folds where it has no
    bias, or the other no padding: else the zeros of that padding would have to be biases.

    Parameters
    ----------
    first, second : ConvLayer, tuple, dict or array
        A layer, its fields as a tuple or dict, or its kernel alone; both of one dtype.
    input_size : int or (int, int), optional
        h and w of x, where the fold needs to hold for that size only.

    Returns
    -------
    ConvLayer
        With arrays of the kind of the first kernel. It computes what both did, at the borders too,
        for every size of x or the one given. A dilation of the other layer stays.

    Raises
    ------
    ValueError
        If neither layer is 1x1, shapes do not fit, a value is not finite, or outputs can differ;
        the message says why, and with `input_size` how many.
    TypeError
        If an argument has a wrong type.

    See Also
    --------
    plait.compose : any two layers in a row, also where some outputs differ.

    Examples
    --------
    >>> reduce = numpy.ones((2, 8, 1, 1), "float32")
    >>> K = numpy.ones((4, 2, 3, 3), "float32")
    >>> layer = plait.fold_pointwise(reduce, plait.ConvLayer(K, stride=2, padding=1))
    >>> layer.kernel.shape, layer.stride, layer.padding
    ((4, 8, 3, 3), (2, 2), (1, 1))
    """
    return from_core(_core.fold_pointwise(to_layer(first), to_layer(second), input_size))


def embed_pointwise(layer: Any, window: int | Sequence[int]) -> ConvLayer:
    """Write a 1x1 layer as one with a larger window, zero but for the tap in its middle.

    Parameters
    ----------
    layer : ConvLayer, tuple, dict or array
        With a kernel of c_out x c_in/groups x 1 x 1.
    window : int or (int, int)
        k_h and k_w of the result; the tap is at ((k_h - 1) // 2, (k_w - 1) // 2).

    Returns
    -------
    ConvLayer
        With as much more padding, so that it computes the same.

    Raises
    ------
    ValueError
        If the kernel is not 1x1, or a number is below 1.
    TypeError
        If an argument has a wrong type.

    See Also
    --------
    plait.extract_pointwise : the way back.

    Examples
    --------
    >>> layer = plait.embed_pointwise(numpy.full((1, 1, 1, 1), 7, "float32"), 3)
    >>> layer.kernel[0, 0]
    array([[0., 0., 0.],
           [0., 7., 0.],
           [0., 0., 0.]], dtype=float32)
    >>> layer.padding
    (1, 1)
    """
    return from_core(_core.embed_pointwise(to_layer(layer), window))


def extract_pointwise(layer: Any) -> ConvLayer:
    """Write a layer whose window is zero but for one tap as a 1x1 layer.

    Parameters
    ----------
    layer : ConvLayer, tuple, dict or array
        Its tap (u, v) must be the same for all channels.

    Returns
    -------
    ConvLayer
        With the padding that is left: ``top - u * dilation`` above and ``bottom - (k_h - 1 - u) *
        dilation`` below, and so on.

    Raises
    ------
    ValueError
        If a second tap is not zero, or that padding would be negative.
    TypeError
        If an argument has a wrong type.

    Examples
    --------
    >>> K = numpy.zeros((1, 1, 3, 3), "float32")
    >>> K[0, 0, 0, 1] = 7
    >>> layer = plait.extract_pointwise(plait.ConvLayer(K, padding=((0, 2), (1, 1))))
    >>> layer.kernel.shape, layer.padding
    ((1, 1, 1, 1), (0, 0))
    """
    return from_core(_core.extract_pointwise(to_layer(layer)))


def merge_branches(branches: Iterable[Any]) -> ConvLayer:
    """Make one layer of branches that read the same x and whose outputs are added.

    Such as 3x3 + 1x1 + identity, or 3x3 + 1x3 + 3x1. The kernel has a tap wherever one of a branch
    stands, relative to the output; it is dilated where their distances allow, and has as many
    groups as go into those of all branches, with zeros where a branch has no weight.

    Parameters
    ----------
    branches : iterable of ConvLayer, tuple, dict or array
        One layer each, or its kernel alone; all of one dtype. Their channels and strides must
        agree, and ``top + bottom - dilation * (k_h - 1)`` and its like for k_w too: else the
        outputs differ in size. Two layers in a row are composed first (`compose`), a batch norm is
        folded (`fold_batch_norm`).

    Returns
    -------
    ConvLayer
        With arrays of the kind of the first kernel, for every size of x, at the borders too.

    Raises
    ------
    ValueError
        If branches do not go together, or a value is not finite; the message names the branch.
    TypeError
        If an argument has a wrong type.

    See Also
    --------
    plait.concatenate_branches : outputs side by side instead of added.
    plait.identity_kernel : the branch that is x itself.

    Notes
    -----
    Training with branches and running one kernel is the idea of RepVGG (Ding et al., 2021) and
    ACNet (Ding et al., 2019).

    Examples
    --------
    >>> square = plait.ConvLayer(numpy.ones((1, 1, 3, 3), "float32"), padding=1)
    >>> row = plait.ConvLayer(numpy.full((1, 1, 1, 3), 10, "float32"), padding=(0, 1))
    >>> layer = plait.merge_branches([square, row, plait.identity_kernel(1)])
    >>> layer.kernel[0, 0]
    array([[ 1.,  1.,  1.],
           [11., 12., 11.],
           [ 1.,  1.,  1.]], dtype=float32)
    >>> layer.padding
    (1, 1)
    """
    return from_core(_core.merge_branches([to_layer(branch) for branch in branches]))


def concatenate_branches(branches: Iterable[Any]) -> ConvLayer:
    """Make one layer of branches that read the same x and whose outputs are concatenated.

    As in an Inception module, over the channels and in the order of the branches.

    Parameters
    ----------
    branches : iterable of ConvLayer, tuple, dict or array
        As in `merge_branches`, but they may differ in c_out.

    Returns
    -------
    ConvLayer
        In one group, with arrays of the kind of the first kernel.

    Raises
    ------
    ValueError
        If branches do not go together, or a value is not finite; the message names the branch.
    TypeError
        If an argument has a wrong type.

    Examples
    --------
    >>> square = plait.ConvLayer(numpy.ones((2, 4, 3, 3), "float32"), padding=1)
    >>> plait.concatenate_branches([square, plait.identity_kernel(4)]).kernel.shape
    (6, 4, 3, 3)
    """
    return from_core(_core.concatenate_branches([to_layer(branch) for branch in branches]))
