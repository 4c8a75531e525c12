"""Seeded random problems against the definition in float64."""

from __future__ import annotations

import numpy as np
import oracle
import plait
import pytest
from conftest import FULL

CASES = 3000 if FULL else 500
BLOCK = 25  # cases of one test: a failure names its seed

# Activations enlarge an error by at most their largest slope, and round their result. The oracle
# rounds too, which matters in float64 only.
SLOPE = {"hswish": 1.5, "silu": 1.1}
ROUNDINGS = {"float32": 1, "float64": 4}


def rounded(case: oracle.Case, dtype: str) -> oracle.Case:
    """The same case with operands that the dtype can hold."""

    def to(array):
        return None if array is None else array.astype(dtype).astype("float64")

    return oracle.Case(to(case.x), to(case.weight), to(case.bias), to(case.residual), case.options)


def strided(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same values with other strides, for half of the arrays."""
    kind = rng.integers(6)
    if kind == 0:  # every second element of a larger array
        parent = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        parent[..., ::2] = array
        return parent[..., ::2]
    if kind == 1:  # axes the other way round in memory
        return np.ascontiguousarray(array.T).T
    if kind == 2:  # backwards
        return np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    return array


def check(seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    case = rounded(oracle.random_case(seed), dtype)
    operands = {
        name: None if array is None else strided(array.astype(dtype), rng)
        for name, array in (
            ("input", case.x),
            ("weight", case.weight),
            ("bias", case.bias),
            ("residual", case.residual),
        )
    }
    threads = int(rng.integers(1, 4))
    cap = None if rng.random() < 0.7 else int(rng.choice([0, 5000]))
    y = plait.conv2d(**operands, **case.options, threads=threads, max_workspace_bytes=cap)
    exact, size = case.exact()
    assert y.shape == exact.shape
    assert y.dtype == dtype
    error = np.abs(y - exact)
    if dtype == "float64":
        allowed = 1e-13 * size
    else:
        line = str(
            plait.Problem.from_shapes(
                case.x.shape,
                case.weight.shape,
                **case.options,
                bias=case.bias is not None,
                residual=case.residual is not None,
            )
        )
        plan = plait.plan(line, threads=threads, max_workspace_bytes=cap, prepacked=False)
        allowed = case.allowed(plan)
    if case.options["activation"] is not None:
        name = case.options["activation"].partition(":")[0]
        roundoff = np.finfo(dtype).eps / 2
        allowed = SLOPE.get(name, 1.0) * allowed + ROUNDINGS[dtype] * roundoff * np.abs(exact)
    worst = float(np.max(error / np.maximum(allowed, np.finfo("float64").tiny)))
    assert worst <= 1, f"seed {seed}, {dtype}: {worst:.3g} of the bound; {case.describe()}"


@pytest.mark.parametrize("first", range(0, CASES, BLOCK))
def test_float32_is_within_the_plans_bound(first: int) -> None:
    for seed in range(first, first + BLOCK):
        check(seed, "float32")


@pytest.mark.parametrize("first", range(0, CASES, BLOCK))
def test_float64_is_within_rounding_of_the_terms(first: int) -> None:
    for seed in range(first, first + BLOCK):
        check(seed, "float64")


def test_the_two_oracles_agree() -> None:
    """Where torch is the oracle, numpy's must say the same."""
    case = oracle.random_case(7)
    geometry = (case.options["stride"], case.options["dilation"], case.options["groups"])
    first = oracle._correlate(case.x, case.weight, *geometry)
    second = oracle._correlate_numpy(case.x, case.weight, *geometry)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-12)
