"""How wrong differences are at each step, and the complex step is not: the figure that says why the latter is used."""

from __future__ import annotations

import importlib.util
import io
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from graphgen import writing
from graphgen.checking.parameters import Moved
from graphgen.checking.rules import AllRules
from graphgen.checking.subject import Subject
from graphgen.errors import GraphError, Problem

EPSILON = float(np.finfo(np.float64).eps)

# Errors below this are drawn here: a logarithm has no place for 0.
FLOOR = EPSILON / 8.0

_BLUE, _RED, _GREEN, _GREY = "#2b6cb0", "#c05621", "#2f855a", "#718096"


class Errors(NamedTuple):
    """Relative errors of the slope of the loss along one direction, for each step.

    Attributes
    ----------
    complex
        None where an op of the model has no complex form.
    """

    steps: np.ndarray
    forward: np.ndarray
    central: np.ndarray
    complex: np.ndarray | None


def errors_of_steps(subject: Subject) -> Errors:
    """The errors of differences and of the complex step, beside the slope that reverse mode gives."""
    _, gradients = subject.call("value_and_grad")[:2]
    generator = np.random.default_rng([subject.seed, 2])
    vectors = {name: generator.normal(size=np.shape(gradients[name])) for name in subject.wrt}
    length = float(np.sqrt(sum(float(np.sum(each**2)) for each in vectors.values())))
    direction = {name: each / length for name, each in vectors.items()}
    slope = float(sum(float(np.sum(gradients[name] * each)) for name, each in direction.items()))
    if not np.isfinite(slope) or slope == 0.0:
        message = f"the slope of the loss is {slope} along the direction that was drawn: there is no error to draw"
        raise GraphError(Problem("GG107", None, message, "give another --seed, or other --data"))
    moved = Moved(subject, subject.wrt, AllRules(subject.program, subject.evaluator.known))
    value = moved.along(direction)
    steps = 10.0 ** np.linspace(-17.0, 0.0, 103)
    here = float(value(0.0))
    forward = np.array([(float(value(step)) - here) / step for step in steps])
    central = np.array([(float(value(step)) - float(value(-step))) / (2.0 * step) for step in steps])
    imaginary = np.array([float(np.imag(value(1j * step))) / step for step in steps]) if moved.is_complex else None
    relative = [None if each is None else np.abs(each - slope) / abs(slope) for each in (forward, central, imaginary)]
    return Errors(steps, relative[0], relative[1], relative[2])  # type: ignore[arg-type]


def plot(subject: Subject, file: str | os.PathLike) -> None:
    """Draw the errors of differences and of the complex step against the step.

    Raises
    ------
    GraphError
        If there is no matplotlib, or the file cannot be written.
    """
    if importlib.util.find_spec("matplotlib") is None:
        message = "a plot needs matplotlib, which is not installed"
        raise GraphError(Problem("GG108", None, message, 'install it with pip install "graphgen[plots]"'))
    found = errors_of_steps(subject)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.2), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    _draw(figure.add_subplot(), found, subject.declared.name)
    figure.legend(frameon=False, loc="outside lower center", ncols=3, fontsize=10)
    try:
        drawn = io.BytesIO()
        figure.savefig(drawn, format=Path(os.fsdecode(file)).suffix[1:] or "png")
        writing.replace(Path(os.fsdecode(file)), drawn.getvalue())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GraphError(
            Problem("GG085", None, f"cannot write {os.fspath(file)!s}: {reason}", "as in --plot errors.png")
        ) from error


def _draw(axes: Any, found: Errors, name: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    lines = [
        ("forward differences, $\\propto h$", found.forward, _BLUE, 1.8),
        ("central differences, $\\propto h^2$", found.central, _RED, 2.8),
    ]
    if found.complex is not None:
        lines.append(("complex step, $\\propto h^2$", found.complex, _GREEN, 1.6))
    for label, errors, colour, width in lines:
        finite = np.isfinite(errors)
        axes.plot(found.steps[finite], np.maximum(errors[finite], FLOOR), color=colour, linewidth=width, label=label)
    _draw_rounding(axes, found)
    best = (("$\\sqrt{\\epsilon}$", EPSILON ** (1 / 2), _BLUE), ("$\\sqrt[3]{\\epsilon}$", EPSILON ** (1 / 3), _RED))
    for text, step, colour in best:
        axes.axvline(step, color=colour, linewidth=0.8, linestyle=(0, (4, 3)), alpha=0.7)
        axes.annotate(
            text, (step, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
            ha="center", va="bottom", color=colour, fontsize=10,
        )  # fmt: skip
    axes.axhline(EPSILON, color=_GREY, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.annotate(
        "$\\epsilon$", (1.0, EPSILON), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
        ha="left", va="center", color=_GREY, fontsize=10,
    )  # fmt: skip
    axes.set_xlim(found.steps[0], found.steps[-1])
    axes.set_ylim(FLOOR / 3.0, 1e3)
    axes.set_xlabel("step $h$")
    axes.set_ylabel("relative error of the slope")
    axes.set_title(f"{name}: the slope of the loss along one direction", pad=22, fontsize=12, fontweight="bold")
    axes.grid(True, which="major", color="#e2e8f0", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_rounding(axes: Any, found: Errors) -> None:
    """A guide along which rounding grows as the step shrinks, above what was measured."""
    within = (found.steps > 1e-15) & (found.steps < 1e-9) & np.isfinite(found.central)
    size = 12.0 * float(np.median((found.central * found.steps)[within]))
    steps = np.array([1e-15, 1e-9])
    axes.plot(steps, size / steps, color=_GREY, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.annotate(
        "rounding $\\propto \\epsilon / h$", (1e-12, size / 1e-12), xytext=(6, 6), textcoords="offset points",
        ha="left", va="bottom", color=_GREY, fontsize=10,
    )  # fmt: skip
