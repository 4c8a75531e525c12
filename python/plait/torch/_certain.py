"""Whether a batch norm follows its convolution in every call of a model, not only in the traced.

It does if the model's code cannot take the convolution's output elsewhere, nor feed the batch norm
otherwise: where it decides anything, which modules the model has is all that counts, and code that
the trace did not run calls, if anything, blocks that hold both.
"""

from __future__ import annotations

import ast
import os
from typing import Any

from torch import nn

from plait.torch import _hooks, _reach, _source
from plait.torch._watch import Site, Watch


def doubt(model: nn.Module, code: _reach.Code, watch: Watch, convolution: str, norm: str) -> str:
    """Return why other calls could differ from the traced one; empty if none can."""
    if _hooks.watch_all():
        return "forward hooks of all modules are registered"
    if convolution in watch.doubts:
        return watch.doubts[convolution]
    layers = model.get_submodule(convolution), model.get_submodule(norm)
    # The innermost call that is under way at both: what is inside of it lies between the two.
    here, there = (_innermost(watch.sites[name], layers) for name in (convolution, norm))
    if here is None or there is None or here.call != there.call:
        names = [site.code.co_name if site else "a function" for site in (here, there)]
        return f"{convolution} and its batch norm are called apart, by {names[0]} and {names[1]}"
    reason = _between(watch.sites[convolution], here, there, convolution)
    if reason:
        return reason
    assert here.module is not None
    steps = dict.fromkeys([*_path(model, convolution), *_path(model, norm)])
    inner = set(here.module.modules()) - {here.module}
    whole = frozenset(m for m in steps if m not in inner)
    path = _reach.Path(whole, frozenset(steps) - whole, *layers)
    for site, name in ((here, convolution), (there, norm)):
        reached = frozenset(_path(model, name)) - whole
        if site.is_models and not code.shows(site.module, site.code, site.line, reached):
            return f"the code of {site.code.co_name} does not show how it calls {name}"
    for module in steps:
        if module not in layers:
            for reason in code.doubts(module, path, watch.ran_for(module)):
                return reason
    return ""


def _path(model: nn.Module, name: str) -> list[nn.Module]:
    """Return the modules from the model to the named one."""
    found = [model]
    for part in name.split(".") if name else ():
        found.append(found[-1].get_submodule(part))
    return found


def _innermost(sites: list[Site], layers: tuple[nn.Module, nn.Module]) -> Site | None:
    for site in sites:
        if site.module is not None and set(layers) <= set(site.module.modules()):
            return site
    return None


def _between(sites: list[Site], here: Site, there: Site, convolution: str) -> str:
    """Compare what decides whether convolution and batch norm are run."""
    for site in sites[: sites.index(here) + 1]:
        if not site.is_models:
            continue
        branches = _branches(site)
        if branches is None:
            return f"the code of {site.code.co_name} cannot be read"
        after = (_branches(there) or []) if site is here else []
        outside = [branch for branch in branches if branch not in after]
        where = f"{os.path.basename(site.code.co_filename)}, line {site.line}"
        if any(isinstance(statement, ast.Try) for statement, _ in branches + after):
            return f"an exception decides what follows {convolution} ({where})"
        if outside:
            return f"a branch decides whether {convolution} is called ({where})"
        if _source.file_of(site.code).names_and_decides(site.line):
            return f"forward branches while the output of {convolution} is in use ({where})"
    return ""


def _branches(site: Site) -> list[tuple[Any, str]] | None:
    """Return what decides, by more than the modules that there are, whether the line is run."""
    if site.code.co_name.startswith("<"):  # part of a function that is looked at itself
        return []
    function = _source.file_of(site.code).function(site.code)
    if function is None:
        return None
    own_name = site.code.co_varnames[0] if site.code.co_argcount else ""
    return [
        (statement, part)
        for statement, part in _source.enclosing(function, site.line)
        if not _source.is_structural(statement, site.module, own_name)
    ]
