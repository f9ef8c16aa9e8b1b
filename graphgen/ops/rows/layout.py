"""Shapes and axes: ops that arrange elements, repeat them, or convert them. Linear, in adjoint pairs.

``transpose(place, g, *operands, **attributes)`` answers the gradient of the operand at `place` for the gradient `g` of
the output: the adjoint of the linear map that the other operands fix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axes_of, axis_of, key_text, reshaped, shape_of, without
from graphgen.ops.broadcasting import unbroadcast
from graphgen.ops.table import Mismatch, Type, dtype_of, example, linear


@linear
class broadcast_to:
    """Repeat along axes of size 1 and new leading axes."""

    formula = "y[..., i, ...] = x[..., 0, ...]"
    examples = (example(("n",), shape=("m", "n")),)
    of_scalar = True
    view = True

    def canonical(x: Type, /, *, shape: Any) -> dict[str, Any]:
        target = shape_of(shape)
        if len(target) < x.ndim or not sizes.same(sizes.broadcast(x.shape, target) or (), target):
            raise Mismatch(
                "GG020", f"{x} does not broadcast to {sizes.shape_text(target)}", "a size must be equal or 1"
            )
        return {"shape": target}

    def infer(x: Type, /, *, shape: Any) -> Type:
        return Type(shape, x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, shape: Any) -> Any:
        return unbroadcast(g, x.shape)

    def numpy(x: Type, /, *, shape: Any) -> str:
        return f"np.broadcast_to({{0}}, {sizes.shape_text(shape)})"


@linear
class expand_dims:
    """Add axes of size 1; `axis` counts in the result."""

    formula = "y[..., 0, ...] = x[...]"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
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
    examples = (example(("m", 1, "n"), axis=1),)
    of_scalar = True
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
    examples = (example(("m", "n")),)
    of_scalar = True
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
    examples = (example(("m", "n"), shape=(-1,)),)
    of_scalar = True
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
    examples = (example(("m", "n"), ("m", "n")),)
    of_scalar = True
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
    examples = (example(("m", "n"), dtype="float"),)
    of_scalar = True

    def canonical(x: Type, /, *, dtype: Any) -> dict[str, Any]:
        return {"dtype": dtype_of(dtype)}

    def infer(x: Type, /, *, dtype: Any) -> Type:
        return Type(x.shape, dtype)

    def transpose(place: int, g: Any, x: Any, /, *, dtype: str) -> Any:
        return g

    def numpy(x: Type, /, *, dtype: str) -> str:
        return f"{{0:atom}}.astype({'_float' if dtype == 'float' else f'np.{dtype}'})"
