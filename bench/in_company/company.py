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
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

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
        return in_onnxruntime(x, weight, stride, padding, groups)
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


def in_onnxruntime(
    x: Any, weight: Any, stride: int, padding: int, groups: int
) -> Callable[[], Any]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node(
        "Conv", ["x", "w"], ["y"], kernel_shape=weight.shape[2:], strides=[stride] * 2,
        pads=[padding] * 4, group=groups,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return lambda: session.run(None, {"x": x})


def in_setting(setting: str, run: Callable[[], Any]) -> Callable[[], float]:
    """Return what calls the layer once in its company, and tells the seconds that the call took."""

    def timed() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    if setting == "torch":
        import torch

        torch.set_num_threads(THREADS)
        a, b = torch.randn(64, 112, 112), torch.randn(256, 256)

        def between() -> float:
            torch.relu(a) + a
            b @ b
            seconds = timed()
            torch.relu(a)
            return seconds

        return between
    if setting == "numpy":
        c, d = np.ones((64, 112, 112), "float32"), np.ones((256, 256), "float32")

        def between_arrays() -> float:
            np.maximum(c, 0)
            d @ d
            return timed()

        return between_arrays
    if setting == "server":
        return served(timed)
    return timed


def served(timed: Callable[[], float]) -> Callable[[], float]:
    """Return what asks a web server, each of whose threads calls the layer for one request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = str(timed()).encode()
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
    """Time calls for as many seconds as each line of the input says."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    once = in_setting(setting, convolution(library, number))
    once()
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        times: list[float] = []
        for _ in range(3):
            once()
        end = time.perf_counter() + float(line)
        while not times or time.perf_counter() < end:
            times.append(once())
        print(json.dumps(times), file=answers, flush=True)


class Process:
    """One library in one setting, in a process of its own."""

    def __init__(self, library: str, setting: str, number: int) -> None:
        self.times: list[float] = []
        inside = setting if setting in INSIDE else "alone"
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", library, inside, str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._read()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline() or "null")

    def start(self, seconds: float) -> None:
        assert self.process.stdin is not None
        print(seconds, file=self.process.stdin, flush=True)

    def finish(self) -> None:
        self.times += self._read() or []

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def surroundings(setting: str, processes: list[Process]) -> Iterator[None]:
    """Arrange what a process cannot arrange itself."""
    if setting == "neighbour":
        other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            yield
        finally:
            other.kill()
            other.wait()
    elif setting == "quota":
        with quota_group() as tasks:
            for one in processes:
                tasks.write_text(str(one.process.pid))
            yield
            for one in processes:
                one.end()
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


def measure(
    setting: str, number: int, libraries: list[str], rounds: int, seconds: float
) -> dict[str, Any]:
    """Return each library's median, mean and 95th percentile in microseconds."""
    many = 4 if setting == "four processes" else 1
    teams = {one: [Process(one, setting, number) for _ in range(many)] for one in libraries}
    everyone = [process for team in teams.values() for process in team]
    with surroundings(setting, everyone):
        for _ in range(rounds):
            for team in teams.values():
                time.sleep(0.05)
                for process in team:
                    process.start(seconds)
                for process in team:
                    process.finish()
    result: dict[str, Any] = {"setting": setting, "layer": LAYERS[number]}
    for library, team in teams.items():
        times = sorted(t * 1e6 for process in team for t in process.times)
        if times:
            result[library] = {
                "median": statistics.median(times),
                "mean": statistics.fmean(times),
                "p95": times[int(0.95 * len(times))],
            }
        for process in team:
            if process.process.poll() is None:
                process.end()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--settings", default=",".join(SETTINGS))
    parser.add_argument("--layers", default="0,1,2,3", help="by number, from 0")
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="of a turn")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    numbers = tuple(map(str, range(len(LAYERS))))
    for kind, known in (("settings", SETTINGS), ("libraries", LIBRARIES), ("layers", numbers)):
        for one in set(getattr(options, kind).split(",")) - set(known):
            parser.error(f"--{kind}: {one!r} is none of {', '.join(known)}")
    libraries = options.libraries.split(",")
    print(
        "| setting | layer | "
        + " | ".join(f"{one}: median, mean, p95 us" for one in libraries)
        + " |"
    )
    print("|---" * (len(libraries) + 2) + "|")
    results = []
    for setting in options.settings.split(","):
        for number in map(int, options.layers.split(",")):
            try:
                found = measure(setting, number, libraries, options.rounds, options.seconds)
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
