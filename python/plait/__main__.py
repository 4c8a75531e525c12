"""``python -m plait COMMAND``: the program's commands, but those that need image libraries."""

import os
import sys

from plait import _core

if __name__ == "__main__":
    os.environ.setdefault("PLAIT_PYTHON", sys.executable)  # draws charts
    sys.stdout.flush()  # the commands write past it
    sys.exit(_core.run_program(sys.argv[1:]))
