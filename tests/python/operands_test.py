"""Arrays of many kinds at every entry point: the values that they hold are computed with."""

from __future__ import annotations

import ctypes

import numpy as np
import plait
import pytest
from entry_points import CASES, ENTRY_POINTS, IMAGE, KERNEL, OnlyDlpack


def _negated(values: np.ndarray) -> object:
    """A tensor whose memory holds the negated values, as torch makes of ``z.conj().imag``."""
    torch = pytest.importorskip("torch")
    lazy = torch.complex(torch.zeros(values.shape), torch.from_numpy(-values)).conj().imag
    assert lazy.is_neg()
    return lazy


def _explicit_byte_order(values: np.ndarray) -> object:
    """A buffer of format '<f', as ctypes and zarr 3 export it."""
    array_type: type = ctypes.c_float
    for size in reversed(values.shape):
        array_type = array_type * size
    memory = array_type.from_buffer_copy(values.tobytes())
    assert memoryview(memory).format == "<f"
    return memory


class OnlyArray:
    """What h5py, xarray, pandas and PIL have."""

    def __init__(self, data: np.ndarray) -> None:
        self._data = data

    def __array__(self, dtype=None, copy=None):
        return self._data if dtype is None else self._data.astype(dtype)


def _of(package: str, dtype: str):
    def make(values: np.ndarray) -> object:
        library = pytest.importorskip(package)
        array = values.astype(dtype)
        if package == "jax":
            library.config.update("jax_enable_x64", True)  # without it jax rounds every float64
        if package == "torch":
            return library.from_numpy(array)
        return library.numpy.asarray(array) if package == "jax" else library.constant(array)

    return make


# For each kind of array: what makes it of float32 values, and its dtype in numpy's rules.
FORMS = {
    "negated": (_negated, "float32"),
    "explicit byte order": (_explicit_byte_order, "float32"),
    "big-endian": (lambda values: values.astype(">f4"), "float32"),
    "DLPack alone": (OnlyDlpack, "float32"),
    "__array__ alone": (OnlyArray, "float32"),
    "uint8": (lambda values: values.astype("uint8"), "uint8"),
    "int64": (lambda values: values.astype("int64"), "int64"),
    "float64": (lambda values: values.astype("float64"), "float64"),
    "list": (lambda values: values.tolist(), "float64"),
    "integers of torch": (_of("torch", "int32"), "int32"),
    "integers of jax": (_of("jax", "int32"), "int32"),
    "integers of tensorflow": (_of("tensorflow", "uint8"), "uint8"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "operand"), CASES)
def test_every_form_of_an_array_is_computed_with(name: str, operand: str, form: str) -> None:
    entry = ENTRY_POINTS[name]
    make, dtype = FORMS[form]
    given = entry.operands | {operand: make(entry.operands[operand])}
    if entry.fixed_dtype and not np.can_cast(dtype, entry.fixed_dtype, "safe"):
        with pytest.raises(TypeError, match=rf"{operand} is {dtype}, but this call computes in fl"):
            entry.call(**given)
        return
    answer = entry.call(**given)
    if not entry.fixed_dtype:
        others = [a.dtype for other, a in entry.operands.items() if other != operand]
        common = np.result_type(*others, *entry.hidden, dtype)
        common = common if common.kind == "f" else np.dtype("float64")
        entry = entry._replace(operands={k: a.astype(common) for k, a in entry.operands.items()})
    expected = entry.call(**entry.operands)
    np.testing.assert_array_equal(np.asarray(answer), np.asarray(expected))
    assert str(np.asarray(answer).dtype) == str(np.asarray(expected).dtype)


@pytest.mark.parametrize(("name", "operand"), CASES)
def test_what_has_no_real_numbers_is_refused_by_name(name: str, operand: str) -> None:
    entry = ENTRY_POINTS[name]
    values = entry.operands[operand]
    refused = [
        (values.astype("complex64"), rf"{operand}\.real and once with \S*{operand}\.imag"),
        (np.ma.masked_array(values, mask=values > 1), rf"pass \S*{operand}\.filled\(0\)"),
        (values.astype("U3"), f"{operand} is <U3"),
        (values.astype("datetime64[s]"), f"{operand} is datetime64"),
        ("text", f"{operand} must be an array .* but is a str"),
        (object(), f"{operand} must be an array .* but is a object"),
        ([[1.0], [2.0, 3.0]], rf"{operand} \(list\) cannot be read as an array"),
        (np.float32, f"{operand} must be an array .* but is a type"),
    ]
    for wrong, text in refused:
        with pytest.raises(TypeError, match=text) as caught:
            entry.call(**(entry.operands | {operand: wrong}))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "operand"), CASES)
def test_tensors_without_plain_memory_are_refused_by_name(name: str, operand: str) -> None:
    torch = pytest.importorskip("torch")
    entry = ENTRY_POINTS[name]
    values = torch.from_numpy(entry.operands[operand].copy())
    with torch._subclasses.FakeTensorMode():
        fake = torch.empty(values.shape)
    refused = [
        (values.to_sparse(), rf"sparse tensor .*pass \S*{operand}\.to_dense\(\)"),
        (values.to("meta"), "meta"),
        (values.bfloat16(), rf"bfloat16, .*pass \S*{operand}\.float\(\)"),
        (values.to(torch.complex64).conj(), rf"{operand}\.real and once"),
        (torch.quantize_per_tensor(values, 1, 0, torch.qint8), rf"{operand}\.dequantize\(\)"),
        (fake, f"{operand}"),
        (torch._efficientzerotensor(values.shape), f"{operand}"),
    ]
    if values.dim() == 4:
        refused.append((values.to_mkldnn(), rf"{operand}\.to_dense\(\)"))
    for wrong, text in refused:
        with pytest.raises(TypeError, match=text) as caught:
            entry.call(**(entry.operands | {operand: wrong}))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", [plait.conv2d, plait.plan("1x2x5x5,2x2x3x3").run])
def test_an_out_that_is_not_plain_memory_is_refused_by_name(function) -> None:
    torch = pytest.importorskip("torch")
    y = np.zeros((1, 2, 3, 3), "float32")
    packed = KERNEL if function is plait.conv2d else plait.plan("1x2x5x5,2x2x3x3").pack(KERNEL)
    refused = [
        (_negated(y), "lazily negated"),
        (torch.from_numpy(y).to_sparse(), "sparse"),
        (torch.from_numpy(y).to("meta"), "meta"),
        (y.astype("int64"), "out is int64"),
        (y.astype(">f4"), "out is >f4"),
        (y.tolist(), "out must be an array"),
        (y.astype("float64"), "out is float64, but this call computes in float32"),
    ]
    for out, text in refused:
        with pytest.raises(TypeError, match=text):
            function(IMAGE, packed, out=out)
    out = (ctypes.c_float * 3 * 3 * 2 * 1)()  # of format '<f'
    function(IMAGE, packed, out=out)
    np.testing.assert_array_equal(np.asarray(out), plait.conv2d(IMAGE, KERNEL))


def test_the_dtype_of_the_result_is_numpys() -> None:
    kinds = ["bool", "uint8", "int16", "int32", "int64", "float16", "float32", "float64"]
    for x in kinds:
        for k in kinds:
            common = np.result_type(x, k)
            given = IMAGE.astype(x), KERNEL.astype(k)
            if common == np.float16:
                with pytest.raises(TypeError, match=r"float16, .*float32"):
                    plait.conv2d(*given)
                continue
            y = plait.conv2d(*given)
            assert y.dtype == (common if common.kind == "f" else np.float64)
            exact = plait.conv2d(given[0].astype("float64"), given[1].astype("float64"))
            np.testing.assert_allclose(y, exact, rtol=1e-6)


def test_the_chapters_first_example_as_numpy_makes_it() -> None:
    y = plait.corr2d(np.arange(9).reshape(3, 3), np.arange(4).reshape(2, 2))
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, [[19, 25], [37, 43]])
    np.testing.assert_array_equal(
        plait.corr2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[0, 1], [2, 3]]), y
    )


def test_every_function_of_arrays_is_an_entry_point() -> None:
    """A new function must be tested above, or be listed here with a reason."""
    without_arrays = {"algorithms", "average_pool_kernel", "channel_flow", "channel_shuffle_kernel"}
    without_arrays |= {"clear_cache", "cost", "identity_kernel", "info", "measure_peak_gflops"}
    without_arrays |= {"plan", "verify"}
    drawn_as_they_are = {"show"}
    functions = {
        name for name in plait.__all__ if name.islower() and callable(getattr(plait, name))
    }
    assert functions - without_arrays - drawn_as_they_are <= set(ENTRY_POINTS)


def test_the_operator_of_torch_reads_values_too() -> None:
    torch = pytest.importorskip("torch")
    import plait.torch

    exact = torch.from_numpy(plait.conv2d(IMAGE, KERNEL, padding=1))
    for constant in (False, True):
        for x, k in ((IMAGE, KERNEL), (_negated(IMAGE), KERNEL), (IMAGE, _negated(KERNEL))):
            x, k = torch.as_tensor(x), torch.as_tensor(k)
            sides = (1, 1, 1, 1)
            y = torch.ops.plait.conv2d(x, k, padding=sides, constant_weight=constant)
            torch.testing.assert_close(y, exact, rtol=0, atol=1e-4)
    layer = plait.torch.Conv2d(2, 2, 3, padding=1, bias=False)
    layer.weight = torch.nn.Parameter(torch.from_numpy(KERNEL), requires_grad=False)
    torch.testing.assert_close(layer(_negated(IMAGE)), exact, rtol=0, atol=1e-4)
