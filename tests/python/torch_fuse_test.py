"""Additions and activations that become part of convolutions, where no call can tell."""

from __future__ import annotations

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
import torch_joined as joined  # noqa: E402
import torch_networks as networks  # noqa: E402
from torch import nn  # noqa: E402

ALL = {**joined.JOINED, **joined.APART, **{kind: {} for kind in joined.NOT_PLAIN}}


@pytest.fixture(autouse=True)
def _without_gradients():
    torch.manual_seed(3)
    with torch.no_grad():
        yield


def image(n=2):
    return torch.randn(n, 4, 9, 10)


def assert_same(y, expected):
    torch.testing.assert_close(y, expected, rtol=2e-5, atol=2e-5)
    assert y.shape == expected.shape


def pair(kind):
    """A module, and what became of a copy of it."""
    module = kind().eval()
    return module, plait.torch.convert(module)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_what_is_joined_is_said_and_answers_are_the_same(kind, channels_last):
    module, conversion = pair(kind)
    assert conversion.fused == ALL[kind]
    x = image()
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    given, other = x.clone(), x.clone()
    for _ in range(2):
        assert_same(conversion.model(given), module(other))
        assert_same(given, other)  # a module may write to its input


@pytest.mark.parametrize("kind", joined.NOT_PLAIN, ids=lambda kind: kind.__name__)
def test_a_module_that_is_left_is_named_with_the_reason(kind):
    _, conversion = pair(kind)
    assert list(conversion.unfused) == [""]
    assert conversion.unfused[""] in str(conversion)


def test_every_follower_of_the_networks_is_joined():
    residual = plait.torch.convert(networks.resnet18())
    assert sum(words == ["addition", "ReLU"] for words in residual.fused.values()) == 8
    assert sum(words == ["ReLU"] for words in residual.fused.values()) == 9
    mobile = plait.torch.convert(networks.mobilenet_v2())
    assert set(map(tuple, mobile.fused.values())) == {("ReLU6",), ("addition",)}


def test_nothing_is_joined_on_demand():
    module = joined.Residual().eval()
    conversion = plait.torch.convert(module, fuse=False)
    assert conversion.fused == {}
    x = image()
    assert_same(conversion.model(x), module(x))


# --- a module that is changed after the conversion ------------------------------------------------


def use(module):
    module.use = False


def another_child(module):
    module.relu = nn.Sigmoid()


def child_in_the_dictionary(module):
    module.add_module("relu", nn.Tanh())


def another_convolution(module):
    module.conv1 = nn.Conv2d(4, 4, 5, padding=2)


def another_forward(module):
    module.forward = lambda x: module.conv1(x) * 3


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (joined.Flagged, use),
        (joined.Residual, another_child),
        (joined.Residual, child_in_the_dictionary),
        (joined.Residual, another_convolution),
        (joined.Residual, another_forward),
    ],
)
def test_a_changed_module_computes_as_changed(kind, change):
    module, conversion = pair(kind)
    x = image()
    before = conversion.model(x)
    torch.manual_seed(4)
    change(module)
    torch.manual_seed(4)
    change(conversion.model)
    assert_same(conversion.model(x), module(x))
    assert not torch.allclose(module(x), before)


def test_a_list_that_grows_computes_as_grown():
    module = nn.Sequential(joined.conv(), nn.ReLU()).eval()
    conversion = plait.torch.convert(module)
    for model in (module, conversion.model):
        model.append(nn.Tanh())
    x = image()
    assert_same(conversion.model(x), module(x))


def test_a_class_that_gets_another_forward_is_obeyed(monkeypatch):
    module, conversion = pair(joined.Residual)
    monkeypatch.setattr(joined.Residual, "forward", lambda self, x: self.conv1(x) * 2)
    x = image()
    assert_same(conversion.model(x), module(x))


# --- calls that are not the traced one ------------------------------------------------------------


def test_an_argument_by_name_is_taken():
    module, conversion = pair(joined.Residual)
    x = image()
    assert_same(conversion.model(x=x), module(x=x))


def test_an_addition_that_broadcasts_or_promotes_is_torchs():
    class Two(joined.Block):
        def forward(self, x, other):
            return torch.relu(self.conv1(x) + other)

    joined.Two = Two
    module, conversion = pair(Two)
    assert conversion.fused == {"conv1": ["addition", "ReLU"]}
    x = image()
    for other in (
        torch.randn(1, 4, 1, 1),
        torch.randn(10),
        image().double(),
        image()[:, :, :, ::1],
    ):
        assert_same(conversion.model(x, other), module(x, other))
        assert conversion.model(x, other).dtype == module(x, other).dtype
    strided = torch.randn(2, 4, 10, 9).transpose(2, 3)
    assert_same(conversion.model(x, strided), module(x, strided))
    with pytest.raises(RuntimeError, match="must match"):
        conversion.model(x, torch.randn(3))


def test_an_addend_that_requires_a_gradient_gets_one():
    class Sum(joined.Block):
        def forward(self, x, other):
            return self.conv1(x) + other

    _, conversion = pair(Sum)
    other = image().requires_grad_()
    with torch.enable_grad():
        conversion.model(image(), other).sum().backward()
    assert torch.equal(other.grad, torch.ones_like(other))


def test_an_image_without_batch_and_an_empty_batch():
    module, conversion = pair(joined.Residual)
    x = image()
    assert_same(conversion.model(x[0]), module(x[0]))
    assert conversion.model(x[:0]).shape == (0, 4, 9, 10)


@pytest.mark.parametrize("name", ["conv1", "conv2", "relu", "shortcut"])
def test_hooks_see_what_they_would_have_seen(name):
    module, conversion = pair(joined.Shortcut)
    seen = []
    for model in (module, conversion.model):
        calls = []
        seen.append(calls)
        model.get_submodule(name).register_forward_hook(
            lambda _, given, y, calls=calls: calls.append((given[0].clone(), y.clone()))
        )
    x = image()
    assert_same(conversion.model(x), module(x))
    ours, torchs = seen[1], seen[0]
    assert len(ours) == len(torchs) > 0
    for mine, theirs in zip(ours, torchs, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            assert_same(one, other)


def test_a_hook_inside_of_a_joined_list_sees_its_layer_alone():
    module, conversion = pair(joined.Tail)
    seen = []
    for model in (module, conversion.model):
        model.branch[2].register_forward_hook(lambda _, x, y: seen.append(y.clone()))
    x = image()
    assert_same(conversion.model(x), module(x))
    assert_same(seen[1], seen[0])


def test_hooks_of_all_modules_see_every_module():
    module, conversion = pair(joined.Tail)
    names = []
    handle = nn.modules.module.register_module_forward_hook(
        lambda m, x, y: names.append(type(m).__name__)
    )
    try:
        module(image())
        expected = list(names)
        names.clear()
        conversion.model(image())
    finally:
        handle.remove()
    assert names == expected


# --- models that are kept and passed on -----------------------------------------------------------


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), saved])
def test_copies_are_joined_for_themselves(again):
    module, conversion = pair(joined.Tail)
    other = again(conversion.model)
    x = image()
    assert_same(other(x), module(x))
    other.branch[2].weight.zero_()
    other.branch[2].bias.zero_()
    assert_same(other(x), x)
    assert_same(conversion.model(x), module(x))


def test_a_copy_still_runs_joined(monkeypatch):
    _, conversion = pair(joined.ByANumber)
    other = pickle.loads(pickle.dumps(conversion.model))
    calls = []
    fused = plait.torch.Conv2d.fused
    monkeypatch.setattr(
        plait.torch.Conv2d, "fused", lambda self, *args: calls.append(args) or fused(self, *args)
    )
    other(image())
    assert [args[2] for args in calls] == ["relu"]


def test_a_converted_model_can_be_converted_again():
    module, conversion = pair(joined.Residual)
    again = plait.torch.convert(conversion.model)
    assert again.fused == conversion.fused
    x = image()
    assert_same(again.model(x), module(x))


def test_it_compiles_and_exports():
    module, conversion = pair(joined.Residual)
    x = image()
    torch._dynamo.reset()
    compiled = torch.compile(conversion.model, backend="aot_eager", fullgraph=True)
    assert_same(compiled(x), module(x))
    exported = torch.export.export(conversion.model, (x,))
    assert_same(exported.module()(x), module(x))


# --- limits ---------------------------------------------------------------------------------------


def test_limits_reach_every_plan():
    module = joined.Residual().eval()
    conversion = plait.torch.convert(
        module, accuracy="strict", max_workspace_bytes=0, reproducible=True, threads=1
    )
    x = image()
    assert_same(conversion.model(x), module(x))
    for name in conversion.converted:
        (step,) = plait.torch._kept.steps_of(conversion.model.get_submodule(name).weight)
        assert step.plan.workspace_bytes == 0
        assert step.plan.threads == 1
        assert step.plan.error_rms <= 5e-7


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"accuracy": "exact"}, "accuracy"),
        ({"max_workspace_bytes": -1}, "max_workspace_bytes"),
        ({"threads": -2}, "threads"),
        ({"threads": "two"}, "threads"),
    ],
)
def test_wrong_limits_are_refused_by_name_before_anything_is_converted(limits, named):
    module = joined.Residual().eval()
    with pytest.raises((ValueError, TypeError), match=named):
        plait.torch.convert(module, inplace=True, **limits)
    assert type(module.conv1) is nn.Conv2d


# --- what is said ---------------------------------------------------------------------------------


def test_layers_tell_how_they_are_computed():
    _, conversion = pair(joined.Residual)
    assert conversion.explain().count("not called yet") == 2
    assert "predicted" not in repr(conversion.model)
    conversion.model(image())
    conversion.model(image(1))
    rows = conversion.explain().splitlines()
    assert len(rows) == 5
    assert "conv2" in rows[3]
    assert "2x4x9x10" in rows[3]
    assert "addition, ReLU" in rows[3]
    assert " us " in rows[3]
    layer = conversion.model.conv2
    plan = plait.torch._kept.steps_of(layer.weight)[-1].plan
    assert f"{plan.algorithm} for 1x4x9x10" in repr(layer)
