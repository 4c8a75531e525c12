"""Calls of a convolution that hand its output to the batch norm at once, and to nobody else.

Methods beside forward often repeat its first lines; where they keep both together a fold is right.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from torch import nn


def are_together(
    call: ast.Call,
    parents: dict[ast.AST, ast.AST],
    modules_of: Callable[[ast.AST], frozenset[nn.Module]],
    convolution: nn.Module,
    norm: nn.Module,
) -> bool:
    """Tell whether a call of one of the two stands with one of the other.

    As ``norm(convolution(x))``, or as ``y = convolution(x)`` with ``y = norm(y)`` in the next line.
    """
    own = modules_of(call.func)
    if own == {convolution}:
        outer = parents.get(call)
        if _is_of(outer, norm, modules_of):
            return True
        following = _neighbour(outer, parents, 1)
        given = _argument(getattr(following, "value", None), norm, modules_of)
        name = _target(outer)
        return name != "" and name == _name(given) == _target(following)
    if own == {norm}:
        inner = _argument(call, norm, modules_of)
        if _is_of(inner, convolution, modules_of):
            return True
        statement = parents.get(call)
        before = _neighbour(statement, parents, -1)
        made = _is_of(getattr(before, "value", None), convolution, modules_of)
        return made and _target(before) == _name(inner) == _target(statement) != ""
    return False


def _is_of(node: Any, module: nn.Module, modules_of: Any) -> bool:
    return isinstance(node, ast.Call) and modules_of(node.func) == {module}


def _argument(call: Any, module: nn.Module, modules_of: Any) -> Any:
    """Return the one argument of a call of the module, else None."""
    alone = _is_of(call, module, modules_of) and len(call.args) == 1 and not call.keywords
    return call.args[0] if alone else None


def _target(statement: Any) -> str:
    """Return the one name that a statement assigns, else nothing."""
    alone = isinstance(statement, ast.Assign) and len(statement.targets) == 1
    return _name(statement.targets[0]) if alone else ""


def _name(node: Any) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _neighbour(statement: Any, parents: dict[ast.AST, ast.AST], step: int) -> Any:
    """Return the statement after, or before, in the same block."""
    above = parents.get(statement)
    for part in ("body", "orelse", "finalbody"):
        block = getattr(above, part, None)
        if isinstance(block, list) and statement in block:
            at = block.index(statement) + step
            return block[at] if 0 <= at < len(block) else None
    return None
