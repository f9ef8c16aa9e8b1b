"""Random graphs that mix all ops, with the value that NumPy gives each node.

Shapes are of rank 0 to 4 with axes of size 1, values stay bounded, and every kink, tie, jump and comparison is well
away from where it switches. Which graph comes of a seed is fixed.
"""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from random_moves import MOVES
from random_steps import NUMPY, Maker, Rejected, Step, call
from random_table_moves import TABLE_MOVES

from graphgen import Graph


class Model(NamedTuple):
    """A random graph, and a point to evaluate it at."""

    graph: Graph
    steps: dict[int, Step]
    parameters: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]

    def loss(self, parameters: Mapping[str, np.ndarray]) -> float:
        """The loss by NumPy; what no gradient passes through stays as it is at the model's own point."""
        values: dict[int, np.ndarray] = {}
        for at, step in self.steps.items():
            if step.op == "param":
                values[at] = parameters[f"param_{at}"]
            elif step.op == "stop_gradient" or not step.operands:
                values[at] = step.value
            else:
                values[at] = NUMPY.get(step.op, getattr(np, step.op, None))(
                    *(values[each] for each in step.operands), **step.plain
                )
        return float(values[at])

    def depends_on_all(self) -> bool:
        """Whether the loss changes with each parameter, by differences along one direction for each."""
        slopes = []
        for name, array in self.parameters.items():
            direction = np.random.default_rng(1).normal(size=array.shape) * 1e-4
            slopes.append(
                abs(
                    self.loss({**self.parameters, name: array + direction})
                    - self.loss({**self.parameters, name: array - direction})
                )
            )
        return min(slopes) > 1e-3 * max(slopes)


def _started(seed: Any) -> Maker:
    m = Maker(seed)
    for most in (4, 3, 2, 1, 0):
        m.param(m.sizes(max(most - 1, 0), most))
    m.leaf("input", (shape := m.sizes(1, 3)), m.generator.normal(size=m.known(shape)))
    m.leaf("input", (shape := m.sizes(0, 2)), m.generator.integers(0, 3, m.known(shape)))
    m.leaf("input", (shape := m.sizes(0, 2)), m.generator.integers(0, 2, m.known(shape)).astype(bool))
    return m


def _total(m: Maker) -> int:
    """The loss: a weighted sum of all that nothing reads."""
    ends = [at for at, step in enumerate(m.steps) if at not in m.read and step.node.dtype == "float"]
    parts = [
        m.call("sum", m.call("multiply", at, m.number(round(0.3 + 0.1 * (number % 7), 1))))
        for number, at in enumerate(ends)
    ]
    return _added(m, parts)


def _added(m: Maker, parts: list[int]) -> int:
    total = parts[0]
    for part in parts[1:]:
        total = m.call("add", total, part)
    return total


def _needed(steps: list[Step], at: int) -> list[int]:
    needed, stack = set(), [at]
    while stack:
        at = stack.pop()
        if at not in needed:
            needed.add(at)
            stack.extend(steps[at].operands)
    return sorted(needed)


def draw(seed: Any, least: int = 20) -> Model:
    """The model of a seed, with at least so many nodes besides its leaves and the sums that end it."""
    for attempt in itertools.count():
        m = _started([*np.atleast_1d(seed), attempt])
        while m.count() < least + 8:
            _move(m)
        body = len(m.steps)
        try:
            total = _total(m)
        except Rejected:
            continue
        needed = _needed(m.steps, total)
        if sum(bool(m.steps[at].operands) for at in needed if at < body) >= least and {0, 1, 2, 3, 4} <= set(needed):
            found = _model(m, needed)
            if found.depends_on_all():
                return found
    raise AssertionError("no model")


def _model(m: Maker, needed: list[int]) -> Model:
    """Declare what the loss needs, in a graph of its own; some values are named."""
    g = Graph("random")
    nodes: dict[int, Any] = {}
    parameters, inputs = {}, {}
    for at in needed:
        step = m.steps[at]
        if step.op in ("param", "input"):
            (parameters if step.op == "param" else inputs)[f"{step.op}_{at}"] = step.value
            nodes[at] = getattr(g, step.op)(f"{step.op}_{at}", **step.attributes)
        elif step.op == "constant":
            nodes[at] = g.constant(
                step.value.item() if step.value.dtype.kind == "f" and not step.value.shape else step.value
            )
        else:
            nodes[at] = call(
                step.op,
                [nodes[each] for each in step.operands],
                {**step.attributes, **({"name": f"v{at}"} if at % 3 == 0 else {})},
            )
    g.loss(nodes[needed[-1]])
    return Model(g, {at: m.steps[at] for at in needed}, parameters, inputs)


def _move(m: Maker) -> None:
    """Add a few steps, or none if they do not fit."""
    steps, read = len(m.steps), set(m.read)
    try:
        m.bounded(m.choose((*MOVES, *TABLE_MOVES))(m))
    except Rejected:
        del m.steps[steps:]
        m.read = read
