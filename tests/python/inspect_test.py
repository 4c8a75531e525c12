"""plait.inspect finds planted structure, and what it proposes computes the same."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import plait
import pytest


def names(inspection: plait.Inspection) -> list[str]:
    return [proposal.name for proposal in inspection.proposals]


def check(inspection: plait.Inspection, x: np.ndarray, K: np.ndarray, **options) -> None:  # noqa: N803
    y = plait.conv2d(x, K, algorithm="reference", **options)
    eps = np.finfo(K.dtype).eps
    sums = np.abs(K).sum(axis=(1, 2, 3)).max() * np.abs(x).max()
    for proposal in inspection.proposals:
        other = proposal.run(x)
        assert other.shape == y.shape
        assert other.dtype == y.dtype
        allowed = proposal.output_bound * np.abs(x).max() + 300 * eps * sums
        assert np.abs(other - y).max() <= allowed, proposal
        assert proposal.bitwise == (proposal.output_bound == 0)
        assert proposal.multiplications_per_position < K.size


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(10))
def test_blocks_in_any_order(dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, c_out, c_in = (int(rng.integers(2, 5)) for _ in range(3))
    K = np.zeros((groups * c_out + 1, groups * c_in + 2, 3, 3), dtype)  # noqa: N806
    for g in range(groups):
        K[g * c_out : (g + 1) * c_out, g * c_in : (g + 1) * c_in] = rng.standard_normal(
            (c_out, c_in, 3, 3)
        )
    K = K[rng.permutation(len(K))][:, rng.permutation(K.shape[1])]  # noqa: N806
    options = {"stride": (int(rng.integers(1, 3)), 1), "padding": 1}
    inspection = plait.inspect(K, **options)
    assert inspection.found["blocks"]["components"] == groups
    assert inspection.found["blocks"]["groups"] == groups
    assert len(inspection.found["dead_inputs"]) == 2
    assert len(inspection.found["zero_outputs"]) == 1
    assert "reordered groups" in names(inspection)
    check(inspection, rng.standard_normal((2, K.shape[1], 9, 8)).astype(dtype), K, **options)


def test_repeats_ranks_and_windows(rng) -> None:
    left, right = rng.standard_normal((12, 2)), rng.standard_normal((2, 12 * 9))
    K = (left @ right).reshape(12, 12, 3, 3)  # noqa: N806
    inspection = plait.inspect(K)
    assert "3x3 then 1x1" in names(inspection)
    assert {"layers": "3x3 then 1x1", "rank": 2, "limit": 10, "too_large": False} in (
        inspection.found["ranks"]
    )
    x = rng.standard_normal((12, 6, 7))
    check(inspection, x[None], K)
    assert inspection.proposals[0].run(x).shape == (12, 4, 5)

    K = rng.standard_normal((8, 3, 5, 5)).astype("float32")  # noqa: N806
    K[:, :, 0] = K[:, :, 4] = 0
    K[4:] = -K[:4]
    inspection = plait.inspect(K, padding=((1, 1), (0, 0)))
    assert names(inspection)[:2] == ["window", "repeated outputs"]
    assert inspection.found["repeated_outputs"][0] == {"channels": [0, 4], "factors": [1, -1]}
    assert inspection.proposals[1].bitwise
    check(
        inspection,
        rng.standard_normal((1, 3, 7, 9)).astype("float32"),
        K,
        padding=((1, 1), (0, 0)),
    )


def test_answers_in_kind(kind) -> None:
    _, array_type, from_numpy = kind
    K = np.zeros((4, 4, 1, 1), "float32")  # noqa: N806
    K[0, 0] = K[1, 2] = 1
    proposal = plait.inspect(from_numpy(K)).proposals[0]
    assert isinstance(proposal.layers[0].layer.kernel, array_type)
    x = np.arange(16, dtype="float32").reshape(1, 4, 2, 2)
    y = proposal.run(from_numpy(x))
    assert isinstance(y, array_type)
    np.testing.assert_array_equal(np.asarray(y), plait.conv2d(x, K))


def test_a_generic_kernel_is_left_alone(rng) -> None:
    inspection = plait.inspect(rng.standard_normal((8, 4, 3, 3)).astype("float32"), groups=2)
    assert inspection.proposals == ()
    assert "nothing cheaper is proposed" in str(inspection)
    assert inspection.multiplications_per_position == 8 * 4 * 9
    assert inspection.multiplications is None


def test_times() -> None:
    K = np.zeros((8, 8, 3, 3), "float32")  # noqa: N806
    K[:, :, 1, 1] = np.eye(8)
    inspection = plait.inspect(K, input_size=(12, 14), padding="same", measure_seconds=0.001)
    assert inspection.multiplications == K.size * 12 * 14
    assert inspection.predicted_seconds > 0
    assert inspection.measured_seconds > 0
    proposal = inspection.proposals[-1]
    assert proposal.share == proposal.measured_seconds / inspection.measured_seconds
    assert "measured" in str(inspection)
    predicted = plait.inspect(K, input_size=12, padding=1, measure_seconds=0)
    assert predicted.measured_seconds is None
    assert "of the predicted time" in predicted.proposals[-1].verdict


@pytest.mark.parametrize(
    ("shape", "options", "text"),
    [
        ((2, 3, 3), {}, "c_o x c_i/groups x k_h x k_w but is 2x3x3"),
        ((4, 0, 3, 3), {}, "must be at least 1 but it is 4x0x3x3"),
        ((4, 2, 3, 3), {"groups": 3}, "3 does not divide c_o = 4"),
        ((4, 2, 3, 3), {"stride": 0}, "stride must be at least 1"),
        ((4, 2, 3, 3), {"padding": "same_upper", "stride": 2}, "depends on the size of x"),
        ((4, 2, 3, 3), {"input_size": 2}, "larger than the padded input 2x2"),
        ((4, 2, 3, 3), {"measure_seconds": -1.0}, "measure_seconds must be at least 0"),
    ],
)
def test_wrong_values(shape, options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        plait.inspect(np.ones(shape, "float32"), **options)


def test_values_that_are_not_finite() -> None:
    K = np.ones((2, 2, 1, 3))  # noqa: N806
    K[1, 0, 0, 2] = np.nan
    with pytest.raises(ValueError, match=r"kernel\[1,0,0,2\] is nan"):
        plait.inspect(K)


@pytest.mark.parametrize(
    ("K", "options", "text"),
    [
        (None, {}, "K is missing"),
        (1.0, {}, "K must be an array"),
        (np.ones((1, 1, 1, 1), "complex64"), {}, "K is complex64"),
        (np.ones((1, 1, 1, 1)), {"groups": 1.0}, "groups must be an int"),
        (np.ones((1, 1, 1, 1)), {"input_size": "8x8"}, "input_size must be an int or a pair"),
    ],
)
def test_wrong_types(K, options, text: str) -> None:  # noqa: N803
    with pytest.raises(TypeError, match=text):
        plait.inspect(K, **options)


def test_a_proposal_refuses_another_x() -> None:
    K = np.zeros((4, 4, 1, 1), "float32")  # noqa: N806
    K[0, 0] = 1
    proposal = plait.inspect(K).proposals[0]
    with pytest.raises(ValueError, match="x must be n x c x h x w"):
        proposal.run(np.ones((2, 2), "float32"))


def test_the_command(tmp_path, rng) -> None:
    np.save(tmp_path / "k.npy", rng.standard_normal((4, 2, 3, 3)))
    command = [sys.executable, "-m", "plait", "inspect", "k.npy"]
    run = {"capture_output": True, "text": True, "timeout": 120, "check": False, "cwd": tmp_path}
    done = subprocess.run([*command, "--json"], **run)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["schema"] == "plait.inspect/1"
    refused = subprocess.run([*command, "--picture", "k.png"], **run)
    assert refused.returncode == 2
    assert "--picture" in refused.stderr
