"""Watches a model's own code while it is traced: what it runs, and where it decides something.

A trace shows one way through a model. Another flag, argument or attribute can lead another way at
any place where the code decides; that matters to a convolution while its output can still be
reached there.
"""

from __future__ import annotations

import dis
import functools
import gc
import itertools
import os
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from torch import fx, nn

from plait.torch import _source


class Site(NamedTuple):
    """Where a frame was while a layer was called; calls that are still running share `call`."""

    module: nn.Module | None  # the module whose function runs
    call: int
    code: types.CodeType
    line: int

    @property
    def is_models(self) -> bool:
        """Tell whether the code is the model's, not torch's."""
        return _source.is_models(self.code.co_filename)


class Watch:
    """Sees what one trace does.

    Attributes
    ----------
    sites : dict
        From a layer's name to the frames from which it was last called, the innermost first.
    doubts : dict
        From a convolution's name to why another call of the model could use its output otherwise.
    """

    def __init__(self) -> None:
        self.sites: dict[str, list[Site]] = {}
        self.doubts: dict[str, str] = {}
        self._outputs: dict[str, weakref.ref[Any]] = {}
        self._used: set[str] = set()  # the outputs that were inputs of a layer
        self._lines: set[tuple[int, str, int]] = set()
        self._calls: dict[int, int] = {}  # by the id of a frame
        self._count = itertools.count()

    def run(self, traced: Callable[[], Any]) -> Any:
        """Call what makes a trace, watching it."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return traced()
        finally:
            sys.settrace(before)

    def ran_for(self, module: nn.Module) -> Callable[[_source.Function, int, int], bool]:
        """Return what tells whether a function ran for this very module, from line to line."""

        def ran(function: _source.Function, first: int, last: int) -> bool:
            key = id(module), function.code.co_filename
            return any((*key, line) in self._lines for line in range(first, last + 1))

        return ran

    def called(self, name: str, inputs: Any, output: Any) -> None:
        """Note a layer's call, which is under way, and its output if that is to be watched."""
        for other, watched in self._outputs.items():
            if any(watched() is given for given in inputs):
                self._used.add(other)
        self.sites[name] = [
            Site(_own_module(f), self._calls.get(id(f), -1), f.f_code, f.f_lineno)
            for f in _frames(sys._getframe(1))
            if _own_module(f) is not None or _source.is_models(f.f_code.co_filename)
        ]
        if output is not None:
            self._outputs[name] = weakref.ref(output)

    def end(self) -> None:
        """Doubt the outputs that somebody still holds when the trace is over."""
        if any(output() is not None for output in self._outputs.values()):
            gc.collect()
        for name, output in self._outputs.items():
            if output() is not None:
                self.doubts.setdefault(name, f"the output of {name} is kept by the model")

    def _enter(self, frame: types.FrameType, event: str, _: object) -> Any:
        self._calls[id(frame)] = next(self._count)
        return self._line if _source.is_models(frame.f_code.co_filename) else None

    def _line(self, frame: types.FrameType, event: str, returned: object) -> Any:
        if event == "return" and returned is not None:
            self._judge_answer(frame, returned)
        if event == "line":
            module = next(filter(None, map(_own_models_module, _frames(frame))), None)
            self._lines.add((id(module), frame.f_code.co_filename, frame.f_lineno))
            self._judge(frame, module)
        return self._line

    def _judge_answer(self, frame: types.FrameType, returned: object) -> None:
        """Doubt the outputs that a function returns after a layer used them: others call it too."""
        for name in self._used - self.doubts.keys():
            output = self._outputs[name]()
            if output is not None and any(value is output for value in _inside(returned)):
                function = frame.f_code.co_name
                self.doubts[name] = f"{function} returns the output of {name} beside what follows"

    def _judge(self, frame: types.FrameType, module: nn.Module | None) -> None:
        """Doubt the outputs that can be read where the code decides by more than its modules."""
        alive = {}
        for name, output in self._outputs.items():
            if name not in self.doubts and (proxy := output()) is not None:
                alive[id(proxy)] = name
        if not alive or not self._decides(frame, module):
            return
        where = f"{os.path.basename(frame.f_code.co_filename)}, line {frame.f_lineno}"
        for value in _reachable(frame):
            if id(value) in alive:
                name = alive.pop(id(value))
                self.doubts[name] = (
                    f"forward branches while the output of {name} is in use ({where})"
                )

    def _decides(self, frame: types.FrameType, module: nn.Module | None) -> bool:
        file, code = _source.file_of(frame.f_code), frame.f_code
        inner = code.co_name.startswith("<")  # a comprehension, which uses its function's names
        own_name = "self" if inner or not code.co_argcount else code.co_varnames[0]
        if not file.readable:  # code that namedtuple and dataclass generate is harmless
            return code.co_filename != "<string>" or _own_module(frame) is not None
        return not all(
            _source.is_structural(node, module, own_name) for node in file.deciding(frame.f_lineno)
        )


def _frames(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    while frame is not None and frame.f_code is not Watch.run.__code__:
        yield frame
        frame = frame.f_back


def _own_module(frame: types.FrameType) -> nn.Module | None:
    """Return the module that a function was called for, if it is one of a module."""
    code = frame.f_code
    own = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    return own if isinstance(own, nn.Module) else None


def _own_models_module(frame: types.FrameType) -> nn.Module | None:
    return _own_module(frame) if _source.is_models(frame.f_code.co_filename) else None


def _reachable(frame: types.FrameType) -> Iterator[Any]:
    """Yield what the model's running functions can still read."""
    for outer in _frames(frame):
        if _source.is_models(outer.f_code.co_filename):
            values = outer.f_locals
            for name in _read_later(outer):
                yield from _inside(values.get(name))


def _inside(value: Any, depth: int = 4) -> Iterator[Any]:
    """Yield a value and what it holds."""
    yield value
    if depth == 0 or isinstance(value, (fx.Proxy, fx.Node, fx.Tracer, type, types.ModuleType)):
        return
    inner: Any = ()
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        inner = list(value)
    elif isinstance(value, nn.Module):
        inner = [v for k, v in vars(value).items() if k not in ("_modules", "_parameters")]
    elif isinstance(value, types.GeneratorType):
        inner = list(value.gi_frame.f_locals.values()) if value.gi_frame else []
    elif isinstance(value, types.FunctionType):
        inner = [c.cell_contents for c in value.__closure__ or () if c != types.CellType()]
    elif isinstance(value, types.MethodType):
        inner = [value.__func__]
    elif hasattr(value, "__dict__"):
        inner = list(vars(value).values())
    for one in inner:
        yield from _inside(one, depth - 1)


def _read_later(frame: types.FrameType) -> set[str]:
    """Return the local variables that the function may read from here on."""
    code = frame.f_code
    reads, loops = _reads(code)
    here = min([start for start, end in loops if start <= frame.f_lasti <= end] + [frame.f_lasti])
    shared = set(code.co_cellvars) | set(code.co_freevars)
    return shared | {name for offset, name in reads if offset >= here}


@functools.cache
def _reads(code: types.CodeType) -> tuple[list[tuple[int, str]], list[tuple[int, int]]]:
    """Return where local variables are read, and first and last instruction of each loop."""
    reads: list[tuple[int, str]] = []
    loops: list[tuple[int, int]] = []
    for step in dis.get_instructions(code):
        if "LOAD_FAST" in step.opname:
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            reads += [(step.offset, name) for name in names]
        elif "JUMP" in step.opname and isinstance(step.argval, int) and step.argval < step.offset:
            loops.append((step.argval, step.offset))
    return reads, loops
