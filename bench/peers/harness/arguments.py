"""The command line of `./dev bench`: its words, before anything is installed or imported."""

from __future__ import annotations

import argparse
from pathlib import Path

from .effort import FULL
from .lineup import PEERS, ROOT

EPILOG = """\
examples:
  ./dev bench                                all of bench/problems/ but slow.txt
  ./dev bench --quick --problems bench/problems/resnet50.txt
  ./dev bench --problems 1x64x56x56,64x64x3x3,p1 --peers onednn,torch
  ./dev bench --native --output bench/results
  ./dev bench --calls --peers torch,onnxruntime

Results are in FOLDER/MACHINE: results.json, results.md and charts. A run that was stopped, with
Ctrl-C or otherwise, is continued by the same command; --fresh starts over. Peers that are missing,
refuse a layer, crash or hang are skipped by name. docs/benchmarks.md explains the figures."""


def peers(text: str) -> list[str]:
    names = text.split(",")
    if unknown := ", ".join(name for name in names if name not in PEERS):
        raise argparse.ArgumentTypeError(f"no peer {unknown}; there are {', '.join(PEERS)}")
    return names


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1 up but is {text!r}")
    return int(text)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Times plait and other libraries side by side: all in one run, on the same "
        "layers, threads and cores. `./dev peers` installs them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--problems",
        nargs="+",
        metavar="FILE|LINE",
        help="files of problem lines, or such lines (default: bench/problems/*.txt but slow.txt)",
    )
    parser.add_argument(
        "--peers",
        type=peers,
        default=list(PEERS),
        metavar="A,B",
        help=f"some of {','.join(PEERS)} (default: all)",
    )
    parser.add_argument("--threads", type=count, metavar="N", help="of all (default: all cores)")
    parser.add_argument(
        "--rounds", type=count, metavar="N", help=f"bursts per column (default {FULL.rounds})"
    )
    parser.add_argument(
        "--quick", action="store_true", help="three short rounds: a look, not a result"
    )
    parser.add_argument(
        "--native", action="store_true", help="also with everybody's own layout of tensors"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "build/bench",
        metavar="FOLDER",
        help="where MACHINE/results.* go (default build/bench)",
    )
    parser.add_argument("--fresh", action="store_true", help="do not continue an earlier run")
    parser.add_argument(
        "--compare", type=Path, metavar="JSON", help="show how means differ from another run's"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="which peers are here")
    what.add_argument("--calls", action="store_true", help="what a call costs, on LeNet's layers")
    what.add_argument(
        "--first", action="store_true", help="the first call in a process, and of a new shape"
    )
    what.add_argument(
        "--errors", action="store_true", help="rms and largest errors by kernel size and channels"
    )
    what.add_argument("--memory", action="store_true", help="memory beside input and output")
    what.add_argument("--footprint", action="store_true", help="size on disk, time of import")
    what.add_argument(
        "--micro",
        action="store_true",
        help="plait alone: the micro-benchmarks, and ResNet-50's layers on one thread and on all",
    )
    return parser


if __name__ == "__main__":
    make_parser().parse_args()
