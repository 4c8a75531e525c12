#!/usr/bin/env python3
"""Searches the points of Winograd's forms: those in src/kernels/winograd/toom_cook.hpp are from
here.

Points are 0, infinity, pairs a and -a and, where their number is odd, one single one, all multiples
of 1 / DENOMINATOR whose transforms of inputs and of sums are exact in float32. They are ranked by
the rms error that src/algorithms/winograd/errors.cpp expects, the geometric mean over the forms
that share them; the best are confirmed by running the algorithm in float32. Needs numpy:
build/venv, which ./dev test makes, has it."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

EPILOG = """\
examples:
  build/venv/bin/python tools/toom_points.py
  build/venv/bin/python tools/toom_points.py --tile 6 --best 10
  build/venv/bin/python tools/toom_points.py --tile 8 --try 1/2,1,2 --try 1/2,1,3/2 --channels 8
"""

# Side t of a tile of inputs -> the forms (m, r) with m + r - 1 = t that are there.
FORMS = {4: [(2, 3)], 6: [(4, 3), (2, 5)], 7: [(3, 5)], 8: [(6, 3), (4, 5)]}

# As in errors.cpp, and Form::chunk() in blocking.hpp.
MEAN_SHARE = 0.318
TRANSFORM_ROUNDINGS = 10
SUM_SHARE = 1.75
ROUNDING_RMS = 0.33 * 2.0**-24
CHUNKS = {4: 64, 6: 64, 7: 32, 8: 24}

Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]


def with_signs(chosen: Sequence[Fraction], t: int) -> list[float]:
    """0, both points of each pair, the single one where t - 2 is odd: it is the last one chosen."""
    pairs = (t - 2) // 2
    return [
        0.0,
        *(s * float(a) for a in chosen[:pairs] for s in (1, -1)),
        *map(float, chosen[pairs:]),
    ]


def transforms(points: Sequence[float], m: int, r: int) -> Matrices:
    """A[t, m], B^T[t, t] and G[t, r], as toom_cook.hpp derives them. In float64 A and B are exact:
    of multiples of 1/16 up to 3, their entries have fewer than 53 bits."""
    t = m + r - 1
    a, b, g = np.zeros((t, m)), np.zeros((t, t)), np.zeros((t, r))
    for k, x in enumerate(points):
        b[k, : t - 1] = np.poly([*points[:k], *points[k + 1 :]])[::-1]
        a[k] = x ** np.arange(m)
        g[k] = x ** np.arange(r) / np.polyval(b[k, ::-1], x)
    b[t - 1] = np.poly(points)[::-1]
    a[t - 1, m - 1] = g[t - 1, r - 1] = 1
    return a, b, g


def is_exact(matrix: np.ndarray) -> bool:
    return bool(np.all(matrix.astype(np.float32) == matrix))


def expected_rms(matrices: Matrices, channels: int) -> float:
    """rms error / rms output on inputs like a ReLU's and weights of mean 0: errors.cpp has it."""
    a, b, g = matrices
    t, m, r = len(b), a.shape[1], g.shape[1]
    chunk = CHUNKS[t]
    sums, squares = b.sum(1) ** 2, (b**2).sum(1)
    v = MEAN_SHARE * np.outer(sums, sums) + (1 - MEAN_SHARE) * np.outer(squares, squares)
    u = np.outer((g**2).sum(1), (g**2).sum(1))
    gathered = np.outer((a**2).sum(1), (a**2).sum(1)) / m**2
    terms = min(channels, chunk) + -(-channels // chunk)
    roundings = SUM_SHARE * terms / 2 + TRANSFORM_ROUNDINGS
    return float(ROUNDING_RMS * np.sqrt((u * v * gathered).sum() / r**2 * roundings))


def measured_rms(matrices: Matrices, channels: int, tiles: int = 4000) -> float:
    """The same of so many tiles in float32, each of a kernel of its own, against float64."""
    a, b, g = matrices
    t, m, r = len(b), a.shape[1], g.shape[1]
    chunk = CHUNKS[t]
    rng = np.random.default_rng(1)
    a32, b32 = a.astype(np.float32), b.astype(np.float32)
    exact = np.zeros((tiles, m, m))
    total, part = (np.zeros((tiles, t, t), np.float32) for _ in range(2))
    for c in range(channels):
        d = np.maximum(rng.standard_normal((tiles, t, t), np.float32), 0)
        k = rng.standard_normal((tiles, r, r), np.float32)
        for i, j in itertools.product(range(r), repeat=2):
            exact += k[:, i, j, None, None].astype(np.float64) * d[:, i : i + m, j : j + m]
        u = (g @ k.astype(np.float64) @ g.T).astype(
            np.float32
        )  # weights are transformed in float64
        part += u * (b32 @ d @ b32.T)
        if c % chunk == chunk - 1 or c == channels - 1:
            total += part
            part[:] = 0
    y = a32.T @ total @ a32
    return float(np.sqrt(np.mean((y - exact) ** 2) / np.mean(exact**2)))


def candidates(t: int, denominator: int, largest: int) -> Iterator[tuple[Fraction, ...]]:
    """Pairs in rising order, then the single point. Its sign does not matter: the other is the
    mirror image."""
    values = [Fraction(n, denominator) for n in range(1, largest * denominator + 1)]
    for pairs in itertools.combinations(values, (t - 2) // 2):
        if t % 2 == 0:
            yield pairs
        else:
            yield from ((*pairs, single) for single in values if single not in pairs)


def search(
    t: int, sets: Iterator[tuple[Fraction, ...]], channels: int
) -> list[tuple[Fraction, ...]]:
    """Those with exact transforms, the best first."""
    ranked = []
    for chosen in sets:
        matrices = [transforms(with_signs(chosen, t), m, r) for m, r in FORMS[t]]
        if all(is_exact(a) and is_exact(b) for a, b, _ in matrices):
            errors = [expected_rms(of_form, channels) for of_form in matrices]
            ranked.append((float(np.prod(errors)), chosen))
    return [chosen for _, chosen in sorted(ranked)]


def parse_points(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(word) for word in text.split(","))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Searches the points of Winograd's forms; see the head of this file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--tile",
        type=int,
        choices=FORMS,
        action="append",
        help="side t of the tiles; all if not said",
    )
    parser.add_argument(
        "--denominator", type=int, help="of the points; 16, or 8 where there are three of them"
    )
    parser.add_argument("--largest", type=int, default=3, help="the largest point (3)")
    parser.add_argument("--channels", type=int, default=64, help="summed over so many (64)")
    parser.add_argument("--best", type=int, default=5, help="so many are confirmed and shown (5)")
    parser.add_argument(
        "--try",
        dest="given",
        type=parse_points,
        action="append",
        metavar="A,B[,C]",
        help="only these pairs, a single one last, instead of searching; may stand several times",
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    print("| form | points | expected rms | measured rms |\n| --- | --- | --: | --: |")
    for t in arguments.tile or FORMS:
        denominator = arguments.denominator or (8 if t > 6 else 16)
        numbers = (t - 1) // 2  # of points to choose
        given = [chosen for chosen in arguments.given or () if len(chosen) == numbers]
        sets = iter(given) if arguments.given else candidates(t, denominator, arguments.largest)
        for chosen in search(t, sets, arguments.channels)[: arguments.best]:
            pairs = (t - 2) // 2
            shown = ", ".join([f"±{a}" for a in chosen[:pairs]] + [str(a) for a in chosen[pairs:]])
            for m, r in FORMS[t]:
                matrices = transforms(with_signs(chosen, t), m, r)
                expected = expected_rms(matrices, arguments.channels)
                measured = measured_rms(matrices, arguments.channels)
                print(f"| f{m}x{r} | {shown} | {expected:.2e} | {measured:.2e} |", flush=True)


if __name__ == "__main__":
    main()
