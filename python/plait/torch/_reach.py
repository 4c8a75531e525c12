"""What the code of a module can do with the modules inside it, read from its syntax trees.

A small interpretation: every expression stands for the modules that it may be. What then happens
to it is one of: it is called, it is only looked at, or it is passed on to where nothing is known.
"""

from __future__ import annotations

import ast
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from torch import nn

from plait.torch import _pairs, _source


class Path(NamedTuple):
    """The modules from the model to a convolution and its batch norm.

    What is called as a whole does not tell the convolution's output alone; the parts may.
    """

    whole: frozenset[nn.Module]
    parts: frozenset[nn.Module]
    convolution: nn.Module
    norm: nn.Module


class _Value(NamedTuple):
    """The modules that an expression may be."""

    modules: frozenset[nn.Module] = frozenset()
    wrapped: bool = False  # they are in a list, or in a loop
    some: bool = False  # which of them it is depends on values at run time
    searched: bool = False  # they were found by a search through all modules


# Whether a function was run, while tracing, on lines from first to last.
Ran = Callable[[_source.Function, int, int], bool]

_NOTHING = _Value()
_WRAPPERS = ("enumerate", "zip", "reversed", "list", "tuple", "iter", "sorted")
_LOOKS = ("isinstance", "hasattr", "len", "type", "id", "repr", "str", "getattr", "super", "print",
          "setattr", "delattr", "callable", "bool", *_WRAPPERS)  # fmt: skip
# These functions call all modules that they are given, unchanged.
_CHECKPOINTS = ("checkpoint", "checkpoint_sequential", "checkpoint_seq")
_CALLS = ("forward", "__call__")


class Code:
    """The code of a model's modules, each function read once."""

    def __init__(self, model: nn.Module) -> None:
        self._readings: dict[nn.Module, list[_Reading]] = {}
        self._at_start = _source.only_at_start(model)

    def doubts(self, module: nn.Module, path: Path, ran: Ran) -> Iterator[str]:
        """Yield why code of the module could use the path's parts in another way than traced."""
        kind = type(module)
        if kind.__getattr__ is not nn.Module.__getattr__ and not _source.is_torchs(kind):
            yield f"{kind.__name__} looks up its attributes in a way of its own"
        for reading in self._of(module):
            function = reading.function
            where = f"{type(module).__name__}.{function.name}"
            if function.tree is None:
                yield f"the code of {where} cannot be read"
                continue
            for line, what in reading.doubts(path, ran):
                yield f"{where} {what} ({function.file}, line {line})"

    def shows(
        self, module: Any, code: types.CodeType, line: int, called: frozenset[nn.Module]
    ) -> bool:
        """Tell whether a line of the module's code, as written, calls one of these modules."""
        return any(
            reading.function.code.co_firstlineno == code.co_firstlineno
            and reading.function.code.co_filename == code.co_filename
            and reading.calls(line, called)
            for reading in self._of(module)
        )

    def _of(self, module: nn.Module) -> list[_Reading]:
        if module not in self._readings:
            found = list(_source.functions(module))
            makers = _source.makers(found)
            self._readings[module] = [
                _Reading(module, function, makers)
                for function in found
                if function.name not in self._at_start
            ]
        return self._readings[module]


class _Reading:
    """One function of a module, read."""

    def __init__(
        self, module: nn.Module, function: _source.Function, makers: dict[str, set[type]]
    ) -> None:
        self.function = function
        self._module, self._makers = module, makers
        self._tree: Any = function.tree or ast.Pass()
        self._parents = {
            child: node for node in ast.walk(self._tree) for child in ast.iter_child_nodes(node)
        }
        self._names: dict[str, _Value] = {function.own_name: _Value(frozenset({module}))}
        for _ in range(3):  # names may be assigned from names
            self._bind_all()
        self._answers = any(map(_source.answers, ast.walk(self._tree)))
        self._uses: list[tuple[ast.expr, _Value]] = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.expr) and not isinstance(_context(node), (ast.Store, ast.Del)):
                value = self._value(node)
                if value.modules:
                    self._uses.append((node, value))

    def doubts(self, path: Path, ran: Ran) -> Iterator[tuple[int, str]]:
        """Yield lines, and what is done there with modules on the path."""
        self._path, self._ran = path, ran
        for node, value in self._uses:
            if value.modules & (path.whole | path.parts):
                what = self._judge(node, value)
                if what:
                    yield node.lineno, what

    def calls(self, line: int, modules: frozenset[nn.Module]) -> bool:
        """Tell whether the statement on a line calls one of the modules."""
        for node, value in self._uses:
            if value.modules & modules and isinstance(
                self._parents.get(node), (ast.Call, ast.Attribute)
            ):
                statement: Any = node
                while not isinstance(statement, ast.stmt):
                    statement = self._parents[statement]
                if statement.lineno <= line <= (statement.end_lineno or 0):
                    return True
        return False

    # What is done with an expression.

    def _judge(self, node: ast.expr, value: _Value) -> str:
        """Return what is wrong with one use of modules on the path; empty if nothing is."""
        parent: Any = self._parents.get(node)
        if isinstance(parent, ast.Call) and parent.func is node:
            return self._judge_call(node, value)
        if isinstance(parent, ast.Call) and _name(parent.func) in _CHECKPOINTS:
            reached = value.modules | self._elements(value).modules
            return self._judge_call(node, value._replace(modules=reached, wrapped=False))
        if isinstance(parent, ast.Attribute):
            return self._judge_attribute(parent, value)
        asked = isinstance(parent, ast.Call) and _name(parent.func) in (
            "isinstance",
            "type",
            "hasattr",
        )
        norms = {m for m in value.modules & self._path.parts if isinstance(m, nn.BatchNorm2d)}
        if asked and norms and self._answers and not value.searched:
            return f"asks what {self._shown(value)} is"
        if self._is_followed(node, parent) or not self._is_passed_on(node, parent):
            return ""
        if value.searched or (
            value.modules == {self._module} and self._gives_itself_safely(parent)
        ):
            return ""
        return f"passes {self._shown(value)} on"

    def _gives_itself_safely(self, parent: Any) -> bool:
        """Tell whether the module as a whole may be passed on here."""
        its_own = alone = False
        if isinstance(parent, ast.Call):
            # Base.forward(self, x), whose function is read too.
            its_own = hasattr(type(self._module), getattr(parent.func, "attr", " "))
            # Alone, the module has no value to compute with.
            alone = len(parent.args) == 1 and not parent.keywords
        return (
            its_own
            or alone
            or isinstance(parent, ast.Return)
            or not self._answers
            or not self._makes_layers()
        )

    def _judge_call(self, node: ast.expr, value: _Value) -> str:
        parts = value.modules & self._path.parts
        if not parts:
            return ""
        if value.some:
            return f"decides at run time which of {self._shown(value)} it calls"
        if self._was_run(node) or self._is_paired(node):
            return ""
        return f"may call {self._shown(value)} otherwise"

    def _is_paired(self, node: ast.expr) -> bool:
        call: Any = self._parents[node]
        path = self._path
        return isinstance(call, ast.Call) and _pairs.are_together(
            call, self._parents, lambda n: self._value(n).modules, path.convolution, path.norm
        )

    def _judge_attribute(self, attribute: ast.Attribute, value: _Value) -> str:
        parent = self._parents.get(attribute)
        if attribute.attr in _CALLS and isinstance(parent, ast.Call) and parent.func is attribute:
            return self._judge_call(attribute, value)
        parts = value.modules & self._path.parts
        tensors = any(attribute.attr in {**m._parameters, **m._buffers} for m in parts)
        if tensors and self._answers and not self._was_run(attribute):
            return f"may use tensors of {self._shown(value)}"
        return ""

    def _is_followed(self, node: ast.expr, parent: Any) -> bool:
        """Tell whether the parent is judged for what it has of the node."""
        if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            return all(isinstance(t, (ast.Name, ast.Tuple, ast.List)) for t in targets)
        inside = isinstance(parent, ast.expr) and self._value(parent) != _NOTHING
        return inside or isinstance(parent, (ast.For, ast.comprehension))

    def _is_passed_on(self, node: ast.expr, parent: Any) -> bool:
        """Tell whether a use is more than a look: a test, a count, a part of a text."""
        if isinstance(parent, ast.Call):
            return _name(parent.func) not in _LOOKS
        looks = (ast.Compare, ast.UnaryOp, ast.BoolOp, ast.IfExp, ast.If, ast.While, ast.Assert,
                 ast.Expr, ast.FormattedValue, ast.Subscript, ast.Delete)  # fmt: skip
        return not isinstance(parent, looks)

    def _makes_layers(self) -> bool:
        """Tell whether the function's class makes the layers, or builds on one that does."""
        mro = type(self._module).__mro__
        layers = self._path.whole | self._path.parts
        names = {name for name, child in self._module._modules.items() if child in layers}
        makers = [owner for name in names for owner in self._makers.get(name, ())]
        return not makers or mro.index(self.function.owner) <= max(map(mro.index, makers))

    def _shown(self, value: _Value) -> str:
        modules = value.modules & (self._path.parts or self._path.whole) or value.modules
        names = [name for name, child in self._module.named_modules() if child in modules]
        return " and ".join(names[:2]) if all(names[:2]) else "itself"

    def _was_run(self, node: ast.AST) -> bool:
        """Tell whether the trace ran the expression, for certain."""
        below: Any = node
        above: Any = self._parents.get(node)
        while not isinstance(below, ast.stmt):
            if above is None or _source.is_conditional(below, above):
                return False
            below, above = above, self._parents.get(above)
        body = getattr(below, "body", None)
        last = body[0].lineno - 1 if body and isinstance(body, list) else below.end_lineno
        return self._ran(self.function, below.lineno, max(below.lineno, last or 0))

    # Which modules an expression may be.

    def _bind_all(self) -> None:
        given: dict[str, list[_Value]] = defaultdict(list)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value, given)
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                self._bind(node.target, node.value, given)
            elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
                for target, each in _source.loops(node):
                    for name in _names(target):
                        given[name].append(self._elements(self._value(each)))
        for name, values in given.items():
            if name != self.function.own_name:
                self._names[name] = _union(values, some=len(values) > 1)

    def _bind(self, target: ast.expr, given: ast.expr, to: dict[str, list[_Value]]) -> None:
        pairs = isinstance(target, (ast.Tuple, ast.List)) and isinstance(
            given, (ast.Tuple, ast.List)
        )
        if pairs and len(target.elts) == len(given.elts):  # type: ignore[attr-defined]
            for one, value in zip(target.elts, given.elts, strict=True):  # type: ignore[attr-defined]
                self._bind(one, value, to)
            return
        value = self._value(given)
        if not isinstance(target, ast.Name):
            value = self._elements(value)
        for name in _names(target):
            if value.modules:
                to[name].append(value)

    def _value(self, node: ast.AST) -> _Value:
        if isinstance(node, ast.Name):
            return self._names.get(node.id, _NOTHING)
        if isinstance(node, ast.Attribute):
            base = self._value(node.value)
            if node.attr == "_modules":
                return _children(base)
            return _NOTHING if base.wrapped else _named(base, node.attr)
        if isinstance(node, ast.Subscript):
            return self._item(node)
        if isinstance(node, ast.Call):
            return self._answer(node)
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return _union(map(self._value, node.elts), wrapped=True)
        if isinstance(node, ast.Starred):
            return self._elements(self._value(node.value))
        if isinstance(node, ast.Dict):
            return _union(map(self._value, node.values), wrapped=True)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            return _union(
                [self._value(node.elt)], wrapped=True, some=any(g.ifs for g in node.generators)
            )
        if isinstance(node, ast.IfExp):
            return _union(map(self._value, (node.body, node.orelse)), some=True)
        if isinstance(node, ast.BoolOp):
            return _union(map(self._value, node.values), some=True)
        if isinstance(node, ast.NamedExpr):
            return self._value(node.value)
        return _NOTHING

    def _item(self, node: ast.Subscript) -> _Value:
        base = self._value(node.value)
        if not base.modules:
            return _NOTHING
        elements = self._elements(base)
        if base.some or not _source.is_constant(node.slice):
            return elements._replace(wrapped=isinstance(node.slice, ast.Slice), some=True)
        if base.wrapped:
            return elements._replace(wrapped=isinstance(node.slice, ast.Slice))
        try:
            found = [m[_source.written_index(node.slice)] for m in base.modules]  # type: ignore[index,unused-ignore]
        except Exception:
            return elements
        value = base._replace(modules=frozenset(found))
        return _children(value) if isinstance(node.slice, ast.Slice) else value

    def _answer(self, node: ast.Call) -> _Value:
        name, arguments = _name(node.func), node.args
        if isinstance(node.func, ast.Name):
            if name == "getattr" and len(arguments) > 1:
                base = self._value(arguments[0])
                if isinstance(arguments[1], ast.Constant):
                    return _named(base, str(arguments[1].value))
                return _children(base)._replace(wrapped=False, some=True, searched=True)
            if name == "next" and arguments:
                return self._elements(self._value(arguments[0]))._replace(some=True)
            if name in _WRAPPERS:
                return _union((self._elements(self._value(a)) for a in arguments), wrapped=True)
            return _NOTHING
        if not isinstance(node.func, ast.Attribute):
            return _NOTHING
        base = self._value(node.func.value)
        if name in ("values", "items", "children", "named_children"):
            own = base.modules == {self._module}
            return self._elements(base)._replace(wrapped=True, searched=own)
        if name in ("modules", "named_modules", "get_submodule") and base.modules:
            inside = frozenset(inner for m in base.modules for inner in m.modules())
            return _Value(inside, name != "get_submodule", name == "get_submodule", True)
        return _NOTHING

    @staticmethod
    def _elements(value: _Value) -> _Value:
        return (
            value._replace(wrapped=False)
            if value.wrapped
            else _children(value)._replace(wrapped=False)
        )


def _children(value: _Value) -> _Value:
    inside = frozenset(c for m in value.modules for c in m._modules.values() if c is not None)
    return value._replace(modules=inside, wrapped=True)


def _named(value: _Value, name: str) -> _Value:
    found = (m._modules.get(name) for m in value.modules)
    return value._replace(modules=frozenset(c for c in found if c is not None))


def _union(values: Any, wrapped: bool = False, some: bool = False) -> _Value:
    given = [value for value in values if value.modules]
    modules = frozenset(m for value in given for m in value.modules)
    if not modules:
        return _NOTHING
    return _Value(
        modules,
        wrapped or any(v.wrapped for v in given),
        (some and len(modules) > 1) or any(v.some for v in given),
        any(v.searched for v in given),
    )


def _names(target: ast.AST) -> Iterator[str]:
    yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _context(node: ast.AST) -> Any:
    return getattr(node, "ctx", None)


def _name(node: ast.AST) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))
