"""The rules of each node held against its value alone: a wrong gradient is found at the node at fault."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphgen import ops
from graphgen.checking.evaluation import Evaluator, Values
from graphgen.checking.rules import RESULT, AllRules, Rules
from graphgen.checking.slopes import Along, by_complex_step, by_differences
from graphgen.display import declared
from graphgen.program import Node
from graphgen.targets.complex import is_analytic

# Of operands with more entries than this in all, as many are drawn, and directions through all of them are taken as well.
ENTRIES = 32
DENSE = 2

COMPLEX, DIFFERENCES = "complex step", "differences"

# Slopes are compared beside the largest of their direction, or this part of the largest of all, or of the values: rounding
# hides what is smaller.
LEAST, LEAST_OF_VALUES = 1e-3, 1e-5


@dataclass(frozen=True)
class Fault:
    """One slope that a rule gets wrong.

    Attributes
    ----------
    modes
        "reverse", "forward", or both.
    operand, operand_index, result_index
        Which slope it is: of that entry of the node, by that entry of its operand.
    at
        The value of the operand there.
    expected
        What was measured.
    found
        What the rule of each mode says.
    """

    modes: tuple[str, ...]
    operand: str
    operand_index: tuple[int, ...]
    result_index: tuple[int, ...]
    at: float
    expected: float
    found: Mapping[str, float]


@dataclass
class NodeReport:
    """What was found out about the rules of one node.

    Attributes
    ----------
    op
        What people call it.
    method
        What the rules were compared with; "" where they were not.
    reverse, forward
        The worst error of each rule, beside the largest slopes; nan where nothing could be compared.
    """

    node: Node
    op: str
    method: str = ""
    reverse: float = math.nan
    forward: float = math.nan
    notes: list[str] = field(default_factory=list)
    fault: Fault | None = None


def check_nodes(
    evaluator: Evaluator, values: Values, active: set[str], tolerances: Mapping[str, float], seed: int
) -> list[NodeReport]:
    """Check the rules of every node that a gradient passes through, at the values of a point.

    Parameters
    ----------
    active
        The nodes on the way from what is differentiated for to what is differentiated.
    tolerances
        The largest error that passes, by method.
    """
    rules = AllRules(evaluator.program, evaluator.known)
    reports = []
    for place, node in enumerate(evaluator.program.nodes.values()):
        if node.name not in active or active.isdisjoint(node.args):
            continue
        report = NodeReport(node, ops.spoken(node.op, node.attributes))
        reports.append(report)
        if ops.TABLE[node.op].controls is not None:
            report.notes.append(f"declared: {declared(node, evaluator.program.nodes)}")
            continue
        found, operands = rules.of(node, active)
        _Check(report, found, operands, values, np.random.default_rng([seed, place])).run(tolerances)
    return reports


class _Direction(NamedTuple):
    """A direction through one operand: a unit vector, if it has a place."""

    leaf: str
    vector: np.ndarray
    place: tuple[int, ...] | None


class _Check:
    """The check of one node. Slopes are in rows, one for each direction, of the entries of the result."""

    def __init__(
        self, report: NodeReport, rules: Rules, operands: dict[str, str], values: Values, generator: np.random.Generator
    ):
        self.report = report
        self.rules = rules
        self.operands = operands
        self.values = {leaf: values[name] for leaf, name in operands.items()}
        self.result = values[report.node.name]
        self.generator = generator
        self.node = rules.program.nodes[RESULT]
        self.is_complex = is_analytic(self.node, rules.program)
        self.directions = list(self._directions())
        self.floor = LEAST_OF_VALUES * float(np.max(np.abs(self.result), where=np.isfinite(self.result), initial=0.0))
        report.method = COMPLEX if self.is_complex else DIFFERENCES

    def run(self, tolerances: Mapping[str, float]) -> None:
        """Fill the report."""
        tolerance = tolerances[self.report.method]
        if not self.directions or not np.isfinite(self.result).any():
            self.report.notes.append("no finite entries")
            return
        with np.errstate(all="ignore"):
            slopes, smooth = self._measured()
            forward = np.array(
                [self._row(self.rules.forward(self.values, {each.leaf: each.vector})) for each in self.directions]
            )
            if self.is_complex:
                smooth &= self._sides(self._unlike(slopes, smooth, forward, tolerance))
            cotangent = self._cotangent(smooth)
            reverse = self._reverse(cotangent)
            kinks = np.sum(np.any(~smooth & np.isfinite(slopes), axis=0))
            if kinks:
                self.report.notes.append(f"{kinks} of {smooth.shape[1]} at a kink, left out")
            if not smooth.any():
                return
            self.report.forward = _worst(_misses(forward, slopes, smooth, self.floor))
            by_direction = _reverse_misses(reverse, slopes, cotangent, self.floor)
            self.report.reverse = _worst(by_direction)
            if max(self.report.forward, self.report.reverse) > tolerance:
                self.report.fault = self._fault(slopes, smooth, forward, by_direction, tolerance)

    # -- what is measured

    def _directions(self) -> Iterator[_Direction]:
        """Unit vectors, all of them where there are few, and directions through each operand where there are many."""
        finite = {leaf: np.isfinite(self.values[leaf]) for leaf in self.rules.active}
        total = sum(int(np.sum(each)) for each in finite.values())
        for leaf, mask in finite.items():
            places = np.argwhere(mask)
            if total > ENTRIES and len(places):
                share = min(len(places), max(2, ENTRIES * len(places) // total))
                places = places[np.sort(self.generator.choice(len(places), share, replace=False))]
                for _ in range(DENSE):
                    yield _Direction(leaf, self.generator.normal(size=mask.shape) * mask, None)
            for place in (tuple(map(int, each)) for each in places):
                vector = np.zeros(mask.shape)
                vector[place] = 1.0
                yield _Direction(leaf, vector, place)

    def _along(self, direction: _Direction) -> Along:
        """The node's value along a direction, as a row."""
        evaluator = self.rules.evaluator

        def value(step: complex) -> np.ndarray:
            moved = {**self.values, direction.leaf: self.values[direction.leaf] + step * direction.vector}
            return self._row(evaluator.value(self.node, [moved[each] for each in self.node.args]))

        return value

    def _row(self, array: np.ndarray) -> np.ndarray:
        return np.broadcast_to(array, self.result.shape).reshape(-1)

    def _measured(self) -> tuple[np.ndarray, np.ndarray]:
        """The slopes along all directions, and where they are slopes of both sides."""
        if self.is_complex:
            found = [by_complex_step(self._along(each)) for each in self.directions]
        else:
            found = [by_differences(self._along(each), self._size(each)) for each in self.directions]
        slopes, smooth = (np.array(each) for each in zip(*found, strict=True))
        return slopes, smooth & np.isfinite(slopes) & np.isfinite(self._row(self.result))

    def _size(self, direction: _Direction) -> float:
        return float(np.max(np.abs(self.values[direction.leaf]), where=direction.vector != 0, initial=0.0))

    def _unlike(self, slopes: np.ndarray, smooth: np.ndarray, forward: np.ndarray, tolerance: float) -> np.ndarray:
        """The directions along which a rule does not say what the complex step says."""
        cotangent = self._cotangent(smooth)
        return np.any(_misses(forward, slopes, smooth, self.floor) > tolerance, axis=1) | (
            _reverse_misses(self._reverse(cotangent), slopes, cotangent, self.floor) > tolerance
        )

    def _sides(self, unlike: np.ndarray) -> np.ndarray:
        """Where there is no kink. The complex step sees one side alone; differences look at both."""
        rows = [
            by_differences(self._along(each), self._size(each)).smooth if asked else np.ones(self.result.size, bool)
            for each, asked in zip(self.directions, unlike, strict=True)
        ]
        return np.array(rows)

    # -- what the rules say

    def _cotangent(self, smooth: np.ndarray) -> np.ndarray:
        """Numbers around 1, of both signs, as a row; 0 for entries that are not finite or have a kink."""
        signs = self.generator.choice([-1.0, 1.0], self.result.size)
        return np.where(smooth.all(axis=0), signs * self.generator.uniform(0.5, 1.5, self.result.size), 0.0)

    def _reverse(self, cotangent: np.ndarray) -> np.ndarray:
        """The products of the directions with the gradients that the reverse rule makes of a cotangent."""
        gradients = self.rules.reverse(self.values, cotangent.reshape(self.result.shape))
        parts = [(gradients[each.leaf] * each.vector, each.vector != 0) for each in self.directions]
        return np.array([np.sum(part, where=moving) for part, moving in parts])

    def _fault(
        self, slopes: np.ndarray, smooth: np.ndarray, forward: np.ndarray, by_direction: np.ndarray, tolerance: float
    ) -> Fault:
        """The slope that is furthest from what was measured, and which modes get it wrong."""
        misses = np.where(smooth, _misses(forward, slopes, smooth, self.floor), 0.0)
        modes = tuple(
            mode
            for mode, error in (("reverse", self.report.reverse), ("forward", self.report.forward))
            if error > tolerance
        )
        units = np.array([each.place is not None for each in self.directions])
        by_row = misses.max(axis=1) if modes == ("forward",) else by_direction
        chosen = int(np.argmax(np.where(units, by_row, -1.0)))
        direction = self.directions[chosen]
        assert direction.place is not None
        entry = self._entry(direction, slopes[chosen], smooth[chosen], misses[chosen], modes)
        unit = np.zeros(self.result.size)
        unit[entry] = 1.0
        found = {"reverse": float(self._reverse(unit)[chosen]), "forward": float(forward[chosen, entry])}
        return Fault(
            modes=modes,
            operand=self.operands[direction.leaf],
            operand_index=direction.place,
            result_index=tuple(map(int, np.unravel_index(entry, self.result.shape))),
            at=float(self.values[direction.leaf][direction.place]),
            expected=float(slopes[chosen, entry]),
            found={mode: found[mode] for mode in modes},
        )

    def _entry(
        self, direction: _Direction, slopes: np.ndarray, smooth: np.ndarray, misses: np.ndarray, modes: tuple[str, ...]
    ) -> int:
        """The entry of the result whose slope along a unit vector is furthest from what was measured."""
        if "forward" in modes:
            return int(np.argmax(misses))
        best, worst = 0, -1.0
        order = np.argsort(-np.abs(np.where(smooth, slopes, 0.0)), kind="stable")
        for entry in map(int, order[:ENTRIES]):
            unit = np.zeros(self.result.size)
            unit[entry] = 1.0
            gradient = self.rules.reverse(self.values, unit.reshape(self.result.shape))[direction.leaf]
            error = abs(float(gradient[direction.place]) - slopes[entry]) if smooth[entry] else -1.0
            if error > worst or math.isnan(error):
                best, worst = entry, error
        return best


def _misses(found: np.ndarray, slopes: np.ndarray, smooth: np.ndarray, floor: float) -> np.ndarray:
    """How far slopes are from those measured, beside the largest of their direction; infinite if they are nan."""
    known = np.where(smooth, np.abs(slopes), 0.0)
    scale = known.max(axis=1, keepdims=True)
    scale = np.maximum(scale, max(LEAST * scale.max(), floor, np.finfo(float).tiny))
    errors = np.where(smooth, np.abs(found - slopes) / scale, 0.0)
    return np.where(np.isnan(errors), np.inf, errors)


def _reverse_misses(found: np.ndarray, slopes: np.ndarray, cotangent: np.ndarray, floor: float) -> np.ndarray:
    """How far the products with a cotangent are from those measured, beside the sum of the magnitudes in them."""
    parts = np.where(cotangent != 0, slopes, 0.0) * cotangent
    scale = np.abs(parts).sum(axis=1)
    scale = np.maximum(scale, max(LEAST * scale.max(), floor, np.finfo(float).tiny))
    errors = np.abs(found - parts.sum(axis=1)) / scale
    return np.where(np.isnan(errors), np.inf, errors)


def _worst(errors: np.ndarray) -> float:
    return float(errors.max())
