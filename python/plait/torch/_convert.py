"""Puts plait's layers into a model, and tells which were left as they are, and why."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from plait.torch import _example, _explain, _fold, _fuse, _fused, _kept, _left
from plait.torch._module import from_torch


@dataclass
class Conversion:
    """What `convert` made of a model.

    Attributes
    ----------
    model : torch.nn.Module
        The converted model.
    converted : list of str
        Names of the layers that plait computes; a layer of several names has its first.
    folded : dict
        From a batch norm's name to that of the convolution it became part of.
    fused : dict
        From a convolution's name to what it computes besides: 'addition', 'ReLU', 'ReLU6'.
    left : dict
        From the name of a convolution or batch norm that was left alone to the reason.
    unfused : dict
        From the name of a module that calls convolutions to why its code is run as it is, so that
        additions and activations in it stay apart.
    """

    model: nn.Module
    converted: list[str] = field(default_factory=list)
    folded: dict[str, str] = field(default_factory=dict)
    fused: dict[str, list[str]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    unfused: dict[str, str] = field(default_factory=dict)

    def explain(self) -> str:
        """Tell, for each converted layer and each input that it was called with, how it is done.

        The text is a table: the input's shape, what is computed in the same pass, the algorithm,
        predicted time, and the memory of workspace and packed weights. Call the model once before.
        """
        return _explain.table(self.model, self.converted, self.fused)

    def __str__(self) -> str:
        """List all layers, one per line."""
        more_of: dict[str, str] = {name: f" with {norm}" for norm, name in self.folded.items()}
        for name, words in self.fused.items():
            more_of[name] = f"{more_of.get(name, '')} and {' and '.join(words)}"
        lines = [
            f"{_count(self.converted, 'convolution')} converted, "
            f"{_count(self.folded, 'batch norm')} folded, {_count(self.left, 'layer')} left alone"
        ]
        if self.converted:
            lines.append("converted")
        lines += [f"  {_shown(name)}{more_of.get(name, '')}" for name in self.converted]
        if self.left:
            lines.append("left alone")
        lines += [f"  {_shown(name)}: {reason}" for name, reason in self.left.items()]
        if self.unfused:
            lines.append("not joined with what follows the convolutions")
        lines += [f"  {_shown(name)}: {reason}" for name, reason in self.unfused.items()]
        return "\n".join(lines)


def _count(names: Collection[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' * (len(names) != 1)}"


def _shown(name: str) -> str:
    return name or "(the model)"


def convert(
    model: nn.Module,
    *,
    inplace: bool = False,
    fold: bool | Collection[str] = True,
    fuse: bool = True,
    example: Any = None,
    accuracy: str = "fp32",
    max_workspace_bytes: int | None = None,
    reproducible: bool = False,
    threads: int | None = None,
) -> Conversion:
    """Swap the Conv2d layers of a model in eval mode for plait's, and fold batch norms into them.

    ReLU, ReLU6 and additions behind a convolution become part of it.

    Parameters
    ----------
    model : torch.nn.Module
        Any; a layer that cannot be converted is left alone, and the result says why.
    inplace : bool
        Whether to change `model` itself instead of a copy.
    fold : bool or names of batch norms
        True folds the batch norms of which it is certain that no call of the model can tell; False
        none; names those, whose certainty is then yours.
    fuse : bool
        Whether convolutions also compute the addition and the ReLU or ReLU6 behind them, in modules
        whose code shows that every call does the same.
    example : torch.Tensor, tuple or dict, optional
        Inputs of one call, a dict by name. The model is called with them before and after, and
        answers that differ by more than rounding are refused, leaving `model` as it was.
    accuracy, max_workspace_bytes, reproducible : optional
        Limits of each layer, as in `plait.conv2d`.
    threads : int, optional
        Threads of each layer; None for torch's number in each call.

    Returns
    -------
    Conversion
        With `model` and the lists `converted`, `folded` and `left`; its text lists them.

    Raises
    ------
    TypeError
        If `model` is no module, or is scripted or exported; if `fold` is something else.
    ValueError
        If `fold` names what cannot be folded, or an answer to `example` differs.

    Notes
    -----
    A batch norm is folded if a symbolic trace of the model's forward, called with its required
    arguments alone, shows that it follows one convolution, each of both is called once, and nothing
    else uses what lies between; and if the model's code shows the same of all other calls: it
    decides nothing by flags or numbers while that output is in use, and where the trace did not go,
    it calls neither of the two. It becomes ``nn.Identity``. Weights are folded in float64 and
    rounded once.

    The converted model is for inference: no parameter of it requires a gradient (with `inplace`,
    of `model`), and its converted layers refuse training mode. Their parameters are named as
    before; one with a batch norm has a bias even if it had none.

    A module whose convolutions compute more gets a `forward` beside that of its class. It runs for
    calls with tensors alone, while the module's children and the attributes that its code reads are
    those of the conversion, and outside of torch.compile; else the class's runs. Hooks of the parts
    that are registered later see what they would have seen.

    A model in torch.channels_last stays so, and is faster.

    Examples
    --------
    >>> conversion = plait.torch.convert(model.eval())
    >>> print(conversion)
    >>> y = conversion.model(x)
    """
    reason = _left.why_not_at_all(model)
    if reason:
        raise TypeError(reason)
    if isinstance(fold, str) or not isinstance(fold, (bool, Collection)):
        raise TypeError(f"fold must be True, False or a list of names but is {fold!r}")
    limits = _kept.Limits(accuracy, max_workspace_bytes, reproducible, threads)
    _kept.check(limits)
    # Tensors made in inference mode would not count their changes.
    with torch.inference_mode(False), torch.no_grad():
        if example is None:
            return _convert(model if inplace else copy.deepcopy(model), fold, fuse, limits)
        conversion = _convert(copy.deepcopy(model), fold, fuse, limits)
        _example.compare(model, conversion.model, example, len(conversion.converted))
        return _convert(model, fold, fuse, limits) if inplace else conversion


def _convert(
    model: nn.Module, fold: bool | Collection[str], fuse: bool, limits: _kept.Limits
) -> Conversion:
    _fused.remove(model)  # forwards of an earlier conversion
    result = Conversion(model)
    layers: dict[str, nn.Module] = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (_ConvNd, nn.BatchNorm2d))
    }
    aside = _left.held_aside(model)
    for name, layer in layers.items():
        if isinstance(layer, _ConvNd):
            reason = _left.why_not_convert(layer)
            if not reason and id(layer) in aside:
                reason = aside[id(layer)]
            if reason:
                result.left[name] = reason
            else:
                result.converted.append(name)
    folded = _choose_norms(model, layers, aside, result, fold)
    for name, reason in _left.parts_without_layers(model):
        result.left.setdefault(name, reason)
    norm_of = {convolution: norm for norm, convolution in result.folded.items()}
    given = () if limits == _kept.Limits() else tuple(limits)
    swaps: dict[int, nn.Module] = {}
    for name in result.converted:
        old: Any = layers[name]
        if name in norm_of:
            norm: Any = layers[norm_of[name]]
            swaps[id(old)] = from_torch(old, *folded[name], given)
            swaps[id(norm)] = nn.Identity().train(norm.training)
        else:
            swaps[id(old)] = from_torch(old, old.weight, old.bias, given)
    result.model = _swap(model, swaps)
    if fuse:
        fused, result.unfused = _fuse.fuse(result.model)
        result.fused = {n: fused[n] for n, _ in model.named_modules() if n in fused}
    # Otherwise an input would come to require a gradient in the layers that are left.
    for parameter in result.model.parameters():
        parameter.requires_grad = False  # lazy parameters too
    return result


def _swap(model: nn.Module, swaps: dict[int, nn.Module]) -> nn.Module:
    """Replace modules under all of their names."""
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if id(child) in swaps:
                parent.add_module(name, swaps[id(child)])
    return swaps.get(id(model), model)


def _choose_norms(
    model: nn.Module,
    layers: dict[str, nn.Module],
    aside: dict[int, str],
    result: Conversion,
    fold: bool | Collection[str],
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Put every batch norm into `folded` or `left`; return the folded weights and biases."""
    values: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    names = None if isinstance(fold, bool) else set(fold)
    unknown = [name for name in names or () if not isinstance(layers.get(name), nn.BatchNorm2d)]
    if unknown:
        raise ValueError(f"fold names {unknown[0]!r}, which is no BatchNorm2d of the model")
    names_of = Counter(id(m) for _, m in model.named_modules(remove_duplicate=False))
    followers = _fold.followers(model) if fold else {}
    for name, layer in layers.items():
        if not isinstance(layer, nn.BatchNorm2d):
            continue
        if not fold or (names is not None and name not in names):
            result.left[name] = f"BatchNorm not folded: {_NOT_ASKED[names is None]}"
            continue
        follower = followers[name]
        convolution = follower.convolution
        reason = _left.why_not_fold(layer) or aside.get(id(layer), "")
        if not reason and convolution is None:
            reason = follower.reason
        if not reason and convolution not in result.converted:
            reason = f"{convolution} before it is left alone"
        for other in (name, convolution):
            if not reason and other is not None and names_of[id(layers[other])] > 1:
                reason = f"{other} is shared under {names_of[id(layers[other])]} names"
        if not reason and convolution is not None:
            before: Any = layers[convolution]
            try:
                values[convolution] = _fold.fold(before, layer)
            except ValueError as error:
                reason = str(error)
        if reason and names is not None:
            raise ValueError(f"fold names {name!r}, which cannot be folded: {reason}")
        if not reason and names is None:
            reason = follower.reason or _held_above(model, (name, str(convolution)), aside)
        if reason:
            result.left[name] = f"BatchNorm not folded: {reason}"
        elif convolution is not None:
            result.folded[name] = convolution
    return values


_NOT_ASKED = {True: "fold is False", False: "fold does not name it"}


def _held_above(model: nn.Module, names: tuple[str, ...], aside: dict[int, str]) -> str:
    """Return why modules above the named ones can be reached otherwise than by their names."""
    for name in names:
        while name:
            name = name.rpartition(".")[0]
            if id(model.get_submodule(name)) in aside:
                return f"{name or 'the model'}: {aside[id(model.get_submodule(name))]}"
    return ""
