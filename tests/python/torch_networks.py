"""Networks of torch.nn with the blocks of well-known ones, small, with random numbers in them."""

from __future__ import annotations

import torch
from torch import nn


def randomize(model: nn.Module, seed: int = 7) -> nn.Module:
    """Give batch norms statistics and factors that matter, and put the model into eval mode."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        tensor.uniform_(low, high, generator=generator)

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, generator=generator)
                if module.bias is not None:
                    uniform(module.bias, -0.5, 0.5)
            if isinstance(module, nn.BatchNorm2d):
                uniform(module.running_mean, -0.5, 0.5)
                uniform(module.running_var, 0.3, 2.0)
                uniform(module.weight, 0.5, 1.5)
                uniform(module.bias, -0.5, 0.5)
    return model.eval()


class BasicBlock(nn.Module):
    """ResNet-18's: He et al., "Deep Residual Learning for Image Recognition", 2016."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + shortcut)


def resnet18() -> nn.Module:
    blocks = []
    c_in = 16
    for c_out, stride in ((16, 1), (32, 2), (64, 2), (128, 2)):
        blocks += [BasicBlock(c_in, c_out, stride), BasicBlock(c_out, c_out, 1)]
        c_in = c_out
    stem = [nn.Conv2d(3, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)]
    return randomize(nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), *blocks, *head))


class ConvNormRelu(nn.Module):
    def __init__(self, c_in: int, c_out: int, k: int, **options) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, k, bias=False, **options)
        self.bn = nn.BatchNorm2d(c_out, eps=0.001)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """GoogLeNet's: Szegedy et al., "Going Deeper with Convolutions", 2015; with batch norms."""

    def __init__(self, c_in: int, c1: int, c2: tuple, c3: tuple, c4: int) -> None:
        super().__init__()
        self.b1 = ConvNormRelu(c_in, c1, 1)
        self.b2 = nn.Sequential(
            ConvNormRelu(c_in, c2[0], 1), ConvNormRelu(c2[0], c2[1], 3, padding=1)
        )
        self.b3 = nn.Sequential(
            ConvNormRelu(c_in, c3[0], 1), ConvNormRelu(c3[0], c3[1], 5, padding=2)
        )
        self.b4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), ConvNormRelu(c_in, c4, 1))

    def forward(self, x):
        return torch.cat([branch(x) for branch in (self.b1, self.b2, self.b3, self.b4)], 1)


def googlenet() -> nn.Module:
    return randomize(
        nn.Sequential(
            ConvNormRelu(3, 16, 7, stride=2, padding=3),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            ConvNormRelu(16, 48, 3, padding=1),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(48, 16, (24, 32), (4, 8), 8),
            Inception(64, 32, (32, 48), (8, 24), 16),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(120, 10),
        )
    )


class InvertedResidual(nn.Module):
    """MobileNet v2's: Sandler et al., "Inverted Residuals and Linear Bottlenecks", 2018."""

    def __init__(self, c_in: int, c_out: int, stride: int, expand: int) -> None:
        super().__init__()
        c = c_in * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [nn.Conv2d(c_in, c, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU6(True)]
        layers += [
            nn.Conv2d(c, c, 3, stride, 1, groups=c, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU6(True),
            nn.Conv2d(c, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        ]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


def mobilenet_v2() -> nn.Module:
    stem = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(True)]
    blocks = [
        InvertedResidual(16, 8, 1, 1),
        InvertedResidual(8, 12, 2, 6),
        InvertedResidual(12, 12, 1, 6),
        InvertedResidual(12, 16, 2, 6),
        InvertedResidual(16, 16, 1, 6),
    ]
    head = [nn.Conv2d(16, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU6(True)]
    return randomize(
        nn.Sequential(
            *stem, *blocks, *head, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
        )
    )
