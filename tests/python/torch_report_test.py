"""What plait.torch.convert leaves alone, and the reasons that it gives."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
import torch_networks as networks  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402

NOT_FOLDED = "BatchNorm not folded: "


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


class OwnForward(nn.Conv2d):
    def forward(self, input):  # noqa: A002
        return super().forward(input) * 2


class OwnInner(nn.Conv2d):
    def _conv_forward(self, input, weight, bias):  # noqa: A002
        return super()._conv_forward(input, weight * 2, bias)


class OwnTensor(nn.Conv2d):
    def __init__(self, *args):
        super().__init__(*args)
        self.register_buffer("mask", torch.ones(1))


class OwnName(nn.Conv2d):
    """Adds nothing to torch's class, so it is treated like it."""


def patched(layer):
    layer.forward = lambda x: x
    return layer


def hooked(layer, kind="register_forward_hook"):
    getattr(layer, kind)(lambda *_: None)
    return layer


class Subclassed(torch.Tensor):
    pass


def with_tensor_subclass(layer):
    layer.weight = nn.Parameter(layer.weight.data.as_subclass(Subclassed), requires_grad=False)
    return layer


def conv(**options):
    return nn.Conv2d(3, 4, 3, **options).eval()


LEFT = {
    "training": (lambda: conv().train(), "training mode: call eval() first"),
    "meta": (lambda: conv(device="meta"), "on meta: plait computes on the CPU"),
    "float64": (lambda: conv().double(), "float64 has only the slow reference algorithm"),
    "bfloat16": (lambda: conv().bfloat16(), "bfloat16: plait computes float32"),
    "own forward": (lambda: OwnForward(3, 4, 3).eval(), "OwnForward has a forward of its own"),
    "own inner": (lambda: OwnInner(3, 4, 3).eval(), "OwnInner has a forward of its own"),
    "own tensor": (
        lambda: OwnTensor(3, 4, 3).eval(),
        "OwnTensor has tensors or modules of its own",
    ),
    "patched": (lambda: patched(conv()), "Conv2d has a forward of its own"),
    "hook": (lambda: hooked(conv()), "has forward hooks"),
    "pre-hook": (lambda: hooked(conv(), "register_forward_pre_hook"), "has forward hooks"),
    "parametrized": (
        lambda: parametrizations.weight_norm(conv()),
        "parametrized: call torch.nn.utils.parametrize.remove_parametrizations first",
    ),
    "transposed": (
        lambda: nn.ConvTranspose2d(3, 4, 3).eval(),
        "ConvTranspose2d: only Conv2d is converted",
    ),
    "1-D": (lambda: nn.Conv1d(3, 4, 3).eval(), "Conv1d: only Conv2d is converted"),
    "3-D": (lambda: nn.Conv3d(3, 4, 3).eval(), "Conv3d: only Conv2d is converted"),
    "lazy": (
        lambda: nn.LazyConv2d(4, 3).eval(),
        "lazy: call the model once, so that its sizes are known",
    ),
    "tensor subclass": (lambda: with_tensor_subclass(conv()), "its weight is a Subclassed"),
}


@pytest.mark.parametrize("name", LEFT)
def test_a_layer_that_plait_cannot_stand_in_for_is_left_alone(name):
    make, reason = LEFT[name]
    layer = make()
    model = nn.Sequential(layer, conv())
    conversion = plait.torch.convert(model, inplace=True)
    assert conversion.left == {"0": reason}
    assert model[0] is layer
    assert conversion.converted == ["1"]
    assert f"0: {reason}" in str(conversion)


def test_a_subclass_with_nothing_of_its_own_is_converted():
    model = nn.Sequential(OwnName(3, 4, 3)).eval()
    assert plait.torch.convert(model).converted == ["0"]


def assert_same(conversion, model, x=None):
    x = torch.randn(2, 3, 12, 12) if x is None else x
    with torch.no_grad():
        torch.testing.assert_close(conversion.model(x), model(x), rtol=1e-4, atol=1e-4)


class Net(nn.Module):
    """A convolution and a batch norm, for the forwards below."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.bn = nn.BatchNorm2d(3)


class ConvNorm(Net):
    def forward(self, x):
        return self.bn(self.conv(x))


class OutputUsed(Net):
    def forward(self, x):
        y = self.conv(x)
        return self.bn(y) + y


class NormTwice(Net):
    def forward(self, x):
        return self.bn(torch.relu(self.bn(self.conv(x))))


class ConvTwice(Net):
    def forward(self, x):
        return self.conv(torch.relu(self.bn(self.conv(x))))


class NormFirst(Net):
    def forward(self, x):
        return self.conv(torch.relu(self.bn(x)))


class ReluBetween(Net):
    def forward(self, x):
        return self.bn(torch.relu(self.conv(x)))


class WeightUsed(Net):
    def forward(self, x):
        return self.bn(self.conv(x)) + self.conv.weight.sum()


class StatisticsUsed(Net):
    def forward(self, x):
        return self.bn(self.conv(x)) + self.bn.running_mean.sum()


class Unused(Net):
    def forward(self, x):
        return self.conv(x)


class Branching(Net):
    def forward(self, x):
        return self.bn(self.conv(x)) if x.sum() > 0 else x


class TwoNames(Net):
    def __init__(self):
        super().__init__()
        self.other = self.conv

    def forward(self, x):
        return self.bn(self.conv(x))


class ListBeside(Net):
    def __init__(self):
        super().__init__()
        self.layers = [(self.conv,)]

    def forward(self, x):
        return self.bn(self.layers[0][0](x))


NOT_FOLDABLE = {
    OutputUsed: "the output of conv is used elsewhere too",
    NormTwice: "bn is called 2 times",
    ConvTwice: "conv is called 2 times",
    NormFirst: "its input is not the output of a convolution",
    ReluBetween: "its input is not the output of a convolution",
    WeightUsed: "conv has tensors that are used elsewhere too",
    StatisticsUsed: "bn has tensors that are used elsewhere too",
    Unused: "forward does not call it",
    Branching: "forward cannot be traced (symbolically traced variables cannot be used as inputs "
    "to control flow)",
    TwoNames: "conv is shared under 2 names",
    ListBeside: "conv before it is left alone",
}


@pytest.mark.parametrize("kind", NOT_FOLDABLE, ids=lambda kind: kind.__name__)
def test_a_batch_norm_is_folded_only_where_nothing_else_can_tell(kind):
    model = networks.randomize(kind())
    conversion = plait.torch.convert(model)
    assert conversion.folded == {}
    assert conversion.left["bn"] == NOT_FOLDED + NOT_FOLDABLE[kind]
    assert conversion.converted == ([] if kind is ListBeside else ["conv"])
    assert_same(conversion, model)


def test_a_layer_that_a_plain_attribute_holds_is_left_alone():
    conversion = plait.torch.convert(ListBeside().eval())
    assert conversion.left["conv"] == "ListBeside.layers refers to it beside the registered name"


def norms():
    no_statistics = nn.BatchNorm2d(3, track_running_stats=False)
    return {
        "training": (nn.BatchNorm2d(3).train(), "training mode: call eval() first"),
        "hook": (hooked(nn.BatchNorm2d(3).eval()), "has forward hooks"),
        "no statistics": (no_statistics.eval(), "it has no running statistics"),
        "patched": (patched(nn.BatchNorm2d(3).eval()), "BatchNorm2d has a forward of its own"),
    }


@pytest.mark.parametrize("name", norms())
def test_a_batch_norm_that_is_no_fixed_scale_is_left_alone(name):
    norm, reason = norms()[name]
    model = nn.Sequential(nn.Conv2d(3, 3, 3).eval(), norm)
    conversion = plait.torch.convert(model, inplace=True)
    assert conversion.left == {"1": NOT_FOLDED + reason}
    assert conversion.converted == ["0"]
    assert model[1] is norm


def test_a_batch_norm_after_a_layer_that_is_left_stays():
    model = networks.randomize(nn.Sequential(OwnForward(3, 4, 3), nn.BatchNorm2d(4)))
    conversion = plait.torch.convert(model)
    assert conversion.left["1"] == NOT_FOLDED + "0 before it is left alone"
    assert_same(conversion, model)


def test_blocks_are_folded_where_the_whole_cannot_be_traced():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([networks.BasicBlock(3, 3, 1) for _ in range(2)])
            self.last = nn.ModuleList([nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)])

        def forward(self, x):
            while x.abs().mean() < 2:
                for block in self.blocks:
                    x = block(x) + 1
            return self.last[1](self.last[0](x))

    model = networks.randomize(Loop())
    conversion = plait.torch.convert(model)
    assert conversion.folded == {
        f"blocks.{i}.bn{j}": f"blocks.{i}.conv{j}" for i in (0, 1) for j in (1, 2)
    }
    assert conversion.left == {"last.1": NOT_FOLDED + NOT_FOLDABLE[Branching]}
    assert "last.0" in conversion.converted
    assert_same(conversion, model)


def test_hooks_of_blocks_are_not_called_but_heeded():
    calls = []

    def hook(module, arguments, output):
        calls.append(output)
        return output + 1

    model = networks.randomize(nn.Sequential(ConvNorm(), nn.BatchNorm2d(3)))
    model[0].register_forward_hook(hook)
    conversion = plait.torch.convert(model)
    assert calls == []
    assert conversion.folded == {"0.bn": "0.conv"}
    assert conversion.left == {"1": NOT_FOLDED + "its input is not the output of a convolution"}
    assert_same(conversion, model)
    assert len(calls) == 2


def test_a_layer_that_is_also_called_past_its_block_is_not_folded():
    class Past(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = hooked(ConvNorm())

        def forward(self, x):
            return self.block(x) + self.block.conv(x)

    model = networks.randomize(Past())
    conversion = plait.torch.convert(model)
    assert conversion.left == {"block.bn": NOT_FOLDED + "block.conv is called 2 times"}
    assert_same(conversion, model)


@pytest.mark.parametrize("inplace", [False, True])
def test_tracing_leaves_nothing_in_the_model(inplace):
    class Remembering(Net):
        calls = 0

        def forward(self, x):
            self.calls += 1
            self.seen = self.conv(x)
            self.bn.num_batches_tracked.add_(1)
            return self.bn(self.seen)

    model = networks.randomize(Remembering())
    plait.torch.convert(model, inplace=inplace)
    assert "seen" not in vars(model)
    assert "calls" not in vars(model)
    assert isinstance(model.bn, nn.Identity) or model.bn.num_batches_tracked == 0


def test_a_model_that_cannot_be_copied_is_converted_in_place():
    class Locked(ConvNorm):
        def __deepcopy__(self, memo):
            raise RuntimeError("not twice")

    model = Locked().eval()
    with pytest.raises(RuntimeError, match="not twice"):
        plait.torch.convert(model)
    conversion = plait.torch.convert(model, inplace=True)
    assert conversion.converted == ["conv"]
    assert conversion.left == {"bn": NOT_FOLDED + "forward cannot be traced (not twice)"}


def test_a_shared_block_is_converted_but_not_folded():
    block = networks.BasicBlock(3, 3, 1)
    model = networks.randomize(nn.Sequential(block, nn.ReLU(), block))
    conversion = plait.torch.convert(model)
    assert conversion.converted == ["0.conv1", "0.conv2"]
    assert conversion.model[0] is conversion.model[2]
    assert conversion.left == {
        "0.bn1": NOT_FOLDED + "0.bn1 is called 2 times",
        "0.bn2": NOT_FOLDED + "0.bn2 is called 2 times",
    }
    assert_same(conversion, copy.deepcopy(model))
