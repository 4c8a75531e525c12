"""Drawing for `plait.show`; the only module that imports matplotlib.

Colours and labels are those of the sheets that ``plait run`` writes (cli/draw/feature_grid.cpp).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

_MOST_MAPS = 64

# Inches.
_WIDTH = 9.8  # of a row of maps, about what a notebook has
_MARGIN = 0.1
_GAP = 0.16  # between cells
_NARROWEST_CELL = 1.1  # room for a label, however narrow the map
_NARROWEST_FIGURE = 2.0
_THINNEST = 0.1  # a map of one row can still be seen
_LARGEST_PIXEL = 0.3  # a map of few pixels is not blown up
_LINE = 0.15  # of a label

_PIXELS_PER_INCH = 150  # kept of a larger map: half as many again as a figure's default dpi
_FONT = 8  # points
# Inches, in DejaVu Sans, which matplotlib brings along.
_LETTER = 0.58 * _FONT / 72
_BOLD_DIGIT = 0.7 * _FONT / 72

_GREY = LinearSegmentedColormap.from_list("plait", ["#000000", "#ffffff"])
_SIGNED = LinearSegmentedColormap.from_list(  # RdBu of ColorBrewer 2.0 (Brewer, 2003), five stops
    "plait_signed", ["#053061", "#67a9cf", "#f7f7f7", "#ef8a62", "#67001f"]
)


class FeatureMaps(Figure):
    """A figure that displays itself as the result of a notebook's cell.

    IPython displays other figures only where pyplot has been imported.
    """

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png")
        return png.getvalue()


class _Layout(NamedTuple):
    """Sizes in inches."""

    columns: int
    rows: int
    map_width: float
    map_height: float
    label_height: float  # below each map
    note_height: float  # above all maps

    @property
    def cell_width(self) -> float:
        return max(self.map_width, _NARROWEST_CELL) + _GAP

    @property
    def cell_height(self) -> float:
        return self.map_height + self.label_height + _GAP

    @property
    def width(self) -> float:
        return max(2 * _MARGIN + self.columns * self.cell_width - _GAP, _NARROWEST_FIGURE)

    @property
    def height(self) -> float:
        return 2 * _MARGIN + self.note_height + self.rows * self.cell_height - _GAP

    def box(self, index: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a map, as shares of the figure."""
        row, column = divmod(index, self.columns)
        left = _MARGIN + column * self.cell_width
        bottom = self.height - _MARGIN - self.note_height - row * self.cell_height - self.map_height
        return (
            left / self.width,
            bottom / self.height,
            self.map_width / self.width,
            self.map_height / self.height,
        )


def _default_columns(count: int) -> int:
    if count <= 4:
        return count
    return 4 if count <= 16 else 8


def _map_size(h: int, w: int, columns: int) -> tuple[float, float]:
    """Width and height in inches; one map, two and three are drawn equally large."""
    side = max(_WIDTH / max(columns, 3) - _GAP, _NARROWEST_CELL)
    pixel = min(side / max(h, w), _LARGEST_PIXEL)
    return max(w * pixel, _THINNEST), max(h * pixel, _THINNEST)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


class _Cell(NamedTuple):
    """What is written below a map, and whether it has negative values."""

    number: str
    name: list[str]  # lines beside the number
    values: list[str]  # lines below
    signed: bool


def _indent(number: str) -> float:
    return (len(number) + 1) * _BOLD_DIGIT


def _cell(index: int, one: np.ndarray, title: object, width: float) -> _Cell:
    number = str(index)
    finite = one[np.isfinite(one)]
    values = [f"[{_number(finite.min())}, {_number(finite.max())}]"] if finite.size else []
    if finite.size < one.size:
        values.append(f"{one.size - finite.size} not finite")
    letters = int((width - _indent(number)) / _LETTER)
    name = wrap(str(title), max(letters, 1)) or [""]
    return _Cell(number, name, values, signed=bool((finite < 0).any()))


def _map(maps: np.ndarray, index: int) -> np.ndarray:
    one: np.ndarray = maps[index]
    return one.astype(np.float64)  # not all at once: those of a network are large


def _colours(finite: np.ndarray, signed: bool) -> tuple[Colormap, float, float]:
    """Return a colour map and the two values at its ends."""
    if finite.size == 0:
        return _GREY, 0.0, 1.0
    if signed:
        sizes = np.abs(finite)
        high = float(np.percentile(sizes, 99.5)) or float(sizes.max()) or 1.0
        return _SIGNED, -high, high
    low, high = map(float, np.percentile(finite, [0.5, 99.5]))
    if low == high:
        low, high = float(finite.min()), float(finite.max())
    if low == high:  # a constant becomes mid-grey
        low, high = low - (low or 1), high + (high or 1)
    return _GREY, low, high


def _shrunk(one: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Return means of blocks, if the map has more pixels than can be seen.

    Thin lines stay visible, and the figure does not hold on to large maps.
    """
    for axis, inches in ((1, size[0]), (0, size[1])):
        pixels = one.shape[axis]
        block = max(1, int(pixels / (inches * _PIXELS_PER_INCH)))
        starts = np.arange(0, pixels, block)
        lengths = np.diff(starts, append=pixels)
        with np.errstate(all="ignore"):  # infinities of both signs make a NaN, which is right
            sums = np.add.reduceat(one, starts, axis)
        one = sums / np.expand_dims(lengths, 1 - axis)
    return one


def _draw_map(axes: Axes, one: np.ndarray, size: tuple[float, float], signed: bool) -> None:
    drawn = np.ma.masked_invalid(_shrunk(one, size))
    colour_map, low, high = _colours(drawn.compressed(), signed)
    axes.imshow(
        drawn,
        cmap=colour_map.with_extremes(bad="magenta"),
        vmin=low,
        vmax=high,
        aspect="auto",  # the axes have the map's shape
        interpolation="antialiased",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(color="0.8", linewidth=0.6)


def _write(axes: Axes, text: str, right: float, line: int, **style: Any) -> None:
    """Write below the map, `right` inches from its left side."""
    axes.annotate(
        text,
        (0, 0),
        xycoords="axes fraction",
        xytext=(72 * right, -72 * (line * _LINE + 0.04)),
        textcoords="offset points",
        va="top",
        **{"fontsize": _FONT, **style},
    )


def _label(axes: Axes, cell: _Cell) -> None:
    _write(axes, cell.number, 0, 0, fontweight="bold")
    for line, text in enumerate(cell.name):
        _write(axes, text, _indent(cell.number), line)
    for line, text in enumerate(cell.values, start=len(cell.name)):
        _write(axes, text, 0, line, fontsize=_FONT - 1, color="0.5")


def draw(maps: np.ndarray, titles: Sequence[object] | None, columns: int | None) -> FeatureMaps:
    """Draw c x h x w maps, with a title for each or none."""
    count = min(len(maps), _MOST_MAPS)
    columns = min(columns or _default_columns(count), count)
    _, h, w = maps.shape
    size = _map_size(h, w, columns)
    label_width = max(size[0], _NARROWEST_CELL)
    cells = [
        _cell(index, _map(maps, index), "" if titles is None else titles[index], label_width)
        for index in range(count)
    ]
    layout = _Layout(
        columns,
        rows=-(-count // columns),
        map_width=size[0],
        map_height=size[1],
        label_height=_LINE * max(len(cell.name) + len(cell.values) for cell in cells),
        note_height=_LINE if count < len(maps) else 0,
    )
    figure = FeatureMaps(figsize=(layout.width, layout.height))
    for index, cell in enumerate(cells):
        axes = figure.add_axes(layout.box(index))
        _draw_map(axes, _map(maps, index), size, cell.signed)
        _label(axes, cell)
    if count < len(maps):
        figure.text(
            _MARGIN / layout.width,
            1 - 0.5 * _MARGIN / layout.height,
            f"the first {count} of {len(maps)} maps",
            va="top",
            fontsize=_FONT,
            color="0.5",
        )
    return figure
