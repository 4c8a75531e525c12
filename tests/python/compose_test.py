"""Two layers as one: numpy's full convolution, both layers in plait and torch, and the border."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import plait
import pytest


def full_convolution(k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Of kernels of one channel, by polynomials: the product of both in two variables."""
    out = np.zeros(np.add(k1.shape, k2.shape) - 1)
    for u in range(k2.shape[0]):
        for v in range(k2.shape[1]):
            out[u : u + k1.shape[0], v : v + k1.shape[1]] += k2[u, v] * k1
    return out


def test_the_kernel_is_the_full_convolution(rng) -> None:
    k1 = rng.standard_normal((3, 4))
    k2 = rng.standard_normal((2, 5))
    c = plait.compose(k1, k2)
    assert c.kernel.shape == (1, 1, 4, 8)
    assert c.kernel.dtype == np.float64
    np.testing.assert_allclose(c.kernel[0, 0], full_convolution(k1, k2), rtol=1e-13)
    assert (c.bias, c.stride, c.padding, c.groups, c.exact) == (None, (1, 1), (0, 0), 1, True)
    assert c.differing is None
    assert c.cost == plait.CompositionCost((12 + 10, 32))
    assert c.cost.factor == 32 / 22


def test_a_bias_and_middle_channels() -> None:
    k1 = np.array([[[[1, 2]]], [[[3, 4]]]], "float32")
    k2 = np.array([[[[5, 6]], [[7, 8]]]], "float32")
    c = plait.compose(k1, k2, bias1=np.float32([1, 10]), bias2=np.float32([100]))
    np.testing.assert_array_equal(c.kernel, [[[[26, 68, 44]]]])
    np.testing.assert_array_equal(c.bias, [261])


def random_layers(rng):
    """Kernels, biases and options of two layers, and an input, in float64."""

    def pair(low: int, high: int) -> tuple[int, int]:
        return int(rng.integers(low, high)), int(rng.integers(low, high))

    g1, g2 = (int(rng.choice([1, 1, 2, 3])) for _ in range(2))
    c_mid = int(np.lcm(g1, g2)) * int(rng.integers(1, 3))
    k1 = rng.standard_normal((c_mid, int(rng.integers(1, 3)), *pair(1, 4)))
    k2 = rng.standard_normal((g2 * int(rng.integers(1, 3)), c_mid // g2, *pair(1, 4)))
    options = {
        "stride1": pair(1, 3),
        "stride2": pair(1, 3),
        "dilation1": pair(1, 3),
        "dilation2": pair(1, 3),
        "groups1": g1,
        "groups2": g2,
        "padding1": pair(0, 3),
        "padding2": (pair(0, 3), pair(0, 3)),
        "bias1": rng.standard_normal(c_mid) if rng.random() < 0.4 else None,
        "bias2": rng.standard_normal(len(k2)) if rng.random() < 0.4 else None,
    }
    x = rng.standard_normal((2, k1.shape[1] * g1, int(rng.integers(12, 17)), 14))
    return k1, k2, options, x


def run_both(conv2d, k1, k2, o, x):
    y = conv2d(x, k1, o["bias1"], o["stride1"], o["padding1"], o["dilation1"], o["groups1"])
    return conv2d(y, k2, o["bias2"], o["stride2"], o["padding2"], o["dilation2"], o["groups2"])


def torch_conv2d(x, weight, bias, stride, padding, dilation, groups):
    torch = pytest.importorskip("torch")
    if isinstance(padding[0], tuple):
        x = np.pad(x, ((0, 0), (0, 0), *padding))
        padding = 0
    bias = None if bias is None else torch.from_numpy(bias)
    return torch.nn.functional.conv2d(
        torch.from_numpy(x), torch.from_numpy(weight), bias, stride, padding, dilation, groups
    ).numpy()


@pytest.mark.parametrize("conv2d", [plait.conv2d, torch_conv2d], ids=["plait", "torch"])
@pytest.mark.parametrize("seed", range(60))
def test_equals_both_layers_but_where_it_says(conv2d, seed: int) -> None:
    k1, k2, options, x = random_layers(np.random.default_rng(seed))
    c = plait.compose(k1, k2, input_size=x.shape[2:], **options)
    two = run_both(conv2d, k1, k2, options, x)
    one = plait.conv2d(x, c.kernel, c.bias, stride=c.stride, padding=c.padding, groups=c.groups)
    assert one.shape == two.shape
    np.testing.assert_array_equal(plait.conv2d(x, *c.layer), one)
    assert c.differing.dtype == bool
    assert c.differing.shape == two.shape[2:]
    differs = np.abs(one - two).max(axis=(0, 1)) > 1e-12 * np.abs(two).max()
    np.testing.assert_array_equal(differs, c.differing)
    assert c.exact == (not differs.any())
    if plait.compose(k1, k2, **options).exact:
        assert c.exact


def test_the_border_of_a_small_example() -> None:
    k = np.ones((1, 1, 3, 3), "float32")
    c = plait.compose(k, k, padding1=1, padding2=1, input_size=5)
    assert c.differing.sum() == 16
    assert not c.differing[1:-1, 1:-1].any()
    assert plait.compose(k, k, padding1=2, input_size=5).exact
    assert plait.compose(k, k, padding1=2).exact
    assert not plait.compose(k, k, padding2=1).exact
    assert plait.compose(k[..., :1, :1], k, padding2=1).exact


def test_padding_as_conv2d_takes_it() -> None:
    k = np.ones((3, 3), "float32")
    assert plait.compose(k, k, padding1="same", padding2="valid").padding == (1, 1)
    assert plait.compose(k, k, padding1=((1, 0), (2, 0)), stride1=2, padding2=(0, 1)).padding == (
        (1, 0),
        (4, 2),
    )


def test_the_cost() -> None:
    k1 = np.ones((8, 3, 3, 3), "float32")
    k2 = np.ones((16, 8, 3, 3), "float32")
    composed = plait.compose(k1, k2, input_size=(8, 9))
    _, _, stride, padding, groups, exact, differing = composed
    assert (stride, padding, groups, exact) == ((1, 1), (0, 0), 1, True)
    assert not differing.any()
    cost = composed.cost
    assert cost.products_per_position == (8 * 3 * 9 + 16 * 8 * 9, 16 * 3 * 25)
    assert cost.products == (8 * 3 * 9 * 6 * 7 + 16 * 8 * 9 * 4 * 5, 16 * 3 * 25 * 4 * 5)
    assert cost.factor == cost.products[1] / cost.products[0]
    assert all(seconds > 0 for seconds in cost.predicted_seconds)
    assert cost.measured_seconds is None
    measured = plait.compose(k1, k2, input_size=8, measure=True).cost.measured_seconds
    assert all(seconds > 0 for seconds in measured)


def test_answers_in_kind(kind) -> None:
    _, array_type, from_numpy = kind
    k1 = np.arange(36, dtype="float32").reshape(2, 2, 3, 3)
    bias = np.float32([1, 2])
    c = plait.compose(from_numpy(k1), from_numpy(k1), bias1=from_numpy(bias), input_size=9)
    assert isinstance(c.kernel, array_type)
    assert isinstance(c.bias, array_type)
    assert isinstance(c.differing, np.ndarray)
    expected = plait.compose(k1, k1, bias1=bias)
    np.testing.assert_array_equal(np.asarray(c.kernel), expected.kernel)
    np.testing.assert_array_equal(np.asarray(c.bias), expected.bias)


def test_reads_in_place_with_any_strides(rng) -> None:
    memory = rng.standard_normal((3, 3, 4, 4)).astype("float32")
    memory.setflags(write=False)
    k = memory.transpose(3, 2, 0, 1)[::-1]
    np.testing.assert_array_equal(
        plait.compose(k, k).kernel, plait.compose(k.copy(), k.copy()).kernel
    )
    plane = k[0, 0].T
    np.testing.assert_array_equal(
        plait.compose(plane, plane).kernel, plait.compose(plane.copy(), plane.copy()).kernel
    )


K = np.ones((2, 2, 3, 3), "float32")


@pytest.mark.parametrize(
    ("k1", "k2", "options", "text"),
    [
        (K[0], K, {}, "K1 must be c_m x c_i/groups1 x k_h x k_w but is 2x3x3"),
        (K, K[:, :1], {}, r"K2 reads 1 middle channels but K1 computes 2 \(K1 is 2x2x3x3"),
        (K, K, {"groups1": 3}, "layer 1: groups must divide the channels but 3"),
        (K, K, {"stride2": (1, 0)}, "layer 2: stride must be at least 1 but is 1x0"),
        (K, K, {"padding1": (1, 2, 3)}, "padding1: padding must be"),
        (K, K, {"padding2": "whole"}, "padding2: padding must be 'valid'"),
        (K, K, {"padding2": "same_upper", "stride2": 2}, "padding2: .* depends on the size of x"),
        (K, K, {"bias1": K[0, 0, 0]}, r"bias1 must have one value for each kernel of K1 \(2\)"),
        (K, K, {"bias2": K[0, 0, 0][:0]}, r"bias2 must have one value .* but is 0"),
        (K, K, {"input_size": 4}, "layer 2: the 3x3 kernel is larger than the padded input 2x2"),
        (K, K * np.float32("nan"), {}, r"layer 2: kernel\[0,0,0,0\] is nan"),
        (K, K, {"stride1": 1 << 40, "dilation2": 1 << 40}, "overflow: the composed kernel"),
        (K * np.float32(1e30), K * np.float32(1e30), {}, "passes the range of f32"),
        (K, K, {"measure": True}, "measure=True needs input_size"),
        (K, K, {"padding2": 1, "require_exact": True}, "no one kernel is exact here"),
        (
            K,
            K,
            {"padding1": 1, "padding2": 1, "require_exact": True, "input_size": 5},
            r"16 of 5x5 outputs can differ, the first at \(0, 0\): .* exact would be padding1 2_2",
        ),
    ],
)
def test_wrong_values(k1, k2, options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plait.compose(k1, k2, **options)


@pytest.mark.parametrize(
    ("k1", "k2", "options", "text"),
    [
        (None, K, {}, "K1 is missing"),
        (K, None, {}, "K2 is missing"),
        (K, K.astype("complex64"), {}, "K2 is complex64"),
        (K, K, {"bias1": 1.0}, "bias1 must be an array"),
        (K, K, {"stride1": 1.5}, "stride1 must be an int or a pair"),
        (K, K, {"padding1": 1.5}, "padding1: padding must be an int"),
        (K, K, {"input_size": "5"}, "input_size must be an int or a pair"),
        (K, K, {"require_exact": 1}, "require_exact must be True or False"),
    ],
)
def test_wrong_types(k1, k2, options, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        plait.compose(k1, k2, **options)


def test_the_command(tmp_path) -> None:
    np.save(tmp_path / "k1.npy", np.float32([[1, 2]]))
    np.save(tmp_path / "k2.npy", np.float32([[3, 5]]))
    done = subprocess.run(
        [sys.executable, "-m", "plait", "compose", "k1.npy", "k2.npy", "-o", "k.npy"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("k1.npy (1x1x1x2 f32), then k2.npy (1x1x1x2 f32) -> k.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "k.npy"), [[[[3, 11, 10]]]])
