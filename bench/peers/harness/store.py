"""What is kept while a run goes on, so that it can be continued: one JSON object a line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


class Store:
    """Results by problem line. The file's name has the settings' fingerprint: runs with other
    settings, versions or another build of plait keep files of their own."""

    def __init__(self, folder: Path, settings: dict[str, Any], fresh: bool = False) -> None:
        text = json.dumps(settings, sort_keys=True)
        self.path = folder / f"progress-{hashlib.sha256(text.encode()).hexdigest()[:12]}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            self.path.unlink(missing_ok=True)
        self.results: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            self._read()
        else:
            self._append({"settings": settings})

    def _read(self) -> None:
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                break  # the end of a line that was being written when the run was stopped
            kept.append(line)
            if "line" in entry:
                self.results[entry["line"]] = entry
        self.path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def add(self, result: dict[str, Any]) -> None:
        self.results[result["line"]] = result
        self._append(result)

    def _append(self, entry: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, allow_nan=False) + "\n")
