"""One layer as a program meets it: between other operators, beside other processes, under a quota.

Every library is a process of its own and they take turns; each line of the table is a setting:

  alone          call after call
  torch          between torch's operators: relu, a sum and a product of other tensors
  numpy          between numpy's: maximum, and a matrix product on its own threads
  server         in a thread of a web server, one request after another
  four processes four of the library's processes at the same time
  quota          a control group with the time of one CPU (as root, where there is one to write to)
  neighbour      one core busy elsewhere

Usage, in an environment that has the libraries:

  bench/in_company/company.py [--settings alone,torch] [--layers 0,2] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import http.server
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from turns import (
    PAUSE_SECONDS,
    Process,
    answers,
    arguments,
    busy_neighbour,
    onnxruntime_session,
    percentile_95,
    take_turns,
    timed,
)

LIBRARIES = ("plait", "torch", "onnxruntime")
INSIDE = ("alone", "torch", "numpy", "server")  # arranged by the process itself
SETTINGS = (*INSIDE, "four processes", "quota", "neighbour")
LAYERS = (  # n x c_in x h x w, c_out x c_in/groups x k x k, stride, padding, groups
    ((1, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
    ((1, 256, 14, 14), (1024, 256, 1, 1), 1, 0, 1),
    ((1, 128, 56, 56), (128, 128, 3, 3), 2, 1, 1),
    ((1, 96, 56, 56), (96, 1, 3, 3), 1, 1, 96),
)
THREADS = len(os.sched_getaffinity(0))


def convolution(library: str, number: int) -> Callable[[], Any]:
    """Return a call of the layer, with the weight given once."""
    x_shape, k_shape, stride, padding, groups = LAYERS[number]
    rng = np.random.default_rng(0)
    x = rng.standard_normal(x_shape, dtype="float32")
    weight = rng.standard_normal(k_shape, dtype="float32")
    if library == "onnxruntime":
        return in_onnxruntime(x, weight, number)
    import torch

    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    kind: Any = torch.nn.Conv2d
    if library == "plait":
        import plait.torch

        kind = plait.torch.Conv2d
    layer = kind(x_shape[1], k_shape[0], k_shape[2], stride, padding, groups=groups, bias=False)
    layer.weight.copy_(torch.from_numpy(weight))
    given = torch.from_numpy(x)
    return lambda: layer(given)


def in_onnxruntime(x: Any, weight: Any, number: int) -> Callable[[], Any]:
    from driver import Problem
    from onnx_model import conv_model

    (n, c_i, h, w), (c_o, _, k_h, k_w), stride, padding, groups = LAYERS[number]
    problem = Problem(
        "", n, c_i, h, w, c_o, k_h, k_w, (stride, stride), (padding,) * 4, (1, 1), groups
    )  # fmt: skip
    session = onnxruntime_session(conv_model(problem, weight), THREADS)
    return lambda: session.run(None, {"x": x})


def in_setting(setting: str, run: Callable[[], Any]) -> Callable[[], float]:
    """Return what calls the layer once in its company, and tells the seconds that the call took."""
    once = timed(run)
    if setting == "torch":
        import torch

        torch.set_num_threads(THREADS)
        a, b = torch.randn(64, 112, 112), torch.randn(256, 256)

        def between() -> float:
            torch.relu(a) + a
            b @ b
            seconds = once()
            torch.relu(a)
            return seconds

        return between
    if setting == "numpy":
        c, d = np.ones((64, 112, 112), "float32"), np.ones((256, 256), "float32")

        def between_arrays() -> float:
            np.maximum(c, 0)
            d @ d
            return once()

        return between_arrays
    if setting == "server":
        return served(once)
    return once


def served(once: Callable[[], float]) -> Callable[[], float]:
    """Return what asks a web server, each of whose threads calls the layer for one request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = str(once()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask() -> float:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        connection.request("GET", "/")
        seconds = float(connection.getresponse().read())
        connection.close()
        return seconds

    return ask


def serve(library: str, setting: str, number: int) -> None:
    with answers() as answer:
        once = in_setting(setting, convolution(library, number))
        once()
        answer({})
        take_turns(answer, once, warm_up=3)


@contextlib.contextmanager
def surroundings(setting: str, processes: list[Process]) -> Iterator[None]:
    """Arrange what a process cannot arrange itself."""
    if setting == "neighbour":
        with busy_neighbour():
            yield
    elif setting == "quota":
        with quota_group() as tasks:
            for one in processes:
                tasks.write_text(str(one.pid))
            yield
            for one in processes:
                one.end()  # the group goes only when it is empty
    else:
        yield


@contextlib.contextmanager
def quota_group() -> Iterator[Path]:
    """Make a control group with the time of one CPU, of the first or second version."""
    first = Path("/sys/fs/cgroup/cpu")
    group = (first if first.is_dir() else Path("/sys/fs/cgroup")) / "plait_in_company"
    group.mkdir()
    try:
        if first.is_dir():
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text("100000")
        else:
            (group / "cpu.max").write_text("100000 100000")
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


def measure(setting: str, number: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return each library's median, mean and 95th percentile in microseconds."""
    many = 4 if setting == "four processes" else 1
    inside = setting if setting in INSIDE else "alone"
    teams = {one: [Process(one, inside, number) for _ in range(many)] for one in options.libraries}
    everyone = [process for team in teams.values() for process in team]
    running = [team for team in teams.values() if all("error" not in p.first for p in team)]
    with surroundings(setting, everyone):
        for _ in range(options.rounds):
            for team in running:
                time.sleep(PAUSE_SECONDS)
                for process in team:
                    process.start(options.seconds)
                for process in team:
                    process.finish()
    for process in everyone:
        process.end()
    result: dict[str, Any] = {"setting": setting, "layer": LAYERS[number]}
    for library, team in teams.items():
        times = [t * 1e6 for process in team for t in process.times]
        if times:
            result[library] = {
                "median": statistics.median(times),
                "mean": statistics.fmean(times),
                "p95": percentile_95(times),
            }
    return result


def main() -> None:
    numbers = tuple(map(str, range(len(LAYERS))))
    known = {"settings": SETTINGS, "libraries": LIBRARIES, "layers": numbers}
    options = arguments(__doc__, known, rounds=5).parse_args()
    libraries = options.libraries
    print(
        "| setting | layer | "
        + " | ".join(f"{one}: median, mean, p95 us" for one in libraries)
        + " |"
    )
    print("|---" * (len(libraries) + 2) + "|")
    results = []
    for setting in options.settings:
        for number in map(int, options.layers):
            try:
                found = measure(setting, number, options)
            except OSError as error:  # no group to write to
                print(f"{setting}: {error}", file=sys.stderr)
                continue
            results.append(found)
            cells = [
                " ".join(f"{found[one][what]:.0f}" for what in ("median", "mean", "p95"))
                if one in found else "-"
                for one in libraries
            ]  # fmt: skip
            x, k = ("x".join(map(str, shape)) for shape in LAYERS[number][:2])
            print(
                f"| {setting} | {x},{k},s{LAYERS[number][2]} | " + " | ".join(cells) + " |",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
