"""What outputs are compared with: against the other oracle of the tests, and against itself."""

from __future__ import annotations

import numpy as np
import oracle as python_oracle
import pytest
from harness import oracle
from harness.layers import UsageError, make_operands, parse_layer, read_layers

LINES = [
    "1x3x9x8,4x3x3x3,p1",
    "2x4x7x9,6x2x1x1,g2",
    "2x6x12x11,9x2x3x2,s2x3,p1_0_2_1,d2x1,g3",
    "1x5x10x6,5x1x5x3,s2,p2x1,g5",
    "3x1x4x4,2x1x4x4",
]


def exact(line: str) -> np.ndarray:
    p = parse_layer(line).problem
    x, k = (array.astype(np.float64) for array in make_operands(p))
    top, bottom, left, right = p.padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    return python_oracle._correlate_numpy(padded, k, p.stride, p.dilation, p.groups)


@pytest.mark.parametrize("line", LINES)
def test_whole_and_sampled(line: str) -> None:
    p = parse_layer(line).problem
    x, k = make_operands(p)
    expected = exact(line)
    assert expected.shape == p.y_shape
    np.testing.assert_allclose(oracle.convolve(p, x, k), expected, rtol=1e-12, atol=1e-12)
    positions = oracle.sample_positions(p, 300)
    sampled = oracle.convolve_at(p, x, k, positions)
    np.testing.assert_allclose(sampled, expected[positions], rtol=1e-12, atol=1e-12)


def test_samples_have_all_corners_and_edges() -> None:
    p = parse_layer("2x3x20x30,5x3x3x3,p1").problem
    positions = np.array(oracle.sample_positions(p)).T
    assert positions.shape == (oracle.SAMPLES, 4)
    seen = {tuple(position) for position in positions.tolist()}
    assert {(n, c, h, w) for n in (0, 1) for c in (0, 4) for h in (0, 19) for w in (0, 29)} <= seen
    on_edge = (positions[:, 2] % 19 == 0) | (positions[:, 3] % 29 == 0)
    assert np.count_nonzero(on_edge) > oracle.SAMPLES / 4


def test_large_layers_are_sampled() -> None:
    layer = parse_layer("1x96x60x60,160x96x3x3,p1")  # 0.995e9 operations
    assert 2 * layer.multiplications < oracle.WHOLE_BELOW_OPERATIONS
    assert oracle.reference(layer.problem, *make_operands(layer.problem)).describe() == "whole"
    layer = parse_layer("1x97x60x60,160x97x3x3,p1")
    assert 2 * layer.multiplications > oracle.WHOLE_BELOW_OPERATIONS
    reference = oracle.reference(layer.problem, *make_operands(layer.problem))
    assert reference.describe() == "4096 positions"
    y = np.zeros(layer.problem.y_shape, np.float32)
    y[reference.positions] = reference.values
    assert reference.relative_rms(y) < 1e-7


def test_relative_rms() -> None:
    values = np.array([[[[3.0, -4.0]]]])
    reference = oracle.Reference(None, values)
    assert reference.relative_rms(values) == 0
    assert reference.relative_rms(values * 1.5) == pytest.approx(0.5)
    assert not np.isfinite(reference.relative_rms(np.full_like(values, np.nan)))


def test_relative_max() -> None:
    values = np.array([[[[3.0, -4.0, 0.0]]]])
    reference = oracle.Reference(None, values)
    assert reference.relative_max(values) == 0
    off = np.array([0.0, -0.5, 0.1])
    assert reference.relative_max(values + off) == pytest.approx(0.5 / np.sqrt(25 / 3))
    assert not np.isfinite(reference.relative_max(np.full_like(values, np.nan)))


def test_operands_are_the_same_every_time() -> None:
    p = parse_layer("1x64x20x20,64x64x3x3").problem
    (x, k), (again, _) = make_operands(p), make_operands(p)
    np.testing.assert_array_equal(x, again)
    assert x.min() == 0
    assert 0.4 < np.mean(x > 0) < 0.6
    assert np.std(k) == pytest.approx(np.sqrt(2 / (64 * 9)), rel=0.02)


def test_files_and_lines(tmp_path) -> None:
    file = tmp_path / "net.txt"
    file.write_text("# layers\nfirst: 1x3x8x8,4x3x3x3  # the first\n\n1x4x8x8,4x4x1x1\n")
    layers = read_layers([str(file), "again: 1x3x8x8,4x3x3x3", "1x3x8x8,4x3x3x3,p1"])
    names = [layer.name for layer in layers]
    assert names == ["net/first", "1x4x8x8,4x4x1x1", "1x3x8x8,4x3x3x3,p1"]


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("1x3x8x8,4x3x9x9", "h"),
        ("1x3x8x8,4x3x3x3,bias", "only plain forward convolutions"),
        ("1x3x8x8,4x3x3x3,nhwc", "only plain forward convolutions"),
        ("no/such/file.txt", "No such file"),
    ],
)
def test_wrong_problems(argument: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        read_layers([argument])
