"""Calls with torch tensors run on torch's own threads: one pool in a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

# A machine with more cores than tests may have, so that the plan has several threads.
MACHINE = Path(__file__).parent.parent / "machines" / "avx2.txt"

START = """
import os, sys, threading
import numpy, plait, plait.torch, torch
torch.set_num_threads(3)
torch.set_grad_enabled(False)

def threads():
    return len(os.listdir("/proc/self/task"))

def torch_runs():
    a = torch.ones(1 << 20)
    for _ in range(3):
        a = a * 2 + 1

x, weight = torch.randn(1, 64, 56, 56), torch.randn(64, 64, 3, 3)
layer = plait.torch.Conv2d(64, 64, 3, padding=1, bias=False)
layer.weight.copy_(weight)
expected = torch.nn.functional.conv2d(x.double(), weight.double(), padding=1).numpy()

def check(y):  # not by torch, whose runtime waits in a forked child for threads of the parent
    assert numpy.linalg.norm(y.numpy() - expected) <= 1e-6 * numpy.linalg.norm(expected)
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", START + code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PLAIT_MACHINE": str(MACHINE), "OMP_NUM_THREADS": "3"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_layer_starts_no_threads_beside_torchs() -> None:
    run("""
torch_runs()
before = threads()
check(layer(x))
(step,) = plait.torch._kept.steps_of(layer.weight)
assert step.plan.threads == 3, step.plan
assert threads() == before, (before, threads())
step.plan.run(x.numpy(), step.packed)  # numpy's arrays are computed on plait's own pool
assert threads() > before
""")


def test_plain_calls_with_torch_tensors_start_none_either() -> None:
    run("""
torch_runs()
before = threads()
check(plait.conv2d(x, weight, padding=1))
assert threads() == before, (before, threads())
""")


def test_a_forked_child_computes_on_threads_of_its_own() -> None:
    """The parent's threads do not exist there, and an OpenMP runtime would wait for them."""
    run("""
torch_runs()
check(layer(x))
child = os.fork()
if child == 0:
    try:
        check(layer(x))
        check(plait.conv2d(x, weight, padding=1))
    except BaseException:
        os._exit(1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
check(layer(x))
""")


def test_a_child_that_was_forked_before_the_first_call_computes_too() -> None:
    run("""
torch_runs()
child = os.fork()
if child == 0:
    try:
        check(layer(x))
    except BaseException:
        os._exit(1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
""")


def test_a_call_from_inside_of_a_parallel_region_runs_alone() -> None:
    run("""
import ctypes
runtime = ctypes.CDLL("libtorch_cpu.so", mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
answers = []
region = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: answers.append(layer(x)))
layer(x)
runtime.GOMP_parallel(region, None, 3, 0)
assert len(answers) == 3
for y in answers:
    check(y)
""")


def test_many_threads_call_at_once() -> None:
    run("""
def work():
    torch.set_grad_enabled(False)
    for _ in range(25):  # the first call runs on plait's pool
        check(layer(x))
workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers: worker.start()
for worker in workers: worker.join()
""")


def test_fewer_threads_than_tasks_run_all_tasks() -> None:
    run("""
plan = plait.plan("1x64x56x56,64x64x3x3,p1", threads=3)
packed = plan.pack(weight)
torch.set_num_threads(1)
before = threads()
check(plan.run(x, packed))
assert threads() == before
""")
