"""What a layer's output should be, in float64, by numpy's own sums: all of it, or a sample."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
from drivers.driver import Problem

WHOLE_BELOW_OPERATIONS = 1e9  # two per multiplication; above, sampled
SAMPLES = 4096
CHUNK_ELEMENTS = 1 << 22  # of patches gathered at a time


@dataclasses.dataclass
class Reference:
    """The exact values of some outputs."""

    positions: tuple[np.ndarray, ...] | None  # indices (n, c_o, row, column); None: all
    values: np.ndarray

    def relative_rms(self, y: np.ndarray) -> float:
        """rms(y - exact) / rms(exact); not finite if y is not."""
        seen = (y if self.positions is None else y[self.positions]).astype(np.float64)
        scale = float(np.sqrt(np.mean(self.values**2)))
        error = float(np.sqrt(np.mean((seen - self.values) ** 2)))
        return error / scale if scale > 0 else error

    def relative_max(self, y: np.ndarray) -> float:
        """The largest |y - exact| / rms(exact); not finite if y is not."""
        seen = (y if self.positions is None else y[self.positions]).astype(np.float64)
        scale = float(np.sqrt(np.mean(self.values**2)))
        error = float(np.max(np.abs(seen - self.values)))
        return error / scale if scale > 0 else error

    def describe(self) -> str:
        return "whole" if self.positions is None else f"{self.values.size} positions"


def reference(p: Problem, x: np.ndarray, k: np.ndarray) -> Reference:
    operations = 2.0 * k[0].size * np.prod(p.y_shape)
    if operations < WHOLE_BELOW_OPERATIONS:
        return Reference(None, convolve(p, x, k))
    positions = sample_positions(p)
    return Reference(positions, convolve_at(p, x, k, positions))


def _pad(p: Problem, x: np.ndarray) -> np.ndarray:
    top, bottom, left, right = p.padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))


def convolve(p: Problem, x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """y[n, c_o, h', w'] as a sum over taps of matrix products, one per group."""
    n, c_o, h_o, w_o = p.y_shape
    (s_h, s_w), (d_h, d_w), g = p.stride, p.dilation, p.groups
    padded = _pad(p, x.astype(np.float64))
    weights = k.astype(np.float64).reshape(g, c_o // g, p.c_i // g, p.k_h, p.k_w)
    y = np.zeros((n, g, c_o // g, h_o * w_o))
    for u in range(p.k_h):
        rows = slice(u * d_h, u * d_h + (h_o - 1) * s_h + 1, s_h)
        for v in range(p.k_w):
            columns = slice(v * d_w, v * d_w + (w_o - 1) * s_w + 1, s_w)
            pixels = padded[:, :, rows, columns].reshape(n, g, p.c_i // g, h_o * w_o)
            y += weights[:, :, :, u, v] @ pixels
    return y.reshape(p.y_shape)


def sample_positions(p: Problem, count: int = SAMPLES) -> tuple[np.ndarray, ...]:
    """Every corner, of the first and last image and channel; a quarter on the edges; the rest
    anywhere."""
    rng = np.random.default_rng(zlib.crc32(p.line.encode()) + 1)
    last = np.array(p.y_shape) - 1
    corners = np.array(list(np.ndindex(2, 2, 2, 2))) * last
    anywhere = rng.integers(0, np.array(p.y_shape), size=(count - len(corners), 4))
    on_edges = anywhere[: count // 4]
    axis = rng.integers(2, 4, size=len(on_edges))  # rows or columns
    on_edges[np.arange(len(on_edges)), axis] = rng.integers(0, 2, len(on_edges)) * last[axis]
    return tuple(np.concatenate([corners, anywhere]).T)


def convolve_at(
    p: Problem, x: np.ndarray, k: np.ndarray, positions: tuple[np.ndarray, ...]
) -> np.ndarray:
    """The outputs at the positions, each a dot product of its own."""
    padded = _pad(p, x)
    per_group_i, per_group_o = p.c_i // p.groups, p.c_o // p.groups
    channel, tap_row, tap_column = (
        np.arange(per_group_i),
        np.arange(p.k_h) * p.dilation[0],
        np.arange(p.k_w) * p.dilation[1],
    )
    chunk = max(1, CHUNK_ELEMENTS // k[0].size)
    values = []
    for begin in range(0, len(positions[0]), chunk):
        image, c_o, row, column = (axis[begin : begin + chunk] for axis in positions)
        first_channel = c_o // per_group_o * per_group_i
        patches = padded[
            image[:, None, None, None],
            (first_channel[:, None] + channel)[:, :, None, None],
            (row[:, None] * p.stride[0] + tap_row)[:, None, :, None],
            (column[:, None] * p.stride[1] + tap_column)[:, None, None, :],
        ].reshape(len(c_o), -1)
        weights = k[c_o].reshape(len(c_o), -1)
        values.append(np.einsum("bd,bd->b", patches.astype(np.float64), weights.astype(np.float64)))
    return np.concatenate(values)
