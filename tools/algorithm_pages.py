#!/usr/bin/env python3
"""Writes docs/algorithms/: one page per algorithm, from the comments of its main file, and their
table. With --check writes nothing and fails if a page is not what its algorithm says."""

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALGORITHMS = ROOT / "src/algorithms"
PAGES = ROOT / "docs/algorithms"
MEASURED = "When it wins and loses, measured:"  # the line of the mathematics above that paragraph
NOTE = "\n<!-- Written by tools/algorithm_pages.py from {}: change the text there. -->\n"


def algorithms() -> list[str]:
    return re.findall(r"^PLAIT_ALGORITHM\((\w+)\)", (ALGORITHMS / "registry.inc").read_text(), re.M)


def comment_at(text: str) -> list[str]:
    """The lines of the comment that `text` begins with, without the slashes."""
    lines = []
    for line in text.splitlines():
        if not (match := re.fullmatch(r"// ?(.*)", line)):
            break
        lines.append(match[1])
    return lines


def sections_of(source: str) -> dict[str, str]:
    parts = re.split(r"^// === (\w+) ===\n", source, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


def markdown(lines: list[str]) -> str:
    """Prose stays, what is set in becomes a block of its own."""
    out = []
    shaped = False
    for line in lines:
        if line and line.startswith("  ") != shaped:
            shaped = not shaped
            out += ["", "```"] if shaped else ["```", ""]
        out.append(line)
    return "\n".join(out + (["```"] if shaped else [])).strip() + "\n"


def page_of(name: str) -> tuple[str, str]:
    """An algorithm's summary and its page."""
    path = ALGORITHMS / name / f"{name}.cpp"
    source = path.read_text(encoding="utf-8")
    sections = sections_of(source)
    summary = " ".join(comment_at(source))
    mathematics = comment_at(sections["mathematics"])
    if MEASURED not in mathematics:
        sys.exit(f'{path.relative_to(ROOT)}:1: the mathematics lack "{MEASURED}"')
    start = mathematics.index(MEASURED)
    chapters = [
        ("Mathematics", markdown(mathematics[:start])),
        (MEASURED.rstrip(":"), markdown(mathematics[start + 1 :])),
        ("What it takes", markdown(comment_at(sections["accepts"]))),
        ("How it packs weights", markdown(comment_at(sections["pack"]))),
    ]
    page = f"# {name}\n\n{textwrap.fill(summary, 100)}\n"
    page += "".join(f"\n## {title}\n\n{text.strip()}\n" for title, text in chapters if text.strip())
    return summary, page + NOTE.format(path.relative_to(ROOT))


def pages() -> dict[Path, str]:
    table = "| algorithm | what it is |\n|---|---|\n"
    texts = {}
    for name in algorithms():
        summary, texts[PAGES / f"{name}.md"] = page_of(name)
        table += f"| [{name}]({name}.md) | {summary} |\n"
    texts[PAGES / "README.md"] = (
        "# Algorithms\n\nEach is a folder of `src/algorithms/`. All have the same sections, so "
        "that two can be read side by\nside. The constants of their costs are in "
        f"`src/core/machine/cycles.hpp`.\n\n{table}" + NOTE.format("the algorithms' main files")
    )
    return texts


def main() -> int:
    wanted = pages()
    present = {path: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    if sys.argv[1:] == ["--check"]:
        stale = [
            path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path)
        ]
        for path in sorted(stale):
            print(f"{path.relative_to(ROOT)}:1: not what its algorithm says: run {sys.argv[0]}")
        return 1 if stale else 0
    PAGES.mkdir(exist_ok=True)
    for path in present.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
