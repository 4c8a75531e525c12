"""Modules whose convolutions could be joined to what follows them, rightly or not.

Each is made with 4 channels in and out, so that all take the same input.
"""

from __future__ import annotations

import operator

import torch
from torch import nn
from torch.nn import functional


def conv(k=3, **options):
    return nn.Conv2d(4, 4, k, padding=k // 2, **options)


class Block(nn.Module):
    """Holds two convolutions, a ReLU and a flag, for the forwards below."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.relu = conv(), conv(), nn.ReLU(inplace=True)
        self.scale, self.use = 2.0, True


class Residual(Block):
    def forward(self, x):
        y = self.relu(self.conv1(x))
        y = self.conv2(y)
        y += x
        return self.relu(y)


class ResidualFirst(Block):
    def forward(self, x):
        return functional.relu6(torch.add(x, self.conv2(torch.relu(self.conv1(x)))))


class Flagged(Block):
    def forward(self, x):
        y = self.conv1(x)
        if self.use:
            y = y + x
        return self.relu(y)


class Method(Block):
    def forward(self, x):
        return self.rest(self.conv1(x), x)

    def rest(self, y, x):
        return (y + x).relu_()


class ByANumber(Block):
    def forward(self, x):
        y = self.conv1(x)
        return torch.relu(y) if self.scale > 1 else y


class Tail(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(conv(), nn.ReLU6(), conv(), nn.Identity())

    def forward(self, x):
        return x + self.branch(x)


class Shortcut(Block):
    """The shortcut is computed between the convolution and the addition."""

    def __init__(self) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(conv(1))

    def forward(self, x):
        y = self.conv2(self.relu(self.conv1(x)))
        identity = self.shortcut(x)
        y += identity
        return self.relu(y)


class ChangingShortcut(Block):
    """The shortcut changes x, but conv1 has read it before; so the shortcut takes the addition."""

    def __init__(self) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(nn.ReLU(inplace=True), conv(1))

    def forward(self, x):
        y = self.conv1(x)
        return y + self.shortcut(x)


# What is joined: the names that `Conversion.fused` has.
JOINED = {
    Residual: {"conv1": ["ReLU"], "conv2": ["addition", "ReLU"]},
    ResidualFirst: {"conv1": ["ReLU"], "conv2": ["addition", "ReLU6"]},
    Flagged: {"conv1": ["addition", "ReLU"]},
    Method: {"conv1": ["addition", "ReLU"]},
    ByANumber: {"conv1": ["ReLU"]},
    Tail: {"branch.0": ["ReLU6"], "branch.2": ["addition"]},
    Shortcut: {"conv1": ["ReLU"], "conv2": ["addition", "ReLU"]},
    ChangingShortcut: {"shortcut.1": ["addition"]},
}


class UsedTwice(Block):
    def forward(self, x):
        y = self.conv1(x)
        return torch.relu(y) - y


class SumUsedTwice(Block):
    def forward(self, x):
        y = self.conv1(x) + x
        return torch.relu(y) * y


class IntoTheInput(Block):
    """Writes to x, which the caller sees."""

    def forward(self, x):
        x += self.conv1(x)
        return x * 1


class ChangedBetween(Block):
    """The shortcut is changed in its place after the convolution has been called."""

    def forward(self, x):
        identity = x * 1
        y = self.conv1(x)
        torch.relu_(identity)
        return y + identity


class ChangedByABranch(Block):
    """A branch changes x, the shortcut, after the convolution has been called."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.ReLU(inplace=True), conv(1))

    def forward(self, x):
        y = self.conv1(x)
        other = self.branch(x)
        return torch.cat((y + x, other), 1)


class Number(Block):
    def forward(self, x):
        return self.conv1(x) + 1


class Itself(Block):
    def forward(self, x):
        y = self.conv1(x)
        return y + y


class Scaled(Block):
    def forward(self, x):
        return torch.add(self.conv1(x), x, alpha=self.scale)


class Twice(Block):
    """Only the first of two activations is a ReLU."""

    def forward(self, x):
        return torch.sigmoid(torch.relu(self.conv1(x)))


class ByArgument(Block):
    def forward(self, x, plain=False):
        y = self.conv1(x)
        return y if plain else torch.relu(y)


class ByNumbers(Block):
    def forward(self, x):
        y = self.conv1(x)
        return torch.relu(y) if y.sum() > 0 else y


class ByLoop(Block):
    def forward(self, x):
        for layer in (self.conv1, self.conv2):
            x = torch.relu(layer(x))
        return x


FACTOR = [1]


class ByGlobal(Block):
    def forward(self, x):
        return torch.relu(self.conv1(x)) * FACTOR[0]


class Counts(Block):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return torch.relu(self.conv1(x))


class ByOperator(Block):
    def forward(self, x):
        return operator.add(self.conv1(x), x)


class ByAChildsFlag(Block):
    def forward(self, x):
        return torch.relu(self.conv1(x)) if self.relu.inplace else self.conv1(x)


class ByTheState(Block):
    def forward(self, x):
        return torch.relu(self.conv1(x)) * torch.is_grad_enabled()


class ByADirectCall(Block):
    def forward(self, x):
        return torch.relu(self.conv1.forward(x))


# What nothing, or less than one could think, is joined in: the code shows that it would be wrong.
APART = {
    UsedTwice: {},
    SumUsedTwice: {"conv1": ["addition"]},
    IntoTheInput: {},
    ChangedBetween: {},
    ChangedByABranch: {},
    Number: {},
    Itself: {},
    Scaled: {},
    Twice: {"conv1": ["ReLU"]},
}

# Whose code could do something else in another call.
NOT_PLAIN = (ByArgument, ByNumbers, ByLoop, ByGlobal, Counts, ByOperator, ByAChildsFlag,
             ByTheState, ByADirectCall)  # fmt: skip
