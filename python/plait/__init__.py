"""plait: multi-channel convolution on CPUs, explained and bounded.

The arguments of ``torch.nn.functional.conv2d`` on arrays of any kind, the functions of the chapter
"Multiple Input and Multiple Output Channels" of Dive into Deep Learning, and plans that say which
algorithm computes a layer, why, and with what memory, time and error. ``plait.torch`` puts layers
of torch models on plait; it is imported on its own.

>>> x = numpy.ones((1, 3, 224, 224), dtype="float32")
>>> weight = numpy.ones((64, 3, 7, 7), dtype="float32")
>>> plait.conv2d(x, weight, stride=2, padding=3).shape
(1, 64, 112, 112)
>>> print(plait.plan("1x64x56x56,64x64x3x3,p1").explain())
problem   1x64x56x56,64x64x3x3,p1
...
"""

from __future__ import annotations

from typing import Any

from plait._channels import channel_flow, channel_shuffle
from plait._chapter import corr2d, corr2d_multi_in, corr2d_multi_in_out, corr2d_multi_in_out_1x1
from plait._compose import Composition, CompositionCost, compose
from plait._convolutions import conv1d, conv2d
from plait._core import (
    Candidate,
    Cost,
    Packed,
    Plan,
    Problem,
    VerifyReport,
    __version__,
    algorithms,
    clear_cache,
    cost,
    measure_peak_gflops,
    plan,
    verify,
)
from plait._decompose import Approximation, Decomposition, Factorisation, decompose
from plait._fold import (
    concatenate_branches,
    embed_pointwise,
    extract_pointwise,
    fold_batch_norm,
    fold_pointwise,
    merge_branches,
)
from plait._fold_kernels import average_pool_kernel, channel_shuffle_kernel, identity_kernel
from plait._im2col import im2col
from plait._inspect import Inspection, inspect
from plait._layers import ConvLayer, PlacedLayer, Rewrite
from plait._show import show

__all__ = [
    "Approximation",
    "Candidate",
    "Composition",
    "CompositionCost",
    "ConvLayer",
    "Cost",
    "Decomposition",
    "Factorisation",
    "Inspection",
    "Packed",
    "PlacedLayer",
    "Plan",
    "Problem",
    "Rewrite",
    "VerifyReport",
    "__version__",
    "algorithms",
    "average_pool_kernel",
    "channel_flow",
    "channel_shuffle",
    "channel_shuffle_kernel",
    "clear_cache",
    "compose",
    "concatenate_branches",
    "conv1d",
    "conv2d",
    "corr2d",
    "corr2d_multi_in",
    "corr2d_multi_in_out",
    "corr2d_multi_in_out_1x1",
    "cost",
    "decompose",
    "embed_pointwise",
    "extract_pointwise",
    "fold_batch_norm",
    "fold_pointwise",
    "identity_kernel",
    "im2col",
    "info",
    "inspect",
    "measure_peak_gflops",
    "merge_branches",
    "plan",
    "show",
    "verify",
]


def info() -> dict[str, Any]:
    """Tell what plait knows of this machine, and what is built in.

    Returns
    -------
    dict
        What ``plait info --json`` prints: "version", "machine" (CPU, SIMD targets, caches, cores,
        threads), "algorithms" and more.
    """
    import json

    from plait import _core

    told: dict[str, Any] = json.loads(_core.info_json())
    return told
