"""Who takes part: the peers, how each driver is started, and the columns that they have."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .process import DriverError, DriverProcess

PEERS_FOLDER = Path(__file__).resolve().parents[1]
ROOT = PEERS_FOLDER.parents[1]
PLAIT = "plait"
PEERS = ("onednn", "torch", "onnxruntime", "openvino", "ncnn", "mnn")
HELLO_SECONDS = 120  # a first import reads hundreds of megabytes from disk


def command_of(peer: str) -> list[str]:
    if peer == "onednn":
        return [str(ROOT / "build/peers/onednn/onednn_driver")]
    return [sys.executable, str(PEERS_FOLDER / "drivers/serve.py"), peer]


@dataclasses.dataclass
class Settings:
    """How drivers are started: the same for all."""

    threads: int
    logs: Path  # a folder for what they write to standard error

    @property
    def cpus(self) -> list[int]:
        return sorted(os.sched_getaffinity(0))[: self.threads]

    def start(self, command: Sequence[str], name: str) -> tuple[DriverProcess, dict[str, Any]]:
        """The process and its answer to hello."""
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            process = DriverProcess(command, self.threads, self.cpus, self.logs / f"{name}.log")
        except OSError as error:
            raise DriverError(f"cannot be started: {error.strerror}") from None
        hello = process.ask({"do": "hello"}, HELLO_SECONDS)
        if not isinstance(hello.get("columns"), list):
            process.close()
            raise DriverError(str(hello.get("reason") or "its hello names no columns"))
        return process, hello


@dataclasses.dataclass
class Column:
    """One way to use one peer, in a process of its own that is started again when it breaks."""

    peer: str
    name: str
    layout: str  # "nchw" or "own"
    command: list[str]
    settings: Settings
    process: DriverProcess | None = None
    failed_starts: int = 0

    def get(self) -> DriverProcess:
        if self.process is None:
            if self.failed_starts >= 3:
                raise DriverError("could not be started three times in a row")
            try:
                self.process, _ = self.settings.start(self.command, self.name)
            except DriverError:
                self.failed_starts += 1
                raise
            self.failed_starts = 0
        return self.process

    def drop(self) -> None:
        if self.process is not None:
            self.process.close()
            self.process = None

    @property
    def is_plait(self) -> bool:
        return self.peer == PLAIT


@dataclasses.dataclass
class Lineup:
    columns: list[Column]
    versions: dict[str, str]  # of each peer that is there, plait included
    missing: dict[str, str]  # peer -> reason

    def close(self) -> None:
        for column in self.columns:
            column.drop()


def gather(
    peers: Sequence[str],
    settings: Settings,
    native: bool,
    calls: bool = False,
    commands: dict[str, list[str]] | None = None,
) -> Lineup:
    """Starts every driver once. plait is always there. native: with columns in the peers' own
    layouts; calls: with columns that are not for comparing speeds. `commands`: in place of
    command_of, for tests."""
    lineup = Lineup([], {}, {})
    for peer in (PLAIT, *(p for p in peers if p != PLAIT)):
        command = (commands or {}).get(peer) or command_of(peer)
        try:
            process, hello = settings.start(command, peer)
        except DriverError as reason:
            lineup.missing[peer] = str(reason)
            continue
        process.close()
        lineup.versions[peer] = str(hello.get("version", "?"))
        for column in hello["columns"]:
            if column["layout"] != "nchw" and not native:
                continue
            if not column.get("for_speed", True) and not calls:
                continue
            lineup.columns.append(Column(peer, column["name"], column["layout"], command, settings))
    return lineup
