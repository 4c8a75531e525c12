"""Models that choose layers from containers by indices that differ in other calls.

Each is right in the call that is traced, and would be wrong in another if its batch norm were
folded. A call is a function of the model and an input.
"""

from __future__ import annotations

from torch import nn


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


class Domains(nn.Module):
    """A batch norm per domain, chosen by an index."""

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
    Taps: having(taps=(0, 3)),
    UntraceableTaps: plain,
    PartOfSequential: having(depth=1),
    UpTo: having(depth=1),
    SlicedElsewhere: extract,
    Domains: having(domain=1),
    DomainsByName: having(domain=1),
    DomainsByAlias: having(domain=1),
}
