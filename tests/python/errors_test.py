"""The guarantee of `Plan.error_bound` in numpy, where inputs are hard on transforms."""

from __future__ import annotations

import numpy as np
import plait
import pytest

ALGORITHMS = ["winograd/f2x3", "winograd/f4x3", "winograd/f6x3", "direct/pixels", "reference"]
SHAPE = (1, 8, 21, 25)


def windows(array: np.ndarray, padding: int = 1, taps: int = 3) -> np.ndarray:
    """Return the windows of x, as n x c x h x w x taps x taps."""
    padded = np.pad(array, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return np.lib.stride_tricks.sliding_window_view(padded, (taps, taps), axis=(2, 3))


def check(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, algorithm: str) -> np.ndarray:
    """Check that every output keeps to the guarantee; return those that are not finite."""
    line = plait.Problem.from_shapes(x.shape, kernel.shape, padding=1, bias=True)
    plan = plait.plan(str(line), algorithm=algorithm, accuracy="relaxed")
    y = plan.run(x, plan.pack(kernel, bias)).astype("float64")
    x64, kernel64, bias64 = (array.astype("float64") for array in (x, kernel, bias))
    with np.errstate(invalid="ignore"):
        exact = np.einsum("nchwuv,ocuv->nohw", windows(x64), kernel64)
        exact += bias64[:, None, None]
    largest = np.abs(windows(x64)).max(axis=(1, 4, 5))[:, None]
    weights = np.abs(kernel64).reshape(len(kernel), -1)
    assert plan.error_range in (1, 32)
    allowed = plan.error_bound * (
        plan.error_range * largest * weights.sum(1)[:, None, None] + np.abs(bias64)[:, None, None]
    ) + plan.error_floor * (1 + largest + weights.max(1)[:, None, None])
    finite = np.isfinite(exact)
    np.testing.assert_array_equal(y[~finite], exact[~finite])  # NaN, or infinity of the same sign
    error = np.abs(y[finite] - exact[finite])
    assert (error <= np.broadcast_to(allowed, y.shape)[finite]).all()
    return ~finite


@pytest.fixture
def operands(rng):
    x = np.maximum(rng.standard_normal(SHAPE), 0).astype("float32")
    kernel = (rng.standard_normal((5, 8, 3, 3)) / 6).astype("float32")
    return x, kernel, rng.standard_normal(5).astype("float32")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("outlier", [1e5, -1e7, 1e20])
def test_outliers_stay_where_they_are_seen(operands, algorithm, outlier) -> None:
    x, kernel, bias = operands
    x[0, 3, 9, 13] = outlier
    assert not check(x, kernel, bias, algorithm).any()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_reaches_its_windows_alone(operands, algorithm, value) -> None:
    x, kernel, bias = operands
    x[0, 3, 9, 13] = value
    assert check(x, kernel, bias, algorithm).sum() == 9 * 5
    x[0, 5, 0, 0] = np.inf
    assert check(x, kernel, bias, algorithm).sum() == (9 + 4) * 5
    kernel[2, 1, 1, 1] = value
    assert check(x, kernel, bias, algorithm).sum() == (9 + 4) * 4 + 21 * 25


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_windows_of_zeros_give_the_bias(operands, algorithm) -> None:
    x, kernel, bias = operands
    x[0, :, 7:, :] = 0
    check(x, kernel, bias, algorithm)
    line = plait.Problem.from_shapes(x.shape, kernel.shape, padding=1, bias=True)
    plan = plait.plan(str(line), algorithm=algorithm, accuracy="relaxed")
    y = plan.run(x, plan.pack(kernel, bias))
    np.testing.assert_array_equal(y[0, :, 8:], np.broadcast_to(bias[:, None, None], (5, 13, 25)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_subnormal_numbers_are_within_the_floor(operands, algorithm) -> None:
    x, kernel, bias = operands
    check((x * np.float32(1e-41)).astype("float32"), kernel * 1000, 0 * bias, algorithm)
    check(x * 1000, (kernel * np.float32(1e-41)).astype("float32"), 0 * bias, algorithm)
