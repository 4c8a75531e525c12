"""Structure in a kernel, and cheaper layers that compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from plait import _core
from plait._layers import Rewrite, costs, rewrites


@dataclass(frozen=True)
class Inspection:
    """What `plait.inspect` found. As text it is the report of ``plait inspect``.

    Attributes
    ----------
    found : dict
        "kernels" and "zero_kernels"; "dead_inputs" and "zero_outputs", lists of channels; "window":
        "rows" and "columns" that hold all taps that are not zero, "kept_rows" and "kept_columns"
        that a layer with this padding must keep, each with "first", "count" and "step", and
        "needed_padding", [top, bottom, left, right], from which on it could keep the fewest;
        "blocks": "as_stored" (groups), "components" (in any order of the channels) and the equal
        "groups" that these are packed into, of "outputs_per_group" and "inputs_per_group", where
        "exhaustive" tells whether none are cheaper; "repeated_outputs" and "repeated_inputs", each
        a list of "channels" with "factors" of the first one; "rank_one_kernels"; "symmetric" and
        "antisymmetric", how many kernels equal (minus) their image "top_bottom", "left_right",
        "point" or "transpose"; "ranks", how many channels two "layers" need between them, or None
        above "limit", the most that pay.
    proposals : tuple of Rewrite
        Each with fewer products than the layer. Their names are "dead channels", "groups" (as they
        are stored), "reordered groups", "window", "combined" (of these), "repeated outputs",
        "repeated inputs", or the windows of two layers: "3x1 then 1x3".
    multiplications_per_position : int
        Of the layer, for each position of the output.
    multiplications, predicted_seconds, measured_seconds
        Of the layer on one image, if its size is given, else None.
    """

    found: dict[str, Any] = field(repr=False)
    proposals: tuple[Rewrite, ...]
    multiplications_per_position: int
    multiplications: int | None
    predicted_seconds: float | None
    measured_seconds: float | None
    _text: str = field(repr=False)

    def __str__(self) -> str:
        return self._text


def inspect(
    K: Any,  # noqa: N803
    *,
    input_size: int | Sequence[int] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    measure_seconds: float = 0.1,
    threads: int | None = None,
) -> Inspection:
    """Look for structure in a kernel, and for cheaper layers that compute the same.

    Finds blocks of channels that do not meet (as they are stored, or in another order), channels
    that do nothing, taps that are zero everywhere, kernels that repeat up to a factor, kernels of
    low rank (separable ones among them), and counts symmetric ones. Each proposal is rebuilt from
    its layers and compared: it has the same bits, or a bound on the error of every output.

    Parameters
    ----------
    K : array
        The kernel, c_out x c_in/groups x k_h x k_w, or k_h x k_w of one channel; of any kind and
        dtype that `conv2d` takes.
    input_size : int or (int, int), optional
        Height and width of one image: times are predicted and measured. Without it only products
        are compared.
    stride, padding, dilation, groups
        Of the layer, as in `conv2d`. Leaving out zero rows and columns of a kernel takes padding
        away, so that without padding none can be left out.
    measure_seconds : float
        To spend on measuring the layer and each proposal; 0 only predicts.
    threads : int, optional
        For measuring.

    Returns
    -------
    Inspection
        With `found` and `proposals`; printed, a report.

    Raises
    ------
    ValueError
        If shapes or values break a rule, or a value of `K` is not finite.
    TypeError
        If an argument has a wrong type, or `K` holds no real numbers or is not on the CPU.
    KeyboardInterrupt
        On Ctrl-C.

    Examples
    --------
    >>> K = numpy.zeros((4, 4, 3, 3), "float32")
    >>> K[::2, ::2, 1, 1] = [[1, 2], [3, 4]]
    >>> K[1::2, 1::2, 1, 1] = [[5, 6], [7, 8]]
    >>> inspection = plait.inspect(K, padding=1)
    >>> inspection.found["blocks"]["groups"]
    2
    >>> proposal = inspection.proposals[-1]
    >>> proposal.what
    '2 groups of 2 outputs and 2 inputs, channels picked and placed; row 1 of 3 and column 1 of 3: \
a 1x1 kernel, padding 0'
    >>> proposal.bitwise, proposal.verdict
    (True, 'cheaper: 0.056 of the products')
    >>> x = numpy.ones((4, 5, 5), "float32")
    >>> bool((proposal.run(x) == plait.conv2d(x, K, padding=1)).all())
    True
    """
    answer = _core.inspect(
        K, input_size, stride, padding, dilation, groups, measure_seconds, threads
    )
    report_text, text, layers = cast("tuple[str, str, list[Any]]", answer)
    import json

    report = json.loads(report_text)
    return Inspection(
        found=report["found"],
        proposals=rewrites(Rewrite, report["proposals"], layers),
        _text=text,
        **costs(report),
    )
