"""Where an elementwise function is flat: far from 0 on one side, as relu is, or on both, as tanh is.

It is decided by the op's own derived slope. Flat is where it is below 1 percent of its largest.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import sympy as sp

from graphgen import ops
from graphgen.calculus.slopes import Signature, vjp
from graphgen.differentiation.gradient import constants, signature
from graphgen.forms import Forms
from graphgen.loading import load
from graphgen.module import Options, assemble
from graphgen.program import Builder, Node, Program, Value
from graphgen.render import render

SHARE = 0.01  # of the largest slope: what is below it is flat
_FAR = 1e3  # tails begin here
_NARROW = 0.1  # what is steep in a narrower place has a pole there, as the logarithm has
# Closely spaced where functions bend, and ever wider far out; 0 itself is left out.
_SIDE = np.concatenate(
    [np.geomspace(1e-6, 0.01, 50), np.linspace(0.02, 20.0, 2000), np.geomspace(20.0, 10 * _FAR, 200)]
)
_GRID = np.concatenate([-_SIDE[::-1], _SIDE])


class Tails(NamedTuple):
    """What is known of a function with a flat tail.

    Attributes
    ----------
    largest
        Its largest slope, in size.
    centre
        Where it is steep: flat operands below it are in the tail on the left.
    low, high
        Which of its tails are flat.
    """

    largest: float
    centre: float
    low: bool
    high: bool


def tails(program: Program, node: Node, moving: set[str]) -> Tails | None:
    """The flat tails of a node as a function of its one operand that is not constant; None if it has none.

    Parameters
    ----------
    moving
        The nodes that depend on parameters or inputs.
    """
    place = operand(program, node, moving)
    if place is None:
        return None
    described = signature(program, node, constants(program))
    return _tails(described, place)


def operand(program: Program, node: Node, moving: set[str]) -> int | None:
    """The place of the one operand that is not a number, where all others of an elementwise op are."""
    if not ops.is_elementwise(node.op):
        return None
    places = [at for at, name in enumerate(node.args) if name in moving]
    numbers = [program.nodes[name] for name in node.args if name not in moving]
    plain = all(each.op == "constant" and each.shape == () for each in numbers)
    return places[0] if len(places) == 1 and plain and program.nodes[node.args[places[0]]].dtype == "float" else None


@cache
def _tails(described: Signature, place: int) -> Tails | None:
    rule = vjp(described, place)
    if rule is None or not {"y", place}.intersection(rule.operands):
        return None  # flat everywhere, or nowhere
    if isinstance(described.op, str) and ops.ELEMENTWISE[described.op].domain is not sp.true:
        return None
    steepness = np.abs(_slopes(described, place))
    largest = float(np.max(steepness))
    if not np.isfinite(largest) or largest == 0.0:
        return None
    steep = _GRID[steepness >= SHARE * largest]
    if np.ptp(steep) < _NARROW:
        return None
    low, high = (bool(np.all(steepness[far] < SHARE * largest)) for far in (_GRID < -_FAR, _GRID > _FAR))
    if not low and not high:
        return None
    return Tails(largest, float(np.median(_GRID[steepness >= 0.99 * largest])), low, high)


def _slopes(described: Signature, place: int) -> np.ndarray:
    """The slopes over the grid, as a generated module computes them."""
    builder = Program("slope").builder()
    shape = (len(_GRID),)
    leaf = Node("x", "input", (), {"shape": shape, "dtype": "float", "low": None, "high": None}, shape, "float")
    given = builder.append(leaf)
    operands = [
        given if at == place else builder.constant(number or 0.0) for at, number in enumerate(described.numbers)
    ]
    attributes = dict(described.attributes)
    if isinstance(described.op, str):
        value = builder.add(described.op, operands, attributes, "y")
    else:
        value = builder.map(described.op, operands)
    found = slope(builder, described, value, place)
    builder.results["output", "slope"] = found.name
    program = builder.build()
    module = load(render(assemble(Forms(program, program, program), Options(inference=True))))
    with np.errstate(all="ignore"):
        return module.forward({}, _GRID)


def slope(builder: Builder, described: Signature, value: Value, place: int) -> Value:
    """Add the slope of a node by one of its operands, as an array of the node's shape."""
    rule = vjp(described, place)
    assert rule is not None
    inputs = [builder[name] for name in value.node.args]
    given = {"g": builder.constant(1.0), "y": value}
    made = builder.map(rule.formula, [given[each] if isinstance(each, str) else inputs[each] for each in rule.operands])
    return made if made.shape == value.shape else builder.add("broadcast_to", (made,), {"shape": value.shape})
