"""`./dev bench`: speeds of plait and the peers on many layers; can be continued."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plait

from . import document, rounds
from .chart import save_charts
from .effort import Effort
from .layers import Layer
from .lineup import PLAIT, Lineup, gather
from .lineup import Settings as Start
from .machine import describe_machine
from .process import DriverError
from .progress import Progress
from .report import markdown
from .store import Store
from .verdict import NATIVE, NCHW, row_of, verdict

SCHEMA = "plait.peers/1"
ABOVE = ("schema", "machine", "versions")  # in the document beside the settings


def fingerprint_of_plait() -> str:
    """Another build of plait is another contestant."""
    return hashlib.sha256(Path(plait._core.__file__).read_bytes()).hexdigest()[:16]


def document_of(
    settings: dict[str, Any], lineup: Lineup, results: list[dict[str, Any]], finished: bool
) -> dict[str, Any]:
    columns = [
        {"name": column.name, "peer": column.peer, "layout": column.layout}
        for column in lineup.columns
    ]
    headlines = (NCHW, NATIVE) if settings["native"] else (NCHW,)
    return {
        "schema": SCHEMA,
        "date": max((result["date"] for result in results), default=document.now()),
        "finished": finished,
        "machine": settings["machine"],
        "settings": {key: value for key, value in settings.items() if key not in ABOVE},
        "versions": lineup.versions,
        "missing": lineup.missing,
        "columns": columns,
        "headlines": {one.key: verdict(results, columns, one) for one in headlines},
        "problems": results,
    }


def _line_of(result: dict[str, Any], lineup: Lineup) -> str:
    columns = [{"name": c.name, "peer": c.peer, "layout": c.layout} for c in lineup.columns]
    row = row_of(result, columns, NCHW)
    skipped = [name for name, one in result["columns"].items() if one["status"] == "skipped"]
    tail = f"; skipped: {', '.join(skipped)}" if skipped else ""
    if row is None:
        return f"{result['name']}: no comparison{tail}"
    return f"{result['name']}: {row.ratio:.2f} of {row.mark}{tail}"


def compare(
    layers: Sequence[Layer],
    peers: Sequence[str],
    threads: int,
    native: bool,
    effort: Effort,
    output: Path,
    fresh: bool,
    commands: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Runs what has not been run yet and returns the document, unfinished after Ctrl-C. Writes all
    files into `output`."""
    start = Start(threads, output / "logs")
    lineup = gather(peers, start, native, commands=commands)
    if PLAIT in lineup.missing:
        raise DriverError(f"plait's own driver {lineup.missing[PLAIT]}")
    settings = {
        "schema": SCHEMA,
        "machine": describe_machine(),
        "threads": threads,
        "native": native,
        "rounds": effort.rounds,
        "burst_seconds": effort.burst_seconds,
        "versions": lineup.versions,
        "plait_build": fingerprint_of_plait(),
    }
    store = Store(output, settings, fresh)
    waiting = [layer for layer in layers if layer.line not in store.results]
    progress = Progress(len(waiting))
    for peer, reason in lineup.missing.items():
        progress.say(f"missing: {peer}: {reason}")
    finished = True
    try:
        for layer in waiting:
            progress.start(layer.name)
            result = rounds.measure_layer(layer, lineup.columns, effort, threads, progress.advance)
            store.add({**result, "date": document.now()})
            progress.say(_line_of(result, lineup))
    except KeyboardInterrupt:
        finished = False
    finally:
        progress.close()
        lineup.close()
    results = [
        {**store.results[layer.line], "name": layer.name, "class": layer.layer_class}
        for layer in layers
        if layer.line in store.results
    ]
    told = document_of(settings, lineup, results, finished)
    document.write(output, "results", told, markdown(told))
    save_charts(told, output)
    return told
