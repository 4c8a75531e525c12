"""The layers that are measured: from files of problem lines or single lines, and their operands."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import plait
from drivers.driver import Problem


class UsageError(Exception):
    """The command line, or a file that it names, is wrong; the text says how."""


@dataclasses.dataclass(frozen=True)
class Layer:
    name: str  # "resnet50/res2_3x3", or the line where it has no name
    layer_class: str  # as plait sorts it
    multiplications: int
    problem: Problem

    @property
    def line(self) -> str:
        return self.problem.line


def _split_name(text: str) -> tuple[str, str]:
    head, colon, tail = text.partition(":")
    return (head.strip(), tail.strip()) if colon and "," not in head else ("", text.strip())


def parse_layer(text: str, source: str = "") -> Layer:
    name, line = _split_name(text)
    try:
        given = plait.Problem(line)
    except ValueError as error:
        raise UsageError(f"{source + ': ' if source else ''}{error}") from None
    if given != plait.Problem.from_shapes(
        given.x_shape,
        given.weight_shape,
        stride=given.stride,
        padding=given.padding,
        dilation=given.dilation,
        groups=given.groups,
    ):
        raise UsageError(f"{line}: only plain forward convolutions in f32 and NCHW are compared")
    (n, c_i, h, w), (c_o, _, k_h, k_w) = given.x_shape, given.weight_shape
    (top, bottom), (left, right) = given.padding
    problem = Problem(
        line=str(given),
        n=n,
        c_i=c_i,
        h=h,
        w=w,
        c_o=c_o,
        k_h=k_h,
        k_w=k_w,
        stride=given.stride,
        padding=(top, bottom, left, right),
        dilation=given.dilation,
        groups=given.groups,
    )
    stem = Path(source).stem
    full_name = "/".join(filter(None, (stem, name))) if name else str(given)
    return Layer(full_name, given.layer_class, given.multiplications, problem)


def read_layers(arguments: Sequence[str]) -> list[Layer]:
    """Each argument is a file of problem lines or, where it has a comma, such a line."""
    layers = []
    for argument in arguments:
        if "," in argument and not Path(argument).exists():
            layers.append(parse_layer(argument))
            continue
        try:
            text = Path(argument).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{argument}: {error.strerror}") from None
        lines = [line.partition("#")[0].strip() for line in text.splitlines()]
        layers += [parse_layer(line, argument) for line in lines if line]
    if not layers:
        raise UsageError("no problems given")
    # Equal layers are measured once, under the first name.
    once: dict[str, Layer] = {}
    for layer in layers:
        once.setdefault(layer.line, layer)
    return list(once.values())


def make_operands(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """x like the output of a ReLU, max(0, N(0, 1)), and He's weights, N(0, 2 / depth): the same for
    every run of a layer."""
    rng = np.random.default_rng(zlib.crc32(problem.line.encode()))
    x = np.maximum(rng.standard_normal(problem.x_shape, np.float32), 0)
    k = rng.standard_normal(problem.k_shape, np.float32)
    depth = k[0].size
    k *= np.float32(np.sqrt(2 / depth))
    return x, k
