"""What layers cost by definition."""

from __future__ import annotations

import json
import subprocess
import sys

import plait
import pytest

KEYS = [
    "direction",
    "multiplications",
    "additions",
    "operations",
    "macs",
    "flops",
    "multiplications_without_padding",
    "additions_without_padding",
    "parameters",
    "parameters_with_bias",
    "bytes_input",
    "bytes_weight",
    "bytes_output",
    "bytes_grad_input",
    "bytes_grad_weight",
    "bytes_grad_output",
    "memory_forward_bytes",
    "memory_training_forward_bytes",
    "memory_backward_bytes",
    "arithmetic_intensity",
    "roofline_seconds",
]
LINE = "2x8x14x15,16x4x3x3,s2x1,p1,g2,bias"


def test_all_figures_are_there() -> None:
    cost = plait.cost(LINE)
    assert list(cost) == KEYS
    assert cost["direction"] == "forward"
    assert cost["multiplications"] == 2 * 16 * 7 * 15 * 4 * 9
    assert cost["additions"] == cost["multiplications"]  # one addition per output is the bias
    assert cost["parameters_with_bias"] == 16 * 4 * 9 + 16
    assert all(isinstance(cost[key], int) for key in KEYS[1:-2])
    assert cost["roofline_seconds"] > 0


def test_of_a_direction() -> None:
    backward = plait.cost(LINE, "backward_weights")
    assert backward["direction"] == "backward_weights"
    assert backward == plait.cost(LINE + ",backward_weights")
    assert backward == plait.cost(plait.Problem(LINE), direction="backward_weights")
    assert backward["additions"] == backward["multiplications"] - 16 * 4 * 9


def test_is_what_the_program_prints() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "plait", "cost", LINE, "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    layer = json.loads(told.stdout)["layers"][0]
    assert {key: layer[key] for key in KEYS} == plait.cost(LINE)


def test_refuses_what_is_wrong() -> None:
    with pytest.raises(ValueError, match='unknown direction "up"'):
        plait.cost(LINE, "up")
    with pytest.raises(ValueError, match="weight expects 3 input channels"):
        plait.cost("1x4x8x8,8x3x1x1")
    with pytest.raises(TypeError, match="must be a problem line"):
        plait.cost(7)
