"""Limits of a process: its memory, and the number of threads that torch is set to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MACHINES = Path(__file__).parent.parent / "machines"

# Calls whose results have tens of gigabytes, on arrays that repeat one number.
TOO_LARGE = """
import json, pathlib, resource, numpy as np, plait
mapped = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped + (4 << 30), mapped + (4 << 30)))

def wide(*shape, dtype="float32"):
    return np.broadcast_to(np.ones((), dtype), shape)

image, one, dense = wide(1, 1, 60000, 60000), wide(1, 1, 1, 1), wide(50000, 50000, 1, 1)
calls = {
    "conv2d": lambda: plait.conv2d(image, one),
    "conv2d of integers": lambda: plait.conv2d(wide(1, 1, 60000, 60000, dtype="int64"), one),
    "conv1d": lambda: plait.conv1d(wide(1, 1 << 31), one[0]),
    "corr2d": lambda: plait.corr2d(image[0, 0], one[0, 0]),
    "corr2d with padding": lambda: plait.corr2d(image[0, 0], one[0, 0], mode="full"),
    "corr2d_multi_in": lambda: plait.corr2d_multi_in(image[0], one[0]),
    "corr2d_multi_in_out": lambda: plait.corr2d_multi_in_out(image, one),
    "corr2d_multi_in_out_1x1": lambda: plait.corr2d_multi_in_out_1x1(image, one),
    "run": lambda: plait.plan("1x1x60000x60000,1x1x1x1", prepacked=False).run(image, one),
    "pack": lambda: plait.plan("1x50000x1x1,50000x50000x1x1").pack(dense),
    "im2col": lambda: plait.im2col(wide(1, 1, 20000, 20000), 3),
    "channel_shuffle": lambda: plait.channel_shuffle(wide(1, 4, 30000, 30000), 2),
    "compose": lambda: plait.compose(wide(1, 20000, 3, 3), wide(20000, 1, 3, 3)),
    "which outputs differ": lambda: plait.compose(one, one, input_size=1 << 22),
    "fold_batch_norm": lambda: plait.fold_batch_norm(dense, None, None, None, *[wide(50000)] * 2),
    "merge_branches": lambda: plait.merge_branches([dense]),
    "embed_pointwise": lambda: plait.embed_pointwise(wide(20000, 20000, 1, 1), 5),
    "identity_kernel": lambda: plait.identity_kernel(50000),
    "channel_shuffle_kernel": lambda: plait.channel_shuffle_kernel(60000, 2),
    "inspect": lambda: plait.inspect(dense),
}
told = {}
for name, call in calls.items():
    try:
        call()
        told[name] = "nothing"
    except BaseException as error:
        kind = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
        told[name] = f"{kind}: {error}"
print(json.dumps(told))
"""


def test_memory_that_is_not_to_be_had_is_a_memory_error() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TOO_LARGE], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: text for name, text in told.items() if not text.startswith("MemoryError")} == {}
    assert "60000x60000" in told["corr2d"]


# Every plain function of tensors, large enough for all threads; the pool's threads are counted.
THREADS = """
import os, sys, torch, plait
torch.set_num_threads(int(sys.argv[1]))
x, k = torch.ones(1, 64, 96, 96), torch.ones(64, 64, 3, 3)
bank = torch.randn(16, 16, 3, 3)
calls = {
    "conv2d": lambda: plait.conv2d(x, k),
    "conv1d": lambda: plait.conv1d(torch.ones(1, 64, 20000), k[:, :, 0]),
    "corr2d": lambda: plait.corr2d(torch.ones(3000, 3000), k[0, 0]),
    "corr2d with padding": lambda: plait.corr2d(torch.ones(3000, 3000), k[0, 0], padding=1),
    "corr2d_multi_in": lambda: plait.corr2d_multi_in(x[0], k[0]),
    "corr2d_multi_in_out": lambda: plait.corr2d_multi_in_out(x, k),
    "corr2d_multi_in_out_1x1": lambda: plait.corr2d_multi_in_out_1x1(x, k[:, :, 0, 0]),
    "compose": lambda: plait.compose(bank, bank, input_size=96, measure=True),
    "decompose": lambda: plait.decompose(bank, rank=4, input_size=96, measure_seconds=0.01),
    "inspect": lambda: plait.inspect(torch.eye(64)[:, :, None, None], input_size=96),
    "Rewrite.run": lambda: plait.inspect(torch.eye(64)[:, :, None, None]).proposals[0].run(x),
}
before = len(os.listdir("/proc/self/task"))
calls[sys.argv[2]]()
print(len(os.listdir("/proc/self/task")) - before)
"""
FUNCTIONS = [line.split('"')[1] for line in THREADS.splitlines() if line.startswith('    "')]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_plain_functions_take_no_more_threads_than_torch(function: str) -> None:
    pytest.importorskip("torch")

    def threads_made(torchs: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", THREADS, str(torchs), function],
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
            env=os.environ | {"PLAIT_MACHINE": str(MACHINES / "avx2.txt")},
        )
        return int(done.stdout)

    assert threads_made(1) == 0
    if (
        function == "corr2d_multi_in_out"
    ):  # on plait's pool: the count sees threads where there are some
        assert threads_made(3) >= 1
