#!/usr/bin/env python3
"""Doxygen's view of a file. Headers: the plain comments turned into Doxygen's. Markdown: links to
what is no page, such as a folder or a source, turned into plain text.

A comment above a declaration describes it, one behind a declaration too, and the first comment of
a file describes the file. Lines set in by two spaces or more are formulas or tables: they keep
their shape."""

import re
import sys
from pathlib import Path

ABOVE = re.compile(r"( *)//(?!/) ?(.*)")  # alone on its line
BEHIND = re.compile(r"""((?:[^"/]|/(?!/)|"(?:\\.|[^"\\])*")*\S *)//(?!/) ?(.*)""")
NOTHING_NEW = re.compile(r"\s*(}|(class|struct) \w+;|#\s*(if|else|endif|include|pragma))")
FOR_TOOLS = re.compile(r"NOLINT|clang-format")
NO_PAGE = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:|#)(?![^)]*\.md[)#])([\w./-]*[/.][\w./-]*)\)")


def described(text: list[str], indent: str) -> list[str]:
    """The lines of one comment as Doxygen's."""
    out = []
    shaped = False
    for line in text:
        if line and line.startswith("  ") != shaped:
            shaped = not shaped
            out.append(f"{indent}/// " + ("@code{.unparsed}" if shaped else "@endcode"))
        out.append(f"{indent}/// {line}".rstrip())
    return out + ([f"{indent}/// @endcode"] if shaped else [])


def convert(lines: list[str]) -> list[str]:
    out: list[str] = []
    above: list[str] = []  # the comment that is being read
    behind = -1  # column of the comment behind the code of the line before
    for number, line in enumerate([*lines, ""]):
        match = ABOVE.fullmatch(line)
        if match and len(match[1]) == behind:
            out.append(f"{match[1]}///< {match[2]}")
            continue
        behind = -1
        if match:
            indent = match[1]
            above += [] if FOR_TOOLS.search(line) else [match[2]]
            continue
        if above and number == len(above):
            out += described(["@file", "", *above], "")
        elif above and line.strip() and not NOTHING_NEW.match(line):
            out += described(above, indent)
        above = []
        match = BEHIND.fullmatch(line)
        if match and not NOTHING_NEW.match(line) and not FOR_TOOLS.search(match[2]):
            behind = len(match[1])
            line = f"{match[1]}///< {match[2]}"
        out.append(line)
    return out[:-1]


def main() -> None:
    path = Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        print(NO_PAGE.sub(r"\1", text), end="")
    else:
        print("\n".join(convert(text.splitlines())))


if __name__ == "__main__":
    main()
