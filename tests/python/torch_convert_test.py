"""Converted networks: the same numbers, a true report, and models that can be kept and copied."""

from __future__ import annotations

import copy
import io
import pickle
import threading

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
import torch_networks as networks  # noqa: E402
from torch import nn  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


def images(n=2, size=64):
    return torch.randn(n, 3, size, size)


def relative_error(y, exact):
    return ((y.double() - exact).norm() / exact.norm()).item()


def assert_as_exact_as_torch(converted, model, x):
    """Against the model in float64.

    Every layer rounds at random, in another order than torch's; so the errors of both are of one
    size, but neither is always the smaller.
    """
    with torch.no_grad():
        exact = copy.deepcopy(model).double()(x.double())
        torchs = relative_error(model(x), exact)
        ours = relative_error(converted(x), exact)
    assert ours <= max(4 * torchs, 1e-6), (ours, torchs)
    assert ours > 0


def convolutions(model):
    return [name for name, m in model.named_modules() if isinstance(m, nn.Conv2d)]


NETWORKS = {
    "resnet18": (networks.resnet18, 20),
    "googlenet": (networks.googlenet, 14),
    "mobilenet_v2": (networks.mobilenet_v2, 16),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_converted_wholly_and_gives_the_same(name):
    make, count = NETWORKS[name]
    model = make()
    x = images()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    conversion = plait.torch.convert(model)
    assert conversion.left == {}
    assert conversion.converted == convolutions(model)
    assert len(conversion.converted) == len(conversion.folded) == count
    assert sorted(conversion.folded.values()) == sorted(conversion.converted)
    for norm, convolution in conversion.folded.items():
        assert isinstance(model.get_submodule(norm), nn.BatchNorm2d)
        assert isinstance(conversion.model.get_submodule(norm), nn.Identity)
        assert type(conversion.model.get_submodule(convolution)) is plait.torch.Conv2d
    assert not any(module.training for module in conversion.model.modules())
    assert_as_exact_as_torch(conversion.model, model, x)
    assert_as_exact_as_torch(
        conversion.model, model, x.contiguous(memory_format=torch.channels_last)
    )
    assert convolutions(model) == conversion.converted
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_fold_into_other_sums_would_be_noticed():
    """The batch norms of these networks matter to the comparison."""
    model = networks.resnet18()
    other = plait.torch.convert(model).model
    with torch.no_grad():
        other[3 + 1].conv1.bias[0] += 1e-3
    with pytest.raises(AssertionError):
        assert_as_exact_as_torch(other, model, images())


def test_the_report_lists_every_layer():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.Conv1d(4, 4, 1)
    )
    assert str(plait.torch.convert(model.eval())) == (
        "2 convolutions converted, 1 batch norm folded, 1 layer left alone\n"
        "converted\n"
        "  0 with 1\n"
        "  2\n"
        "left alone\n"
        "  3: Conv1d: only Conv2d is converted"
    )


def test_folding_is_done_in_float64():
    conv = nn.Conv2d(2, 3, 1)
    norm = nn.BatchNorm2d(3)
    model = networks.randomize(nn.Sequential(conv, norm))
    converted = plait.torch.convert(model).model[0]
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    weight = conv.weight.double() * scale[:, None, None, None]
    bias = (conv.bias.double() - norm.running_mean.double()) * scale + norm.bias.double()
    assert torch.equal(converted.weight, weight.float())
    assert torch.equal(converted.bias, bias.float())


def test_a_norm_without_factors_is_folded():
    model = networks.randomize(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
    plain = nn.BatchNorm2d(4, affine=False)
    plain.load_state_dict(
        {k: v for k, v in model[1].state_dict().items() if "running" in k or "num" in k}
    )
    model[1] = plain.eval()
    conversion = plait.torch.convert(model)
    assert conversion.folded == {"1": "0"}
    assert_as_exact_as_torch(conversion.model, model, images(size=9))


@pytest.mark.parametrize("bias", [False, True])
def test_a_layer_is_torchs_layer(bias):
    for options in (
        {"kernel_size": 3, "padding": "valid", "stride": 2},
        {"kernel_size": (4, 3), "padding": "same", "dilation": (1, 2)},
        {"kernel_size": (2, 5), "padding": (1, 2), "stride": (1, 2), "groups": 3},
    ):
        layer = nn.Conv2d(6, 9, bias=bias, **options).eval()
        conversion = plait.torch.convert(layer)
        made = conversion.model
        assert type(made) is plait.torch.Conv2d
        assert conversion.converted == [""]
        assert made.extra_repr() == layer.extra_repr()
        assert list(made.state_dict()) == list(layer.state_dict())
        assert not made.training
        x = torch.randn(2, 6, 9, 10)
        assert_as_exact_as_torch(made, layer, x)
        assert_as_exact_as_torch(made, layer, x[0])
        fresh = plait.torch.Conv2d(6, 9, bias=bias, **options)
        fresh.load_state_dict(layer.state_dict())
        assert_as_exact_as_torch(fresh, layer, x)


@pytest.mark.parametrize("padding_mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [2, (1, 3), "same", "valid"], ids=str)
def test_padding_modes_are_torchs(padding_mode, padding):
    for options in ({"bias": False, "dilation": 2}, {"groups": 3}):
        kernel = (3, 4) if padding == "same" else 3
        layer = nn.Conv2d(6, 9, kernel, padding=padding, padding_mode=padding_mode, **options)
        conversion = plait.torch.convert(layer.eval())
        assert type(conversion.model) is plait.torch.Conv2d
        assert conversion.model.extra_repr() == layer.extra_repr()
        x = torch.randn(2, 6, 9, 10)
        for _ in range(2):
            assert_as_exact_as_torch(conversion.model, layer, x)
        assert_as_exact_as_torch(conversion.model, layer, x[0])


def test_a_norm_is_folded_into_a_layer_with_another_padding():
    layer = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")
    model = networks.randomize(nn.Sequential(layer, nn.BatchNorm2d(4)))
    conversion = plait.torch.convert(model)
    assert conversion.folded == {"1": "0"}
    assert_as_exact_as_torch(conversion.model, model, images(size=9))


def test_a_converted_model_needs_no_no_grad_but_refuses_gradients():
    model = nn.Sequential(nn.Linear(16, 16), nn.PReLU(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model.append(nn.PReLU()).append(nn.BatchNorm2d(4)).append(nn.Conv2d(4, 2, 3))
    for inplace in (False, True):
        converted = plait.torch.convert(networks.randomize(model), inplace=inplace).model
        assert not any(p.requires_grad for p in converted.parameters())
        assert any(p.requires_grad for p in model.parameters()) is not inplace
        x = images(size=16)
        assert not converted(x).requires_grad
        with pytest.raises(ValueError, match="input requires a gradient"):
            converted(x.requires_grad_())
        with torch.no_grad():
            converted(x)
        converted[2].weight.requires_grad_()
        with pytest.raises(ValueError, match="weight requires a gradient"):
            converted(x.detach())


def test_training_mode_is_refused():
    model = plait.torch.convert(networks.resnet18()).model
    with pytest.raises(RuntimeError, match=r"training mode.*call \.eval\(\)"):
        model.train()(images())
    model.eval()(images())
    layer = plait.torch.Conv2d(3, 4, 3)
    assert not layer.training
    layer(images())


def test_inplace_changes_the_model_itself():
    model = networks.mobilenet_v2()
    original = copy.deepcopy(model)
    conversion = plait.torch.convert(model, inplace=True)
    assert conversion.model is model
    assert type(model[0]) is plait.torch.Conv2d
    assert_as_exact_as_torch(model, original, images())


def test_weights_that_are_not_folded_stay_tied():
    model = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)).eval()
    model[1].weight = model[0].weight
    plait.torch.convert(model, inplace=True)
    x = images(1, 9)
    model(x)
    with torch.no_grad():
        model[0].weight.mul_(2)
    assert torch.equal(model[1].weight, model[0].weight)
    original = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3))
    original.load_state_dict(model.state_dict())
    assert_as_exact_as_torch(model, original, x)


def test_a_layer_of_several_names_is_replaced_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 3, 3)
            self.second = self.first

        def forward(self, x):
            return self.second(self.first(x))

    model = Twice().eval()
    conversion = plait.torch.convert(model)
    assert conversion.converted == ["first"]
    assert type(conversion.model.first) is plait.torch.Conv2d
    assert conversion.model.second is conversion.model.first
    assert_as_exact_as_torch(conversion.model, model, images(1, 9))


def test_conversion_in_inference_mode_makes_ordinary_weights():
    with torch.inference_mode():
        model = networks.randomize(networks.BasicBlock(3, 4, 2))
        assert model.conv1.weight.is_inference()
        conversion = plait.torch.convert(model, inplace=True)
    assert not any(t.is_inference() for t in conversion.model.state_dict().values())
    conversion.model(images())


def test_a_second_conversion_leaves_the_first_alone():
    conversion = plait.torch.convert(plait.torch.convert(networks.mobilenet_v2()).model)
    assert conversion.converted == []
    assert set(conversion.left.values()) == {"is plait's already"}


def test_only_modules_are_converted():
    with pytest.raises(TypeError, match=r"torch\.nn\.Module but is a function"):
        plait.torch.convert(lambda x: x)


# --- keeping and copying --------------------------------------------------------------------------


def copies():
    def saved(model):
        file = io.BytesIO()
        torch.save(model, file)
        file.seek(0)
        return torch.load(file, weights_only=False)

    def by_state_dict(model):
        file = io.BytesIO()
        torch.save(model.state_dict(), file)
        file.seek(0)
        other = plait.torch.convert(networks.resnet18()).model
        for p in other.parameters():
            torch.nn.init.zeros_(p)
        other(images())  # packs zeros
        other.load_state_dict(torch.load(file, weights_only=True))
        return other

    return [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), saved, by_state_dict]


@pytest.mark.parametrize("copied", copies(), ids=["deepcopy", "pickle", "save", "state_dict"])
def test_a_converted_model_can_be_copied(copied):
    model = plait.torch.convert(networks.resnet18()).model
    x = images()
    y = model(x)
    other = copied(model)
    assert torch.equal(other(x), y)
    with torch.no_grad():
        other[0].weight.mul_(2)
    assert not torch.equal(other(x), y)
    assert torch.equal(model(x), y)


def test_an_unfolded_model_takes_the_state_dict_of_the_original():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1)).eval()
    converted = plait.torch.convert(model).model
    other = copy.deepcopy(model)
    for p in other.parameters():
        torch.nn.init.normal_(p)
    x = images(1, 12)
    converted(x)
    converted.load_state_dict(other.state_dict())
    assert_as_exact_as_torch(converted, other, x)


def test_a_converted_model_serves_two_threads():
    model = plait.torch.convert(networks.googlenet()).model
    inputs = [images(1, 64), images(2, 48)]
    expected = [copy.deepcopy(model)(x) for x in inputs]
    answers: list[list] = [[], []]

    def work(i):
        for _ in range(5):
            answers[i].append(model(inputs[i]))

    threads = [threading.Thread(target=work, args=(i,)) for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer, right in zip(answers, expected, strict=True):
        assert len(answer) == 5
        assert all(torch.equal(y, right) for y in answer)


@pytest.mark.full  # importing transformers takes 5 s
def test_a_transformers_model_is_converted_block_by_block():
    transformers = pytest.importorskip("transformers")
    config = transformers.ResNetConfig(
        hidden_sizes=[16, 32, 64, 64], depths=[1, 2, 1, 1], embedding_size=16
    )
    model = networks.randomize(transformers.ResNetForImageClassification(config))
    conversion = plait.torch.convert(model)
    assert conversion.left == {}
    assert len(conversion.folded) == len(conversion.converted) == len(convolutions(model))

    def logits(of):
        return lambda x: of(x).logits

    with torch.no_grad():
        x = images()
        exact = copy.deepcopy(model).double()(x.double()).logits
        torchs = relative_error(model(x).logits, exact)
        assert relative_error(conversion.model(x).logits, exact) <= max(4 * torchs, 1e-6)
