"""The pictures of `plait cost --sweep --plot`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

LAYER = "1x4x12x12,6x4x3x3,p1"


def plot(path: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plait", "cost", *arguments, "--plot", str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=path.parent,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"plot      {path}" in done.stdout or "--json" in arguments


def texts_of(svg: Path) -> list[str]:
    return re.findall(r"<text[^>]*>(.*?)</text>", svg.read_text(), re.S)


def test_a_chart_has_title_axes_legend_and_units(tmp_path: Path) -> None:
    # A name that a shell, matplotlib's formulas or XML would take for theirs.
    name = "a'b`touch${IFS}mark`$x^2$<&{_x}"
    svg = tmp_path / "a.svg"
    plot(svg, f"{name}: {LAYER}", "--sweep", "k=1..5", "--same")
    texts = texts_of(svg)
    title = name.replace("&", "&amp;").replace("<", "&lt;")
    assert any(text.startswith(f"{title}: 1x4x12x12") for text in texts), texts
    assert "k (both kernel sizes) = 1..5, padding d(k-1)/2 for each" in texts
    for part in (
        "multiplications",
        "by the definition",
        "without those by padding",
        "k (both kernel sizes)",
        *"12345",
    ):
        assert part in texts, part
    assert any(re.fullmatch(r"\d+ k", text) for text in texts), texts
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


def test_a_png_is_one(tmp_path: Path) -> None:
    plot(tmp_path / "a.PNG", LAYER, "--sweep", "k=1..5")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_times_have_a_panel_with_roofline_and_algorithms(tmp_path: Path) -> None:
    quick = ("--measure", "--seconds", "0.001", "--rounds", "1")
    plot(tmp_path / "a.svg", LAYER, "--sweep", "k=1,3,30,5", *quick, "--json")
    texts = texts_of(tmp_path / "a.svg")
    assert {"time", "roofline"} <= set(texts)
    assert any(re.fullmatch(r"[\d.]+ (µs|ns|ms)", text) for text in texts), texts


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ("n=1..4", ["1", "2", "3", "4"]),
        ("n=1..8*2", ["1", "2", "4", "8"]),
        ("n=8,1,4,4", ["1", "4", "8"]),
        ("k=3", ["3"]),
        ("padding=0..4", ["0", "1", "2", "3", "4"]),
        ("n=1..1000", ["0", "200", "400", "600", "800", "1000"]),
        ("n=1..1000000000000*2", ["1", "64"]),
    ],
)
def test_every_sweep_has_a_chart(tmp_path: Path, values: str, ticks: list[str]) -> None:
    plot(tmp_path / "a.svg", LAYER, "--sweep", values)
    assert set(ticks) <= set(texts_of(tmp_path / "a.svg"))


def test_a_direction_without_multiplications_counts_additions(tmp_path: Path) -> None:
    for line in (LAYER, "1x1x1x1,1x1x1x1"):
        plot(tmp_path / "a.svg", line, "--sweep", "n=1..3", "--direction", "backward_bias")
        assert "additions" in texts_of(tmp_path / "a.svg")
