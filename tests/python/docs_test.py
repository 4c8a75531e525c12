"""The examples in the documentation run, and show what they say."""

from __future__ import annotations

import doctest
import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy
import plait
import pytest

ROOT = Path(__file__).parents[2]
OPTIONS = doctest.ELLIPSIS


class Block(NamedTuple):
    language: str
    text: str
    line: int  # where it starts in the page, from 0


def blocks_of(page: str) -> list[Block]:
    text = (ROOT / page).read_text()
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start(2)))
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    ]


PAGES = [
    page
    for page in ("README.md", "docs/python.md")
    if any(block.language == "python" for block in blocks_of(page))
]


def check(examples: str, names: dict, name: str, line: int = 0) -> int:
    """Run examples as doctest does, which read and set `names`; return how many there were."""
    test = doctest.DocTestParser().get_doctest(examples, names, name, None, line)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    runner.run(test, out=said.append, clear_globs=False)
    names.update(test.globs)
    assert not said, "".join(said)
    return len(test.examples)


def run_block(block: Block, names: dict, page: str) -> None:
    if ">>>" in block.text:
        assert check(block.text, names, page, block.line) > 0
    else:
        exec(compile("\n" * block.line + block.text, page, "exec"), names)


def needs_torch(block: Block) -> bool:
    return "torch" in block.text


@pytest.mark.parametrize("page", PAGES)
def test_python_in(page, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)  # examples write files
    names: dict = {}
    blocks = [block for block in blocks_of(page) if block.language == "python"]
    for block in blocks:
        if not needs_torch(block):
            run_block(block, names, page)


@pytest.mark.parametrize("page", PAGES)
def test_python_with_torch_in(page, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks_of(page):
        if block.language == "python":
            run_block(block, names, page)


def commands_of(page: str) -> list[str]:
    return [
        command
        for block in blocks_of(page)
        if block.language in ("sh", "")
        for line in block.text.splitlines()
        if (command := line.partition("#")[0].strip()).startswith("python -m plait")
    ]


def test_every_block_is_known():
    """What docs/python.md shows is Python, an installation, or a command that is run below."""
    for block in blocks_of("docs/python.md"):
        assert block.language in ("python", "sh"), block
        if block.language == "sh":
            for line in block.text.splitlines():
                assert line.startswith(("python -m plait ", "pip install ")), line


@pytest.mark.parametrize("command", [c for page in PAGES for c in commands_of(page)])
def test_command(command):
    arguments = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_links_in_the_page_lead_somewhere():
    page = ROOT / "docs" / "python.md"
    targets = re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text())
    assert targets
    for target in targets:
        assert (page.parent / target).exists(), target


def documented():
    """Every public thing with a docstring, by name."""
    yield "plait", plait
    for name in plait.__all__:
        thing = getattr(plait, name)
        if not hasattr(thing, "__doc__") or isinstance(thing, str):
            continue
        yield f"plait.{name}", thing
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("__"):
                    yield f"plait.{name}.{member}", value


DOCSTRINGS = {name: inspect.getdoc(thing) or "" for name, thing in documented()}


@pytest.mark.parametrize("name", [name for name, text in DOCSTRINGS.items() if ">>>" in text])
def test_docstring_of(name, tmp_path, monkeypatch):
    if name == "plait.show":
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert check(DOCSTRINGS[name], {"numpy": numpy, "plait": plait}, name) > 0


def test_what_must_have_examples():
    with_examples = {name for name, text in DOCSTRINGS.items() if ">>>" in text}
    assert with_examples >= {"plait", "plait.conv1d", "plait.conv2d", "plait.plan", "plait.show"}
