#!/usr/bin/env python3
"""Checks what compilers and linters do not: which part may include which, that all algorithms have
one shape, that no part outgrows its budget of lines, and that the tree stays readable. Prints each
finding as file:line: message; see MAP.md."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = {".hpp", ".h", ".cpp", ".c", ".inc", ".py", ".sh", ".cmake"}
CXX = {".hpp", ".h", ".cpp", ".c", ".inc"}
PROSE_COLUMNS = 100
GENERATED_PAGES = ("docs/mutation.md", "bench/results/")
GLOSSARY = "docs/glossary.md"
SPOKEN = ("src/", "include/", "cli/", "python/", "tests/")  # where the glossary's words hold
MANY_LINES = 400  # a longer file is warned of: it usually answers two questions
SECTIONS = sorted(["mathematics", "config", "accepts", "cost", "pack", "run", "ask"])
PUBLIC = "include/plait/"
INCLUDE = r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]'
STRING = r'"(?:\\.|[^"\\\n])*"'

# Lines of code that a part may have: (name, folders, budget). A commit that raises a budget says
# why. The lines of the last commit are printed beside, so that growth is seen.
BUDGETS = [
    (
        "engine",
        ["src/core/", "src/kernels/", "src/algorithms/", "src/planner/"],
        17050,
    ),
    ("rewrite", ["src/rewrite/"], 7250),
    ("analysis", ["src/analysis/"], 3200),
    ("headers", [PUBLIC], 2500),
    ("cli", ["cli/"], 9400),
    ("python", ["python/"], 9900),
]

# What a part may include beside its own folder, the longest prefix first: the arrows of MAP.md. All
# may include the public headers. Tests and bench may include anything.
CORE, KERNELS, ALGORITHMS, CLI = "src/core/", "src/kernels/", "src/algorithms/", "cli/"
CORE_FILES, CONTRACT = "src/core/*", "src/algorithms/*"  # the files of the folder itself
MATMUL = "src/algorithms/matmul/"
FAMILIES = [f"{KERNELS}{name}/" for name in ("simd", "tile")]
SHARED_BY_COMMANDS = [f"{CLI}{name}/" for name in ("app", "io", "measure", "options", "draw")]
MAY_INCLUDE = {
    "src/core/tensor/": [CORE_FILES],
    "src/core/problem/": [CORE_FILES],
    "src/core/machine/": [CORE_FILES],
    "src/core/threads/": [CORE_FILES, "src/core/machine/"],
    "src/core/": [],
    "src/kernels/simd/": [],
    "src/kernels/tile/": [CORE, f"{KERNELS}simd/"],
    "src/kernels/": [CORE, *FAMILIES],
    "src/algorithms/registry.": [CONTRACT],
    "src/algorithms/algorithm.": [CORE],
    "src/algorithms/": [CORE, KERNELS, CONTRACT, MATMUL],
    "src/planner/": [CORE, CONTRACT],
    "src/analysis/verify/": [CORE, ALGORITHMS, "src/analysis/*"],
    "src/analysis/": [CORE, KERNELS, ALGORITHMS, "src/planner/"],
    "src/rewrite/linear/": [CORE],
    "src/rewrite/": [CORE, "src/rewrite/linear/", "src/rewrite/*"],
    "src/capi/": [],
    "cli/app/": [],
    "cli/io/": [f"{CLI}app/"],
    "cli/measure/": [f"{CLI}{name}/" for name in ("app", "io")],
    "cli/options/": [f"{CLI}{name}/" for name in ("app", "io")],
    "cli/draw/": [f"{CLI}{name}/" for name in ("app", "io")],
    "cli/main.cpp": [CLI],
    "cli/": SHARED_BY_COMMANDS,
    "include/": [],
    "examples/": [CLI],
}
CONVOLUTION = re.compile(
    r"include/plait/(problem|plan|conv2d|corr2d|plait)\.hpp|"
    r"src/algorithms/algorithm\.hpp"
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


def algorithms_of(texts: dict[str, str]) -> dict[str, int]:
    """The algorithms in the registry: name -> line."""
    registry = texts.get("src/algorithms/registry.inc", "")
    return {match[1]: line for line, match in matches(r"^PLAIT_ALGORITHM\((\w+)\)", registry)}


def resolve(include: str, source: str) -> str | None:
    """The included file's path in this tree; None for other people's headers."""
    for folder in (Path(source).parent, Path("src"), Path("include"), Path("cli")):
        target = (ROOT / folder / include).resolve()
        if target.is_file() and target.is_relative_to(ROOT):
            return target.relative_to(ROOT).as_posix()
    return f"src/{include}" if (ROOT / "src" / Path(include).parts[0]).is_dir() else None


def folder_of(path: str) -> str:
    return path[: path.rindex("/") + 1]


def check_arrow(texts: dict[str, str]) -> None:
    """core <- kernels <- algorithms <- planner <- analysis <- faces. A part that looks ahead, or an
    algorithm that looks into another, can no longer be read, tested or removed alone."""
    for path, text in select(texts, "", CXX):
        part = max((p for p in MAY_INCLUDE if path.startswith(p)), key=len, default=None)
        if part is None:
            continue
        allowed = [PUBLIC, folder_of(path), *MAY_INCLUDE[part]]
        for line, match in matches(INCLUDE, text):
            target = resolve(match[1], path)
            if target and not any(
                folder_of(target) == name[:-1] if name.endswith("*") else target.startswith(name)
                for name in allowed
            ):
                report(path, line, f"{folder_of(path)} must not include {target}")


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
    """The planner asks every algorithm and knows none by name: a new one needs no change there."""
    names = "|".join(algorithms_of(texts))
    for path, text in select(texts, "src/planner/", CXX) if names else []:
        # Of strings only "name" and "name/variant" count: a message may use the word.
        code = re.sub(
            STRING,
            lambda m: m[0] if re.match(rf'"({names})["/]', m[0]) else '""',
            without_comments(text),
        )
        for line, match in matches(rf"\b({names})\b", code):
            report(path, line, f"the planner names the algorithm {match[1]}")


def check_algorithms(texts: dict[str, str]) -> None:
    """One shape, so that any two algorithms can be read side by side: the folder is in the
    registry, and its main file has `// === accepts ===` and so on, in the order all others have."""
    registered = algorithms_of(texts)
    folders = {path.split("/")[2] for path in texts if re.match(r"src/algorithms/.+/", path)}
    for name in folders - registered.keys() - {Path(MATMUL).name}:
        report(f"src/algorithms/{name}", 1, "the algorithm is not in registry.inc")
    for path in filter(re.compile(r"src/algorithms/[^/]+$").match, texts):
        if not path.startswith(("src/algorithms/registry.", "src/algorithms/algorithm.")):
            report(path, 1, "belongs to no algorithm")
    orders = {}
    for name, line in registered.items():
        main = f"src/algorithms/{name}/{name}.cpp"
        if main not in texts:
            report("src/algorithms/registry.inc", line, f"the algorithm {name} has no {main}")
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
            report(main, 1, f"sections in the order ({order}); most have ({usual})")


def lines_of_last_commit() -> dict[str, int]:
    """path -> lines of every file of code in HEAD."""
    listed = subprocess.run(
        [
            "git",
            "grep",
            "-c",
            "",
            "HEAD",
            "--",
            *(folder for _, folders, _ in BUDGETS for folder in folders),
        ],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout
    counts = (line.removeprefix("HEAD:").rsplit(":", 1) for line in listed.splitlines())
    return {path: int(count) for path, count in counts if Path(path).suffix in CODE}


def check_budgets(texts: dict[str, str]) -> None:
    """Size is a cost: a part that grows past its budget needs a reason, or something to delete."""
    before = lines_of_last_commit()
    for name, folders, budget in BUDGETS:
        now = sum(text.count("\n") for f in folders for _, text in select(texts, f, CODE))
        then = sum(count for path, count in before.items() if path.startswith(tuple(folders)))
        print(f"lines: {name:9} {now:6} of {budget:6}  {now - then:+d} to the last commit")
        if now > budget:
            report("tools/check_layout.py", 1, f"{name} has {now} lines, its budget is {budget}")


def warn_of_long_files(texts: dict[str, str]) -> None:
    for path, text in select(texts, "", CODE):
        if (lines := text.count("\n")) > MANY_LINES:
            print(f"{path}:1: warning: {lines} lines: does it answer two questions?")


def check_graveyards(texts: dict[str, str]) -> None:
    """Dead code lives in the history; what is left to do, in the issues."""
    for folder in {parent.as_posix() for path in texts for parent in Path(path).parents}:
        if Path(folder).name in {"old", "attic", "other", "backup"}:
            report(folder, 1, "graveyard: delete it, git remembers")
    for path, text in select(texts, "", CODE):
        for line, match in matches(r"^[ \t]*#[ \t]*if 0\b|\b(?:TO[D]O|FIX[M]E|XX[X])\b", text):
            report(path, line, f"{match[0].strip()}: do it or delete it")


def check_map(texts: dict[str, str]) -> None:
    """MAP.md says what is where. Algorithms are listed by the registry instead."""
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


def check_prose(texts: dict[str, str]) -> None:
    """Pages are wrapped like code, so that a difference shows the words that changed. Tables, code
    and a word that is longer than the line stay as they are."""
    for path, text in select(texts, "", {".md"}):
        if path.startswith(GENERATED_PAGES):
            continue
        code = False
        for number, line in enumerate(text.splitlines(), 1):
            fence = line.lstrip().startswith("```")
            code ^= fence
            if code or fence or len(line) <= PROSE_COLUMNS or re.match(r"\s*\||#|<!--|!\[", line):
                continue
            if len(re.sub(r"^\s*([-*]|\d+\.)\s", "", line).split()) > 1:
                report(path, number, f"{len(line)} columns of prose: wrap it at {PROSE_COLUMNS}")


def glossary_words(text: str) -> list[str]:
    """The words in backticks of the last column of the glossary's tables."""
    rows = re.findall(r"^\|[^|\n]*\|[^|\n]*\|([^|\n]*)\|$", text, re.M)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def check_glossary(texts: dict[str, str]) -> None:
    """One word for one thing, the field's: the private ones that the glossary gave up stay away."""
    words = glossary_words(texts.get(GLOSSARY, ""))
    patterns = [
        rf"(?<![A-Za-z]){re.escape(word)}s?(?![a-z])"
        if word == word.lower()
        else rf"{re.escape(word)}(?![a-z])"
        for word in words
    ]
    if not patterns:
        report(GLOSSARY, 1, "no table has words to avoid")
        return
    for folder in SPOKEN:
        for path, text in select(texts, folder, CODE):
            for line, match in matches("|".join(patterns), text):
                report(path, line, f"{match[0]}: {GLOSSARY} has the field's word")


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
        check_algorithms,
        check_budgets,
        check_graveyards,
        check_map,
        check_links,
        check_prose,
        check_glossary,
        check_machine_paths,
    ):
        check(texts)
    warn_of_long_files(texts)
    for finding in sorted(findings):
        print(finding)
    print(f"layout: {len(findings)} findings" if findings else f"layout: ok ({len(texts)} files)")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
