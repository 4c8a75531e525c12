"""Putting plait's layers into a model, and telling which were left as they are, and why."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils import parametrize

from plait.torch import _fold
from plait.torch._module import Conv2d, from_torch


@dataclass
class Conversion:
    """What `convert` made of a model.

    Attributes
    ----------
    model : torch.nn.Module
        The converted model.
    converted : list of str
        Names of the layers that plait computes; a layer of several names has its first.
    folded : dict
        From a batch norm's name to that of the convolution it became part of.
    left : dict
        From the name of a convolution or batch norm that was left alone to the reason.
    """

    model: nn.Module
    converted: list[str] = field(default_factory=list)
    folded: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """List all layers, one per line."""
        norm_of = {convolution: f" with {norm}" for norm, convolution in self.folded.items()}
        lines = [
            f"{_count(self.converted, 'convolution')} converted, "
            f"{_count(self.folded, 'batch norm')} folded, {_count(self.left, 'layer')} left alone"
        ]
        if self.converted:
            lines.append("converted")
        lines += [f"  {_shown(name)}{norm_of.get(name, '')}" for name in self.converted]
        if self.left:
            lines.append("left alone")
        lines += [f"  {_shown(name)}: {reason}" for name, reason in self.left.items()]
        return "\n".join(lines)


def _count(names: Collection[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' * (len(names) != 1)}"


def _shown(name: str) -> str:
    return name or "(the model)"


def convert(model: nn.Module, *, inplace: bool = False) -> Conversion:
    """Swap the Conv2d layers of a model in eval mode for plait's, and fold batch norms into them.

    Parameters
    ----------
    model : torch.nn.Module
        Any; a layer that cannot be converted is left alone, and the result says why.
    inplace : bool
        Whether to change `model` itself instead of a copy.

    Returns
    -------
    Conversion
        With `model` and the lists `converted`, `folded` and `left`; its text lists them.

    Raises
    ------
    TypeError
        If `model` is no module.

    Notes
    -----
    A batch norm is folded if a symbolic trace of the model's forward, called with its required
    arguments alone, shows that it follows one convolution, each of both is called once, and nothing
    else uses what lies between; it becomes ``nn.Identity``. Where a forward cannot be traced, its
    submodules are, on the assumption that each is called as a whole. Weights are folded in
    float64 and rounded once.

    Converted layers have parameters that require no gradient, named as before; one with a batch
    norm has a bias even if it had none.

    Examples
    --------
    >>> conversion = plait.torch.convert(model.eval())
    >>> print(conversion)
    >>> y = conversion.model(x)
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module but is a {type(model).__name__}")
    # Tensors made in inference mode would have no count of their changes.
    with torch.inference_mode(False), torch.no_grad():
        return _convert(model if inplace else copy.deepcopy(model))


def _convert(model: nn.Module) -> Conversion:
    result = Conversion(model)
    layers: dict[str, nn.Module] = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (_ConvNd, nn.BatchNorm2d))
    }
    aside = _held_aside(model)
    for name, layer in layers.items():
        if isinstance(layer, _ConvNd):
            reason = _why_not_convert(layer)
            if not reason and id(layer) in aside:
                reason = aside[id(layer)]
            if reason:
                result.left[name] = reason
            else:
                result.converted.append(name)
    _choose_norms(model, layers, aside, result)
    norm_of = {convolution: norm for norm, convolution in result.folded.items()}
    swaps: dict[int, nn.Module] = {}
    for name in result.converted:
        old: Any = layers[name]
        if name in norm_of:
            norm: Any = layers[norm_of[name]]
            swaps[id(old)] = from_torch(old, *_fold.fold(old, norm))
            swaps[id(norm)] = nn.Identity().train(norm.training)
        else:
            swaps[id(old)] = from_torch(old, old.weight, old.bias)
    result.model = _swap(model, swaps)
    return result


def _swap(model: nn.Module, swaps: dict[int, nn.Module]) -> nn.Module:
    """Replace modules under all of their names."""
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if id(child) in swaps:
                parent.add_module(name, swaps[id(child)])
    return swaps.get(id(model), model)


def _choose_norms(
    model: nn.Module, layers: dict[str, nn.Module], aside: dict[int, str], result: Conversion
) -> None:
    """Put every batch norm into `folded` or `left`."""
    names_of = Counter(id(m) for _, m in model.named_modules(remove_duplicate=False))
    followers = _fold.followers(model)
    for name, layer in layers.items():
        if not isinstance(layer, nn.BatchNorm2d):
            continue
        follower = followers[name]
        convolution = follower.convolution
        reason = _why_not_fold(layer) or aside.get(id(layer), "") or follower.reason
        if not reason and convolution not in result.converted:
            reason = f"{convolution} before it is left alone"
        for other in (name, convolution):
            if not reason and other is not None and names_of[id(layers[other])] > 1:
                reason = f"{other} is shared under {names_of[id(layers[other])]} names"
        if reason:
            result.left[name] = f"BatchNorm not folded: {reason}"
        elif convolution is not None:
            result.folded[name] = convolution


def _held_aside(model: nn.Module) -> dict[int, str]:
    """Find modules that plain attributes refer to, past which a swap would go unnoticed."""
    held = {}
    for module in model.modules():
        for name, value in vars(module).items():
            if name != "_modules":
                for child in _modules_in(value):
                    held[id(child)] = (
                        f"{type(module).__name__}.{name} refers to it beside the registered name"
                    )
    return held


def _modules_in(value: Any) -> Iterator[nn.Module]:
    if isinstance(value, nn.Module):
        yield value
    elif isinstance(value, dict):
        yield from _modules_in(list(value.values()))
    elif isinstance(value, (list, tuple, set)):
        for one in value:
            yield from _modules_in(one)


def _why_not_convert(layer: _ConvNd) -> str:
    """Return why a layer must stay as it is; empty if plait can compute it."""
    kind = type(layer).__name__
    if isinstance(layer, LazyModuleMixin):
        return "lazy: call the model once, so that its sizes are known"
    if not isinstance(layer, nn.Conv2d):
        return f"{kind}: only Conv2d is converted"
    if isinstance(layer, Conv2d):
        return "is plait's already"
    if parametrize.is_parametrized(layer):
        return "parametrized: call torch.nn.utils.parametrize.remove_parametrizations first"
    own = [f for f in ("forward", "_conv_forward") if getattr(type(layer), f) != _TORCHS[f]]
    if own or "forward" in vars(layer):
        return f"{kind} has a forward of its own"
    if layer._buffers or layer._modules or set(layer._parameters) != {"weight", "bias"}:
        return f"{kind} has tensors or modules of its own"
    return _why_not_now(layer) or _why_not_weight(layer)


_TORCHS = {"forward": nn.Conv2d.forward, "_conv_forward": nn.Conv2d._conv_forward}


def _why_not_now(layer: nn.Module) -> str:
    if _fold.has_hooks(layer):
        return "has forward hooks"
    if layer.training:
        return "training mode: call eval() first"
    return ""


def _why_not_weight(layer: nn.Conv2d) -> str:
    weight = layer.weight
    if type(weight) not in (nn.Parameter, torch.Tensor):
        return f"its weight is a {type(weight).__name__}"
    if weight.device.type != "cpu":
        return f"on {weight.device.type}: plait computes on the CPU"
    if weight.dtype == torch.float64:
        return "float64 has only the slow reference algorithm"
    if weight.dtype != torch.float32:
        return f"{str(weight.dtype).removeprefix('torch.')}: plait computes float32"
    if layer.padding_mode != "zeros":
        return f"padding_mode '{layer.padding_mode}' has only the slow reference algorithm"
    return ""


def _why_not_fold(norm: nn.BatchNorm2d) -> str:
    if type(norm).forward != nn.BatchNorm2d.forward or "forward" in vars(norm):
        return f"{type(norm).__name__} has a forward of its own"
    if parametrize.is_parametrized(norm):
        return "parametrized"
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics"
    return _why_not_now(norm)
