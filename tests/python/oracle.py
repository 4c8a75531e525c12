"""The definition of a layer in float64: torch's where it is importable, else numpy's."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

try:
    import torch
except ImportError:
    torch = None

_NUMPY_MODES = {
    "zeros": {"mode": "constant"},
    "constant": {"mode": "constant"},
    "reflect": {"mode": "reflect"},
    "replicate": {"mode": "edge"},
    "circular": {"mode": "wrap"},
    "symmetric": {"mode": "symmetric"},
}


def _windows(x, taps, stride, dilation, groups):
    """Return the windows, n x groups x channels of a group x h' x w' x k_h x k_w."""
    k_h, k_w = ((k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(x, (k_h, k_w), axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    n, c_in, h, w = windows.shape[:4]
    return windows.reshape(n, groups, c_in // groups, h, w, *windows.shape[4:])


def _correlate_numpy(x, weight, stride, dilation, groups):
    blocks = _windows(x, weight.shape[2:], stride, dilation, groups)
    n, _, _, h, w = blocks.shape[:5]
    kernels = weight.reshape(groups, -1, *weight.shape[1:])
    return np.einsum("ngchwuv,gocuv->ngohw", blocks, kernels).reshape(n, -1, h, w)


def _correlate_torch(x, weight, stride, dilation, groups):
    return torch.nn.functional.conv2d(
        torch.from_numpy(x), torch.from_numpy(weight), None, stride, 0, dilation, groups
    ).numpy()


_correlate = _correlate_numpy if torch is None else _correlate_torch


def _sigmoid(v):
    return 1 / (1 + np.exp(-v))


def activate(activation: str | None, v: np.ndarray) -> np.ndarray:
    if activation is None:
        return v
    name, _, slope = activation.partition(":")
    return {
        "relu": lambda: np.maximum(v, 0),
        "relu6": lambda: np.clip(v, 0, 6),
        "leaky": lambda: np.where(v < 0, float(slope or 0) * v, v),
        "hswish": lambda: v * np.clip(v + 3, 0, 6) / 6,
        "silu": lambda: v * _sigmoid(v),
        "sigmoid": lambda: _sigmoid(v),
        "tanh": lambda: np.tanh(v),
    }[name]()


@dataclasses.dataclass
class Case:
    """A call of plait.conv2d, drawn at random: operands in float64, options as plait takes them."""

    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    residual: np.ndarray | None
    options: dict[str, Any]

    def _padded(self) -> np.ndarray:
        o = self.options
        padding = o["padding"]
        if not isinstance(padding[0], tuple):
            padding = tuple((side, side) for side in padding)
        how = _NUMPY_MODES[o["padding_mode"]]
        if how["mode"] == "constant":
            how = {**how, "constant_values": o["padding_value"]}
        return np.pad(self.x, ((0, 0), (0, 0), *padding), **how)

    def allowed(self, plan) -> np.ndarray:
        """The bound that plan.error_bound guarantees, before an activation."""
        o = self.options
        groups = o["groups"]
        taps = self.weight.shape[2:]
        windows = _windows(np.abs(self._padded()), taps, o["stride"], o["dilation"], groups)
        per_group = len(self.weight) // groups
        largest = np.repeat(windows.max(axis=(2, 5, 6)), per_group, axis=1)
        weights = np.abs(self.weight).reshape(len(self.weight), -1, 1, 1)
        size = plan.error_range * largest * weights.sum(1)
        for added in (self.bias if self.bias is None else self.bias[:, None, None], self.residual):
            if added is not None:
                size = size + np.abs(added)
        return plan.error_bound * size + plan.error_floor * (1 + largest + weights.max(1))

    def exact(self) -> tuple[np.ndarray, np.ndarray]:
        """The output in float64, and S: |x| correlated with |K|, plus |bias| + |residual|."""
        o = self.options
        x = self._padded()
        geometry = (o["stride"], o["dilation"], o["groups"])
        y = _correlate(x, self.weight, *geometry)
        size = _correlate(np.abs(x), np.abs(self.weight), *geometry)
        for added in (self.bias if self.bias is None else self.bias[:, None, None], self.residual):
            if added is not None:
                y = y + added
                size = size + np.abs(added)
        return activate(o["activation"], y), size

    def describe(self) -> str:
        return f"x {self.x.shape}, weight {self.weight.shape}, {self.options}"


def random_case(seed: int) -> Case:
    """A case of any kind, small enough for the slowest algorithm; edges are drawn often."""
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 1, 1, 2, 3, 8]))
    c_in = groups * int(rng.integers(1, 6))
    c_out = groups * int(rng.integers(1, 6))
    k_h, k_w = (int(rng.choice([1, 1, 2, 3, 3, 5, 7])) for _ in "hw")
    stride = tuple(int(rng.choice([1, 1, 2, 3])) for _ in "hw")
    dilation = tuple(int(rng.choice([1, 1, 1, 2])) for _ in "hw")
    padding: Any = tuple(int(rng.integers(0, 4)) for _ in "hw")
    if rng.random() < 0.3:
        padding = tuple((int(rng.integers(0, 4)), int(rng.integers(0, 4))) for _ in "hw")
    mode = str(
        rng.choice(["zeros"] * 6 + ["constant", "reflect", "symmetric", "replicate", "circular"])
    )
    # Large enough for the window without any padding, and for what mirrors and circular reach.
    h, w = (
        (k - 1) * d + 1 + int(rng.choice([0, 1, 3, 8, 17])) + (4 if mode != "zeros" else 0)
        for k, d in zip((k_h, k_w), dilation, strict=True)
    )
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "padding_mode": mode,
        "padding_value": float(rng.normal()) if mode == "constant" else 0.0,
        "activation": None
        if rng.random() < 0.6
        else str(rng.choice(["relu", "relu6", "leaky:0.1", "hswish", "silu", "sigmoid", "tanh"])),
    }
    n = int(rng.choice([1, 1, 2, 3]))
    case = Case(
        x=rng.standard_normal((n, c_in, h, w)),
        weight=rng.standard_normal((c_out, c_in // groups, k_h, k_w)),
        bias=rng.standard_normal(c_out) if rng.random() < 0.4 else None,
        residual=None,
        options=options,
    )
    if rng.random() < 0.25:
        case.residual = rng.standard_normal(case.exact()[0].shape)
    return case
