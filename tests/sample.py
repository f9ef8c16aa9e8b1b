"""What a sample of an op is, and the arrays that samples are made of."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from graphgen import ops, sizes

UNKNOWN = 5  # the tests declare axes of this size as "n" as well


class Sample(NamedTuple):
    """One call of an op.

    Attributes
    ----------
    operands
        Floats become parameters, integers and bools inputs.
    call
        The op of the nodes.
    expected
        The same of the arrays; None for an example of the op table, whose spelling is its definition.
    """

    operands: tuple[np.ndarray, ...]
    call: Callable[..., Any]
    expected: Callable[..., Any] | None


# What the names of sizes stand for in the examples of the op table.
SIZES = {"m": 2, "n": UNKNOWN, "k": 2, "p": 4}


def of_example(name: str, example: ops.Example, seed: int) -> Sample:
    """An example of the op table with numbers for sizes; where the operands have an unknown size, it stays unknown."""
    operands = tuple(_operand(each, seed + place) for place, each in enumerate(example.operands))

    def call(*nodes: Any) -> Any:
        unknown = any(not isinstance(size, int) for node in nodes for size in node.shape)
        known = {size: value for size, value in SIZES.items() if not (unknown and size == "n")}
        attributes = {key: _sized(value, known) for key, value in example.attributes.items()}
        return nodes[0]._apply(name, nodes, attributes, None)

    return Sample(operands, call, None)


def _operand(given: ops.Type, seed: int) -> np.ndarray:
    shape = measured(given.shape)
    generator = np.random.default_rng([*shape, seed])
    if given.dtype == "float":
        return np.array(whole(*shape) + seed / 4.0)  # exact, and no two operands are equal anywhere
    return generator.integers(0, 2, shape).astype(given.dtype)


def measured(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape with numbers for the names of sizes in it."""
    return tuple(int(_sized(each, SIZES)) for each in shape)


def _sized(value: Any, known: Mapping[str, int]) -> Any:
    """An attribute with numbers for names of sizes."""
    if isinstance(value, tuple | list):
        return type(value)(_sized(each, known) for each in value)
    if isinstance(value, sp.Expr):
        found = value.subs({sizes.symbol(name): size for name, size in known.items()})
        return int(found) if found.is_Integer else found
    return known.get(value, value) if isinstance(value, str) else value


def whole(*shape: int) -> np.ndarray:
    """Whole numbers from -9 to 9, all different where there are few: sums of products of them are exact."""
    values = np.array([7, -3, 5, 2, -8, 4, -1, 9, -6, 3, 8, -5, 1, -7, 6, -2, -9, -4], dtype=np.float64)
    return np.resize(values, shape)


def distinct(*shape: int) -> np.ndarray:
    """Numbers around 0, all different, in no order."""
    count = math.prod(shape)
    return (np.random.default_rng(count).permutation(count).reshape(shape) - count / 2 + 0.3) / 2.0


def some(*shape: int) -> np.ndarray:
    return np.random.default_rng([*shape, 1]).normal(size=shape)


def integers(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def both(name: str, *operands: np.ndarray, numpy: Callable[..., Any] | None = None, **attributes: Any) -> Sample:
    """A sample of an op that NumPy calls and takes as ours does, unless said."""
    function = numpy or getattr(np, name)
    own = getattr(ops, name)
    return Sample(operands, lambda *xs: own(*xs, **attributes), lambda *xs: function(*xs, **attributes))
