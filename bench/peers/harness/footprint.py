"""`./dev bench --footprint`: what an installed library takes on disk, and its import."""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import document
from .lineup import PLAIT
from .process import QUIET
from .progress import Progress
from .report import seconds_text, table

# peer -> what is asked of pip, and the module that is imported.
PACKAGES: dict[str, tuple[tuple[str, ...], str | None]] = {
    PLAIT: (("plait",), "plait"),
    "onednn": (("onednn", "intel-opencl-rt"), None),
    "torch": (("torch",), "torch"),
    "onnxruntime": (("onnxruntime",), "onnxruntime"),
    "openvino": (("openvino",), "openvino"),
    "ncnn": (("ncnn",), "ncnn"),
    "mnn": (("MNN",), "MNN"),
}
REPEATS = 7


def files_of(package: str) -> set[Path]:
    distribution = importlib.metadata.distribution(package)
    paths = (Path(str(file.locate())).resolve() for file in distribution.files or [])
    return {path for path in paths if path.is_file() and path.suffix != ".pyc"}


def with_requirements(packages: Sequence[str]) -> set[str]:
    """These and what they need, without extras."""
    from packaging.requirements import Requirement

    seen: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        for text in importlib.metadata.distribution(name).requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return seen


def size_of(packages: Sequence[str]) -> int:
    files = set().union(*(files_of(package) for package in packages))
    return sum(path.stat().st_size for path in files)


def time_python(code: str) -> float:
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **QUIET},
    )
    return time.perf_counter() - begin


def time_import(module: str) -> float:
    """Beyond what Python itself takes to start; files are in the system's cache."""
    time_python(f"import {module}")
    pairs = [(time_python(f"import {module}"), time_python("pass")) for _ in range(REPEATS)]
    return statistics.median(with_it - without for with_it, without in pairs)


def measure_footprint(peers: Sequence[str]) -> dict[str, Any]:
    told = document.begin("plait.peers.footprint/1", 1, {}, {})
    progress = Progress(1 + len(peers), "library")
    rows = []
    try:
        for peer in (PLAIT, *peers):
            progress.start(peer)
            packages, module = PACKAGES[peer]
            try:
                row: dict[str, Any] = {
                    "peer": peer,
                    "bytes": size_of(packages),
                    "bytes_with_requirements": size_of(sorted(with_requirements(packages))),
                    "requirements": sorted(with_requirements(packages) - set(packages)),
                }
                told["versions"][peer] = importlib.metadata.version(packages[0])
            except importlib.metadata.PackageNotFoundError as missing:
                told["missing"][peer] = f"{missing} is not installed"
                continue
            if module is not None:
                row["import_seconds"] = time_import(module)
            rows.append(row)
            progress.advance(1)
    finally:
        progress.close()
    return {**told, "repeats": REPEATS, "rows": rows}


def page(told: dict[str, Any]) -> str:
    rows = [
        [
            row["peer"],
            f"{row['bytes'] / 1e6:.1f}",
            f"{row['bytes_with_requirements'] / 1e6:.1f}",
            seconds_text(row["import_seconds"]) if "import_seconds" in row else "-",
        ]
        for row in told["rows"]
    ]
    header = ["library", "MB on disk", "with what it needs", "import"]
    return (
        "# Footprint\n\n"
        f"{document.where(told)}\nSizes of the installed Python packages, alone and with all that"
        f" pip installs along. Import: median of {told['repeats']}, beyond the start of Python,"
        " with the files in the system's cache.\n\n"
        f"{table(header, rows)}"
    )
