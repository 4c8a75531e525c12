"""The Python source of models: which functions a module has, and what their lines decide.

All lines are numbers in the file, as code objects and frames tell them.
"""

from __future__ import annotations

import ast
import functools
import linecache
import os
import sys
import sysconfig
import types
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

_STDLIB = os.path.join(sysconfig.get_paths()["stdlib"], "")
_NOT_MODELS = (
    os.path.join(os.path.dirname(torch.__file__), ""),
    os.path.join(os.path.dirname(__file__), ""),
    "<frozen",
    "<eval_with_key>",  # code that torch.fx generates, which has no branches
)


@functools.cache
def is_models(file: str) -> bool:
    """Tell whether the file is other people's code: neither torch's, nor Python's, nor plait's."""
    stdlib = file.startswith(_STDLIB) and "site-packages" not in file
    return not stdlib and not file.startswith(_NOT_MODELS)


def is_torchs(cls: type) -> bool:
    """Tell whether a class comes with torch or Python."""
    package = cls.__module__.partition(".")[0]
    return package == "torch" or package in sys.stdlib_module_names


class Function(NamedTuple):
    """A function that a module's class, or the module itself, has."""

    owner: type
    name: str
    own_name: str  # the function's name for the module, usually self
    code: types.CodeType
    tree: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None

    @property
    def file(self) -> str:
        """Return the name of its file, without folders."""
        return os.path.basename(self.code.co_filename)


_OF_DATACLASSES = ("__repr__", "__eq__", "__hash__", "__lt__", "__le__", "__gt__", "__ge__")


def functions(module: nn.Module) -> Iterator[Function]:
    """Yield all functions of the module that do not come with torch or Python."""
    seen: set[types.CodeType] = set()
    for owner in (None, *type(module).__mro__):
        if owner is not None and is_torchs(owner):
            continue
        members = vars(module) if owner is None else vars(owner)
        for name, value in list(members.items()):
            for code in _codes(value):
                written = code.co_filename == "<string>" and name in _OF_DATACLASSES
                if code not in seen and not written:
                    seen.add(code)
                    bound = code.co_argcount and not isinstance(value, (staticmethod, classmethod))
                    own_name = code.co_varnames[0] if bound else ""
                    tree = file_of(code).function(code)
                    yield Function(owner or type(module), name, own_name, code, tree)


def _codes(value: Any, depth: int = 4) -> Iterator[types.CodeType]:
    """Find the functions that a member of a class stands for, under whatever decorators."""
    inner: list[Any] = []
    if isinstance(value, (staticmethod, classmethod, types.MethodType)):
        inner = [value.__func__]
    elif isinstance(value, property):
        inner = [value.fget, value.fset, value.fdel]
    elif isinstance(value, (functools.partial, functools.partialmethod, functools.cached_property)):
        inner = [value.func]
    elif isinstance(value, types.FunctionType):
        if is_models(value.__code__.co_filename):
            yield value.__code__
        inner = [getattr(value, "__wrapped__", None)]
        for cell in value.__closure__ or ():
            try:
                inner.append(cell.cell_contents)
            except ValueError:  # the cell is still empty
                continue
    for one in inner if depth else ():
        yield from _codes(one, depth - 1)


def only_at_start(model: nn.Module) -> set[str]:
    """Return the names of __init__ and of private functions that, in all modules, it alone uses."""
    users: dict[str, set[str]] = defaultdict(set)
    names: set[str] = set()
    seen: set[types.CodeType] = set()
    for module in model.modules():
        for function in functions(module):
            if function.code in seen:
                continue
            seen.add(function.code)
            names.add(function.name)
            for node in ast.walk(function.tree) if function.tree is not None else ():
                if isinstance(node, ast.Attribute):
                    users[node.attr].add(function.name)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    users[node.value].add(function.name)
    found = {"__init__"}
    private = {name for name in names if name.startswith("_") and not name.endswith("__")}
    for _ in range(4):  # functions of __init__ may use further functions
        others = {name: users[name] - {name} for name in private}
        found |= {name for name, by in others.items() if by and by <= found}
    return found


def makers(functions: list[Function]) -> dict[str, set[type]]:
    """Return the classes that assign each attribute."""
    found: dict[str, set[type]] = defaultdict(set)
    for function in functions:
        for node in ast.walk(function.tree) if function.tree is not None else ():
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found[node.attr].add(function.owner)
    return found


class File:
    """A file as a syntax tree; one that cannot be read has none."""

    def __init__(self, lines: list[str]) -> None:
        self._functions: dict[int, list[Any]] = defaultdict(list)
        self._deciding: dict[int, list[ast.AST]] = defaultdict(list)
        self._named_parts: set[int] = set()
        self.readable = bool(lines)
        try:
            tree = ast.parse("".join(lines))
        except (SyntaxError, ValueError):
            self.readable = False
            return
        for node in _run_nodes(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                decorators = getattr(node, "decorator_list", [])
                first = min([node.lineno, *(d.lineno for d in decorators)])
                self._functions[first].append(node)
            if isinstance(node, ast.NamedExpr):
                self._named_parts.add(node.lineno)
            where = _deciding_part(node)
            if where is not None:
                for line in range(where.lineno, (where.end_lineno or where.lineno) + 1):
                    self._deciding[line].append(node)

    def function(self, code: types.CodeType) -> Any:
        """Return the tree of a function, or None."""
        found = [
            node
            for node in self._functions.get(code.co_firstlineno, ())
            if getattr(node, "name", "<lambda>") == code.co_name
        ]
        return found[0] if len(found) == 1 else None

    def deciding(self, line: int) -> list[ast.AST]:
        """Return what on the line is decided at run time: tests, loops, variable indices."""
        return self._deciding.get(line, [])

    def names_and_decides(self, line: int) -> bool:
        """Tell whether one line both names a part of an expression (`:=`) and decides."""
        return line in self._named_parts and line in self._deciding


_files: dict[str, tuple[list[str], File]] = {}


def file_of(code: types.CodeType) -> File:
    """Return the file of a piece of code."""
    lines = linecache.getlines(code.co_filename)
    known = _files.get(code.co_filename)
    if known is None or known[0] is not lines:
        known = _files[code.co_filename] = (lines, File(lines))
    return known[1]


def _run_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but annotations, which are not run."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns"):
                todo += [v for v in (value if isinstance(value, list) else [value])
                         if isinstance(v, ast.AST)]  # fmt: skip


def _deciding_part(node: ast.AST) -> Any:
    """Return the expression whose value decides, if the node decides something; else None."""
    if isinstance(node, ast.If):
        harmless = all(isinstance(s, ast.Raise) for s in node.body) and not node.orelse
        return None if harmless else node.test
    if isinstance(node, (ast.While, ast.IfExp)):
        return node.test
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return node.iter
    if isinstance(node, ast.Match):
        return node.subject
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.BoolOp)):
        return node
    if isinstance(node, ast.Subscript):
        variable = isinstance(node.ctx, ast.Load) and not is_constant(node.slice)
        return node if variable else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):  # a list that is repeated
        lists = (ast.List, ast.Tuple)
        return node if isinstance(node.left, lists) or isinstance(node.right, lists) else None
    if isinstance(node, ast.Call):
        name = _called(node.func)
        picked = node.args[1:2] if name == "getattr" else node.args[:1]
        return node if name in _PICKS and not all(map(is_constant, picked)) else None
    return None


_PICKS = ("getattr", "get", "pop", "setdefault", "itemgetter", "attrgetter", "__getitem__")


def is_constant(index: ast.AST) -> bool:
    """Tell whether an index or name is written out: a number, a text, a slice of numbers."""
    if isinstance(index, ast.UnaryOp):
        return is_constant(index.operand)
    if isinstance(index, ast.Slice):
        parts = (index.lower, index.upper, index.step)
        return all(part is None or is_constant(part) for part in parts)
    if isinstance(index, ast.Tuple):
        return all(map(is_constant, index.elts))
    return isinstance(index, ast.Constant)


def answers(node: ast.AST) -> bool:
    """Tell whether a function that has this node gives numbers to anybody."""
    if isinstance(node, ast.Return):
        return node.value is not None
    stored = isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store)
    return stored or isinstance(node, (ast.Yield, ast.YieldFrom))


def is_conditional(node: ast.AST, parent: ast.AST) -> bool:
    """Tell whether the node may be left out when its parent is run."""
    if isinstance(parent, ast.IfExp):
        return node is not parent.test
    if isinstance(parent, ast.BoolOp):
        return node is not parent.values[0]
    if isinstance(parent, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        return not isinstance(node, ast.comprehension) and any(g.ifs for g in parent.generators)
    return isinstance(parent, (ast.Lambda, ast.Assert))


def written_index(written: ast.expr) -> Any:
    """Return the index, or slice, that is written between brackets."""
    if not isinstance(written, ast.Slice):
        return ast.literal_eval(written)
    parts = (written.lower, written.upper, written.step)
    return slice(*(None if part is None else ast.literal_eval(part) for part in parts))


def loops(loop: Any) -> list[tuple[ast.expr, ast.expr]]:
    """Return what a loop goes over, each with the names that it gives its elements."""
    parts = getattr(loop.target, "elts", [])
    over = loop.iter
    together = isinstance(over, ast.Call) and _called(over.func) == "zip"
    if together and len(parts) == len(over.args):
        return list(zip(parts, over.args, strict=True))
    return [(varying_part(loop), over)]


def varying_part(loop: Any) -> ast.expr:
    """Return the part of a loop's target that is not a number or a name in front."""
    pairs = _called(getattr(loop.iter, "func", loop)) in ("enumerate", "items", "named_children",
                                                        "named_modules")  # fmt: skip
    if pairs and isinstance(loop.target, ast.Tuple):
        return loop.target.elts[-1]
    target: ast.expr = loop.target
    return target


def _called(node: ast.AST) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


# --- what is decided by how the model is built ----------------------------------------------------

_MISSING = object()
_OF_CHILDREN = ("children", "named_children", "values", "items")
_IN_ORDER = ("enumerate", "zip", "reversed", "list", "tuple")


def is_structural(node: Any, module: Any, own_name: str) -> bool:
    """Tell whether the outcome follows from which modules `module` has, not from flags or numbers.

    Training counts as such too, since a converted layer refuses it.
    """
    again = functools.partial(is_structural, module=module, own_name=own_name)
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        return again(node.test)
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return _is_over_modules(node.iter, module, own_name)
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return all(
            _is_over_modules(loop.iter, module, own_name) and all(map(again, loop.ifs))
            for loop in node.generators
        )
    if isinstance(node, ast.BoolOp):
        return all(map(again, node.values))
    if isinstance(node, ast.UnaryOp):
        return again(node.operand)
    if isinstance(node, ast.Compare):
        by_identity = all(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops)
        none = all(isinstance(c, ast.Constant) and c.value is None for c in node.comparators)
        return by_identity and none and again(node.left)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            # A batch norm may have been replaced by another.
            asked = _resolve(node.args[0], module, own_name)
            return isinstance(asked, nn.Module) and not isinstance(asked, nn.BatchNorm2d)
        return isinstance(node.func, ast.Attribute) and node.func.attr == "is_scripting"
    if isinstance(node, ast.Attribute) and node.attr == "training":
        return True
    found = _resolve(node, module, own_name)
    return found is None or isinstance(found, nn.Module)


def _is_over_modules(node: ast.AST, module: Any, own_name: str) -> bool:
    """Tell whether a loop runs over all modules of a container, or some that are written out."""
    again = functools.partial(_is_over_modules, module=module, own_name=own_name)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            return node.func.id in _IN_ORDER and all(map(again, node.args))
        return isinstance(node.func, ast.Attribute) and (
            node.func.attr in _OF_CHILDREN and again(node.func.value)
        )
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(again, node.elts))
    return isinstance(_resolve(node, module, own_name), nn.Module)


def _resolve(node: ast.AST, module: Any, own_name: str) -> Any:
    """Return what `self.a.b` is, without running any of the model's code."""
    if isinstance(node, ast.Name):
        return module if node.id == own_name else _MISSING
    if not isinstance(node, ast.Attribute):
        return _MISSING
    base = _resolve(node.value, module, own_name)
    if not isinstance(base, nn.Module):
        return _MISSING
    return {**vars(base), **base._modules}.get(node.attr, _MISSING)


def enclosing(function: Any, line: int) -> list[tuple[ast.AST, str]]:
    """Return the statements that decide whether the line is run, and in which part of them it is.

    The outermost is the first.
    """
    found: list[tuple[ast.AST, str]] = []
    body = function.body if isinstance(function.body, list) else []
    while True:
        inside = [s for s in body if s.lineno <= line <= (s.end_lineno or s.lineno)]
        if not inside:
            return found
        body, part = _part(inside[-1], line)
        if not isinstance(inside[-1], (ast.With, ast.AsyncWith)) and part:
            found.append((inside[-1], part))


def _part(statement: Any, line: int) -> tuple[list[Any], str]:
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for one in getattr(statement, part, None) or []:
            inner = [one] if isinstance(one, ast.stmt) else one.body
            first, last = inner[0].lineno, inner[-1].end_lineno
            if first <= line <= (last or first):
                return inner, part
    return [], ""
