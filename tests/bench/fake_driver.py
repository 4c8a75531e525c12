"""A driver as a peer might be: honest, or broken in one of the ways that the harness must survive.

fake_driver.py MODE --threads N
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import numpy as np
from drivers.driver import Problem
from harness.oracle import convolve


def prepare(mode: str, request: dict) -> dict:
    problem = Problem.from_json(request["problem"])
    if mode == "dies" or (mode == "dies_on_1x1" and problem.k_h == 1):
        print("out of luck", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGABRT)
    if mode == "hangs":
        time.sleep(60)
    if mode == "refuses":
        return {"ok": False, "reason": "no kernels of this kind"}
    x = np.fromfile(request["x"], "<f4").reshape(problem.x_shape)
    k = np.fromfile(request["k"], "<f4").reshape(problem.k_shape)
    y = convolve(problem, x, k)
    if mode == "inaccurate":
        y *= 1.001
    if mode == "not_finite":
        y[0, 0, 0, 0] = np.nan
    y.astype("<f4")[: 0 if mode == "writes_little" else None].tofile(request["y"])
    return {"ok": True, "prepare_seconds": 0.001, "note": mode}


def burst(mode: str) -> dict:
    if mode == "dies_in_burst":
        os._exit(3)
    if mode == "hangs_in_burst":
        time.sleep(60)
    time.sleep(0.004)
    if mode == "lies":
        return {"seconds": [5.0]}
    if mode == "negative":
        return {"seconds": [-1e-3]}
    return {"seconds": [1e-3, 1.1e-3, 1.2e-3]}


def main() -> None:
    mode = sys.argv[1]
    if mode == "cannot_start":
        raise ImportError("no such library")
    columns = [{"name": mode, "layout": "nchw"}, {"name": f"{mode}_own", "layout": "own"}]
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "hello":
            answer = {"peer": mode, "version": "1", "columns": columns}
        elif request["do"] == "prepare":
            answer = prepare(mode, request)
        elif request["do"] == "burst":
            answer = burst(mode)
        else:
            answer = {"ok": True}
        text = "Loading...\n" if mode == "talks" and request["do"] == "prepare" else ""
        print(text + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
