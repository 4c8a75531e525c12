"""Models whose convolutions are used otherwise in some calls.

Each is right in the call that is traced, and would be wrong in another if its batch
norm were folded.
"""

from __future__ import annotations

import torch
import torch_networks as networks
from torch import nn


class Net(nn.Module):
    """A convolution and a batch norm, for the forwards below."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.bn = nn.BatchNorm2d(3)
        self.flag = False


class SecondValue(Net):
    def forward(self, x):
        y = self.conv(x)
        return self.bn(y), y


class Argument(Net):
    def forward(self, x, features=False):
        y = self.conv(x)
        z = self.bn(y)
        if features:
            return z, y
        return z


class Attribute(Net):
    def forward(self, x):
        y = self.conv(x)
        if not self.flag:
            y = self.bn(y)
        return y


class BehindWrapper(Net):
    def forward(self, x):
        return self.normalize(self.conv(x))

    def normalize(self, y):
        if self.flag:
            return y
        return self.bn(y)


class Conditional(Net):
    def forward(self, x):
        y = self.conv(x)
        return y if self.flag else self.bn(y)


class ConditionalCall(Net):
    def forward(self, x):
        return self.conv(x) if self.flag else self.bn(self.conv(x))


class Logic(Net):
    def forward(self, x):
        y = self.conv(x)
        z = self.bn(y)
        return z, (self.flag and y)


class Walrus(Net):
    def forward(self, x):
        return self.bn(y := self.conv(x)) + (y if self.flag else 0)


class Mask(Net):
    def forward(self, x, mask=None):
        y = self.conv(x)
        if mask is not None:
            y = y * mask
        return self.bn(y)


class OtherMethod(Net):
    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x):
        return self.conv(x)


class OtherMethodOfNorm(Net):
    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x):
        return self.bn(x)


class SharedMethod(Net):
    def forward(self, x):
        return self.bn(self.stem(x))

    def stem(self, x):
        return self.conv(x)

    def extract(self, x):
        return self.stem(x)


class Inherited(OtherMethod):
    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class ByName(Net):
    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x, name="conv"):
        return getattr(self, name)(x)


class ByChildren(Net):
    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x):
        return next(iter(self.children()))(x)


def first_of(model, x):
    return model.conv(x)


class ByFunction(Net):
    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x):
        return first_of(self, x)


class OtherSource(Net):
    """Which convolution feeds the batch norm is decided before either is called."""

    def __init__(self):
        super().__init__()
        self.other = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        if self.flag:  # noqa: SIM108
            y = self.other(x)
        else:
            y = self.conv(x)
        return self.bn(y)


class Kept(Net):
    def forward(self, x):
        self.seen = self.conv(x)
        return self.bn(self.seen)

    def extract(self, x):
        self(x)
        return self.seen


class InList(Net):
    def forward(self, x):
        outputs = [x]
        outputs.append(self.conv(outputs[-1]))
        outputs.append(self.bn(outputs[-1]))
        return outputs[-2 if self.flag else -1]


class Index(Net):
    index = 1

    def forward(self, x):
        y = self.conv(x)
        return [y, self.bn(y)][self.index]


class Closure(Net):
    def forward(self, x):
        y = self.conv(x)

        def finish():
            return y if self.flag else self.bn(y)

        return finish()


class Layers(nn.Module):
    """A Sequential, for the forwards below."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)
        )


class Taps(Layers):
    taps = ()

    def forward(self, x):
        found = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.taps:
                found.append(x)
        return [x, *found]


class UntraceableTaps(Layers):
    def forward(self, x):
        first = self.layers[0](x)
        if first.sum() > 1e9:
            return [x]
        return [self.layers(x), first]


class PartOfSequential(Layers):
    depth = 5

    def forward(self, x):
        for layer in self.layers[: self.depth]:
            x = layer(x)
        return x


class UpTo(Layers):
    depth = 5

    def forward(self, x):
        for i in range(self.depth):
            x = self.layers[i](x)
        return x


class SlicedElsewhere(Layers):
    def forward(self, x):
        return self.layers(x)

    def extract(self, x):
        return self.layers[:1](x)


class ChildOfChild(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = networks.ConvNormRelu(3, 3, 3)

    def forward(self, x):
        return self.block(x)

    def extract(self, x):
        return self.block.conv(x)


class Domains(nn.Module):
    """A batch norm per domain, picked by an index."""

    domain = 0

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.norms = nn.ModuleList([nn.BatchNorm2d(3) for _ in range(2)])

    def forward(self, x):
        return self.norms[self.domain](self.conv(x))


class DomainsByName(Domains):
    def forward(self, x):
        return getattr(self.norms, str(self.domain))(self.conv(x))


class DomainsByAlias(Domains):
    def forward(self, x):
        norm = self.norms[0]
        if self.domain:
            norm = self.norms[1]
        return norm(self.conv(x))


class Repeated(nn.Module):
    """A convolution in a block of its own, which other code calls too."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 3, 3))
        self.bn = nn.BatchNorm2d(3)
        self.flag = False

    def forward(self, x):
        if self.flag:
            return self.stem(x)
        return self.bn(self.stem(x))


def plain(model, x):
    return model(x)


def extract(model, x):
    return model.extract(x)


def having(**attributes):
    def call(model, x):
        for name, value in attributes.items():
            setattr(model, name, value)
        try:
            return model(x)
        finally:
            for name in attributes:
                setattr(model, name, getattr(type(model), name, False))

    return call


flagged = having(flag=True)

OTHER_CALLS = {
    SecondValue: plain,
    Argument: lambda model, x: model(x, features=True),
    Attribute: flagged,
    BehindWrapper: flagged,
    Conditional: flagged,
    ConditionalCall: flagged,
    Logic: flagged,
    Walrus: flagged,
    Mask: lambda model, x: model(x, mask=x),
    OtherMethod: extract,
    OtherMethodOfNorm: extract,
    SharedMethod: extract,
    Inherited: extract,
    ByName: extract,
    ByChildren: extract,
    ByFunction: extract,
    OtherSource: flagged,
    Kept: extract,
    InList: flagged,
    Index: having(index=0),
    Closure: flagged,
    Taps: having(taps=(0, 3)),
    UntraceableTaps: plain,
    PartOfSequential: having(depth=1),
    UpTo: having(depth=1),
    SlicedElsewhere: extract,
    ChildOfChild: extract,
    Domains: having(domain=1),
    DomainsByName: having(domain=1),
    DomainsByAlias: having(domain=1),
    Repeated: flagged,
}
