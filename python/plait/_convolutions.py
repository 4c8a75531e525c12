"""conv2d and conv1d: convolution in one call, planned once per problem.

Arguments go to the extension by position: its list of them is in bindings/convolutions.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait import _core


def conv2d(
    input: Any,  # noqa: A002 (torch's name)
    weight: Any,
    bias: Any = None,
    stride: int | Sequence[int] = 1,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    padding_value: float = 0.0,
    activation: str | None = None,
    residual: Any = None,
    layout: str = "nchw",
    weight_layout: str | None = None,
    flip: bool = False,
    algorithm: str | None = None,
    accuracy: str = "fp32",
    max_workspace_bytes: int | None = None,
    threads: int | None = None,
    reproducible: bool = False,
    out: Any = None,
) -> Any:
    """Convolve images: ``act(conv(input, weight) + bias + residual)``.

    As in deep learning this is cross-correlation; ``flip=True`` flips the kernel first and gives
    true convolution. The arguments up to `groups` mean what they mean to
    ``torch.nn.functional.conv2d``.

    Parameters
    ----------
    input : array
        Shape n x c_in x h x w, c_in x h x w, or h x w of one channel; from numpy, torch, jax,
        tensorflow or anything with DLPack or the buffer protocol, or a list. float32 and float64
        are read in place, with any strides; an n x c_in x h x w view of NHWC memory (torch's
        channels_last) is planned as such.
    weight : array
        Shape c_out x (c_in / groups) x k_h x k_w, or k_h x k_w of one input and output channel.
    bias : array, optional
        Shape c_out.
    stride, dilation : int or (int, int)
        One number for both axes, or (h, w).
    padding : int, (int, int), ((int, int), (int, int)) or str
        Rows and columns to add on both sides; (h, w); ((top, bottom), (left, right)); or
        'valid' (none), 'full' (dilation * (k - 1) on each side: every window that touches the
        input), 'same' (output as large as the input; stride 1), 'same_upper' (tensorflow's 'SAME')
        or 'same_lower' (output of ceil(size / stride), an odd row or column going to the bottom
        and right, or to the top and left).
    groups : int
        Input and output channels are split into this many blocks, and output block i reads input
        block i alone.
    padding_mode : {'zeros', 'reflect', 'symmetric', 'replicate', 'circular', 'constant'}
        What the added rows and columns hold; the first four of a row 1 2 3: 0 0 | 1 2 3,
        3 2 | 1 2 3, 2 1 | 1 2 3, 1 1 | 1 2 3. 'reflect' is scipy.ndimage's 'mirror', and
        'symmetric' its 'reflect'. 'edge' is another word for 'replicate'.
    padding_value : float
        The value that padding holds with padding_mode 'constant'.
    activation : str, optional
        'relu', 'relu6', 'leaky:0.1' (any slope), 'hswish', 'silu', 'sigmoid' or 'tanh'. At an
        infinity each gives its limit: -0 at -inf for 'hswish', 'silu' and 'leaky:0'.
    residual : array, optional
        Shape of the output; added before the activation.
    layout : {'nchw', 'nhwc'}
        With 'nhwc' `input`, `residual` and the output are n x h x w x c.
    weight_layout : {'oihw', 'hwio'}, optional
        With 'hwio' (tensorflow, Keras) `weight` is k_h x k_w x (c_in / groups) x c_out. Not given
        it is 'oihw', but a likely mistake is refused: in 'nhwc' and tensorflow calls a weight such
        as 3 x 3 x 3 x 64, which would be a kernel over 8 times longer than wide.
    flip : bool
        Flip the kernel on both axes, for true convolution. Padding stays where it is. So with an
        even kernel scipy.signal.correlate2d's 'same' is 'same' here, and convolve2d's is
        'same_lower' with `flip`; scipy.ndimage.correlate is 'same_lower', and its convolve is
        'same' with `flip`.
    algorithm : str, optional
        Use only this algorithm; `plait.algorithms()` lists them.
    accuracy : {'strict', 'fp32', 'relaxed'}
        Largest expected rms error / rms output: 5e-7, 2e-6, 5e-6.
    max_workspace_bytes : int, optional
        Cap on the memory needed beside the operands; 0 always works.
    threads : int, optional
        None for what this process may use.
    reproducible : bool
        Whether the choice of the algorithm may depend on the call alone, not on the machine.
    out : array, optional
        Where to write the output, which is then returned. Must not overlap an operand.

    Returns
    -------
    array
        Shape n x c_out x h_out x w_out (without n if `input` has none; h_out x w_out if neither
        `input` nor `weight` has channels), of the same kind as `input`, with
        h_out = floor((h + top + bottom - dilation * (k_h - 1) - 1) / stride) + 1.
        Lists and objects that only have a buffer are answered with numpy arrays. Its dtype is what
        numpy's rules make of those of `input`, `weight`, `bias` and `residual`: float32 of uint8
        and float32, float64 where one is float64 or int64, float64 of integers alone.

    Raises
    ------
    ValueError
        If shapes or values break a rule; the message names both shapes. Nothing is written.
    TypeError
        If an argument has a wrong type, holds no real numbers (complex ones are refused) or only
        float16, or is not on the CPU.
    KeyboardInterrupt
        On Ctrl-C, leaving `out` unspecified.

    See Also
    --------
    plait.plan : weights packed once, and every choice explained.

    Notes
    -----
    The GIL is released while computing. Plans are cached by problem and options; packed weights
    are not, so `weight` may be changed in place between calls. torch tensors that require a
    gradient are refused while gradients are enabled.

    Examples
    --------
    >>> x = numpy.ones((1, 3, 8, 8), "float32")
    >>> k = numpy.ones((16, 3, 3, 3), "float32")
    >>> plait.conv2d(x, k, stride=2, padding=1).shape
    (1, 16, 4, 4)
    >>> plait.conv2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[0, 1], [2, 3]])
    array([[19., 25.],
           [37., 43.]])
    """
    return _core.conv2d(
        input,
        weight,
        bias,
        stride,
        padding,
        dilation,
        groups,
        padding_mode,
        padding_value,
        activation,
        residual,
        layout,
        weight_layout,
        flip,
        algorithm,
        accuracy,
        max_workspace_bytes,
        threads,
        reproducible,
        out,
    )


def conv1d(
    input: Any,  # noqa: A002 (torch's name)
    weight: Any,
    bias: Any = None,
    stride: int | Sequence[int] = 1,
    padding: int | tuple[int] | tuple[tuple[int, int]] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    padding_value: float = 0.0,
    activation: str | None = None,
    residual: Any = None,
    layout: str = "ncl",
    weight_layout: str | None = None,
    flip: bool = False,
    algorithm: str | None = None,
    accuracy: str = "fp32",
    max_workspace_bytes: int | None = None,
    threads: int | None = None,
    reproducible: bool = False,
    out: Any = None,
) -> Any:
    """Convolve sequences: `conv2d` of maps with one row.

    Parameters
    ----------
    input : array
        Shape n x c_in x l, c_in x l, or l of one channel.
    weight : array
        Shape c_out x (c_in / groups) x k, or k of one input and output channel.
    stride, dilation : int or (int,)
    padding : int, (int,), ((int, int),) or str
        On both sides; ((left, right),); or a word as in `conv2d`.
    layout : {'ncl', 'nlc'}
        With 'nlc' `input`, `residual` and the output are n x l x c.
    weight_layout : {'oil', 'lio'}, optional
        With 'lio' `weight` is k x (c_in / groups) x c_out; as in `conv2d`.
    bias, groups, padding_mode, padding_value, activation, residual, flip, algorithm, accuracy, \
max_workspace_bytes, threads, reproducible, out
        As in `conv2d`.

    Returns
    -------
    array
        Shape n x c_out x l_out (without n if `input` has none; l_out if neither `input` nor
        `weight` has channels), of the kind and dtype that `conv2d` answers with.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As `conv2d`.

    Examples
    --------
    >>> plait.conv1d(numpy.ones((1, 4), "float32"), numpy.ones((1, 1, 3), "float32"), padding=1)
    array([[2., 3., 3., 2.]], dtype=float32)
    >>> plait.conv1d([1, 2, 3], [1, 10], padding="full", flip=True)  # numpy.convolve
    array([ 1., 12., 23., 30.])
    """
    return _core.conv1d(
        input,
        weight,
        bias,
        stride,
        padding,
        dilation,
        groups,
        padding_mode,
        padding_value,
        activation,
        residual,
        layout,
        weight_layout,
        flip,
        algorithm,
        accuracy,
        max_workspace_bytes,
        threads,
        reproducible,
        out,
    )
