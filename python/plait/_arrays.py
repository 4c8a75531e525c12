"""Kinds of arrays: how to make an output of the kind that the input has.

Every kind computes into a numpy array and hands its memory on without a copy.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

_CACHE_LINE = 64  # bytes; jax and tensorflow copy what is less aligned


class _Kind:
    """What an array library needs to be answered in its own kind."""

    def check(self, name: str, array: Any) -> None:
        """Refuse an argument whose meaning would be lost on the way."""

    def empty(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """Make a numpy array of 64-byte aligned memory, not initialised."""
        size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
        memory = np.empty(size + _CACHE_LINE, np.uint8)
        start = -memory.ctypes.data % _CACHE_LINE
        return memory[start : start + size].view(dtype).reshape(shape)

    def adopt(self, array: np.ndarray) -> Any:
        """Return the numpy array's memory as an array of this kind."""
        raise NotImplementedError


class _Torch(_Kind):
    def __init__(self) -> None:
        self._torch = sys.modules["torch"]

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

# From an array's type to its kind; None answers with numpy arrays.
KINDS: dict[type, _Kind | None] = {np.ndarray: None}


def kind_of(array_type: type) -> None:
    """Put the kind of arrays of this type into `KINDS`."""
    kind = None
    for base in array_type.__mro__:
        package = base.__module__.partition(".")[0]
        if package == "numpy":
            break
        if package in _BY_PACKAGE and package in sys.modules:
            kind = _BY_PACKAGE[package]()
            break
    KINDS[array_type] = kind
