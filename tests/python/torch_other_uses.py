"""Models whose convolutions are used otherwise in some calls.

Each is right in the call that is traced, and would be wrong in another if its batch
norm were folded.
"""

from __future__ import annotations

import torch
import torch_networks as networks
from torch import nn
from torch_other_layers import extract, flagged, having, plain


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


class NotQuiteTogether(Net):
    """One method between whose lines the output goes elsewhere, one that feeds another input."""

    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x):
        y = self.conv(x)
        z = self.bn(y)
        return z, y


class FedElsewhere(Net):
    def forward(self, x):
        return self.bn(self.conv(x))

    def extract(self, x):
        y = self.conv(x)
        y = self.bn(x)
        return y


class Inherited(OtherMethod):
    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class AllSteps(Net):
    """A method that returns every step, of which forward takes the last."""

    def forward(self, x):
        return self.extract(x)[-1]

    def extract(self, x):
        y = self.conv(x)
        return [y, self.bn(y)]


class OwnCall(Net):
    def forward(self, x):
        return self.bn(self.conv(x))

    def __call__(self, x, raw=False):
        return self.conv(x) if raw else super().__call__(x)


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


class Get(Net):
    key = "z"

    def forward(self, x):
        y = self.conv(x)
        return {"y": y, "z": self.bn(y)}.get(self.key)


class Fallback(Net):
    def forward(self, x):
        y = self.conv(x)
        try:
            return self.bn(self.check(y))
        except ValueError:
            return y

    def check(self, y):
        if self.flag:
            raise ValueError("flagged")
        return y


class ByAttributeName(Net):
    name = "bn"

    def __init__(self):
        super().__init__()
        self.other = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.__getattr__(self.name)(self.conv(x))


class Closure(Net):
    def forward(self, x):
        y = self.conv(x)

        def finish():
            return y if self.flag else self.bn(y)

        return finish()


class AsksKind(Net):
    """A batch norm that has become something else is not one."""

    def forward(self, x):
        y = self.bn(self.conv(x))
        return y * 2 if isinstance(self.bn, nn.BatchNorm2d) else y


class Hooked(nn.Module):
    """A hook changes what goes from the convolution to the batch norm."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 3, 3))
        self.stem.register_forward_hook(lambda module, x, y: torch.relu(y))
        self.bn = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.bn(self.stem(x))


class Redirected(nn.Module):
    """Attributes that are not there are the inner module's."""

    def __init__(self):
        super().__init__()
        self.inner = networks.ConvNormRelu(3, 3, 3)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inner"), name)

    def forward(self, x):
        return self.inner(x)

    def extract(self, x):
        return self.conv(x)


class ChildOfChild(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = networks.ConvNormRelu(3, 3, 3)

    def forward(self, x):
        return self.block(x)

    def extract(self, x):
        return self.block.conv(x)


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
    NotQuiteTogether: extract,
    FedElsewhere: extract,
    AllSteps: extract,
    OwnCall: lambda model, x: model(x, raw=True),
    ByName: extract,
    ByChildren: extract,
    ByFunction: extract,
    OtherSource: flagged,
    Kept: extract,
    InList: flagged,
    Index: having(index=0),
    Get: having(key="y"),
    Fallback: flagged,
    ByAttributeName: having(name="other"),
    Closure: flagged,
    AsksKind: plain,
    Hooked: plain,
    Redirected: extract,
    ChildOfChild: extract,
    Repeated: flagged,
}
