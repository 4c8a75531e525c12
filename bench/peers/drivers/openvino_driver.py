"""OpenVINO: a model of one (Group)Convolution on the CPU device, tensors shared."""

from __future__ import annotations

import numpy as np
import openvino
from driver import Prepared, Problem, column, empty
from openvino import opset8

CORE = openvino.Core()

PEER = "openvino"
VERSION = openvino.__version__.split("-")[0]
COLUMNS = [column("openvino")]


def model_of(p: Problem, k: np.ndarray) -> openvino.Model:
    top, bottom, left, right = p.padding
    x = opset8.parameter(p.x_shape, np.float32, "x")
    geometry = {
        "strides": list(p.stride),
        "pads_begin": [top, left],
        "pads_end": [bottom, right],
        "dilations": list(p.dilation),
    }
    if p.groups == 1:
        y = opset8.convolution(x, opset8.constant(k), **geometry)
    else:
        blocks = k.reshape(p.groups, p.c_o // p.groups, *k.shape[1:])
        y = opset8.group_convolution(x, opset8.constant(blocks), **geometry)
    return openvino.Model([y], [x], "conv")


def prepare(_: str, p: Problem, x: np.ndarray, k: np.ndarray, threads: int) -> Prepared:
    compiled = CORE.compile_model(
        model_of(p, k),
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",  # else bf16 on machines with AMX
        },
    )
    request = compiled.create_infer_request()
    y = empty(p.y_shape)
    kept = (x, y)  # shared tensors do not keep the arrays
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    request.set_output_tensor(openvino.Tensor(y, shared_memory=True))

    def run() -> None:
        request.start_async()  # infer() would also build a dictionary of results
        request.wait()

    return Prepared(run, lambda: kept[1])
