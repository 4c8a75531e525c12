"""What measures programs as a whole runs, and says what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

FOLDER = Path(__file__).parent.parent.parent / "bench" / "in_company"


def run(program: str, out: Path, *arguments: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, FOLDER / program, *arguments, "--rounds", "1", "--seconds", "0.01",
         "--json", out],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    assert sum(line.startswith("|") for line in done.stdout.splitlines()) == 2 + len(results)
    return results


def test_a_layer_in_company(tmp_path: Path) -> None:
    results = run(
        "company.py", tmp_path / "out", "--settings", "torch,server,four processes,neighbour",
        "--layers", "3", "--libraries", "plait,torch",
    )  # fmt: skip
    assert len(results) == 4
    for result in results:
        for library in ("plait", "torch"):
            assert 0 < result[library]["median"] <= result[library]["p95"]


def test_a_converted_network_answers_as_torchs(tmp_path: Path) -> None:
    (result,) = run(
        "models.py", tmp_path / "out", "--networks", "mobilenet_v2", "--batches", "1",
        "--variants", "torch,torch_cl_folded,plait,plait_cl",
    )  # fmt: skip
    for variant in ("torch_cl_folded", "plait", "plait_cl"):
        assert result[variant]["difference"] < 1e-4
    assert result["ratio"] > 0
