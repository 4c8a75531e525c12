"""ncnn: a net of one convolution, with Winograd (as it comes) and without."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import ncnn
import numpy as np
from driver import Prepared, Problem, column

PEER = "ncnn"
VERSION = ncnn.__version__
COLUMNS = [column("ncnn"), column("ncnn_direct")]


def load(net: ncnn.Net, p: Problem, k: np.ndarray) -> None:
    top, bottom, left, right = p.padding
    kind = "Convolution" if p.groups == 1 else "ConvolutionDepthWise"
    fields = {
        0: p.c_o,
        1: p.k_w,
        11: p.k_h,
        2: p.dilation[1],
        12: p.dilation[0],
        3: p.stride[1],
        13: p.stride[0],
        4: left,
        15: right,
        14: top,
        16: bottom,
        5: 0,  # no bias
        6: k.size,
    }
    if p.groups > 1:
        fields[7] = p.groups
    numbers = " ".join(f"{key}={value}" for key, value in fields.items())
    lines = ["7767517", "2 2", "Input x 0 1 x", f"{kind} conv 1 1 x y {numbers}", ""]
    with tempfile.TemporaryDirectory() as folder:
        param, weights = Path(folder, "conv.param"), Path(folder, "conv.bin")
        param.write_text("\n".join(lines))
        weights.write_bytes(struct.pack("<I", 0) + k.tobytes())  # a tag: plain float32
        if net.load_param(str(param)) != 0 or net.load_model(str(weights)) != 0:
            raise RuntimeError("ncnn cannot load the layer")


def prepare(name: str, p: Problem, x: np.ndarray, k: np.ndarray, threads: int) -> Prepared:
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    net.opt.use_fp16_packed = False
    net.opt.use_fp16_storage = False
    net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.opt.use_winograd_convolution = name == "ncnn"
    load(net, p, k)
    images = [ncnn.Mat(image).clone() for image in x]  # c_i x h x w, in memory of its own
    results: list[ncnn.Mat] = []

    def run() -> None:
        results.clear()
        for image in images:
            extractor = net.create_extractor()
            extractor.input("x", image)
            status, result = extractor.extract("y")
            if status != 0:
                raise RuntimeError(f"ncnn answers {status}")
            results.append(result)

    note = "one image after the other" if p.n > 1 else ""
    return Prepared(run, lambda: np.stack([np.array(result) for result in results]), note)
