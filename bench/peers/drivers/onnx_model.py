"""A model of one convolution in ONNX, for the peers that read such models."""

from __future__ import annotations

import numpy as np
from driver import Problem
from onnx import TensorProto, helper, numpy_helper


def conv_model(p: Problem, k: np.ndarray) -> bytes:
    """x: n x c_i x h x w -> y; opset 17 and IR 9, which all of them read."""
    top, bottom, left, right = p.padding
    node = helper.make_node(
        "Conv",
        ["x", "k"],
        ["y"],
        kernel_shape=[p.k_h, p.k_w],
        strides=list(p.stride),
        pads=[top, left, bottom, right],
        dilations=list(p.dilation),
        group=p.groups,
    )
    graph = helper.make_graph(
        [node],
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, p.x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, p.y_shape)],
        [numpy_helper.from_array(k, "k")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    serialized: bytes = model.SerializeToString()
    return serialized
