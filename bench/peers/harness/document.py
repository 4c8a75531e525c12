"""What every result has: when, where, with which versions; and how it is written."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from .lineup import Lineup
from .machine import describe_machine


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def begin(
    schema: str, threads: int, versions: dict[str, str], missing: dict[str, str]
) -> dict[str, Any]:
    """The first fields of a document."""
    return {
        "schema": schema,
        "date": now(),
        "machine": describe_machine(),
        "threads": threads,
        "versions": versions,
        "missing": missing,
    }


def begin_with(schema: str, threads: int, lineup: Lineup) -> dict[str, Any]:
    return begin(schema, threads, lineup.versions, lineup.missing)


def where(document: dict[str, Any]) -> str:
    """One paragraph that says under which conditions the numbers were measured."""
    machine = document["machine"]
    versions = ", ".join(f"{peer} {version}" for peer, version in document["versions"].items())
    missing = "".join(f" Missing: {k} ({v})." for k, v in document["missing"].items())
    threads = f"{document['threads']} thread{'' if document['threads'] == 1 else 's'}"
    return (
        f"{document['date'][:10]}, {machine['name']} ({machine['cpu']}"
        f"{', a virtual machine' if machine['virtual'] else ''}), {threads}. {versions}.{missing}\n"
    )


def write(folder: Path, name: str, document: dict[str, Any], page: str) -> None:
    """folder/name.json and folder/name.md."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, allow_nan=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")
