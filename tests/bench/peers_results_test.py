"""What is made of times: the mark, ratios and means, the page and the charts; and what is kept."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from harness import stats
from harness.chart import save_charts
from harness.machine import describe_machine
from harness.report import error_text, markdown, seconds_text, table
from harness.store import Store
from harness.verdict import NATIVE, NCHW, row_of, rows_of, verdict

COLUMNS = [
    {"name": "plait", "peer": "plait", "layout": "nchw"},
    {"name": "plait_relaxed", "peer": "plait", "layout": "nchw"},
    {"name": "plait_nhwc", "peer": "plait", "layout": "own"},
    {"name": "exact", "peer": "exact", "layout": "nchw"},
    {"name": "rough", "peer": "rough", "layout": "nchw"},
    {"name": "blocked", "peer": "exact", "layout": "own"},
]
MULTIPLICATIONS = 10**8


def measured(milliseconds: float, error: float | None = 2e-7, peak: float = 400) -> dict:
    seconds = milliseconds / 1e3
    rate = stats.gflops(MULTIPLICATIONS, seconds)
    return {
        "status": "measured",
        "median_seconds": seconds,
        "min_seconds": 0.9 * seconds,
        "p10_seconds": 0.95 * seconds,
        "p90_seconds": 1.2 * seconds,
        "samples": 30,
        "round_median_seconds": [0.98 * seconds, seconds, 1.1 * seconds],
        "gflops": rate,
        "peak_share": rate / peak,
        "error_rms": error,
        "prepare_seconds": 0.01,
        "note": "",
    }


def layer(name: str, layer_class: str = "1x1", **columns: dict) -> dict:
    return {
        "name": name,
        "line": f"line of {name}",
        "class": layer_class,
        "multiplications": MULTIPLICATIONS,
        "reference": "whole",
        "rounds": 3,
        "peak_gflops": 400.0,
        "foreign_cores": 0.5 if name == "net/d" else 0.0,
        "date": "2026-11-22T10:00:00Z",
        "columns": columns,
    }


RESULTS = [
    layer(
        "net/a",
        plait=measured(1.0),
        plait_relaxed=measured(0.9),
        plait_nhwc=measured(0.8),
        exact=measured(0.5),
        rough=measured(0.1, error=1e-4),
        blocked=measured(0.4),
    ),
    layer("net/b", "depthwise", plait=measured(1.0), exact=measured(2.0), rough=measured(4.0)),
    layer(
        "net/c",
        plait=measured(2.0),
        exact={"status": "skipped", "reason": "was ended by signal 11"},
        rough=measured(1.0, error=None),
    ),
    layer("net/d", plait=measured(1.0), exact=measured(1.0)),
]


def document() -> dict:
    return {
        "schema": "plait.peers/1",
        "date": "2026-11-22T10:00:00Z",
        "finished": True,
        "machine": {
            "name": "amd-zen-4-2c-avx512",
            "cpu": "AMD EPYC",
            "microarchitecture": "zen-4",
            "virtual": True,
            "cores": 2,
        },
        "threads": 2,
        "settings": {"threads": 2, "rounds": 3, "burst_seconds": 0.05},
        "versions": {"plait": "0.1.0", "exact": "3.1", "rough": "1.0"},
        "missing": {"absent": "No module named 'absent'"},
        "columns": COLUMNS,
        "headlines": {one.key: verdict(RESULTS, COLUMNS, one) for one in (NCHW, NATIVE)},
        "problems": RESULTS,
    }


def test_summaries() -> None:
    times = stats.summarize([3.0, 1.0, 2.0, 5.0, 4.0])
    assert times == {
        "median_seconds": 3,
        "min_seconds": 1,
        "p10_seconds": pytest.approx(1.4),
        "p90_seconds": pytest.approx(4.6),
    }
    assert stats.spread(times) == pytest.approx(3.2 / 3)
    assert stats.geometric_mean([0.5, 2, 8]) == pytest.approx(2)
    assert stats.gflops(10**9, 2.0) == pytest.approx(1)


def test_the_mark_is_the_fastest_accurate_peer_in_nchw() -> None:
    row = row_of(RESULTS[0], COLUMNS, NCHW)
    assert row is not None
    assert (row.plait, row.mark) == ("plait", "exact")
    assert row.ratio == pytest.approx(0.5)
    assert (row.ratio_low, row.ratio_high) == (pytest.approx(0.5), pytest.approx(0.5))
    assert row.mark_peak_share == pytest.approx(1)
    assert row.at_roof


def test_native_lets_everybody_choose() -> None:
    row = row_of(RESULTS[0], COLUMNS, NATIVE)
    assert row is not None
    assert (row.plait, row.mark, row.ratio) == ("plait_nhwc", "blocked", pytest.approx(0.5))


def test_no_verdict_without_an_accurate_peer() -> None:
    assert row_of(RESULTS[2], COLUMNS, NCHW) is None
    assert [row.name for row in rows_of(RESULTS, COLUMNS, NCHW)] == ["net/a", "net/b", "net/d"]


def test_means_and_the_worst() -> None:
    found = verdict(RESULTS, COLUMNS, NCHW)
    means = {mean["class"]: mean for mean in found["means"]}
    assert list(means) == ["1x1", "depthwise", "all"]
    assert means["1x1"]["ratio"] == pytest.approx(math.sqrt(0.5))
    assert means["depthwise"]["ratio"] == pytest.approx(2)
    assert means["all"]["ratio"] == pytest.approx(1)
    assert means["all"]["problems"] == 3
    assert means["all"]["at_roof"] == 1
    assert found["worst"] == ["net/a", "net/d", "net/b"]
    columns = {column["name"]: column for column in found["columns"]}
    assert columns["plait"]["ratio"] == pytest.approx(1)
    assert columns["exact"]["marks"] == 3
    assert columns["rough"]["largest_error_rms"] == 1e-4


def test_an_empty_run_has_no_means() -> None:
    assert verdict([], COLUMNS, NCHW)["means"] == []


def test_the_page() -> None:
    page = markdown(document())
    assert "plait runs at 1.000 of the best peer's speed" in page
    assert "Missing: absent (No module named 'absent')" in page
    assert "| net/a | 1x1 | exact ▲ | 500 us | 100 % | 1 ms | 50 % | 0.50 | 0.50 - 0.50 |" in page
    assert "- net/c: exact: was ended by signal 11" in page
    assert "not finite" in page
    assert (
        "The machine had other work**: more than 0.1 cores of it during 1 of 4 layers (*)" in page
    )
    assert "| net/d * |" in page
    assert "any layout" in page
    for block in page.split("\n\n"):
        bars = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(bars) <= 1, f"not a table: {block}"
    json.dumps(document(), allow_nan=False)


def test_tables_and_units() -> None:
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | --: |\n| x | 1 |\n"
    texts = [seconds_text(t) for t in (12.3456, 1, 0.0123, 1e-3, 4.5e-5, 1e-7)]
    assert texts == ["12.3 s", "1 s", "12.3 ms", "1 ms", "45 us", "0.1 us"]
    assert error_text(1.26e-7) == "1.3e-07"


def test_charts(tmp_path: Path) -> None:
    paths = save_charts(document(), tmp_path)
    assert {path.name for path in paths} == {
        f"chart-{key}.{kind}" for key in ("nchw", "native") for kind in ("png", "svg")
    }
    svg = (tmp_path / "chart-nchw.svg").read_text()
    assert "<!-- net/a -->" in svg
    assert "<!-- depthwise -->" in svg
    assert (tmp_path / "chart-nchw.png").read_bytes().startswith(b"\x89PNG")
    again = tmp_path / "again"
    again.mkdir()
    save_charts(document(), again)
    assert (again / "chart-nchw.svg").read_text() == svg


def test_kept_results_are_found_again(tmp_path: Path) -> None:
    settings = {"threads": 2}
    Store(tmp_path, settings).add(layer("net/a"))
    store = Store(tmp_path, settings)
    assert store.results["line of net/a"]["name"] == "net/a"
    store.path.write_text(store.path.read_text() + '{"line": "cut o')  # stopped while writing
    store = Store(tmp_path, settings)
    assert list(store.results) == ["line of net/a"]
    store.add(layer("net/b"))
    assert len(Store(tmp_path, settings).results) == 2
    assert not Store(tmp_path, {"threads": 1}).results
    assert not Store(tmp_path, settings, fresh=True).results


@pytest.mark.parametrize(
    ("vendor", "family", "model", "name"),
    [
        ("GenuineIntel", 6, 207, "intel-emerald-rapids"),
        ("GenuineIntel", 6, 143, "intel-sapphire-rapids"),
        ("GenuineIntel", 6, 999, "intel-family6-model999"),
        ("AuthenticAMD", 25, 17, "amd-zen-4"),
        ("AuthenticAMD", 25, 1, "amd-zen-3"),
    ],
)
def test_machines_have_names(vendor: str, family: int, model: int, name: str) -> None:
    machine = describe_machine(
        f"vendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\n"
        "flags\t\t: fpu avx2 avx512f\n\nvendor_id\t: other\n"
    )
    assert machine["name"] == f"{name}-{machine['cores']}c-avx512"
    assert machine["features"] == ["avx2", "avx512f"]
    assert not machine["virtual"]


def test_this_machine_has_a_name() -> None:
    assert describe_machine()["name"].count("-") >= 3
