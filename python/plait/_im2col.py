"""im2col: the matrix that makes a convolution one matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait import _core


def im2col(
    x: Any,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0,
    dilation: int | Sequence[int] = 1,
    *,
    padding_mode: str = "zeros",
    padding_value: float = 0.0,
) -> Any:
    """Lay out the patches that a layer sees as the rows of a matrix.

    With X' the matrix, and W the weight of c_out x c x k_h x k_w read as c_out x (c k_h k_w), the
    layer is the product ``W X'^T``, of c_out x (h_out w_out).

    Parameters
    ----------
    x : array
        Shape n x c x h x w, c x h x w, or h x w of one channel; of any kind and dtype that `conv2d`
        takes.
    kernel_size : int or (int, int)
        One number for both axes, or (k_h, k_w).
    stride, padding, dilation, padding_mode, padding_value
        As in `conv2d`.

    Returns
    -------
    array
        Of the kind of `x`, float64 if that holds integers. Shape (h_out w_out) x (c k_h k_w); n x
        (h_out w_out) x (c k_h k_w) if `x` has four axes. Row ``i * w_out + j``, column
        ``(c * k_h + u) * k_w + v`` is
        ``x[c, i * stride + u * dilation - top, j * stride + v * dilation - left]``, or what the
        padding holds.

    Raises
    ------
    ValueError
        If shapes or values break a rule; the message names the shapes.
    TypeError
        If an argument has a wrong type, holds no real numbers, or is not on the CPU.
    KeyboardInterrupt
        On Ctrl-C.

    See Also
    --------
    plait.conv2d : the layer itself, without this matrix.

    Notes
    -----
    ``torch.nn.functional.unfold`` gives the transpose, with the columns in the same order. The
    matrix has some k_h k_w / (stride * stride) times the elements of `x`. A layer with groups is
    one product per group, with the columns of its channels.

    Examples
    --------
    >>> x = numpy.arange(9, dtype="float32").reshape(1, 3, 3)
    >>> plait.im2col(x, 2)
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]], dtype=float32)
    >>> k = numpy.array([[[[0, 1], [2, 3]]]], dtype="float32")
    >>> (k.reshape(1, -1) @ plait.im2col(x, 2).T).reshape(1, 2, 2)
    array([[[19., 25.],
            [37., 43.]]], dtype=float32)
    >>> plait.conv2d(x, k)
    array([[[19., 25.],
            [37., 43.]]], dtype=float32)
    """
    return _core.im2col(x, kernel_size, stride, padding, dilation, padding_mode, padding_value)
