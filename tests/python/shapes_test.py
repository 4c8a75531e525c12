"""Lower ranks where there is one meaning, weights in other layouts, and other libraries' words."""

from __future__ import annotations

import numpy as np
import plait
import pytest


@pytest.fixture
def plane(rng):
    return rng.standard_normal((9, 11))


@pytest.fixture
def kernel(rng):
    return rng.standard_normal((3, 4))


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_channel_needs_no_axes_for_it(plane, kernel, layout: str, dtype: str) -> None:
    plane, kernel = plane.astype(dtype), kernel.astype(dtype)
    options = {"padding": (1, 2), "stride": (1, 2), "layout": layout}
    image = plane[None] if layout == "nchw" else plane[..., None]
    expected = plait.conv2d(image, kernel[None, None], [0.5], **options)
    maps = expected if layout == "nchw" else np.moveaxis(expected, -1, 0)
    y = plait.conv2d(plane, kernel, [0.5], **options)
    np.testing.assert_array_equal(y, maps[0])
    out = np.empty_like(y)
    assert plait.conv2d(plane, kernel, [0.5], residual=y, out=out, **options) is out
    np.testing.assert_allclose(out, 2 * y, rtol=1e-6)
    # The kernel's axes alone may be left out, or the image's.
    np.testing.assert_array_equal(plait.conv2d(image, kernel, [0.5], **options), expected)
    two = np.stack([kernel[None], -kernel[None]])
    y = plait.conv2d(plane, two, **options)
    np.testing.assert_array_equal(y, plait.conv2d(image, two, **options))
    assert y.ndim == 3


def test_a_sequence_needs_no_axes_either() -> None:
    np.testing.assert_array_equal(plait.conv1d([1, 2, 3, 4], [1, 10]), [21, 32, 43])
    np.testing.assert_array_equal(
        plait.conv1d([1, 2, 3], [1, 10], padding="full", flip=True),
        np.convolve([1, 2, 3], [1, 10]),
    )
    two = np.array([[[1.0, 10.0]], [[0.0, 1.0]]])
    np.testing.assert_array_equal(plait.conv1d([1, 2, 3], two), [[21, 32], [2, 3]])
    np.testing.assert_array_equal(plait.conv1d([1, 2, 3], two, layout="nlc"), [[21, 2], [32, 3]])
    np.testing.assert_array_equal(plait.conv1d([[1, 2, 3]], [1, 10]), [[21, 32]])
    out = np.empty(3)
    assert plait.conv1d([1, 2, 3, 4], [1, 10], out=out) is out
    np.testing.assert_array_equal(out, [21, 32, 43])


def test_kernels_of_one_channel_everywhere(kernel) -> None:
    np.testing.assert_array_equal(
        plait.compose([1.0, 2.0], [3.0, 5.0]).kernel, [[[[3.0, 11.0, 10.0]]]]
    )
    full = kernel[None, None]
    np.testing.assert_array_equal(
        plait.merge_branches([kernel, kernel]).kernel, plait.merge_branches([full, full]).kernel
    )
    one = np.ones(1)
    np.testing.assert_array_equal(
        plait.fold_batch_norm(kernel, None, None, None, one, one)[0],
        plait.fold_batch_norm(full, None, None, None, one, one)[0],
    )
    assert str(plait.inspect(kernel)) == str(plait.inspect(full))
    np.testing.assert_array_equal(plait.im2col(kernel, 2), plait.im2col(kernel[None], 2))


def test_one_kernel_for_several_channels_has_two_meanings(rng, kernel) -> None:
    with pytest.raises(ValueError, match="weight_layout must be 'oihw' or 'hwio'"):
        plait.conv2d(kernel, kernel, weight_layout="hw")
    image = rng.standard_normal((3, 9, 11))
    with pytest.raises(ValueError, match=r"pass 1x3x3x4 to add .* or 3x1x3x4 with groups=3"):
        plait.conv2d(image, kernel)
    with pytest.raises(ValueError, match=r"pass 1x3x4 to add .* or 3x1x4 with groups=3"):
        plait.conv1d(image[:, 0], kernel[0])
    with pytest.raises(ValueError, match=r"weight must be .* k_h x k_w but is 3x3x4"):
        plait.conv2d(image, np.stack([kernel] * 3))
    with pytest.raises(ValueError, match=r"input must be .* h x w but is 9"):
        plait.conv2d(image[0, :, 0], kernel)


# --- weights of another layout --------------------------------------------------------------------


def test_hwio_weights_are_read_as_such(rng) -> None:
    x = rng.standard_normal((2, 9, 8, 4)).astype("float32")
    weight = rng.standard_normal((6, 2, 3, 2)).astype("float32")
    expected = plait.conv2d(x, weight, layout="nhwc", groups=2)
    hwio = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))
    y = plait.conv2d(x, hwio, layout="nhwc", groups=2, weight_layout="hwio")
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(
        plait.conv2d(x, weight, layout="nhwc", groups=2, weight_layout="oihw"), expected
    )
    lio = np.ascontiguousarray(weight[:, :, 0].transpose(2, 1, 0))
    np.testing.assert_array_equal(
        plait.conv1d(x[:, 0], lio, layout="nlc", groups=2, weight_layout="lio"),
        plait.conv1d(x[:, 0], weight[:, :, 0], layout="nlc", groups=2),
    )


def test_weights_of_another_layout_are_not_guessed() -> None:
    image, weight = np.ones((1, 224, 224, 3), "float32"), np.ones((3, 3, 3, 64), "float32")
    with pytest.raises(ValueError, match=r'3x3x3x64 is legal .* weight_layout="hwio" or .*"oihw"'):
        plait.conv2d(image, weight, layout="nhwc")
    assert plait.conv2d(image, weight, layout="nhwc", weight_layout="hwio").shape[-1] == 64
    assert plait.conv2d(image, weight, layout="nhwc", weight_layout="oihw").shape[-1] == 3
    with pytest.raises(ValueError, match=r'is it hwio\? pass weight_layout="hwio"'):
        plait.conv2d(np.ones((1, 8, 8, 64), "float32"), np.ones((3, 3, 64, 128), "float32"),
                     layout="nhwc")  # fmt: skip
    sequence = np.ones((1, 100, 16), "float32")
    with pytest.raises(ValueError, match=r'legal as oil and as lio.*weight_layout="lio"'):
        plait.conv1d(sequence, np.ones((3, 16, 32), "float32"), layout="nlc")
    # Weights that do not look like HWIO are taken as they are.
    assert plait.conv2d(image.transpose(0, 3, 1, 2), weight).shape[1] == 3
    assert plait.conv2d(image, np.ones((64, 3, 1, 9), "float32"), layout="nhwc").shape[-1] == 64
    assert plait.conv1d(sequence, np.ones((16, 16, 32), "float32"), layout="nlc").shape[-1] == 16


def test_a_tensorflow_call_is_asked_too() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    image, weight = np.ones((1, 3, 224, 224), "float32"), np.ones((3, 3, 3, 64), "float32")
    for arrays in (
        (tensorflow.constant(image), weight),
        (image, tensorflow.constant(weight)),
    ):
        with pytest.raises(ValueError, match=r'legal .*weight_layout="hwio"'):
            plait.conv2d(*arrays)


def test_keras_weights(rng) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    x = tensorflow.constant(rng.standard_normal((1, 9, 9, 5)).astype("float32"))
    k = tensorflow.constant(rng.standard_normal((3, 3, 5, 7)).astype("float32"))
    for stride, padding in ((1, "SAME"), (2, "SAME"), (2, "VALID")):
        expected = tensorflow.nn.conv2d(x, k, stride, padding)
        y = plait.conv2d(x, k, None, stride, padding, layout="nhwc", weight_layout="hwio")
        np.testing.assert_allclose(y, expected, atol=1e-5)


# --- words ----------------------------------------------------------------------------------------


def test_padding_modes_are_numpys(rng) -> None:
    x, k = rng.standard_normal((6, 7)), rng.standard_normal((3, 3))
    numpys = {"zeros": "constant", "reflect": "reflect", "symmetric": "symmetric"}
    numpys |= {"replicate": "edge", "edge": "edge", "circular": "wrap"}
    for ours, word in numpys.items():
        padded = np.pad(x, 2, mode=word)
        y = plait.conv2d(x, k, padding=2, padding_mode=ours)
        np.testing.assert_allclose(y, plait.conv2d(padded, k), atol=1e-12)
    # One row or column may be mirrored with its edge, which reflect cannot.
    y = plait.conv2d(x[:1], k, padding=1, padding_mode="symmetric")
    np.testing.assert_allclose(y, plait.conv2d(np.pad(x[:1], 1, mode="symmetric"), k), atol=1e-12)


@pytest.mark.parametrize("algorithm", plait.algorithms())
def test_symmetric_padding_in_every_algorithm(rng, algorithm: str) -> None:
    groups = 12 if algorithm.startswith("depthwise") else 1
    taps = (1, 1) if algorithm == "pointwise" else (3, 3)
    if algorithm.startswith("winograd"):
        size = int(algorithm[-1])
        taps = (size, size) if size < 7 else (1, size)
    x = rng.standard_normal((1, 12, 13, 14)).astype("float32")
    weight = rng.standard_normal((12, 12 // groups, *taps)).astype("float32")
    padding = (taps[0] // 2, taps[1] // 2)
    y = plait.conv2d(x, weight, None, 1, padding, groups=groups, padding_mode="symmetric",
                     algorithm=algorithm, accuracy="relaxed")  # fmt: skip
    sides = [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2]
    exact = plait.conv2d(np.pad(x.astype("float64"), sides, mode="symmetric"), weight,
                         groups=groups)  # fmt: skip
    np.testing.assert_allclose(y, exact, atol=2e-3)


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
def test_modes_of_corr2d_are_scipys(rng, taps: int) -> None:
    """Compute the definition on scipy.signal.correlate2d's page with numpy."""
    x, k = rng.standard_normal((6, 7)), rng.standard_normal((taps, taps))
    rows = [np.correlate(row, k_row, "full") for row in x for k_row in k]
    full = np.zeros((x.shape[0] + taps - 1, x.shape[1] + taps - 1))
    for index, row in enumerate(rows):
        full[index // taps + taps - 1 - index % taps] += row
    np.testing.assert_allclose(plait.corr2d(x, k, mode="full"), full, atol=1e-12)
    first = taps // 2
    same = full[first : first + 6, first : first + 7]
    np.testing.assert_allclose(plait.corr2d(x, k, mode="same"), same, atol=1e-12)
    np.testing.assert_array_equal(plait.corr2d(x, k, mode="valid"), plait.corr2d(x, k))
    np.testing.assert_array_equal(
        plait.corr2d(x, k, mode="full", stride=2), plait.corr2d(x, k, mode="full")[::2, ::2]
    )
    np.testing.assert_array_equal(
        plait.corr2d(x, k, padding=(1, 2)), plait.conv2d(x, k, padding=(1, 2))
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"mode": "whole"}, "mode must be 'valid', 'same' or 'full' but is 'whole'"),
        ({"mode": "full", "padding": 1}, "both say the padding"),
        ({"mode": "same", "stride": (1, 2)}, "which stride"),
        ({"padding": "whole"}, "padding must be 'valid', 'same', 'same_upper', 'same_lower' or"),
    ],
)
def test_wrong_options_of_corr2d(plane, kernel, options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plait.corr2d(plane, kernel, **options)


@pytest.mark.parametrize(
    ("argument", "word", "ours"),
    [
        ("padding_mode", "mirror", "'reflect'"),
        ("padding_mode", "grid-mirror", "'symmetric'"),
        ("padding_mode", "nearest", "'replicate'"),
        ("padding_mode", "wrap", "'circular'"),
        ("padding_mode", "symm", "'symmetric'"),
        ("padding_mode", "fill", "'constant' with padding_value"),
        ("layout", "channels_last", "'nhwc'"),
        ("layout", "channels_first", "'nchw'"),
        ("weight_layout", "HWIO", "'hwio'"),
        ("activation", "linear", "None"),
        ("activation", "swish", "'silu'"),
        ("activation", "leaky_relu", "'leaky:SLOPE'"),
        ("padding", "causal", r"\(\(dilation \* \(k - 1\), 0\),\)"),
    ],
)
def test_words_of_other_libraries_lead_to_ours(argument: str, word: str, ours: str) -> None:
    for function, x, k in (
        (plait.conv2d, np.ones((1, 5, 5)), np.ones((1, 1, 3, 3))),
        (plait.conv1d, np.ones((1, 5)), np.ones((1, 1, 3))),
    ):
        with pytest.raises(ValueError, match=rf"{argument}.*'{word}'.* is {ours}"):
            function(x, k, **{argument: word})


# --- values of options, and batches of no images --------------------------------------------------


@pytest.mark.parametrize("sequence", [list, tuple, np.array, lambda pair: range(*pair, -1)])
def test_any_sequence_of_integers_is_a_pair(plane, kernel, sequence) -> None:
    pair = sequence((2, 0)) if sequence is not tuple else (2, 1)
    padding = {"padding": pair, "padding_mode": "replicate"}
    expected = plait.conv2d(plane, kernel, padding=tuple(int(side) for side in pair),
                            padding_mode="replicate")  # fmt: skip
    np.testing.assert_array_equal(plait.conv2d(plane, kernel, **padding), expected)


def test_strides_of_any_integer_sequence(plane, kernel) -> None:
    expected = plait.conv2d(plane, kernel, stride=(2, 1))
    for stride in ([2, 1], np.array([2, 1]), np.array([2, 1], "uint8"), range(2, 0, -1)):
        np.testing.assert_array_equal(plait.conv2d(plane, kernel, stride=stride), expected)
    np.testing.assert_array_equal(
        plait.conv2d(plane, kernel, stride=np.int64(2)),
        plait.conv2d(plane, kernel, stride=np.array(2)),
    )
    with pytest.raises(TypeError, match="stride must be an int"):
        plait.conv2d(plane, kernel, stride=np.array([2.0, 1.0]))
    with pytest.raises(ValueError, match="stride must be an int or a pair"):
        plait.conv2d(plane, kernel, stride=np.array([2, 1, 1]))


def test_no_images_give_no_outputs(kind) -> None:
    _, array_type, from_numpy = kind
    x = from_numpy(np.zeros((0, 3, 6, 5), "float32"))
    weight = from_numpy(np.ones((4, 3, 3, 3), "float32"))
    answers = [
        (plait.conv2d(x, weight, padding=1, stride=2), (0, 4, 3, 3)),
        (plait.conv1d(from_numpy(np.zeros((0, 3, 6), "float32")), weight[:, :, 0]), (0, 4, 4)),
        (plait.corr2d_multi_in_out(x, weight), (0, 4, 4, 3)),
        (plait.im2col(x, 3), (0, 12, 27)),
        (plait.channel_shuffle(x, 3), (0, 3, 6, 5)),
        (plait.conv2d(from_numpy(np.zeros((0, 6, 5, 3), "float32")), weight, layout="nhwc"),
         (0, 4, 3, 4)),
    ]  # fmt: skip
    for y, shape in answers:
        assert isinstance(y, array_type)
        assert tuple(y.shape) == shape
    out = np.empty((0, 4, 4, 3), "float32")
    assert plait.conv2d(np.asarray(x), np.asarray(weight), out=out) is out
    with pytest.raises(ValueError, match="weight expects 3 input channels but x has 2"):
        plait.conv2d(from_numpy(np.zeros((0, 2, 6, 5), "float32")), weight)
