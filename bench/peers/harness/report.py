"""The Markdown page of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .stats import BUSY_CORES, is_busy, spread

ROOF = "▲"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A Markdown table; all but the first columns are numbers."""
    rule = ["---"] * text_columns + ["--:"] * (len(header) - text_columns)
    lines = [header, rule, *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def seconds_text(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale or unit == "us":
            return f"{seconds / scale:.3g} {unit}"
    raise AssertionError


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def error_text(error: float | None) -> str:
    return "not finite" if error is None else f"{error:.1e}"


def _intro(document: dict[str, Any]) -> str:
    machine, settings = document["machine"], document["settings"]
    peaks = [r["peak_gflops"] for r in document["problems"] if r["peak_gflops"]]
    versions = ", ".join(f"{peer} {version}" for peer, version in document["versions"].items())
    peak_text = (
        f" The multiply-add peak, measured in every round, was {min(peaks):.4g} to"
        f" {max(peaks):.4g} GFLOP/s."
        if peaks
        else ""
    )
    foreign = sum(map(is_busy, document["problems"]))
    peak_text += (
        f" **The machine had other work**: more than {BUSY_CORES} cores of it during"
        f" {foreign} of {len(document['problems'])} layers (*), whose times are not to be"
        " trusted."
        if foreign
        else ""
    )
    missing = "".join(
        f"\nMissing: {peer} ({reason}).\n" for peer, reason in document["missing"].items()
    )
    return (
        f"# plait and its peers: {machine['name']}\n\n"
        f"{document['date'][:10]}, {machine['cpu']} ({machine['microarchitecture']}"
        f"{', a virtual machine' if machine['virtual'] else ''}), {machine['cores']} cores;"
        f" {settings['threads']} threads, fp32. {versions}.\n\n"
        f"Each layer: {settings['rounds']} quiet rounds in which every column in turn runs for"
        f" {1e3 * settings['burst_seconds']:.0f} ms; medians of all calls; weights packed"
        f" beforehand.{peak_text} Every output was compared with a float64 reference.\n{missing}"
    )


def _means(verdict: dict[str, Any]) -> str:
    rows = [
        [
            f"**{m['class']}**" if m["class"] == "all" else m["class"],
            str(m["problems"]),
            f"**{m['ratio']:.3f}**" if m["class"] == "all" else f"{m['ratio']:.3f}",
            f"{m['lowest']:.2f}",
            f"{m['highest']:.2f}",
            str(m["at_roof"]),
        ]
        for m in verdict["means"]
    ]
    header = ["layers", "number", "mean ratio", "lowest", "highest", f"at the roof {ROOF}"]
    return table(header, rows)


def _columns(verdict: dict[str, Any]) -> str:
    rows = [
        [
            c["name"],
            "NCHW" if c["layout"] == "nchw" else "its own",
            str(c["problems"]),
            f"{c['ratio']:.3f}",
            str(c["marks"]),
            error_text(c["largest_error_rms"]),
        ]
        for c in verdict["columns"]
    ]
    header = ["column", "layout", "layers", "speed / best peer", "fastest peer", "largest error"]
    return table(header, rows, 2)


def _rows(verdict: dict[str, Any], names: Sequence[str] | None = None) -> str:
    chosen = verdict["rows"]
    if names is not None:
        by_name = {row["name"]: row for row in chosen}
        chosen = [by_name[name] for name in names]
    rows = [
        [
            row["name"] + (" *" if row["busy"] else ""),
            row["layer_class"],
            row["mark"] + (f" {ROOF}" if row["at_roof"] else ""),
            seconds_text(row["mark_seconds"]),
            percent(row["mark_peak_share"]),
            seconds_text(row["plait_seconds"]),
            percent(row["plait_peak_share"]),
            f"{row['ratio']:.2f}",
            f"{row['ratio_low']:.2f} - {row['ratio_high']:.2f}",
        ]
        for row in chosen
    ]
    header = [
        "layer", "class", "best peer", "its time", "of the peak", "plait's time", "of the peak",
        "ratio", "of most rounds",
    ]  # fmt: skip
    return table(header, rows, 3)


def _headline(verdict: dict[str, Any]) -> str:
    if not verdict["rows"]:
        return f"## {verdict['title']}\n\nNo layer has both plait and a peer.\n"
    overall = verdict["means"][-1]
    ours = " or ".join(verdict["plait_columns"])
    return (
        f"## {verdict['title']}\n\n"
        f"**plait runs at {overall['ratio']:.3f} of the best peer's speed**, the geometric mean"
        f" over {overall['problems']} layers. The ratio is the time of the fastest peer of each"
        f" layer with rms error at most 1e-5 / that of {ours}: above 1, plait is faster. {ROOF}:"
        f" that peer is above 90 % of the multiply-add peak.\n\n"
        f"{_means(verdict)}\n{_columns(verdict)}\n"
        f"### The ten worst\n\n{_rows(verdict, verdict['worst'])}\n"
        f"### Every layer\n\n{_rows(verdict)}"
    )


def _cell(found: dict[str, Any] | None) -> str:
    if found is None or found["status"] != "measured":
        return "-"
    return f"{found['gflops']:.3g}"


def _speeds(document: dict[str, Any]) -> str:
    names = [column["name"] for column in document["columns"]]
    rows = [
        [r["name"], f"{r['peak_gflops']:.4g}" if r["peak_gflops"] else "-"]
        + [_cell(r["columns"].get(name)) for name in names]
        for r in document["problems"]
    ]
    return table(["layer", "peak", *names], rows)


def _details(document: dict[str, Any]) -> str:
    names = [column["name"] for column in document["columns"]]

    def cell(found: dict[str, Any] | None) -> str:
        if found is None or found["status"] != "measured":
            return "-"
        return (
            f"{seconds_text(found['median_seconds'])}, {seconds_text(found['min_seconds'])},"
            f" {percent(spread(found))}, {error_text(found['error_rms'])}"
        )

    rows = [
        [r["name"], *(cell(r["columns"].get(name)) for name in names)] for r in document["problems"]
    ]
    return table(["layer", *names], rows)


def _skipped(document: dict[str, Any]) -> str:
    lines = [
        f"- {result['name']}: {name}: {found['reason']}\n"
        for result in document["problems"]
        for name, found in result["columns"].items()
        if found["status"] == "skipped"
    ]
    return "".join(lines) or "Nothing.\n"


def markdown(document: dict[str, Any]) -> str:
    headlines = "\n".join(_headline(verdict) for verdict in document["headlines"].values())
    return (
        f"{_intro(document)}\n{headlines}\n"
        "## GFLOP/s of every column\n\n2 x multiplications of the direct algorithm / median time:"
        " an algorithm with fewer multiplications can pass the peak.\n\n"
        f"{_speeds(document)}\n"
        "## Times and errors of every column\n\nMedian, minimum, spread (90th - 10th percentile,"
        " relative to the median), rms error / rms of the output.\n\n"
        f"{_details(document)}\n"
        f"## Skipped\n\n{_skipped(document)}"
    )
