"""Whether a trace of a forward shows what every call of it does.

It does if the code computes on its arguments by torch's functions and the module's children alone,
and decides by plain attributes at most, whose values can be compared again.
"""

from __future__ import annotations

import ast
import inspect
import types
from typing import Any

from torch import nn

from plait.torch import _source

_VALUES = (bool, int, float, str, type(None))
_STATEMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.If, ast.Pass)
_EXPRESSIONS = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Tuple, ast.List, ast.Subscript, ast.Slice,
    ast.Constant, ast.Name, ast.Attribute, ast.Call, ast.keyword, ast.operator, ast.unaryop,
    ast.boolop, ast.cmpop, ast.expr_context, ast.IfExp,
)  # fmt: skip


class NotPlainError(Exception):
    """Why a forward's trace does not show all of its calls."""


def deciding_attributes(module: nn.Module) -> dict[str, Any]:
    """Return the attributes, with their values, that the module's forward reads.

    Raises NotPlainError if more than these could lead its calls another way.
    """
    kind = type(module)
    if kind.__call__ is not nn.Module.__call__ or kind.__getattr__ is not nn.Module.__getattr__:
        raise NotPlainError(f"{kind.__name__} is called in a way of its own")
    if kind.forward is nn.Sequential.forward:
        return {}
    reader = _Reader(module)
    reader.read(kind.forward)
    return reader.attributes


class _Reader:
    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self.attributes: dict[str, Any] = {}
        self._seen: set[types.CodeType] = set()

    def read(self, function: Any) -> None:
        """Look at a method, and at those that it calls."""
        if not isinstance(function, types.FunctionType):
            raise NotPlainError("its forward is no plain function")
        code = function.__code__
        if code in self._seen:
            return
        self._seen.add(code)
        tree = _source.file_of(code).function(code)
        if not isinstance(tree, ast.FunctionDef) or code.co_freevars or tree.decorator_list:
            raise NotPlainError(f"the code of {code.co_name} cannot be read")
        kinds = {p.kind for p in inspect.signature(function).parameters.values()}
        if kinds != {inspect.Parameter.POSITIONAL_OR_KEYWORD} or function.__defaults__:
            raise NotPlainError(f"{code.co_name} has arguments that may be left out")
        self._own, self._globals = code.co_varnames[0], function.__globals__
        self._locals = set(code.co_varnames)
        for statement in tree.body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if not isinstance(node, _STATEMENTS):
            raise self._not(node)
        if isinstance(node, ast.If):
            for inner in node.body if self._is_true(node.test) else node.orelse:
                self._statement(inner)
            return
        for target in getattr(node, "targets", None) or [getattr(node, "target", None)]:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            if any(part is not None and not isinstance(part, ast.Name) for part in parts):
                raise self._not(node)
        value: ast.expr | None = getattr(node, "value", None)
        if value is not None:
            self._expression(value)

    def _is_true(self, test: ast.expr) -> bool:
        """Decide by the module's attributes as they are now."""
        for inner in ast.walk(test):
            if isinstance(inner, ast.Call) or (
                isinstance(inner, ast.Name) and not self._is_own(inner)
            ):
                raise self._not(test)
        self._expression(test)
        code = compile(ast.Expression(test), "<test>", "eval")
        return bool(eval(code, {"__builtins__": {}}, {self._own: self._module}))

    def _expression(self, node: ast.AST) -> None:
        if not isinstance(node, _EXPRESSIONS):
            raise self._not(node)
        if isinstance(node, ast.Call):
            self._call(node)
            return
        if isinstance(node, ast.IfExp):
            self._expression(node.body if self._is_true(node.test) else node.orelse)
            return
        if isinstance(node, ast.Attribute):
            if self._is_child(node.value):
                raise self._not(node)  # an attribute of a child may change without notice
            if not self._is_own(node.value):
                self._expression(node.value)
            elif not self._is_child(node):
                self._attribute(node)
            return
        if isinstance(node, ast.Name):
            if node.id == self._own or (node.id not in self._locals and not self._is_torchs(node)):
                raise self._not(node)
            return
        for child in ast.iter_child_nodes(node):
            self._expression(child)

    def _attribute(self, node: ast.Attribute) -> None:
        value = vars(self._module).get(node.attr, self)
        if type(value) not in _VALUES:
            raise self._not(node)
        self.attributes[node.attr] = value

    def _call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute) and self._is_own(function.value):
            if not self._is_child(function):
                self._method(node, function.attr)
        elif self._is_of_torch(function):
            # Without an argument of the call, the trace would have the answer as a constant.
            if not any(isinstance(n, ast.Name) and n.id in self._locals for n in ast.walk(node)):
                raise self._not(node)
        elif isinstance(function, ast.Attribute):
            self._expression(function.value)  # a tensor's method
        else:
            raise self._not(node)
        for given in (*node.args, *node.keywords):
            self._expression(given)

    def _method(self, node: ast.Call, name: str) -> None:
        if name in vars(self._module):
            raise self._not(node)
        state = self._own, self._globals, self._locals
        self.read(getattr(type(self._module), name, None))
        self._own, self._globals, self._locals = state

    def _is_child(self, node: ast.AST) -> bool:
        own = isinstance(node, ast.Attribute) and self._is_own(node.value)
        return own and node.attr in self._module._modules  # type: ignore[attr-defined]

    def _is_own(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._own

    def _is_of_torch(self, node: ast.AST) -> bool:
        """Tell whether an expression is one of torch's packages or functions."""
        if isinstance(node, ast.Attribute):
            return self._is_of_torch(node.value)
        return isinstance(node, ast.Name) and self._is_torchs(node)

    def _is_torchs(self, node: ast.Name) -> bool:
        """Tell whether a global name is a package, or a function, of torch."""
        value = None if node.id in self._locals else self._globals.get(node.id)
        if isinstance(value, types.ModuleType):
            name = value.__name__
        else:
            name = str(getattr(value, "__module__", "")) if callable(value) else ""
        return name.partition(".")[0] == "torch"

    def _not(self, node: ast.AST) -> NotPlainError:
        return NotPlainError(f"its code has {ast.unparse(node).splitlines()[0]!r}")
