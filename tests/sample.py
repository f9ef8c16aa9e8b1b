"""What a sample of an op is, and the arrays that samples are made of."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from graphgen import ops

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
        The same of the arrays.
    """

    operands: tuple[np.ndarray, ...]
    call: Callable[..., Any]
    expected: Callable[..., Any]


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
