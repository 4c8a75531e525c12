"""plait.show: one picture per map, in colours and with labels that tell the truth."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import plait
import pytest

pytest.importorskip("matplotlib")

BLACK, WHITE, MAGENTA = (0, 0, 0), (255, 255, 255), (255, 0, 255)


def picture(figure) -> np.ndarray:
    """The pixels, h x w x 3, of the PNG that the figure writes."""
    from matplotlib.image import imread

    png = io.BytesIO()
    figure.savefig(png)
    png.seek(0)
    return np.round(255 * imread(png)[:, :, :3]).astype(int)


def pixel_of(figure, index: int, row: float, column: float) -> tuple[int, ...]:
    """The colour at shares of the height and width of a map, as drawn."""
    pixels = picture(figure)
    box = figure.axes[index].get_position()
    height, width = pixels.shape[:2]
    y = height * (1 - box.y1 + row * box.height)
    x = width * (box.x0 + column * box.width)
    return tuple(pixels[int(y), int(x)])


def texts_of(figure, index: int) -> list[str]:
    return [text.get_text() for text in figure.axes[index].texts]


@pytest.mark.parametrize(
    ("shape", "count"),
    [((4, 6), 1), ((5, 4, 6), 5), ((1, 5, 4, 6), 5), ((1, 1, 1), 1), ((64, 2, 2), 64)],
)
def test_every_map_gets_axes_of_its_own(shape, count):
    figure = plait.show(np.zeros(shape, "float32"))
    assert len(figure.axes) == count
    assert [texts_of(figure, i)[0] for i in range(count)] == [str(i) for i in range(count)]


def test_maps_are_drawn_in_order_and_upright():
    maps = np.zeros((3, 4, 4))
    maps[0, 0, 0] = maps[1, 0, 3] = maps[2, 3, 0] = 1
    figure = plait.show(maps)
    corners = {"top left": (0.1, 0.1), "top right": (0.1, 0.9), "bottom left": (0.9, 0.1)}
    for index, lit in enumerate(corners):
        for corner, (row, column) in corners.items():
            assert pixel_of(figure, index, row, column) == (WHITE if corner == lit else BLACK)


@pytest.mark.parametrize(("h", "w"), [(30, 30), (20, 60), (60, 20), (512, 384), (3, 3)])
def test_maps_keep_their_shape(h, w):
    figure = plait.show(np.arange(2.0 * h * w).reshape(2, h, w))
    width, height = figure.get_size_inches()
    for axes in figure.axes:
        box = axes.get_position()
        assert box.width * width / (box.height * height) == pytest.approx(w / h)


def test_a_line_is_wide_enough_to_be_seen():
    figure = plait.show(np.arange(2 * 300).reshape(2, 1, 300))
    assert figure.axes[0].get_position().height * figure.get_size_inches()[1] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (16, 4), (17, 8), (64, 8)]
)
def test_default_columns(count, columns):
    figure = plait.show(np.zeros((count, 40, 40)))
    lefts = {round(axes.get_position().x0, 6) for axes in figure.axes}
    assert len(lefts) == columns
    assert figure.get_size_inches()[0] <= 10.2


@pytest.mark.parametrize(("columns", "expected"), [(1, 1), (2, 2), (5, 5), (99, 6)])
def test_columns_as_asked(columns, expected):
    figure = plait.show(np.zeros((6, 40, 40)), columns=columns)
    lefts = {round(axes.get_position().x0, 6) for axes in figure.axes}
    bottoms = {round(axes.get_position().y0, 6) for axes in figure.axes}
    assert (len(lefts), len(bottoms)) == (expected, -(-6 // expected))


def test_maps_and_labels_do_not_overlap():
    figure = plait.show(np.zeros((20, 9, 9)), titles=["a name that takes more than a line"] * 20)
    picture(figure)  # lays the text out
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    for i, a in enumerate(boxes):
        assert min(a.x0, a.y0) >= 0
        assert a.x1 <= figure.bbox.width
        assert a.y1 <= figure.bbox.height
        for b in boxes[:i]:
            assert a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0


def test_few_pixels_are_not_blown_up():
    figure = plait.show(np.zeros((1, 2, 2)))
    assert max(figure.get_size_inches()) <= 2


def test_many_pixels_are_not_kept():
    figure = plait.show(np.zeros((1, 2000, 1500), "float32"))
    assert max(figure.get_size_inches()) <= 4
    assert figure.axes[0].images[0].get_array().size < 400_000


def test_shrinking_keeps_thin_lines_and_their_place():
    one = np.zeros((1501, 1499))
    one[500] = 1
    figure = plait.show(one)
    drawn = np.asarray(figure.axes[0].images[0].get_array())
    assert len(drawn) < 800
    (lit,) = np.unique(np.nonzero(drawn)[0])
    assert lit / len(drawn) == pytest.approx(500 / 1501, abs=2e-3)
    assert np.all(drawn[lit] == 1 / (1501 // (len(drawn) - 1)))


def test_many_maps_are_cut_off_aloud():
    figure = plait.show(np.zeros((100, 2, 2)))
    assert len(figure.axes) == 64
    assert [text.get_text() for text in figure.texts] == ["the first 64 of 100 maps"]
    assert plait.show(np.zeros((64, 2, 2))).texts == []


def test_each_map_is_scaled_by_itself():
    figure = plait.show(np.array([[[2, 4], [3, 4]], [[200, 100], [200, 150]]]))
    assert pixel_of(figure, 0, 0.2, 0.2) == BLACK
    assert pixel_of(figure, 0, 0.2, 0.8) == WHITE
    assert pixel_of(figure, 1, 0.2, 0.2) == WHITE
    assert pixel_of(figure, 1, 0.2, 0.8) == BLACK
    for index in (0, 1):
        grey = pixel_of(figure, index, 0.8, 0.2 if index == 0 else 0.8)
        assert grey[0] == grey[1] == grey[2] == pytest.approx(127, abs=3)


def test_zero_is_white_blue_is_negative_and_red_positive():
    figure = plait.show(np.array([[-4, 0, 1, 2]]))
    blue, white, pale, red = (pixel_of(figure, 0, 0.5, (i + 0.5) / 4) for i in range(4))
    assert blue[2] > blue[0] + 50
    assert min(white) > 240
    assert red[0] > red[2] + 100
    assert pale[0] > pale[2] > red[2]


def test_few_extreme_pixels_do_not_pale_the_rest():
    maps = np.tile([0.0, 1.0], (2, 40, 20))
    maps[1, 1::2] *= -1
    maps[:, 0, 1] = 1000
    figure = plait.show(maps)
    assert figure.axes[0].images[0].get_clim() == (0, 1)
    assert figure.axes[1].images[0].get_clim() == (-1, 1)
    assert texts_of(figure, 0)[-1] == "[0, 1e+03]"


@pytest.mark.parametrize("value", [0.0, 5.0, 1e30])
def test_a_constant_is_mid_grey(value):
    figure = plait.show(np.full((3, 3), value))
    assert pixel_of(figure, 0, 0.5, 0.5) == pytest.approx((127, 127, 127), abs=1)


def test_a_negative_constant_is_blue():
    blue = pixel_of(plait.show(np.full((3, 3), -2.0)), 0, 0.5, 0.5)
    assert blue[2] > blue[0] + 50


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_magenta_and_counted(odd):
    maps = np.zeros((2, 4, 4))
    maps[0, :2, :2] = odd
    maps[0, 3, 3] = 8
    maps[1] = odd
    figure = plait.show(maps)
    assert pixel_of(figure, 0, 0.2, 0.2) == MAGENTA
    assert pixel_of(figure, 0, 0.2, 0.8) == BLACK
    assert pixel_of(figure, 0, 0.95, 0.9) == WHITE
    assert pixel_of(figure, 1, 0.5, 0.5) == MAGENTA
    assert texts_of(figure, 0)[-2:] == ["[0, 8]", "4 not finite"]
    assert texts_of(figure, 1)[-1] == "16 not finite"


@pytest.mark.filterwarnings("error")
def test_infinities_of_both_signs_in_a_large_map():
    one = np.ones((2000, 2000))
    one[::2] = np.inf
    one[1::2, ::2] = -np.inf
    one[0, 0] = -1
    figure = plait.show(one)
    assert pixel_of(figure, 0, 0.5, 0.5) == MAGENTA


def test_ranges_are_those_of_the_whole_map():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(700, 900))
    one[350, 450] = -12.34
    figure = plait.show(one)
    assert texts_of(figure, 0)[-1] == f"[\N{MINUS SIGN}12.3, {one.max():.3g}]"


def test_titles_stand_beside_the_numbers():
    figure = plait.show(np.zeros((2, 40, 40)), titles=["red", 7])
    assert texts_of(figure, 0) == ["0", "red", "[0, 0]"]
    assert texts_of(figure, 1) == ["1", "7", "[0, 0]"]


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool"]
)
def test_dtypes(dtype):
    figure = plait.show(np.array([[0, 1]]).astype(dtype))
    assert pixel_of(figure, 0, 0.5, 0.2) == BLACK
    assert pixel_of(figure, 0, 0.5, 0.8) == WHITE


def test_any_strides_and_nested_lists():
    base = np.arange(2 * 6 * 8, dtype="float32").reshape(6, 8, 2)
    seen = [
        picture(plait.show(maps))
        for maps in (base.transpose(2, 0, 1), base.transpose(2, 0, 1).tolist())
    ]
    assert np.array_equal(seen[0], seen[1])


def test_a_torch_tensor_looks_like_its_array():
    torch = pytest.importorskip("torch")
    maps = np.random.default_rng(1).normal(size=(3, 8, 8)).astype("float32")
    tensor = torch.from_numpy(maps)
    expected = picture(plait.show(maps))
    assert np.array_equal(picture(plait.show(tensor)), expected)
    assert np.array_equal(picture(plait.show(tensor[None])), expected)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.zeros((2, 3, 4, 4)), "are 2x3x4x4: pass one image of the batch"),
        (np.zeros(5), "are 5"),
        (np.zeros((0, 4, 4)), "are 0x4x4"),
        (np.zeros((3, 0, 4)), "are 3x0x4"),
        (3.0, "are one number"),
    ],
)
def test_wrong_shapes(maps, message):
    with pytest.raises(ValueError, match=message + "$"):
        plait.show(maps)


@pytest.mark.parametrize("maps", [np.zeros((2, 2), complex), np.array([["a", "b"]]), [[None]]])
def test_wrong_dtypes(maps):
    with pytest.raises(TypeError, match="real numbers"):
        plait.show(maps)


def test_wrong_titles_and_columns():
    maps = np.zeros((3, 4, 4))
    with pytest.raises(ValueError, match="2 titles for 3 maps"):
        plait.show(maps, titles=["a", "b"])
    with pytest.raises(TypeError, match="one per map but is 'abc'"):
        plait.show(maps, titles="abc")
    with pytest.raises(ValueError, match="columns must be at least 1 but is 0"):
        plait.show(maps, columns=0)
    with pytest.raises(TypeError, match="integer"):
        plait.show(maps, columns=1.5)


def test_the_figure_displays_itself():
    figure = plait.show(np.eye(5))
    png = figure._repr_png_()
    assert png.startswith(b"\x89PNG\r\n")
    IPython = pytest.importorskip("IPython")  # noqa: N806
    data, _ = IPython.core.formatters.DisplayFormatter().format(figure)
    assert data["image/png"]


def test_a_broken_matplotlib_is_named():
    code = """
import sys, numpy
sys.modules["matplotlib"] = None
import plait
try:
    plait.show(numpy.zeros((2, 2)))
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "plait.show draws with matplotlib" in done.stdout
    assert done.stdout.strip().endswith("pip install matplotlib")


def test_neither_matplotlib_nor_pyplot_is_imported_before_its_time():
    code = """
import sys, numpy, plait
assert "matplotlib" not in sys.modules
plait.show(numpy.zeros((2, 2)))._repr_png_()
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
