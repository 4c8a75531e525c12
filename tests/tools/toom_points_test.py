"""The search of Winograd's points: it ranks as the library does, and finds what the library has."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import plait
import pytest
import toom_points

HEADER = Path(__file__).resolve().parents[2] / "src/kernels/winograd/toom_cook.hpp"


def points_of_library(t: int) -> tuple[Fraction, ...]:
    """Pairs, then the single one, as multiples of 1/16 in the case of t."""
    (case,) = re.findall(rf"case {t}:\n(.*?)break;", HEADER.read_text(), re.S)
    return tuple(
        Fraction(int(number), 16) for number in re.findall(r"add(?:_pair)?\((\d+)\)", case)
    )


# Coarser than the tool's own where that would take long.
@pytest.mark.parametrize(
    ("t", "denominator", "largest"), [(4, 16, 3), (6, 16, 2), (7, 8, 2), (8, 4, 3)]
)
def test_the_library_has_the_best_points(t: int, denominator: int, largest: int) -> None:
    best, *others = toom_points.search(t, toom_points.candidates(t, denominator, largest), 64)
    assert best == points_of_library(t)
    assert others


@pytest.mark.parametrize("channels", [8, 64, 512])
@pytest.mark.parametrize(
    ("t", "m", "r"), [(t, *f) for t, fs in toom_points.FORMS.items() for f in fs]
)
def test_expected_errors_are_the_library_s(t: int, m: int, r: int, channels: int) -> None:
    points = toom_points.with_signs(points_of_library(t), t)
    expected = toom_points.expected_rms(toom_points.transforms(points, m, r), channels)
    problem = f"1x{channels}x28x28,8x{channels}x{r}x{r}"
    plan = plait.plan(problem, accuracy="relaxed", algorithm=f"winograd/f{m}x{r}")
    assert plan.cost.error_rms == pytest.approx(expected, rel=1e-9)


def test_float32_has_the_expected_error() -> None:
    matrices = toom_points.transforms(toom_points.with_signs(points_of_library(6), 6), 4, 3)
    expected = toom_points.expected_rms(matrices, 8)
    assert toom_points.measured_rms(matrices, 8, tiles=500) == pytest.approx(expected, rel=0.3)


def test_transforms_that_round_are_no_candidates() -> None:
    third = (Fraction(1, 3), Fraction(2))
    exact = (Fraction(1, 2), Fraction(2))
    assert toom_points.search(6, iter([third, exact]), 64) == [exact]


def test_a_command_line_with_points(monkeypatch, capsys) -> None:
    words = ["--tile", "4", "--try", "1", "--channels", "2"]
    monkeypatch.setattr("sys.argv", ["toom_points.py", *words])
    toom_points.main()
    assert "| f2x3 | ±1 |" in capsys.readouterr().out
