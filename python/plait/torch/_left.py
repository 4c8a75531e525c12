"""Which parts of a model are left as they are, and why."""

from __future__ import annotations

import ast
import functools
import types
from collections import deque
from collections.abc import Iterator
from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils import parametrize

from plait.torch import _hooks, _source
from plait.torch._module import Conv2d

_FUNCTIONS = [f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)]


def why_not_at_all(model: Any) -> str:
    """Return why a whole model cannot be converted; empty if its layers may be looked at."""
    kind = type(model).__name__
    if isinstance(model, torch.export.ExportedProgram) or _is_exported(model):
        return (
            f"model is exported (a {kind}), so that it has operators in the place of layers: "
            "convert the model first, then export what convert returns"
        )
    if isinstance(model, torch.jit.ScriptModule):
        return (
            f"model is scripted or traced by torch.jit (a {kind}), so that its layers are compiled "
            "and cannot be swapped: convert the model first, then trace or export it"
        )
    if not isinstance(model, nn.Module):
        return f"model must be a torch.nn.Module but is a {kind}"
    return ""


def _is_exported(model: Any) -> bool:
    return isinstance(model, fx.GraphModule) and any(
        isinstance(node.target, torch._ops.OpOverload) for node in model.graph.nodes
    )


def parts_without_layers(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield name and reason of modules that may convolve without a layer for it."""
    scripted = ""
    for name, module in model.named_modules():
        if scripted and name.startswith(scripted):
            continue
        if isinstance(module, torch.jit.ScriptModule):
            scripted = f"{name}."
            yield name, "scripted or traced by torch.jit: convert the model before"
        elif _is_exported(module):
            yield name, "exported: convert the model before"
        elif not isinstance(module, _ConvNd):
            called = sorted(set(_functional(module)))
            if called:
                yield name, f"calls {' and '.join(called)} itself: only layers are converted"


def _functional(module: nn.Module) -> Iterator[str]:
    """Yield the functions of torch that convolve and that the module's code calls."""
    if isinstance(module, fx.GraphModule):
        for node in module.graph.nodes:
            if node.op == "call_function" and getattr(node.target, "__name__", "") in _FUNCTIONS:
                yield node.target.__name__
        return
    for function in _source.functions(module):
        for node in ast.walk(function.tree) if function.tree is not None else ():
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                owner = getattr(getattr(node.func, "value", None), "id", "")
                if name in _FUNCTIONS and owner != function.own_name:
                    yield name


def held_aside(model: nn.Module) -> dict[int, str]:
    """Find modules that plain attributes refer to, which a swap of modules would not reach."""
    held = {}
    for module in model.modules():
        for name, value in vars(module).items():
            if name != "_modules":
                for child in set(_modules_in(value)) - {module}:
                    held[id(child)] = (
                        f"{type(module).__name__}.{name} refers to it beside the registered name"
                    )
    return held


def _modules_in(value: Any, depth: int = 5) -> Iterator[nn.Module]:
    """Find the modules that a value is, or holds."""
    inner: list[Any] = []
    if isinstance(value, nn.Module):
        yield value
    elif isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        inner = list(value)
    elif isinstance(value, functools.partial):
        inner = [value.func, value.args, value.keywords]
    elif isinstance(value, types.MethodType):
        inner = [value.__self__]
    elif isinstance(value, types.FunctionType):
        inner = [cell.cell_contents for cell in value.__closure__ or () if _is_set(cell)]
    elif not isinstance(value, (type, types.ModuleType, torch.Tensor)):
        inner = list(getattr(value, "__dict__", {}).values())
    for one in inner if depth else ():
        yield from _modules_in(one, depth - 1)


def _is_set(cell: types.CellType) -> bool:
    return cell != types.CellType()


def why_not_convert(layer: _ConvNd) -> str:
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
    if _hooks.watch(layer):
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
    return ""


def why_not_fold(norm: nn.BatchNorm2d) -> str:
    if type(norm).forward != nn.BatchNorm2d.forward or "forward" in vars(norm):
        return f"{type(norm).__name__} has a forward of its own"
    if parametrize.is_parametrized(norm):
        return "parametrized"
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics"
    return _why_not_now(norm)
