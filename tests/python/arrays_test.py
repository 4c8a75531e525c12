"""Kinds of arrays, views, dtypes and devices."""

from __future__ import annotations

import array

import numpy as np
import plait
import pytest
from entry_points import OnlyDlpack


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 3, 6, 7)).astype("float32")


@pytest.fixture
def weight(rng):
    return rng.standard_normal((4, 3, 3, 3)).astype("float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_kind_is_answered_in_kind(kind, x, weight, dtype: str) -> None:
    name, array_type, from_numpy = kind
    x, weight = x.astype(dtype), weight.astype(dtype)
    expected = plait.conv2d(x, weight, padding=1)
    y = plait.conv2d(from_numpy(x), from_numpy(weight), padding=1)
    assert isinstance(y, array_type)
    assert dtype in str(y.dtype)
    np.testing.assert_array_equal(np.asarray(y), expected)
    line = f"2x3x6x7,4x3x3x3,p1,{'f32' if dtype == 'float32' else 'f64'}"
    plan = plait.plan(line)
    y = plan.run(from_numpy(x), plan.pack(from_numpy(weight)))
    assert isinstance(y, array_type), name
    np.testing.assert_allclose(np.asarray(y), expected, rtol=0, atol=1e-5)
    sequence = plait.conv1d(from_numpy(x[0, :, 0]), from_numpy(weight[:, :, 0]))
    assert isinstance(sequence, array_type)


def test_kinds_may_mix_and_the_input_decides(kind, x, weight) -> None:
    _, array_type, from_numpy = kind
    expected = plait.conv2d(x, weight)
    assert isinstance(plait.conv2d(from_numpy(x), weight), array_type)
    y = plait.conv2d(x, from_numpy(weight))
    assert isinstance(y, np.ndarray)
    np.testing.assert_array_equal(y, expected)


def test_the_answer_of_each_kind_is_its_own_memory(kind, x, weight) -> None:
    _, _, from_numpy = kind
    first = plait.conv2d(from_numpy(x), weight)
    kept = np.array(np.asarray(first))
    for _ in range(3):
        plait.conv2d(from_numpy(2 * x), weight)
    np.testing.assert_array_equal(np.asarray(first), kept)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[:, :, ::2, ::-1],
        lambda a: a[::-1],
        lambda a: a[:, :, 1:-1, 2:],
        lambda a: a.transpose(0, 1, 3, 2),
        lambda a: np.broadcast_to(a[:1], (2, *a.shape[1:])),
        lambda a: np.asfortranarray(a),
        lambda a: a[:, :, :, :, None][..., 0],
    ],
)
def test_views_are_read_as_they_are(x, weight, view) -> None:
    seen = view(x)
    expected = plait.conv2d(np.ascontiguousarray(seen), weight, padding=1)
    y = plait.conv2d(seen, weight, padding=1)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)
    plan = plait.plan("1x3x3x3,4x3x3x3")  # packing takes views as well
    np.testing.assert_array_equal(
        plan.run(np.ones((1, 3, 3, 3), "float32"), plan.pack(np.asfortranarray(weight))),
        plan.run(np.ones((1, 3, 3, 3), "float32"), plan.pack(weight)),
    )


def test_buffers_of_python_are_answered_with_numpy() -> None:
    x = memoryview(array.array("f", range(9))).cast("B").cast("f", (3, 3))
    k = memoryview(array.array("d", [1, 2])).cast("B").cast("d", (1, 2))
    assert isinstance(plait.corr2d(x, x), np.ndarray)
    assert plait.corr2d(x, x).dtype == np.float32
    assert plait.corr2d(x, k).dtype == np.float64


def test_any_array_with_dlpack(x, weight) -> None:
    y = plait.conv2d(OnlyDlpack(x[..., ::-1]), OnlyDlpack(weight))
    assert isinstance(y, np.ndarray)
    np.testing.assert_allclose(y, plait.conv2d(x[..., ::-1].copy(), weight), rtol=0, atol=1e-5)
    out = np.empty_like(y)
    plait.conv2d(x, weight, out=OnlyDlpack(out))
    np.testing.assert_array_equal(out, plait.conv2d(x, weight))
    for name, given in (
        ("input", {"input": OnlyDlpack(x, device=(2, 0)), "weight": weight}),
        ("out", {"input": x, "weight": weight, "out": OnlyDlpack(out, (2, 0))}),
    ):
        with pytest.raises(TypeError, match=rf"{name} .*another device .*move it to the CPU first"):
            plait.conv2d(**given)


def test_references_are_not_leaked(kind, x, weight) -> None:
    import sys

    _, _, from_numpy = kind
    a, k = from_numpy(x), from_numpy(weight)
    plait.conv2d(a, k)
    before = sys.getrefcount(a), sys.getrefcount(k)
    for _ in range(50):
        plait.conv2d(a, k)
        plait.corr2d_multi_in_out(a, k)
        with pytest.raises(ValueError, match="groups"):
            plait.conv2d(a, k, groups=2)
        with pytest.raises(ValueError, match="at most 4"):
            plait.conv2d(a[None], k)
        with pytest.raises(TypeError, match="complex64"):
            plait.conv2d(a, np.asarray(k).astype("complex64"))
    assert (sys.getrefcount(a), sys.getrefcount(k)) == before


def test_other_dtypes_of_torch_are_refused_with_torchs_cure(weight) -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.float16, torch.bfloat16):
        with pytest.raises(TypeError, match=rf"{str(dtype)[6:]}.*pass input\.float\(\)"):
            plait.conv2d(torch.zeros(1, 3, 6, 6, dtype=dtype), torch.from_numpy(weight).half())
    with pytest.raises(TypeError, match="meta"):
        plait.conv2d(torch.zeros(1, 3, 6, 6, device="meta"), weight)


def test_torch_layouts_and_gradients(x, weight) -> None:
    torch = pytest.importorskip("torch")
    t, k = torch.from_numpy(x), torch.from_numpy(weight)
    expected = plait.conv2d(t, k)
    last = plait.conv2d(t.contiguous(memory_format=torch.channels_last), k)
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(plait.conv2d(t[..., 1:], k), expected[..., 1:], rtol=0, atol=1e-5)
    k.requires_grad_()
    with pytest.raises(ValueError, match=r"weight requires a gradient.*torch\.no_grad\(\)"):
        plait.conv2d(t, k)
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            torch.testing.assert_close(plait.conv2d(t, k), expected)
    torch.testing.assert_close(plait.conv2d(t, k.detach()), expected)
    with pytest.raises(ValueError, match="out requires a gradient"):
        plait.conv2d(t, k.detach(), out=torch.empty_like(expected).requires_grad_())


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (1.5, "but is a float"),
        ("text", "but is a str"),
        (np.float32, "but is a type"),
        (None, "input is missing"),
        (np.ma.masked_array(np.ones((1, 1, 3, 3), "float32"), mask=True), r"input\.filled\(0\)"),
    ],
)
def test_what_is_no_array_is_refused(weight, wrong, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        plait.conv2d(wrong, weight)


def test_memory_that_no_element_fits_is_refused(weight) -> None:
    raw = np.zeros(4 * 3 * 36 + 1, np.uint8)
    crooked = raw[1:].view("float32").reshape(1, 3, 6, 6)
    with pytest.raises(ValueError, match=r"not aligned.*input\.copy\(\)"):
        plait.conv2d(crooked, weight)
    record = np.zeros((1, 3, 6, 6), np.dtype([("a", "u1"), ("b", "<f4")]))
    with pytest.raises(ValueError, match="not aligned"):
        plait.conv2d(record["b"], weight)
    with pytest.raises(ValueError, match="at most 4"):
        plait.conv2d(np.zeros((1, 1, 1, 3, 3), "float32"), weight)


@pytest.mark.parametrize(
    ("out", "error", "text"),
    [
        (
            lambda y: y.astype("float64"),
            TypeError,
            "out is float64, but this call computes in float32",
        ),
        (lambda y: y[:, :-1], ValueError, "y must be 2x4x4x5 but is 2x3x4x5"),
        (lambda y: y[0], ValueError, "out must have as many axes as the output, 4, but is 4x4x5"),
        (lambda y: y.tolist(), TypeError, "out must be an array"),
        (lambda y: np.broadcast_to(y[:, :1], y.shape), TypeError, "can be written to"),
        (lambda y: bytes(y), TypeError, "can be written to"),
    ],
)
def test_a_wrong_out_is_refused(x, weight, out, error, text: str) -> None:
    y = plait.conv2d(x, weight)
    with pytest.raises(error, match=text):
        plait.conv2d(x, weight, out=out(y))


def test_out_must_not_overlap_an_operand(x, weight) -> None:
    square = np.ones((1, 1, 1, 1), "float32")
    image = np.ones((1, 1, 4, 4), "float32")
    with pytest.raises(ValueError, match="overlap"):
        plait.conv2d(image, square, out=image)
    np.testing.assert_array_equal(image, 1)
