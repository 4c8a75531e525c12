"""Which machine this is: for the results, and for the name of the folder that they land in."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

# (vendor, family, models) -> microarchitecture. Sources: Linux arch/x86/include/asm/intel-family.h;
# AMD's family and model ranges as in arch/x86/kernel/cpu/amd.c.
MICROARCHITECTURES: list[tuple[str, int, range, str]] = [
    ("intel", 6, range(0x3F, 0x40), "haswell"),
    ("intel", 6, range(0x4F, 0x50), "broadwell"),
    ("intel", 6, range(0x55, 0x56), "skylake"),
    ("intel", 6, range(0x6A, 0x6D), "ice-lake"),
    ("intel", 6, range(0x8F, 0x90), "sapphire-rapids"),
    ("intel", 6, range(0xCF, 0xD0), "emerald-rapids"),
    ("intel", 6, range(0xAD, 0xAF), "granite-rapids"),
    ("amd", 23, range(0x30, 0xA0), "zen-2"),
    ("amd", 23, range(0x00, 0x30), "zen"),
    ("amd", 25, range(0x10, 0x20), "zen-4"),
    ("amd", 25, range(0x60, 0x80), "zen-4"),
    ("amd", 25, range(0xA0, 0xB0), "zen-4"),
    ("amd", 25, range(0x00, 0x60), "zen-3"),
    ("amd", 26, range(0x00, 0x100), "zen-5"),
]
VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}
SIMD = (("avx512f", "avx512"), ("avx2", "avx2"), ("asimd", "neon"))
FEATURES = re.compile(r"avx|fma|f16c|sse4|amx|asimd|sve")


def _first_cpu(cpuinfo: str) -> dict[str, str]:
    fields = {}
    for line in cpuinfo.split("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    return fields


def describe_machine(cpuinfo: str | None = None) -> dict[str, Any]:
    """CPU, its SIMD features, cores and kernel; and the folder's name made from them."""
    text = Path("/proc/cpuinfo").read_text() if cpuinfo is None else cpuinfo
    cpu = _first_cpu(text)
    flags = (cpu.get("flags") or cpu.get("Features") or "").split()
    vendor = VENDORS.get(cpu.get("vendor_id", ""), platform.machine())
    family, model = (int(cpu.get(key, -1)) for key in ("cpu family", "model"))
    kind = next(
        (
            name
            for v, f, models, name in MICROARCHITECTURES
            if (v, f) == (vendor, family) and model in models
        ),
        f"family{family}-model{model}" if family >= 0 else "cpu",
    )
    cores = len(os.sched_getaffinity(0))
    simd = next((name for flag, name in SIMD if flag in flags), "scalar")
    return {
        "name": f"{vendor}-{kind}-{cores}c-{simd}",
        "cpu": cpu.get("model name", "unknown"),
        "microarchitecture": kind,
        "family": family,
        "model": model,
        "virtual": "hypervisor" in flags,
        "features": [flag for flag in flags if FEATURES.match(flag)],
        "cores": cores,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
    }
