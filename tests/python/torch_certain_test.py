"""Batch norms are folded only where no call of the model can tell."""

from __future__ import annotations

import copy
import sys

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
import torch_networks as networks  # noqa: E402
import torch_other_layers as other_layers  # noqa: E402
import torch_other_uses as other_uses  # noqa: E402
from torch import nn  # noqa: E402
from torch_other_layers import extract, plain  # noqa: E402

OTHER_CALLS = {**other_uses.OTHER_CALLS, **other_layers.OTHER_CALLS}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


def norms(model):
    return [name for name, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]


def tensors(answer):
    if isinstance(answer, (list, tuple)):
        return [t for one in answer for t in tensors(one)]
    return [answer] if isinstance(answer, torch.Tensor) else []


def assert_answers_the_same(call, converted, model):
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        exact = tensors(call(copy.deepcopy(model).double(), x.double()))
        answers = tensors(call(converted, x))
    assert len(answers) == len(exact) > 0
    for y, right in zip(answers, exact, strict=True):
        assert (y.double() - right).norm() <= 1e-6 * right.norm()


@pytest.mark.parametrize("kind", OTHER_CALLS, ids=lambda kind: kind.__name__)
def test_a_model_with_another_use_of_the_output_is_left_alone(kind):
    model = networks.randomize(kind())
    conversion = plait.torch.convert(model)
    assert norms(model)[0] not in conversion.folded
    assert norms(model)[0] in conversion.left
    assert len(conversion.converted) >= 1
    for call in (plain, OTHER_CALLS[kind]):
        assert_answers_the_same(call, conversion.model, model)


@pytest.mark.parametrize("kind", OTHER_CALLS, ids=lambda kind: kind.__name__)
def test_a_fold_would_be_wrong_there(kind):
    """The models above matter: if their norms were folded, each would give another result."""
    model = networks.randomize(kind())
    layers = dict(model.named_modules())
    convolution = next(n for n, m in layers.items() if isinstance(m, nn.Conv2d))
    norm = norms(model)[0]
    folded = copy.deepcopy(model)
    weight, bias = plait.torch._fold.fold(layers[convolution], layers[norm])
    folded.get_submodule(convolution).weight = nn.Parameter(weight)
    folded.get_submodule(convolution).bias = nn.Parameter(bias)
    parent, _, name = norm.rpartition(".")
    setattr(folded.get_submodule(parent), name, nn.Identity())
    with pytest.raises(AssertionError):
        assert_answers_the_same(OTHER_CALLS[kind], folded, model)


# --- what stays certain ---------------------------------------------------------------------------


class Plain(other_uses.Net):
    def forward(self, x):
        return self.bn(self.conv(x))


class OptionalNorm(other_uses.Net):
    def forward(self, x):
        y = self.conv(x)
        if self.bn is not None:
            y = self.bn(y)
        return y


class FlagAfterwards(other_uses.Net):
    def forward(self, x, scale=1.0):
        y = self.conv(x)
        y = self.bn(y)
        if scale > 1:
            y = y * scale
        return y if self.flag else torch.relu(y)


class FlagBehind(other_uses.Net):
    """The output's name is still there, but not read again."""

    def forward(self, x):
        y = self.conv(x)
        z = self.bn(y)
        return torch.relu(z) if self.flag else z


class Refusing(other_uses.Net):
    def forward(self, x):
        y = self.conv(x)
        if self.flag:
            raise ValueError("flagged")
        return self.bn(y)


class Training(other_uses.Net):
    def forward(self, x):
        y = self.conv(x)
        z = self.bn(y)
        if self.training:
            return z, y
        return z


class Pairs(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Conv2d(3, 3, 3) for _ in range(2)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(3) for _ in range(2)])

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolution(x)))
        return x


class WholeLoop(other_layers.Layers):
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class BlockTaps(nn.Module):
    """Whole blocks are called, but which ones is decided at run time."""

    depth = 3

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[networks.ConvNormRelu(3, 3, 3) for _ in range(3)])

    def forward(self, x):
        return self.features(x)[-1]

    def features(self, x):
        found = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i < self.depth:
                found.append(x)
        return found

    def first(self, x):
        return self.blocks[0](x)


class BothElsewhere(other_uses.Net):
    """Other methods call both, one right after the other."""

    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x):
        y = self.conv(x)
        y = self.bn(y)
        return y, self.bn(self.conv(x + 1))


class Initializing(other_uses.Net):
    def __init__(self):
        super().__init__()
        self._size = self._measure()
        self.init_weights()

    def _measure(self):
        return self.conv(torch.zeros(1, 3, 8, 8)).shape

    def init_weights(self):
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.ones_(module.weight)
        nn.init.zeros_(self.bn.bias)

    def forward(self, x):
        return self.bn(self.conv(x))


CERTAIN = [Plain, OptionalNorm, FlagAfterwards, FlagBehind, Refusing, Training, Pairs, WholeLoop,
           BlockTaps, Initializing]  # fmt: skip


@pytest.mark.parametrize("kind", CERTAIN, ids=lambda kind: kind.__name__)
def test_branches_that_cannot_tell_do_not_matter(kind):
    model = networks.randomize(kind())
    conversion = plait.torch.convert(model)
    assert conversion.left == {}
    assert len(conversion.folded) == len(conversion.converted)
    assert_answers_the_same(plain, conversion.model, model)
    if hasattr(model, "extract"):
        assert_answers_the_same(extract, conversion.model, model)


def test_a_debugger_goes_on_after_the_trace():
    def debugger(frame, event, arg):
        return None

    before = sys.gettrace()
    try:
        sys.settrace(debugger)
        plait.torch.convert(networks.randomize(Plain()))
        assert sys.gettrace() is debugger
    finally:
        sys.settrace(before)


def test_a_model_whose_source_is_not_at_hand_is_left_alone():
    scope = {"Net": other_uses.Net}
    code = "class Typed(Net):\n    def forward(self, x):\n        return self.bn(self.conv(x))\n"
    exec(code, scope)
    conversion = plait.torch.convert(networks.randomize(scope["Typed"]()))
    assert conversion.left == {"bn": "BatchNorm not folded: the code of forward cannot be read"}
