"""PyTorch: torch.conv2d as users call it, on NCHW tensors and on channels_last ones."""

from __future__ import annotations

import numpy as np
import torch
from driver import Prepared, Problem, column

PEER = "torch"
VERSION = torch.__version__
COLUMNS = [column("torch"), column("torch_channels_last", "own")]


def prepare(name: str, p: Problem, x: np.ndarray, k: np.ndarray, threads: int) -> Prepared:
    torch.set_num_threads(threads)
    layout = torch.channels_last if name == "torch_channels_last" else torch.contiguous_format
    image = torch.from_numpy(x).contiguous(memory_format=layout)
    weight = torch.from_numpy(k).contiguous(memory_format=layout)
    top, bottom, left, right = p.padding
    result: list[torch.Tensor] = []

    if (top, left) == (bottom, right):

        def convolve() -> torch.Tensor:
            return torch.conv2d(image, weight, None, p.stride, (top, left), p.dilation, p.groups)

        note = ""
    else:

        def convolve() -> torch.Tensor:
            padded = torch.nn.functional.pad(image, (left, right, top, bottom))
            return torch.conv2d(padded, weight, None, p.stride, 0, p.dilation, p.groups)

        note = "pads in a call of its own"

    def run() -> None:
        result.clear()  # so that there is never more than one output
        with torch.no_grad():
            result.append(convolve())

    return Prepared(run, lambda: result[0].numpy(), note)
