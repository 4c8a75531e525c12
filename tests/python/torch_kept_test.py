"""What the operator plait::conv2d keeps of constant weights, and when it looks at them anew."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
from plait.torch import _kept  # noqa: E402
from torch_calls import assert_close, call, kept, operands  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(11)


def test_a_constant_weight_is_kept_and_packed_once_for_all_inputs():
    x, weight, bias = operands()
    call(x, weight, bias, constant_weight=True)
    layer = kept(weight)
    packed = dict(layer._packed)
    for input_ in (x, x[:1], x.contiguous(memory_format=torch.channels_last)):
        assert_close(call(input_, weight, bias, constant_weight=True), input_, weight, bias)
    assert kept(weight) is layer
    assert len(layer.steps) == 3
    assert all(layer._packed[name] is one for name, one in packed.items())
    assert {step.plan.packed_format for step in layer.steps.values()} == set(layer._packed)


def test_a_weight_that_is_not_constant_is_not_kept():
    x, weight, _ = operands()
    call(x, weight)
    assert kept(weight) is None


def changes():
    def in_place(weight, bias):
        weight.mul_(2)

    def of_one_element(weight, bias):
        weight[0, 0, 0, 0] = 5

    def of_the_bias(weight, bias):
        bias.add_(1)

    def data(weight, bias):
        weight.data = weight.data * 3

    def data_there_and_back(weight, bias):
        weight.data = weight.data.half()
        weight.data = weight.data.float()

    def in_inference_mode(weight, bias):
        with torch.inference_mode():
            weight.mul_(2)

    def by_an_alias(weight, bias):
        weight.detach().view(-1).mul_(2)

    def swapped_channels(weight, bias):
        weight.transpose_(2, 3)

    return [
        in_place, of_one_element, of_the_bias, data, data_there_and_back, in_inference_mode,
        by_an_alias, swapped_channels,
    ]  # fmt: skip


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.__name__)
def test_a_changed_weight_is_packed_again(change):
    x, weight, bias = operands()
    call(x, weight, bias, constant_weight=True)
    layer = kept(weight)
    change(weight, bias)
    assert_close(call(x, weight, bias, constant_weight=True), x, weight, bias)
    assert kept(weight) is not layer


def test_another_bias_is_another_layer():
    x, weight, bias = operands()
    for other in (bias, None, bias + 1, bias):
        assert_close(call(x, weight, other, constant_weight=True), x, weight, other)
    numbers = torch.randn(12)
    for other in (numbers[:6], numbers[::2]):  # the same address and count of changes
        assert_close(call(x, weight, other, constant_weight=True), x, weight, other)
    del other
    for _ in range(20):
        other = torch.randn(6)  # may get the address of one that was freed
        assert_close(call(x, weight, other, constant_weight=True), x, weight, other)
        del other


def test_other_numbers_at_the_same_address_are_packed_again():
    x, weight, _ = operands()
    for _ in range(20):
        call(x, weight, constant_weight=True)
        weight.data = torch.empty(0)  # frees the memory, if nothing holds it
        weight.data = torch.randn(6, 4, 3, 3)
        assert_close(call(x, weight, constant_weight=True), x, weight)


def test_one_weight_serves_layers_with_other_options():
    x = torch.randn(2, 4, 12, 12)
    _, weight, bias = operands()
    for _ in range(2):
        for options in ({}, {"stride": (2, 1)}, {"padding": (1, 2)}, {"dilation": (2, 3)}):
            y = call(x, weight, bias, constant_weight=True, **options)
            assert_close(y, x, weight, bias, **options)
        y = call(x, weight, bias, "relu", constant_weight=True)
        assert y.min() == 0
    with pytest.raises(ValueError, match="in 2 groups does not fit"):
        call(x, weight, bias, groups=2, constant_weight=True)


def test_inference_tensors_are_kept_though_nobody_counts_their_changes():
    with torch.inference_mode():
        x, weight, bias = operands(64, 64)
        plain = torch.zeros(64, 64, 3, 3)
    for own_weight, own_bias in ((weight, bias), (weight, None), (plain, bias)):
        with torch.inference_mode():
            call(x, own_weight, own_bias, constant_weight=True)
            layer = kept(own_weight)
            call(x, own_weight, own_bias, constant_weight=True)
            assert kept(own_weight) is layer
            own_weight.view(-1)[-1] += 1
            y = call(x, own_weight, own_bias, constant_weight=True)
            assert_close(y, x, own_weight, own_bias)
    ordinary = operands(64, 64)[1]
    with torch.inference_mode():
        call(x, ordinary, bias, constant_weight=True)
        bias.add_(1)
        assert_close(call(x, ordinary, bias, constant_weight=True), x, ordinary, bias)


def test_what_is_kept_goes_with_the_weight():
    x, weight, _ = operands()
    call(x, weight, constant_weight=True)
    layer, key = weakref.ref(kept(weight)), id(weight)
    del weight
    gc.collect()
    assert layer() is None
    assert key not in _kept._layers


def test_shapes_without_end_are_not_all_kept():
    _, weight, _ = operands()
    for width in range(3, 3 + 2 * _kept._KEPT_STEPS):
        x = torch.randn(1, 4, 3, width)
        assert_close(call(x, weight, constant_weight=True), x, weight)
    assert len(kept(weight).steps) <= _kept._KEPT_STEPS
    assert len(kept(weight)._packed) <= len(plait.algorithms())


def test_torchs_number_of_threads_is_a_limit():
    x, weight, _ = operands(64, 64, size=(56, 56))
    before = torch.get_num_threads()
    try:
        for number in (before, 1):
            torch.set_num_threads(number)
            call(x, weight, constant_weight=True)
        threads = [step.plan.threads for step in kept(weight).steps.values()]
        own = plait.plan("2x64x56x56,64x64x3x3").threads
        assert (threads[0], threads[-1]) == (min(before, own), 1)
    finally:
        torch.set_num_threads(before)


def test_one_weight_serves_several_threads():
    _, weight, bias = operands()
    inputs = [torch.randn(n, 4, 10, 11) for n in (1, 2, 3, 4)]
    weights = itertools.cycle([weight, torch.randn_like(weight)])
    failures = []

    def work(x, own_weight):
        try:
            for _ in range(50):
                assert_close(call(x, own_weight, bias, constant_weight=True), x, own_weight, bias)
                assert_close(call(x, weight, bias, constant_weight=True), x, weight, bias)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(x, next(weights))) for x in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def sizes():
    return [(7, 9), (56, 56), (28, 28), (112, 100), (14, 14), (5, 64), (200, 33), (63, 63)]


def test_what_a_weight_is_packed_in_has_a_cap_whatever_sizes_come():
    x, weight, bias = operands(c_in=16, c_out=16)
    for size in sizes():
        x = torch.randn(1, 16, *size)
        assert_close(call(x, weight, bias, constant_weight=True), x, weight, bias)
        packed = kept(weight)._packed
        together = sum(one.nbytes for one in packed.values())
        own = (weight.numel() + bias.numel()) * 4
        assert together <= _kept._KEPT_TIMES * own or len(packed) == 1
        formats = {step.plan.packed_format for step in kept(weight).steps.values()}
        assert formats == set(packed)  # no plan is kept that the packed weights do not fit


def test_bits_do_not_depend_on_what_was_kept_before():
    _, weight, bias = operands(c_in=16, c_out=16)
    answers = {}
    for order in (sizes(), sizes()[::-1]):
        for size in order:
            x = torch.linspace(-1, 1, 16 * size[0] * size[1]).sin().view(1, 16, *size)
            y = call(x, weight, bias, constant_weight=True)
            assert torch.equal(answers.setdefault(size, y), y)
        plait.torch.drop_kept_weights()
