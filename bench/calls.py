"""What a call from Python costs, on LeNet-sized layers; calls_bench.cpp is the same in C++.

Prints microseconds per call, the median of rounds, on one thread, for every kind of array that can
be imported.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import plait

LINES = ("1x1x28x28,6x1x5x5,p2", "1x6x14x14,16x6x5x5")
KINDS: dict[str, Callable[[Any], Callable[[np.ndarray], Any]]] = {
    "numpy": lambda _: lambda array: array,
    "torch": lambda torch: torch.from_numpy,
    "jax": lambda jax: jax.numpy.asarray,
    "tensorflow": lambda tensorflow: tensorflow.constant,
}
ROUNDS = 15
CALLS = 1000


def microseconds(call: Callable[[], object]) -> float:
    """Median over rounds of the mean time of a call."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(CALLS):
            call()
        rounds.append((time.perf_counter() - begin) / CALLS)
    return 1e6 * statistics.median(rounds)


def measure(line: str, from_numpy: Callable[[np.ndarray], Any], into: bool) -> list[float]:
    plan = plait.plan(line, threads=1)
    problem = plan.problem
    rng = np.random.default_rng(1)
    x, weight = (
        from_numpy(rng.standard_normal(shape, dtype="float32"))
        for shape in (problem.x_shape, problem.weight_shape)
    )
    packed = plan.pack(weight)
    y = from_numpy(np.empty(problem.y_shape, "float32")) if into else None
    return [
        microseconds(lambda: plan.run(x, packed, out=y)) if into else float("nan"),
        microseconds(lambda: plan.run(x, packed)),
        microseconds(lambda: plait.conv2d(x, weight, padding=problem.padding, threads=1)),
    ]


def main() -> None:
    print(f"{'us per call':<24}{'arrays':<12}{'run(out=)':>10}{'run':>10}{'conv2d':>10}")
    for line in LINES:
        for kind, constructor in KINDS.items():
            try:
                from_numpy = constructor(importlib.import_module(kind))
            except ImportError:
                continue
            # Arrays of jax and tensorflow cannot be written to.
            times = measure(line, from_numpy, into=kind in ("numpy", "torch"))
            cells = "".join(f"{'-' if time != time else f'{time:.1f}':>10}" for time in times)
            print(f"{line:<24}{kind:<12}{cells}")


if __name__ == "__main__":
    main()
