"""The forward of a module whose convolutions also do what follows them, as steps.

It stands beside the module's own forward, and runs only where that would do the same: for a call
like the traced one, while the module is as it was. A step whose modules are watched by hooks is
taken apart again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from plait.torch import _hooks
from plait.torch._module import Conv2d


class Slot(NamedTuple):
    """Stands for the value of a step in the arguments of another step."""

    number: int


class Step(NamedTuple):
    """One call: of a function, a module, a `Joined`, or, given as text, of a tensor's method."""

    call: Any
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    drop: tuple[int, ...] = ()  # slots that no later step uses


class Joined:
    """A convolution with the addition and the activation behind it.

    Attributes
    ----------
    layer : Conv2d or module with a `Fused` forward that ends with one
    between : modules without effect that the output went through
    activation : 'relu', 'relu6' or ''
    after : the module of the activation, or None for a function
    """

    def __init__(
        self, layer: nn.Module, between: tuple[nn.Module, ...], activation: str, after: Any
    ) -> None:
        self.layer, self.between, self.activation, self.after = layer, between, activation, after
        self._watched = tuple(m for m in (layer, *between, after) if isinstance(m, nn.Module))

    def __call__(self, input: torch.Tensor, residual: torch.Tensor | None = None) -> Any:  # noqa: A002
        """Compute all in one pass, or one after the other if hooks look at what lies between."""
        if not self.is_watched():
            try:
                return self.joined(input, residual, self.activation)
            except (TypeError, ValueError):  # torch computes it, or raises its own error
                pass
        y: torch.Tensor = self.layer(input)
        for module in self.between:
            y = module(y)
        if residual is not None:
            y = y + residual
        if isinstance(self.after, nn.Module):
            return self.after(y)
        return _FUNCTIONS[self.activation](y)

    def is_watched(self) -> bool:
        """Tell whether hooks look at the inputs or outputs of the calls that were joined."""
        return any(map(_hooks.watch, self._watched))

    def joined(self, input: torch.Tensor, residual: torch.Tensor | None, activation: str) -> Any:  # noqa: A002
        """Compute all in one pass. Raises ValueError where that is not possible."""
        if isinstance(self.layer, Conv2d):
            return self.layer.fused(input, residual, activation)
        inner = vars(self.layer).get("forward")
        if not isinstance(inner, Fused):
            raise ValueError("the module has another forward now")
        return inner.ended(input, residual, activation)


_FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "": lambda y: y,
    "relu": torch.relu,
    "relu6": nn.functional.relu6,
}


class Fused:
    """The steps that replace a module's forward; kept as the module's attribute `forward`."""

    def __init__(
        self,
        module: nn.Module,
        inputs: int,
        steps: list[Step],
        answer: Any,
        attributes: dict[str, Any],
    ) -> None:
        self._module, self._inputs, self._steps, self._answer = module, inputs, steps, answer
        self._children = tuple(module._modules.values())
        self._attributes = tuple(attributes.items())  # the values that the code branched on
        self._own = type(module).forward

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run the steps, or the module's own forward."""
        if options or not self._holds(args):
            return type(self._module).forward(self._module, *args, **options)
        return self._run(args)

    @property
    def __signature__(self) -> inspect.Signature:
        """Return the signature of the own forward, from which torch.export names inputs."""
        return inspect.signature(type(self._module).forward.__get__(self._module))

    @property
    def __code__(self) -> Any:
        """Return the location of the module's own forward, as torch.export asks."""
        return type(self._module).forward.__code__

    def ended(self, input: torch.Tensor, residual: torch.Tensor | None, activation: str) -> Any:  # noqa: A002
        """Run the steps, with more joined to the last one. Raises ValueError if that cannot be."""
        last = self._steps[-1].call
        if not self._holds((input,)) or last.is_watched():
            raise ValueError("the module's own forward is to run")
        return self._run((input,), lambda *given: last.joined(*given, residual, activation))

    def _holds(self, args: tuple[Any, ...]) -> bool:
        """Tell whether the steps are what the module's own forward would do."""
        module = self._module
        if len(args) != self._inputs or not all(isinstance(a, torch.Tensor) for a in args):
            return False
        if tuple(module._modules.values()) != self._children:
            return False
        values = vars(module)
        for name, value in self._attributes:
            now = values.get(name, _NONE)
            if type(now) is not type(value) or now != value:
                return False
        if type(module).forward is not self._own or torch.compiler.is_compiling():
            return False
        return not _hooks.watch_all()

    def _run(self, args: tuple[Any, ...], last: Callable[..., Any] | None = None) -> Any:
        values: list[Any] = list(args)
        for step in self._steps:
            call, arguments = step.call, _filled(step.arguments, values)
            if last is not None and step is self._steps[-1]:
                call = last
            if isinstance(call, str):
                call, arguments = getattr(arguments[0], call), arguments[1:]
            options = _filled(step.options, values) if step.options else {}
            values.append(call(*arguments, **options))
            for index in step.drop:
                values[index] = None
        return _filled(self._answer, values)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the class's own forward, which the class gives back."""
        return {name: value for name, value in vars(self).items() if name != "_own"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__` returned."""
        vars(self).update(state)
        self._own = type(self._module).forward


_NONE = object()


def remove(model: nn.Module) -> None:
    """Give all modules of a model the forwards of their classes again."""
    for module in model.modules():
        if isinstance(vars(module).get("forward"), Fused):
            del vars(module)["forward"]


def _filled(template: Any, values: list[Any]) -> Any:
    """Replace slots by their values."""
    if type(template) is Slot:
        return values[template.number]
    if type(template) is tuple:
        return tuple([_filled(one, values) for one in template])
    if type(template) is list:
        return [_filled(one, values) for one in template]
    if type(template) is dict:
        return {name: _filled(one, values) for name, one in template.items()}
    if type(template) is slice:
        parts = (template.start, template.stop, template.step)
        return slice(*(_filled(one, values) for one in parts))
    return template
