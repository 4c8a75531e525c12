"""Plans of the gradients: backward_data, backward_weights and backward_bias."""

from __future__ import annotations

import numpy as np
import plait
import pytest

LAYER = "2x4x9x8,6x2x3x2,s2x1,p1x0,d1x2,g2"


def gradients(line: str, x: np.ndarray, weight: np.ndarray, dy: np.ndarray):
    data = plait.plan(f"{line},backward_data")
    return (
        data.run(dy, data.pack(weight)),
        plait.plan(f"{line},backward_weights").run(x, dy),
        plait.plan(f"{line},backward_bias").run(dy, None),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_are_torchs(rng, dtype) -> None:
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 4, 9, 8)).astype(dtype)
    weight = rng.standard_normal((6, 2, 3, 2)).astype(dtype)
    bias = rng.standard_normal(6).astype(dtype)
    operands = [torch.tensor(a.astype("float64"), requires_grad=True) for a in (x, weight, bias)]
    y = torch.nn.functional.conv2d(*operands, (2, 1), (1, 0), (1, 2), 2)
    dy = rng.standard_normal(tuple(y.shape)).astype(dtype)
    y.backward(torch.tensor(dy.astype("float64")))
    line = LAYER + (",f64" if dtype == "float64" else "")
    rounding = 1e-12 if dtype == "float64" else 1e-6
    for gradient, operand in zip(gradients(line, x, weight, dy), operands, strict=True):
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, operand.grad.numpy(), rtol=rounding, atol=rounding * 9)


def test_they_are_adjoint(rng) -> None:
    line = "1x3x7x6,5x3x3x3,p1,reflect,f64"
    x = rng.standard_normal((1, 3, 7, 6))
    weight = rng.standard_normal((5, 3, 3, 3))
    dy = rng.standard_normal((1, 5, 7, 6))
    forward = plait.plan(line)
    objective = np.sum(dy * forward.run(x, forward.pack(weight)))
    dx, dweight, dbias = gradients(line, x, weight, dy)
    assert np.sum(dx * x) == pytest.approx(objective, rel=1e-12)
    assert np.sum(dweight * weight) == pytest.approx(objective, rel=1e-12)
    np.testing.assert_allclose(dbias, dy.sum(axis=(0, 2, 3)))


def test_nhwc_arrays_lie_like_x_and_y(rng) -> None:
    line = "2x4x6x5,8x4x3x3,p1"
    x = rng.standard_normal((2, 4, 6, 5)).astype("float32")
    weight = rng.standard_normal((8, 4, 3, 3)).astype("float32")
    dy = rng.standard_normal((2, 8, 6, 5)).astype("float32")
    dx, dweight, dbias = gradients(line, x, weight, dy)
    lain = [np.ascontiguousarray(a.transpose(0, 2, 3, 1)) for a in (x, dy)]
    of_lain = gradients(f"{line},nhwc", lain[0], weight, lain[1])
    np.testing.assert_allclose(of_lain[0].transpose(0, 3, 1, 2), dx, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(of_lain[1], dweight, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(of_lain[2], dbias, rtol=1e-6, atol=1e-6)


def test_errors_name_the_gradients(rng) -> None:
    dy = np.zeros((1, 5, 5, 4), "float32")
    plan = plait.plan("1x3x7x6,5x3x3x3,backward_data")
    packed = plan.pack(np.zeros((5, 3, 3, 3), "float32"))
    with pytest.raises(ValueError, match="dy must be 1x5x5x4 for this plan but is 1x3x7x6"):
        plan.run(np.zeros((1, 3, 7, 6), "float32"), packed)
    with pytest.raises(ValueError, match="reads no weight that could be packed"):
        plait.plan("1x3x7x6,5x3x3x3,backward_weights").pack(np.zeros((5, 3, 3, 3), "float32"))
    with pytest.raises(ValueError, match="reads dy alone"):
        plait.plan("1x3x7x6,5x3x3x3,backward_bias").run(dy, dy)
    with pytest.raises(TypeError, match="packed is missing"):
        plait.plan("1x3x7x6,5x3x3x3,backward_weights").run(dy, None)
