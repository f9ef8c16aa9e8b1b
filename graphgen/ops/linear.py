"""Rows that are linear in each operand, in adjoint pairs: the maths, the shape rule, the transpose, the spelling.

``transpose(place, g, *operands, **attributes)`` answers the gradient of the operand at `place` for the gradient `g` of
the output: the adjoint of the linear map that the other operands fix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axes_of, axis_of, key_text, reshaped, shape_of, without
from graphgen.ops.table import Mismatch, Type, dtype_of, linear


def axis_text(axis: tuple[int, ...], ndim: int) -> str:
    """The keyword that says these axes, nothing for all of them."""
    if axis == tuple(range(ndim)):
        return ""
    return f"axis={axis[0]}" if len(axis) == 1 else f"axis={axis}"


def reduction_axes(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    """The attributes of a reduction in canonical form."""
    if not isinstance(keepdims, (bool, np.bool_)):
        raise Mismatch("GG005", f"keepdims is True or False, got {brief(keepdims)}", "leave it out for False")
    return {"axis": axes_of(axis, x.ndim), "keepdims": bool(keepdims)}


def expand_to(g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The gradient `g` of a reduction of `x` with the reduced axes back, of size 1."""
    return g if keepdims or not axis or not g.shape else ops.expand_dims(g, axis=axis)


@linear
class sum:
    """Sum over axes; all of them unless said."""

    formula = "y = sum(x[i] for i along axis)"
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


@linear
class broadcast_to:
    """Repeat along axes of size 1 and new leading axes."""

    formula = "y[..., i, ...] = x[..., 0, ...]"
    view = True

    def canonical(x: Type, /, *, shape: Any) -> dict[str, Any]:
        target = shape_of(shape)
        if len(target) < x.ndim or not sizes.same(sizes.broadcast(x.shape, target) or (), target):
            raise Mismatch("GG020", f"{x} does not broadcast to {sizes.shape_text(target)}", "a size must be equal or 1")
        return {"shape": target}

    def infer(x: Type, /, *, shape: Any) -> Type:
        return Type(shape, x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, shape: Any) -> Any:
        return unbroadcast(g, x.shape)

    def numpy(x: Type, /, *, shape: Any) -> str:
        return f"np.broadcast_to({{0}}, {sizes.shape_text(shape)})"


def unbroadcast(g: Any, shape: sizes.Shape) -> Any:
    """Sum `g` over the axes along which a value of `shape` was repeated to get g's shape: the adjoint of broadcasting."""
    leading = g.ndim - len(shape)
    ones = tuple(
        leading + axis
        for axis, size in enumerate(shape)
        if isinstance(size, int) and size == 1 and not (isinstance(g.shape[leading + axis], int) and g.shape[leading + axis] == 1)
    )
    if ones:
        g = ops.sum(g, axis=ones, keepdims=True)
    return ops.sum(g, axis=tuple(range(leading))) if leading else g


@linear
class expand_dims:
    """Add axes of size 1; `axis` counts in the result."""

    formula = "y[..., 0, ...] = x[...]"
    view = True

    def canonical(x: Type, /, *, axis: Any) -> dict[str, Any]:
        count = len(axis) if isinstance(axis, (tuple, list)) else 1
        return {"axis": axes_of(axis, x.ndim + count)}

    def infer(x: Type, /, *, axis: Any) -> Type:
        rest = iter(x.shape)
        return Type(tuple(1 if place in axis else next(rest) for place in range(x.ndim + len(axis))), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any) -> Any:
        return ops.squeeze(g, axis=axis)

    def numpy(x: Type, /, *, axis: Any) -> str:
        entries = ["None" if place in axis else ":" for place in range(x.ndim + len(axis))]
        while entries[-1] == ":":
            entries.pop()
        if len(entries) > 3 and set(entries[:-1]) == {":"}:
            entries[:-1] = ["..."]
        return f"{{0:atom}}[{', '.join(entries)}]"


@linear
class squeeze:
    """Remove axes of size 1."""

    formula = "y[...] = x[..., 0, ...]"
    view = True

    def canonical(x: Type, /, *, axis: Any) -> dict[str, Any]:
        ones = tuple(place for place, size in enumerate(x.shape) if isinstance(size, int) and size == 1)
        axes = ones if axis is None else axes_of(axis, x.ndim)
        for each in axes:
            if each not in ones:
                raise Mismatch("GG023", f"axis {each} of {x} is not of size 1", "squeeze removes axes of size 1 alone")
        return {"axis": axes}

    def infer(x: Type, /, *, axis: Any = None) -> Type:
        return Type(without(x.shape, axis), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any) -> Any:
        return ops.expand_dims(g, axis=axis) if axis else g

    def numpy(x: Type, /, *, axis: Any) -> str:
        return f"{{0:atom}}[{key_text(tuple(0 if place in axis else FULL for place in range(x.ndim)))}]"


@linear
class transpose:
    """Permute axes; reverse them unless said."""

    formula = "y[j, i] = x[i, j]"
    view = True

    def canonical(x: Type, /, *, axes: Any) -> dict[str, Any]:
        if axes is not None and not isinstance(axes, (tuple, list)):
            raise Mismatch("GG023", f"axes are a tuple of ints, got {brief(axes)}", "name each axis once")
        order = tuple(range(x.ndim))[::-1] if axes is None else tuple(axis_of(axis, x.ndim) for axis in axes)
        if sorted(order) != list(range(x.ndim)):
            raise Mismatch("GG023", f"axes {order!r} do not permute the {x.ndim} axes of {x}", "name each axis once")
        return {"axes": order}

    def infer(x: Type, /, *, axes: Any = None) -> Type:
        return Type(tuple(x.shape[axis] for axis in axes), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axes: Any) -> Any:
        return ops.transpose(g, axes=tuple(map(axes.index, range(len(axes)))))

    def numpy(x: Type, /, *, axes: Any) -> str:
        if axes == tuple(range(x.ndim))[::-1]:
            return "{0:atom}.T"
        moved = [axis for place, axis in enumerate(axes) if place != axis]
        if len(moved) == 2:
            return f"{{0:atom}}.swapaxes({min(moved)}, {max(moved)})"
        return f"{{0:atom}}.transpose({', '.join(map(str, axes))})"


@linear
class reshape:
    """The same elements in another shape; one size may be -1."""

    formula = "y.flat[i] = x.flat[i]"
    view = True

    def canonical(x: Type, /, *, shape: Any) -> dict[str, Any]:
        return {"shape": reshaped(x, shape)}

    def infer(x: Type, /, *, shape: Any) -> Type:
        return Type(shape, x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, shape: Any) -> Any:
        return ops.reshape(g, shape=x.shape)

    def numpy(x: Type, /, *, shape: Any) -> str:
        inside = ", ".join(map(sizes.text, shape))
        return f"{{0:atom}}.reshape({inside or '()'})"


@linear
class accumulate:
    """The sum of arrays of one shape: where a value has several readers, their gradients add."""

    formula = "y = x0 + x1 + ..."
    jointly = True

    def infer(*xs: Type) -> Type:
        return xs[0]

    def transpose(place: int, g: Any, xs: Sequence[Any], /) -> Any:
        return g

    def numpy(*xs: Type) -> str:
        raise AssertionError("written as a sum: see graphgen.emit")


@linear
class cast:
    """Convert to "float" (the model's float type), "int64", "int32" or "bool"."""

    formula = "y = x"
    stops = False

    def canonical(x: Type, /, *, dtype: Any) -> dict[str, Any]:
        return {"dtype": dtype_of(dtype)}

    def infer(x: Type, /, *, dtype: Any) -> Type:
        return Type(x.shape, dtype)

    def transpose(place: int, g: Any, x: Any, /, *, dtype: str) -> Any:
        return g

    def numpy(x: Type, /, *, dtype: str) -> str:
        return f"{{0:atom}}.astype({'_float' if dtype == 'float' else f'np.{dtype}'})"
