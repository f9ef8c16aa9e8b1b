"""Products of arrays, linear in each operand. See ``layout.py`` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import axis_of, whole
from graphgen.ops.banding import Entry
from graphgen.ops.broadcasting import deepened, unbroadcast
from graphgen.ops.operations import PRODUCTS
from graphgen.ops.table import Mismatch, Type, composite, example, linear, need_floats
from graphgen.targets.precedence import MATMUL


@linear
class matmul:
    """Matrix product over the last two axes, broadcasting the others; a vector is a row on the left, a column on the right."""

    formula = "y[..., i, j] = sum(a[..., i, k] * b[..., k, j] for k)"
    examples = (example(("m", "n"), ("n", "p")),)

    def infer(a: Type, b: Type, /) -> Type:
        need_floats("matmul", a, b)
        if not a.ndim or not b.ndim:
            raise Mismatch("GG021", f"a scalar has no axis to multiply over: {a} @ {b}", "multiply scalars with *")
        inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
        if not sizes.equal(a.shape[-1], inner):
            raise _inner_mismatch(a, b, inner)
        batch = sizes.broadcast(a.shape[:-2], b.shape[:-2])
        if batch is None:
            raise Mismatch(
                "GG021", f"batch axes do not broadcast: {a} @ {b}", "all axes but the last two must be equal or 1"
            )
        return Type(batch + a.shape[-2:-1] + (b.shape[-1:] if b.ndim > 1 else ()), "float")

    def transpose(place: int, g: Any, a: Any, b: Any, /) -> Any:
        if a.ndim == 1 and b.ndim == 1:
            return g * (a if place else b)
        if place == 0:
            return _matmul_left(g, a, b)
        return _matmul_right(g, a, b)

    def mapped(operands: Sequence[Any], which: Sequence[bool]) -> Any:
        (a, b), (left, right) = operands, which
        rows, columns = a.ndim - left > 1, b.ndim - right > 1
        if not (left and right):
            if (left and (not columns or (not rows and b.ndim == 2))) or (right and not rows and columns):
                return a @ b
            if right and not columns and a.ndim < 3:  # a vector for each: they are rows
                return b @ (ops.transpose(a) if rows else a)
        if not rows:
            a = ops.expand_dims(a, axis=-2)
        if not columns:
            b = ops.expand_dims(b, axis=-1)
        ndim = max(a.ndim - left, b.ndim - right) + 1
        result = ops.matmul(deepened(a, ndim) if left else a, deepened(b, ndim) if right else b)
        return ops.squeeze(result, axis=tuple([-2] * (not rows) + [-1] * (not columns)))

    def bands(place: int, a: Type, b: Type, /) -> tuple[Entry, ...]:
        x, leading = (a, b)[place], sizes.broadcast(a.shape[:-2], b.shape[:-2])
        assert leading is not None
        batch = x.shape[:-2]
        start = len(leading) - len(batch)
        lined = [start + axis if sizes.equal(size, leading[start + axis]) else None for axis, size in enumerate(batch)]
        rows, columns = len(leading), len(leading) + (a.ndim > 1)
        own = ((rows, None) if place == 0 else (None, columns)) if x.ndim > 1 else (None,)
        return (*lined, *own)

    def numpy(a: Type, b: Type, /) -> tuple[str, int]:
        return "{0:matmul} @ {1:atom}", MATMUL

    def operations(y: Type, a: Type, b: Type, /) -> dict[str, sizes.Size]:
        return {PRODUCTS: sizes.product((*y.shape, a.shape[-1]))}


def _inner_mismatch(a: Type, b: Type, inner: sizes.Size) -> Mismatch:
    got, expected = sizes.text(a.shape[-1]), sizes.text(inner)
    remedy = f"the last axis of the left must equal the {'last but one' if b.ndim > 1 else 'only'} axis of the right"
    if a.ndim == 2 and sizes.equal(a.shape[0], inner):
        remedy = "swap the axes of the left with {0}.T"
    elif b.ndim == 2:
        remedy = f"swap its axes with {{1}}.T, or declare {{1}} with {got} rows"
    return Mismatch("GG021", f"inner sizes differ: {a} @ {b}", remedy, f"{got} does not match {expected}", about=1)


def _matmul_left(g: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:  # (..., m, k) @ (k,)
        return ops.expand_dims(g, axis=-1) * b
    if a.ndim == 1:  # (k,) @ (..., k, n)
        return unbroadcast(ops.matmul(b, ops.expand_dims(g, axis=-1))[..., 0], a.shape)
    return unbroadcast(g @ _swapped(b), a.shape)


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:  # (k,) @ (..., k, n)
        return ops.expand_dims(a, axis=-1) * ops.expand_dims(g, axis=-2)
    if b.ndim == 1:  # (..., m, k) @ (k,)
        rows = _rows(a) if a.ndim > 2 else a
        return ops.transpose(rows) @ (ops.reshape(g, shape=(-1,)) if g.ndim > 1 else g)
    if b.ndim == 2 and a.ndim > 2:  # one product instead of a batch of them and a sum
        return ops.transpose(_rows(a)) @ _rows(g)
    return unbroadcast(_swapped(a) @ g, b.shape)


def _rows(x: Any) -> Any:
    """x as one matrix of all its rows."""
    return ops.reshape(x, shape=(sizes.product(x.shape[:-1]), x.shape[-1]))


def _swapped(x: Any) -> Any:
    return ops.transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _floats(name: str) -> Any:
    def canonical(a: Type, b: Type, /) -> dict[str, Any]:
        need_floats(name, a, b)
        return {}

    return canonical


@composite(
    canonical=_floats("outer"),
    formula="y[i, j] = a[i] * b[j]",
    examples=(example(("m",), ("n",)), example(("m", "n"), ("k",))),
)
def outer(a: Any, b: Any, /) -> Any:
    """All products of an element of a with one of b, both laid flat."""
    return ops.expand_dims(ops.flatten(a), axis=1) * ops.flatten(b)


@composite(
    canonical=_floats("dot"),
    formula="y[..., i, j] = sum(a[..., i, k] * b[..., k, j] for k)",
    examples=(example(("n",), ("n",)), example(("m", "n"), ("n", "k"))),
)
def dot(a: Any, b: Any, /) -> Any:
    """Sum over the last axis of a and the last but one of b, or its only one; scalars multiply."""
    if not a.ndim or not b.ndim:
        return a * b
    return ops.tensordot(a, b, axes=((-1,), (-2,))) if b.ndim > 2 else a @ b


def _contracted_axes(a: Type, b: Type, /, *, axes: Any) -> dict[str, Any]:
    need_floats("tensordot", a, b)
    count = whole(axes)
    if count is not None:
        if not 0 <= count <= min(a.ndim, b.ndim):
            message = f"{count} axes cannot be summed over: {a} and {b}"
            raise Mismatch("GG023", message, f"axes is from 0 to {min(a.ndim, b.ndim)}, or a pair of tuples")
        axes = (tuple(range(a.ndim - count, a.ndim)), tuple(range(count)))
    if not isinstance(axes, (tuple, list)) or len(axes) != 2:
        message = f"axes is a number or a pair of tuples, got {brief(axes)}"
        raise Mismatch("GG023", message, "as in axes=2, or axes=((1,), (0,)): those of a, then those of b")
    pair = tuple(
        tuple(axis_of(axis, x.ndim) for axis in (each if isinstance(each, (tuple, list)) else (each,)))
        for each, x in zip(axes, (a, b), strict=True)
    )
    if len(pair[0]) != len(pair[1]) or any(len(set(each)) < len(each) for each in pair):
        raise Mismatch("GG023", f"axes {pair!r} are no pairs of axes", "name each axis once, as many of a as of b")
    for one, other in zip(*pair, strict=True):
        if not sizes.equal(a.shape[one], b.shape[other]):
            got = f"{sizes.text(a.shape[one])} and {sizes.text(b.shape[other])}"
            message = f"axis {one} of {a} and axis {other} of {b} differ in size: {got}"
            raise Mismatch("GG027", message, "axes that are summed over together have one size", about=1)
    return {"axes": pair}


@composite(
    canonical=_contracted_axes,
    formula="y[..., i, j, ...] = sum(a[..., i, k] * b[k, j, ...] for k)",
    examples=(
        example(("m", "n", "k"), ("n", "k", "p")),
        example(("m", "n"), ("n", "k"), axes=1),
        example(("m", "n", "k"), ("k", "m"), axes=((0, 2), (1, 0))),
    ),
)
def tensordot(a: Any, b: Any, /, *, axes: Any = 2) -> Any:
    """Sum of products over axes of both: the last of a and the first of b, so many, or a pair of tuples of axes."""
    letters = iter(ascii_letters)
    left = [next(letters) for _ in range(a.ndim)]
    shared = dict(zip(axes[1], axes[0], strict=True))
    right = [left[shared[axis]] if axis in shared else next(letters) for axis in range(b.ndim)]
    output = [each for axis, each in enumerate(left) if axis not in axes[0]]
    output += [each for axis, each in enumerate(right) if axis not in axes[1]]
    return ops.einsum(f"{''.join(left)},{''.join(right)}->{''.join(output)}", a, b)


@composite(
    canonical=_floats("kron"),
    formula="y[i * p + k, j * q + l] = a[i, j] * b[k, l]",
    examples=(example(("m", "n"), ("p", 3)), example(("m", "n"), ("k",))),
)
def kron(a: Any, b: Any, /) -> Any:
    """Kronecker product: a block for each element of a, which is that element times b."""
    ndim = max(a.ndim, b.ndim)
    a, b = (ops.reshape(x, shape=(*(1,) * (ndim - x.ndim), *x.shape)) if x.ndim < ndim else x for x in (a, b))
    if not ndim:
        return a * b
    shape = tuple(sizes.product(pair) for pair in zip(a.shape, b.shape, strict=True))
    of_a, of_b = tuple(range(0, 2 * ndim, 2)), tuple(range(1, 2 * ndim, 2))  # the axes of a's and b's elements
    return ops.reshape(ops.expand_dims(a, axis=of_b) * ops.expand_dims(b, axis=of_a), shape=shape)
