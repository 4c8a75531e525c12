"""Operands that the extension cannot read in place, and outputs of the input's kind.

The extension reads arrays of float32 and float64 in place. Of everything else `promoted` makes
arrays, or says why it cannot. Every output is computed into a numpy array, whose memory an array
of the input's kind then takes over without a copy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_ANY_NUMBER = 1 << 30  # more threads than any machine runs
_CACHE_LINE = 64  # bytes; jax and tensorflow copy memory that is less aligned


class _Kind:
    """How outputs become arrays of one library."""

    threads: Callable[[], int] = staticmethod(lambda: _ANY_NUMBER)  # its limit
    shares_threads = False  # whether calls run on the library's own threads

    def check(self, name: str, array: Any) -> None:
        """Refuse what plait cannot compute, such as a tensor that requires a gradient."""

    def empty(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """Make a numpy array in memory that is aligned to 64 bytes and not initialised."""
        size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
        memory = np.empty(size + _CACHE_LINE, np.uint8)
        start = -memory.ctypes.data % _CACHE_LINE
        return memory[start : start + size].view(dtype).reshape(shape)

    def adopt(self, array: np.ndarray) -> Any:
        """Return the numpy array's memory as an array of this kind."""
        raise NotImplementedError


class _Torch(_Kind):
    shares_threads = True

    def __init__(self) -> None:
        self._torch = sys.modules["torch"]
        self.threads = self._torch.get_num_threads  # called each time, so without a wrapper

    def check(self, name: str, array: Any) -> None:
        if getattr(array, "requires_grad", False) and self._torch.is_grad_enabled():
            raise ValueError(
                f"{name} requires a gradient, which plait does not compute: call it under "
                f"torch.no_grad(), or pass {name}.detach()"
            )

    def empty(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        return np.empty(shape, dtype)

    def adopt(self, array: np.ndarray) -> Any:
        return self._torch.from_numpy(array)


class _Jax(_Kind):
    def adopt(self, array: np.ndarray) -> Any:
        return sys.modules["jax"].dlpack.from_dlpack(array)


class _TensorFlow(_Kind):
    def adopt(self, array: np.ndarray) -> Any:
        return sys.modules["tensorflow"].experimental.dlpack.from_dlpack(array.__dlpack__())


_BY_PACKAGE = {"torch": _Torch, "jax": _Jax, "jaxlib": _Jax, "tensorflow": _TensorFlow}


def promoted(operands: list[tuple[str, Any]], dtype: str | None) -> list[np.ndarray]:
    """Read operands, given with their names, as arrays of one dtype, float32 or float64.

    The dtype is `dtype`, which must then hold every value, or what numpy's rules give, with float64
    for integers alone. Arrays that have this dtype already are not copied.
    """
    arrays = [(name, _values(name, given)) for name, given in operands]
    if dtype is not None:
        common = np.dtype(dtype)
    else:
        common = np.result_type(*(array.dtype for _, array in arrays))
        if common.kind in "biu":
            common = np.dtype("float64")
    for (name, array), (_, given) in zip(arrays, operands, strict=True):
        if common not in (np.dtype("float32"), np.dtype("float64")):
            if array.dtype == common:
                raise TypeError(_computed(name, given, array.dtype))
        elif not np.can_cast(array.dtype, common, "safe"):
            raise TypeError(
                f"{name} is {array.dtype}, but this call computes in {common}: pass "
                + _cast(name, given, str(common))
            )
    return [np.asarray(array, common) for _, array in arrays]


def refuse_output(name: str, given: Any) -> None:
    """Say why results cannot be written to the object."""
    kind = type(given).__name__
    if _is_torch(given) and given.is_neg():
        raise TypeError(
            f"{name} is a lazily negated tensor, whose memory is not its value: pass one with "
            "memory of its own"
        )
    _check_device(name, given)
    if not hasattr(given, "dtype"):
        raise TypeError(f"{name} must be an array that can be written to but is a {kind}")
    wrong = "float32" not in str(given.dtype) and "float64" not in str(given.dtype)
    if wrong or ">" in str(given.dtype):
        raise TypeError(
            f"{name} is {given.dtype}, but plait computes float32 and float64: pass an array of one"
        )
    if _is_torch(given):
        _plain(name, given)
    raise TypeError(f"{name} must be an array that can be written to, but this {kind} cannot")


def _check_device(name: str, given: Any) -> None:
    """Refuse memory that is not the CPU's."""
    if not _is_torch(given) and hasattr(given, "__dlpack_device__"):
        kind = int(given.__dlpack_device__()[0])
        if kind not in (1, 3):  # CPU memory, also when pinned by CUDA
            raise TypeError(
                f"{name} lies on another device (DLPack type {kind}), but plait computes on the "
                "CPU: move it to the CPU first"
            )


def _values(name: str, given: Any) -> np.ndarray:
    """Read anything that holds real numbers as an array, if possible without a copy."""
    _check_device(name, given)
    if _is_torch(given):
        array: np.ndarray = _plain(name, given).numpy()
    elif _is_array(given) or isinstance(given, (list, tuple, range)):
        try:
            array = np.from_dlpack(given) if _has_dlpack_alone(given) else np.asarray(given)
        except Exception as error:  # array libraries raise many kinds
            raise TypeError(
                f"{name} ({type(given).__name__}) cannot be read as an array: {_line(error)}"
            ) from error
    else:
        raise TypeError(
            f"{name} must be an array (numpy, torch, jax, tensorflow, or another with DLPack or "
            f"the buffer protocol) or a list of numbers but is a {type(given).__name__}"
        )
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be ignored: pass {name}.filled(0)"
        )
    if array.dtype.kind == "c":
        raise TypeError(
            f"{name} is {array.dtype}, but plait computes real numbers: convolution is linear, so "
            f"call it once with {name}.real and once with {name}.imag"
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(_computed(name, given, array.dtype))
    return array


def _plain(name: str, tensor: Any) -> Any:
    """Return a torch tensor on the CPU whose memory is its value."""
    import torch

    tensor = tensor.detach()
    if tensor.is_complex():
        return tensor.resolve_conj()
    reasons = (
        (tensor.is_nested, "is a nested tensor", "its tensors one by one"),
        (tensor.is_quantized, "is a quantized tensor", f"{name}.dequantize()"),
        (
            str(tensor.layout) not in ("torch.strided", "torch._mkldnn"),
            f"is a sparse tensor ({tensor.layout})",
            f"{name}.to_dense()",
        ),
        (str(tensor.layout) == "torch._mkldnn", "is a tensor of oneDNN's", f"{name}.to_dense()"),
        (tensor.device.type == "meta", "is a meta tensor", "one with values"),
        (
            tensor.device.type != "cpu",
            f"lies on another device ({tensor.device})",
            f"{name}.cpu()",
        ),
    )
    for wrong, what, cure in reasons:
        if wrong:
            raise TypeError(f"{name} {what}, which has no plain memory here: pass {cure}")
    if tensor.dtype == torch.bfloat16:
        raise TypeError(_computed(name, tensor, tensor.dtype))
    try:
        plain = tensor.resolve_neg()
        plain.numpy()
    except Exception as error:  # each kind of tensor without memory raises its own
        raise TypeError(
            f"{name} ({type(tensor).__name__}) has no plain memory to read: {_line(error)}"
        ) from error
    if plain.numel() > 0 and plain.data_ptr() == 0:
        raise TypeError(f"{name} ({type(tensor).__name__}) has a shape but no memory")
    return plain


def _computed(name: str, given: Any, dtype: Any) -> str:
    return f"{name} is {dtype}, but plait computes float32 and float64: pass " + _cast(
        name, given, "float32"
    )


def _cast(name: str, given: Any, dtype: str) -> str:
    """Return what to write to make an array of that dtype."""
    package = type(given).__module__.partition(".")[0]
    if package == "torch":
        return f"{name}.float()" if dtype == "float32" else f"{name}.double()"
    if package == "tensorflow":
        return f"tensorflow.cast({name}, '{dtype}')"
    if hasattr(given, "astype"):
        return f"{name}.astype('{dtype}')"
    return f"numpy.asarray({name}, dtype='{dtype}')"


def _is_torch(given: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(given, torch.Tensor)


def _is_array(given: Any) -> bool:
    if isinstance(given, (type, str, bytes, bytearray)):
        return False
    if hasattr(given, "__array__") or hasattr(given, "__array_interface__"):
        return True
    return _has_dlpack_alone(given) or _has_buffer(given)


def _has_dlpack_alone(given: Any) -> bool:
    return hasattr(given, "__dlpack__") and not hasattr(given, "__array__")


def _has_buffer(given: Any) -> bool:
    try:
        memoryview(given).release()
    except TypeError:
        return False
    return True


def _line(error: Exception) -> str:
    """Return the first line of an error's text: torch appends frames of C++."""
    return (str(error).splitlines() or [type(error).__name__])[0]


# The kind for each type of array. None stands for numpy arrays.
KINDS: dict[type, _Kind | None] = {np.ndarray: None}


def kind_of(array_type: type) -> None:
    """Add the kind of arrays of this type to `KINDS`."""
    kind = None
    for base in array_type.__mro__:
        package = base.__module__.partition(".")[0]
        if package == "numpy":
            break
        if package in _BY_PACKAGE and package in sys.modules:
            kind = _BY_PACKAGE[package]()
            break
    KINDS[array_type] = kind
