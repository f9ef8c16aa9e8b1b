"""Train the networks of ``examples/gallery`` and print what each reaches: ``python examples/train_gallery.py [NAME ...]``.

A file there holds a model, and a function `reached` that trains it from a fixed seed. The table is the README's.
"""

import runpy
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "gallery"
sys.path[:0] = [str(FOLDER), str(FOLDER.parent.parent)]

# In the order of the README.
NAMES = [
    "lenet",
    "residual",
    "transformer",
    "autoencoder",
    "prelu",
    "maxout",
    "hidden_sizes",
    "batch_norm",
    "dropout",
    "early_stopping",
]


def told(figure: str, value: float) -> str:
    """Return a figure as the table has it."""
    return f"{figure}: {value:.1%}" if "accuracy" in figure else f"{figure}: {value:.3g}"


def main(names: list[str]) -> None:
    """Print a row for each network: its title, what it reaches, and the seconds of one core that takes."""
    print("| network | reaches | seconds |")
    print("|---|---|---|")
    for name in names:
        start = time.process_time()
        entry = runpy.run_path(str(FOLDER / f"{name}.py"))
        figures = ", ".join(told(figure, value) for figure, value in entry["reached"]().items())
        title = entry["__doc__"].partition("\n")[0].rstrip(".")
        seconds = max(1, round(time.process_time() - start))
        print(f"| [{title}](examples/gallery/{name}.py) | {figures} | {seconds} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or NAMES)
