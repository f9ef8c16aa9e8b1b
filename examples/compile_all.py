"""Compile every example into generated/, or see with --check whether generated/ is up to date."""

import contextlib
import sys
from pathlib import Path

from graphgen.cli import run

ROOT = Path(__file__).resolve().parent.parent

# The module's name in generated/, the model's in examples/, and the options it is compiled with.
EXAMPLES: list[tuple[str, str, list[str]]] = [
    ("product", "product", []),
    ("product_networkx", "product_networkx", []),
    ("sigmoid_neuron", "sigmoid_neuron", ["--style", "teach", "--mode", "both", "--wrt", "x0,x1"]),
    ("log_product", "log_product", ["--style", "teach", "--mode", "both"]),
    ("two_layer", "two_layer", []),
    ("logistic", "logistic", []),
    ("xor", "xor", []),
    ("moons", "moons", []),
    ("svm", "svm", []),
    ("convolution", "convolution", ["--wrt", "image"]),
    ("gaussian_mixture", "gaussian_mixture", []),
    ("diagonal_lstm", "diagonal_lstm", []),
    ("letters", "letters", []),
    ("recall", "recall", []),
    ("binarised", "binarised", []),
    ("burgers", "burgers", ["--jacobian"]),
    ("digits", "digits", []),
    ("digits_teach", "digits", ["--style", "teach"]),
    ("digits_inference", "digits", ["--inference"]),
]


def main(flags: list[str]) -> int:
    """Compile each example with the further flags; the worst exit code is the answer."""
    with contextlib.chdir(ROOT):
        return max(
            run(["compile", f"examples/{model}.py", "-o", f"generated/{module}.py", *options, *flags])
            for module, model, options in EXAMPLES
        )


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: python examples/compile_all.py [--check]")
    sys.exit(main(sys.argv[1:]))
