"""Runs the suites of GoogleTest programs side by side, those nearest to a fault first, and ends
early once enough of them have failed. Part of mutate.py."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SWEEP = "Targets/VerifySweep"  # the only suite that shrinks what it finds
HANG_SECONDS = 60  # a suite hangs if it takes so long, and ten times what it takes without a fault
ENOUGH_SUITES = 5  # once so many suites have failed, or
ENOUGH_SECONDS = 8  # so long after the first has, the others are left out
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Suite:
    program: Path
    name: str  # "" for a program that is one test

    def command(self, tests: Iterable[str] = ()) -> list[str]:
        program = str(self.program)
        if not self.name:
            return [program]
        return [
            program,
            f"--gtest_filter={':'.join(tests) or self.name + '.*'}",
            "--gtest_fail_fast",
        ]

    def __str__(self) -> str:
        return self.name.split("/")[-1] or self.program.name


@dataclass
class Failure:
    suite: str
    tests: list[str]
    how: str  # failing, crashing or hanging


def environment() -> dict[str, str]:
    """Without what changes the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PLAIT_")}


def suites_of(program: Path) -> list[Suite]:
    if program.name.startswith("capi"):
        return [Suite(program, "")]
    listing = subprocess.run(
        [program, "--gtest_list_tests"],
        check=True,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return [Suite(program, name) for name in re.findall(r"^([\w/]+)\.", listing, re.M)]


# === running suites ===


class Job:
    """A suite that runs, in a process group of its own."""

    def __init__(self, suite: Suite, log: Path, seconds: float, tests: Iterable[str] = ()) -> None:
        self.suite = suite
        self.log = log
        self.start = time.monotonic()
        self.deadline = self.start + seconds
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                suite.command(tests),
                cwd=suite.program.parent,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ended(self) -> bool:
        return self.process.poll() is not None or time.monotonic() > self.deadline

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def failure(self) -> Failure | None:
        """What went wrong in a job that has ended."""
        code = self.process.poll()
        if code is None:
            self.end()
        if code == 0:
            return None
        text = self.output()
        tests = re.findall(r"^\[  FAILED  \] (\S+?),? ?(?:where .*|\(.*)$", text, re.M)
        begun = re.findall(r"^\[ RUN      \] (\S+)$", text, re.M)
        how = "hanging" if code is None else "failing" if code > 0 else "crashing"
        return Failure(str(self.suite), tests or begun[-1:], how)


def run_suites(
    suites: list[Suite], seconds: dict[str, float], folder: Path, enough: bool
) -> tuple[list[Failure], dict[str, float], str]:
    """The suites that fail, how long those that pass take, and the sweep's smallest case. With
    `enough` it ends early, and what fails once and then passes is left out."""
    waiting = list(suites)
    running: list[Job] = []
    failures: list[Failure] = []
    took: dict[str, float] = {}
    smallest = ""
    first = None
    while waiting or running:
        while waiting and len(running) < CORES:
            suite = waiting.pop(0)
            limit = (
                max(HANG_SECONDS, 10 * seconds.get(suite.name, 0)) if enough else 10 * HANG_SECONDS
            )
            log = folder / f"{suite.program.name}-{suite.name.replace('/', '-')}.log"
            running.append(Job(suite, log, limit))
        time.sleep(0.01)
        for job in [job for job in running if job.ended()]:
            running.remove(job)
            failure = job.failure()
            if failure is None:
                took[job.suite.name] = time.monotonic() - job.start
            elif not enough or fails_again(job, failure):
                failures.append(failure)
                first = first or time.monotonic()
            if found := re.search(r"^ *smallest: (.+)$", job.output(), re.M):
                smallest = smallest or found[1]
        late = first is not None and time.monotonic() > first + ENOUGH_SECONDS
        if enough and (late or len(failures) >= ENOUGH_SUITES):
            break
    for job in running:
        job.end()
    return failures, took, smallest


def fails_again(job: Job, failure: Failure) -> bool:
    if failure.how == "hanging" or job.suite.name == SWEEP:  # the sweep is the same each time
        return True
    again = Job(job.suite, job.log.with_suffix(".again.log"), HANG_SECONDS, failure.tests)
    while not again.ended():
        time.sleep(0.01)
    return again.failure() is not None


# === which suites first ===


def words_of(text: str) -> set[str]:
    """Words of a path or of a name in camel case, without plurals."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", text)
    return {part.lower().rstrip("s") for part in parts} - {"test", "src", "cpp", "hpp", "h", "inl"}


def files_of_suites(tests: Path) -> dict[str, str]:
    """The test file, as a path within tests/, of each suite's name without its instantiation."""
    found = {}
    for path in tests.rglob("*_test.cpp"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^TEST(?:_F|_P)?\((\w+),", text, re.M):
            found[name] = str(path.relative_to(tests))
    return found


def nearest_first(
    suites: list[Suite],
    fault: set[str],
    sweep_first: bool,
    files: dict[str, str],
    seconds: dict[str, float],
) -> list[Suite]:
    """By how many words their names and files share with the fault's, the quick ones first."""

    def key(suite: Suite) -> tuple[bool, int, float]:
        words = words_of(str(suite)) | words_of(files.get(str(suite), ""))
        first = sweep_first and suite.name == SWEEP
        return not first, -len(words & fault), seconds.get(suite.name, 0)

    return sorted(suites, key=key)
