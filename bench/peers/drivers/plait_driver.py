"""plait: held plans and packed weights, in the classes and layouts that are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import plait
from driver import Prepared, Problem, column, empty

PEER = "plait"
VERSION = plait.__version__
COLUMNS = [
    column("plait"),
    column("plait_relaxed"),
    column("plait_nhwc", "own"),
    column("plait_conv2d", for_speed=False),
]


def pairs(p: Problem) -> tuple[tuple[int, int], tuple[int, int]]:
    top, bottom, left, right = p.padding
    return ((top, bottom), (left, right))


def prepare_call(p: Problem, x: np.ndarray, k: np.ndarray, threads: int) -> Prepared:
    """plait.conv2d, which plans, or finds its plan, and packs in each call."""
    result: list[Any] = []

    padding = pairs(p)

    def run() -> None:
        result.clear()
        result.append(
            plait.conv2d(x, k, None, p.stride, padding, p.dilation, p.groups, threads=threads)
        )

    return Prepared(run, lambda: result[0])


def prepare(name: str, p: Problem, x: np.ndarray, k: np.ndarray, threads: int) -> Prepared:
    if name == "plait_conv2d":
        return prepare_call(p, x, k, threads)
    nhwc = name == "plait_nhwc"
    problem = plait.Problem.from_shapes(
        p.x_shape,
        p.k_shape,
        stride=p.stride,
        padding=pairs(p),
        dilation=p.dilation,
        groups=p.groups,
        layout="nhwc" if nhwc else "nchw",
    )
    accuracy = "relaxed" if name == "plait_relaxed" else "fp32"
    plan = plait.plan(problem, accuracy=accuracy, threads=threads)
    packed = plan.pack(k)
    n, c_o, h_o, w_o = p.y_shape
    if nhwc:
        image = empty((p.n, p.h, p.w, p.c_i))
        image[:] = x.transpose(0, 2, 3, 1)
        y = empty((n, h_o, w_o, c_o))
    else:
        image, y = x, empty(p.y_shape)

    def run() -> None:
        plan.run(image, packed, out=y)

    return Prepared(run, lambda: y.transpose(0, 3, 1, 2) if nhwc else y, plan.algorithm)


def measure_peak(request: dict[str, Any]) -> dict[str, Any]:
    """{"do": "peak", "threads": 2, "seconds": 0.01} -> {"gflops": 230.0}, of multiply-adds."""
    return {
        "gflops": plait.measure_peak_gflops(threads=request["threads"], seconds=request["seconds"])
    }


ACTIONS = {"peak": measure_peak}
