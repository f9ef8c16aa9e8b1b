"""Small calls of every op of the table: the operands, the call, and what NumPy answers.

Elementwise ops need no entry: their samples are made of their formulas. An axis of size 5 stands for one of unknown
size: the tests declare it as "n" as well.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from graphgen import losses, ops

UNKNOWN = 5


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


# -- elementwise: by formula

_SCALAR = {
    "Sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "Softplus": lambda a: math.log1p(math.exp(a)),
    "Maximum": max,
    "Minimum": min,
    "sign": lambda a: (a > 0) - (a < 0),
}
_SHAPES = {
    1: [((),), ((5,),), ((2, 3),), ((2, 1, 3),), ((1, 2, 1, 5),)],
    2: [((), ()), ((5,), ()), ((2, 3), (3,)), ((1,), (4,)), ((1, 5), (2, 1)), ((2, 1, 3), (4, 1)), ((1, 1, 1, 2), (2, 1, 3, 1)), ((2, 1, 5), (3, 2, 1, 5))],
    3: [((), (), ()), ((5,), (5,), ()), ((2, 1), (3,), (1, 1)), ((), (2, 3), (3,)), ((2, 1, 1), (3, 1), (1, 2)), ((1, 2, 1, 5), (3, 1, 1, 1), (2, 5))],
}  # fmt: skip


def elementwise(name: str) -> list[Sample]:
    """Samples of an elementwise op, over ranks 0 to 4 with axes of size 1."""
    row = ops.ELEMENTWISE[name]
    own = row.derived()
    scalar = sp.lambdify(own.slots, own.expression, modules=[_SCALAR, "math"])
    expected = np.vectorize(scalar, otypes=[bool if row.dtype_rule == "bool" else float])
    result = []
    for shapes in _SHAPES[len(row.slots)]:
        operands = [_values(kind, shape, place) for place, (kind, shape) in enumerate(zip(own.kinds, shapes, strict=True))]
        try:
            expected(*operands)
        except (ValueError, ZeroDivisionError, TypeError):  # outside the domain
            operands = [np.abs(each) for each in operands]
        result.append(Sample(tuple(operands), getattr(ops, name), expected))
    return result


def _values(kind: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Values between 0.3 and 2 in magnitude, of either sign, or bools."""
    generator = np.random.default_rng([*shape, seed, 5])
    if kind == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    return np.array(generator.uniform(0.3, 2.0, shape) * generator.choice([-1.0, 1.0], shape))


# -- the others, one by one

INDEX = integers([[1, -1, 0], [2, 2, -3]])


def _linear() -> dict[str, list[Sample]]:
    parts = (((None, None, None), 1), (1, (0, 2, None)), ((None, None, -1), -1))
    return {
        "sum": [both("sum", whole(5)), both("sum", whole(2, 5), axis=-1), both("sum", whole(2, 3, 4), axis=(0, 2), keepdims=True), both("sum", whole()), both("sum", whole(2, 1, 3, 2), axis=(1, 3))],
        "mean": [both("mean", whole(4)), both("mean", whole(4, 5), axis=0), both("mean", whole(2, 3, 4), axis=(0, 2), keepdims=True), both("mean", whole())],
        "broadcast_to": [both("broadcast_to", whole(), shape=(2, 3)), both("broadcast_to", whole(2, 1), shape=(3, 2, 4)), both("broadcast_to", whole(1, 3), shape=(1, 3)),
                         Sample((whole(5), whole(1, 1)), lambda x, y: ops.broadcast_to(y, (2, x.shape[0])) * x, lambda x, y: np.broadcast_to(y, (2, 5)) * x)],
        "expand_dims": [both("expand_dims", whole(5), axis=0), both("expand_dims", whole(2, 3), axis=(0, -1)), both("expand_dims", whole(), axis=0), both("expand_dims", whole(2, 3, 4), axis=3)],
        "squeeze": [both("squeeze", whole(1, 5, 1)), both("squeeze", whole(1, 2, 1), axis=-1), both("squeeze", whole(1), axis=0), both("squeeze", whole(2, 1, 1, 3), axis=(1, 2))],
        "transpose": [both("transpose", whole(5, 3)), both("transpose", whole(2, 3, 4), axes=(1, 2, 0)), both("transpose", whole(2, 3, 5, 2), axes=(0, -1, 2, 1)), both("transpose", whole())],
        "reshape": [both("reshape", whole(2, 6), shape=(3, -1)), both("reshape", whole(), shape=(1, 1)), both("reshape", whole(1, 1), shape=()),
                    Sample((whole(5, 4),), lambda x: ops.reshape(x, (2 * x.shape[0], 2)), lambda x: x.reshape(10, 2)), Sample((whole(2, 5, 3),), lambda x: ops.reshape(x, (-1, 3)), lambda x: x.reshape(-1, 3))],
        "matmul": [both("matmul", whole(5, 3), whole(3, 4)), both("matmul", whole(3), whole(3)), both("matmul", whole(2, 1, 5, 3), whole(4, 3, 2))],
        "contraction": [Sample((whole(2, 5), whole(5, 3)), lambda a, b: ops.contraction(a, b, subscripts=(("ij", "jk"), "ki")), lambda a, b: np.einsum("ij,jk->ki", a, b)),
                        Sample((whole(2), whole(3), whole(2, 3)), lambda a, b, c: ops.contraction(a, b, c, subscripts=(("i", "j", "ij"), "")), lambda a, b, c: np.einsum("i,j,ij->", a, b, c))],
        "concat": [both("concat", whole(2, 3), whole(2, 5), axis=-1, numpy=lambda *xs, axis: np.concatenate(xs, axis)), Sample((whole(2, 3), whole(5, 3), whole(1, 3)), lambda *xs: ops.concat(list(xs)), lambda *xs: np.concatenate(xs)), both("concat", whole(3), numpy=lambda x: x)],
        "stack": [both("stack", whole(5), whole(5) + 1, axis=-1, numpy=lambda *xs, axis: np.stack(xs, axis)), Sample((whole(2, 3), whole(2, 3)), lambda *xs: ops.stack(list(xs)), lambda *xs: np.stack(xs)), Sample((whole(), whole()), ops.stack, lambda *xs: np.stack(xs))],
        "getitem": [Sample((whole(5, 3),), lambda x: ops.getitem(x, key=((1, None, None), 2)), lambda x: x[1:, 2]), Sample((whole(4),), lambda x: ops.getitem(x, key=((None, None, -2),)), lambda x: x[::-2])],
        "assemble": [Sample((whole(3), whole(2), whole(3)), lambda *xs: ops.assemble(*xs, keys=parts, shape=(3, 4)), _assembled), Sample((whole(5, 2),), lambda x: ops.assemble(x, keys=(((None, None, None), (None, None, 2)),), shape=(x.shape[0], 4)), lambda x: np.insert(x, (1, 2), 0.0, axis=1))],
        "pad": [both("pad", whole(5), pad_width=1), both("pad", whole(2, 3), pad_width=((0, 2), (1, 0))), both("pad", whole(2, 1, 3), pad_width=(1, 2))],
        "take": [both("take", whole(5), INDEX), *(both("take", whole(3, 4, 3, 5), INDEX, axis=axis) for axis in (0, 2, -4)), both("take", whole(4, 3), integers(-1), axis=1), both("take", whole(3, 2), INDEX, axis=0), both("take", whole(6, 5), integers([0, 5, 0]), axis=0)],
        "scatter_add": [Sample((whole(2, 3, 5), INDEX), lambda u, i: ops.scatter_add(u, i, size=4), lambda u, i: scattered(u, i, 4, 0)),
                        Sample((whole(5, 2, 3, 2), INDEX), lambda u, i: ops.scatter_add(u, i, size=3, axis=1), lambda u, i: scattered(u, i, 3, 1)),
                        Sample((whole(2, 3), INDEX), lambda u, i: ops.scatter_add(u, i, size=3), lambda u, i: scattered(u, i, 3, 0)),
                        Sample((whole(2), integers(1)), lambda u, i: ops.scatter_add(u, i, size=3, axis=1), lambda u, i: scattered(u, i, 3, 1))],
        "take_along_axis": [both("take_along_axis", whole(2, 4), integers([[0, -1, 0], [3, 1, 1]]), axis=-1), both("take_along_axis", whole(4, 5), np.arange(15).reshape(3, 5) % 4, axis=0), both("take_along_axis", whole(3), integers([2, 2, 0, -1]), axis=0)],
        "scatter_add_along_axis": [Sample((whole(2, 3), integers([[0, -1, 0], [3, 1, 1]])), lambda u, i: ops.scatter_add_along_axis(u, i, size=4, axis=1), lambda u, i: scattered_along(u, i, 4, 1)),
                                   Sample((whole(3, 5), np.arange(15).reshape(3, 5) % 4), lambda u, i: ops.scatter_add_along_axis(u, i, size=4, axis=0), lambda u, i: scattered_along(u, i, 4, 0))],
        "accumulate": [Sample((whole(5), whole(5) + 1, whole(5) + 2), ops.accumulate, lambda *xs: np.sum(xs, axis=0))],
        "cast": [Sample((whole(5),), lambda x: ops.cast(x, "float"), lambda x: x), Sample((integers([3, -2]),), lambda x: ops.cast(x, "float"), lambda x: x.astype(float)),
                 Sample((np.array([True, False]),), lambda x: ops.cast(x, dtype="int32"), lambda x: x.astype(int)), Sample((some(5) > 0,), lambda x: ops.cast(x, "float"), lambda x: x.astype(float))],
    }  # fmt: skip


def _assembled(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    total = np.zeros((3, 4))
    total[:, 1] += x
    total[1, 0:2] += y
    total[::-1, -1] += z
    return total


def scattered(updates: np.ndarray, index: np.ndarray, size: int, axis: int) -> np.ndarray:
    total = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + index.ndim :]))
    for place in np.ndindex(index.shape):
        before = (slice(None),) * axis
        total[(*before, index[place])] += updates[(*before, *place)]
    return total


def scattered_along(updates: np.ndarray, index: np.ndarray, size: int, axis: int) -> np.ndarray:
    total = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + 1 :]))
    for place in np.ndindex(index.shape):
        total[(*place[:axis], index[place], *place[axis + 1 :])] += updates[place]
    return total


def _reductions() -> dict[str, list[Sample]]:
    def extremum(name: str) -> list[Sample]:
        calls: list[tuple[tuple[int, ...], dict[str, Any]]] = [((5,), {}), ((4, 5), {"axis": 0}), ((2, 3, 4), {"axis": (0, 2), "keepdims": True}), ((2, 1, 3, 2), {"axis": -1}), ((), {})]
        return [both(name, distinct(*shape), **attributes) for shape, attributes in calls]

    return {
        "max": extremum("max"),
        "min": extremum("min"),
        "finite_max": [Sample((distinct(2, 5),), lambda x: ops.finite_max(x, axis=(1,), keepdims=True), lambda x: x.max(axis=1, keepdims=True))],
        "first_true": [Sample((distinct(2, 5) > 0,), lambda x: ops.first_true(x, axis=(1,)), lambda x: x & (np.cumsum(x, axis=1) == 1))],
    }  # fmt: skip


def exponentials(x: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(x - x.max(axis=axis, keepdims=True))


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return exponentials(x, axis) / exponentials(x, axis).sum(axis=axis, keepdims=True)


def logsumexp(x: np.ndarray, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


def clip(x: np.ndarray, min: float | None = None, max: float | None = None) -> np.ndarray:
    return np.clip(x, min, max)


def _composites() -> dict[str, list[Sample]]:
    shapes = (((5, 3), -1), ((2, 5), 0), ((3,), 0), ((2, 3, 1, 2), 1), ((2, 1), 1))
    return {
        "softmax": [both("softmax", some(*shape), axis=axis, numpy=softmax) for shape, axis in shapes],
        "log_softmax": [both("log_softmax", some(*shape), axis=axis, numpy=lambda x, axis: np.log(softmax(x, axis))) for shape, axis in shapes],
        "logsumexp": [both("logsumexp", some(5), numpy=logsumexp), both("logsumexp", some(4, 5), axis=0, numpy=logsumexp), both("logsumexp", some(2, 3, 4), axis=(0, -1), keepdims=True, numpy=logsumexp), both("logsumexp", some(2, 1, 3), axis=(0, 2), numpy=logsumexp), both("logsumexp", some(), numpy=logsumexp)],
        "index": [Sample((whole(4, 5),), lambda x: x[1:-1, ..., None], lambda x: x[1:-1, ..., None]), Sample((whole(2, 3, 4),), lambda x: x[None, -1, ::2], lambda x: x[None, -1, ::2]), Sample((whole(),), lambda x: x[None], lambda x: x[None])],
        "clip": [both("clip", some(5), min=-0.5, max=0.5, numpy=clip), both("clip", some(2, 3), min=0.0, numpy=clip), both("clip", some(4), max=0.25, numpy=clip), Sample((some(2, 3), some(3) - 3.0, some(2, 1) + 3.0), ops.clip, np.clip)],
        "einsum": [Sample((whole(5, 3), whole(3, 4)), lambda a, b: ops.einsum("ij,jk->ki", a, b), lambda a, b: np.einsum("ij,jk->ki", a, b)), Sample((whole(3, 3),), lambda a: ops.einsum("ii->i", a), np.diagonal)],
    }  # fmt: skip


def cross_entropy(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    logs = np.log(softmax(logits))
    if target.dtype.kind == "i":
        return -np.take_along_axis(logs, target[..., None], axis=-1)[..., 0]
    return -(target * logs).sum(axis=-1)


LOSSES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mse": lambda prediction, target: (prediction - target) ** 2,
    "cross_entropy": cross_entropy,
    "bce_with_logits": lambda logits, target: np.log1p(np.exp(logits)) - target * logits,
    "hinge": lambda prediction, target: np.maximum(0.0, 1.0 - target * prediction),
}


def _losses() -> dict[str, list[Sample]]:
    pairs = {
        "mse": [(some(5, 3), some(5, 3) * 2), (some(4), some(4) + 1), (some(), some() + 1)],
        "cross_entropy": [(some(5, 3), integers([0, 2, 1, 1, 0])), (some(3), integers(2)), (some(2, 2, 3), integers([[0, 1], [2, 2]])), (some(5, 4), softmax(some(5, 4) * 2)), (some(2, 3), np.eye(3)[[2, 0]])],
        "bce_with_logits": [(some(5), 1 / (1 + np.exp(some(5)))), (some(2, 3), np.round(np.abs(np.sin(some(2, 3)))))],
        "hinge": [(some(5), np.sign(some(5) + 0.1)), (some(2, 3), np.sign(some(2, 3)))],
    }  # fmt: skip
    result = {}
    for name, operands in pairs.items():
        own, values = getattr(losses, name), LOSSES[name]
        kinds: dict[str, Callable[[np.ndarray], Any]] = {"mean": np.mean, "sum": np.sum, "none": np.asarray}
        result[name] = [
            Sample(pair, lambda x, t, own=own, kind=kind: own(x, t, reduction=kind), lambda x, t, reduce=reduce, values=values: reduce(values(x, t)))
            for pair in operands
            for kind, reduce in kinds.items()
        ]
    return result


@cache
def samples(name: str) -> list[Sample]:
    """The samples of an op; KeyError if it is not elementwise and has none."""
    if name in ops.ELEMENTWISE:
        return elementwise(name)
    return {**_linear(), **_reductions(), **_composites(), **_losses()}[name]
