"""Problems and plans."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import plait
import pytest

LINE = "2x8x14x14,16x4x3x3,s2x1,p1,g2,bias,act=relu"


def test_a_plan_tells_what_it_will_do() -> None:
    plan = plait.plan(LINE)
    assert plan.algorithm in plait.algorithms()
    assert plan.workspace_bytes >= 0
    assert plan.packed_bytes > 0
    assert plan.predicted_seconds > 0
    assert 0 < plan.error_rms <= 2e-6
    assert plan.error_bound > plan.error_rms
    assert str(plan.problem) == LINE
    assert plan.target in plait.info()["machine"]["targets"]
    standings = [candidate.standing for candidate in plan.candidates]
    assert standings[0] == "chosen"
    assert {c.algorithm for c in plan.candidates} == set(plait.algorithms())
    for candidate in plan.candidates:
        assert candidate.reason
        assert (candidate.cost.predicted_seconds > 0) == (candidate.standing != "refused")
        assert candidate.reason in plan.explain()
    chosen = plan.candidates[0]
    assert (chosen.algorithm, chosen.factor) == (plan.algorithm, 1)
    assert chosen.cost.multiplications >= plan.problem.multiplications
    assert plan.cost.workspace_bytes == plan.workspace_bytes


def test_run_is_conv2d(rng) -> None:
    plan = plait.plan(LINE)
    x = rng.standard_normal((2, 8, 14, 14)).astype("float32")
    weight = rng.standard_normal((16, 4, 3, 3)).astype("float32")
    bias = rng.standard_normal(16).astype("float32")
    packed = plan.pack(weight, bias)
    assert packed.nbytes == plan.packed_bytes
    assert packed.format == plan.packed_format
    y = plan.run(x, packed)
    expected = plait.conv2d(
        x, weight, bias, (2, 1), 1, groups=2, activation="relu", algorithm=plan.algorithm
    )
    np.testing.assert_array_equal(y, expected)
    out = np.empty_like(y)
    assert plan.run(x, packed, out=out) is out
    np.testing.assert_array_equal(out, expected)
    weight[:] = 0  # packed weights are a copy
    np.testing.assert_array_equal(plan.run(x, packed), expected)


def test_a_residual(rng) -> None:
    plan = plait.plan("1x2x5x5,3x2x3x3,res")
    x = rng.standard_normal((1, 2, 5, 5)).astype("float32")
    packed = plan.pack(rng.standard_normal((3, 2, 3, 3)).astype("float32"))
    residual = rng.standard_normal((1, 3, 3, 3)).astype("float32")
    zero = plan.run(x, packed, np.zeros_like(residual))
    np.testing.assert_allclose(plan.run(x, packed, residual), zero + residual, atol=1e-6)
    with pytest.raises(ValueError, match="residual must be 1x3x3x3 for this plan but is missing"):
        plan.run(x, packed)


def test_nhwc_arrays_and_views_of_them(rng) -> None:
    x = rng.standard_normal((2, 5, 6, 5)).astype("float32")  # n, h, w, c
    weight = rng.standard_normal((4, 5, 3, 3)).astype("float32")
    plan = plait.plan("2x5x5x6,4x5x3x3,nhwc")
    packed = plan.pack(weight)
    y = plan.run(x, packed)
    assert y.shape == (2, 3, 4, 4)
    expected = plait.conv2d(x, weight, layout="nhwc")
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)
    view = plan.run(x.transpose(0, 3, 1, 2), packed)
    np.testing.assert_array_equal(view, y.transpose(0, 3, 1, 2))
    assert view.transpose(0, 2, 3, 1).flags.c_contiguous
    mixed = plait.plan("2x5x5x6,4x5x3x3,nhwc>nchw")
    z = mixed.run(x, mixed.pack(weight))
    np.testing.assert_allclose(z, y.transpose(0, 3, 1, 2), rtol=0, atol=1e-5)
    # All axes equal: the strides tell an array from a view.
    cube = rng.standard_normal((1, 4, 4, 4)).astype("float32")
    plan = plait.plan("1x4x4x4,4x4x1x1,nhwc")
    k = rng.standard_normal((4, 4, 1, 1)).astype("float32")
    expected = cube @ k[:, :, 0, 0].T
    np.testing.assert_allclose(plan.run(cube, plan.pack(k)), expected, atol=1e-5)
    view = plan.run(cube.transpose(0, 3, 1, 2), plan.pack(k))
    np.testing.assert_allclose(view, expected.transpose(0, 3, 1, 2), atol=1e-5)


def test_strides_of_the_line() -> None:
    plan = plait.plan("1x1x2x2,1x1x1x1,xstrides=16_16_8_2,ystrides=4_4_1_2")
    x = np.arange(16, dtype="float32").reshape(1, 1, 2, 8)[..., :4:2]
    packed = plan.pack(np.ones((1, 1, 1, 1), "float32"))
    with pytest.raises(ValueError, match="y strides of its own"):
        plan.run(x, packed)
    out = np.empty((1, 1, 2, 2), "float32").transpose(0, 1, 3, 2)
    np.testing.assert_array_equal(plan.run(x, packed, out=out), x)
    with pytest.raises(ValueError, match="strides 4_4_2_1 but the plan was made for 16_16_8_2"):
        plan.run(np.ones((1, 1, 2, 2), "float32"), packed, out=out)


def test_weights_as_they_are(rng) -> None:
    plan = plait.plan("1x2x5x5,3x2x3x3,bias", prepacked=False)
    x = rng.standard_normal((1, 2, 5, 5)).astype("float32")
    weight = rng.standard_normal((3, 2, 3, 3)).astype("float32")
    bias = rng.standard_normal(3).astype("float32")
    y = plan.run(x, (weight, bias))
    np.testing.assert_allclose(y, plait.conv2d(x, weight, bias), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="bias must be 3 for this plan but is missing"):
        plan.run(x, weight)
    with pytest.raises(ValueError, match="prepacked"):
        plan.pack(weight, bias)


def test_limits() -> None:
    assert plait.plan(LINE, max_workspace_bytes=0).workspace_bytes == 0
    assert plait.plan(LINE, threads=1).threads == 1
    assert plait.plan(LINE, algorithm="im2col").algorithm == "im2col"
    assert " x 32 outputs" in plait.plan(LINE, tile_columns=32).config
    assert plait.plan(LINE, reproducible=True).algorithm in plait.algorithms()
    first = plait.plan("1x8x30x30,8x8x3x3", algorithm="direct/pixels")
    second = plait.plan("1x8x20x20,8x8x3x3", packed_format=first.packed_format)
    assert second.packed_format == first.packed_format


@pytest.mark.parametrize(
    ("limits", "error", "text"),
    [
        ({"accuracy": "exact"}, ValueError, "strict, fp32, relaxed"),
        ({"algorithm": "magic"}, ValueError, "known: depthwise"),
        ({"max_workspace_bytes": -1}, ValueError, "at least 0"),
        ({"threads": 0}, ValueError, "at least 1"),
        ({"threads": "two"}, TypeError, "threads must be an int but is 'two'"),
        ({"prepacked": 1}, TypeError, "prepacked must be True or False but is 1"),
        ({"tile_columns": 0}, ValueError, "tile_columns must be at least 1"),
        ({"thread": 1}, TypeError, "incompatible"),
    ],
)
def test_wrong_limits(limits, error, text: str) -> None:
    with pytest.raises(error, match=text):
        plait.plan(LINE, **limits)


def test_wrong_runs() -> None:
    plan = plait.plan("1x1x3x3,1x1x1x1")
    other = plait.plan("1x1x3x3,2x1x1x1")
    x = np.ones((1, 1, 3, 3), "float32")
    packed = plan.pack(np.ones((1, 1, 1, 1), "float32"))
    with pytest.raises(ValueError, match="weights are packed as"):
        plan.run(x, other.pack(np.ones((2, 1, 1, 1), "float32")))
    with pytest.raises(ValueError, match="x must be 1x1x3x3 for this plan but is 1x3x3"):
        plan.run(x[0], packed)
    with pytest.raises(TypeError, match="x is float64"):
        plan.run(x.astype("float64"), packed)
    with pytest.raises(ValueError, match="call pack"):
        plan.run(x, np.ones((1, 1, 1, 1), "float32"))
    with pytest.raises(TypeError, match="packed is missing"):
        plan.run(x, None)
    with pytest.raises(ValueError, match="weight must be 1x1x1x1 for this plan but is 1x1x2x2"):
        plan.pack(np.ones((1, 1, 2, 2), "float32"))
    with pytest.raises(ValueError, match="residual was given"):
        plan.run(x, packed, x)
    for wrong in (12, None):
        with pytest.raises(TypeError, match="problem line"):
            plait.plan(wrong)
        with pytest.raises(TypeError, match="line must be a str"):
            plait.Problem(wrong)


class TestProblem:
    def test_from_a_line(self) -> None:
        problem = plait.Problem("conv1: " + LINE)
        assert str(problem) == LINE
        assert problem.x_shape == (2, 8, 14, 14)
        assert problem.weight_shape == (16, 4, 3, 3)
        assert problem.y_shape == (2, 16, 7, 14)
        assert problem.stride == (2, 1)
        assert problem.padding == ((1, 1), (1, 1))
        assert problem.dilation == (1, 1)
        assert problem.groups == 2
        assert problem.bias
        assert not problem.residual
        assert problem.activation == "relu"
        assert (problem.padding_mode, problem.padding_value) == ("zeros", 0)
        assert (problem.dtype, problem.direction) == ("float32", "forward")
        assert (problem.x_layout, problem.y_layout) == ("nchw", "nchw")
        assert problem.depth == 4 * 9
        assert problem.multiplications == 2 * 16 * 7 * 14 * 4 * 9

    def test_from_shapes(self) -> None:
        problem = plait.Problem.from_shapes(
            (2, 8, 14, 14),
            (16, 4, 3, 3),
            stride=(2, 1),
            padding=1,
            groups=2,
            bias=True,
            activation="relu",
        )
        assert problem == plait.Problem(LINE)
        assert hash(problem) == hash(plait.Problem(LINE))
        assert problem != plait.Problem("1x1x1x1,1x1x1x1")
        assert problem != "a line"
        leaky = plait.Problem.from_shapes(
            (1, 1, 4, 4), (1, 1, 2, 2), padding="same", activation="leaky:0.25", dtype="float64"
        )
        assert leaky.activation == "leaky:0.25"
        assert leaky.padding == ((0, 1), (0, 1))
        assert leaky.dtype == "float64"

    def test_copies(self) -> None:
        problem = plait.Problem(LINE)
        assert copy.deepcopy(problem) == problem
        assert pickle.loads(pickle.dumps(problem)) == problem
        assert eval(repr(problem)) == problem

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            ("", "column 1"),
            ("1x3x8x8,4x3x3x3,q", "column"),
            ("1x3x2x2,4x3x3x3", "kernel"),
            ("1x3x8x8,4x2x3x3", "channels"),
            ("1x3x8x8,4x3x3x3\0", "column 15"),
        ],
    )
    def test_wrong_lines(self, line: str, text: str) -> None:
        with pytest.raises(ValueError, match=text):
            plait.Problem(line)

    @pytest.mark.parametrize(
        ("x", "k", "options", "error", "text"),
        [
            ((1, 3, 8), (4, 3, 3, 3), {}, TypeError, "shape of four ints"),
            ((1, 3, 8, 8), (4, 2, 3, 3), {}, ValueError, "weight expects 2 input channels"),
            ((1, 3, 8, 8), (4, 3, 3, 3), {"dtype": "int8"}, ValueError, "'float32' or 'float64'"),
            ((1, 3, 8, 8), (4, 3, 3, 3), {"groups": 0}, ValueError, "groups"),
            ((1, 3, 8, 2**62), (4, 3, 3, 3), {}, ValueError, "2\\^62|too"),
            ((1, 3, 8, 2**70), (4, 3, 3, 3), {}, ValueError, "below 2\\^63"),
        ],
    )
    def test_wrong_shapes(self, x, k, options, error, text: str) -> None:
        with pytest.raises(error, match=text):
            plait.Problem.from_shapes(x, k, **options)


def test_what_benchmarks_stand_on() -> None:
    assert plait.Problem("1x64x56x56,64x64x3x3,p1").layer_class == "3x3 s1 at 28+ px"
    assert plait.Problem("1x8x9x9,8x1x3x3,g8").layer_class == "depthwise"
    assert plait.measure_peak_gflops(threads=1, seconds=0.001) > 0
    assert plait.measure_peak_gflops() > 0
    with pytest.raises(ValueError, match="threads"):
        plait.measure_peak_gflops(threads=0)
    with pytest.raises(TypeError, match="seconds"):
        plait.measure_peak_gflops(seconds="long")
