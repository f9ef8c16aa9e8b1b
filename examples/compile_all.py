"""Compile every example into generated/, or see with --check whether generated/ is up to date."""

import contextlib
import sys
from pathlib import Path

from graphgen.cli import run

ROOT = Path(__file__).resolve().parent.parent

# The model, the module, and the options it is compiled with.
EXAMPLES: list[tuple[str, str, list[str]]] = [
    ("examples/neuron.py", "generated/neuron.py", ["--style", "teach"]),
]


def main(flags: list[str]) -> int:
    """Compile each example with the further flags; the worst exit code is the answer."""
    with contextlib.chdir(ROOT):
        return max(run(["compile", model, "-o", module, *options, *flags]) for model, module, options in EXAMPLES)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: python examples/compile_all.py [--check]")
    sys.exit(main(sys.argv[1:]))
