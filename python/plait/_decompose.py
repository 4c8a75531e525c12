"""Whether a kernel is two smaller ones, and cheaper layers that come close to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plait import _core
from plait._layers import PlacedLayer, Rewrite, costs, placed, rewrites

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Factorisation:
    """Whether a kernel is exactly two with nothing between them.

    Attributes
    ----------
    answer : {'found', 'impossible', 'undecided'}
        Of one channel: whether there are two kernels larger than 1x1. Of more channels: found if
        one of the forms needs fewer channels between its layers than a kernel of that shape can
        need, else undecided, as with enough channels there always are two layers.
    reason : str
        In words.
    numbers : dict of str to float
        What proves it: "discriminant", "degree" and "real_roots" on one axis; the "ruppert_..."
        singular values and "distance", within which no kernel has factors, on two; "residual" and
        what rounding allows, "residual_allowed", of factors; "rank_..." of more channels.
    kernels : tuple of array
        The two kernels, if found, of the kind and dtype of K: with as many axes as K if it has one
        channel, else four. K is their full convolution.
    residual : float or None
        ``norm(K - layers) / norm(K)`` of the kernels as rounded.
    layers : tuple of PlacedLayer
        The two kernels with the strides, paddings, dilations and groups that make them the layer.
    middle_channels : list of dict
        Of more channels, for every split into a "first" and "second" size (h, w): "lower", fewer
        than which will not do between the layers of a group, and "upper", which always do.
    """

    answer: str
    reason: str
    numbers: dict[str, float]
    kernels: tuple[Any, ...] = field(repr=False)
    residual: float | None
    layers: tuple[PlacedLayer, ...] = field(repr=False)
    middle_channels: list[dict[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class Approximation(Rewrite):
    """Two layers instead of one.

    Attributes
    ----------
    name : str
        The form: 'spatial_pairs', 'spatial_shared', 'channels_first', 'channels_last', or
        'factors', the two kernels of one channel.
    what, layers, bitwise, output_bound, proof, multiplications_per_position, multiplications
        As in `Rewrite`, and so are the following five.
    predicted_seconds, measured_seconds, share, cheaper, verdict
    rank, full_rank : int
        Channels between the layers (of each pair of channels, or of a group), and how many make any
        kernel of this shape.
    kernel_error : float
        ``norm(K - K_layers) / norm(K)``, of the kernels as rounded. For inputs of independent
        values of mean zero also the expected rms error / rms output.
    bound_share : float or None
        The share of `output_bound` that was reached on random data, at most 1.
    """

    rank: int
    full_rank: int
    kernel_error: float
    bound_share: float | None


@dataclass(frozen=True)
class Decomposition:
    """What `plait.decompose` found. As text it is the report of ``plait decompose``.

    Attributes
    ----------
    separable : bool
        Whether every k_h x k_w kernel is a column times a row.
    singular_values : numpy.ndarray
        float64, c_out x c_in/groups x min(k_h, k_w), largest first; of one channel given as such,
        min(k_h, k_w). A kernel is separable if the second is at most `tolerance` times the first.
    tolerance : float
        16 units of rounding of K's dtype.
    factorisation : Factorisation
    forms : list of dict
        For each "form" of two layers: why it is "refused", or the ranks it needs: "exact_rank",
        "rank_1_percent", "rank_5_percent", "rank_10_percent" of error, and "full_rank".
    approximations : tuple of Approximation
        As asked by `rank` or `error`, else those that are exact.
    multiplications_per_position : int
        Of the layer as it is, for each position of the output.
    multiplications, predicted_seconds, measured_seconds
        Of the layer on one image, if `input_size` is given, else None.
    """

    separable: bool
    singular_values: np.ndarray = field(repr=False)
    tolerance: float = field(repr=False)
    factorisation: Factorisation
    forms: list[dict[str, Any]] = field(repr=False)
    approximations: tuple[Approximation, ...]
    multiplications_per_position: int
    multiplications: int | None
    predicted_seconds: float | None
    measured_seconds: float | None
    _text: str = field(repr=False)

    def __str__(self) -> str:
        return self._text.rstrip("\n")


def decompose(
    K: Any,  # noqa: N803
    *,
    rank: int | None = None,
    error: float | None = None,
    input_size: int | Sequence[int] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    measure_seconds: float = 0.1,
    threads: int | None = None,
) -> Decomposition:
    """Tell whether a kernel is two smaller ones, and find cheaper layers that come close to it.

    Two layers with nothing between them are one whose kernel is the full convolution of theirs,
    summed over the channels between. So one channel's kernel is two smaller ones exactly if the
    polynomial with its values as coefficients factors over the reals. All is computed in float64
    and rounded once.

    Parameters
    ----------
    K : array
        The layer's kernel, c_out x c_in/groups x k_h x k_w, c_in x k_h x k_w of one output
        channel, or k_h x k_w or k_w of one channel; of any kind and dtype that `conv2d` takes.
    rank : int, optional
        Give approximations of this rank, of every form that has it.
    error : float, optional
        Give those of the least rank that keeps the kernel's relative error at most this.
    input_size : int or (int, int), optional
        h x w of an image: predict and measure times on it, not only count products.
    stride, padding, dilation, groups
        Of the layer, as in `conv2d`: the layers made compute the same outputs, at the borders too.
    measure_seconds : float
        To spend on each alternative, if `input_size` is given; 0 only predicts.
    threads : int, optional
        For measuring; as many as a plan would use if not given.

    Returns
    -------
    Decomposition
        With `separable`, `singular_values`, `factorisation` and `approximations`; as text, all of
        it.

    Raises
    ------
    ValueError
        If shapes or values break a rule, no form has the rank, or a value of K is not finite.
    TypeError
        If an argument has a wrong type, holds no real numbers, or is not on the CPU.
    KeyboardInterrupt
        On Ctrl-C.

    See Also
    --------
    plait.compose : the way back.
    plait.inspect : cheaper layers that compute the same, of any structure.

    Notes
    -----
    The forms are a column then a row of taps, for each pair of channels (Rigamonti et al. 2013) or
    with channels shared (Jaderberg et al. 2014), and a 1x1 layer before or behind (Zhang et al.
    2016). For each, nothing of that rank is nearer to K (Eckart and Young 1936). That a kernel in
    two dimensions has no factors is proved by Ruppert's matrix (Ruppert 1999; Gao 2003).

    Examples
    --------
    >>> sobel = numpy.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], "float32")
    >>> plait.decompose(sobel).factorisation.kernels
    (array([[1.],
           [2.],
           [1.]], dtype=float32), array([[ 1.,  0., -1.]], dtype=float32))
    >>> plait.decompose(numpy.array([1.0, 0.0, 1.0])).factorisation.reason
    'the polynomial of degree 2 has no real root: b^2 - 4ac = -4 < 0'
    >>> kernel = numpy.random.default_rng(0).standard_normal((8, 8, 3, 3))
    >>> found = plait.decompose(kernel, rank=4, padding=1)
    >>> [(each.name, each.multiplications_per_position) for each in found.approximations]
    [('spatial_shared', 192), ('channels_first', 320), ('channels_last', 320)]
    """
    found: Any = _core.decompose(
        K, rank, error, input_size, stride, padding, dilation, groups, measure_seconds, threads
    )
    report, text, singular_values, kernels, factor_layers, layers = found
    import json

    told = json.loads(report)
    factors = told["factorisation"] | {"kernels": kernels, "layers": placed(factor_layers)}
    return Decomposition(
        separable=told["separability"]["separable"],
        singular_values=singular_values,
        tolerance=told["separability"]["tolerance"],
        factorisation=Factorisation(**factors),
        forms=told["forms"],
        approximations=rewrites(Approximation, told["approximations"], layers),
        _text=text,
        **costs(told["cost"]),
    )
