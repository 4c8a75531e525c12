"""The patches matrix: the layer is W X'^T, and its transpose is torch's unfold."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import plait
import pytest


def test_a_hand_written_example() -> None:
    x = np.array([[[1, 2, 3], [4, 5, 6]]], "float32")
    np.testing.assert_array_equal(plait.im2col(x, 2), [[1, 2, 4, 5], [2, 3, 5, 6]])
    np.testing.assert_array_equal(
        plait.im2col(x, (1, 2), padding=((0, 0), (1, 0)), stride=(2, 2)), [[0, 1], [2, 3]]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(20))
def test_the_layer_is_a_matrix_product(dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, c_in, c_out, groups = (int(rng.integers(1, 4)) for _ in range(4))
    k_h, k_w = (int(rng.integers(1, 4)) for _ in range(2))
    options = {
        "stride": tuple(int(rng.integers(1, 4)) for _ in range(2)),
        "padding": tuple(tuple(int(rng.integers(0, 3)) for _ in range(2)) for _ in range(2)),
        "dilation": tuple(int(rng.integers(1, 3)) for _ in range(2)),
        "padding_mode": str(rng.choice(["zeros", "reflect", "symmetric", "replicate", "circular"])),
    }
    x = rng.standard_normal((n, groups * c_in, 9, 10)).astype(dtype)
    weight = rng.standard_normal((groups * c_out, c_in, k_h, k_w)).astype(dtype)
    y = plait.conv2d(x, weight, groups=groups, **options)
    matrix = plait.im2col(x, (k_h, k_w), **options)
    assert matrix.shape == (n, y.shape[2] * y.shape[3], groups * c_in * k_h * k_w)
    assert matrix.dtype == x.dtype
    blocks = np.split(matrix, groups, axis=2)
    kernels = np.split(weight.reshape(groups * c_out, -1), groups)
    product = np.concatenate(
        [w @ block.transpose(0, 2, 1) for w, block in zip(kernels, blocks, strict=True)], axis=1
    ).reshape(y.shape)
    atol = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(product, y, rtol=0, atol=atol)


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_against_torch_unfold(rng, dtype: str, batch: bool) -> None:
    torch = pytest.importorskip("torch")
    for kernel, stride, padding, dilation in [
        (1, 1, 0, 1),
        (3, 1, 1, 1),
        ((3, 2), (2, 1), (0, 2), 1),
        ((2, 3), 3, 2, (3, 2)),
    ]:
        x = torch.from_numpy(rng.standard_normal((2, 3, 8, 9)).astype(dtype))
        if not batch:
            x = x[0]
        matrix = plait.im2col(x, kernel, stride, padding, dilation)
        assert isinstance(matrix, torch.Tensor)
        expected = torch.nn.functional.unfold(x, kernel, dilation, padding, stride)
        assert torch.equal(matrix, expected.transpose(-1, -2))


def test_answers_in_kind(kind) -> None:
    _, array_type, from_numpy = kind
    x = np.arange(24, dtype="float32").reshape(2, 3, 4)
    matrix = plait.im2col(from_numpy(x), 2, padding=1)
    assert isinstance(matrix, array_type)
    np.testing.assert_array_equal(np.asarray(matrix), plait.im2col(x, 2, padding=1))


def test_reads_in_place_with_any_strides(rng) -> None:
    nhwc = rng.standard_normal((2, 9, 8, 6)).astype("float32")
    nhwc.setflags(write=False)
    for view in (nhwc.transpose(0, 3, 1, 2), nhwc[::-1, :, ::-2].transpose(0, 3, 1, 2)):
        np.testing.assert_array_equal(
            plait.im2col(view, 3, padding=1), plait.im2col(view.copy(), 3, padding=1)
        )


@pytest.mark.parametrize(
    ("padding", "sides"),
    [("valid", 0), ("same", ((0, 1), (1, 1))), ("same_lower", ((1, 0), (1, 1)))],
)
def test_words_for_padding(rng, padding: str, sides) -> None:
    x = rng.standard_normal((2, 5, 6)).astype("float32")
    np.testing.assert_array_equal(
        plait.im2col(x, (2, 3), padding=padding), plait.im2col(x, (2, 3), padding=sides)
    )


def test_padding_with_a_value() -> None:
    x = np.ones((1, 1, 1), "float64")
    matrix = plait.im2col(x, (1, 3), padding=(0, 1), padding_mode="constant", padding_value=0.1)
    np.testing.assert_array_equal(matrix, [[0.1, 1, 0.1]])


@pytest.mark.parametrize(
    ("shape", "arguments", "options", "text"),
    [
        ((4,), (2,), {}, "x must be n x c x h x w or c x h x w but is 4"),
        ((1, 4, 4), (5,), {}, "the 5x5 kernel is larger than the padded input 4x4"),
        ((1, 4, 4), (0,), {}, "kernel_size must be at least 1 but is 0"),
        ((1, 0, 4), (1,), {}, "h is 0"),
        ((1, 4, 4), (2, 0), {}, "stride must be at least 1"),
        ((1, 4, 4), (2, 1, -1), {}, "padding must not be negative"),
        ((1, 4, 4), (2, 2, "same"), {}, "'same' means an output of the input's size"),
        ((1, 4, 4), (2, 1, "whole"), {}, "'valid', 'same'"),
        ((1, 4, 4), (2, 1, 0, (1, 2, 3)), {}, r"dilation must be an int or a pair \(h, w\)"),
        ((1, 4, 4), (2,), {"padding_mode": "mirror"}, "'reflect'"),
        ((1, 4, 4), (2,), {"padding_value": 1}, "not constant"),
        ((1, 4, 4), (2, 1, 1 << 30), {}, r"overflow: the patches matrix, .*x\(1x2x2\) of 4 bytes"),
        ((1, 4, 4), (1 << 64,), {}, r"kernel_size must be below 2\^63"),
    ],
)
def test_wrong_values(shape, arguments, options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plait.im2col(np.zeros(shape, "float32"), *arguments, **options)


@pytest.mark.parametrize(
    ("x", "arguments", "text"),
    [
        (None, (2,), "x is missing"),
        (1.0, (1,), "x must be an array"),
        (np.zeros((1, 4, 4), "float16"), (2,), "x is float16, but plait computes float32"),
        (np.zeros((1, 4, 4), "float32"), (None,), "kernel_size must be an int or a pair"),
        (np.zeros((1, 4, 4), "float32"), (2.0,), "kernel_size must be an int or a pair"),
        (np.zeros((1, 4, 4), "float32"), (2, True), "stride"),
    ],
)
def test_wrong_types(x, arguments, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        plait.im2col(x, *arguments)


def test_a_torch_tensor_that_requires_a_gradient() -> None:
    torch = pytest.importorskip("torch")
    x = torch.zeros(1, 4, 4, requires_grad=True)
    with pytest.raises(ValueError, match="x requires a gradient"):
        plait.im2col(x, 2)
    with torch.no_grad():
        assert plait.im2col(x, 2).shape == (9, 4)


def test_the_command(tmp_path, rng) -> None:
    x = rng.standard_normal((2, 3, 5, 6)).astype("float32")
    np.save(tmp_path / "x.npy", np.asfortranarray(x))
    command = ["im2col", "x.npy", "-o", "matrix.npy", "--kernel", "3x2", "--padding", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "plait", *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "x.npy (2x3x5x6 f32, 720 B) -> matrix.npy (2x35x18 f32, 4.92 KiB)\n"
    matrix = np.load(tmp_path / "matrix.npy")
    np.testing.assert_array_equal(matrix, plait.im2col(x, (3, 2), padding=1))
