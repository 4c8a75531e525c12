"""Whole networks of torch: as they are, converted by plait, and in onnxruntime, in turn.

Every variant is a process of its own that loads the network once, and then sleeps but for its
turns. Usage, in an environment that has torch and plait (and onnx, onnxruntime for that column):

  bench/in_company/models.py [--networks resnet18,unet] [--batches 1,8] [--threads 2] [--json FILE]
  bench/in_company/models.py --neighbour    # with one core busy elsewhere
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

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

NETWORKS = ("resnet18", "resnet50", "mobilenet_v2", "vgg16", "unet")
VARIANTS = ("torch", "torch_cl_folded", "torch_compile", "plait", "plait_cl", "onnxruntime")
OF_TORCH = VARIANTS[:3]


def prepare(variant: str, name: str, batch: int, threads: int) -> tuple[Callable[[], Any], Any]:
    """Return a call of the network and its first answer."""
    import torch
    from networks import make, picture

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    model, x = make(name), picture(name, batch)
    last = torch.channels_last
    if variant == "torch_cl_folded":
        from torch.fx.experimental.optimization import fuse

        model, x = fuse(model).to(memory_format=last), x.contiguous(memory_format=last)
    elif variant == "torch_compile":
        model = torch.compile(model)
    elif variant.startswith("plait"):
        import plait.torch

        if variant == "plait_cl":
            model, x = model.to(memory_format=last), x.contiguous(memory_format=last)
        model = plait.torch.convert(model).model
    elif variant == "onnxruntime":
        return in_onnxruntime(model, x, threads)

    def run() -> Any:
        return model(x)

    return run, run().numpy()


def in_onnxruntime(model: Any, x: Any, threads: int) -> tuple[Callable[[], Any], Any]:
    import io

    import torch

    file = io.BytesIO()
    torch.onnx.export(model, (x,), file, dynamo=False, input_names=["x"])
    session = onnxruntime_session(file.getvalue(), threads)
    given = {"x": x.numpy()}

    def run() -> Any:
        return session.run(None, given)[0]

    return run, run()


def serve(variant: str, name: str, batch: int, threads: int) -> None:
    with answers() as answer:
        try:
            run, first = prepare(variant, name, batch, threads)
        except Exception as error:  # the network or the library cannot
            answer({"error": f"{type(error).__name__}: {error}"[:300]})
            return
        step = max(1, first.size // 64)
        answer({"sample": [float(v) for v in first.reshape(-1)[::step]]})
        take_turns(answer, timed(run), warm_up=1)


def measure(name: str, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return each variant's median and shortest time in milliseconds, or why it has none."""
    threads = options.threads
    processes = {v: Process(v, name, batch, threads) for v in options.variants}
    alive = {v: p for v, p in processes.items() if "error" not in p.first}
    for _ in range(options.rounds):
        for process in alive.values():
            time.sleep(PAUSE_SECONDS)
            process.start(options.seconds)
            process.finish()
    result: dict[str, Any] = {"network": name, "batch": batch, "threads": threads}
    for variant, process in processes.items():
        process.end()
        if variant not in alive:
            result[variant] = process.first
            continue
        result[variant] = {
            "median_ms": statistics.median(process.times) * 1e3,
            "min_ms": min(process.times) * 1e3,
            "p95_ms": percentile_95(process.times) * 1e3,
            "difference": _difference(process.first["sample"], alive),
        }
    return result


def _difference(sample: list[float], alive: dict[str, Process]) -> float:
    """Compare with torch's answer, relative to its largest number."""
    if "torch" not in alive:
        return math.nan
    right = alive["torch"].first["sample"]
    return max(abs(a - b) for a, b in zip(sample, right, strict=True)) / max(map(abs, right))


def line(result: dict[str, Any]) -> str:
    """Return a row of the table, with the ratio of torch's best to plait's best."""
    cells = [f"{result['network']} x{result['batch']}"]
    best: dict[bool, list[float]] = {True: [], False: []}
    for variant in VARIANTS:
        found = result.get(variant, {})
        cells.append(f"{found['median_ms']:.1f}" if "median_ms" in found else "-")
        if "median_ms" in found and variant != "onnxruntime":
            best[variant in OF_TORCH].append(found["median_ms"])
    result["ratio"] = min(best[True]) / min(best[False]) if best[True] and best[False] else math.nan
    return "| " + " | ".join([*cells, f"{result['ratio']:.2f}"]) + " |"


def main() -> None:
    parser = arguments(__doc__, {"networks": NETWORKS, "variants": VARIANTS}, rounds=7)
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--neighbour", action="store_true", help="keep one core busy meanwhile")
    options = parser.parse_args()
    results = []
    print("| network | " + " | ".join(VARIANTS) + " | torch's best / plait's best |")
    print("|---" * (len(VARIANTS) + 2) + "|")
    with busy_neighbour() if options.neighbour else contextlib.nullcontext():
        for name in options.networks:
            for batch in map(int, options.batches.split(",")):
                found = measure(name, batch, options)
                print(line(found), flush=True)
                results.append(found)
    mean = statistics.geometric_mean([r["ratio"] for r in results])
    print(f"geometric mean {mean:.2f}, least {min(r['ratio'] for r in results):.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
