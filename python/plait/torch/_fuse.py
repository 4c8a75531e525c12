"""Which additions and activations become part of the convolution before them.

Each module's forward is traced alone (torch.fx), its children being steps. What a convolution's
output goes into, and nothing else sees, is joined to it: at most one addition, then at most one
activation.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from plait.torch import _fold, _plain
from plait.torch._fused import Fused, Joined, Slot, Step
from plait.torch._module import Conv2d

_MODULES = {nn.ReLU: "relu", nn.ReLU6: "relu6"}
_CALLS = {
    torch.relu: "relu",
    torch.relu_: "relu",
    nn.functional.relu: "relu",
    nn.functional.relu_: "relu",
    nn.functional.relu6: "relu6",
    "relu": "relu",
    "relu_": "relu",
}
_ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")
_IN_PLACE = (operator.iadd, "add_")
# Functions that do not change their arguments.
_HARMLESS = (operator.add, operator.sub, operator.mul, operator.getitem, getattr, torch.add,
             torch.cat, torch.relu, torch.sigmoid, torch.flatten)  # fmt: skip


def fuse(model: nn.Module) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Give modules forwards that join convolutions with what follows them.

    Returns what was joined to each convolution, by names, and why modules with convolutions of
    their own were left as they are.
    """
    joined: dict[str, list[str]] = {}
    left: dict[str, str] = {}
    open_ended: dict[nn.Module, _Found] = {}
    for name, module in reversed(list(model.named_modules())):  # children come before their parents
        children = module._modules.values()
        if not any(isinstance(child, Conv2d) or child in open_ended for child in children):
            continue
        if isinstance(module, (fx.GraphModule, torch.jit.ScriptModule)):
            continue
        if type(module).forward is nn.Module.forward:  # a list of modules
            continue
        if "forward" in vars(module):
            left[name] = "forward is an attribute of the module itself"
            continue
        try:
            attributes = _plain.deciding_attributes(module)
            found = _Found(module, _trace(module), attributes, open_ended)
        except _plain.NotPlainError as reason:
            left[name] = str(reason)
            continue
        except Exception as error:  # a forward may raise anything when it is given symbols
            left[name] = _fold.untraceable(error)
            continue
        if found.ends_open:
            open_ended[module] = found
        if found.chains:
            _give(module, found)
            for chain in found.chains:
                inner = open_ended.get(chain.layer)
                if inner is not None and "forward" not in vars(chain.layer):
                    _give(chain.layer, inner)
                joined.update({f"{_fold.prefix_of(name)}{chain.name}": list(chain.words)})
    return joined, left


def _give(module: nn.Module, found: _Found) -> None:
    vars(module)["forward"] = found.forward()


class _Proxy(fx.Proxy):
    """A proxy that knows that ``y += x`` writes to y; fx's own takes it for ``y = y + x``."""


def _in_place(function: Any) -> Any:
    def record(self: fx.Proxy, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    return record


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or",
              "xor"):  # fmt: skip
    setattr(_Proxy, f"__i{_name}__", _in_place(getattr(operator, f"i{_name}")))


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)


def _trace(module: nn.Module) -> fx.Graph:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _Tracer().trace(module)


class _Chain(NamedTuple):
    """A call of a convolution, and the calls after it that become part of it."""

    layer: nn.Module
    name: str  # the convolution's name within the module
    start: fx.Node
    nodes: tuple[fx.Node, ...]  # the calls after the convolution
    between: tuple[nn.Module, ...]
    residual: fx.Node | None
    activation: str
    after: nn.Module | None

    @property
    def last(self) -> fx.Node:
        return self.nodes[-1] if self.nodes else self.start

    @property
    def words(self) -> Iterator[str]:
        if self.residual is not None:
            yield "addition"
        if self.activation:
            yield {"relu": "ReLU", "relu6": "ReLU6"}[self.activation]


class _Found:
    """What the trace of one module shows."""

    def __init__(
        self,
        module: nn.Module,
        graph: fx.Graph,
        attributes: dict[str, Any],
        open_ended: dict[nn.Module, _Found],
    ) -> None:
        self._module, self._graph, self._attributes = module, graph, attributes
        self._order = {node: number for number, node in enumerate(graph.nodes)}
        self._open_ended = open_ended
        if any(node.op == "get_attr" for node in graph.nodes):
            raise _plain.NotPlainError("its code reads tensors of its own")
        self._claimed: set[fx.Node] = set()  # additions: the first of two convolutions takes it
        starts = [self._chain(node) for node in graph.nodes if self._is_convolution(node)]
        self.chains = [c for c in starts if c.residual is not None or c.activation]
        *_, answer = graph.nodes
        self._tail = next(
            (c for c in starts if c not in self.chains and c.last is answer.args[0]), None
        )
        inputs = [node for node in graph.nodes if node.op == "placeholder"]
        self.ends_open = (
            self._tail is not None
            and isinstance(self._tail.layer, Conv2d)
            and len(inputs) == 1
            and self._order[self._tail.last] == self._order[answer] - 1
        )

    def _is_convolution(self, node: fx.Node) -> bool:
        child = self._child(node)
        joins = isinstance(child, Conv2d) or child in self._open_ended
        return joins and len(node.args) == 1 and not node.kwargs

    def _child(self, node: Any) -> nn.Module | None:
        if not isinstance(node, fx.Node) or node.op != "call_module":
            return None
        return self._module._modules.get(str(node.target))

    def _chain(self, start: fx.Node) -> _Chain:
        nodes: list[fx.Node] = []
        between: list[nn.Module] = []
        residual: fx.Node | None = None
        last = start
        while len(last.users) == 1:
            (user,) = last.users
            child = self._child(user)
            activation = self._activation(user)
            if activation:
                nodes.append(user)
                return self._made(start, nodes, between, residual, activation, child)
            other = self._added(user, last) if residual is None else None
            if other is not None and user not in self._claimed and self._is_still(start, user):
                residual = other
                self._claimed.add(user)
            elif not (type(child) is nn.Identity and residual is None):
                break
            else:
                between.append(child)
            nodes.append(user)
            last = user
        return self._made(start, nodes, between, residual, "", None)

    def _made(
        self,
        start: fx.Node,
        nodes: list[fx.Node],
        between: list[nn.Module],
        residual: fx.Node | None,
        activation: str,
        after: nn.Module | None,
    ) -> _Chain:
        layer, name = self._child(start), str(start.target)
        assert layer is not None
        inner = self._open_ended.get(layer)
        if inner is not None and inner._tail is not None:
            name = f"{name}.{inner._tail.name}"
        return _Chain(layer, name, start, tuple(nodes), tuple(between), residual, activation, after)

    def _activation(self, node: fx.Node) -> str:
        child = self._child(node)
        if child is not None:
            return _MODULES.get(type(child), "") if _is_alone(node) else ""
        if node.op not in ("call_function", "call_method"):
            return ""
        return _CALLS.get(node.target, "") if _is_alone(node, "inplace") else ""

    def _added(self, node: fx.Node, value: fx.Node) -> fx.Node | None:
        """Return the tensor that is added to the value, if the node adds two tensors."""
        if node.op not in ("call_function", "call_method") or node.target not in _ADDITIONS:
            return None
        if len(node.args) != 2 or node.kwargs or not all(isinstance(a, fx.Node) for a in node.args):
            return None
        first, second = node.args
        if first is second or (node.target in _IN_PLACE and first is not value):
            return None
        other = second if first is value else first
        return other if isinstance(other, fx.Node) else None

    def _is_still(self, start: fx.Node, end: fx.Node) -> bool:
        """Tell whether nothing between two calls can change a tensor in place."""
        for node in list(self._graph.nodes)[self._order[start] + 1 : self._order[end]]:
            if node.op == "call_module":
                child = self._child(node)
                if child is None or not all(map(_is_harmless, child.modules())):
                    return False
            elif node.op != "placeholder" and node.target not in _HARMLESS:
                return False
        return True

    def forward(self) -> Fused:
        """Make the steps of the forward."""
        chains = [*self.chains, *([self._tail] if self._tail is not None else [])]
        at: dict[fx.Node, _Chain] = {}
        inside: dict[fx.Node, _Chain] = {}
        for chain in chains:
            place = chain.start
            if chain.residual is not None and self._order[chain.residual] > self._order[place]:
                place = next(n for n in chain.nodes if n.target in _ADDITIONS)
            at[place] = chain
            inside.update(dict.fromkeys((chain.start, *chain.nodes), chain))
        slots: dict[fx.Node, Slot] = {}
        steps: list[Step] = []
        inputs = 0
        answer: Any = None
        for node in self._graph.nodes:
            if node.op == "placeholder":
                slots[node] = Slot(inputs)
                inputs += 1
            elif node.op == "output":
                answer = _in_slots(node.args[0], slots)
            elif node in at:
                chain = at[node]
                call = Joined(chain.layer, chain.between, chain.activation, chain.after)
                given = chain.start.args[:1]
                if chain.residual is not None:
                    given = (*given, chain.residual)
                steps.append(Step(call, _in_slots(given, slots), {}))
                slot = Slot(inputs + len(steps) - 1)
                slots.update(dict.fromkeys((chain.start, *chain.nodes), slot))
            elif node not in inside:
                target: Any = node.target
                if node.op == "call_module":
                    target = self._module._modules[str(node.target)]
                steps.append(
                    Step(target, _in_slots(node.args, slots), _in_slots(node.kwargs, slots))
                )
                slots[node] = Slot(inputs + len(steps) - 1)
        return Fused(self._module, inputs, _with_drops(steps, answer, inputs), answer,
                     self._attributes)  # fmt: skip


def _is_alone(node: fx.Node, *options: str) -> bool:
    return len(node.args) == 1 and set(node.kwargs) <= set(options)


def _is_harmless(module: nn.Module) -> bool:
    known = type(module).__module__.startswith(("torch.nn.", "plait.torch"))
    return known and not getattr(module, "inplace", False)


def _in_slots(value: Any, slots: dict[fx.Node, Slot]) -> Any:
    if isinstance(value, fx.Node):
        return slots[value]
    if isinstance(value, tuple):
        return tuple(_in_slots(one, slots) for one in value)
    if isinstance(value, list):
        return [_in_slots(one, slots) for one in value]
    if isinstance(value, dict):
        return {name: _in_slots(one, slots) for name, one in value.items()}
    if isinstance(value, slice):
        return slice(*(_in_slots(one, slots) for one in (value.start, value.stop, value.step)))
    return value


def _with_drops(steps: list[Step], answer: Any, inputs: int) -> list[Step]:
    """Drop each value after its last use, so that its memory can be used again."""
    seen = set(_slots_in(answer))
    made: list[Step] = []
    for number in reversed(range(len(steps))):
        step = steps[number]
        used = set(_slots_in((step.arguments, step.options)))
        mine = inputs + number
        drop = (used | {mine}) - seen
        seen |= used
        made.append(step._replace(drop=tuple(sorted(drop))))
    return made[::-1]


def _slots_in(value: Any) -> Iterator[int]:
    if isinstance(value, Slot):
        yield value.number
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _slots_in(one)
    elif isinstance(value, dict):
        yield from _slots_in(tuple(value.values()))
    elif isinstance(value, slice):
        yield from _slots_in((value.start, value.stop, value.step))
