"""Exponentials along axes, shifted so that none overflows."""

from __future__ import annotations

from typing import Any

from graphgen import ops
from graphgen.ops.axes import axis_of, reduction_axes
from graphgen.ops.table import Mismatch, Type, composite, example

SHIFT = "shifted so that exp cannot overflow"


def _one_axis(x: Type, /, *, axis: Any) -> dict[str, Any]:
    if x.dtype != "float":
        raise Mismatch("GG031", f"needs floats, got {x.dtype}", 'convert with ops.cast(x, "float")', about=0)
    return {"axis": axis_of(axis, x.ndim)}


@composite(
    canonical=_one_axis,
    formula="y[i] = exp(x[i]) / sum(exp(x[k]) for k along axis)",
    note=SHIFT,
    examples=(example(("m", "n"), axis=1),),
)
def softmax(x: Any, /, *, axis: Any = -1) -> Any:
    """Exponentials along an axis, scaled to sum to 1."""
    exponentials = ops.exp(shifted(x, (axis,)), name="exp")
    return exponentials / ops.sum(exponentials, axis=axis, keepdims=True, name="total")


@composite(
    canonical=_one_axis,
    formula="y[i] = x[i] - log(sum(exp(x[k]) for k along axis))",
    note=SHIFT,
    examples=(example(("m", "n"), axis=1),),
)
def log_softmax(x: Any, /, *, axis: Any = -1) -> Any:
    """Logarithm of softmax."""
    from_maximum = shifted(x, (axis,))
    return from_maximum - ops.log(ops.sum(ops.exp(from_maximum, name="exp"), axis=axis, keepdims=True, name="total"))


def shifted(x: Any, axis: tuple[int, ...]) -> Any:
    """x minus its largest element along `axis`, or minus 0 where that is not finite.

    The shift is a constant to every derivative: it cancels exactly in what is computed of it.
    """
    return ops.subtract(x, ops.finite_max(x, axis=axis, keepdims=True), name="shifted")


def _reduction(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    if x.dtype != "float":
        raise Mismatch("GG031", f"needs floats, got {x.dtype}", 'convert with ops.cast(x, "float")', about=0)
    return reduction_axes(x, axis=axis, keepdims=keepdims)


@composite(
    canonical=_reduction,
    formula="y = log(sum(exp(x[i]) for i along axis))",
    note=SHIFT,
    examples=(example(("m", "n"), axis=1),),
)
def logsumexp(x: Any, /, *, axis: Any = None, keepdims: Any = False) -> Any:
    """Logarithm of the sum of exponentials along axes."""
    shift = ops.finite_max(x, axis=axis, keepdims=True, name="max")
    total = ops.sum(ops.exp(ops.subtract(x, shift, name="shifted"), name="exp"), axis=axis, keepdims=True, name="total")
    result = ops.log(total) + shift
    return result if keepdims or not axis else ops.squeeze(result, axis=axis)
