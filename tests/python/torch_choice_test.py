"""What a caller of plait.torch.convert decides: which batch norms; and what else it refuses."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
import torch_networks as networks  # noqa: E402
import torch_other_uses as other_uses  # noqa: E402
from torch import nn  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


def pair(**options):
    return networks.randomize(nn.Sequential(nn.Conv2d(3, 4, 3, **options), nn.BatchNorm2d(4)))


def images(n=2, size=12):
    return torch.randn(n, 3, size, size)


# --- which batch norms ----------------------------------------------------------------------------


def test_nothing_is_folded_on_demand():
    model = networks.resnet18()
    conversion = plait.torch.convert(model, fold=False)
    assert conversion.folded == {}
    assert len(conversion.converted) == 20
    assert set(conversion.left.values()) == {"BatchNorm not folded: fold is False"}
    x = images(size=64)
    with torch.no_grad():
        torch.testing.assert_close(conversion.model(x), model(x), rtol=1e-4, atol=1e-4)


def test_named_batch_norms_are_folded_and_no_others():
    model = networks.randomize(networks.BasicBlock(3, 3, 1))
    conversion = plait.torch.convert(model, fold=["bn2"])
    assert conversion.folded == {"bn2": "conv2"}
    assert conversion.left == {"bn1": "BatchNorm not folded: fold does not name it"}


def test_a_named_batch_norm_is_folded_though_other_calls_are_unknown():
    model = networks.randomize(other_uses.OtherMethod())
    assert plait.torch.convert(model).folded == {}
    conversion = plait.torch.convert(model, fold=["bn"])
    assert conversion.folded == {"bn": "conv"}
    assert conversion.left == {}


def test_a_batch_norm_without_finite_values_is_left():
    model = pair()
    model[1].running_mean[2] = float("nan")
    conversion = plait.torch.convert(model)
    assert conversion.folded == {}
    assert "mean[2] is nan but must be finite" in conversion.left["1"]


class Branching(other_uses.Net):
    def forward(self, x):
        return self.bn(self.conv(x)) if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("make", "names", "text"),
    [
        (pair, ["0"], "fold names '0', which is no BatchNorm2d of the model"),
        (pair, ["norm"], "fold names 'norm', which is no BatchNorm2d of the model"),
        (Branching, ["bn"], "fold names 'bn', which cannot be folded: forward cannot be traced"),
        (other_uses.SecondValue, ["bn"], "the output of conv is used elsewhere too"),
        (lambda: pair().train(), ["1"], "training mode"),
    ],
)
@pytest.mark.parametrize("inplace", [False, True])
def test_a_name_that_cannot_be_folded_is_refused(make, names, text, inplace):
    model = make()
    if not isinstance(model, nn.Sequential):
        networks.randomize(model)
    before = str(model)
    with pytest.raises(ValueError, match=text):
        plait.torch.convert(model, fold=names, inplace=inplace)
    assert str(model) == before


def test_a_word_is_no_list_of_names():
    with pytest.raises(TypeError, match="fold must be True, False or a list of names but is '1'"):
        plait.torch.convert(pair(), fold="1")


# --- examples -------------------------------------------------------------------------------------


class Answers(nn.Module):
    """Answers in every kind of container."""

    def __init__(self):
        super().__init__()
        self.inner = other_uses.OtherMethod()

    def forward(self, x, scale=1.0, *, flag=False):
        y = self.inner(x * scale)
        more = self.inner.extract(x) if flag else y
        return {"y": y, "all": [more, (y.argmax(), "text", None)]}


@pytest.mark.parametrize("example", ["tensor", "tuple", "dict"])
@pytest.mark.parametrize("inplace", [False, True])
def test_an_example_that_agrees_is_accepted(example, inplace):
    x = images()
    given = {"tensor": x, "tuple": (x, 2.0), "dict": {"x": x, "scale": 2.0}}[example]
    model = networks.randomize(Answers())
    original = copy.deepcopy(model)
    conversion = plait.torch.convert(model, fold=["inner.bn"], example=given, inplace=inplace)
    assert conversion.folded == {"inner.bn": "inner.conv"}
    assert (conversion.model is model) is inplace
    with torch.no_grad():
        y, right = conversion.model(x)["y"], original(x)["y"]
    torch.testing.assert_close(y, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("inplace", [False, True])
def test_an_example_that_differs_is_refused_and_the_model_stays(inplace):
    model = networks.randomize(Answers())
    before = copy.deepcopy(model)
    text = r"output\['all'\]\[0\] of the converted model differs by \d.* of its rms"
    with pytest.raises(ValueError, match=text):
        plait.torch.convert(
            model, fold=["inner.bn"], example={"x": images(), "flag": True}, inplace=inplace
        )
    assert type(model.inner.conv) is nn.Conv2d
    assert all(p.requires_grad for p in model.parameters())
    x = images()
    with torch.no_grad():
        assert torch.equal(model(x)["y"], before(x)["y"])


def test_an_example_is_compared_without_float64_too():
    class Single(other_uses.OtherMethod):
        def forward(self, x):
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return self.bn(self.conv(x))

    model = networks.randomize(Single())
    plait.torch.convert(model, example=images())
    model = networks.randomize(Answers())
    model.inner.bn.running_var.fill_(1e-30)  # so that rounding alone is visible
    plait.torch.convert(model, fold=["inner.bn"], example=images())


def test_an_example_is_not_written_to():
    class Writing(other_uses.Net):
        def forward(self, x):
            return self.bn(self.conv(x.mul_(2)))

    x = images()
    before = x.clone()
    plait.torch.convert(networks.randomize(Writing()), example=x)
    assert torch.equal(x, before)


# --- compiled models, and functions ---------------------------------------------------------------


def compiled_models():
    model = pair()
    x = images()
    exported = torch.export.export(model, (x,))
    return {
        "scripted": (lambda: torch.jit.script(model), "scripted or traced by torch.jit"),
        "traced": (lambda: torch.jit.trace(model, x), "scripted or traced by torch.jit"),
        "exported": (lambda: exported, "model is exported"),
        "module of exported": (exported.module, "model is exported"),
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["scripted", "traced", "exported", "module of exported"])
def test_a_compiled_model_is_refused_with_the_reason(name):
    make, text = compiled_models()[name]
    with pytest.raises(TypeError, match=f"{text}.*convert the model first"):
        plait.torch.convert(make())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_part_is_left_and_named():
    x = images()
    model = nn.Sequential(
        torch.jit.script(pair()),
        torch.export.export(nn.Conv2d(4, 3, 1).eval(), (torch.randn(2, 4, 10, 10),)).module(),
        nn.Conv2d(3, 3, 1).eval(),
    )
    conversion = plait.torch.convert(model, inplace=True)
    assert conversion.left == {
        "0": "scripted or traced by torch.jit: convert the model before",
        "1": "exported: convert the model before",
    }
    assert conversion.converted == ["2"]
    conversion.model(x)


def test_a_symbolically_traced_model_is_converted():
    model = networks.resnet18()
    conversion = plait.torch.convert(torch.fx.symbolic_trace(model))
    assert len(conversion.folded) == len(conversion.converted) == 20
    assert conversion.left == {}
    x = images(size=64)
    with torch.no_grad():
        torch.testing.assert_close(conversion.model(x), model(x), rtol=1e-4, atol=1e-4)


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))

    def forward(self, x):
        return nn.functional.conv2d(x, self.weight)


def test_functional_convolutions_are_named():
    reason = "calls conv2d itself: only layers are converted"
    model = nn.Sequential(Functional(), nn.ReLU()).eval()
    conversion = plait.torch.convert(model)
    assert conversion.left == {"0": reason}
    assert str(conversion).startswith("0 convolutions converted")
    assert f"0: {reason}" in str(conversion)
    traced = torch.fx.symbolic_trace(model)
    assert plait.torch.convert(traced).left == {"": reason}
