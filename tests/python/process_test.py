"""Threads, fork, Ctrl-C, start-up, and the program: plait within a Python process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import plait
import pytest


def python(code: str, timeout: float | None = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, check=False
    )


# A layer that takes the reference algorithm a second or two, and one that takes it minutes.
SLOW = "1x64x80x80,64x64x5x5"
ENDLESS = "1x256x128x128,512x256x7x7"


@pytest.fixture(scope="module")
def slow():
    plan = plait.plan(SLOW, algorithm="reference", threads=1)
    rng = np.random.default_rng(1)
    x = rng.standard_normal(plan.problem.x_shape).astype("float32")
    return plan, x, plan.pack(rng.standard_normal(plan.problem.weight_shape).astype("float32"))


def test_other_threads_run_during_a_run() -> None:
    """The GIL is free: a Python loop goes on while another thread is in plan.run."""
    code = f"""
import os, threading, time, numpy as np, plait
plan = plait.plan("{ENDLESS}", algorithm="reference", threads=1)
x = np.zeros(plan.problem.x_shape, "float32")
packed = plan.pack(np.zeros(plan.problem.weight_shape, "float32"))
started, finished = threading.Event(), threading.Event()
def run():
    started.set()
    plan.run(x, packed)
    finished.set()
threading.Thread(target=run).start()
started.wait()
for _ in range(100):
    time.sleep(0.001)
os._exit(finished.is_set())  # in the middle of the run
"""
    result = python(code, timeout=None)
    assert result.returncode == 0, result.stderr


def test_the_first_calls_of_many_threads_do_not_wait_for_each_other() -> None:
    """All threads may make the lookups of a first call at once: none holds the GIL meanwhile."""
    code = """
import threading, numpy as np, plait
x, weight = np.ones((1, 2, 8, 8), "float32"), [[[[1]]], [[[2]]]]
start = threading.Barrier(16)
def work(number):
    start.wait()
    plait.conv2d(x if number % 2 else x.tolist(), weight, groups=2)
threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    for _ in range(5):
        assert python(code, timeout=300).returncode == 0


def test_many_threads_share_a_plan(rng) -> None:
    plan = plait.plan("1x8x20x20,16x8x3x3,p1", threads=2)
    packed = plan.pack(rng.standard_normal((16, 8, 3, 3)).astype("float32"))
    inputs = [rng.standard_normal((1, 8, 20, 20)).astype("float32") for _ in range(8)]
    expected = [plan.run(x, packed) for x in inputs]
    wrong = []

    def run(x, y) -> None:
        for _ in range(100):
            if not np.array_equal(plan.run(x, packed), y):
                wrong.append(x)

    threads = [
        threading.Thread(target=run, args=pair) for pair in zip(inputs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_computes_the_same(rng) -> None:
    code = """
import multiprocessing, numpy as np, plait
x = np.random.default_rng(1).standard_normal((4, 32, 40, 40)).astype("float32")
k = np.random.default_rng(2).standard_normal((32, 32, 3, 3)).astype("float32")
def run(_):
    return plait.conv2d(x, k, padding=1, threads=2).tobytes()
expected = run(0)  # starts the pool before the fork
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert all(answer == expected for answer in pool.map(run, range(12)))
assert run(0) == expected
"""
    result = python(code)
    assert result.returncode == 0, result.stderr


def interrupt_soon() -> threading.Timer:
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.parametrize("call", ["run", "conv2d", "verify"])
def test_ctrl_c_ends_a_long_call(call: str) -> None:
    """A call that is not stopped takes minutes, and has then written the end of y."""
    plan = plait.plan(ENDLESS, algorithm="reference", threads=1)
    x = np.ones(plan.problem.x_shape, "float32")
    weight = np.ones(plan.problem.weight_shape, "float32")
    y = np.full(plan.problem.y_shape, np.nan, "float32")
    packed = plan.pack(weight)
    calls = {
        "run": lambda: plan.run(x, packed, out=y),
        "conv2d": lambda: plait.conv2d(x, weight, algorithm="reference", threads=1, out=y),
        "verify": lambda: plait.verify(cases=10**9),
    }
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (the timer may be quick)
        timer = interrupt_soon()
        calls[call]()
    timer.join()
    assert np.isnan(y[0, -1, -1, -1]), "the call went on to its end after Ctrl-C"
    small = plait.conv2d(np.ones((1, 1, 3, 3), "float32"), np.ones((1, 1, 3, 3), "float32"))
    assert small == 9  # and all is well


def test_a_handler_that_does_not_raise_lets_the_call_finish(slow) -> None:
    plan, x, packed = slow
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    try:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        y = plan.run(x, packed)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen
    assert np.isfinite(y).all()


def test_a_long_call_on_another_thread(slow) -> None:
    plan, x, packed = slow
    answers = []
    thread = threading.Thread(target=lambda: answers.append(plan.run(x, packed)))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(answers[0], plan.run(x, packed))


def test_progress_can_end_a_verification() -> None:
    calls = []

    def progress(done: int, total: int) -> None:
        calls.append((done, total))
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        plait.verify(cases=10**6, progress=progress)
    assert len(calls) == 1


def test_verify() -> None:
    seen = []
    report = plait.verify(
        cases=24,
        algorithm="direct/pixels",
        target="EMU128",
        progress=lambda *state: seen.append(state),
    )
    assert report.passed
    assert not report.failures
    assert [(s.algorithm, s.target, s.cases) for s in report.subjects] == [
        ("direct/pixels", "EMU128", 24)
    ]
    assert 0 < report.subjects[0].worst_bound_share <= 1
    assert seen[-1] == (24, 24)
    line = plait.verify(cases=8, problems=["1x3x8x8,4x3x3x3", plait.Problem("1x1x5x5,1x1x2x2")])
    assert line.passed
    assert plait.verify(cases=4, algorithm="im2col", problems="1x3x8x8,4x3x3x3").passed
    for wrong in ({"algorithm": "magic"}, {"target": "AVX9"}, {"problems": ["1x"]}):
        with pytest.raises(ValueError, match=r".+"):
            plait.verify(**wrong)


def test_import_takes_numpy_only() -> None:
    code = (
        "import sys, plait; print([m for m in ('torch', 'matplotlib', 'json') if m in sys.modules])"
    )
    assert python(code).stdout == "[]\n"


def test_info() -> None:
    info = plait.info()
    assert info["version"] == plait.__version__
    assert info["machine"]["default_threads"] >= 1
    assert {algorithm["name"] for algorithm in info["algorithms"]} == set(plait.algorithms())


class TestProgram:
    @staticmethod
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "plait", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_plan(self) -> None:
        line = "1x3x8x8,4x3x3x3,p1"
        result = self.run("plan", line, "--threads", "1")
        assert result.returncode == 0, result.stderr
        explanation = plait.plan(line, threads=1).explain()
        assert result.stdout.startswith(explanation)
        assert result.stdout.removeprefix(explanation).startswith("limit ")
        document = json.loads(self.run("plan", line, "--json").stdout)
        assert document["schema"] == "plait.plan/1"

    def test_info(self) -> None:
        assert json.loads(self.run("info", "--json").stdout) == plait.info()

    def test_verify(self) -> None:
        result = self.run("verify", "--cases", "20", "--algorithm", "im2col")
        assert result.returncode == 0, result.stderr
        assert "im2col" in result.stdout

    def test_help_and_wrong_use(self) -> None:
        result = self.run("--help")
        assert result.returncode == 0
        assert "python -m plait" in result.stdout
        for arguments in (["paint"], ["plan"], ["plan", "1x"], []):
            result = self.run(*arguments)
            assert result.returncode == 2
            assert result.stderr.startswith("plait: ")
            assert not result.stdout
