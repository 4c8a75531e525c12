"""How long to measure."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Effort:
    rounds: int  # without other work on the machine
    burst_seconds: float  # of each column in each round
    layer_seconds: float  # a layer so slow that its rounds take longer has fewer of them


FULL = Effort(rounds=12, burst_seconds=0.05, layer_seconds=60)
QUICK = Effort(rounds=3, burst_seconds=0.03, layer_seconds=5)
