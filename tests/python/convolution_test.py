"""conv2d and conv1d: what each argument means."""

from __future__ import annotations

import numpy as np
import plait
import pytest


def random(rng, *shape, dtype="float32"):
    return rng.standard_normal(shape).astype(dtype)


@pytest.fixture
def x(rng):
    return random(rng, 2, 4, 9, 11)


@pytest.fixture
def weight(rng):
    return random(rng, 6, 4, 3, 5)


def padded(x, top, bottom, left, right):
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))


SIDES = [
    (2, (2, 2, 2, 2)),
    ((1, 2), (1, 1, 2, 2)),
    ([1, 2], (1, 1, 2, 2)),
    (np.int64(1), (1, 1, 1, 1)),
    (((1, 0), (2, 3)), (1, 0, 2, 3)),
    ("valid", (0, 0, 0, 0)),
    ("same", (1, 1, 2, 2)),
]


@pytest.mark.parametrize(("padding", "sides"), SIDES)
def test_padding_adds_zeros_on_each_side(x, weight, padding, sides) -> None:
    y = plait.conv2d(x, weight, padding=padding)
    np.testing.assert_allclose(y, plait.conv2d(padded(x, *sides), weight), rtol=0, atol=2e-5)


@pytest.mark.parametrize(("k", "before"), [(2, 0), (4, 1), (3, 1)])
def test_same_puts_the_odd_row_at_the_end_as_torch_does(rng, x, k: int, before: int) -> None:
    weight = random(rng, 2, 4, k, k)
    after = k - 1 - before
    y = plait.conv2d(x, weight, padding="same")
    assert y.shape == (2, 2, 9, 11)
    expected = plait.conv2d(padded(x, before, after, before, after), weight)
    np.testing.assert_allclose(y, expected, rtol=0, atol=2e-5)


def test_same_upper_and_lower_take_strides(rng, x) -> None:
    weight = random(rng, 2, 4, 4, 4)
    for padding, sides in (("same_upper", (1, 2, 1, 1)), ("same_lower", (2, 1, 1, 1))):
        y = plait.conv2d(x, weight, stride=(2, 3), padding=padding)
        assert y.shape == (2, 2, 5, 4)
        expected = plait.conv2d(padded(x, *sides), weight, stride=(2, 3))
        np.testing.assert_allclose(y, expected, rtol=0, atol=2e-5)


def test_flip_is_true_convolution(rng) -> None:
    x = random(rng, 1, 1, 5, 6, dtype="float64")
    k = random(rng, 1, 1, 3, 2, dtype="float64")
    y = plait.conv2d(x, k, flip=True)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            terms = [
                x[0, 0, i + 2 - u, j + 1 - v] * k[0, 0, u, v] for u in range(3) for v in range(2)
            ]
            assert y[0, 0, i, j] == pytest.approx(sum(terms), abs=1e-13)


def test_an_image_without_a_batch_axis(x, weight) -> None:
    y = plait.conv2d(x[0], weight, padding=1)
    assert y.ndim == 3
    np.testing.assert_array_equal(y, plait.conv2d(x, weight, padding=1)[0])


@pytest.mark.parametrize("batch", [True, False])
def test_nhwc_is_the_same_layer(rng, x, weight, batch: bool) -> None:
    bias = random(rng, 6)
    y = plait.conv2d(x, weight, bias, padding=1, activation="relu")
    nhwc = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    z = plait.conv2d(
        nhwc if batch else nhwc[0], weight, bias, padding=1, activation="relu", layout="nhwc"
    )
    assert z.flags.c_contiguous
    expected = y.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(z, expected if batch else expected[0], rtol=0, atol=1e-5)


def test_a_view_of_nhwc_memory_is_answered_with_one(x, weight) -> None:
    view = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    y = plait.conv2d(view, weight)
    assert y.shape == (2, 6, 7, 7)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_allclose(y, plait.conv2d(x, weight), rtol=0, atol=1e-5)


def test_residual_comes_before_the_activation(rng, x, weight) -> None:
    plain = plait.conv2d(x, weight)
    residual = random(rng, *plain.shape)
    y = plait.conv2d(x, weight, residual=residual, activation="relu")
    np.testing.assert_allclose(y, np.maximum(plain + residual, 0), rtol=0, atol=2e-5)


def test_out_is_written_and_returned(x, weight) -> None:
    expected = plait.conv2d(x, weight)
    out = np.full(expected.shape, np.nan, "float32")
    assert plait.conv2d(x, weight, out=out) is out
    np.testing.assert_array_equal(out, expected)
    strided = np.full((*expected.shape[:-1], 2 * expected.shape[-1]), np.nan, "float32")
    plait.conv2d(x, weight, out=strided[..., ::2])
    np.testing.assert_allclose(strided[..., ::2], expected, rtol=0, atol=1e-5)
    assert np.isnan(strided[..., 1::2]).all()


def test_the_weight_may_change_between_calls(x, weight) -> None:
    first = plait.conv2d(x, weight)
    weight *= 2
    np.testing.assert_allclose(plait.conv2d(x, weight), 2 * first, rtol=1e-6, atol=1e-6)


def test_operands_are_read_in_place(x, weight) -> None:
    kept = [x.copy(), weight.copy()]
    x.setflags(write=False)
    weight.setflags(write=False)
    plait.conv2d(x, weight, padding=2)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(weight, kept[1])


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_do_not_change_a_bit(rng, threads: int) -> None:
    x = random(rng, 3, 16, 20, 20)
    weight = random(rng, 24, 16, 3, 3)
    one = plait.conv2d(x, weight, padding=1, threads=1, algorithm="direct/pixels")
    many = plait.conv2d(x, weight, padding=1, threads=threads, algorithm="direct/pixels")
    np.testing.assert_array_equal(one, many)


@pytest.mark.parametrize("algorithm", plait.algorithms())
def test_every_algorithm_can_be_asked_for(rng, x, algorithm: str) -> None:
    if algorithm == "depthwise":  # one input channel to a group
        weight = random(rng, 4, 1, 1, 1)
        y = plait.conv2d(x, weight, groups=4, algorithm=algorithm)
        np.testing.assert_allclose(y, x * weight[:, 0], atol=1e-5)
        return
    if algorithm.startswith("winograd"):  # windows of its own size
        size = int(algorithm[-1])
        weight = random(rng, 5, 4, size if size < 7 else 1, size)
        x = random(rng, 2, 4, 9, 11)
        y = plait.conv2d(x, weight, algorithm=algorithm, accuracy="relaxed")
        expected = plait.conv2d(x, weight, algorithm="reference")
        np.testing.assert_allclose(y, expected, atol=1e-4)
        return
    weight = random(rng, 5, 4, 1, 1)
    y = plait.conv2d(x, weight, algorithm=algorithm)
    np.testing.assert_allclose(y, np.einsum("ncij,oc->noij", x, weight[:, :, 0, 0]), atol=1e-5)


class TestConv1d:
    def test_is_a_picture_of_one_row(self, rng) -> None:
        x = random(rng, 2, 4, 20)
        weight = random(rng, 6, 2, 5)
        bias = random(rng, 6)
        y = plait.conv1d(x, weight, bias, 2, (3,), 2, 2, activation="relu")
        expected = plait.conv2d(
            x[:, :, None],
            weight[:, :, None],
            bias,
            (1, 2),
            (0, 3),
            (1, 2),
            2,
            activation="relu",
        )
        np.testing.assert_array_equal(y, expected[:, :, 0])

    def test_against_numpy(self, rng) -> None:
        x, k = random(rng, 1, 30, dtype="float64"), random(rng, 1, 1, 4, dtype="float64")
        np.testing.assert_allclose(plait.conv1d(x, k)[0], np.correlate(x[0], k[0, 0]), atol=1e-13)
        np.testing.assert_allclose(
            plait.conv1d(x, k, padding=3, flip=True)[0], np.convolve(x[0], k[0, 0]), atol=1e-13
        )

    @pytest.mark.parametrize(
        ("padding", "left", "right"),
        [
            (1, 1, 1),
            (((2, 0),), 2, 0),
            ("same", 1, 2),
            ("same_lower", 2, 1),
            ("valid", 0, 0),
            ("full", 3, 3),
        ],
    )
    def test_padding(self, rng, padding, left: int, right: int) -> None:
        x, weight = random(rng, 2, 3, 9), random(rng, 2, 3, 4)
        expected = plait.conv1d(np.pad(x, ((0, 0), (0, 0), (left, right))), weight)
        y = plait.conv1d(x, weight, padding=padding)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)

    def test_layout(self, rng) -> None:
        x, weight = random(rng, 2, 3, 9), random(rng, 4, 3, 2)
        y = plait.conv1d(x, weight)
        nlc = plait.conv1d(np.ascontiguousarray(x.transpose(0, 2, 1)), weight, layout="nlc")
        np.testing.assert_allclose(nlc, y.transpose(0, 2, 1), rtol=0, atol=1e-5)
        view = np.ascontiguousarray(x.transpose(0, 2, 1)).transpose(0, 2, 1)
        np.testing.assert_allclose(plait.conv1d(view, weight), y, rtol=0, atol=1e-5)
        one = plait.conv1d(x[0], weight)
        assert one.shape == (4, 8)
        out = np.empty((4, 8), "float32")
        assert plait.conv1d(x[0], weight, out=out) is out
        np.testing.assert_array_equal(out, one)

    @pytest.mark.parametrize(
        ("x_shape", "k_shape", "options", "text"),
        [
            ((1, 2, 3, 4), (1, 2, 3), {}, "n x c x l, c x l or, of one channel, l but is 1x2x3x4"),
            ((2, 8), (1, 2, 3, 3), {}, "c_o x c_i/groups x k or, of one channel, k but is 1x2x3x3"),
            ((2, 8), (1, 2, 3), {"padding": (1, 2)}, r"\(\(left, right\),\)"),
            ((2, 8), (1, 2, 3), {"stride": (1, 2)}, r"an int or a tuple \(w,\)"),
            ((2, 8), (1, 2, 3), {"layout": "nhwc"}, "'ncl' or 'nlc'"),
            ((2, 8), (1, 2, 3), {"out": np.zeros((1, 1, 6), "float32")}, "as many axes"),
        ],
    )
    def test_wrong_calls(self, x_shape, k_shape, options, text: str) -> None:
        with pytest.raises(ValueError, match=text):
            plait.conv1d(np.zeros(x_shape, "float32"), np.zeros(k_shape, "float32"), **options)
