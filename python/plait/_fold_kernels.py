"""Kernels of what is a convolution under another name: identity, pooling, shuffle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from plait import _core

if TYPE_CHECKING:
    import numpy as np


def identity_kernel(
    channels: int, groups: int = 1, window: int | Sequence[int] = 1, *, dtype: Any = "float32"
) -> np.ndarray:
    """Make the kernel of the layer that gives x back.

    Parameters
    ----------
    channels : int
        Of x.
    groups : int
        Of the layer; must divide `channels`.
    window : int or (int, int)
        k_h and k_w. With an odd window, padding (k_h - 1) // 2 and (k_w - 1) // 2 keeps the size.
    dtype : {'float32', 'float64'} or numpy.dtype
        Of the kernel.

    Returns
    -------
    numpy.ndarray
        channels x channels/groups x k_h x k_w, with ones at tap ((k_h - 1) // 2, (k_w - 1) // 2).

    Raises
    ------
    ValueError
        If a number is below 1, or `groups` does not divide `channels`.
    TypeError
        If an argument has a wrong type.

    Examples
    --------
    >>> plait.identity_kernel(2)[:, :, 0, 0]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    made = _core.identity_kernel(channels, groups, window, _is_f64(dtype))
    return cast("np.ndarray", made)


def average_pool_kernel(
    channels: int,
    window: int | Sequence[int],
    *,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] = 0,
    count_include_pad: bool = True,
    dtype: Any = "float32",
) -> np.ndarray:
    """Make the kernel of average pooling, a layer in as many groups as it has channels.

    Parameters
    ----------
    channels : int
        Of x.
    window : int or (int, int)
        k_h and k_w.
    padding
        Of the layer, as numbers; only for the check of `count_include_pad`.
    count_include_pad : bool
        Whether the padding's zeros count in the averages. Where they do not, averages at the
        borders have other divisors, which no kernel has: refused unless there is no padding.
    dtype : {'float32', 'float64'} or numpy.dtype
        Of the kernel.

    Returns
    -------
    numpy.ndarray
        channels x 1 x k_h x k_w of 1 / (k_h k_w).

    Raises
    ------
    ValueError
        If a number is below 1, or the averages do not count their padding.
    TypeError
        If an argument has a wrong type.

    Examples
    --------
    >>> K = plait.average_pool_kernel(3, 2)
    >>> x = numpy.ones((3, 8, 8), "float32")
    >>> plait.conv2d(x, K, stride=2, groups=3).shape
    (3, 4, 4)
    """
    made = _core.average_pool_kernel(channels, window, padding, count_include_pad, _is_f64(dtype))
    return cast("np.ndarray", made)


def channel_shuffle_kernel(channels: int, groups: int, *, dtype: Any = "float32") -> np.ndarray:
    """Make the 1x1 kernel that shuffles channels as `channel_shuffle` does.

    Parameters
    ----------
    channels : int
        Of x.
    groups : int
        Must divide `channels`.
    dtype : {'float32', 'float64'} or numpy.dtype
        Of the kernel.

    Returns
    -------
    numpy.ndarray
        channels x channels x 1 x 1, a permutation matrix, for a layer in one group.

    Raises
    ------
    ValueError
        If a number is below 1, or `groups` does not divide `channels`.
    TypeError
        If an argument has a wrong type.

    Examples
    --------
    >>> plait.channel_shuffle_kernel(4, 2)[:, :, 0, 0]
    array([[1., 0., 0., 0.],
           [0., 0., 1., 0.],
           [0., 1., 0., 0.],
           [0., 0., 0., 1.]], dtype=float32)
    """
    return cast("np.ndarray", _core.channel_shuffle_kernel(channels, groups, _is_f64(dtype)))


def _is_f64(dtype: Any) -> bool:
    import numpy as np

    try:
        name: str = np.dtype(dtype).name
    except TypeError:
        name = repr(dtype)
    if name not in ("float32", "float64"):
        raise TypeError(f"dtype must be float32 or float64 but is {name}")
    return name == "float64"
