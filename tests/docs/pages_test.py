"""Everything on these pages runs, in its order, and prints what the page says."""

from __future__ import annotations

import dataclasses
import doctest
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from docs_test import ROOT, Block, blocks_of, check

EXERCISES = "docs/exercises.md"
PAGES = [EXERCISES, "docs/rewriting.md"]
PROGRAM = Path(os.environ.get("PLAIT_PROGRAM", ROOT / "build" / "release" / "cli" / "plait"))


@dataclasses.dataclass
class Reader:
    """Who tries all of a page: what one block writes or defines, a later one may use."""

    folder: Path
    names: dict


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    made = {page: Reader(tmp_path_factory.mktemp(Path(page).stem), {}) for page in PAGES}
    for reader in made.values():
        (reader.folder / "bench").symlink_to(ROOT / "bench")
    return made


def without_trailing_blanks(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.strip("\n").split("\n"))


def comparable(text: str, expected: str) -> str:
    """How wide a table's columns are follows from the times in it, too. Where a page leaves these
    out, whole rows or ends of rows, several blanks count as two."""
    text = without_trailing_blanks(text)
    leaves_out = re.search(r"(^| )\.\.\.$", expected, re.M)
    return re.sub(" {2,}", "  ", text) if leaves_out else text


def run_command(command: str, expected: str, folder: Path, line: int) -> None:
    program, *arguments = shlex.split(command)
    assert program == "plait", f"line {line}: {command}"
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"line {line}: {command}\n{done.stderr}"
    printed, wanted = (comparable(text, expected) for text in (done.stdout, expected))
    same = doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS)
    assert same, f"line {line}: {command} printed\n{printed}instead of\n{wanted}"


@pytest.mark.parametrize(
    ("page", "block"),
    [(page, block) for page in PAGES for block in blocks_of(page) if block.language],
    ids=lambda value: value if isinstance(value, str) else f"line{value.line}",
)
def test_a_block_prints_what_the_page_says(
    page: str, block: Block, readers: dict[str, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = readers[page]
    if block.language == "python":
        monkeypatch.chdir(reader.folder)
        assert check(block.text, reader.names, page, block.line) > 0
        return
    assert block.language == "console"
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built")
    commands = list(re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.M))
    assert commands
    for command in commands:
        line = block.line + 1 + block.text.count("\n", 0, command.start())
        run_command(command[1], command[2], reader.folder, line)


def test_every_exercise_is_answered_by_commands() -> None:
    parts = re.split(r"^## Exercise ", (ROOT / EXERCISES).read_text(), flags=re.M)[1:]
    assert [part[0] for part in parts] == ["1", "2", "3", "4", "5", "6", "7"]
    for part in parts:
        assert "\n$ plait " in part, part.split("\n", 1)[0]
