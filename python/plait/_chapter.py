"""The functions of the chapter "Multiple Input and Multiple Output Channels".

Source: Dive into Deep Learning, https://d2l.ai/chapter_convolutional-neural-networks/channels.html
"""

from __future__ import annotations

from typing import Any

from plait import _core


def corr2d(X: Any, K: Any) -> Any:  # noqa: N803 (the chapter's names)
    """Cross-correlate one channel with one kernel.

    ``Y[i, j] = sum over u, v of X[i + u, j + v] * K[u, v]``

    Parameters
    ----------
    X : array
        Shape h x w; float32 or float64, with any strides.
    K : array
        Shape k_h x k_w, of the same dtype.

    Returns
    -------
    array
        Shape (h - k_h + 1) x (w - k_w + 1), of the same kind as `X`.

    Raises
    ------
    ValueError
        If a shape breaks a rule; the message names both.
    TypeError
        If an argument is no array of float32 or float64 on the CPU.

    Examples
    --------
    >>> X = numpy.arange(9, dtype="float32").reshape(3, 3)
    >>> K = numpy.arange(4, dtype="float32").reshape(2, 2)
    >>> plait.corr2d(X, K)
    array([[19., 25.],
           [37., 43.]], dtype=float32)
    """
    return _core.corr2d(X, K)


def corr2d_multi_in(X: Any, K: Any) -> Any:  # noqa: N803
    """Correlate every input channel with its own kernel, and add the results.

    Parameters
    ----------
    X : array
        Shape c_in x h x w; float32 or float64, with any strides.
    K : array
        Shape c_in x k_h x k_w, of the same dtype.

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
        Shape c_in x h x w, or n x c_in x h x w; float32 or float64, with any strides.
    K : array
        Shape c_out x c_in x k_h x k_w, of the same dtype.

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
        Shape c_in x h x w, or n x c_in x h x w; float32 or float64, with any strides.
    K : array
        Shape c_out x c_in, or c_out x c_in x 1 x 1, of the same dtype.

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
