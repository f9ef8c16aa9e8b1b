"""Bands of random programs of unknown sizes, which may be equal or small when it comes to numbers: no derivative is lost."""

import itertools
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from interpreter import evaluate, shape_of

from graphgen import Graph, ops, sizes
from graphgen.check import check
from graphgen.differentiation.jacobian import derivatives, plan_of
from graphgen.differentiation.tangent import tangent
from graphgen.forms import forms

SIZES = ((3, 2), (2, 2), (1, 3), (2, 1), (0, 2))  # of n and m
PROGRAMS = 200


def key(y: Any, axis: int, entry: Any) -> tuple[Any, ...]:
    return tuple(entry if each == axis else slice(None) for each in range(len(y.shape)))


def padded_at_front(y: Any, axis: int, count: int) -> Any:
    return ops.pad(y, tuple((count * (each == axis), 0) for each in range(len(y.shape))))


def sliced(draw: Random, y: Any, axis: int) -> Any:
    if isinstance(y.shape[axis], int) and y.shape[axis] < 3:
        return None
    return y[key(y, axis, slice(draw.choice((None, 1, 2)), draw.choice((None, -1)), draw.choice((None, None, 2))))]


def padded(draw: Random, y: Any, axis: int) -> Any:
    return ops.pad(
        y,
        tuple(
            (draw.choice((0, 1, 3)), draw.choice((0, 1))) if each == axis else (0, 0) for each in range(len(y.shape))
        ),
    )


def last_of_padded(draw: Random, y: Any, axis: int) -> Any:
    return padded_at_front(y, axis, 3)[key(y, axis, slice(-3, None))]


def joined(draw: Random, y: Any, axis: int) -> Any:
    parts = [y, ops.sin(y), ops.expand_dims(y.sum(axis=axis), axis=axis)]
    draw.shuffle(parts)
    return ops.concat(parts[: draw.choice((2, 3))], axis=axis)


def merged(draw: Random, y: Any, axis: int) -> Any:
    stop = min(axis + draw.choice((2, 3)), len(y.shape))
    return ops.reshape(y, shape=(*y.shape[:axis], sizes.product(y.shape[axis:stop]), *y.shape[stop:]))


def split(draw: Random, y: Any, axis: int) -> Any:
    part = draw.choice(("n", "m", 2, 3))
    part = sizes.size(part)
    rest = sizes.quotient(y.shape[axis], part)
    if rest is None:
        return None
    return ops.reshape(y, shape=(*y.shape[:axis], *draw.choice(((rest, part), (part, rest))), *y.shape[axis + 1 :]))


def merged_and_split(draw: Random, y: Any, axis: int) -> Any:
    """Axes laid flat, maybe one after the other, and split in the order of before or in another, with something in between."""
    stop = min(axis + draw.choice((2, 3)), len(y.shape))
    own = list(y.shape[axis:stop])
    flat = y
    if len(own) < 2:
        return None
    if len(own) == 3 and draw.random() < 0.7:
        flat = ops.reshape(y, shape=(*y.shape[:axis], own[0] * own[1], own[2], *y.shape[stop:]))
    flat = ops.reshape(flat, shape=(*y.shape[:axis], sizes.product(own), *y.shape[stop:]))
    kind = draw.choice(("plain", "moved", "turned"))
    if kind == "moved":
        flat = flat + padded_at_front(flat, axis, 1)[key(flat, axis, slice(None, -1))]
    if kind == "turned":
        flat = flat + ops.reshape(ops.sin(ops.swapaxes(y, axis1=axis, axis2=axis + 1)), shape=flat.shape)
    draw.shuffle(own)
    return ops.reshape(flat, shape=(*y.shape[:axis], *own, *y.shape[stop:]))


def turned(draw: Random, y: Any, axis: int) -> Any:
    axes = list(range(len(y.shape)))
    draw.shuffle(axes)
    return ops.transpose(y, axes=tuple(axes))


def windows(draw: Random, y: Any, axis: int) -> Any:
    if isinstance(y.shape[-1], int):
        return None
    longer = ops.pad(y, [(0, 0)] * (len(y.shape) - 1) + [(2, 2)])
    return ops.windows(
        longer, kernel_size=(draw.choice((1, 2, 3)),), stride=draw.choice((1, 1, 2)), dilation=draw.choice((1, 2))
    )


def picked(draw: Random, y: Any, axis: int) -> Any:
    if not isinstance(y.shape[axis], int) or not y.shape[axis]:
        return None
    index = np.array([draw.randrange(y.shape[axis]) for _ in range(2)])
    return ops.take(y, draw.choice((index, index[:1, None], index[0])), axis=axis)


def product(draw: Random, y: Any, axis: int) -> Any:
    letters = "ijk"[: len(y.shape)]
    output = draw.sample(letters, draw.randrange(1, len(letters) + 1)) if len(y.shape) < 4 else None
    return None if output is None else ops.einsum(f"{letters},{letters}->{''.join(output)}", y, ops.cos(y))


def multiplied(draw: Random, y: Any, axis: int) -> Any:
    if not isinstance(y.shape[-1], int):
        return None
    return y @ np.arange(1.0, 1.0 + 2 * y.shape[-1]).reshape(y.shape[-1], 2)


MOVES: tuple[Callable[[Random, Any, int], Any], ...] = (
    sliced, padded, last_of_padded, joined, merged, split, merged_and_split, merged_and_split, turned, windows, picked, product, multiplied,
    lambda draw, y, axis: ops.sin(y),
    lambda draw, y, axis: ops.sum(y, axis=axis, keepdims=draw.choice((True, False))),
    lambda draw, y, axis: y * y.sum(axis=axis, keepdims=True),
    lambda draw, y, axis: ops.cumsum(y, axis=axis),
    lambda draw, y, axis: ops.flip(y, axis=axis),
    lambda draw, y, axis: ops.roll(y, shift=1, axis=draw.choice((axis, None))),
    lambda draw, y, axis: ops.stack([y, ops.cos(y)], axis=axis),
    lambda draw, y, axis: ops.expand_dims(y, axis=axis),
    lambda draw, y, axis: ops.broadcast_to(y, shape=(2, *y.shape)),
    lambda draw, y, axis: ops.diag_embed(y),
    lambda draw, y, axis: y + y.swapaxes(0, axis) if sizes.equal(y.shape[0], y.shape[axis]) else None,
)  # fmt: skip


def program_of(seed: int) -> tuple[Any, tuple[Any, ...]]:
    draw = Random(seed)
    shape = tuple(draw.choice(("n", "n", "m", "m", 2, 3)) for _ in range(draw.choice((1, 2, 2, 3))))
    g = Graph("random")
    y = x = g.input("x", shape)
    if seed % 2:  # bands know most of these
        y = merged_and_split(draw, y, 0) if len(shape) > 1 else y
    for _ in range(draw.randrange(0 if seed % 2 else 1, 6)):
        moved = draw.choice(MOVES)(draw, y, draw.randrange(len(y.shape))) if 0 < len(y.shape) < 5 else None
        y = y if moved is None else moved
    if sizes.same(x.shape, y.shape) and draw.random() < 0.5:
        y = y * x
    g.output(y=ops.identity(y) if y is x else y)
    return forms(check(g)).inference, shape


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_bands_hold_for_all_sizes(seed):
    program, shape = program_of(seed)
    output = program.results["output", "y"]
    found = {mode: derivatives(program, plan_of(program, output, "x", mode)) for mode in ("forward", "reverse")}
    columns = tangent(program, ["x"])
    for n, m in SIZES if {"n", "m"} <= {*shape} else [(size, size) for size in (3, 2, 1, 0)]:
        known = tuple({"n": n, "m": m}.get(size, size) for size in shape)
        if any(min(shape_of(node.shape, {"n": n, "m": m}), default=0) < 0 for node in program.nodes.values()):
            continue  # too small for a slice
        x = np.random.default_rng(seed).normal(size=known)
        y = evaluate(program, {"x": x})[output]
        if x.size > 30 or y.size > 300:
            continue
        expected = np.zeros((*y.shape, *known))
        for entry in itertools.product(*map(range, known)):
            unit = np.zeros(known)
            unit[entry] = 1.0
            expected[(..., *entry)] = evaluate(columns, {"x": x, "x_dot": unit})[columns.results["output_dot", "y"]]
        for mode, made in found.items():
            jacobian = evaluate(made, {"x": x})[made.results["jacobian", "x"]]
            scale = np.abs(expected).max(initial=1.0)
            np.testing.assert_allclose(jacobian, expected, rtol=1e-9, atol=1e-10 * scale, err_msg=f"{mode} {n} {m}")
