#!/usr/bin/env python3
"""Checks what compilers and linters do not: which part may include which, that all rooms have one
shape, and that the tree stays readable. Prints each finding as file:line: message; see MAP.md."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = {".hpp", ".h", ".cpp", ".c", ".inc", ".py", ".sh", ".cmake"}
CXX = {".hpp", ".h", ".cpp", ".c", ".inc"}
MAX_LINES = 400
LONG_FILES: dict[str, str] = {}  # path: why it may be longer
SECTIONS = sorted(["mathematics", "accepts", "cost", "config", "pack", "run"])
PUBLIC = "include/plait/"
INCLUDE = r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]'
STRING = r'"(?:\\.|[^"\\\n])*"'

# (a part, what it may include), the longest prefix first. Tests and bench may include anything.
OWN = "the room's own folder"
# Of several rooms.
SHARED = [f"src/algorithms/{name}." for name in ("product_room", "strip_room", "strip_lines")]
MAY_INCLUDE = [
    ("src/algorithms/registry.", [PUBLIC, "src/core/", "src/algorithms/"]),
    ("src/algorithms/", [PUBLIC, "src/core/", "src/kernels/", *SHARED, OWN]),
    ("src/core/", [PUBLIC, "src/core/"]),
    ("src/kernels/", [PUBLIC, "src/core/", "src/kernels/"]),
    ("src/planner/", [PUBLIC, "src/core/", "src/algorithms/registry.hpp", "src/planner/"]),
    ("src/analysis/", [PUBLIC, "src/"]),
    ("src/capi/", [PUBLIC, "src/capi/"]),
    ("include/", [PUBLIC]),
    ("cli/", [PUBLIC, "cli/"]),
    ("examples/", [PUBLIC, "examples/", "cli/"]),
]
CONVOLUTION = re.compile(
    r"include/plait/(problem|plan|conv2d|corr2d|plait)\.hpp|"
    r"src/core/algorithm\.hpp"
)  # headers that know what one is

findings: list[str] = []


def report(path: str, line: int, message: str) -> None:
    findings.append(f"{path}:{line}: {message}")


def read_tracked() -> dict[str, str]:
    """Every tracked text file that exists: path -> text."""
    listed = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
        .stdout.decode()
        .split("\0")
    )
    texts = {
        path: (ROOT / path).read_text(encoding="utf-8", errors="replace")
        for path in listed
        if (ROOT / path).is_file()
    }
    return {path: text for path, text in texts.items() if "\0" not in text}


def select(texts: dict[str, str], folder: str, suffixes: set[str]) -> list[tuple[str, str]]:
    return [
        (path, text)
        for path, text in texts.items()
        if path.startswith(folder) and Path(path).suffix in suffixes
    ]


def without_comments(text: str) -> str:
    """Blanks comments; line numbers stay."""
    token = re.compile(rf"{STRING}|'\\?[^\n]'|//[^\n]*|/\*.*?\*/", re.S)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m[0]) if m[0][0] == "/" else m[0], text)


def matches(pattern: str, text: str):
    for match in re.finditer(pattern, text, re.M):
        yield text.count("\n", 0, match.start()) + 1, match


def rooms_of(texts: dict[str, str]) -> dict[str, int]:
    """The rooms in the registry: name -> line."""
    registry = texts.get("src/algorithms/registry.inc", "")
    return {match[1]: line for line, match in matches(r"^PLAIT_ALGORITHM\((\w+)\)", registry)}


def resolve(include: str, source: str) -> str | None:
    """The included file's path in this tree; None for other people's headers."""
    for folder in (Path(source).parent, Path("src"), Path("include"), Path("cli")):
        target = (ROOT / folder / include).resolve()
        if target.is_file() and target.is_relative_to(ROOT):
            return target.relative_to(ROOT).as_posix()
    return f"src/{include}" if (ROOT / "src" / Path(include).parts[0]).is_dir() else None


def check_arrow(texts: dict[str, str]) -> None:
    """core <- kernels <- algorithms <- planner <- analysis <- faces. A part that looks ahead, or a
    room that looks into another, can no longer be read, tested or removed alone."""
    for path, text in select(texts, "", CXX):
        part, allowed = next(((p, a) for p, a in MAY_INCLUDE if path.startswith(p)), (None, []))
        if part is None:
            continue
        own = "/".join(path.split("/")[:-1][:3]) + "/"
        for line, match in matches(INCLUDE, text):
            target = resolve(match[1], path)
            if target and not target.startswith(
                tuple(own if prefix is OWN else prefix for prefix in allowed)
            ):
                report(path, line, f"{own if OWN in allowed else part} must not include {target}")


def check_kernels(texts: dict[str, str]) -> None:
    """Kernels multiply tiles and know no convolution: so they serve every room, and are tested
    alone."""
    for path, text in select(texts, "src/kernels/", CXX):
        code = without_comments(text)
        for line, match in matches(INCLUDE, code):
            if CONVOLUTION.fullmatch(resolve(match[1], path) or ""):
                report(path, line, f"kernels know no convolution: {match[1]}")
        for line, _ in matches(r"\bProblem\b", code):
            report(path, line, "kernels know no convolution: Problem")


def check_planner(texts: dict[str, str]) -> None:
    """The planner asks every room and knows none by name: a new room needs no change there."""
    names = "|".join(rooms_of(texts))
    for path, text in select(texts, "src/planner/", CXX) if names else []:
        # Of strings only "room" and "room/form" count: a message may use the word.
        code = re.sub(
            STRING,
            lambda m: m[0] if re.match(rf'"({names})["/]', m[0]) else '""',
            without_comments(text),
        )
        for line, match in matches(rf"\b({names})\b", code):
            report(path, line, f"the planner names the room {match[1]}")


def check_rooms(texts: dict[str, str]) -> None:
    """One room shape, so that any two can be read side by side: the folder is in the registry, and
    its main file has `// === accepts ===` and so on, in the order all other rooms have."""
    registered = rooms_of(texts)
    folders = {
        path.split("/")[2]
        for path in texts
        if path.startswith("src/algorithms/") and path.count("/") > 2
    }
    for room in folders - registered.keys():
        report(f"src/algorithms/{room}", 1, "room is not in registry.inc")
    for path in filter(re.compile(r"src/algorithms/[^/]+$").match, texts):
        if not path.startswith(("src/algorithms/registry.", *SHARED)):
            report(path, 1, "belongs to no room; what rooms share is core or kernels")
    orders = {}
    for room, line in registered.items():
        main = f"src/algorithms/{room}/{room}.cpp"
        if main not in texts:
            report("src/algorithms/registry.inc", line, f"room {room} has no {main}")
            continue
        order = [match[1] for _, match in matches(r"^// === (.+) ===$", texts[main])]
        if sorted(order) == SECTIONS:
            orders[main] = ", ".join(order)
        else:
            report(
                main,
                1,
                f"sections are ({', '.join(order)}); each of "
                f"({', '.join(SECTIONS)}) must be there once as `// === name ===`",
            )
    for main, order in orders.items():
        usual = Counter(orders.values()).most_common(1)[0][0]
        if order != usual:
            report(main, 1, f"sections in the order ({order}); most rooms have ({usual})")


def check_lengths(texts: dict[str, str]) -> None:
    """A longer file usually answers two questions."""
    for path, text in select(texts, "", CODE):
        if (lines := text.count("\n")) > MAX_LINES and path not in LONG_FILES:
            report(
                path,
                MAX_LINES + 1,
                f"{lines} lines, more than {MAX_LINES}: split it, or add "
                "it to LONG_FILES in tools/check_layout.py with the reason",
            )
    for path in LONG_FILES.keys() - texts:
        report("tools/check_layout.py", 1, f"LONG_FILES names {path}, which is gone")


def check_graveyards(texts: dict[str, str]) -> None:
    """Dead code lives in the history; what is left to do, in the issues."""
    for folder in {parent.as_posix() for path in texts for parent in Path(path).parents}:
        if Path(folder).name in {"old", "attic", "other", "backup"}:
            report(folder, 1, "graveyard: delete it, git remembers")
    for path, text in select(texts, "", CODE):
        for line, match in matches(r"^[ \t]*#[ \t]*if 0\b|\b(?:TO[D]O|FIX[M]E|XX[X])\b", text):
            report(path, line, f"{match[0].strip()}: do it or delete it")


def check_map(texts: dict[str, str]) -> None:
    """MAP.md says what is where. Rooms are listed by the registry instead."""
    for folder in sorted({Path(path).parent.as_posix() for path, _ in select(texts, "", CODE)}):
        if folder == "." or re.match(r"src/algorithms/.", folder):
            continue
        if not re.search(rf"(?<![\w/]){re.escape(folder)}(?!\w)", texts.get("MAP.md", "")):
            report("MAP.md", 1, f"does not mention {folder}/")


def check_links(texts: dict[str, str]) -> None:
    """Pages lead to files that are there."""
    for path, text in select(texts, "", {".md"}):
        for line, match in matches(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)", text):
            if not (ROOT / path).parent.joinpath(match[1]).exists():
                report(path, line, f"links to {match[1]}, which is not there")


def check_machine_paths(texts: dict[str, str]) -> None:
    """A path of one machine means nothing on another. Tests may write to the temporary folder."""
    for path, text in texts.items():
        folders = "work|home|root" if path.startswith("tests/") else "work|home|root|tmp"
        for line, match in matches(rf"(?<![\w.}}])/({folders})/", text):
            report(path, line, f"path of one machine: {match[0]}")


def main() -> int:
    texts = read_tracked()
    for check in (
        check_arrow,
        check_kernels,
        check_planner,
        check_rooms,
        check_lengths,
        check_graveyards,
        check_map,
        check_links,
        check_machine_paths,
    ):
        check(texts)
    for finding in sorted(findings):
        print(finding)
    print(f"layout: {len(findings)} findings" if findings else f"layout: ok ({len(texts)} files)")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
