"""Drivers that break in every way: the run goes on and says which, and why."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest
import serve
from harness import quiet, rounds, turn
from harness.effort import Effort
from harness.layers import parse_layer
from harness.lineup import Lineup, Settings, gather

SHORT = Effort(rounds=3, burst_seconds=0.002, layer_seconds=10)
LAYER = parse_layer("small: 1x4x9x9,6x4x3x3,p1")
POINTWISE = parse_layer("1x4x9x9,6x4x1x1")


@pytest.fixture
def line_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Starts fakes beside plait's own driver; they end with the test."""
    monkeypatch.setattr(turn, "PREPARE_TIMEOUT", 5)
    monkeypatch.setattr(quiet, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(rounds.ForeignWork, "cores", lambda self: 0.0)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    fake = [sys.executable, str(Path(__file__).with_name("fake_driver.py"))]
    started: list[Lineup] = []

    def start(*modes: str, native: bool = False) -> Lineup:
        commands = {mode: [*fake, mode] for mode in modes}
        lineup = gather(modes, Settings(1, tmp_path / "logs"), native, commands=commands)
        started.append(lineup)
        return lineup

    yield start
    for lineup in started:
        lineup.close()


def measure_beside_plait(lineup: Lineup, layer=LAYER) -> dict:
    result = rounds.measure_layer(layer, lineup.columns, SHORT, 1)
    assert result["columns"]["plait"]["status"] == "measured"
    assert result["columns"]["plait"]["error_rms"] < 1e-6
    return result


def test_all_that_is_measured(line_up) -> None:
    lineup = line_up("honest")
    assert lineup.versions["honest"] == "1"
    result = measure_beside_plait(lineup)
    assert result["name"] == "small"
    assert result["class"] == LAYER.layer_class
    assert result["rounds"] == 3
    assert result["peak_gflops"] > 0
    found = result["columns"]["honest"]
    assert found["median_seconds"] == pytest.approx(1.1e-3)
    assert found["min_seconds"] == 1e-3
    assert found["samples"] == 9
    assert found["round_median_seconds"] == [1.1e-3] * 3
    assert found["gflops"] == pytest.approx(2e-9 * LAYER.multiplications / 1.1e-3)
    assert found["peak_share"] == found["gflops"] / result["peak_gflops"]
    assert found["error_rms"] < 1e-7
    assert found["note"] == "honest"


def test_rounds_with_other_work_are_dropped_and_made_up_for(line_up, monkeypatch) -> None:
    foreign = iter([0.0, 1.5, 0.05, 0.9, 0.0, 0.0])
    monkeypatch.setattr(rounds.ForeignWork, "cores", lambda self: next(foreign))
    result = measure_beside_plait(line_up("honest"))
    assert (result["rounds"], result["rounds_dropped"]) == (3, 2)
    assert result["foreign_cores"] == pytest.approx(0.05 / 3)
    assert result["columns"]["honest"]["samples"] == 9
    assert list(foreign) == [0.0]


def test_a_machine_that_is_never_quiet_is_measured_all_the_same(line_up, monkeypatch) -> None:
    monkeypatch.setattr(rounds.ForeignWork, "cores", lambda self: 1.5)
    result = measure_beside_plait(line_up("honest"))
    assert (result["rounds"], result["rounds_dropped"]) == (6, 0)
    assert result["foreign_cores"] == 1.5


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("dies", "was ended by signal 6: out of luck"),
        ("dies_in_burst", "ended with code 3"),
        ("refuses", "no kernels of this kind"),
        ("talks", "answered nonsense"),
        ("writes_little", "wrote no output of the right size"),
        ("lies", "its times cannot be true"),
        ("negative", "its times cannot be true"),
    ],
)
def test_a_broken_driver_is_skipped_by_name(line_up, mode: str, reason: str) -> None:
    found = measure_beside_plait(line_up(mode, "honest"))["columns"]
    assert found[mode]["status"] == "skipped"
    assert reason in found[mode]["reason"]
    assert found["honest"]["status"] == "measured"


@pytest.mark.parametrize("mode", ["hangs", "hangs_in_burst"])
def test_a_driver_that_hangs(line_up, monkeypatch, mode: str) -> None:
    lineup = line_up(mode)
    monkeypatch.setattr(turn, "PREPARE_TIMEOUT", 1)
    monkeypatch.setattr(turn, "BURST_TIMEOUT", 0.5)
    found = measure_beside_plait(lineup)["columns"][mode]
    assert "gave no answer within" in found["reason"]


def test_one_that_cannot_start_is_missing(line_up) -> None:
    lineup = line_up("cannot_start", "honest")
    assert "no such library" in lineup.missing["cannot_start"]
    assert "cannot_start" not in lineup.versions
    names = [column.name for column in lineup.columns]
    assert "honest" in names
    assert "cannot_start" not in names


def test_one_without_a_program_is_missing(tmp_path: Path) -> None:
    lineup = gather(
        ["ghost"], Settings(1, tmp_path), native=False, commands={"ghost": ["no/such/program"]}
    )
    assert "No such file" in lineup.missing["ghost"]


def test_a_driver_that_died_is_there_again_for_the_next_layer(line_up) -> None:
    lineup = line_up("dies_on_1x1")
    reason = measure_beside_plait(lineup, POINTWISE)["columns"]["dies_on_1x1"]["reason"]
    assert "signal" in reason
    assert measure_beside_plait(lineup)["columns"]["dies_on_1x1"]["status"] == "measured"


def test_wrong_outputs_are_measured_and_say_so(line_up) -> None:
    found = measure_beside_plait(line_up("inaccurate", "not_finite"))["columns"]
    assert found["inaccurate"]["error_rms"] == pytest.approx(1e-3, rel=0.01)
    assert found["not_finite"]["error_rms"] is None


def test_own_layouts_only_when_asked_for(line_up) -> None:
    assert {c.name for c in line_up("honest").columns} == {"plait", "plait_relaxed", "honest"}
    names = {c.name for c in line_up("honest", native=True).columns}
    assert names >= {"plait_nhwc", "honest_own"}


def test_all_columns_of_plait_agree_with_the_reference(line_up) -> None:
    layer = parse_layer("2x6x11x10,8x3x3x2,s2x1,p1_0_2_1,d1x2,g2")
    found = measure_beside_plait(line_up(native=True), layer)["columns"]
    assert set(found) == {"plait", "plait_relaxed", "plait_nhwc"}
    assert all(one["error_rms"] < 1e-6 for one in found.values())


class Clock:
    """Passes by what a test says, in the place of the module ``time``."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic


def test_waiting_for_a_pool_that_spins(monkeypatch) -> None:
    used = [0.0, 0.3, 0.6, 0.9, 0.9, 5.0]  # idle between the fourth reading and the fifth
    readings = iter(used)
    monkeypatch.setattr(quiet, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(quiet, "PATIENCE_SECONDS", 60)
    monkeypatch.setattr(quiet, "time", Clock())
    monkeypatch.setattr(quiet, "cpu_seconds", lambda pids: next(readings))
    quiet.wait_until_idle([1])
    assert list(readings) == [5.0]


def test_not_waiting_for_ever(monkeypatch) -> None:
    readings = itertools.count()
    monkeypatch.setattr(quiet, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(quiet, "PATIENCE_SECONDS", 3.5 * quiet.STEP_SECONDS)
    monkeypatch.setattr(quiet, "time", Clock())
    monkeypatch.setattr(quiet, "cpu_seconds", lambda pids: next(readings))
    quiet.wait_until_idle([1])
    assert next(readings) == 1 + 4


def test_work_of_others_is_what_the_run_has_not_done(monkeypatch) -> None:
    own = os.getpid()
    assert quiet.cpu_seconds([own]) > 0
    assert quiet.busy_seconds(os.sched_getaffinity(0)) > 0
    assert quiet.cpu_seconds([]) == quiet.busy_seconds([]) == 0
    busy, run = iter([10.0, 14.0]), iter([1.0, 2.0])
    monkeypatch.setattr(quiet, "busy_seconds", lambda cpus: next(busy))
    monkeypatch.setattr(quiet, "cpu_seconds", lambda pids: next(run))
    monkeypatch.setattr(quiet.time, "monotonic", iter([100.0, 102.0]).__next__)
    foreign = quiet.ForeignWork([0, 1], [1])
    assert foreign.cores() == 1.5


class Call:
    """A call that takes so long, and counts itself."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.count = clock, seconds, 0

    def __call__(self) -> None:
        self.count += 1
        self.clock.sleep(self.seconds)


def test_short_calls_are_timed_in_groups(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(serve, "time", clock)
    short = Call(clock, 1e-6)
    times = serve.measure(short, 0.002, 2)
    assert short.count > 10 * len(times)
    assert times == pytest.approx([1e-6] * len(times))
    assert clock.now >= 0.002


def test_a_call_longer_than_the_burst_is_timed_once(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(serve, "time", clock)
    slow = Call(clock, 0.003)
    assert serve.measure(slow, 0.001, 0) == [pytest.approx(0.003)]
    assert slow.count == 1
