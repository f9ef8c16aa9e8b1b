"""The gradients of the whole model: reverse mode against forward mode, and against the complex step or differences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphgen import ops
from graphgen.checking.evaluation import Values, dependents
from graphgen.checking.nodes import COMPLEX, DIFFERENCES
from graphgen.checking.rules import AllRules
from graphgen.checking.slopes import Along, by_complex_step, by_differences
from graphgen.checking.subject import Subject
from graphgen.program import Node
from graphgen.targets.complex import is_analytic

# How many entries of a parameter are looked at: as many as this work allows, where a node counts as one and a thousand
# elements as one more, and no more or less than these, or than twice as many. Of more entries some are drawn, and directions through all of them are taken as well.
WORK = 40_000
ENTRIES = (4, 64)
DENSE = 2

FORWARD, FLOAT64 = "forward mode", "float64"

# Errors are told beside this part of the largest gradient, if all entries of their own are smaller: rounding hides those.
LEAST_OF_ALL = 1e-5

# Gradients so much smaller than the largest of all are zero.
ZERO = 1e-12


@dataclass
class ParameterReport:
    """What was found out about one gradient.

    Attributes
    ----------
    largest
        The size of its largest entry.
    forward
        Its worst distance from forward mode; nan where nothing could be compared.
    measured
        Its worst distance from the complex step, or from differences; of float32, from float64.
    method
        Which of them.
    """

    name: str
    shape: tuple[int, ...]
    largest: float
    forward: float
    measured: float
    method: str
    notes: list[str] = field(default_factory=list)

    def wrong(self, tolerances: Mapping[str, float]) -> list[str]:
        """Which comparisons fail."""
        forward = tolerances[self.method if self.method == FLOAT64 else FORWARD]
        pairs = ((FORWARD, self.forward, forward), (self.method, self.measured, tolerances[self.method]))
        return [what for what, error, tolerance in pairs if error > tolerance]


class _Direction(NamedTuple):
    vector: np.ndarray
    place: tuple[int, ...] | None


class Moved:
    """The loss as some parameters move: what depends on them is computed again, of complex numbers where it can be.

    What is declared of gradients holds: values that no gradient passes stay as they are, and others move as declared.
    """

    def __init__(self, subject: Subject, names: tuple[str, ...], rules: AllRules):
        self.subject = subject
        program = subject.program
        assert program.loss is not None
        needed = program.needed([program.loss])
        held = {each.name for each in program.nodes.values() if _is_held(each)}
        self.nodes = [each for each in dependents(program, names, held) if each.name in needed]
        self.loss = program.loss
        self.moving = {*names, *(each.name for each in self.nodes if each.dtype == "float")}
        self.rules = rules
        self.work = sum(1.0 + subject.values[each.name].size / 1000.0 for each in self.nodes)
        computed = [each for each in self.nodes if each.dtype == "float" and ops.TABLE[each.op].controls is None]
        self.is_complex = all(is_analytic(each, program) for each in computed)

    def along(self, direction: Mapping[str, np.ndarray]) -> Along:
        """The loss along a direction, the parts of which are given by name."""

        def value(step: complex) -> np.ndarray:
            values = dict(self.subject.values)
            for name, vector in direction.items():
                values[name] = values[name] + step * vector
            with np.errstate(all="ignore"):
                for node in self.nodes:
                    if self.is_complex and isinstance(step, complex) and node.dtype != "float":
                        continue  # a tiny imaginary step changes no comparison
                    values[node.name] = self._value(node, values)
            return values[self.loss]

        return value

    def _value(self, node: Node, values: Values) -> np.ndarray:
        if ops.TABLE[node.op].controls is None:
            return self.subject.evaluator.value(node, [values[each] for each in node.args])
        rules, operands = self.rules.of(node, self.moving)
        here = {leaf: self.subject.values[name] for leaf, name in operands.items()}
        change = {leaf: values[operands[leaf]] - here[leaf] for leaf in rules.active}
        total = self.subject.values[node.name]
        for unit, part in ((1.0, np.real), (1j, np.imag)):
            parts = {leaf: part(each) for leaf, each in change.items()}
            if any(each.any() for each in parts.values()):
                total = total + unit * rules.forward(here, parts)
        return total


def _is_held(node: Node) -> bool:
    """Whether a value stays as it is while others move: by declaration, or as the shift of a softmax, which cancels.

    What has no slope of its own, as floor, is computed again: at its jumps it has none to compare with.
    """
    row = ops.TABLE[node.op]
    return node.dtype == "float" and row.stops and (row.controls is not None or not ops.is_elementwise(node.op))


def check_parameters(subject: Subject, tolerances: Mapping[str, float]) -> list[ParameterReport]:
    """Compare the gradient of each parameter, and of each input that is asked for."""
    found = subject.call("value_and_grad")[1]
    gradients = {name: np.asarray(found[name]) for name in subject.wrt}
    largest = max([0.0, *(_largest(each) for each in gradients.values() if np.isfinite(each).all())])
    rules = AllRules(subject.program, subject.evaluator.known)
    reports = []
    for place, (name, gradient) in enumerate(gradients.items()):
        generator = np.random.default_rng([subject.seed, place, 1])
        reports.append(_row(subject, name, gradient, largest, Moved(subject, (name,), rules), generator, tolerances))
    return reports


def _row(
    subject: Subject,
    name: str,
    gradient: np.ndarray,
    overall: float,
    moved: Moved,
    generator: np.random.Generator,
    tolerances: Mapping[str, float],
) -> ParameterReport:
    array = subject.point[name]
    method = COMPLEX if moved.is_complex else DIFFERENCES
    report = ParameterReport(name, array.shape, _largest(gradient), math.nan, math.nan, method)
    if gradient.shape != array.shape:
        report.forward = report.measured = math.inf
        report.notes.append(f"has shape {gradient.shape}")
        return report
    if not np.isfinite(gradient).all():
        report.forward = report.measured = math.inf
        report.notes.append(f"{np.sum(~np.isfinite(gradient))} of {gradient.size} entries are nan or infinite")
        return report
    directions = _directions(subject, generator, array, moved.work, report.notes)
    report.forward = _against_forward(subject, name, gradient, directions, overall)
    report.measured = _against_measured(
        name, gradient, directions, moved, overall, tolerances[method], report.notes, array
    )
    if report.largest == 0.0:
        report.notes.insert(0, "all zero")
    elif report.largest < ZERO * overall:
        report.notes.insert(0, "zero but for rounding")
    return report


def _directions(
    subject: Subject, generator: np.random.Generator, array: np.ndarray, work: float, notes: list[str]
) -> list[_Direction]:
    """Unit vectors, all of them where there are few, and directions through all entries where there are many."""
    places = [tuple(map(int, each)) for each in np.argwhere(np.ones(array.shape, bool))]
    count = min(max(int(WORK / (max(work, 1.0) * len(subject.wrt))), ENTRIES[0]), ENTRIES[1])
    found = []
    if len(places) > 2 * count:
        notes.append(f"{count} of {len(places)} entries")
        found = [_Direction(generator.normal(size=array.shape), None) for _ in range(DENSE)]
        places = [places[each] for each in np.sort(generator.choice(len(places), count, replace=False))]
    for place in places:
        vector = np.zeros(array.shape)
        vector[place] = 1.0
        found.append(_Direction(vector, place))
    return found


def _against_forward(
    subject: Subject, name: str, gradient: np.ndarray, directions: list[_Direction], overall: float
) -> float:
    """The worst of |<J v> - <v, J^T>| over a few directions, beside the sum of the magnitudes in it."""
    worst = 0.0
    chosen = [each for each in directions if each.place is None] or directions[:DENSE]
    dense = np.random.default_rng(subject.seed).normal(size=gradient.shape)
    for vector in [dense, *(each.vector for each in chosen)]:
        _, slope = subject.call("jvp", {name: vector})
        parts = gradient * vector
        scale = max(float(np.abs(parts).sum()), LEAST_OF_ALL * overall * float(np.abs(vector).sum()))
        error = abs(slope - float(parts.sum()))
        worst = max(worst, math.inf if math.isnan(error) else error / scale if error else 0.0)
    return worst


def _against_measured(
    name: str,
    gradient: np.ndarray,
    directions: list[_Direction],
    moved: Moved,
    overall: float,
    tolerance: float,
    notes: list[str],
    array: np.ndarray,
) -> float:
    """The worst distance from what was measured, beside the largest slope."""
    size = _largest(array)
    measure = by_complex_step if moved.is_complex else lambda value: by_differences(value, size)
    found = [measure(moved.along({name: each.vector})) for each in directions]
    derived = np.array([float(np.sum(gradient * each.vector)) for each in directions])
    slopes = np.array([float(each.slopes) for each in found])
    smooth = np.array([bool(each.smooth) for each in found], dtype=bool) & np.isfinite(slopes)
    lengths = np.array([float(np.linalg.norm(each.vector)) for each in directions])

    def errors() -> np.ndarray:
        known = np.abs(np.concatenate([slopes[smooth], derived]) / np.concatenate([lengths[smooth], lengths]))
        scale = max(float(known.max(initial=0.0)), LEAST_OF_ALL * overall) or 1.0
        return np.abs(slopes - derived) / lengths / scale

    if moved.is_complex:  # which sees one side alone
        for at in np.flatnonzero(smooth & ~(errors() <= tolerance)):
            smooth[at] = bool(by_differences(moved.along({name: directions[at].vector}), size).smooth)
    if not smooth.all():
        notes.append(f"{np.sum(~smooth)} of {len(smooth)} at a kink, left out")
    return float(errors()[smooth].max()) if smooth.any() else math.nan


def _largest(array: np.ndarray) -> float:
    """The largest magnitude in an array, 0 for an empty one."""
    return float(np.max(np.abs(array), initial=0.0))
