"""Writes to kept weights that go past torch's count of changes are seen, and when."""

from __future__ import annotations

import gc

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
from plait import _core  # noqa: E402
from plait.torch import _kept  # noqa: E402
from torch_calls import assert_close, call, kept, operands  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(11)


def assert_right(x, weight, bias):
    assert_close(call(x, weight, bias, constant_weight=True), x, weight, bias)


BLOCKS_OF_64_CHANNELS = 64 * 64 * 9 * 4 // 1024 + 1  # the last block has the bias


@pytest.fixture
def one_block(monkeypatch):
    """Each call looks at one block, as if layers took no time."""
    monkeypatch.setattr(_kept, "_CHECKED_PER_SECOND", 0)


@pytest.fixture
def all_blocks(monkeypatch):
    """Each call looks at all, as if layers took long."""
    monkeypatch.setattr(_kept, "_CHECKED_PER_SECOND", 1e18)


def fused(kind):
    def step(weight, bias):
        weight.requires_grad_()
        before = weight._version
        optimizer = kind([weight], lr=0.1, fused=True)
        weight.grad = torch.ones_like(weight)
        optimizer.step()
        weight.requires_grad_(False)
        assert weight._version == before, "torch counts this now"

    return step


def by_numpy(weight, bias):
    weight.numpy()[...] *= 3


def by_data(weight, bias):
    weight.data.mul_(3)


def of_the_bias(weight, bias):
    bias.data.add_(1)


WRITES = {
    "Adam": fused(torch.optim.Adam),
    "SGD": fused(torch.optim.SGD),
    "numpy": by_numpy,
    "data": by_data,
    "bias": of_the_bias,
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.usefixtures("all_blocks")
def test_a_write_past_torchs_count_is_seen_at_once_where_a_layer_takes_long(name):
    x, weight, bias = operands(64, 64, n=1)
    assert_right(x, weight, bias)
    WRITES[name](weight, bias)
    assert_right(x, weight, bias)


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.usefixtures("one_block")
def test_a_write_past_torchs_count_is_seen_after_some_calls_in_any(name):
    x, weight, bias = operands(64, 64, n=1)
    assert_right(x, weight, bias)
    WRITES[name](weight, bias)
    for _ in range(BLOCKS_OF_64_CHANNELS):
        call(x, weight, bias, constant_weight=True)
    assert_right(x, weight, bias)


@pytest.mark.usefixtures("one_block")
def test_a_write_to_all_of_the_weight_is_seen_at_once():
    x, weight, bias = operands(64, 64, n=1)
    assert_right(x, weight, bias)
    by_numpy(weight, bias)
    assert_right(x, weight, bias)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.usefixtures("one_block")
def test_a_single_number_anywhere_is_seen_in_turn(channels_last):
    x, weight, bias = operands(64, 64, n=1)
    if channels_last:
        weight = weight.contiguous(memory_format=torch.channels_last)
    assert_right(x, weight, bias)
    for at in (0, 1, weight.numel() // 2, weight.numel() - 1):
        layer = kept(weight)
        weight.data.as_strided((weight.numel(),), (1,))[at] += 1
        calls = 0
        while kept(weight) is layer:
            call(x, weight, bias, constant_weight=True)
            calls += 1
            assert calls <= BLOCKS_OF_64_CHANNELS
        assert_right(x, weight, bias)


def test_the_share_of_a_call_that_looks_at_weights_follows_its_predicted_time():
    weight = operands(64, 64)[1]
    for size in (3, 56):
        call(torch.randn(1, 64, size, size), weight, constant_weight=True)
    for step in kept(weight).steps.values():
        seconds = step.plan.predicted_seconds + _kept._CALL_SECONDS
        assert abs(step.checked_bytes - 0.01 * 8e9 * seconds) <= 1


@pytest.mark.usefixtures("one_block")
def test_an_input_of_another_shape_looks_at_all():
    x, weight, bias = operands(64, 64, n=1)
    assert_right(x, weight, bias)
    weight.numpy()[-1] *= 3
    x = torch.randn(2, 64, 5, 5)
    assert_right(x, weight, bias)


@pytest.mark.usefixtures("one_block")
def test_what_is_kept_can_be_dropped():
    x, weight, bias = operands(64, 64, n=1)
    assert_right(x, weight, bias)
    weight.numpy()[-1] *= 3
    plait.torch.drop_kept_weights()
    assert kept(weight) is None
    assert_right(x, weight, bias)


def test_nothing_is_kept_of_weights_that_require_gradients():
    x, weight, bias = operands()
    for tensor in (weight, bias):
        assert_right(x, weight, bias)
        assert kept(weight) is not None
        tensor.requires_grad_()
        with torch.no_grad():
            assert_right(x, weight, bias)
        assert kept(weight) is None
        tensor.requires_grad_(False)


def test_a_weight_spread_through_other_memory_is_not_kept():
    x, _, bias = operands(4, 6)
    weight = torch.randn(6, 4, 3, 3, 9)[..., 0]
    assert_right(x, weight, bias)
    assert kept(weight) is None
    weight = torch.randn(6, 4, 3, 3, 3)[..., 0]
    assert_right(x, weight, bias)
    assert kept(weight) is not None


@pytest.mark.parametrize("size", [0, 1, 7, 8, 31, 32, 33, 1023, 1024, 1025, 3000])
def test_checksums_see_any_byte(size):
    memory = torch.randint(0, 255, (size + 1,), dtype=torch.uint8)
    sums = _core.Checksums([(memory.data_ptr(), size)])
    assert not sums.changed(1 << 40)
    for at in range(0, size, 1 + size // 40):
        memory[at] += 1
        assert sums.changed(1 << 40)
        memory[at] -= 1
    memory[size] += 1  # the first one past the end
    assert not any(sums.changed(1) for _ in range(10))
    gc.collect()
