#!/usr/bin/env python3
"""Counts the tiles of Winograd's forms that a picture makes direct (docs/errors.md): those whose
inputs differ by more than the guard of src/algorithms/winograd/guard.hpp allows.

The first layer reads the picture itself, the next ones feature maps as networks have them: 3x3
layers of random weights (normal, of variance 2 / depth) with ReLU, one after the other. Needs numpy
and a built program: build/venv, which ./dev test makes, and build/release."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

EPILOG = """\
example:
  build/venv/bin/python tools/direct_tiles.py examples/images/astronaut.jpg
"""
FORMS = {"winograd/f4x3": 3, "winograd/f6x3": 3, "winograd/f3x5": 5, "winograd/f4x5": 5}
CHANNELS = [8, 16, 64]  # of the maps behind the picture's own


def run(program: str, x: str, kernel: Path, options: list[str]) -> dict:
    command = [program, "run", "--input", x, "--kernel", str(kernel), "--json", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["convolutions"][0]["ran"]


def weights(folder: Path, outputs: int, inputs: int, size: int, seed: int) -> Path:
    path = folder / f"k{outputs}x{inputs}x{size}.npy"
    random = np.random.default_rng(seed)
    shape = (outputs, inputs, size, size)
    values = random.standard_normal(shape) * np.sqrt(2 / (inputs * size * size))
    np.save(path, values.astype("float32"))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a .jpg, .png or .npy file")
    parser.add_argument("--program", default="build/release/cli/plait", help="default: %(default)s")
    arguments = parser.parse_args()
    print(f"{'picture':24} {'channels':>8}  " + "  ".join(f"{form:>14}" for form in FORMS))
    totals = {channels: dict.fromkeys(FORMS, (0, 0)) for channels in [3, *CHANNELS]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for picture in arguments.pictures:
            x, channels = picture, 3
            for following in [*CHANNELS, 0]:
                shares = []
                for form, size in FORMS.items():
                    kernel = weights(folder, 1, channels, size, seed=1)
                    options = ["--algorithm", form, "--padding", str(size // 2)]
                    ran = run(arguments.program, x, kernel, [*options, "--accuracy", "relaxed"])
                    direct, tiles = totals[channels][form]
                    totals[channels][form] = (direct + ran["direct_tiles"], tiles + ran["tiles"])
                    shares.append(ran["direct_tiles"] / ran["tiles"])
                print(f"{Path(picture).name:24} {channels:>8}  " + text_of(shares))
                if following:
                    kernel = weights(folder, following, channels, 3, seed=2)
                    y = str(folder / f"y{following}.npy")
                    run(arguments.program, x, kernel, ["--padding", "1", "--relu", "--output", y])
                    x, channels = y, following
    for channels, of_form in totals.items():
        shares = [direct / tiles for direct, tiles in of_form.values()]
        print(f"{'all':24} {channels:>8}  " + text_of(shares))


def text_of(shares: list[float]) -> str:
    return "  ".join(f"{100 * share:>12.3f} %" for share in shares)


if __name__ == "__main__":
    main()
