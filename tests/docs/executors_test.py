"""What docs/executors.md shows of programs is in these programs, which the tests build and run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "executors.md"
EXAMPLES = ROOT / "examples" / "executors"


def test_every_excerpt_is_in_a_program_that_the_page_names():
    shown = re.findall(r"^```(cpp|c)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    programs = {path.name: path.read_text() for path in EXAMPLES.glob("*.c*")}
    assert len(shown) == 5
    for suffix, text in shown:
        codes = [code for name, code in programs.items() if name.endswith(f".{suffix}")]
        assert any(text in code for code in codes), text


def test_the_page_names_every_program():
    for path in EXAMPLES.glob("*_executor.c*"):
        assert f"(../examples/executors/{path.name})" in PAGE.read_text(), path.name
