"""The protocol by which the harness talks to one peer in one process, for drivers in Python.

Started as `serve.py PEER --threads N`, with the affinity that it is to keep, it reads one JSON
object a line from its standard input and answers each with one:

  {"do": "hello"}    -> {"peer": "torch", "version": "2.13.0",
                         "columns": [{"name": "torch", "layout": "nchw"}, ...]}
  {"do": "prepare", "column": "torch", "problem": {...}, "x": PATH, "k": PATH, "y": PATH}
                     -> {"ok": true, "prepare_seconds": 0.1, "note": ""}
                     or {"ok": false, "reason": "..."}
  {"do": "burst", "seconds": 0.05, "warm_up": 2} -> {"seconds": [...]}  of each call
  {"do": "release"}  -> {"ok": true}

x, k and y are files of little-endian float32, dense NCHW and OIHW; without a "y" no output is
written. `prepare_seconds` is the time from the operands in memory to the first output.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from driver import Prepared, Problem, empty

SHORT_SECONDS = 20e-6  # calls below are timed several in a row, as reading the clock is not free
GROUP_SECONDS = 100e-6


def measure(run: Callable[[], object], seconds: float, warm_up: int) -> list[float]:
    """Seconds of each call in a burst; short calls are timed in groups. At least one call."""
    clock = time.perf_counter
    for _ in range(warm_up):
        run()
    begin = clock()
    run()
    once = clock() - begin
    calls = 1 if once >= SHORT_SECONDS else math.ceil(GROUP_SECONDS / max(once, 1e-7))
    times: list[float] = []
    end = clock() + seconds - once  # a call that alone takes the whole burst is not repeated
    if clock() >= end and calls == 1:
        return [once]
    while not times or clock() < end:
        group = itertools.repeat(None, calls)
        start = clock()
        for _ in group:
            run()
        times.append((clock() - start) / calls)
    return times


def read(path: str, shape: tuple[int, ...]) -> np.ndarray:
    array = empty(shape)
    with open(path, "rb") as file:
        size = file.readinto(memoryview(array).cast("B"))  # type: ignore[arg-type]
    if size != array.nbytes:
        raise ValueError(f"{path} has {size} bytes, not the {array.nbytes} of {shape}")
    return array


class Server:
    """Answers requests with the help of a driver's module."""

    def __init__(self, driver: Any, threads: int) -> None:
        self.driver = driver
        self.threads = threads
        self.prepared: Prepared | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        actions = {
            "hello": self.hello,
            "prepare": self.prepare,
            "burst": self.burst,
            "release": self.release,
            **getattr(self.driver, "ACTIONS", {}),
        }
        action = actions.get(request["do"])
        return action(request) if action else {"ok": False, "reason": f"no {request['do']} here"}

    def hello(self, _: dict[str, Any]) -> dict[str, Any]:
        driver = self.driver
        return {"peer": driver.PEER, "version": driver.VERSION, "columns": driver.COLUMNS}

    def prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        self.release(request)
        problem = Problem.from_json(request["problem"])
        x = read(request["x"], problem.x_shape)
        k = read(request["k"], problem.k_shape)
        begin = time.perf_counter()
        try:
            prepared = self.driver.prepare(request["column"], problem, x, k, self.threads)
            prepared.run()
        except Exception as error:  # whatever the peer throws is its answer to this problem
            text = str(error).strip().split("\n")[0]
            return {"ok": False, "reason": f"{type(error).__name__}: {text}"}
        seconds = time.perf_counter() - begin
        self.prepared = prepared
        if request.get("y"):
            y = np.asarray(prepared.output())
            if y.shape != problem.y_shape:
                self.release(request)
                return {"ok": False, "reason": f"its output is {y.shape}, not {problem.y_shape}"}
            np.ascontiguousarray(y, "<f4").tofile(request["y"])
        return {"ok": True, "prepare_seconds": seconds, "note": prepared.note}

    def burst(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.prepared is None:
            return {"ok": False, "reason": "nothing is prepared"}
        gc.disable()
        try:
            times = measure(self.prepared.run, request["seconds"], request["warm_up"])
        finally:
            gc.enable()
        return {"seconds": times}

    def release(self, _: dict[str, Any]) -> dict[str, Any]:
        self.prepared = None
        gc.collect()
        return {"ok": True}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    # Libraries print, some when they are imported: their words go to standard error, where they
    # cannot pass for answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    server = Server(importlib.import_module(f"{arguments.peer}_driver"), arguments.threads)
    for line in sys.stdin:
        print(json.dumps(server.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
