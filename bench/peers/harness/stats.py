"""Summaries of times and ratios."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def quantiles(values: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Interpolated between the two nearest values."""
    return [float(value) for value in np.quantile(np.asarray(values, np.float64), shares)]


def summarize(seconds: Sequence[float]) -> dict[str, float]:
    p10, median, p90 = quantiles(seconds, (0.1, 0.5, 0.9))
    return {
        "median_seconds": median,
        "min_seconds": float(min(seconds)),
        "p10_seconds": p10,
        "p90_seconds": p90,
    }


def spread(times: dict[str, float]) -> float:
    """The width of the middle 80 % of the times, relative to the median."""
    return (times["p90_seconds"] - times["p10_seconds"]) / times["median_seconds"]


BUSY_CORES = 0.1  # more use than this by processes outside of the run counts as busy


def is_busy(result: dict[str, Any]) -> bool:
    """Whether the machine had other work while this layer was measured."""
    return bool(result["foreign_cores"] > BUSY_CORES)


def geometric_mean(values: Iterable[float]) -> float:
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))


def gflops(multiplications: int, seconds: float) -> float:
    """Of the direct algorithm, so that one with fewer multiplications can pass the machine's
    peak."""
    return 2e-9 * multiplications / seconds
