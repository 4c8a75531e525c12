"""Run by the Python that a wheel was installed for: does plait work, with its own Highway?"""

import pathlib
import subprocess
import sys

import numpy as np
import plait

x = np.arange(9, dtype="float32").reshape(3, 3)
k = np.arange(4, dtype="float32").reshape(2, 2)
assert plait.corr2d(x, k).tolist() == [[19, 25], [37, 43]]
assert plait.verify(cases=16).passed

site_packages = pathlib.Path(plait.__file__).resolve().parent.parent
maps = pathlib.Path("/proc/self/maps").read_text().splitlines()
mapped = {line.split()[-1] for line in maps if "libhwy" in line}
print("mapped:", *mapped)
assert mapped, "no libhwy.so is mapped"
assert all(site_packages in pathlib.Path(path).parents for path in mapped), mapped

for path in ("__init__.py", "_core.pyi", "py.typed"):
    assert (site_packages / "plait" / path).is_file(), path
program = [sys.executable, "-m", "plait", "plan", "1x3x8x8,4x3x3x3,p1"]
assert subprocess.run(program, check=True, capture_output=True, text=True).stdout
print(f"plait {plait.__version__} on Python {sys.version.split()[0]}: ok")
