"""Feature maps as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def show(maps: Any, *, titles: Sequence[str] | None = None, columns: int | None = None) -> Any:
    """Draw feature maps side by side, each scaled from its smallest to its largest value.

    Parameters
    ----------
    maps : array
        Shape c x h x w, h x w, or 1 x c x h x w, of any kind that numpy can read.
    titles : sequence of str, optional
        One per map.
    columns : int, optional
        Maps in a row; by default the grid is about square.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `maps` has another shape, or there are not as many titles as maps.
    ImportError
        If matplotlib is not installed.
    """
    grid = np.asarray(maps)
    shape = "x".join(map(str, grid.shape))
    if grid.ndim == 4 and grid.shape[0] == 1:
        grid = grid[0]
    if grid.ndim == 2:
        grid = grid[None]
    if grid.ndim != 3 or grid.size == 0:
        raise ValueError(f"maps must be c x h x w, h x w or 1 x c x h x w but are {shape}")
    if titles is not None and len(titles) != len(grid):
        raise ValueError(f"{len(titles)} titles for {len(grid)} maps")
    if columns is None:
        columns = int(np.ceil(np.sqrt(len(grid))))
    elif columns < 1:
        raise ValueError(f"columns must be at least 1 but is {columns}")
    columns = min(columns, len(grid))
    return _draw(grid, titles, columns)


def _draw(grid: np.ndarray, titles: Sequence[str] | None, columns: int) -> Any:
    from matplotlib.figure import Figure

    rows = -(-len(grid) // columns)
    inches = 2.0
    height = inches * grid.shape[1] / grid.shape[2] + (0.3 if titles is not None else 0)
    figure = Figure(figsize=(inches * columns, height * rows), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for index, (axis, one) in enumerate(zip(axes, grid, strict=False)):
        axis.imshow(one, cmap="gray", interpolation="nearest")
        if titles is not None:
            axis.set_title(titles[index], fontsize=8)
    return figure
