"""Processes that take turns: each is prepared once, and computes only while it is asked to.

What is shared with the comparison of single layers is in bench/peers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent / "peers" / "drivers"))

PAUSE_SECONDS = 0.05  # before a turn, so that threads that still spin come to rest


class Process:
    """One process of a program that was started with --serve and more arguments.

    Attributes
    ----------
    first : what it said when it was prepared, {"error": ...} if it ended instead
    times : seconds of all calls in all turns
    """

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, sys.argv[0], "--serve", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.times: list[float] = []
        self.first = self._read()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": "it ended"}

    def start(self, seconds: float) -> None:
        assert self._process.stdin is not None
        print(seconds, file=self._process.stdin, flush=True)

    def finish(self) -> None:
        self.times += self._read()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def answers() -> Iterator[Callable[[Any], None]]:
    """Yield what answers on standard output, where words of libraries cannot pass for answers."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    yield lambda value: print(json.dumps(value), file=out, flush=True)


def take_turns(answer: Callable[[Any], None], once: Callable[[], float], warm_up: int) -> None:
    """Time calls for as many seconds as each line of the input says."""
    for line in sys.stdin:
        times: list[float] = []
        for _ in range(warm_up):
            once()
        end = time.perf_counter() + float(line)
        while not times or time.perf_counter() < end:
            times.append(once())
        answer(times)


def timed(run: Callable[[], Any]) -> Callable[[], float]:
    """Return a call that tells its seconds."""

    def once() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return once


def percentile_95(times: Sequence[float]) -> float:
    return sorted(times)[int(0.95 * len(times))]


@contextlib.contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep one core busy meanwhile."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def onnxruntime_session(model: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options)


def arguments(doc: str | None, lists: dict[str, Sequence[str]], rounds: int) -> Any:
    """Return a parser with what both programs take, and lists of known words."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, known in lists.items():
        parser.add_argument(
            f"--{name}", type=_some_of(known), default=known, metavar="A,B",
            help="default: " + ",".join(known),
        )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=0.4, help="of a turn")
    parser.add_argument("--json", type=Path)
    return parser


def _some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(known)}")
        return words

    return parse
