"""What a driver is made of. Each NAME_driver.py drives one peer, and all are of one shape:

  PEER, VERSION   who it is
  COLUMNS         the ways of using it that are compared
  prepare(column, problem, x, k, threads) -> Prepared
                  x[n, c_i, h, w] and k[c_o, c_i / groups, k_h, k_w] are dense float32; what it
                  raises is the reason why the peer cannot run the problem
  ACTIONS         optional: requests that this driver alone can answer

serve.py does the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Problem:
    """A layer: x[n, c_i, h, w], k[c_o, c_i / groups, k_h, k_w]; pairs are (h, w)."""

    line: str
    n: int
    c_i: int
    h: int
    w: int
    c_o: int
    k_h: int
    k_w: int
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]  # top, bottom, left, right
    dilation: tuple[int, int]
    groups: int

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return (self.n, self.c_i, self.h, self.w)

    @property
    def k_shape(self) -> tuple[int, int, int, int]:
        return (self.c_o, self.c_i // self.groups, self.k_h, self.k_w)

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        top, bottom, left, right = self.padding
        sizes = (
            (self.h + top + bottom, self.k_h, self.stride[0], self.dilation[0]),
            (self.w + left + right, self.k_w, self.stride[1], self.dilation[1]),
        )
        h_o, w_o = ((size - d * (k - 1) - 1) // s + 1 for size, k, s, d in sizes)
        return (self.n, self.c_o, h_o, w_o)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Problem:
        values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass
class Prepared:
    """A layer that is ready to run."""

    run: Callable[[], object]
    output: Callable[[], np.ndarray]  # of the last run, n x c_o x h' x w', in any strides
    note: str = ""


def column(name: str, layout: str = "nchw", **more: Any) -> dict[str, Any]:
    """A way to use the peer. layout: 'nchw', as users hold tensors, or 'own'. for_speed=False: not
    for the comparison of speeds, only for that of calls."""
    return {"name": name, "layout": layout, **more}


def empty(shape: tuple[int, ...]) -> np.ndarray:
    """Memory on a cache line's boundary, as peers' own tensors are; numpy promises 16 bytes."""
    line = 64
    size = 4 * int(np.prod(shape))
    raw = np.empty(size + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + size].view(np.float32).reshape(shape)
