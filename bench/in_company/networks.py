"""Networks as people write them in torch, with random weights and batch norms that matter.

The layers are those of the papers: ResNet-18 and ResNet-50 (He et al., 2016), MobileNetV2 (Sandler
et al., 2018), VGG-16 (Simonyan and Zisserman, 2015), U-Net (Ronneberger et al., 2015).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Basic(nn.Module):
    def __init__(self, c_in: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.downsample = _shortcut(c_in, c, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    def __init__(self, c_in: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv3 = nn.Conv2d(c, 4 * c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * c)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(c_in, 4 * c, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


def _shortcut(c_in: int, c: int, stride: int) -> nn.Module | None:
    if stride == 1 and c_in == c:
        return None
    return nn.Sequential(nn.Conv2d(c_in, c, 1, stride, bias=False), nn.BatchNorm2d(c))


class ResNet(nn.Module):
    def __init__(self, block: type[nn.Module], depths: tuple[int, ...], expansion: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        c_in = 64
        for number, depth in enumerate(depths):
            c = 64 << number
            blocks = []
            for one in range(depth):
                blocks.append(block(c_in, c, 2 if one == 0 and number > 0 else 1))
                c_in = expansion * c
            setattr(self, f"layer{number + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(c_in, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class InvertedResidual(nn.Module):
    def __init__(self, c_in: int, c: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = c_in * expansion
        self.use_shortcut = stride == 1 and c_in == c
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += _conv_norm_relu6(c_in, hidden, 1)
        layers += _conv_norm_relu6(hidden, hidden, 3, stride, hidden)
        layers += [nn.Conv2d(hidden, c, 1, bias=False), nn.BatchNorm2d(c)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.use_shortcut:
            return x + self.conv(x)
        return self.conv(x)


def _conv_norm_relu6(
    c_in: int, c: int, k: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    convolution = nn.Conv2d(c_in, c, k, stride, k // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(c), nn.ReLU6(inplace=True)]


class MobileNetV2(nn.Module):
    # expansion, channels, blocks, stride of the first
    GROUPS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
              (6, 160, 3, 2), (6, 320, 1, 1))  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        layers = _conv_norm_relu6(3, 32, 3, 2)
        c_in = 32
        for expansion, c, blocks, stride in self.GROUPS:
            for one in range(blocks):
                layers.append(InvertedResidual(c_in, c, stride if one == 0 else 1, expansion))
                c_in = c
        self.features = nn.Sequential(*layers, *_conv_norm_relu6(c_in, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(x.flatten(1))


class Vgg16(nn.Module):
    CHANNELS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        c_in = 3
        for stage in self.CHANNELS:
            for c in stage:
                layers += [nn.Conv2d(c_in, c, 3, padding=1), nn.ReLU(inplace=True)]
                c_in = c
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 49, 4096), nn.ReLU(True), nn.Linear(4096, 4096), nn.ReLU(True),
            nn.Linear(4096, 1000),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


class DoubleConv(nn.Sequential):
    def __init__(self, c_in: int, c: int) -> None:
        layers: list[nn.Module] = []
        for first in (c_in, c):
            layers += [nn.Conv2d(first, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)]
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class UNet(nn.Module):
    def __init__(self, base: int = 32, depth: int = 4) -> None:
        super().__init__()
        sizes = [base << level for level in range(depth + 1)]
        self.down = nn.ModuleList(
            DoubleConv(c_in, c) for c_in, c in zip([3, *sizes], sizes, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2 * c, c, 3, padding=1))
            for c in reversed(sizes[:-1])
        )
        self.merge = nn.ModuleList(DoubleConv(2 * c, c) for c in reversed(sizes[:-1]))
        self.head = nn.Conv2d(base, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for level, block in enumerate(self.down):
            x = block(self.pool(x) if level else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips[:-1]), strict=True):
            x = merge(torch.cat([skip, up(x)], 1))
        return self.head(x)


NETWORKS = {
    "resnet18": lambda: ResNet(Basic, (2, 2, 2, 2), 1),
    "resnet50": lambda: ResNet(Bottleneck, (3, 4, 6, 3), 4),
    "mobilenet_v2": MobileNetV2,
    "vgg16": Vgg16,
    "unet": UNet,
}
PIXELS = {"unet": 192}  # a side of the input, 224 if not said


def make(name: str) -> nn.Module:
    """Make a network in eval mode, with the same random numbers in every process."""
    torch.manual_seed(0)
    model = NETWORKS[name]().eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.2)
                module.bias.uniform_(-0.2, 0.2)
            elif isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
    return model


def picture(name: str, batch: int) -> torch.Tensor:
    """Make an input of the network."""
    side = PIXELS.get(name, 224)
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(1))
