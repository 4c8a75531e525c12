"""plait inside torch: an operator for eager, compiled and exported models, and a converter.

``torch.ops.plait.conv2d`` is registered when this package is imported, which ``import plait`` does
not do. It computes float32 (and float64, slowly) on the CPU, without gradients.

>>> import plait.torch
>>> conversion = plait.torch.convert(model.eval())
>>> print(conversion)
>>> y = conversion.model(x)
"""

from plait.torch._convert import Conversion, convert
from plait.torch._kept import drop_kept_weights
from plait.torch._module import Conv2d

__all__ = ["Conv2d", "Conversion", "convert", "drop_kept_weights"]
