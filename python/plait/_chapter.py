"""The functions of the chapter "Multiple Input and Multiple Output Channels".

Source: Dive into Deep Learning, https://d2l.ai/chapter_convolutional-neural-networks/channels.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait import _core


def corr2d(
    X: Any,  # noqa: N803 (the chapter's names)
    K: Any,  # noqa: N803
    *,
    stride: int | Sequence[int] = 1,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0,
    mode: str | None = None,
) -> Any:
    """Cross-correlate one channel with one kernel.

    ``Y[i, j] = sum over u, v of X[i + u, j + v] * K[u, v]``

    Parameters
    ----------
    X : array
        Shape h x w; of any kind and dtype that `conv2d` takes, or a list of lists.
    K : array
        Shape k_h x k_w.
    stride, padding
        As in `conv2d`.
    mode : {'valid', 'same', 'full'}, optional
        In place of `padding`, the sizes that ``scipy.signal.correlate2d`` gives: of windows within
        X alone, of X itself (stride 1; an odd row or column of zeros goes to the bottom and right),
        or of all windows that touch X.

    Returns
    -------
    array
        Shape (h - k_h + 1) x (w - k_w + 1) without the options, of the same kind as `X`; float64 if
        both are integers.

    Raises
    ------
    ValueError
        If a shape or value breaks a rule; the message names both shapes.
    TypeError
        If an argument holds no real numbers, or is not on the CPU.

    Examples
    --------
    >>> X = numpy.arange(9, dtype="float32").reshape(3, 3)
    >>> K = numpy.arange(4, dtype="float32").reshape(2, 2)
    >>> plait.corr2d(X, K)
    array([[19., 25.],
           [37., 43.]], dtype=float32)
    >>> plait.corr2d(X, K, mode="full").shape
    (4, 4)
    """
    if mode is not None:
        padding = _padding_of(mode, stride, padding)
    return _core.corr2d(X, K, stride, padding)


def _padding_of(mode: str, stride: Any, padding: Any) -> str:
    """Return the padding, which has the same words."""
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode must be 'valid', 'same' or 'full' but is {mode!r}")
    if not (isinstance(padding, int) and padding == 0):
        raise ValueError(f"mode {mode!r} and padding {padding!r} both say the padding: pass one")
    if mode == "same" and any(step != 1 for step in np.atleast_1d(stride)):
        raise ValueError(
            f"mode 'same' means an output of X's size, which stride {stride!r} cannot give"
        )
    return mode


def corr2d_multi_in(X: Any, K: Any) -> Any:  # noqa: N803
    """Correlate every input channel with its own kernel, and add the results.

    Parameters
    ----------
    X : array
        Shape c_in x h x w; of any kind and dtype that `conv2d` takes.
    K : array
        Shape c_in x k_h x k_w.

    Returns
    -------
    array
        Shape (h - k_h + 1) x (w - k_w + 1), of the same kind as `X`.

    Raises
    ------
    ValueError, TypeError
        As `corr2d`.
    """
    return _core.corr2d_multi_in(X, K)


def corr2d_multi_in_out(X: Any, K: Any) -> Any:  # noqa: N803
    """Compute one map per output channel, each from all input channels.

    Parameters
    ----------
    X : array
        Shape c_in x h x w, or n x c_in x h x w; of any kind and dtype that `conv2d` takes.
    K : array
        Shape c_out x c_in x k_h x k_w.

    Returns
    -------
    array
        Shape c_out x (h - k_h + 1) x (w - k_w + 1), for a batch with n in front; of the same kind
        as `X`.

    Raises
    ------
    ValueError, TypeError
        As `corr2d`.
    """
    return _core.corr2d_multi_in_out(X, K)


def corr2d_multi_in_out_1x1(X: Any, K: Any) -> Any:  # noqa: N803
    """Apply one fully connected layer over the channels at every pixel: a matrix product.

    Parameters
    ----------
    X : array
        Shape c_in x h x w, or n x c_in x h x w; of any kind and dtype that `conv2d` takes.
    K : array
        Shape c_out x c_in, or c_out x c_in x 1 x 1.

    Returns
    -------
    array
        Shape c_out x h x w, for a batch with n in front; of the same kind as `X`.

    Raises
    ------
    ValueError, TypeError
        As `corr2d`.
    """
    return _core.corr2d_multi_in_out_1x1(X, K)
