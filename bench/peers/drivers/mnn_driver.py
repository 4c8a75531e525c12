"""MNN: a session on a model of one Conv node, converted from ONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path

import _tools  # MNN's converter
import MNN
import numpy as np
from driver import Prepared, Problem, column
from onnx_model import conv_model

PEER = "mnn"
VERSION = MNN.version()
COLUMNS = [column("mnn")]


def convert(onnx_model: bytes, folder: Path) -> Path:
    """As the program mnnconvert does, which would try to install a logger first."""
    source, target = folder / "conv.onnx", folder / "conv.mnn"
    source.write_bytes(onnx_model)
    words = ["mnnconvert", "-f", "ONNX", "--modelFile", source, "--MNNModel", target]
    _tools.mnnconvert([*map(str, words), "--bizCode", "plait"])
    if not target.exists():
        raise RuntimeError("mnnconvert made no model")
    return target


def prepare(_: str, p: Problem, x: np.ndarray, k: np.ndarray, threads: int) -> Prepared:
    with tempfile.TemporaryDirectory() as folder:
        interpreter = MNN.Interpreter(str(convert(conv_model(p, k), Path(folder))))
        session = interpreter.createSession(
            {"backend": "CPU", "numThread": threads, "precision": "high"}
        )
    kind = MNN.Tensor_DimensionType_Caffe
    image = interpreter.getSessionInput(session)
    image.copyFrom(MNN.Tensor(p.x_shape, MNN.Halide_Type_Float, x, kind))

    def run() -> None:
        interpreter.runSession(session)

    def output() -> np.ndarray:
        y = MNN.Tensor(p.y_shape, MNN.Halide_Type_Float, np.empty(p.y_shape, np.float32), kind)
        interpreter.getSessionOutput(session).copyToHostTensor(y)
        return np.array(y.getNumpyData()).reshape(p.y_shape)

    return Prepared(run, output)
