"""The operator plait::conv2d: values, memory formats, fake tensors, refusals and gradients."""

from __future__ import annotations

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from torch_calls import F, assert_close, call, conv2d, kept, operands  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(11)


GEOMETRIES = [
    {},
    {"stride": (2, 1)},
    {"padding": (1, 2)},
    {"dilation": (2, 1), "padding": (2, 0)},
    {"groups": 2},
    {"stride": (3, 2), "padding": (2, 1), "dilation": (1, 2), "groups": 2},
]


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("options", GEOMETRIES, ids=str)
def test_agrees_with_torch(options, constant_weight):
    x, weight, bias = operands(groups=options.get("groups", 1))
    for given_bias in (None, bias):
        for _ in range(2):
            y = call(x, weight, given_bias, constant_weight=constant_weight, **options)
            assert_close(y, x, weight, given_bias, **options)


@pytest.mark.parametrize("constant_weight", [False, True])
def test_float64_agrees_with_torch(constant_weight):
    x, weight, bias = operands(dtype=torch.float64)
    assert_close(call(x, weight, bias, constant_weight=constant_weight), x, weight, bias)


@pytest.mark.parametrize("constant_weight", [False, True])
def test_an_image_without_batch_gives_one(constant_weight):
    x, weight, bias = operands()
    y = call(x[0], weight, bias, constant_weight=constant_weight)
    assert_close(y[None], x[:1], weight, bias)


@pytest.mark.parametrize("constant_weight", [False, True])
def test_an_empty_batch_gives_an_empty_output(constant_weight):
    x, weight, bias = operands(n=0)
    assert call(x, weight, bias, constant_weight=constant_weight).shape == (0, 6, 7, 6)


@pytest.mark.parametrize("constant_weight", [False, True])
def test_four_sides_of_padding_are_top_bottom_left_right(constant_weight):
    x, weight, _ = operands()
    y = conv2d(x, weight, None, (1, 1), (0, 1, 2, 3), (1, 1), 1, "", constant_weight)
    assert_close(y, F.pad(x, (2, 3, 0, 1)), weight)


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("padding_mode", ["reflect", "replicate", "circular"])
def test_padding_modes_agree_with_torch(padding_mode, constant_weight):
    x, weight, bias = operands()
    widest = 7 if padding_mode == "reflect" else 8
    for padding in ((1, 2), (3, widest)):
        (h, w), options = padding, {"padding": padding, "padding_mode": padding_mode}
        padded = F.pad(x, (w, w, h, h), padding_mode)
        y = call(x, weight, bias, constant_weight=constant_weight, **options)
        assert_close(y, padded, weight, bias)
        y = call(x[0], weight, bias, constant_weight=constant_weight, **options)
        assert_close(y[None], padded[:1], weight, bias)


@pytest.mark.parametrize("constant_weight", [False, True])
def test_the_activation_comes_after_the_bias(constant_weight):
    x, weight, bias = operands()
    relu6 = call(x, weight, bias, "relu6", constant_weight)
    exact = F.conv2d(x.double(), weight.double(), bias.double()).clamp(0, 6)
    assert torch.allclose(relu6.double(), exact, rtol=0, atol=1e-5)
    assert (relu6 == 6).any()
    assert (relu6 == 0).any()


def test_one_number_stands_for_both_axes_and_defaults_are_torchs():
    x, weight, bias = operands()
    assert_close(torch.ops.plait.conv2d(x, weight), x, weight)
    y = torch.ops.plait.conv2d(x, weight, bias, stride=2, padding=1)
    assert_close(y, x, weight, bias, stride=2, padding=1)


def views():
    x = torch.randn(2, 4, 9, 8)
    wide = x.repeat(1, 2, 1, 1)
    last = torch.channels_last
    return {
        "contiguous": x,
        "channels_last": x.contiguous(memory_format=last),
        "one channel, dense in both": x[:, :1].contiguous(memory_format=last),
        "one pixel, dense in both": x[:, :, :1, :1].contiguous(memory_format=last),
        "one image, channels_last": x[:1].contiguous(memory_format=last),
        "some channels": wide[:, 2:6],
        "some channels of channels_last": wide.contiguous(memory_format=last)[:, 2:6],
        "every other column": x.repeat(1, 1, 1, 2)[..., ::2],
        "rows and columns swapped": x.transpose(2, 3),
        "a broadcast image": x[:1].expand(3, -1, -1, -1),
        "offset": torch.randn(2 * 4 * 9 * 8 + 1)[1:].view(2, 4, 9, 8),
    }  # fmt: skip


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("name", views())
def test_any_strides_are_read_and_the_fake_output_is_like_the_real_one(name, constant_weight):
    x = views()[name]
    k = min(3, *x.shape[2:])
    weight = torch.randn(6, x.shape[1], k, k)
    y = call(x, weight, constant_weight=constant_weight)
    assert_close(y, x, weight)
    channels_last = name in ("channels_last", "one image, channels_last")
    assert y.is_contiguous() is not channels_last
    assert y.is_contiguous(memory_format=torch.channels_last) is channels_last or k == 1
    with torch._subclasses.FakeTensorMode() as mode:
        fake = call(mode.from_tensor(x), mode.from_tensor(weight), constant_weight=constant_weight)
    assert (fake.shape, fake.stride(), fake.dtype) == (y.shape, y.stride(), y.dtype)


def test_weights_may_be_channels_last():
    x, weight, bias = operands()
    moved = weight.contiguous(memory_format=torch.channels_last)
    for constant_weight in (False, True):
        assert_close(call(x, moved, bias, constant_weight=constant_weight), x, weight, bias)


def test_a_negated_view_is_read_as_what_it_means():
    x, weight, _ = operands()
    negated = torch.complex(x, x).conj().imag
    assert negated.is_neg()
    assert_close(call(negated, weight, constant_weight=True), -x, weight)


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels_last", [False, True])
def test_opcheck(channels_last, dtype, constant_weight):
    x, weight, bias = operands(groups=2, dtype=dtype)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    arguments = (x, weight, bias, (1, 2), (0, 1, 2, 0), (2, 1), 2, "relu", constant_weight)
    torch.library.opcheck(conv2d, arguments)
    torch.library.opcheck(conv2d, (x[0], weight, None, (1, 1), (0,) * 4, (1, 1), 2))


def test_meta_tensors_are_answered_with_a_shape():
    x, weight, bias = (t.to("meta") for t in operands())
    assert call(x, weight, bias, stride=(2, 2)).shape == (2, 6, 4, 3)


def test_vmap_computes_every_example():
    x, weight, bias = operands()
    y = torch.func.vmap(lambda one: call(one, weight, bias))(x[:, None])
    assert_close(y[:, 0], x, weight, bias)


def test_under_autocast_it_computes_in_float32():
    x, weight, bias = operands()
    with torch.autocast("cpu", torch.bfloat16):
        for constant_weight in (False, True):
            y = call(x.bfloat16(), weight, bias, constant_weight=constant_weight)
            assert_close(y, x.bfloat16().float(), weight, bias)


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize(
    "channels_last", [(False, False), (False, True), (True, False), (True, True)]
)
def test_a_residual_is_added_before_the_activation(channels_last, constant_weight):
    x, weight, bias = operands()
    residual = torch.randn(2, 6, 7, 6)
    x, residual = (
        t.contiguous(memory_format=torch.channels_last) if moved else t
        for t, moved in zip((x, residual), channels_last, strict=True)
    )
    before = residual.clone()
    rest = ((1, 1), (0,) * 4, (1, 1), 1, "relu", constant_weight, "zeros")
    y = conv2d(x, weight, bias, *rest, residual)
    expected = torch.relu(F.conv2d(x.double(), weight.double(), bias.double()) + residual.double())
    torch.testing.assert_close(y.double(), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(residual, before)
    assert y.is_contiguous() is not channels_last[0]
    one = conv2d(x[0], weight, bias, *rest, residual[0])
    torch.testing.assert_close(one, y[0], rtol=1e-5, atol=1e-5)
    torch.library.opcheck(conv2d, (x, weight, bias, *rest, residual))


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("formats", [(i, w) for i in (False, True) for w in (False, True)])
def test_the_memory_format_of_the_output_is_torchs(formats, k, constant_weight):
    x, weight, bias = operands(k=k)
    x, weight = (
        t.contiguous(memory_format=torch.channels_last) if moved else t
        for t, moved in zip((x, weight), formats, strict=True)
    )
    y = call(x, weight, bias, constant_weight=constant_weight)
    assert_close(y, x, weight, bias)
    if k > 1 or not formats[1]:  # torch tells a 1x1 weight's format by its strides alone
        assert y.stride() == F.conv2d(x, weight, bias).stride()


def test_limits_are_the_plans():
    x, weight, bias = operands()
    rest = ((1, 1), (0,) * 4, (1, 1), 1, "", True, "zeros", None, "strict", 0, True, 1)
    assert_close(conv2d(x, weight, bias, *rest), x, weight, bias)
    (step,) = kept(weight).steps.values()
    assert (step.plan.workspace_bytes, step.plan.threads) == (0, 1)
    torch.library.opcheck(conv2d, (x, weight, bias, *rest))


# --- refusals -------------------------------------------------------------------------------------


def wrong_calls():
    """From a name to the error, its text, and the operands and options that cause it."""
    x, weight, bias = operands()
    x16, weight16 = x.bfloat16(), weight.bfloat16()
    return {
        "channels": (ValueError, "in 2 groups does not fit", (x, weight), {"groups": 2}),
        "groups": (ValueError, "in 0 groups", (x, weight), {"groups": 0}),
        "outputs": (ValueError, "in 2 groups", (x, weight[:5, :2]), {"groups": 2}),
        "bias": (ValueError, "one value per output channel", (x, weight, bias[:5]), {}),
        "kernel": (ValueError, "larger than input 2x4x2x2", (x[..., :2, :2], weight), {}),
        "rank": (ValueError, "n x c x h x w or c x h x w", (x[None], weight), {}),
        "rank of the weight": (ValueError, "c_out x c_in/groups", (x, weight[0]), {}),
        "stride": (ValueError, "at least 1", (x, weight), {"stride": (0, 1)}),
        "dilation": (ValueError, "at least 1", (x, weight), {"dilation": (1, -1)}),
        "padding": (ValueError, "at least 0", (x, weight), {"padding": (-1, 0)}),
        "padding mode": (
            ValueError,
            "padding_mode must be one of 'zeros', 'reflect'",
            (x, weight),
            {"padding_mode": "mirror"},
        ),
        "reflection": (
            ValueError,
            r"less than the size of input 2x4x9x8",
            (x, weight),
            {"padding_mode": "reflect", "padding": (1, 8)},
        ),
        "circle": (
            ValueError,
            r"at most the size of input 2x4x9x8",
            (x, weight),
            {"padding_mode": "circular", "padding": (10, 1)},
        ),
        "dtype": (TypeError, "all float32 or all float64 but are bfloat16", (x16, weight16), {}),
        "dtypes": (TypeError, "float32 and float64", (x.double(), weight), {}),
    }


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("name", wrong_calls())
def test_wrong_calls_are_refused_by_name_on_real_and_fake_tensors(name, constant_weight):
    error, text, tensors, options = wrong_calls()[name]
    for device in ("cpu", "meta"):
        moved = [t.to(device) for t in tensors]
        with pytest.raises(error, match=text):
            call(*moved, constant_weight=constant_weight, **options)


def wrong_residuals():
    x = operands()[0]
    return {
        "shape": (ValueError, "residual must be 2x6x7x6, like the output", torch.randn(2, 6, 7, 5)),
        "rank": (ValueError, "residual must have 4 axes", torch.randn(6, 7, 6)),
        "dtype": (TypeError, "residual must be torch.float32", torch.randn(2, 6, 7, 6).double()),
        "batch": (ValueError, "residual must be 2x6x7x6", torch.randn(1, 6, 7, 6)),
        "input": (ValueError, "residual must be", x),
    }


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("name", wrong_residuals())
@pytest.mark.parametrize("planned", [False, True])
def test_wrong_residuals_are_refused_by_name(name, planned, constant_weight):
    error, text, residual = wrong_residuals()[name]
    x, weight, bias = operands()
    rest = ((1, 1), (0,) * 4, (1, 1), 1, "", constant_weight, "zeros")
    if planned:
        conv2d(x, weight, bias, *rest, torch.randn(2, 6, 7, 6))
    with pytest.raises(error, match=text):
        conv2d(x, weight, bias, *rest, residual)
    with pytest.raises(error, match=text):
        conv2d(x.to("meta"), weight.to("meta"), None, *rest, residual.to("meta"))


def test_an_unknown_activation_is_refused():
    x, weight, _ = operands()
    for constant_weight in (False, True):
        with pytest.raises(ValueError, match="swoosh"):
            call(x, weight, None, "swoosh", constant_weight)


def test_another_dtype_after_a_good_call_is_refused():
    x, weight, _ = operands()
    call(x, weight, constant_weight=True)
    with pytest.raises(TypeError, match="float64"):
        call(x.double(), weight, constant_weight=True)


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("constant_weight", [False, True])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_gradient_is_refused_where_torch_would_record_one(which, constant_weight):
    tensors = operands()
    tensors[which].requires_grad_()
    with pytest.raises(ValueError, match=f"{('input', 'weight', 'bias')[which]} requires a grad"):
        call(*tensors, constant_weight=constant_weight)
    plain = [t.detach() for t in tensors]
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            y = call(*tensors, constant_weight=constant_weight)
        assert not y.requires_grad
        assert_close(y.clone(), *plain)
    assert_close(call(*plain, constant_weight=constant_weight), *plain)


def test_derivatives_of_functions_are_refused():
    x, weight, _ = operands()
    with pytest.raises(ValueError, match="input requires a gradient"):
        torch.func.grad(lambda x: conv2d(x, weight).sum())(x)
    with pytest.raises(ValueError, match="input has a forward-mode derivative"):
        torch.func.jvp(lambda x: conv2d(x, weight), (x,), (x,))
    with pytest.raises(ValueError, match="weight has a forward-mode derivative"):
        torch.func.jvp(lambda w: conv2d(x, w), (weight,), (weight,))


def test_importing_plait_imports_neither_torch_nor_the_operator():
    script = (
        "import sys, plait; assert 'torch' not in sys.modules; import plait.torch, torch;"
        "y = plait.torch.Conv2d(1, 2, 3)(torch.ones(1, 1, 5, 5)); print(*y.shape)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("1 2 3 3\n", "")
