"""The command line of `./dev bench`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plait

from . import calls, document, errors, first, footprint, memory, speed
from .arguments import make_parser
from .effort import FULL, QUICK, Effort
from .layers import UsageError, read_layers
from .lineup import ROOT, Settings, gather
from .machine import describe_machine
from .process import DriverError
from .stats import is_busy


def default_problems() -> list[str]:
    files = sorted((ROOT / "bench/problems").glob("*.txt"))
    return [str(file) for file in files if file.name != "slow.txt"]


def check(arguments: argparse.Namespace) -> None:
    cores = describe_machine()["cores"]
    if arguments.threads is None:
        arguments.threads = plait.info()["machine"]["default_threads"]
    if arguments.threads > cores:
        raise UsageError(f"--threads must be at most {cores} here but is {arguments.threads}")


def show(told: dict[str, Any], folder: Path) -> None:
    """The few lines that a terminal gets."""
    for verdict in told["headlines"].values():
        if verdict["rows"]:
            overall = verdict["means"][-1]
            print(
                f"{verdict['title']}: plait at {overall['ratio']:.3f} of the best peer's speed"
                f" (geometric mean of {overall['problems']} layers)"
            )
    if busy := sum(map(is_busy, told["problems"])):
        print(
            f"the machine had other work during {busy} of {len(told['problems'])} layers:"
            " do not trust their times"
        )
    print(f"results in {folder}")


def show_changes(told: dict[str, Any], old_path: Path) -> None:
    old = json.loads(old_path.read_text(encoding="utf-8"))
    for key, verdict in told["headlines"].items():
        before = {m["class"]: m["ratio"] for m in old["headlines"].get(key, {}).get("means", [])}
        for mean in verdict["means"]:
            if (ratio := before.get(mean["class"])) is not None:
                now = mean["ratio"]
                change = 100 * (now / ratio - 1)
                print(f"{key:<8}{mean['class']:<28}{ratio:.3f} -> {now:.3f} {change:+.1f} %")


def show_peers(arguments: argparse.Namespace, folder: Path) -> int:
    lineup = gather(arguments.peers, Settings(arguments.threads, folder / "logs"), native=True)
    for peer, version in lineup.versions.items():
        names = ", ".join(column.name for column in lineup.columns if column.peer == peer)
        print(f"{peer:<12} {version:<14} {names}")
    for peer, reason in lineup.missing.items():
        print(f"{peer:<12} missing: {reason}")
    return 0


def run_aside(arguments: argparse.Namespace, effort: Effort, folder: Path) -> int:
    """Run what is no comparison of speeds: print its table, and write it beside its JSON."""
    peers, threads = arguments.peers, arguments.threads
    if arguments.calls:
        name, told = "calls", calls.measure_calls(peers, effort, folder)
        page = calls.page(told)
    elif arguments.first:
        name, told = "first", first.measure_first(peers, threads, folder)
        page = first.page(told)
    elif arguments.errors:
        name, told = "errors", errors.measure_errors(peers, threads, folder)
        page = errors.page(told)
    elif arguments.memory:
        shapes = memory.SHAPES // 10 if arguments.quick else memory.SHAPES
        name, told = "memory", memory.measure_memory(peers, threads, folder, shapes)
        page = memory.page(told)
    else:
        name, told = "footprint", footprint.measure_footprint(peers)
        page = footprint.page(told)
    document.write(folder, name, told, page)
    print(page)
    print(f"results in {folder}/{name}.json and .md")
    return 0


def run(arguments: argparse.Namespace) -> int:
    check(arguments)
    folder = arguments.output / describe_machine()["name"]
    effort = QUICK if arguments.quick else FULL
    if arguments.rounds is not None:
        effort = dataclasses.replace(effort, rounds=arguments.rounds)
    if arguments.list:
        return show_peers(arguments, folder)
    aside = ("calls", "first", "errors", "memory", "footprint")
    if any(getattr(arguments, name) for name in aside):
        return run_aside(arguments, effort, folder)
    told = speed.compare(
        read_layers(arguments.problems or default_problems()),
        arguments.peers,
        arguments.threads,
        arguments.native,
        effort,
        folder,
        arguments.fresh,
    )
    show(told, folder)
    if arguments.compare is not None:
        show_changes(told, arguments.compare)
    if not told["finished"]:
        print("interrupted: the same command continues", file=sys.stderr)
        return 130
    return 0


def main(words: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(words)
    try:
        return run(arguments)
    except UsageError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except DriverError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
