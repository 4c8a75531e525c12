"""Feature maps as a picture."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show(
    maps: Any, *, titles: Sequence[object] | None = None, columns: int | None = None
) -> Figure:
    """Draw feature maps side by side, each with its channel number and its range of values.

    Every map has colours of its own. One with negative values goes from blue over white, which is
    zero, to red; any other from black, its smallest value, to white. The colours are full from the
    99.5th percentile on, so that a few extreme pixels, such as those at a padded border, do not
    make the rest pale. Values that are not finite are magenta, and counted below the map.

    Parameters
    ----------
    maps : array
        Shape c x h x w, h x w, or 1 x c x h x w; real numbers of any dtype and in any kind of array
        that numpy can read. At most 64 are drawn, and the picture then says so: ``maps[64:128]``
        shows the next.
    titles : sequence, optional
        One per map, shown beside its number.
    columns : int, optional
        Maps in a row. By default all of up to 4 maps, 4 of up to 16, else 8.

    Returns
    -------
    matplotlib.figure.Figure
        At most 10 inches wide unless `columns` asks for more. It displays itself in a notebook,
        ``savefig`` writes it to a file, and pyplot knows nothing of it.

    Raises
    ------
    ValueError
        If `maps` has another shape, there are not as many titles as maps, or `columns` is below 1.
    TypeError
        If `maps` does not hold real numbers, or another argument is of a wrong type.
    ImportError
        If matplotlib is not installed; nothing else in plait needs it.

    Examples
    --------
    >>> maps = numpy.linspace(-1, 1, 3 * 32 * 48).reshape(3, 32, 48)
    >>> plait.show(maps, titles=["low", "middle", "high"]).savefig("maps.png")
    """
    grid = _read(maps)
    if isinstance(titles, str):
        raise TypeError(f"titles must be a sequence with one per map but is {titles!r}")
    if titles is not None and len(titles) != len(grid):
        raise ValueError(f"{len(titles)} titles for {len(grid)} maps")
    if columns is not None:
        columns = operator.index(columns)
        if columns < 1:
            raise ValueError(f"columns must be at least 1 but is {columns}")
    try:
        from plait._figure import draw
    except ImportError as error:
        raise ImportError(
            f"plait.show draws with matplotlib ({error}): pip install matplotlib"
        ) from error
    return draw(grid, titles, columns)


def _read(maps: Any) -> np.ndarray:
    """Return the maps as c x h x w."""
    grid = np.asarray(maps)
    shape = "x".join(map(str, grid.shape)) or "one number"
    if grid.ndim == 4 and grid.shape[0] == 1:
        grid = grid[0]
    if grid.ndim == 2:
        grid = grid[None]
    if grid.ndim != 3 or grid.size == 0:
        hint = ": pass one image of the batch" if grid.ndim == 4 and grid.size > 0 else ""
        raise ValueError(
            f"maps must be c x h x w, h x w or 1 x c x h x w, and not empty, but are {shape}{hint}"
        )
    if not (np.isrealobj(grid) and np.can_cast(grid.dtype, np.float64, "same_kind")):
        raise TypeError(f"maps must be real numbers but are {grid.dtype}")
    return grid
