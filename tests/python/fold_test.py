"""Folded layers against the layers one by one, and against torch's where it is there."""

from __future__ import annotations

import numpy as np
import plait
import pytest


def normal(rng: np.random.Generator, *shape: int, dtype: str = "float64") -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


def norm_of(rng: np.random.Generator, channels: int) -> dict[str, np.ndarray]:
    return {
        "gamma": normal(rng, channels),
        "beta": normal(rng, channels),
        "mean": normal(rng, channels),
        "variance": normal(rng, channels) ** 2 + 0.1,
    }


def apply_norm(x: np.ndarray, norm: dict[str, np.ndarray], eps: float = 1e-5) -> np.ndarray:
    at = {name: values[:, None, None] for name, values in norm.items()}
    return (x - at["mean"]) / np.sqrt(at["variance"] + eps) * at["gamma"] + at["beta"]


def assert_equal(y, expected, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# === batch norms ===


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("padding", [0, (1, 2), ((0, 1), (2, 0))])
def test_a_norm_behind_a_layer(rng, padding, groups: int) -> None:
    x, weight = normal(rng, 2, 4, 6, 7), normal(rng, 6, 4 // groups, 3, 2)
    bias, norm = normal(rng, 6), norm_of(rng, 6)
    for b in (None, bias):
        kernel, folded = plait.fold_batch_norm(weight, b, **norm, groups=groups, padding=padding)
        y = plait.conv2d(x, kernel, folded, padding=padding, groups=groups)
        behind = plait.conv2d(x, weight, b, padding=padding, groups=groups)
        assert_equal(y, apply_norm(behind, norm))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_norm_in_front_of_a_layer(rng, groups: int) -> None:
    x, weight = normal(rng, 2, 4, 6, 7), normal(rng, 6, 4 // groups, 3, 2)
    norm = norm_of(rng, 4)
    kernel, bias = plait.fold_batch_norm(weight, None, **norm, before=True, groups=groups)
    y = plait.conv2d(x, kernel, bias, stride=2, groups=groups)
    assert_equal(y, plait.conv2d(apply_norm(x, norm), weight, stride=2, groups=groups))


def test_a_norm_in_front_of_padding_is_folded_only_if_it_shifts_nothing(rng) -> None:
    x, weight, norm = normal(rng, 4, 6, 7), normal(rng, 6, 4, 3, 3), norm_of(rng, 4)
    with pytest.raises(ValueError, match=r"padding 1_1_1_1 .* shifts channel 0 by "):
        plait.fold_batch_norm(weight, None, **norm, before=True, padding="same")
    with pytest.raises(ValueError, match=r"padding 0_0_0_1 .* shifts channel 0 by "):
        plait.fold_batch_norm(weight, None, **norm, before=True, padding=((0, 0), (0, 1)))
    scaling = {**norm, "beta": None, "mean": np.zeros(4)}
    kernel, bias = plait.fold_batch_norm(weight, None, **scaling, before=True, padding="same")
    assert not bias.any()
    y = plait.conv2d(x, kernel, padding="same")
    scaling["beta"] = np.zeros(4)
    assert_equal(y, plait.conv2d(apply_norm(x, scaling), weight, padding="same"))


def test_norms_of_torch(rng) -> None:
    torch = pytest.importorskip("torch")
    convolution = torch.nn.Conv2d(4, 6, 3, padding=1, groups=2).double()
    norm = torch.nn.BatchNorm2d(6).double()
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
        tensor.copy_(torch.from_numpy(normal(rng, 6)))
    norm.running_var.copy_(torch.from_numpy(normal(rng, 6) ** 2 + 0.1))
    norm.eval()
    x = torch.from_numpy(normal(rng, 2, 4, 6, 7))
    with torch.no_grad():
        kernel, bias = plait.fold_batch_norm(
            convolution.weight,
            convolution.bias,
            norm.weight,
            norm.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            groups=2,
        )
        assert isinstance(kernel, torch.Tensor)
        y = torch.nn.functional.conv2d(x, kernel, bias, padding=1, groups=2)
        assert_equal(y.numpy(), norm(convolution(x)).numpy())
    with pytest.raises(ValueError, match="K requires a gradient"):
        plait.fold_batch_norm(
            convolution.weight, None, None, None, norm.running_mean, norm.running_var
        )


# === branches ===


def test_a_rep_vgg_block(rng) -> None:
    x = normal(rng, 2, 4, 6, 7)
    layers = [
        plait.ConvLayer(normal(rng, 4, 2, 3, 3), padding=1, groups=2),
        plait.ConvLayer(normal(rng, 4, 2, 1, 1), groups=2),
        plait.ConvLayer(plait.identity_kernel(4, 2, dtype="float64"), groups=2),
    ]
    y = np.zeros((2, 4, 6, 7))
    branches = []
    for layer in layers:
        norm = norm_of(rng, 4)
        y += apply_norm(plait.conv2d(x, *layer), norm)
        kernel, bias = plait.fold_batch_norm(layer.kernel, None, **norm, groups=2)
        branches.append(layer._replace(kernel=kernel, bias=bias))
    merged = plait.merge_branches(branches)
    assert isinstance(merged, plait.ConvLayer)
    assert (merged.kernel.shape, merged.padding, merged.groups) == ((4, 2, 3, 3), (1, 1), 2)
    assert_equal(plait.conv2d(x, *merged), y)


def random_branches(rng: np.random.Generator) -> list[plait.ConvLayer]:
    stride = int(rng.integers(1, 3))
    branches = []
    for _ in range(int(rng.integers(1, 4))):
        k_h, k_w, d_h, d_w = (int(rng.integers(1, 4)) for _ in range(4))
        reach_h, reach_w = d_h * (k_h - 1), d_w * (k_w - 1)
        top, left = int(rng.integers(0, reach_h + 2)), int(rng.integers(0, reach_w + 1))
        groups = int(rng.choice([1, 2, 4]))
        bias = normal(rng, 4) if rng.random() < 0.5 else None
        padding = ((top, reach_h + 1 - top), (left, reach_w - left))
        kernel = normal(rng, 4, 4 // groups, k_h, k_w)
        branches.append(plait.ConvLayer(kernel, bias, stride, padding, (d_h, d_w), groups))
    return branches


@pytest.mark.parametrize("seed", range(40))
def test_random_branches(seed: int) -> None:
    rng = np.random.default_rng(seed)
    branches = random_branches(rng)
    x = normal(rng, 2, 4, int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    outputs = [plait.conv2d(x, *branch) for branch in branches]
    assert_equal(plait.conv2d(x, *plait.merge_branches(branches)), sum(outputs))
    side_by_side = plait.concatenate_branches(branches)
    assert_equal(plait.conv2d(x, *side_by_side), np.concatenate(outputs, axis=1))


def test_branches_of_torch(rng) -> None:
    torch = pytest.importorskip("torch")
    F = torch.nn.functional  # noqa: N806
    x = torch.from_numpy(normal(rng, 2, 4, 6, 7))
    square, row, column = (
        torch.from_numpy(normal(rng, 6, 4, *window)) for window in ((3, 3), (1, 3), (3, 1))
    )
    merged = plait.merge_branches(
        [
            {"kernel": square, "padding": "same"},
            (row, None, 1, (0, 1)),
            plait.ConvLayer(column, padding=(1, 0)),
        ]
    )
    expected = (
        F.conv2d(x, square, padding=1)
        + F.conv2d(x, row, padding=(0, 1))
        + F.conv2d(x, column, padding=(1, 0))
    )
    assert_equal(F.conv2d(x, *merged).numpy(), expected.numpy())


def test_answers_in_kind(kind) -> None:
    _, array_type, from_numpy = kind
    branch = from_numpy(np.ones((2, 2, 1, 1), "float32"))
    merged = plait.merge_branches([branch, plait.ConvLayer(branch, from_numpy(np.ones(2, "f4")))])
    assert isinstance(merged.kernel, array_type)
    assert isinstance(merged.bias, array_type)
    np.testing.assert_array_equal(np.asarray(merged.kernel), np.full((2, 2, 1, 1), 2))
    ones = from_numpy(np.ones(2, "float32"))
    kernel, bias = plait.fold_batch_norm(branch, None, None, None, ones, ones, 0)
    assert isinstance(kernel, array_type)
    np.testing.assert_array_equal(np.asarray(bias), [-1, -1])


# === kernels, and 1x1 layers ===


def test_average_pooling_of_torch(rng) -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(normal(rng, 2, 3, 9, 8))
    for window, stride, padding in [(2, 2, 0), (3, 1, 1), ((3, 2), (2, 1), (1, 0))]:
        weight = torch.from_numpy(plait.average_pool_kernel(3, window, padding=padding, dtype="f8"))
        y = torch.nn.functional.conv2d(x, weight, stride=stride, padding=padding, groups=3)
        expected = torch.nn.functional.avg_pool2d(x, window, stride, padding)
        assert_equal(y.numpy(), expected.numpy())


def test_average_pooling_that_does_not_count_its_padding() -> None:
    with pytest.raises(ValueError, match="is no convolution: at the borders"):
        plait.average_pool_kernel(3, 3, padding=1, count_include_pad=False)
    kernel = plait.average_pool_kernel(3, (2, 4), count_include_pad=False)
    np.testing.assert_array_equal(kernel, np.full((3, 1, 2, 4), 0.125, "float32"))


def test_channel_shuffle(rng) -> None:
    x = normal(rng, 2, 6, 4, 3, dtype="float32")
    for groups in (1, 2, 3, 6):
        y = plait.conv2d(x, plait.channel_shuffle_kernel(6, groups))
        np.testing.assert_array_equal(y, plait.channel_shuffle(x, groups))


def test_channel_shuffle_of_torch(rng) -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(normal(rng, 2, 6, 4, 3))
    weight = torch.from_numpy(plait.channel_shuffle_kernel(6, 3, dtype=np.float64))
    y = torch.nn.functional.conv2d(x, weight)
    assert torch.equal(y, torch.nn.functional.channel_shuffle(x, 3))


@pytest.mark.parametrize("dtype", ["float32", np.float64])
def test_the_identity(rng, dtype) -> None:
    x = normal(rng, 6, 4, 3).astype(dtype)
    kernel = plait.identity_kernel(6, 2, (3, 1), dtype=dtype)
    assert kernel.dtype == x.dtype
    np.testing.assert_array_equal(plait.conv2d(x, kernel, padding=(1, 0), groups=2), x)


def test_a_pointwise_layer_and_back(rng) -> None:
    x = normal(rng, 4, 6, 7)
    layer = plait.ConvLayer(normal(rng, 6, 4, 1, 1), normal(rng, 6), 2, ((1, 0), (0, 2)))
    embedded = plait.embed_pointwise(layer, (3, 4))
    assert embedded.padding == ((2, 1), (1, 4))
    assert_equal(plait.conv2d(x, *embedded), plait.conv2d(x, *layer))
    back = plait.extract_pointwise(embedded)
    np.testing.assert_array_equal(back.kernel, layer.kernel)
    np.testing.assert_array_equal(back.bias, layer.bias)
    assert back[2:] == ((2, 2), ((1, 0), (0, 2)), (1, 1), 1)


def test_a_pointwise_layer_in_front_and_behind(rng) -> None:
    x = normal(rng, 2, 6, 9, 8)
    pointwise = plait.ConvLayer(normal(rng, 4, 6, 1, 1), stride=2)
    square = plait.ConvLayer(normal(rng, 6, 2, 3, 2), normal(rng, 6), 1, (1, 2), 2, 2)
    y = plait.conv2d(plait.conv2d(x, *pointwise), *square)
    folded = plait.fold_pointwise(pointwise, square)
    assert (folded.kernel.shape, folded.dilation) == ((6, 6, 3, 2), (4, 4))
    assert_equal(plait.conv2d(x, *folded), y)
    biased = pointwise._replace(bias=normal(rng, 4))
    y = plait.conv2d(plait.conv2d(x[:, :4], *square._replace(groups=2)), *biased)
    folded = plait.fold_pointwise(square, biased)
    assert folded.dilation == (2, 2)
    assert_equal(plait.conv2d(x[:, :4], *folded), y)
    with pytest.raises(ValueError, match="whose bias is not 0"):
        plait.fold_pointwise(biased, square)
    with pytest.raises(ValueError, match="of 3x6 outputs can differ, the first at"):
        plait.fold_pointwise(biased, square, input_size=(9, 8))


# === wrong calls ===

K33 = np.ones((4, 2, 3, 3), "float32")
K11 = np.ones((4, 2, 1, 1), "float32")
K44 = np.ones((4, 4, 3, 3), "float32")
TWO, FOUR = np.ones(2, "float32"), np.ones(4, "float32")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plait.merge_branches([]), "at least one branch"),
        (lambda: plait.merge_branches([K33, K11]), r"branch 0 has -2 .* and branch 1 0 "),
        (lambda: plait.merge_branches([K11, (K11, FOUR, 2)]), "branch 0 has 1 and branch 1 2"),
        (lambda: plait.merge_branches([K11, (K11, TWO)]), r"branch 1: bias .* \(4\) but is 2"),
        (lambda: plait.merge_branches([K11, K11 * np.inf]), r"branch 1: kernel\[0,0,0,0\] is inf"),
        (lambda: plait.merge_branches([K11[0]]), "branch 0: a layer's kernel must be c_o x"),
        (
            lambda: plait.merge_branches([(K33, None, 2, "same_upper")]),
            "'same_upper' with stride 2x2 depends on the size of x",
        ),
        (
            lambda: plait.fold_batch_norm(K33, None, None, None, TWO, TWO),
            "each of the 4 channels of y but its mean is 2",
        ),
        (
            lambda: plait.fold_batch_norm(K33, None, None, None, FOUR, -FOUR),
            r"variance\[0\] is -1",
        ),
        (
            lambda: plait.fold_batch_norm(K33, None, None, None, FOUR, FOUR, -1),
            "epsilon must be finite and not negative but is -1",
        ),
        (
            lambda: plait.fold_batch_norm(K33, None, None, None, FOUR, FOUR, groups=3),
            "3 does not divide c_o = 4",
        ),
        (lambda: plait.identity_kernel(6, 4), "4 does not divide 6"),
        (lambda: plait.identity_kernel(1 << 40), "overflow: shape 1099511627776x1099511627776"),
        (lambda: plait.average_pool_kernel(0, 2), "channels must be at least 1"),
        (lambda: plait.channel_shuffle_kernel(6, 0), "groups must be at least 1"),
        (lambda: plait.embed_pointwise(K33, 3), "this one's kernel is 4x2x3x3"),
        (lambda: plait.fold_pointwise(K33, K33), "one of both layers must be 1x1"),
        (
            lambda: plait.fold_pointwise(K11, K44, input_size=0),
            "input_size must be at least 1 but is 0",
        ),
        (lambda: plait.extract_pointwise(K33), r"tap \(0, 0\) .* and tap \(0, 1\)"),
    ],
)
def test_wrong_values(call, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plait.merge_branches(None), "iterable"),
        (lambda: plait.merge_branches([None]), r"branches\[0\].kernel is missing"),
        (
            lambda: plait.merge_branches([K11, K11.astype("complex128")]),
            r"branches\[1\].kernel is complex128",
        ),
        (
            lambda: plait.merge_branches([K11, (K11, FOUR.astype("U1"))]),
            r"branches\[1\].bias is <U1",
        ),
        (lambda: plait.merge_branches([{"kernel": K11, "pad": 1}]), "'pad'"),
        (lambda: plait.merge_branches([(K11, None, 1.5)]), "stride must be an int or a pair"),
        (lambda: plait.fold_batch_norm(None, None, None, None, FOUR, FOUR), "K is missing"),
        (lambda: plait.fold_batch_norm(K11, None, None, None, None, FOUR), "mean is missing"),
        (lambda: plait.fold_batch_norm(K11, None, None, None, FOUR, FOUR, "a"), "eps must be"),
        (lambda: plait.identity_kernel(2.0), "channels must be an int"),
        (lambda: plait.identity_kernel(2, dtype="int32"), "float32 or float64 but is int32"),
        (lambda: plait.average_pool_kernel(2, 2, count_include_pad=1), "count_include_pad must be"),
        (lambda: plait.fold_pointwise(K11, None), "second.kernel is missing"),
        (lambda: plait.embed_pointwise(K11, None), "window must be an int or a pair"),
    ],
)
def test_wrong_types(call, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        call()
