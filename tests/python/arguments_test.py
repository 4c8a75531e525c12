"""Every argument of every function with a wrong value: the error names the argument."""

from __future__ import annotations

import inspect
import re

import numpy as np
import plait
import pytest

X, K = np.ones((1, 2, 8, 8), "float32"), np.ones((2, 2, 3, 3), "float32")
LINE = "1x2x8x8,2x2x3x3"
ONES = np.ones(2, "float32")

# Functions, with the arguments that they need.
FUNCTIONS = {
    plait.conv2d: {"input": X, "weight": K},
    plait.conv1d: {"input": X[:, :, 0], "weight": K[:, :, 0]},
    plait.im2col: {"x": X, "kernel_size": 2},
    plait.channel_shuffle: {"x": X, "groups": 2},
    plait.channel_flow: {"channels": 4, "groups": 2},
    plait.corr2d: {"X": X[0, 0], "K": K[0, 0]},
    plait.corr2d_multi_in: {"X": X[0], "K": K[0]},
    plait.corr2d_multi_in_out: {"X": X, "K": K},
    plait.corr2d_multi_in_out_1x1: {"X": X, "K": K[:, :, 0, 0]},
    plait.compose: {"K1": K, "K2": K},
    plait.decompose: {"K": K},
    plait.inspect: {"K": K},
    plait.fold_batch_norm: dict.fromkeys(("bias", "gamma", "beta"))
    | {"K": K, "mean": ONES, "variance": ONES},
    plait.identity_kernel: {"channels": 4},
    plait.average_pool_kernel: {"channels": 4, "window": 2},
    plait.channel_shuffle_kernel: {"channels": 4, "groups": 2},
    plait.plan: {"problem": LINE},
    plait.cost: {"problem": LINE},
    plait.verify: {"cases": 1},
    plait.Problem.from_shapes: {"x_shape": X.shape, "weight_shape": K.shape},
    plait.measure_peak_gflops: {},
}
WRONG = [object(), "wrong!", -7, 2.5, [1, 2, 3, 4, 5], float("nan")]

# The words of the error, for arguments that it does not name.
OTHER_WORDS = {
    "problem": "weight has no shape|direction",
    "problems": "weight has no shape",
    "packed_format": "takes weights packed as",
    "K1": "layer 1",
    "K2": "layer 2|K1 computes 2",
    "K": "kernel|channels of y|weight",
    "X": "input|x has|x must",
    "x_shape": "input",
    "input": "x has|x is",
    "mean": "batch norm",
    "variance": "batch norm",
    "cases": "at least",
} | {f"{word}{layer}": f"layer {layer}: {word}"
     for word in ("stride", "dilation", "groups", "padding") for layer in (1, 2)}  # fmt: skip


def parameters(function) -> list[str]:
    signature = getattr(function, "__nb_signature__", None)
    if signature is None:
        return list(inspect.signature(function).parameters)
    return re.findall(r"(\w+): ", signature[0][0])


CASES = [(function, name) for function in FUNCTIONS for name in parameters(function)]


def test_all_functions_have_parameters() -> None:
    assert len(CASES) > 120
    assert {f for f, _ in CASES} == set(FUNCTIONS)


@pytest.mark.parametrize(
    ("function", "name"), CASES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_wrong_argument_is_named(function, name: str) -> None:
    refused = 0
    for wrong in WRONG:
        try:
            function(**(FUNCTIONS[function] | {name: wrong}))
        except (TypeError, ValueError) as error:
            refused += 1
            text = str(error)
            assert "\n" not in text
            assert "incompatible function arguments" not in text
            assert re.search(rf"\b{name}\b|{OTHER_WORDS.get(name, name)}", text), (wrong, text)
    assert refused > 0


def test_shapes_in_place_of_a_problem_are_told_what_to_write() -> None:
    for wrong in (((1, 3, 8, 8), (4, 3, 3, 3)), ((1, 3, 8, 8),), ([1, 3, 8, 8],)):
        with pytest.raises(TypeError, match=r"pass plait\.Problem\.from_shapes\(x_shape, weight"):
            plait.plan(*wrong)
