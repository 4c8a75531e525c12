"""`./dev bench --calls`: what one call costs where there is next to nothing to compute."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import document, rounds
from .effort import Effort
from .layers import read_layers
from .lineup import PLAIT, ROOT, Settings, gather
from .progress import Progress
from .report import table

THREADS = 1
CPP_BENCH = ROOT / "build/release/bench/calls_bench"
LANGUAGES = {"onednn": "C++"}  # of the peers' drivers; the others are in Python
CALLS = {
    "plait": "plan.run(x, packed, out=y)",
    "plait_conv2d": "plait.conv2d(x, weight)",
    "torch": "torch.conv2d(x, weight)",
    "onnxruntime": "session.run_with_iobinding(binding)",
    "openvino": "request.start_async(); request.wait()",
    "ncnn": "extractor.input; extractor.extract",
    "mnn": "interpreter.runSession(session)",
    "onednn": "convolution.execute; stream.wait",
}


def measure_cpp(line: str) -> dict[str, float]:
    """Microseconds of plait's calls from C++, by Google Benchmark; none where it is not built."""
    if not CPP_BENCH.exists():
        return {}
    done = subprocess.run(
        [
            CPP_BENCH,
            "--benchmark_format=json",
            f"--benchmark_filter=^(plan\\.run|conv2d)/{line}$",
            "--benchmark_repetitions=9",
            "--benchmark_min_time=0.05",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    names = {"plan.run": "plan.run(x, packed, y)", "conv2d": "plait::conv2d(x, weight)"}
    return {
        names[entry["run_name"].split("/")[0]]: entry["real_time"] / 1e3  # from ns
        for entry in json.loads(done.stdout)["benchmarks"]
        if entry.get("aggregate_name") == "median"
    }


def measure_calls(peers: Sequence[str], effort: Effort, folder: Path) -> dict[str, Any]:
    layers = read_layers([str(ROOT / "bench/problems/lenet5.txt")])
    lineup = gather(peers, Settings(THREADS, folder / "logs"), native=False, calls=True)
    lineup.columns = [column for column in lineup.columns if column.name in CALLS]
    told = document.begin_with("plait.peers.calls/1", THREADS, lineup)
    progress = Progress(len(layers))
    rows: list[dict[str, Any]] = []
    try:
        for layer in layers:
            progress.start(layer.name)
            for call, microseconds in measure_cpp(layer.line).items():
                rows.append(
                    {
                        "layer": layer.name,
                        "peer": PLAIT,
                        "language": "C++",
                        "call": call,
                        "microseconds": microseconds,
                    }
                )
            result = rounds.measure_layer(layer, lineup.columns, effort, THREADS, progress.advance)
            for column in lineup.columns:
                found = result["columns"][column.name]
                row = {
                    "layer": layer.name,
                    "peer": column.peer,
                    "language": LANGUAGES.get(column.peer, "Python"),
                    "call": CALLS[column.name],
                }
                if found["status"] == "measured":
                    row["microseconds"] = 1e6 * found["median_seconds"]
                    row["min_microseconds"] = 1e6 * found["min_seconds"]
                else:
                    row["reason"] = found["reason"]
                rows.append(row)
    finally:
        progress.close()
        lineup.close()
    return {**told, "layers": {layer.name: layer.line for layer in layers}, "rows": rows}


def page(told: dict[str, Any]) -> str:
    names = list(told["layers"])
    calls = dict.fromkeys((row["peer"], row["language"], row["call"]) for row in told["rows"])

    def cell(key: tuple[str, ...], name: str) -> str:
        for row in told["rows"]:
            if (row["peer"], row["language"], row["call"]) == key and row["layer"] == name:
                return f"{row['microseconds']:.1f}" if "microseconds" in row else row["reason"]
        return "-"

    rows = [
        [peer, language, f"`{call}`", *(cell((peer, language, call), name) for name in names)]
        for peer, language, call in calls
    ]
    lines = ", ".join(f"{name}: {line}" for name, line in told["layers"].items())
    return (
        "# What a call costs\n\n"
        f"{document.where(told)}\nMicroseconds per call, medians over interleaved rounds: {lines}."
        " Plans are held and weights packed beforehand, but for conv2d.\n\n"
        f"{table(['library', 'from', 'call', *names], rows, 3)}"
    )
