"""Channels in groups: shuffled as numpy and torch do it, and followed through real layers."""

from __future__ import annotations

import numpy as np
import plait
import pytest


def shuffled(x: np.ndarray, groups: int) -> np.ndarray:
    *batch, c, h, w = x.shape
    blocks = x.reshape(*batch, groups, c // groups, h, w)
    return blocks.swapaxes(-4, -3).reshape(x.shape)


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 6, 12])
@pytest.mark.parametrize("shape", [(12, 5, 3), (2, 12, 4, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shuffle_is_a_reshape_and_a_transposition(rng, shape, groups: int, dtype: str) -> None:
    x = rng.standard_normal(shape).astype(dtype)
    y = plait.channel_shuffle(x, groups)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, shuffled(x, groups))
    np.testing.assert_array_equal(plait.channel_shuffle(y, 12 // groups), x)


def test_shuffle_answers_in_the_inputs_kind(kind, rng) -> None:
    _, array_type, from_numpy = kind
    x = rng.standard_normal((2, 6, 3, 4)).astype("float32")
    y = plait.channel_shuffle(from_numpy(x), groups=3)
    assert isinstance(y, array_type)
    np.testing.assert_array_equal(np.asarray(y), shuffled(x, 3))


def test_shuffle_is_torchs(rng) -> None:
    torch = pytest.importorskip("torch")
    for shape, groups in [((2, 12, 3, 5), 4), ((1, 30, 2, 2), 5), ((3, 8, 1, 1), 8)]:
        x = torch.from_numpy(rng.standard_normal(shape))
        theirs = torch.nn.functional.channel_shuffle(x, groups)
        assert torch.equal(plait.channel_shuffle(x, groups), theirs)
        last = x.to(memory_format=torch.channels_last)
        assert torch.equal(plait.channel_shuffle(last, groups), theirs)


def test_shuffle_reads_any_strides_and_empty_arrays(rng) -> None:
    x = rng.standard_normal((2, 9, 8, 6)).transpose(0, 3, 1, 2)[:, :, ::-1, ::2]
    np.testing.assert_array_equal(plait.channel_shuffle(x, 2), shuffled(x, 2))
    assert plait.channel_shuffle(np.zeros((0, 6, 2, 2)), 2).shape == (0, 6, 2, 2)


@pytest.mark.parametrize(
    ("x", "groups", "error", "text"),
    [
        (np.zeros((6, 3, 3)), 4, ValueError, r"4 does not divide 6 \(x is 6x3x3\)"),
        (np.zeros((1, 6, 3, 3)), 0, ValueError, "groups must be at least 1 but is 0"),
        (np.zeros((6, 3)), 2, ValueError, "c x h x w or n x c x h x w but is 6x3"),
        (np.zeros((1, 1, 6, 3, 3)), 2, ValueError, "x has 5 axes"),
        (np.zeros((6, 3, 3), "U1"), 2, TypeError, "x is <U1"),
        (np.zeros((6, 3, 3)), 2.0, TypeError, "groups must be an int"),
        (np.zeros((6, 3, 3)), None, TypeError, "groups must be an int"),
        (None, 2, TypeError, "x is missing"),
        (1.0, 1, TypeError, "x must be an array"),
    ],
)
def test_shuffle_refuses_what_has_no_meaning(x, groups, error, text: str) -> None:
    with pytest.raises(error, match=text):
        plait.channel_shuffle(x, groups)


def reached(rng, channels: int, groups: int, layers: int, between: str) -> np.ndarray:
    """Convolve an image per input channel, with a one in that channel, by positive weights."""
    x = np.eye(channels)[:, :, None, None]
    for layer in range(layers):
        if layer > 0 and between == "shuffle":
            x = plait.channel_shuffle(x, groups)
        elif layer > 0 and between == "pointwise":
            x = plait.conv2d(x, rng.uniform(1, 2, (channels, channels, 1, 1)))
        weight = rng.uniform(1, 2, (channels, channels // groups, 1, 1))
        x = plait.conv2d(x, weight, groups=groups)
    return x[:, :, 0, 0].T > 0


@pytest.mark.parametrize("between", ["none", "shuffle", "pointwise"])
@pytest.mark.parametrize(("channels", "groups"), [(8, 2), (12, 6), (16, 4), (18, 9), (7, 7)])
def test_flow_is_what_convolutions_reach(rng, channels: int, groups: int, between: str) -> None:
    for layers in range(1, 5):
        flow = plait.channel_flow(channels, groups, layers, between)
        assert flow.dtype == np.bool_
        assert flow.shape == (channels, channels)
        np.testing.assert_array_equal(flow, reached(rng, channels, groups, layers, between))


def test_flow_of_one_layer_is_block_diagonal() -> None:
    np.testing.assert_array_equal(
        plait.channel_flow(12, 4), np.kron(np.eye(4), np.ones((3, 3))) > 0
    )
    flow = plait.channel_flow(12, 4)
    flow[0, 0] = False  # its own memory
    assert plait.channel_flow(12, 4)[0, 0]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((16, 3), ValueError, "3 does not divide 16"),
        ((16, 0), ValueError, "groups must be at least 1"),
        ((0, 1), ValueError, "channels must be at least 1"),
        ((16, 4, 0), ValueError, "layers must be at least 1"),
        ((8192, 4), ValueError, "at most 4096 channels but got 8192"),
        ((2**70, 4), ValueError, "channels must be below"),
        ((16, 4, 2, "mix"), ValueError, "known: none, shuffle, pointwise"),
        ((16, 4, 2, 1), TypeError, "between must be a str"),
        ((16, 4, 2, None), TypeError, "between must be a str"),
        (("16", 4), TypeError, "channels must be an int"),
    ],
)
def test_flow_refuses_what_has_no_meaning(arguments, error, text: str) -> None:
    with pytest.raises(error, match=text):
        plait.channel_flow(*arguments)
