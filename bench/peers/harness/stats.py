"""Summaries of times and ratios."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np


def summarize(seconds: Sequence[float]) -> dict[str, float]:
    """Quantiles, interpolated between the two nearest times."""
    p10, median, p90 = np.quantile(np.asarray(seconds, np.float64), [0.1, 0.5, 0.9])
    return {
        "median_seconds": float(median),
        "min_seconds": float(min(seconds)),
        "p10_seconds": float(p10),
        "p90_seconds": float(p90),
    }


def spread(times: dict[str, float]) -> float:
    """The width of the middle 80 % of the times, relative to the median."""
    return (times["p90_seconds"] - times["p10_seconds"]) / times["median_seconds"]


def geometric_mean(values: Iterable[float]) -> float:
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))


def gflops(multiplications: int, seconds: float) -> float:
    """Of the direct algorithm, so that one with fewer multiplications can pass the machine's
    peak."""
    return 2e-9 * multiplications / seconds
