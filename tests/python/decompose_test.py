"""plait.decompose: its answers, its errors by numpy's SVD, its layers, and wrong calls."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import plait
import pytest


def full_convolution(a, b) -> np.ndarray:
    product = np.zeros(np.add(a.shape, b.shape) - 1)
    for (u, v), tap in np.ndenumerate(a):
        product[u : u + b.shape[0], v : v + b.shape[1]] += tap * b
    return product


def unfolded(kernel: np.ndarray, name: str) -> np.ndarray:
    """One matrix, whose singular values are those of the form."""
    c_o, c_i, k_h, k_w = kernel.shape
    if name == "spatial_shared":
        return kernel.transpose(1, 2, 0, 3).reshape(c_i * k_h, c_o * k_w)
    if name == "channels_first":
        return kernel.transpose(1, 0, 2, 3).reshape(c_i, -1)
    assert name == "channels_last"
    return kernel.reshape(c_o, -1)


def test_the_counter_example_in_one_dimension() -> None:
    told = plait.decompose(np.array([1.0, 0.0, 1.0])).factorisation
    assert (told.answer, told.kernels, told.residual) == ("impossible", (), None)
    assert told.numbers == {"discriminant": -4}


@pytest.mark.parametrize("seed", range(5))
def test_lines_factor(seed: int) -> None:
    kernel = np.random.default_rng(seed).standard_normal(seed + 4)
    told = plait.decompose(kernel).factorisation
    assert told.answer == "found"
    a, b = told.kernels
    assert a.ndim == b.ndim == 1
    assert min(a.size, b.size) > 1
    np.testing.assert_allclose(np.convolve(a, b), kernel, rtol=0, atol=1e-13)


@pytest.mark.parametrize("sizes", [((2, 2), (2, 2)), ((3, 3), (3, 3)), ((1, 2), (3, 2))])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_are_found_and_generic_kernels_proved_to_be_none(rng, sizes, dtype: str) -> None:
    kernel = full_convolution(*(rng.standard_normal(size) for size in sizes)).astype(dtype)
    told = plait.decompose(kernel).factorisation
    assert told.answer == "found"
    assert all(one.dtype == dtype and one.ndim == 2 and one.size > 1 for one in told.kernels)
    atol = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(full_convolution(*told.kernels), kernel, rtol=0, atol=atol)
    told = plait.decompose(rng.standard_normal(kernel.shape).astype(dtype)).factorisation
    assert told.answer == "impossible"
    assert told.numbers["ruppert_rank"] == told.numbers["ruppert_columns"]


def test_separable_by_numpy_singular_values(rng) -> None:
    kernel = rng.standard_normal((3, 4, 5, 3))
    found = plait.decompose(kernel)
    assert not found.separable
    np.testing.assert_allclose(
        found.singular_values, np.linalg.svd(kernel, compute_uv=False), rtol=0, atol=1e-13
    )
    column, row = rng.standard_normal((3, 4, 5, 1)), rng.standard_normal((3, 4, 1, 3))
    found = plait.decompose((column * row).astype("float32"))
    assert found.separable
    assert found.factorisation.answer == "found"
    assert found.approximations[0].name == "spatial_pairs"
    assert found.approximations[0].kernel_error < 1e-7


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_errors_by_numpy_singular_values(rng, rank: int) -> None:
    kernel = rng.standard_normal((6, 4, 3, 3))
    size = np.linalg.norm(kernel)
    for each in plait.decompose(kernel, rank=rank).approximations:
        if each.name == "spatial_pairs":
            dropped = np.linalg.svd(kernel, compute_uv=False)[..., rank:]
        else:
            dropped = np.linalg.svd(unfolded(kernel, each.name), compute_uv=False)[rank:]
        np.testing.assert_allclose(each.kernel_error, np.linalg.norm(dropped) / size, atol=1e-14)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_layers_run(rng, groups: int) -> None:
    kernel = rng.standard_normal((4, 8 // groups, 3, 3))
    x = rng.standard_normal((2, 8, 9, 10))
    geometry = {"stride": (2, 1), "padding": ((1, 2), (0, 1)), "dilation": (1, 2)}
    y = plait.conv2d(x, kernel, groups=groups, **geometry)
    exact = plait.decompose(kernel, error=0.0, groups=groups, **geometry)
    assert len(exact.approximations) >= 3
    for each in exact.approximations:
        np.testing.assert_allclose(each.run(x), y, rtol=0, atol=1e-12)
        first, second = each.layers
        middle = plait.conv2d(x, *first.layer)
        if second.reads is not None:
            middle = middle[:, second.reads]
        np.testing.assert_allclose(plait.conv2d(middle, *second.layer), y, rtol=0, atol=1e-12)
    near = plait.decompose(kernel, error=0.5, groups=groups, **geometry)
    for each in near.approximations:
        if each.rank == each.full_rank:
            continue
        difference = np.abs(each.run(x) - y).max()
        assert 0 < difference <= each.output_bound * np.abs(x).max()
        assert 0 < each.bound_share <= 1


def test_costs_and_text(rng) -> None:
    kernel = rng.standard_normal((8, 8, 3, 3)).astype("float32")
    found = plait.decompose(kernel, rank=2, input_size=(16, 12), padding="same")
    assert found.multiplications == 576 * 16 * 12
    assert found.measured_seconds > 0
    for each in found.approximations:
        assert each.predicted_seconds > 0
        assert each.share == pytest.approx(each.measured_seconds / found.measured_seconds)
        assert each.verdict.startswith(("cheaper: ", "no gain: ", "do not: "))
        assert each.verdict in str(found)
    assert str(found).startswith("kernel     8x8x3x3, f32\nseparable  no: 0 of 64 kernels")
    counted = plait.decompose(kernel, rank=2)
    assert counted.multiplications is None
    assert counted.approximations[2].verdict == "cheaper: 0.28 of the products"


def test_channels_between(rng) -> None:
    first, second = rng.standard_normal((3, 8)), rng.standard_normal((8, 3, 3, 3))
    kernel = np.einsum("mi,omuv->oiuv", first, second)
    found = plait.decompose(kernel)
    assert found.factorisation.answer == "found"
    assert found.factorisation.layers[0].layer.kernel.shape == (3, 8, 1, 1)
    (form,) = (form for form in found.forms if form["form"] == "channels_first")
    assert (form["exact_rank"], form["full_rank"]) == (3, 8)
    assert all(s["lower"] <= s["upper"] for s in found.factorisation.middle_channels)


def test_answers_in_kind(kind) -> None:
    _, array_type, from_numpy = kind
    kernel = np.outer([1, 2, 1], [1, 0, -1]).astype("float32")
    found = plait.decompose(from_numpy(kernel))
    assert all(isinstance(one, array_type) for one in found.factorisation.kernels)
    assert isinstance(found.approximations[0].kernels[0], array_type)


@pytest.mark.parametrize(
    ("shape", "options", "text"),
    [
        ((0, 3), {}, "every size of a kernel must be at least 1 but it is 1x1x0x3"),
        ((4, 4, 3, 3), {"rank": 13}, "rank 13 is in no form's range: spatial_pairs 1 to 3"),
        ((4, 4, 3, 3), {"rank": 0}, "rank must be at least 1"),
        ((4, 4, 3, 3), {"error": 1.0}, r"must be in \[0, 1\)"),
        ((4, 4, 3, 3), {"rank": 1, "error": 0.5}, "exclude each other"),
        ((4, 4, 3, 3), {"groups": 3}, "3 does not divide c_o = 4"),
        ((4, 4, 3, 3), {"stride": 0}, "stride must be at least 1"),
        ((4, 4, 3, 3), {"padding": -1}, "padding must not be negative"),
        ((4, 4, 3, 3), {"padding": "same_upper", "stride": 2}, "depends on the size of x"),
        ((4, 4, 3, 3), {"input_size": 2}, "larger than the padded input"),
    ],
)
def test_wrong_values(shape, options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plait.decompose(np.zeros(shape, "float32"), **options)


def test_values_that_are_not_finite() -> None:
    kernel = np.ones((2, 2, 3, 3))
    kernel[1, 0, 2, 1] = np.nan
    with pytest.raises(ValueError, match=r"kernel\[1,0,2,1\] is nan"):
        plait.decompose(kernel)


@pytest.mark.parametrize(
    ("kernel", "options", "text"),
    [
        (None, {}, "K is missing"),
        (np.zeros((3, 3), "complex64"), {}, "K is complex64"),
        (np.zeros((3, 3)), {"rank": 1.5}, "rank"),
        (np.zeros((3, 3)), {"error": "small"}, "error"),
        (np.zeros((3, 3)), {"input_size": "9x9"}, "input_size"),
    ],
)
def test_wrong_types(kernel, options, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        plait.decompose(kernel, **options)


def test_the_command(tmp_path, rng) -> None:
    kernel = rng.standard_normal((4, 4, 3, 3))
    np.save(tmp_path / "k.npy", kernel)
    command = ["decompose", "k.npy", "--rank", "2", "--form", "channels_last", "-o", "small"]
    done = subprocess.run(
        [sys.executable, "-m", "plait", *command, "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["schema"] == "plait.decompose/1"
    expected = plait.decompose(kernel, rank=2).approximations[-1]
    for number, one in enumerate(expected.kernels, 1):
        np.testing.assert_array_equal(np.load(tmp_path / f"small{number}.npy"), one)
