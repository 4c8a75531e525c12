"""Activations at special values: where they bend, where they end, and where they are NaN."""

from __future__ import annotations

import numpy as np
import plait
import pytest

ACTIVATIONS = [
    "relu",
    "relu6",
    "leaky:0",
    "leaky:0.01",
    "leaky:1.5",
    "leaky:-0.5",
    "hswish",
    "silu",
    "sigmoid",
    "tanh",
]
ENDING_IN_ZERO = ["silu", "hswish", "leaky:0"]


def special_values(dtype: str) -> np.ndarray:
    number = np.dtype(dtype).type
    three, six = number(3), number(6)
    sizes = [
        0,
        np.finfo(dtype).tiny,
        1e-30,
        1e-7,
        0.5,
        1,
        2.4,
        np.nextafter(three, number(0)),
        three,
        np.nextafter(three, six),
        np.nextafter(six, three),
        six,
        np.nextafter(six, number(7)),
        20,
        88,
        89,
        104,
        200,
        1e30,
        np.finfo(dtype).max,
        np.inf,
        np.nan,
    ]
    positive = np.array(sizes, dtype)
    return np.concatenate([positive, -positive])


def sigmoid(v: np.ndarray) -> np.ndarray:
    power = np.exp(-np.abs(v))
    return np.where(v < 0, power, 1) / (1 + power)


def formula(activation: str, v: np.ndarray) -> np.ndarray:
    """The activation in float64; NaN aside, and the limit for v far below zero."""
    v = v.astype("float64")
    name, _, slope = activation.partition(":")
    finite = np.maximum(v, np.finfo("float64").min)
    if name == "leaky":
        number = float(slope)
        return np.where(v < 0, number * (v if number != 0 else finite), v)
    return {
        "relu": lambda: np.where(v < 0, 0, v),
        "relu6": lambda: np.clip(v, 0, 6),
        "hswish": lambda: finite * (np.clip(v + 3, 0, 6) / 6),
        "silu": lambda: finite * sigmoid(v),
        "sigmoid": lambda: sigmoid(v),
        "tanh": lambda: np.tanh(v),
    }[name]()


def activated(activation: str, values: np.ndarray, *, as_bias: bool) -> np.ndarray:
    """The output of a layer of zeros plus one value per channel, given as bias or as residual."""
    x = np.zeros((1, 1, 2, 3), values.dtype)
    weight = np.ones((len(values), 1, 1, 1), values.dtype)
    if as_bias:
        y = plait.conv2d(x, weight, values, activation=activation)
    else:
        residual = np.empty((1, len(values), 2, 3), values.dtype)
        residual[:] = values[:, None, None]
        y = plait.conv2d(x, weight, residual=residual, activation=activation)
    assert y.dtype == values.dtype
    np.testing.assert_array_equal(y[0], np.broadcast_to(y[0, :, :1, :1], y[0].shape))
    return y[0, :, 0, 0]


@pytest.mark.parametrize("as_bias", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_special_values(activation: str, dtype: str, as_bias: bool) -> None:
    values = special_values(dtype)
    y = activated(activation, values, as_bias=as_bias)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        expected = formula(activation, values).astype(dtype)
    limits = np.finfo(dtype)
    # Results below the smallest normal number may be 0.
    np.testing.assert_allclose(y, expected, rtol=4 * limits.eps, atol=limits.tiny)
    # A sum of -0 and 0 is 0; any other value keeps the sign of its result.
    known = (values != 0) & ~np.isnan(values)
    np.testing.assert_array_equal(np.signbit(y[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ENDING_IN_ZERO)
def test_the_limit_below_is_minus_zero(activation: str, dtype: str) -> None:
    (y,) = activated(activation, np.array([-np.inf], dtype), as_bias=True)
    assert y == 0
    assert np.signbit(y)
