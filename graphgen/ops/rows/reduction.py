"""Reductions of x along axes. Sums and means are linear; others give their weights: dy = sum(weights * dx),
d_x = weights * broadcast(d_y)."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.ops.axes import axis_text, reduction_axes, without
from graphgen.ops.broadcasting import expand_to
from graphgen.ops.table import Mismatch, Type, example, linear, reduction


@linear
class sum:
    """Sum over axes; all of them unless said."""

    formula = "y = sum(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
    canonical = reduction_axes

    def infer(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
        if x.dtype == "bool":
            raise Mismatch("GG030", "bools cannot be summed", 'count them with ops.cast(x, "float").sum()')
        return Type(without(x.shape, axis, keepdims), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any, keepdims: bool) -> Any:
        return ops.broadcast_to(expand_to(g, x, axis, keepdims), shape=x.shape)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        keywords = [axis_text(axis, x.ndim), "keepdims=True" if keepdims else ""]
        return f"{{0:atom}}.sum({', '.join(filter(None, keywords))})"


@linear
class mean:
    """Mean over axes; all of them unless said."""

    formula = "y = sum(x[i] for i along axis) / n"
    examples = (example(("m", "n"), axis=0),)
    of_scalar = True

    def canonical(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
        if x.dtype != "float":
            raise Mismatch("GG031", f"a mean needs floats, got {x.dtype}", 'convert with ops.cast(x, "float")', about=0)
        return reduction_axes(x, axis=axis, keepdims=keepdims)

    def infer(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
        return Type(without(x.shape, axis, keepdims), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any, keepdims: bool) -> Any:
        count = sizes.product(tuple(x.shape[each] for each in axis))
        return ops.broadcast_to(expand_to(g / count, x, axis, keepdims), shape=x.shape)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        keywords = [axis_text(axis, x.ndim), "keepdims=True" if keepdims else ""]
        return f"{{0:atom}}.mean({', '.join(filter(None, keywords))})"


def _tied(x: Any, y: Any, policies: Any, axis: tuple[int, ...]) -> Any:
    """Where x equals y: shared evenly, or given to the first, as the ties policy says."""
    mask = ops.equal(x, y, name="mask")
    if policies.ties == "first":
        return ops.cast(ops.first_true(mask, axis=axis), dtype="float")
    chosen = ops.cast(mask, dtype="float")
    return chosen / ops.sum(chosen, axis=axis, keepdims=True)


def _extremum(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    attributes = reduction_axes(x, axis=axis, keepdims=keepdims)
    for each in attributes["axis"]:
        if isinstance(x.shape[each], int) and x.shape[each] == 0:
            raise Mismatch(
                "GG023", f"axis {each} of {x} is empty: it has no largest element", "give it a size", about=0
            )
    return attributes


def _infer(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
    if x.dtype == "bool":
        raise Mismatch("GG030", "needs numbers, got bool", 'convert with ops.cast(x, "float")', about=0)
    return Type(without(x.shape, axis, keepdims), x.dtype)


@reduction
class max:
    """Largest element along axes; the gradient is shared by ties, or goes to the first."""

    formula = "y = max(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
    canonical = _extremum
    infer = _infer

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any) -> Any:
        return _tied(x, y, policies, axis)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return (
            f"{{0:atom}}.max({', '.join(filter(None, [axis_text(axis, x.ndim), 'keepdims=True' if keepdims else '']))})"
        )


@reduction
class min:
    """Smallest element along axes; the gradient is shared by ties, or goes to the first."""

    formula = "y = min(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
    canonical = _extremum
    infer = _infer

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any) -> Any:
        return _tied(x, y, policies, axis)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return (
            f"{{0:atom}}.min({', '.join(filter(None, [axis_text(axis, x.ndim), 'keepdims=True' if keepdims else '']))})"
        )


@reduction
class finite_max:
    """Largest element along axes, kept with size 1, and 0 where that is not finite: a shift that leaves nothing infinite."""

    formula = "y = m if isfinite(m) else 0, for m = max(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1, keepdims=True),)
    of_scalar = True
    canonical = _extremum
    infer = _infer
    stops = True

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return f"finite_max({{0}}, axis={axis[0] if len(axis) == 1 else axis})"
