"""Samples of every op of the table: the operands, the call, and what NumPy answers.

A new row needs no entry: elementwise samples are made of the formulas, others of the rows' examples.
"""

import math
from functools import cache
from typing import Any

import linear_samples
import loss_samples
import numpy as np
import window_samples
from elementwise import exact
from references import (
    argsort,
    clip,
    logsumexp,
    norm,
    product_of_others,
    recurrence,
    shift,
    softmax,
    sort,
    std,
    var,
)
from sample import Sample, both, distinct, of_example, some, whole

from graphgen import ops

_SHAPES = {
    1: [((),), ((5,),), ((2, 3),), ((2, 1, 3),), ((1, 2, 1, 5),)],
    2: [
        ((), ()),
        ((5,), ()),
        ((2, 3), (3,)),
        ((1,), (4,)),
        ((1, 5), (2, 1)),
        ((2, 1, 3), (4, 1)),
        ((1, 1, 1, 2), (2, 1, 3, 1)),
        ((2, 1, 5), (3, 2, 1, 5)),
    ],
    3: [
        ((), (), ()),
        ((5,), (5,), ()),
        ((2, 1), (3,), (1, 1)),
        ((), (2, 3), (3,)),
        ((2, 1, 1), (3, 1), (1, 2)),
        ((1, 2, 1, 5), (3, 1, 1, 1), (2, 5)),
    ],
}


def elementwise(name: str) -> list[Sample]:
    """Samples of an elementwise op, over ranks 0 to 4 with axes of size 1."""
    row = ops.ELEMENTWISE[name]
    own = row.derived()
    scalar = exact(own.expression, own.slots)
    expected = np.vectorize(scalar, otypes=[bool if row.dtype_rule in ("comparison", "logical") else float])
    result = []
    for shapes in _SHAPES[len(row.slots)]:
        operands = [
            _values(kind, shape, place) for place, (kind, shape) in enumerate(zip(own.kinds, shapes, strict=True))
        ]
        if row.restricted is not None:
            operands[row.restricted] = _inside(row, operands[row.restricted])
        result.append(Sample(tuple(operands), getattr(ops, name), expected))
    return result


def _inside(row: ops.Elementwise, values: np.ndarray) -> np.ndarray:
    """The values as they are, or others of their kind that are well inside the row's domain."""
    for each in (values, np.abs(values), np.abs(values) / 4.0 + 0.2, np.abs(values) + 1.0):
        if all(row.takes(row.restricted, value + step) for value in each.flat for step in (-0.1, 0.1)):
            return each
    raise AssertionError(f"no samples are in the domain of {row.name}: {row.domain}")


def _values(kind: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Values between 0.3 and 2 in magnitude, of either sign, or bools."""
    generator = np.random.default_rng([*shape, seed, 5])
    if kind == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    return np.array(generator.uniform(0.3, 2.0, shape) * generator.choice([-1.0, 1.0], shape))


def _reductions() -> dict[str, list[Sample]]:
    def extremum(name: str) -> list[Sample]:
        calls: list[tuple[tuple[int, ...], dict[str, Any]]] = [
            ((5,), {}),
            ((4, 5), {"axis": 0}),
            ((2, 3, 4), {"axis": (0, 2), "keepdims": True}),
            ((2, 1, 3, 2), {"axis": -1}),
            ((), {}),
        ]
        return [both(name, distinct(*shape), **attributes) for shape, attributes in calls]

    return {
        "max": extremum("max"),
        "min": extremum("min"),
        "amax": extremum("amax"),
        "amin": extremum("amin"),
        "prod": [both("prod", some(*shape), **attributes) for shape, attributes in _CALLS]
        + [both("prod", holed, axis=1) for holed in (np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.5, -2.0, 4.0]]),)],
        "var": [both("var", some(*shape), numpy=var, **attributes) for shape, attributes in _CALLS]
        + [both("var", some(4, 5), numpy=var, axis=0, correction=1), both("var", some(3, 5), numpy=var, correction=-1)],
        "std": [both("std", some(*shape), numpy=std, **attributes) for shape, attributes in _CALLS[:4]]
        + [both("std", some(4, 5), numpy=std, axis=0, correction=1), both("std", some(2, 5), numpy=std, correction=3)],
        "norm": [both("norm", some(*shape), numpy=norm, **attributes) for shape, attributes in _CALLS]
        + [
            both("norm", some(4, 5) * 2, numpy=norm, ord=order, axis=axis)
            for order, axis in ((1, 0), (math.inf, None), (-math.inf, 1), (3, (0, 1)), (0.5, 0), (1.5, 1), (7.25, None))
        ],
        "finite_max": [
            Sample(
                (distinct(2, 5),),
                lambda x: ops.finite_max(x, axis=(1,), keepdims=True),
                lambda x: x.max(axis=1, keepdims=True),
            )
        ],
        "first_true": [
            Sample(
                (distinct(2, 5) > 0,), lambda x: ops.first_true(x, axis=(1,)), lambda x: x & (np.cumsum(x, axis=1) == 1)
            )
        ],
    } | _along_axes()


_CALLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((5,), {}),
    ((4, 5), {"axis": 0}),
    ((2, 3, 4), {"axis": (0, 2), "keepdims": True}),
    ((2, 1, 3, 2), {"axis": -1}),
    ((), {}),
    ((2, 3), {"axis": ()}),
]


def _along_axes() -> dict[str, list[Sample]]:
    """Scans, and what depends on the order of the elements."""
    holed = np.array([[2.0, 0.0, 3.0, 1.5], [0.0, 0.5, 0.0, 2.0]])
    shapes = (((5,), 0), ((3, 5), 1), ((2, 3, 2), 1), ((2, 1, 5), -1))
    turned = ({}, {"descending": True})
    return {
        "cumsum": [both("cumsum", whole(*shape), axis=axis) for shape, axis in shapes] + [both("cumsum", whole(4))],
        "cumprod": [both("cumprod", some(*shape), axis=axis) for shape, axis in shapes]
        + [both("cumprod", some(4)), both("cumprod", holed, axis=1), both("cumprod", holed, axis=0)],
        "shift": [
            both("shift", whole(*shape), numpy=shift, axis=axis % len(shape), step=step)
            for shape, axis in shapes
            for step in (1, -1)
        ],
        "recurrence": [
            both("recurrence", some(*shape), some(*shape) + 0.5, numpy=recurrence, axis=axis, backward=backward)
            for shape, axis in shapes[:3]
            for backward in (False, True)
        ],
        "product_of_others": [
            both("product_of_others", array, numpy=product_of_others, axis=axis)
            for array, axis in (
                (some(5), (0,)),
                (some(2, 3, 4), (0, 2)),
                (holed, (1,)),
                (holed, (0,)),
                (some(2, 3), ()),
            )
        ],
        "argmax": [both("argmax", distinct(*shape), axis=axis) for shape, axis in shapes]
        + [both("argmax", distinct(3, 5))],
        "argmin": [both("argmin", distinct(*shape), axis=axis) for shape, axis in shapes]
        + [both("argmin", distinct(3, 5))],
        "argsort": [
            both("argsort", distinct(*shape), numpy=argsort, axis=axis, **how)
            for shape, axis in shapes
            for how in turned
        ],
        "sort": [
            both("sort", distinct(*shape), numpy=sort, axis=axis, **how) for shape, axis in shapes for how in turned
        ],
        "median": [
            both("median", distinct(*shape), **attributes)
            for shape, attributes in (*_CALLS, ((4, 3), {"axis": 0, "keepdims": True}), ((3, 5), {"keepdims": True}))
        ],
        "topk_indices": [
            Sample(
                (distinct(4, 6),),
                lambda x, largest=largest: ops.topk_indices(x, k=3, axis=1, largest=largest),
                lambda x, largest=largest: argsort(x, axis=1, descending=largest)[:, :3],
            )
            for largest in (True, False)
        ],
    }


def _composites() -> dict[str, list[Sample]]:
    shapes = (((5, 3), -1), ((2, 5), 0), ((3,), 0), ((2, 3, 1, 2), 1), ((2, 1), 1))
    return {
        "softmax": [both("softmax", some(*shape), axis=axis, numpy=softmax) for shape, axis in shapes],
        "log_softmax": [
            both("log_softmax", some(*shape), axis=axis, numpy=lambda x, axis: np.log(softmax(x, axis)))
            for shape, axis in shapes
        ],
        "logsumexp": [
            both("logsumexp", some(5), numpy=logsumexp),
            both("logsumexp", some(4, 5), axis=0, numpy=logsumexp),
            both("logsumexp", some(2, 3, 4), axis=(0, -1), keepdims=True, numpy=logsumexp),
            both("logsumexp", some(2, 1, 3), axis=(0, 2), numpy=logsumexp),
            both("logsumexp", some(), numpy=logsumexp),
        ],
        "index": [
            Sample((whole(4, 5),), lambda x: x[1:-1, ..., None], lambda x: x[1:-1, ..., None]),
            Sample((whole(2, 3, 4),), lambda x: x[None, -1, ::2], lambda x: x[None, -1, ::2]),
            Sample((whole(),), lambda x: x[None], lambda x: x[None]),
        ],
        "clip": [
            both("clip", some(5), min=-0.5, max=0.5, numpy=clip),
            both("clip", some(2, 3), min=0.0, numpy=clip),
            both("clip", some(4), max=0.25, numpy=clip),
            Sample((some(2, 3), some(3) - 3.0, some(2, 1) + 3.0), ops.clip, np.clip),
        ],
        "einsum": [
            Sample(
                (whole(5, 3), whole(3, 4)),
                lambda a, b: ops.einsum("ij,jk->ki", a, b),
                lambda a, b: np.einsum("ij,jk->ki", a, b),
            ),
            Sample((whole(3, 3),), lambda a: ops.einsum("ii->i", a), np.diagonal),
        ],
        "diag_embed": [Sample((whole(5),), lambda x: ops.diag_embed(x[2:]), lambda x: np.diag(x[2:]))],
    }


@cache
def _written() -> dict[str, list[Sample]]:
    linear = linear_samples.layout() | linear_samples.products_and_joins() | linear_samples.indexing()
    return linear | window_samples.windows() | _reductions() | _composites() | loss_samples.samples()


@cache
def samples(name: str) -> list[Sample]:
    """The samples of an op: those of its formula, or its examples in the table and what is written here."""
    if name in ops.ELEMENTWISE:
        return elementwise(name)
    examples = [of_example(name, each, place) for place, each in enumerate(ops.TABLE[name].examples)]
    if name in loss_samples.INSIDE:
        inside = loss_samples.INSIDE[name]
        examples = [
            each._replace(operands=tuple(x if x.dtype.kind == "i" else inside(x) for x in each.operands))
            for each in examples
        ]
    return examples + _written().get(name, [])
