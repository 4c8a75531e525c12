"""Layers that code can reach past their names are left alone."""

from __future__ import annotations

import copy
import functools

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
import torch_networks as networks  # noqa: E402
import torch_other_uses as other_uses  # noqa: E402
from torch import nn  # noqa: E402

NOT_FOLDED = "BatchNorm not folded: "


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


class PartialBeside(other_uses.Net):
    def __init__(self):
        super().__init__()
        self.run = functools.partial(self.conv)

    def forward(self, x):
        return self.bn(self.run(x))


class ClosureBeside(other_uses.Net):
    def __init__(self):
        super().__init__()
        conv = self.conv
        self.run = lambda x: conv(x)

    def forward(self, x):
        return self.bn(self.run(x))


class MethodBeside(other_uses.Net):
    def __init__(self):
        super().__init__()
        self.run = self.conv.forward

    def forward(self, x):
        return self.bn(self.run(x))


@pytest.mark.parametrize("kind", [PartialBeside, ClosureBeside, MethodBeside])
def test_a_layer_that_a_function_holds_is_left_alone(kind):
    model = networks.randomize(kind())
    original = copy.deepcopy(model)
    conversion = plait.torch.convert(model, inplace=True)
    assert conversion.left["conv"] == f"{kind.__name__}.run refers to it beside the registered name"
    assert conversion.folded == {}
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        torch.testing.assert_close(conversion.model(x), original(x), rtol=1e-4, atol=1e-4)


def test_a_layer_in_a_block_that_a_plain_attribute_holds_is_not_folded():
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = networks.ConvNormRelu(3, 3, 3)
            self.blocks = [self.block]

        def forward(self, x):
            return self.block(x)

        def extract(self, x):
            return self.blocks[0].conv(x)

    conversion = plait.torch.convert(networks.randomize(Beside()))
    assert conversion.folded == {}
    assert conversion.left["block.bn"] == (
        NOT_FOLDED + "block: Beside.blocks refers to it beside the registered name"
    )


def test_nothing_is_folded_while_all_modules_have_hooks():
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        conversion = plait.torch.convert(networks.randomize(networks.ConvNormRelu(3, 3, 3)))
    finally:
        handle.remove()
    assert conversion.left == {"bn": NOT_FOLDED + "forward hooks of all modules are registered"}
