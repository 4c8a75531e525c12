"""What a run says while it goes on: a bar with the time left on a terminal, a line per layer
elsewhere."""

from __future__ import annotations

import importlib.util
import sys


class Progress:
    def __init__(self, total: float, unit: str = "layer") -> None:
        self._bar = None
        if sys.stderr.isatty() and importlib.util.find_spec("tqdm"):
            from tqdm import tqdm

            self._bar = tqdm(
                total=total,
                unit=unit,
                dynamic_ncols=True,
                smoothing=0.1,
                bar_format="{l_bar}{bar}| {n:.1f}/{total:.0f}, {remaining} left{postfix}",
            )

    def start(self, name: str) -> None:
        if self._bar is not None:
            self._bar.set_description(name)

    def advance(self, amount: float) -> None:
        if self._bar is not None:
            self._bar.update(amount)

    def say(self, text: str) -> None:
        """A line of its own; on a terminal only the bar moves."""
        if self._bar is None:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
