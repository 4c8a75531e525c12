"""ONNX Runtime: a model of one Conv node, operands bound beforehand so that no copy is timed."""

from __future__ import annotations

import numpy as np
import onnxruntime
from driver import Prepared, Problem, column, empty
from onnx_model import conv_model

PEER = "onnxruntime"
VERSION = onnxruntime.__version__
COLUMNS = [column("onnxruntime")]


def prepare(_: str, p: Problem, x: np.ndarray, k: np.ndarray, threads: int) -> Prepared:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        conv_model(p, k), options, providers=["CPUExecutionProvider"]
    )
    y = empty(p.y_shape)
    binding = session.io_binding()
    for bind, name, array in ((binding.bind_input, "x", x), (binding.bind_output, "y", y)):
        bind(
            name,
            "cpu",
            0,
            element_type=np.float32,
            shape=array.shape,
            buffer_ptr=array.ctypes.data,
        )
    kept = (x, y)  # the binding holds addresses only

    def run() -> None:
        session.run_with_iobinding(binding)

    return Prepared(run, lambda: kept[1])
