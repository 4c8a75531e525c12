"""Batch norms that follow convolutions, and which of them `plait.fold_batch_norm` may fold."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import fx, nn

import plait
from plait.torch import _certain, _hooks, _reach
from plait.torch._watch import Watch


class Follower(NamedTuple):
    """What is known of a batch norm: the convolution before it, or why it cannot be folded.

    Both, if one call of the model was seen to be right, but another could be different.
    """

    convolution: str | None
    reason: str = ""


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of one convolution that equals both; computed in float64.

    Raises ValueError where a value is not finite.
    """
    given = (
        *(convolution.weight, convolution.bias),
        *(norm.weight, norm.bias, norm.running_mean, norm.running_var),
    )
    K, bias, gamma, beta, mean, variance = (  # noqa: N806
        None if tensor is None else tensor.detach().double() for tensor in given
    )
    weight, bias = plait.fold_batch_norm(
        K, bias, gamma, beta, mean, variance, norm.eps, groups=convolution.groups
    )
    return weight.to(convolution.weight.dtype), bias.to(convolution.weight.dtype)


def followers(model: nn.Module) -> dict[str, Follower]:
    """Find, for each batch norm by name, the one convolution whose output it alone uses.

    The model's forward is traced symbolically; where that fails, its submodules are.
    """
    if not _norms(model):
        return {}
    try:
        # A copy, as forward may put symbols into attributes; the parameters are only referred to.
        model = copy.deepcopy(model, {id(p): p for p in model.parameters()})
        traces = dict(_traces(model, ""))
    except Exception as error:
        return dict.fromkeys(_norms(model), _untraceable(error))
    use = _Use(traces)
    code = _reach.Code(model)
    found: dict[str, Follower] = {}
    for name, trace in traces.items():
        module, prefix = model.get_submodule(name), prefix_of(name)
        if isinstance(trace, _Trace):
            for norm, follower in _followers_in(trace.graph, module, prefix, use).items():
                if follower.convolution is not None:
                    try:
                        doubt = _certain.doubt(model, code, trace.watch, follower.convolution, norm)
                    except Exception as error:  # code of a kind that is not foreseen
                        doubt = f"its code cannot be judged ({error!r})"
                    follower = follower._replace(reason=doubt)
                found[norm] = follower
        else:  # a module comes before those inside of it, so that the outermost reason stays
            for norm in _norms(module):
                found.setdefault(prefix + norm, _untraceable(trace))
    unused = Follower(None, "forward does not call it")
    return {name: found.get(name, unused) for name in _norms(model)}


class _Trace(NamedTuple):
    graph: fx.Graph
    watch: Watch


class _Use:
    """How often all graphs call each module, and of which modules they read tensors."""

    def __init__(self, traces: dict[str, _Trace | Exception]) -> None:
        self._calls: Counter[str] = Counter()
        self._read: set[str] = set()
        for name, trace in traces.items():
            for node in trace.graph.nodes if isinstance(trace, _Trace) else ():
                if node.op == "call_module":
                    self._calls[f"{prefix_of(name)}{node.target}"] += 1
                elif node.op == "get_attr":
                    self._read.add(f"{prefix_of(name)}{node.target}".rpartition(".")[0])

    def beside_one_call(self, name: str) -> str:
        """Return what else is done with the module; empty if nothing is."""
        if self._calls[name] > 1:
            return f"{name} is called {self._calls[name]} times"
        if name in self._read:
            return f"{name} has tensors that are used elsewhere too"
        return ""


def prefix_of(name: str) -> str:
    return f"{name}." if name else ""


def _norms(model: nn.Module) -> list[str]:
    return [name for name, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]


def _untraceable(error: Exception) -> Follower:
    return Follower(None, untraceable(error))


def untraceable(error: Exception) -> str:
    """Say that a trace ended with an error."""
    lines = str(error).splitlines() or [type(error).__name__]
    return f"forward cannot be traced ({lines[0]})"


class _Tracer(fx.Tracer):
    def __init__(self, prefix: str, watch: Watch) -> None:
        super().__init__()
        self.proxy_buffer_attributes = True  # reads of a batch norm's statistics are seen
        self._prefix, self._watch = prefix, watch

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        layer = isinstance(m, (nn.Conv2d, nn.BatchNorm2d, torch.jit.ScriptModule))
        return layer or _hooks.watch(m) or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        output = super().call_module(m, forward, args, kwargs)
        if isinstance(m, (nn.Conv2d, nn.BatchNorm2d)):
            name = self._prefix + self.path_of_module(m)
            self._watch.called(name, args, output if isinstance(m, nn.Conv2d) else None)
        return output


def _traces(module: nn.Module, name: str) -> Iterator[tuple[str, _Trace | Exception]]:
    """Trace the module, or its submodules in its place; and those with hooks, as hooks are not."""
    if not any(isinstance(m, nn.BatchNorm2d) for m in module.modules()):
        return
    trace = _trace(module, prefix_of(name))
    yield name, trace
    inner = dict(module.named_children())
    if isinstance(trace, _Trace):
        called = {node.target for node in trace.graph.nodes if node.op == "call_module"}
        hooked = {path: m for path, m in module.named_modules() if _hooks.watch(m)}
        inner = {path: m for path, m in hooked.items() if path in called}
    for path, child in inner.items():
        if not isinstance(child, (nn.Conv2d, nn.BatchNorm2d)):
            yield from _traces(child, prefix_of(name) + path)


def _trace(module: nn.Module, prefix: str) -> _Trace | Exception:
    if "forward" in vars(module):  # a tracer would take the class's
        return ValueError("it is an attribute of the model itself")
    watch = Watch()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = watch.run(lambda: _Tracer(prefix, watch).trace(module, _defaults(module)))
    except Exception as error:  # whatever a forward does when given symbols
        return error
    watch.end()
    return _Trace(graph, watch)


def _defaults(module: nn.Module) -> dict[str, Any]:
    """Return forward's arguments that have plain defaults: a trace is of a call without them."""
    plain = (bool, int, float, str, type(None))
    parameters = inspect.signature(module.forward).parameters.values()
    return {p.name: p.default for p in parameters if isinstance(p.default, plain)}


def _followers_in(
    graph: fx.Graph, module: nn.Module, prefix: str, use: _Use
) -> dict[str, Follower]:
    return {
        f"{prefix}{node.target}": _follower(node, module, prefix, use)
        for node in graph.nodes
        if _calls_a(nn.BatchNorm2d, node, module)
    }


def _calls_a(kind: type[nn.Module], node: Any, module: nn.Module) -> bool:
    called = isinstance(node, fx.Node) and node.op == "call_module"
    return called and isinstance(module.get_submodule(str(node.target)), kind)


def _follower(norm: fx.Node, module: nn.Module, prefix: str, use: _Use) -> Follower:
    """Judge one call of a batch norm."""
    before: Any = [*norm.args, *norm.kwargs.values()][0]
    reason = use.beside_one_call(f"{prefix}{norm.target}")
    if reason:
        return Follower(None, reason)
    if not _calls_a(nn.Conv2d, before, module):
        return Follower(None, "its input is not the output of a convolution")
    convolution = f"{prefix}{before.target}"
    reason = use.beside_one_call(convolution)
    if not reason and len(before.users) > 1:
        reason = f"the output of {convolution} is used elsewhere too"
    return Follower(None, reason) if reason else Follower(convolution)
