"""Products of arrays, linear in each operand. See ``layout.py`` for the rules."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.ops.broadcasting import unbroadcast
from graphgen.ops.table import Mismatch, Type, example, linear, need_floats
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

    def numpy(a: Type, b: Type, /) -> tuple[str, int]:
        return "{0:matmul} @ {1:atom}", MATMUL


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
        rows = ops.reshape(a, shape=(-1, a.shape[-1])) if a.ndim > 2 else a
        return ops.transpose(rows) @ (ops.reshape(g, shape=(-1,)) if g.ndim > 1 else g)
    if b.ndim == 2 and a.ndim > 2:  # one product instead of a batch of them and a sum
        return ops.transpose(ops.reshape(a, shape=(-1, a.shape[-1]))) @ ops.reshape(g, shape=(-1, g.shape[-1]))
    return unbroadcast(_swapped(a) @ g, b.shape)


def _swapped(x: Any) -> Any:
    return ops.transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))
