"""Convolution layers as values, and layers that stand for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeVar

from plait import _core


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


class PlacedLayer(NamedTuple):
    """A layer of several in a row, which may read and write some of the channels only.

    Attributes
    ----------
    layer : ConvLayer
        What is computed of the channels that are read.
    reads : list of int, optional
        Its channel c is channel ``reads[c]`` of what it is applied to; None stands for all of them.
    writes : list of int, optional
        Its output o is channel ``writes[o]`` of the result; None stands for all of them.
    channels : int
        Of the result; those that are not written to are 0.
    """

    layer: ConvLayer
    reads: list[int] | None
    writes: list[int] | None
    channels: int


@dataclass(frozen=True)
class Rewrite:
    """Layers that stand for one: what they are, how far they are from it, and what they cost.

    Attributes
    ----------
    name : str
        What `decompose` or `inspect` calls layers of this kind.
    what : str
        The same in words.
    layers : tuple of PlacedLayer
        One after the other. Their arrays are of the kind of the kernel.
    bitwise : bool
        Whether the kernel, rebuilt from the layers, is proved to have the same values bit for bit,
        with -0 taken for 0.
    output_bound : float
        No output differs by more than this times ``max(abs(x))``, apart from the rounding of its
        sums.
    proof : str
        The same in words: "bitwise: ...", or "bound: ...".
    multiplications_per_position : int
        For each position of the output.
    multiplications : int or None
        Of one image, if its size is given.
    predicted_seconds, measured_seconds : float or None
        Likewise.
    share : float
        Measured seconds by those of the layer as it is; predicted ones if not measured; without an
        input size products.
    cheaper : bool
        Whether that is clearly below 1.
    verdict : str
        In words: "cheaper: 0.31 of the time", "do not: slower here (1.4 times)".
    """

    name: str
    what: str
    layers: tuple[PlacedLayer, ...] = field(repr=False)
    bitwise: bool
    output_bound: float
    proof: str = field(repr=False)
    multiplications_per_position: int
    multiplications: int | None
    predicted_seconds: float | None
    measured_seconds: float | None
    share: float
    cheaper: bool
    verdict: str

    @property
    def kernels(self) -> tuple[Any, ...]:
        """The kernels of the layers."""
        return tuple(one.layer.kernel for one in self.layers)

    def run(self, x: Any) -> Any:
        """Compute the layers' output.

        Parameters
        ----------
        x : array
            Shape c x h x w, or n x c x h x w, of the kernel's dtype.

        Returns
        -------
        array
            Of the kind of `x`.

        Raises
        ------
        ValueError
            If `x` does not fit the layers.
        TypeError
            If `x` is no array of the kernel's dtype.
        """
        return _core.run_placed(x, self.layers)


_Rewrite = TypeVar("_Rewrite", bound=Rewrite)


def placed(layers: Any) -> tuple[PlacedLayer, ...]:
    """Name the fields of layers that the extension answers with."""
    return tuple(PlacedLayer(from_core(fields), *channels) for fields, *channels in layers)


def rewrites(kind: type[_Rewrite], told: Any, layers: Any) -> tuple[_Rewrite, ...]:
    """Make rewrites of what a report tells of them, and their layers."""
    keys = [one.name for one in fields(kind) if one.name != "layers"]
    return tuple(
        kind(layers=placed(given), **{key: one[key] for key in keys})
        for one, given in zip(told, layers, strict=True)
    )


def costs(report: dict[str, Any]) -> dict[str, Any]:
    """Take the fields of a report that say what a layer costs."""
    measured = ("predicted_seconds", "measured_seconds")
    return {k: report[k] for k in ("multiplications_per_position", "multiplications", *measured)}
