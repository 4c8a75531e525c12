"""Hooks, which see or change what goes into a module and what comes out."""

from __future__ import annotations

from torch import nn
from torch.nn.modules import module as _HOOKS  # noqa: N812


def watch(module: nn.Module) -> bool:
    """Tell whether one is on the module."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def watch_all() -> bool:
    """Tell whether one is on all modules."""
    return bool(_HOOKS._global_forward_hooks or _HOOKS._global_forward_pre_hooks)
