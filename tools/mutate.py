#!/usr/bin/env python3
"""Puts one fault at a time into a copy of the last commit, and asks the tests to find it.

usage: tools/mutate.py [NAME...]      all faults of tools/mutants.toml, or only the named ones

Works in build/mutate. A run of all faults writes docs/mutation.md, a run of some
build/mutate/report.md. Exits with 1 if a fault survives, cannot be applied or does not compile."""

import fcntl
import io
import os
import re
import subprocess
import sys
import tarfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/mutate"
SOURCE, BUILD, LOGS = WORK / "source", WORK / "build", WORK / "logs"
TEST_SECONDS = 120  # a test that takes longer hangs; the slowest takes 6 s [Zen 4, 2026-11-22]
FEW = 10  # so few failures are tried again, to leave out what failed by chance
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Fault:
    name: str
    file: str
    breaks: str  # what goes wrong, in a sentence
    find: str  # occurs once in the file
    replace: str


@dataclass(frozen=True)
class Failure:
    test: str
    how: str  # ctest's word: Failed, Timeout, SEGFAULT, ...


@dataclass(frozen=True)
class Outcome:
    fault: Fault
    compiled: bool
    failures: list[Failure]
    smallest: str  # the first case that the random sweep shrank a failure to, or ""

    @property
    def caught(self) -> bool:
        return self.compiled and bool(self.failures)


def say(text: str) -> None:
    print(f"mutate: {text}", flush=True)


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def read_faults(names: list[str]) -> list[Fault]:
    with open(ROOT / "tools/mutants.toml", "rb") as file:
        faults = [Fault(**entry) for entry in tomllib.load(file)["fault"]]
    known = [fault.name for fault in faults]
    for name in names + known:
        if known.count(name) != 1:
            say(f"{known.count(name)} faults are called {name!r} (known: {', '.join(known)})")
            sys.exit(2)
    return [fault for fault in faults if not names or fault.name in names]


def export(commit: str) -> None:
    """Makes SOURCE what was committed. Files that are the same already keep their times: only what
    changed is built again."""
    wanted = set()
    with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", commit))) as archive:
        for member in filter(tarfile.TarInfo.isfile, archive.getmembers()):
            path = SOURCE / member.name
            content = archive.extractfile(member).read()
            wanted.add(path)
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            path.chmod(member.mode)
    for path in SOURCE.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()


def misfits(faults: list[Fault]) -> list[str]:
    """Faults that the code has moved away from."""
    found = []
    for fault in faults:
        path = SOURCE / fault.file
        count = path.read_text(encoding="utf-8").count(fault.find) if path.is_file() else 0
        if count != 1:
            found.append(f"{fault.name}: its text occurs {count} times in {fault.file}, not once")
        elif fault.find == fault.replace:
            found.append(f"{fault.name} changes nothing")
    return found


def run_logged(command: list[str], log: Path) -> tuple[bool, str]:
    """Whether the command succeeded, and what it printed."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PLAIT_")
    }  # these change what the tests do
    done = subprocess.run(
        command,
        cwd=SOURCE,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = done.stdout.decode(errors="replace")
    with open(log, "a", encoding="utf-8") as file:
        file.write(output)
    return done.returncode == 0, output


def build(log: Path) -> bool:
    return run_logged(["cmake", "--build", str(BUILD)], log)[0]


def run_tests(log: Path, *options: str) -> tuple[list[Failure], str]:
    """The tests that fail, and the smallest case if one of them is the random sweep."""
    passed, output = run_logged(
        [
            "ctest",
            "--test-dir",
            str(BUILD),
            f"-j{CORES}",
            "--timeout",
            str(TEST_SECONDS),
            "--no-tests=error",
            "--output-on-failure",
            *options,
        ],
        log,
    )
    if passed:
        return [], ""
    _, _, listed = output.partition("The following tests FAILED:")
    # "  489 - Targets/VerifySweep.FindsNoFailure/AVX2  # GetParam() = ... (Failed)"
    line = r"^\s*\d+ - (.+?)(?: +# GetParam\(\) = .*)? \(([\w ]+)\)$"
    failures = [Failure(*match.groups()) for match in re.finditer(line, listed, re.M)]
    if not failures:
        sys.exit(f"mutate: ctest failed without naming a test; see {log}")
    smallest = re.search(r"^ *smallest: (.+)$", output, re.M)
    return failures, smallest[1] if smallest else ""


def prepare() -> None:
    """Configures, builds and tests the code without faults."""
    log = LOGS / "no-fault.log"
    configured, _ = run_logged(
        ["cmake", "--preset", "release", "-B", str(BUILD), "-DPLAIT_BENCH=OFF"], log
    )
    if not configured or not build(log):
        sys.exit(f"mutate: the code without faults does not build; see {log}")
    failures, _ = run_tests(log)
    if failures:
        sys.exit(f"mutate: without faults {names_of(failures)} fail already; see {log}")


def try_fault(fault: Fault) -> Outcome:
    log = LOGS / f"{fault.name}.log"
    path = SOURCE / fault.file
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(fault.find, fault.replace), encoding="utf-8")
    try:
        if not build(log):
            return Outcome(fault, False, [], "")
        failures, smallest = run_tests(log)
        if 0 < len(failures) <= FEW:
            again, _ = run_tests(log, "--rerun-failed")
            failures = [failure for failure in failures if failure in again]
        return Outcome(fault, True, failures, smallest)
    finally:
        path.write_text(original, encoding="utf-8")


def names_of(failures: list[Failure]) -> str:
    """Such as "VerifySweep (4), Products (2), 27 more; of these 1 by crashing"."""
    # A test is [Instantiation/]Suite.Test[/parameter].
    suites = Counter(re.sub(r"^.*/", "", failure.test.split(".")[0]) for failure in failures)
    shown = suites.most_common(3)
    parts = [f"{suite} ({count})" for suite, count in shown]
    if more := len(failures) - sum(count for _, count in shown):
        parts.append(f"{more} more")
    hung = sum(failure.how == "Timeout" for failure in failures)
    crashed = sum(failure.how not in {"Failed", "Timeout"} for failure in failures)
    ends = [
        f"{count} by {what}" for count, what in ((crashed, "crashing"), (hung, "hanging")) if count
    ]
    return ", ".join(parts) + (f"; of these {' and '.join(ends)}" if ends else "")


def verdict(outcome: Outcome) -> str:
    if not outcome.compiled:
        return "**does not compile**"
    return names_of(outcome.failures) or "**nobody: it survives**"


def machine() -> str:
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    cache = (BUILD / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache, re.M)[1]
    version = subprocess.run([compiler, "--version"], check=True, stdout=subprocess.PIPE)
    return (
        f"{model[1] if model else 'unknown CPU'}, {CORES} cores, "
        f"{version.stdout.decode().splitlines()[0]}"
    )


def report_of(outcomes: list[Outcome], commit: str, minutes: float) -> str:
    survivors = [outcome for outcome in outcomes if not outcome.caught]
    lines = [
        f"# {len(survivors)} of {len(outcomes)} seeded faults survive"
        if survivors
        else f"# All {len(outcomes)} seeded faults are caught",
        "",
        f"Written by `./dev mutate` at commit {commit} on {time.strftime('%Y-%m-%d')}, in "
        f"{minutes:.0f} minutes [{machine()}].",
        "",
        "Each fault of `tools/mutants.toml` is put alone into a copy of the code, which is built",
        f"and given to all tests. Numbers are of tests that fail; where at most {FEW} do, they are",
        "run again, and those that then pass are left out: no fault is caught by chance. The",
        "smallest case is what the random sweep shrinks its first failure to.",
        "",
        "| fault | where | what breaks | caught by | smallest case |",
        "|---|---|---|---|---|",
    ]
    for outcome in survivors + [outcome for outcome in outcomes if outcome.caught]:
        fault = outcome.fault
        smallest = f"`{outcome.smallest}`" if outcome.smallest else ""
        cells = (fault.name, f"`{fault.file}`", fault.breaks, verdict(outcome), smallest)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def mutate(faults: list[Fault], report: Path) -> int:
    start = time.monotonic()
    for log in LOGS.iterdir():
        log.unlink()
    commit = git("rev-parse", "--short", "HEAD").decode().strip()  # others may commit meanwhile
    export(commit)
    if found := misfits(faults):
        for line in found:
            say(line)
        return 1
    say("building and testing without faults")
    prepare()
    outcomes = []
    first = time.monotonic()
    for number, fault in enumerate(faults, 1):
        outcomes.append(try_fault(fault))
        each = (time.monotonic() - first) / number
        left = each * (len(faults) - number) / 60
        say(f"{number}/{len(faults)} {fault.name}: {verdict(outcomes[-1])}; {left:.0f} min left")
    text = report_of(outcomes, commit, (time.monotonic() - start) / 60)
    report.write_text(text, encoding="utf-8")
    say(f"{text.splitlines()[0][2:]}; see {report.relative_to(ROOT)}")
    return 0 if all(outcome.caught for outcome in outcomes) else 1


def main() -> int:
    names = sys.argv[1:]
    if any(name.startswith("-") for name in names):
        print(__doc__)
        return 0 if names[0] in {"-h", "--help"} else 2
    faults = read_faults(names)
    for folder in (SOURCE, BUILD, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    with open(WORK / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("mutate: another run is under way, and both would build each other's faults")
        return mutate(faults, ROOT / "docs/mutation.md" if not names else WORK / "report.md")


if __name__ == "__main__":
    sys.exit(main())
