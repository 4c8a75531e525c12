"""Every function of the package that reads arrays, with arguments that each of them may take.

Values are small whole numbers, so that every form of an array (integers, lists, float64) holds the
same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import plait


class OnlyDlpack:
    """An array of a library that plait does not know."""

    def __init__(self, data: np.ndarray, device: tuple[int, int] = (1, 0)) -> None:
        self._data = data
        self._device = device

    def __dlpack__(self, **arguments):
        return self._data.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self._device


class EntryPoint(NamedTuple):
    """A function of arrays by keyword, and their values.

    `fixed_dtype` is that of a plan made beforehand, `hidden` are dtypes of arrays that `call` adds.
    """

    call: Callable[..., Any]
    operands: dict[str, np.ndarray]
    fixed_dtype: str | None = None
    hidden: tuple[str, ...] = ()


def whole(*shape: int) -> np.ndarray:
    """Return values from 1 to 6, as float32."""
    return (np.arange(np.prod(shape), dtype="float32").reshape(shape) * 5 % 7 % 6) + 1


def _planned(**arrays: Any) -> Any:
    plan = plait.plan("1x2x5x5,2x2x3x3,p1,bias,res", prepacked=False)
    given = {"x": IMAGE, "weight": KERNEL, "bias": BIAS, "residual": IMAGE} | arrays
    return plan.run(given["x"], (given["weight"], given["bias"]), given["residual"])


def _packed(**arrays: Any) -> Any:
    plan = plait.plan("1x2x5x5,2x2x3x3,bias")
    return plan.run(IMAGE, plan.pack(arrays["weight"], arrays["bias"]))


def _branches(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(kernel: Any, bias: Any) -> Any:
        made = function(
            [plait.ConvLayer(kernel, bias, padding=1), plait.ConvLayer(KERNEL, padding=1)]
        )
        return made.kernel

    return call


def _run_rewrite(x: Any) -> Any:
    return plait.inspect(IDENTITY).proposals[0].run(x)


IMAGE, KERNEL, BIAS, POINTWISE = whole(1, 2, 5, 5), whole(2, 2, 3, 3), whole(2), whole(2, 2, 1, 1)
IDENTITY = np.eye(8, dtype="float32")[:, :, None, None]

ENTRY_POINTS = {
    "conv2d": EntryPoint(
        lambda **a: plait.conv2d(padding=1, **a),
        {"input": IMAGE, "weight": KERNEL, "bias": BIAS, "residual": IMAGE},
    ),
    "conv1d": EntryPoint(
        lambda **a: plait.conv1d(padding=1, **a),
        {
            "input": whole(1, 2, 5),
            "weight": whole(2, 2, 3),
            "bias": BIAS,
            "residual": whole(1, 2, 5),
        },
    ),
    "corr2d": EntryPoint(plait.corr2d, {"X": whole(5, 6), "K": whole(2, 3)}),
    "corr2d with padding": EntryPoint(
        lambda **a: plait.corr2d(mode="full", **a), {"X": whole(5, 6), "K": whole(2, 3)}
    ),
    "corr2d_multi_in": EntryPoint(
        plait.corr2d_multi_in, {"X": whole(2, 5, 6), "K": whole(2, 2, 3)}
    ),
    "corr2d_multi_in_out": EntryPoint(
        plait.corr2d_multi_in_out, {"X": whole(2, 5, 6), "K": whole(3, 2, 2, 3)}
    ),
    "corr2d_multi_in_out_1x1": EntryPoint(
        plait.corr2d_multi_in_out_1x1, {"X": whole(2, 5, 6), "K": whole(3, 2)}
    ),
    "Plan.run": EntryPoint(
        _planned, {"x": IMAGE, "weight": KERNEL, "bias": BIAS, "residual": IMAGE}, "float32"
    ),
    "Plan.pack": EntryPoint(_packed, {"weight": KERNEL, "bias": BIAS}, "float32"),
    "im2col": EntryPoint(lambda x: plait.im2col(x, 2), {"x": IMAGE}),
    "channel_shuffle": EntryPoint(lambda x: plait.channel_shuffle(x, 2), {"x": whole(1, 4, 2, 2)}),
    "compose": EntryPoint(
        lambda **a: plait.compose(**a).kernel,
        {"K1": KERNEL, "K2": KERNEL, "bias1": BIAS, "bias2": BIAS},
    ),
    "fold_batch_norm": EntryPoint(
        lambda **a: plait.fold_batch_norm(**a)[0],
        {"K": KERNEL, "bias": BIAS, "gamma": BIAS, "beta": BIAS, "mean": BIAS, "variance": BIAS},
    ),
    "merge_branches": EntryPoint(_branches(plait.merge_branches), {"kernel": KERNEL, "bias": BIAS}),
    "concatenate_branches": EntryPoint(
        _branches(plait.concatenate_branches), {"kernel": KERNEL, "bias": BIAS}
    ),
    "fold_pointwise": EntryPoint(
        lambda kernel, bias: (
            plait.fold_pointwise(plait.ConvLayer(kernel, bias), plait.ConvLayer(POINTWISE)).kernel
        ),
        {"kernel": KERNEL, "bias": BIAS},
    ),
    "embed_pointwise": EntryPoint(
        lambda kernel, bias: plait.embed_pointwise(plait.ConvLayer(kernel, bias), 3).kernel,
        {"kernel": POINTWISE, "bias": BIAS},
    ),
    "extract_pointwise": EntryPoint(
        lambda kernel, bias: (
            plait.extract_pointwise(plait.ConvLayer(kernel, bias, padding=1)).kernel
        ),
        {"kernel": np.pad(POINTWISE, ((0, 0), (0, 0), (1, 1), (1, 1))), "bias": BIAS},
    ),
    "decompose": EntryPoint(
        lambda K: plait.decompose(K).singular_values,  # noqa: N803
        {"K": whole(2, 3, 3, 3)},
    ),
    "inspect": EntryPoint(
        lambda K: plait.inspect(K).proposals[0].layers[0].layer.kernel,  # noqa: N803
        {"K": IDENTITY},
    ),
    "Rewrite.run": EntryPoint(_run_rewrite, {"x": whole(1, 8, 3, 3)}, hidden=("float32",)),
}
CASES = [(name, operand) for name, entry in ENTRY_POINTS.items() for operand in entry.operands]
