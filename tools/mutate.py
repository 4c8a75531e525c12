#!/usr/bin/env python3
"""Puts one fault at a time into a copy of the last commit, and asks the tests to find it.

usage: tools/mutate.py [NAME...]      all faults of tools/mutants.toml, or only the named ones

Works in build/mutate and keeps the result of every fault there: a run that was interrupted goes on
where it stopped, as long as the code and the tests are the same. A run of all faults writes
docs/mutation.md, a run of some build/mutate/report.md. Exits with 1 if a fault survives, cannot be
applied or does not compile."""

import contextlib
import fcntl
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import tomllib
from mutate_suites import (
    CORES,
    ENOUGH_SECONDS,
    ENOUGH_SUITES,
    Failure,
    Suite,
    environment,
    files_of_suites,
    nearest_first,
    run_suites,
    suites_of,
    words_of,
)

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/mutate"
# The build folder lies in the copy as in the tree, so that the compile cache knows the objects of
# the tree's own build.
SOURCE, LOGS, RESULTS = WORK / "source", WORK / "logs", WORK / "results"
BUILD = SOURCE / "build/release"
BUILT_FROM = ("src", "include", "cli", "tests", "cmake", "examples/images", "CMakeLists.txt")
# Programs whose tests find faults, in the order in which they are built and asked.
STAGES = (
    ("plait_tests",),
    ("plait_cli_tests",),
    ("capi_test", "capi_values_test", "capi_executor_test"),
)


@dataclass(frozen=True)
class Fault:
    name: str
    file: str
    breaks: str  # what goes wrong, in a sentence
    find: str  # occurs once in the file
    replace: str


@dataclass
class Outcome:
    compiled: bool = True
    failures: list[Failure] = field(default_factory=list)
    smallest: str = ""  # the first case that the random sweep shrank a failure to
    seconds: float = 0

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
    chosen = [fault for fault in faults if not names or fault.name in names]
    return sorted(chosen, key=lambda fault: fault.file)  # neighbours build little between them


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
        if path.is_file() and path not in wanted and not path.is_relative_to(BUILD):
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


def run_logged(command: list[str], log: Path) -> bool:
    # Names of files as the tree's own build has them, for the compile cache.
    with open(log, "a", encoding="utf-8") as file:
        return (
            subprocess.run(
                command,
                cwd=SOURCE,
                env=environment() | {"CCACHE_BASEDIR": str(SOURCE)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            ).returncode
            == 0
        )


def build(programs: Iterable[str], log: Path) -> bool:
    return run_logged(["cmake", "--build", str(BUILD), "--target", *programs], log)


def suites_of_all(programs: Iterable[str]) -> list[Suite]:
    return [suite for program in programs for suite in suites_of(BUILD / "tests" / program)]


def stages_for(fault: Fault) -> list[tuple[str, ...]]:
    own = 1 if fault.file.startswith("cli/") else 2 if fault.file.startswith("src/capi/") else 0
    return [STAGES[own], *(stage for i, stage in enumerate(STAGES) if i != own)]


# === one fault ===


class Baseline:
    """The code without faults: configured, and built and tested as far as it is needed."""

    def __init__(self, tree: str) -> None:
        self.log = LOGS / "no-fault.log"
        self.tree = tree
        self.path = WORK / "seconds.json"
        self.tested: dict[str, dict[str, float]] = {}  # by program, what each suite takes
        self.built: set[str] = set()
        if self.path.is_file():
            known = json.loads(self.path.read_text(encoding="utf-8"))
            if known["tree"] == tree:
                self.tested = known["tested"]
        configure = ["cmake", "--preset", "release", "-DPLAIT_BENCH=OFF"]
        if not run_logged(configure, self.log):
            sys.exit(f"mutate: the code without faults cannot be configured; see {self.log}")

    def seconds_of(self, programs: tuple[str, ...]) -> dict[str, float]:
        """Of each suite; the programs must pass."""
        for program in programs:
            if program not in self.built:
                say(f"building {program} without faults")
                if not build([program], self.log):
                    sys.exit(f"mutate: the code without faults does not build; see {self.log}")
                self.built.add(program)
            if program not in self.tested:
                say(f"testing {program} without faults")
                self.tested[program] = self.test(program)
                text = json.dumps({"tree": self.tree, "tested": self.tested})
                self.path.write_text(text, encoding="utf-8")
        return {
            suite: seconds
            for program in programs
            for suite, seconds in self.tested[program].items()
        }

    @staticmethod
    def test(program: str) -> dict[str, float]:
        folder = LOGS / "no-fault"
        folder.mkdir(exist_ok=True)
        failures, seconds, _ = run_suites(suites_of_all([program]), {}, folder, enough=False)
        if failures:
            sys.exit(f"mutate: without faults {names_of(failures)} fail already; see {folder}")
        return seconds


def linked_since(began: float, program: str) -> bool:
    path = BUILD / "tests" / program
    return path.is_file() and path.stat().st_mtime >= began


@contextlib.contextmanager
def faulty(fault: Fault) -> Iterator[None]:
    """While the fault is in the code."""
    path = SOURCE / fault.file
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(fault.find, fault.replace), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(original, encoding="utf-8")


def try_stage(
    fault: Fault, programs: tuple[str, ...], seconds: dict[str, float], files: dict[str, str]
) -> Outcome:
    """What the tests of these programs say of a fault that is in the code."""
    began = time.time()
    folder = LOGS / fault.name
    folder.mkdir(exist_ok=True)
    log = folder / "build.log"
    log.unlink(missing_ok=True)
    if not build(programs, log):
        if not linked_since(began, programs[0]):
            return Outcome(compiled=False)
        # It ends before it can list its tests.
        return Outcome(failures=[Failure("the start of " + programs[0], [], "crashing")])
    words = words_of(fault.file) | words_of(fault.name)
    computes = fault.file.startswith(("src/algorithms", "src/kernels", "src/core", "src/analysis"))
    suites = nearest_first(suites_of_all(programs), words, computes, files, seconds)
    failures, _, smallest = run_suites(suites, seconds, folder, enough=True)
    return Outcome(failures=failures, smallest=smallest)


def try_fault(fault: Fault, baseline: Baseline, files: dict[str, str]) -> Outcome:
    outcome = Outcome()
    total = 0.0
    for programs in stages_for(fault):
        seconds = baseline.seconds_of(programs)
        start = time.monotonic()
        with faulty(fault):
            outcome = try_stage(fault, programs, seconds, files)
        total += time.monotonic() - start
        if outcome.failures or not outcome.compiled:
            break
    outcome.seconds = total
    return outcome


def tree_of(commit: str) -> str:
    """What the results depend on, as one text: the code and the tests of the commit."""
    return hashlib.sha256(git("ls-tree", commit, *BUILT_FROM)).hexdigest()


def kept_outcome(fault: Fault, tree: str) -> tuple[Path, str, Outcome | None]:
    """Where a fault's result is kept, under which key, and the result if it is there."""
    key = hashlib.sha256(json.dumps([tree, asdict(fault)]).encode()).hexdigest()
    path = RESULTS / f"{fault.name}.json"
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known.pop("key") == key:
            known["failures"] = [Failure(**failure) for failure in known["failures"]]
            return path, key, Outcome(**known)
    return path, key, None


# === the report ===


def names_of(failures: list[Failure]) -> str:
    """Such as "VerifySweep, Products (by crashing)"."""
    return ", ".join(
        failure.suite + ("" if failure.how == "failing" else f" (by {failure.how})")
        for failure in failures
    )


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


def report_of(tried: list[tuple[Fault, Outcome]], commit: str) -> str:
    survivors = [pair for pair in tried if not pair[1].caught]
    seconds = [outcome.seconds for _, outcome in tried]
    title = (
        f"{len(survivors)} of {len(tried)} seeded faults survive"
        if survivors
        else f"All {len(tried)} seeded faults are caught"
    )
    lines = [
        f"""\
# {title}

Written by `./dev mutate` at commit {commit} on {time.strftime("%Y-%m-%d")} [{machine()}].
The faults took {sum(seconds) / 60:.0f} minutes, {sum(seconds) / len(seconds):.0f} s each on
average and {max(seconds):.0f} s at most.

Each fault of `tools/mutants.toml` is put alone into a copy of the code, which is built and
tested by the C++ and C tests, those nearest to the fault first. A suite ends at its first test
that fails, and that test is run again: no fault is caught by chance. When {ENOUGH_SUITES} suites
have failed, or {ENOUGH_SECONDS} seconds after the first has, the other suites are left out, so
there may be more that catch a fault than are named. The smallest case is what the random sweep
shrinks its first failure to, where it had done so by then.

| fault | where | what breaks | caught by | smallest case |
|---|---|---|---|---|"""
    ]
    for fault, outcome in survivors + [pair for pair in tried if pair[1].caught]:
        smallest = f"`{outcome.smallest}`" if outcome.smallest else ""
        cells = (fault.name, f"`{fault.file}`", fault.breaks, verdict(outcome), smallest)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def mutate(faults: list[Fault], report: Path) -> int:
    commit = git("rev-parse", "--short", "HEAD").decode().strip()  # others may commit meanwhile
    tree = tree_of(commit)
    export(commit)
    if found := misfits(faults):
        for line in found:
            say(line)
        return 1
    baseline = Baseline(tree)
    files = files_of_suites(SOURCE / "tests")
    tried = []
    for number, fault in enumerate(faults, 1):
        path, key, outcome = kept_outcome(fault, tree)
        known = outcome is not None
        if outcome is None:
            outcome = try_fault(fault, baseline, files)
            path.write_text(json.dumps({"key": key, **asdict(outcome)}), encoding="utf-8")
        tried.append((fault, outcome))
        when = "from before" if known else f"{outcome.seconds:.0f} s"
        say(f"{number}/{len(faults)} {fault.name}: {verdict(outcome)} [{when}]")
    text = report_of(tried, commit)
    report.write_text(text, encoding="utf-8")
    say(f"{text.splitlines()[0][2:]}; see {report.relative_to(ROOT)}")
    return 0 if all(outcome.caught for _, outcome in tried) else 1


def main() -> int:
    names = sys.argv[1:]
    if any(name.startswith("-") for name in names):
        print(__doc__)
        return 0 if names[0] in {"-h", "--help"} else 2
    faults = read_faults(names)
    for folder in (SOURCE, LOGS, RESULTS):
        folder.mkdir(parents=True, exist_ok=True)
    with open(WORK / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("mutate: another run is under way, and both would build each other's faults")
        return mutate(faults, ROOT / "docs/mutation.md" if not names else WORK / "report.md")


if __name__ == "__main__":
    sys.exit(main())
