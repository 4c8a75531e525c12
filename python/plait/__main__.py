"""``python -m plait COMMAND``: the program's commands plan, bench, verify and info."""

import sys

from plait import _core

if __name__ == "__main__":
    sys.stdout.flush()  # the commands write past it
    sys.exit(_core.run_program(sys.argv[1:]))
