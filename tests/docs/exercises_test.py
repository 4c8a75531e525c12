"""Everything on docs/exercises.md runs, in its order, and prints what the page says."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from docs_test import ROOT, Block, blocks_of, check

PAGE = "docs/exercises.md"
PROGRAM = Path(os.environ.get("PLAIT_PROGRAM", ROOT / "build" / "release" / "cli" / "plait"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of it runs: what one block writes, a later one may read."""
    path = tmp_path_factory.mktemp("exercises")
    (path / "bench").symlink_to(ROOT / "bench")
    return path


@pytest.fixture(scope="module")
def names() -> dict:
    """What the Python blocks have defined so far."""
    return {}


def without_trailing_blanks(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.strip("\n").split("\n"))


def run_command(command: str, expected: str, folder: Path, line: int) -> None:
    program, *arguments = shlex.split(command)
    assert program == "plait", f"line {line}: {command}"
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"line {line}: {command}\n{done.stderr}"
    printed, wanted = (without_trailing_blanks(text) for text in (done.stdout, expected))
    same = doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS)
    assert same, f"line {line}: {command} printed\n{printed}instead of\n{wanted}"


@pytest.mark.parametrize(
    "block", [block for block in blocks_of(PAGE) if block.language], ids=lambda b: f"line{b.line}"
)
def test_a_block_prints_what_the_page_says(
    block: Block, folder: Path, names: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    if block.language == "python":
        monkeypatch.chdir(folder)
        assert check(block.text, names, PAGE, block.line) > 0
        return
    assert block.language == "console"
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built")
    commands = list(re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.M))
    assert commands
    for command in commands:
        line = block.line + 1 + block.text.count("\n", 0, command.start())
        run_command(command[1], command[2], folder, line)


def test_every_exercise_but_the_first_is_answered_by_commands() -> None:
    parts = re.split(r"^## Exercise ", (ROOT / PAGE).read_text(), flags=re.M)[1:]
    assert [part[0] for part in parts] == ["2", "3", "4", "5", "6", "7"]
    for part in parts:
        assert "\n$ plait " in part, part.split("\n", 1)[0]
