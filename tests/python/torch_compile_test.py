"""plait's layers in compiled and exported programs."""

from __future__ import annotations

import io

import pytest

torch = pytest.importorskip("torch")

import plait.torch  # noqa: E402
import torch_networks  # noqa: E402
from plait.torch import _kept  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh():
    torch.manual_seed(5)
    torch._dynamo.reset()


class Small(torch.nn.Module):
    """Two of plait's layers with one of torch's operators between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = plait.torch.Conv2d(3, 8, 3, stride=2, padding=1)
        self.second = plait.torch.Conv2d(8, 4, 2, padding="same", bias=False)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


def images(n=2, size=16):
    return torch.randn(n, 3, size, size)


def assert_same(y, expected):
    assert y.stride() == expected.stride()
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_a_compiled_model_is_one_graph_and_gives_the_same(memory_format):
    model = Small()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    x = images().contiguous(memory_format=memory_format)
    assert_same(compiled(x), model(x))


def test_a_compiled_model_packs_its_weights_once():
    model = Small()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    compiled(images())
    layer = _kept._layers[id(model.first.weight)]
    compiled(images())
    assert _kept._layers[id(model.first.weight)] is layer
    model.first.weight.mul_(2)
    x = images()
    assert_same(compiled(x), model(x))


def test_sizes_may_change_without_compiling_again():
    graphs = []

    def backend(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    model = Small()
    compiled = torch.compile(model, fullgraph=True, backend=backend, dynamic=True)
    for n, size in ((2, 16), (3, 20), (5, 33)):
        x = images(n, size)
        assert_same(compiled(x), model(x))
    assert len(graphs) == 1


@pytest.mark.full  # the C++ compiler takes 20 s
def test_inductor_compiles_a_converted_block():
    model = torch_networks.randomize(torch_networks.BasicBlock(3, 8, 2))
    converted = plait.torch.convert(model).model
    x = images().contiguous(memory_format=torch.channels_last)
    compiled = torch.compile(converted, fullgraph=True)
    with torch.no_grad():
        for _ in range(2):
            assert_same(compiled(x), converted(x))


def test_an_exported_program_survives_saving():
    model = Small().eval()
    size = torch.export.Dim("size", min=4, max=64)
    shapes = {"x": {0: torch.export.Dim("n", max=32), 2: size, 3: size}}
    program = torch.export.export(model, (images(),), dynamic_shapes=shapes)
    operators = [str(node.target) for node in program.graph.nodes]
    assert operators.count("plait.conv2d.default") == 2
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    for n, size in ((1, 8), (4, 21)):
        x = images(n, size)
        assert_same(loaded(x), model(x))


def test_a_compiled_model_refuses_gradients():
    model = Small()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    x = images()
    with pytest.raises(RuntimeError, match="input requires a gradient"):
        compiled(x.clone().requires_grad_())
    with torch.no_grad():
        assert_same(compiled(x.clone().requires_grad_()), model(x))


def test_an_export_refuses_gradients():
    with pytest.raises(ValueError, match="input requires a gradient"):
        torch.export.export(Small(), (images().requires_grad_(),))


def test_wrong_sizes_are_refused_while_compiling():
    compiled = torch.compile(Small(), fullgraph=True, backend="aot_eager")
    with pytest.raises(RuntimeError, match="does not fit the channels of input 2x4x16x16"):
        compiled(torch.randn(2, 4, 16, 16))
