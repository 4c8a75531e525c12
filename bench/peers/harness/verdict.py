"""What the times say: the mark that a layer sets, plait's ratio to it, and their means."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

from .lineup import PLAIT
from .stats import geometric_mean, is_busy, quantiles

LARGEST_ERROR = 1e-5  # rms / rms of the output; a peer above it does not compute in fp32
ROOF_SHARE = 0.9  # of the multiply-add peak: only fewer multiplications can be faster


@dataclasses.dataclass(frozen=True)
class Headline:
    """One question to ask of the times."""

    key: str
    title: str
    plait_columns: tuple[str, ...]  # the faster counts
    native: bool  # whether peers may use their own layouts


NCHW = Headline("nchw", "NCHW in and out", ("plait",), native=False)
NATIVE = Headline("native", "any layout", ("plait", "plait_nhwc"), native=True)


@dataclasses.dataclass(frozen=True)
class Row:
    """One layer's verdict. ratio: best peer's time / plait's; above 1 plait is faster."""

    name: str
    line: str
    layer_class: str
    plait: str  # column
    mark: str  # column of the best peer
    plait_seconds: float
    mark_seconds: float
    ratio: float
    ratio_low: float  # of single rounds: a tenth are lower, a tenth higher
    ratio_high: float
    plait_peak_share: float | None
    mark_peak_share: float | None
    busy: bool  # the machine had other work

    @property
    def at_roof(self) -> bool:
        return (self.mark_peak_share or 0) > ROOF_SHARE


def is_accurate(found: dict[str, Any]) -> bool:
    error = found.get("error_rms")
    return error is not None and error <= LARGEST_ERROR


def _fastest(
    result: dict[str, Any], names: Sequence[str]
) -> tuple[str, dict[str, Any]] | tuple[None, None]:
    measured = [
        (name, found)
        for name in names
        if (found := result["columns"].get(name, {})).get("status") == "measured"
        and is_accurate(found)
    ]
    return min(measured, key=lambda pair: pair[1]["median_seconds"], default=(None, None))


def row_of(
    result: dict[str, Any], columns: Sequence[dict[str, Any]], headline: Headline
) -> Row | None:
    """None where plait or every peer is missing. columns: {"name", "peer", "layout"} of each."""
    names = [
        c["name"]
        for c in columns
        if c["peer"] != PLAIT and (headline.native or c["layout"] == "nchw")
    ]
    plait, ours = _fastest(result, headline.plait_columns)
    mark, theirs = _fastest(result, names)
    if plait is None or ours is None or mark is None or theirs is None:
        return None
    ratios = [
        t / o
        for t, o in zip(theirs["round_median_seconds"], ours["round_median_seconds"], strict=False)
    ]
    low, high = quantiles(ratios, (0.1, 0.9))
    return Row(
        name=result["name"],
        line=result["line"],
        layer_class=result["class"],
        plait=plait,
        mark=mark,
        plait_seconds=ours["median_seconds"],
        mark_seconds=theirs["median_seconds"],
        ratio=theirs["median_seconds"] / ours["median_seconds"],
        ratio_low=low,
        ratio_high=high,
        plait_peak_share=ours["peak_share"],
        mark_peak_share=theirs["peak_share"],
        busy=is_busy(result),
    )


def rows_of(
    results: Sequence[dict[str, Any]], columns: Sequence[dict[str, Any]], headline: Headline
) -> list[Row]:
    rows = (row_of(result, columns, headline) for result in results)
    return [row for row in rows if row is not None]


def means_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The geometric mean of the ratios per class, in the order of their first layers, and over
    all."""
    classes = dict.fromkeys(row.layer_class for row in rows)
    parts = [(name, [row for row in rows if row.layer_class == name]) for name in classes]
    return [
        {
            "class": name,
            "problems": len(part),
            "ratio": geometric_mean(row.ratio for row in part),
            "lowest": min(row.ratio for row in part),
            "highest": max(row.ratio for row in part),
            "at_roof": sum(row.at_roof for row in part),
        }
        for name, part in [*parts, ("all", list(rows))]
        if part
    ]


def column_means(
    results: Sequence[dict[str, Any]], columns: Sequence[dict[str, Any]], rows: Sequence[Row]
) -> list[dict[str, Any]]:
    """Each column's speed relative to the mark, over the layers that have one and that the column
    could run."""
    marks = {row.line: row.mark_seconds for row in rows}
    means = []
    for column in columns:
        found = [
            (marks[result["line"]], one)
            for result in results
            if result["line"] in marks
            and (one := result["columns"].get(column["name"], {})).get("status") == "measured"
        ]
        if found:
            errors = [one["error_rms"] for _, one in found]
            means.append(
                {
                    **column,
                    "problems": len(found),
                    "ratio": geometric_mean(mark / one["median_seconds"] for mark, one in found),
                    "largest_error_rms": None if None in errors else max(errors),
                    "marks": sum(row.mark == column["name"] for row in rows),
                }
            )
    return means


def verdict(
    results: Sequence[dict[str, Any]], columns: Sequence[dict[str, Any]], headline: Headline
) -> dict[str, Any]:
    """A headline as it stands in the JSON."""
    rows = rows_of(results, columns, headline)
    by_ratio = sorted(rows, key=lambda row: row.ratio)
    return {
        "title": headline.title,
        "plait_columns": list(headline.plait_columns),
        "means": means_of(rows),
        "columns": column_means(results, columns, rows),
        "worst": [row.name for row in itertools.islice(by_ratio, 10)],
        "rows": [{**dataclasses.asdict(row), "at_roof": row.at_roof} for row in rows],
    }
