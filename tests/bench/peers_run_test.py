"""A run as a whole: it can be stopped and continued, and the command line says what is wrong."""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path

import pytest
from harness import calls, command, document, errors, first, footprint, memory, quiet, rounds, speed
from harness.effort import Effort
from harness.layers import parse_layer

SHORT = Effort(rounds=2, burst_seconds=0.001, layer_seconds=10)
LAYERS = [parse_layer(line) for line in ("a: 1x2x8x8,4x2x3x3", "b: 1x2x8x8,4x2x1x1")]
FAKE = [sys.executable, str(Path(__file__).with_name("fake_driver.py")), "honest"]


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "PAUSE_SECONDS", 0)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def compare(output: Path, **changes) -> dict:
    arguments = {
        "layers": LAYERS,
        "peers": ["honest"],
        "threads": 1,
        "native": False,
        "effort": SHORT,
        "output": output,
        "fresh": False,
        "commands": {"honest": FAKE},
    }
    return speed.compare(**{**arguments, **changes})


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the layers that are measured."""
    names: list[str] = []
    measure = rounds.measure_layer

    def measure_and_note(layer, *rest):
        names.append(layer.name)
        return measure(layer, *rest)

    monkeypatch.setattr(rounds, "measure_layer", measure_and_note)
    return names


def test_a_run_writes_everything_and_is_not_repeated(tmp_path: Path, measured) -> None:
    told = compare(tmp_path)
    assert told["finished"]
    assert measured == ["a", "b"]
    files = {path.name for path in tmp_path.iterdir()}
    assert files >= {"results.json", "results.md", "chart-nchw.png", "chart-nchw.svg"}
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["schema"] == "plait.peers/1"
    assert written["versions"]["honest"] == "1"
    assert [row["mark"] for row in written["headlines"]["nchw"]["rows"]] == ["honest", "honest"]
    compare(tmp_path)
    assert measured == ["a", "b"]
    compare(tmp_path, fresh=True)
    assert measured == ["a", "b"] * 2
    compare(tmp_path, native=True)
    assert measured == ["a", "b"] * 3


def test_a_run_that_is_interrupted_goes_on_where_it_was(tmp_path: Path, measured, monkeypatch):
    measure = rounds.measure_layer

    def interrupted(layer, *rest):
        if layer.name == "b":
            raise KeyboardInterrupt
        return measure(layer, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(rounds, "measure_layer", interrupted)
        told = compare(tmp_path)
    assert not told["finished"]
    assert [result["name"] for result in told["problems"]] == ["a"]
    told = compare(tmp_path)
    assert told["finished"]
    assert [result["name"] for result in told["problems"]] == ["a", "b"]
    assert measured == ["a", "b"]


def test_ctrl_c_is_130(tmp_path: Path, monkeypatch, capsys) -> None:
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(rounds, "measure_layer", interrupted)
    words = ["--problems", "1x2x8x8,4x2x3x3", "--peers", "ncnn", "--output", str(tmp_path)]
    assert command.main([*words, "--threads", "1"]) == 130
    assert "continues" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--peers", "onednn,nobody"], "no peer nobody"),
        (["--threads", "4096"], "--threads must be at most"),
        (["--threads", "none"], "must be a number from 1 up"),
        (["--rounds", "0"], "must be a number from 1 up"),
        (["--problems", "1x2x8x8,4x3x3x3"], "2"),
        (["--calls", "--first"], "not allowed with"),
    ],
)
def test_wrong_use_is_2(words: list[str], text: str, tmp_path: Path, capsys) -> None:
    try:
        code = command.main([*words, "--output", str(tmp_path)])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert text in capsys.readouterr().err
    assert not list(tmp_path.rglob("results.json"))


def test_changes_of_means(tmp_path: Path, capsys) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"headlines": {"nchw": {"means": [{"class": "all", "ratio": 0.5}]}}}))
    new = {"headlines": {"nchw": {"means": [{"class": "all", "ratio": 0.55}]}}}
    command.show_changes(new, old)
    assert "0.500 -> 0.550 +10.0 %" in capsys.readouterr().out


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """plait without peers, on small shapes."""
    monkeypatch.setattr(calls, "CPP_BENCH", Path("not built"))
    monkeypatch.setattr(first, "REPEATS", 1)
    monkeypatch.setattr(footprint, "REPEATS", 1)
    monkeypatch.setattr(errors, "CHANNELS", (2, 9))
    monkeypatch.setattr(errors, "SIDE", 12)
    monkeypatch.setattr(memory, "LINES", ("1x3x300x300,16x3x3x3",))


@pytest.mark.usefixtures("alone")
class TestAside:
    def test_calls(self, tmp_path: Path) -> None:
        told = calls.measure_calls([], SHORT, tmp_path)
        assert {row["call"] for row in told["rows"]} == {
            "plan.run(x, packed, out=y)",
            "plait.conv2d(x, weight)",
        }
        assert all(row["microseconds"] > 0 for row in told["rows"])
        assert "| plait | Python | `plait.conv2d(x, weight)` |" in calls.page(told)

    def test_first(self, tmp_path: Path) -> None:
        told = first.measure_first([], 1, tmp_path)
        row = next(row for row in told["rows"] if row["column"] == "plait")
        assert row["start_seconds"] > 0
        assert row["new_shape_seconds"] > 0
        assert "| plait |" in first.page(told)

    def test_errors(self, tmp_path: Path) -> None:
        told = errors.measure_errors([], 1, tmp_path)
        found = {(row["kernel"], row["channels"], row["column"]): row for row in told["rows"]}
        for k, c in itertools.product((3, 5), (2, 9)):
            direct = found[k, c, "plait direct/pixels"]
            transformed = found[k, c, f"plait winograd/f4x{k}"]
            assert 0 < direct["rms"] < transformed["rms"] < transformed["max"] < 1e-4
        page = errors.page(told)
        assert "| rms / largest | 2 channels | 9 channels |" in page
        assert "| plait winograd/f6x3 |" in page.split("## 5x5")[0]

    def test_memory(self, tmp_path: Path) -> None:
        told = memory.measure_memory([], 1, tmp_path, shapes=21)
        row = next(row for row in told["rows"] if row["column"] == "plait")
        (found,) = row["layers"].values()
        assert abs(found["held_bytes"]) < 2e8
        assert found["peak_bytes"] >= found["held_bytes"]
        assert "growth_bytes" in row
        assert "| plait |" in memory.page(told)

    def test_footprint(self, tmp_path: Path) -> None:
        told = footprint.measure_footprint([])
        (row,) = told["rows"]
        assert row["bytes"] > 1e6
        assert row["bytes_with_requirements"] > row["bytes"]
        assert "numpy" in row["requirements"]
        assert row["import_seconds"] > 0
        document.write(tmp_path, "footprint", told, footprint.page(told))
        assert json.loads((tmp_path / "footprint.json").read_text())["rows"]
