"""The chart of a run: plait's ratio to the mark on every layer, and what share of the peak each
reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

PLAIT = "#0b5fa5"
PEER = "#b0b0b0"
SLOWER = "#c8553d"
MEAN = "#222222"
ROW_INCHES = 0.2
SHARES = ("plait_peak_share", "mark_peak_share")


def _order(verdict: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Layers by class, as in the table of means; within a class the best first."""
    classes = [mean["class"] for mean in verdict["means"] if mean["class"] != "all"]
    return [
        (
            name,
            sorted(
                (row for row in verdict["rows"] if row["layer_class"] == name),
                key=lambda row: -row["ratio"],
            ),
        )
        for name in classes
    ]


def _draw_ratios(axes: Axes, place: dict[str, float], verdict: dict[str, Any]) -> None:
    for row in verdict["rows"]:
        y = place[row["name"]]
        color = PLAIT if row["ratio"] >= 1 else SLOWER
        axes.plot([row["ratio_low"], row["ratio_high"]], [y, y], color=color, lw=1, alpha=0.6)
        axes.plot(row["ratio"], y, "o", ms=5, color=color, mfc="white" if row["at_roof"] else color)
    axes.axvline(1, color="black", lw=1)
    overall = verdict["means"][-1]["ratio"]
    axes.axvline(overall, color=MEAN, lw=1, ls=":")
    axes.set_xscale("log", base=2)
    low = min(0.45, *(row["ratio_low"] for row in verdict["rows"]))
    high = max(2.2, *(row["ratio_high"] for row in verdict["rows"]))
    axes.set_xlim(low / 1.1, high * 1.1)
    ticks = [t for t in (0.03, 0.06, 0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 8) if low <= t <= high]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{tick:g}" for tick in ticks])
    axes.set_xlabel("best peer's time / plait's: right of 1 plait is faster")
    axes.set_title(f"ratio, geometric mean {overall:.3f} (dotted)", fontsize=10)


def _draw_shares(axes: Axes, place: dict[str, float], verdict: dict[str, Any]) -> None:
    for row in verdict["rows"]:
        y = place[row["name"]]
        ours, theirs = (row[key] for key in SHARES)
        if ours is None or theirs is None:
            continue
        axes.plot([100 * ours, 100 * theirs], [y, y], color=PEER, lw=1, zorder=1)
        axes.plot(100 * theirs, y, "D", ms=4, color="#777777", zorder=2)
        axes.plot(100 * ours, y, "o", ms=5, color=PLAIT, zorder=3)
        axes.annotate(
            row["mark"],
            (100 * max(ours, theirs), y),
            xytext=(6, 0),
            textcoords="offset points",
            fontsize=6.5,
            va="center",
            color="#555555",
        )
    axes.axvline(100, color="black", lw=1)
    highest = max([100 * (row[key] or 0) for row in verdict["rows"] for key in SHARES], default=100)
    axes.set_xlim(0, 1.18 * max(100, highest))  # with room for a name
    axes.set_xlabel("% of the measured multiply-add peak (Winograd can pass 100)")
    axes.set_title("plait and the best peer, by name", fontsize=10)
    axes.legend(
        handles=[
            Line2D([], [], marker="o", ls="", color=PLAIT, label="plait"),
            Line2D([], [], marker="D", ls="", color="#777777", ms=4, label="best peer"),
        ],
        loc="lower right",
        fontsize=8,
    )


def draw(document: dict[str, Any], key: str) -> Figure:
    verdict = document["headlines"][key]
    place: dict[str, float] = {}
    labels: list[tuple[float, str]] = []
    y = 0.0
    for layer_class, rows in _order(verdict):
        labels.append((y, layer_class))
        y += 1
        for row in rows:
            place[row["name"]] = y
            y += 1
        y += 0.4
    figure = Figure(figsize=(12, 1.8 + ROW_INCHES * y), layout="constrained")
    ratios, shares = figure.subplots(1, 2, sharey=True)
    _draw_ratios(ratios, place, verdict)
    _draw_shares(shares, place, verdict)
    for axes in (ratios, shares):
        axes.set_ylim(y - 0.2, -0.8)
        axes.grid(axis="x", color="#e6e6e6")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    ratios.set_yticks(list(place.values()), list(place), fontsize=8)
    for height, text in labels:
        ratios.annotate(
            text,
            (0, height),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
            fontweight="bold",
        )
    machine = document["machine"]
    figure.suptitle(
        f"plait against the best peer with fp32 accuracy, {verdict['title']}\n"
        f"{machine['name']}, {document['settings']['threads']} threads, {document['date'][:10]};"
        " rings: the peer is above 90 % of the peak",
        fontsize=11,
    )
    return figure


def save_charts(document: dict[str, Any], folder: Path) -> list[Path]:
    """chart-nchw.png and .svg, and the same for other headlines."""
    paths = []
    with matplotlib.rc_context({"svg.hashsalt": "plait"}):
        for key, verdict in document["headlines"].items():
            if not verdict["rows"]:
                continue
            figure = draw(document, key)
            for suffix in ("png", "svg"):
                path = folder / f"chart-{key}.{suffix}"
                figure.savefig(path, dpi=110, metadata={"Date": None} if suffix == "svg" else None)
                paths.append(path)
    return paths
