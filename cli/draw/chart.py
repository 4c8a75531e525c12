"""Draws what `plait cost --sweep --json` prints as a chart: standard input to standard output.

The program `plait` carries this text and runs it for --plot, with "svg" or "png" as its argument.
"""

import json
import math
import sys
from itertools import pairwise

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, LogLocator, NullLocator

# Told apart by people of every colour vision (source: Okabe and Ito, "Color Universal Design",
# 2008), and by their marks.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKS = ["o", "s", "^", "D", "v", "p"]
COMPARED = {"color": "#444444", "linestyle": "--", "linewidth": 1.2}
MOST_CHARACTERS = 110  # that fit in a line across the chart


def heading(text):
    """Leave out what does not fit, and control characters, which a picture cannot show."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "..."


def unevenness(values):
    """Return the widest gap over the narrowest."""
    gaps = [b - a for a, b in pairwise(values) if b > a]
    return max(gaps) / min(gaps) if gaps else 1


def set_x_axis(axes, x):
    """Logarithmic if the ratios of the values are more alike than their steps."""
    logarithmic = x[0] > 0 and unevenness([math.log(v) for v in x]) < 0.99 * unevenness(x)
    if logarithmic:
        axes.set_xscale("log")
    characters = len(x) * max(len(f"{v:.0f}  ") for v in x)
    if logarithmic or characters <= MOST_CHARACTERS:
        ticks = x[:: -(-characters // MOST_CHARACTERS)]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(ticks, [f"{v:.0f}" for v in ticks])
    return logarithmic


def set_y_axis(axes, curves, unit, x_is_logarithmic):
    """Logarithmic where values differ a hundredfold, tenfold if x is logarithmic; else from 0."""
    values = [v for curve in curves for v in curve if not math.isnan(v)]
    low, high = min(values, default=0), max(values, default=0)
    if low > 0 and high >= low * (10 if x_is_logarithmic else 100):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1e3 * low else (1,)))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, 1.05 * high or 1)
    axes.yaxis.set_major_formatter(EngFormatter(unit))


def draw_counts(axes, x, points):
    """Multiplications over the values; additions for a direction that has none."""
    what = "multiplications" if any(p["multiplications"] for p in points) else "additions"
    counts = [p[what] for p in points]
    inside = [p[what + "_without_padding"] for p in points]
    style = {"color": COLOURS[0], "marker": MARKS[0], "markersize": 5 if len(x) <= 40 else 2}
    axes.plot(x, counts, **style, label="by the definition")
    if counts != inside:
        axes.plot(x, inside, **COMPARED, label="without those by padding")
    return what, "", [counts, inside]


def draw_times(axes, x, points):
    """Measured times joined by a thin line, with marks of their own for each algorithm."""
    measured = [p.get("measured") or {} for p in points]
    times = [m.get("median_seconds", math.nan) for m in measured]
    roofline = [p["roofline_seconds"] for p in points]
    axes.plot(x, roofline, **COMPARED, label="roofline")
    axes.plot(x, times, color="#8C8C8C", linewidth=0.8)
    for place, name in enumerate(dict.fromkeys(m["algorithm"] for m in measured if m)):
        own = [m["median_seconds"] if m.get("algorithm") == name else math.nan for m in measured]
        style = {"color": COLOURS[place % 6], "marker": MARKS[place % 6]}
        axes.plot(x, own, linestyle="none", markersize=7, label=name, **style)
    return "time", "s", [roofline, times]


def draw(sweep):
    """Draw the counts and, where there are times, these below."""
    points = sorted((p for p in sweep["values"] if "refused" not in p), key=lambda p: p["value"])
    x = [p["value"] for p in points]
    panels = [draw_counts, draw_times] if "machine" in sweep else [draw_counts]
    figure = Figure(figsize=(9.6, 1 + 3.2 * len(panels)), layout="constrained")
    name = f"{sweep['name']}: " if sweep["name"] else ""
    title = name + sweep["problem"]
    x_label = f"{sweep['variable']} ({sweep['meaning']})"
    subtitle = f"{x_label} = {sweep['sweep'].split('=', 1)[1]}"
    if sweep["same"]:
        subtitle += ", padding d(k-1)/2 for each"
    if "machine" in sweep:
        threads = sweep["threads"]
        subtitle += f"; {sweep['machine']['cpu']}, {threads} thread{'s' if threads > 1 else ''}"
    lines = heading(title) + "\n" + heading(subtitle)
    figure.suptitle(lines, fontsize=11, parse_math=False)
    rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(rows, panels, strict=True):
        label, unit, curves = panel(axes, x, points)
        set_y_axis(axes, curves, unit, set_x_axis(axes, x))
        axes.set_title(label, loc="left", fontsize=10)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=6, frameon=False, fontsize=9)
        axes.grid(color="#E4E4E4", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(x_label)
    return figure


matplotlib.rcParams["svg.fonttype"] = "none"  # text that can be searched, not outlines
draw(json.load(sys.stdin)).savefig(sys.stdout.buffer, format=sys.argv[1], dpi=200)
