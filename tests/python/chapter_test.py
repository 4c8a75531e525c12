"""The chapter's worked numbers, by the chapter's names, on every kind of array."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import plait
import pytest

NUMBERS = json.loads((pathlib.Path(__file__).parents[1] / "data" / "d2l_examples.json").read_text())


def test_multi_in(kind) -> None:
    _, array_type, from_numpy = kind
    example = NUMBERS["multi_in"]
    x = from_numpy(np.array(example["X"], "float32"))
    k = from_numpy(np.array(example["K"], "float32"))
    y = plait.corr2d_multi_in(x, k)
    assert isinstance(y, array_type)
    np.testing.assert_array_equal(np.asarray(y), example["Y"])


def test_a_partial_sum_per_channel() -> None:
    example = NUMBERS["multi_in"]
    x = np.array(example["X"], "float64")
    k = np.array(example["K"], "float64")
    parts = [plait.corr2d(x_c, k_c) for x_c, k_c in zip(x, k, strict=True)]
    assert [part[0, 0] for part in parts] == [sum(t) for t in example["first_element_terms"]]
    np.testing.assert_array_equal(sum(parts), example["Y"])


def test_multi_in_out(kind) -> None:
    _, array_type, from_numpy = kind
    k = np.array(NUMBERS["multi_in"]["K"], "float64")
    x = from_numpy(np.array(NUMBERS["multi_in"]["X"], "float64"))
    y = plait.corr2d_multi_in_out(x, from_numpy(np.stack([k, k + 1, k + 2])))
    assert isinstance(y, array_type)
    np.testing.assert_array_equal(np.asarray(y), NUMBERS["multi_in_out"]["Y"])


@pytest.mark.parametrize("rank", [2, 4])
def test_pointwise(kind, rank: int) -> None:
    _, array_type, from_numpy = kind
    example = NUMBERS["pointwise"]
    x = np.array(example["X"], "float32")
    k = np.array(example["K"], "float32")
    if rank == 4:
        k = k[:, :, None, None]
    y = plait.corr2d_multi_in_out_1x1(from_numpy(x), from_numpy(k))
    assert isinstance(y, array_type)
    np.testing.assert_allclose(np.asarray(y), example["Y"], rtol=0, atol=5e-4)
    full = plait.corr2d_multi_in_out(x, k.reshape(*k.shape[:2], 1, 1))
    assert np.abs(np.asarray(y) - full).sum() < 1e-6


def test_a_batch_keeps_its_axis(rng) -> None:
    x = rng.standard_normal((4, 3, 6, 7)).astype("float32")
    k = rng.standard_normal((2, 3, 3, 2)).astype("float32")
    y = plait.corr2d_multi_in_out(x, k)
    assert y.shape == (4, 2, 4, 6)
    for image, maps in zip(x, y, strict=True):
        np.testing.assert_array_equal(plait.corr2d_multi_in_out(image, k), maps)


@pytest.mark.parametrize(
    ("function", "x_shape", "k_shape", "text"),
    [
        (plait.corr2d, (3, 3, 3), (2, 2), "x must be h x w but is 3x3x3"),
        (plait.corr2d, (3, 3), (4, 2), "4x2"),
        (plait.corr2d_multi_in, (2, 3, 3), (3, 2, 2), "weight expects 3 input channels"),
        (plait.corr2d_multi_in_out, (2, 3, 3), (2, 2), "c_o x c_i/groups x k_h x k_w"),
        (plait.corr2d_multi_in_out_1x1, (2, 3, 3), (2, 2, 3, 3), "c_o x c_i x 1 x 1"),
    ],
)
def test_wrong_shapes_are_named(function, x_shape, k_shape, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        function(np.zeros(x_shape, "float32"), np.zeros(k_shape, "float32"))
