"""Channels in groups: how a shuffle mixes them, and which reach which through grouped layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from plait import _core

if TYPE_CHECKING:
    import numpy as np


def channel_shuffle(x: Any, groups: int) -> Any:
    """Interleave the channels of `groups` blocks, so that the next layer mixes the blocks.

    Output channel ``j * groups + i`` is input channel ``i * (c / groups) + j``: the channels are
    reshaped to groups x c / groups, transposed and flattened, as by
    ``torch.nn.functional.channel_shuffle``. Shuffling by ``c / groups`` undoes it.

    Parameters
    ----------
    x : array
        Shape c x h x w, or n x c x h x w; of any kind and dtype that `conv2d` takes.
    groups : int
        Must divide c.

    Returns
    -------
    array
        A copy of the same shape, of the same kind as `x`; float64 if that holds integers.

    Raises
    ------
    ValueError
        If `x` has another rank, `groups` is below 1, or does not divide c.
    TypeError
        If `x` holds no real numbers or is not on the CPU, or `groups` is no int.

    See Also
    --------
    plait.channel_flow : which channels reach which, with shuffles and without.

    Examples
    --------
    >>> x = numpy.arange(6, dtype="float32").reshape(6, 1, 1)
    >>> plait.channel_shuffle(x, 2).ravel()
    array([0., 3., 1., 4., 2., 5.], dtype=float32)
    """
    return _core.channel_shuffle(x, groups)


def channel_flow(channels: int, groups: int, layers: int = 1, between: str = "none") -> np.ndarray:
    """Tell which input channels can change which output channels of a stack of grouped layers.

    A grouped layer is a block-diagonal matrix at every pixel: each block of outputs sees one block
    of inputs. However many of them follow each other, nothing leaves its block, unless something
    between them mixes the channels.

    Parameters
    ----------
    channels : int
        Channels of the input, of the output, and between the layers; at most 4096.
    groups : int
        Groups of each layer; must divide `channels`.
    layers : int
        How many grouped layers follow each other.
    between : {'none', 'shuffle', 'pointwise'}
        What lies between two of them: nothing, `channel_shuffle` by `groups`, or a dense 1x1 layer.

    Returns
    -------
    numpy.ndarray
        bool, channels x channels: ``[o, i]`` is whether input channel i reaches output channel o.

    Raises
    ------
    ValueError
        If a number is below 1, `groups` does not divide `channels`, there are more than 4096
        channels, or `between` is unknown.
    TypeError
        If an argument has a wrong type.

    Examples
    --------
    >>> plait.channel_flow(4, groups=2, layers=2).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 1, 1],
           [0, 0, 1, 1]])
    >>> bool(plait.channel_flow(4, groups=2, layers=2, between="shuffle").all())
    True
    """
    return cast("np.ndarray", _core.channel_flow(channels, groups, layers, between))
