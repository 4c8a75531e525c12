#!/usr/bin/env python3
"""Checks the code that the compiler made of the kernels: in the hottest loop of each no operand on
the stack, no vector loaded twice, and as many vector accumulators as its tile declares. Prints what
is wrong, and with --list a line per loop. Reads the objects of the release build with objdump. See
CONTRIBUTING.md."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OBJECTS = ROOT / "build/release/src/CMakeFiles/plait_objects.dir/kernels"

# A kernel is a function whose loops multiply and add. EMU128 is left out: its vectors are arrays,
# and it is there for tests.
FUNCTION = re.compile(r"plait::kernels::N_(AVX3|AVX2|SSE4)::(.+)\(.*\)$")


@dataclass(frozen=True)
class Family:
    """Kernels of one template; `pattern` matches their names without namespaces. Its groups a and b
    are the sides of the tile, as many accumulators as their product; `form` says what else tells
    kernels apart."""

    name: str
    pattern: str
    forms: tuple[str, ...] = ()  # of an enum, in its order
    sums: int = 0  # accumulators, where the name does not say
    whole_tile: bool = False  # a pass of the loop is a whole tile, not one term of each output
    loads_once: bool = False  # every vector of a pass


TILE_FORMS = ("packed", "in place", "shifted", "strided")

FAMILIES = [
    Family(
        "pixel tile",
        r"RunTile<Simd<float, \d+ul, 0>, (?P<a>\d+), (?P<b>\d+), \(TileForm\)(?P<form>\d)>",
        TILE_FORMS,
        loads_once=True,
    ),
    Family(
        "channel tile",
        r"RunChannelTile<Simd<float, \d+ul, 0>, (?P<a>\d+), (?P<b>\d+), \(TileForm\)(?P<form>\d)>",
        TILE_FORMS,
        loads_once=True,
    ),
    Family("plane tile", r"RunLines<(?P<form>(?:Taps|Rows)Form)<\d+>, (?P<a>\d+), (?P<b>\d+)>"),
    Family(
        "plane tile",
        r"RunLines<(?P<form>FixedForm<\d, \d), \d, \w+>, (?P<a>\d+), (?P<b>\d+)>",
        whole_tile=True,
    ),
    Family("pixel tile of a window", r"RunPixels<0, (?P<form>\d), (?P<a>\d+), (?P<b>\d+)>"),
    Family(
        "pixel tile of a window",
        r"RunPixels<(?P<form>[1-9], \d), (?P<a>\d+), (?P<b>\d+)>",
        whole_tile=True,
    ),
    Family("FMA peak", "FmaBurst", sums=12),  # kSums in peak.cpp
]

# Transforms keep no sums from pass to pass: half of one waits on the stack for the other half.
NOT_TILES = re.compile(r"Transform(Lines|Channels|Outputs)<AxisTransform<")


@dataclass(frozen=True)
class Exemption:
    """What some kernels may do all the same; `kernels` matches their labels."""

    kernels: str
    why: str
    vectors: int = 0  # operands on the stack
    scalars: int = 0
    missing: int = 0  # accumulators
    reloads: int = 0  # vectors loaded again


EXEMPTIONS = [
    Exemption(
        "AVX3 channel tile 7x4 .*",
        "one register more than there are; worth it all the same (channel_tile-inl.h)",
        vectors=2,
        missing=1,
    ),
    Exemption(
        "(AVX3 pixel tile 14x[12]|AVX2 pixel tile 12x1) in place",
        "weights that are not packed have a pointer per row: more than there are registers",
        scalars=5,
    ),
    Exemption(
        r"\w+ plane tile 4x[12] FixedForm [35] 2",
        "a few values wait on the stack, once in a tile of 36 to 200 multiply-adds",
        vectors=3,
    ),
    Exemption(
        "AVX3 pixel tile of a window 3x7 3 1",
        "one register less than there are; the fastest all the same (depthwise/pixels-inl.h)",
        vectors=12,
        scalars=1,
        missing=4,
    ),
    Exemption(
        r"AVX[23] pixel tile of a window \dx\d 1",
        "windows of any width have more strides and ends of loops than there are registers",
        scalars=6,
    ),
    Exemption(
        r"SSE4 pixel tile of a window \dx\d 1",
        "fewer channels than lanes are put together on the stack: there are no masks",
        vectors=51,
        scalars=11,
        missing=7,
    ),
    Exemption(
        "SSE4 pixel tile 4x3 shifted",
        "without a fused multiply-add each product needs a register, one more than there are",
        vectors=2,
        missing=1,
    ),
    Exemption(
        "SSE4 (pixel tile 4x3 (packed|in place)|channel tile 4x3 .*)",
        "likewise: one of the vectors is read again",
        reloads=2,
    ),
]


@dataclass
class Instruction:
    address: int
    name: str
    operands: list[str]  # in AT&T's order: what is written is the last

    def target(self) -> int | None:
        """Where it jumps to, within its function."""
        match = re.match(r"([0-9a-f]+)\b", self.operands[0]) if self.operands else None
        return int(match[1], 16) if match and self.name.startswith("j") else None


def split_operands(text: str) -> list[str]:
    """Commas within brackets, and within the names of jump targets, part nothing."""
    return re.findall(r"(?:\([^)]*\)|<.*>|[^,(<])+", text)


def functions(disassembly: Iterable[str]) -> Iterator[tuple[str, list[Instruction]]]:
    name = ""
    body: list[Instruction] = []
    for line in disassembly:
        if start := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            if body:
                yield name, body
            name, body = start[1], []
        elif found := re.match(r"\s+([0-9a-f]+):\t(\S+)\s*(.*?)\s*$", line):
            body.append(Instruction(int(found[1], 16), found[2], split_operands(found[3])))
    if body:
        yield name, body


def register_of(operand: str) -> str | None:
    """The number of a vector register; masks after it do not count."""
    match = re.match(r"%[xyz]mm(\d+)", operand)
    return match[1] if match else None


@dataclass
class Loop:
    start: int
    end: int
    products: int = 0  # multiply-adds
    first_product: int = 0
    last_product: int = 0
    accumulators: int = 0  # sums in registers, at once
    vectors: int = 0  # operands on the stack: vectors,
    scalars: int = 0  # and others
    reloads: int = 0  # vectors that were loaded in the same pass before

    def holds(self, other: "Loop") -> bool:
        return other is not self and self.start <= other.start and other.end <= self.end


class Sums:
    """Follows sums through the registers of a loop, in the order of its instructions."""

    def __init__(self) -> None:
        self.count = 0  # multiply-adds
        self.most = 0  # sums at once
        self._sums: set[str | None] = set()
        self._products: set[str | None] = set()  # of targets that have no fused multiply-add

    def step(self, name: str, operands: list[str]) -> None:
        source, to = (register_of(operand) for operand in (operands[0], operands[-1]))
        addend = self._addend(name, operands)
        if addend is not None:
            self.count += 1
            self._sums.discard(register_of(addend))
        is_move = re.match(r"v?mov[au]p[sd]$", name) is not None
        is_sum = register_of(addend or "") is not None or (is_move and source in self._sums)
        is_product = name == "mulps" or (is_move and source in self._products)
        if to is not None:
            (self._sums.add if is_sum else self._sums.discard)(to)
            (self._products.add if is_product else self._products.discard)(to)
            self.most = max(self.most, len(self._sums))

    def _addend(self, name: str, operands: list[str]) -> str | None:
        """What a multiply-add adds to."""
        if fused := re.match(r"vfmadd(132|213|231)ps$", name):
            return operands[{"213": 0, "132": 1, "231": 2}[fused[1]]]
        if name != "addps":
            return None
        if register_of(operands[1]) in self._products:
            return operands[0]
        return operands[1] if register_of(operands[0]) in self._products else None


def follow(loop: Loop, body: list[Instruction]) -> None:
    """Counts multiply-adds and sums, and says where the first and the last of them stand."""
    sums = Sums()
    for instruction in body:
        if loop.start <= instruction.address <= loop.end and instruction.operands:
            sums.step(instruction.name, instruction.operands)
            if sums.count > loop.products:
                loop.first_product = loop.first_product or instruction.address
                loop.last_product = instruction.address
                loop.products = sums.count
    loop.accumulators = sums.most


def count_stack(loop: Loop, body: list[Instruction], start: int, end: int) -> None:
    has_frame = any(i.name == "mov" and i.operands == ["%rsp", "%rbp"] for i in body)
    stack = re.compile(r"\(%r[sb]p" if has_frame else r"\(%rsp")
    for instruction in body:
        if start <= instruction.address <= end and stack.search(" ".join(instruction.operands)):
            if any(map(register_of, instruction.operands)):
                loop.vectors += 1
            else:
                loop.scalars += 1


def count_reloads(loop: Loop, body: list[Instruction]) -> None:
    """Of vectors at one address, as the instructions write it, all loads but the first."""
    loaded: set[str] = set()
    for instruction in body:
        if not loop.start <= instruction.address <= loop.end or not instruction.operands:
            continue
        # Of instructions on whole vectors; others may change an address.
        if re.match(r"v?(fn?madd\d+|mul|add|mov[au])p[sd]$", instruction.name):
            for operand in instruction.operands[:-1]:
                if "(" in operand and "{1to" not in operand:
                    loop.reloads += operand in loaded
                    loaded.add(operand)
        elif (written := instruction.operands[-1]).startswith("%r"):
            loaded = {operand for operand in loaded if written not in operand}


def hottest_loops(body: list[Instruction], whole_tile: bool) -> list[Loop]:
    """The innermost loops that multiply and add, of those the ones that do most."""
    loops = []
    for instruction in body:
        target = instruction.target()
        if target is not None and body[0].address <= target <= instruction.address:
            loops.append(Loop(target, instruction.address))
            follow(loops[-1], body)
    loops = [loop for loop in loops if loop.products > 0]
    inner = [loop for loop in loops if not any(loop.holds(other) for other in loops)]
    most = max((loop.products for loop in inner), default=0)
    hottest = [loop for loop in inner if loop.products == most]
    for loop in hottest:
        if whole_tile:  # what comes before and after the multiply-adds, comes once a tile
            count_stack(loop, body, loop.first_product, loop.last_product)
        else:
            count_stack(loop, body, loop.start, loop.end)
            count_reloads(loop, body)
    return hottest


@dataclass
class Kernel:
    label: str  # such as "AVX3 channel tile 7x4 shifted"
    family: Family | None  # None: unknown
    declared: int  # accumulators
    loops: list[Loop]


def kernel_of(name: str, body: list[Instruction]) -> Kernel | None:
    found = FUNCTION.search(name)
    if found is None:
        return None
    short = re.sub(r"\w+::", "", found[2])
    for family in FAMILIES:
        if match := re.fullmatch(family.pattern, short):
            loops = hottest_loops(body, family.whole_tile)
            if family.sums:
                return Kernel(f"{found[1]} {family.name}", family, family.sums, loops)
            form = match["form"]
            form = family.forms[int(form)] if family.forms else re.sub(r"\W+", " ", form)
            label = f"{found[1]} {family.name} {match['a']}x{match['b']} {form}"
            return Kernel(label, family, int(match["a"]) * int(match["b"]), loops)
    if NOT_TILES.match(short):
        return None
    loops = hottest_loops(body, whole_tile=False)
    return Kernel(f"{found[1]} {short}", None, 0, loops) if loops else None


def complaints(kernel: Kernel, exemption: Exemption) -> list[str]:
    if kernel.family is None:
        return ["multiplies and adds, but no family in tools/kernel_code.py says how many sums"]
    said = [] if kernel.loops else ["no loop multiplies and adds"]
    for loop in kernel.loops:
        if loop.accumulators < kernel.declared - exemption.missing:
            said.append(f"{loop.accumulators} accumulators of {kernel.declared} in registers")
        if loop.vectors > exemption.vectors:
            said.append(f"{loop.vectors} vector operands on the stack")
        # Where a pass is a whole tile, addresses are read once a tile.
        if loop.scalars > exemption.scalars and not kernel.family.whole_tile:
            said.append(f"{loop.scalars} other operands on the stack")
        if loop.reloads > exemption.reloads and kernel.family.loads_once:
            said.append(f"{loop.reloads} vectors loaded again")
    return said


def disassemble(path: Path) -> list[str]:
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", str(path)]
    env = os.environ | {"LC_ALL": "C"}
    return subprocess.run(
        command, check=True, env=env, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()


def read_kernels(objects: Path) -> list[Kernel]:
    return [
        kernel
        for path in sorted(objects.rglob("*.o"))
        for name, body in functions(disassemble(path))
        if (kernel := kernel_of(name, body))
    ]


def check(kernels: list[Kernel]) -> list[str]:
    findings = []
    used = set()
    for kernel in kernels:
        exemption = Exemption(kernel.label, "")
        for candidate in EXEMPTIONS:
            if re.fullmatch(candidate.kernels, kernel.label):
                exemption = candidate
                used.add(candidate)
        findings += [f"{kernel.label}: {said}" for said in complaints(kernel, exemption)]
    seen = {kernel.family for kernel in kernels}
    findings += [f"no kernel of {f.name} ({f.pattern})" for f in FAMILIES if f not in seen]
    findings += [f"no kernel is exempt as {e.kernels}" for e in EXEMPTIONS if e not in used]
    return findings


def print_table(kernels: list[Kernel]) -> None:
    print(f"{'kernel':44} products accumulators  on the stack: vectors  others  loaded again")
    for kernel in kernels:
        for loop in kernel.loops:
            print(
                f"{kernel.label:44} {loop.products:8} {loop.accumulators:6} of {kernel.declared:3}"
                f" {loop.vectors:22} {loop.scalars:7} {loop.reloads:13}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("objects", nargs="?", type=Path, default=OBJECTS, help="folder of objects")
    parser.add_argument("--list", action="store_true", help="print a line per loop")
    arguments = parser.parse_args()
    kernels = read_kernels(arguments.objects)
    if arguments.list:
        print_table(kernels)
    findings = check(kernels)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
