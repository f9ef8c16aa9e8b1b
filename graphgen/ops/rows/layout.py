"""Shapes and axes: ops that arrange elements, repeat them, or convert them. Linear, in adjoint pairs.

``transpose(place, g, *operands, **attributes)`` answers the gradient of the operand at `place` for the gradient `g` of
the output: the adjoint of the linear map that the other operands fix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axes_of, axis_of, key_text, reshaped, shape_of, without
from graphgen.ops.banding import Band, Entry, Split, entry_by_entry
from graphgen.ops.broadcasting import unbroadcast
from graphgen.ops.table import Mismatch, Type, composite, dtype_of, example, linear


@linear
class broadcast_to:
    """Repeat along axes of size 1 and new leading axes."""

    formula = "y[..., i, ...] = x[..., 0, ...]"
    examples = (example(("n",), shape=("m", "n")),)
    of_scalar = True
    view = True
    chooses = True

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
    chooses = True

    def canonical(x: Type, /, *, axis: Any) -> dict[str, Any]:
        count = len(axis) if isinstance(axis, (tuple, list)) else 1
        return {"axis": axes_of(axis, x.ndim + count)}

    def infer(x: Type, /, *, axis: Any) -> Type:
        rest = iter(x.shape)
        return Type(tuple(1 if place in axis else next(rest) for place in range(x.ndim + len(axis))), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any) -> Any:
        return ops.squeeze(g, axis=axis)

    def bands(place: int, x: Type, /, *, axis: Any) -> tuple[Entry, ...]:
        return tuple(each for each in range(x.ndim + len(axis)) if each not in axis)

    def numpy(x: Type, /, *, axis: Any) -> str:
        entries = ["None" if place in axis else ":" for place in range(x.ndim + len(axis))]
        if len(entries) > 3 and set(entries[:-1]) == {":"}:
            entries[:-1] = ["..."]
        while entries and entries[-1] == ":":
            entries.pop()
        return f"{{0:atom}}[{', '.join(entries) or '...'}]"


@linear
class squeeze:
    """Remove axes of size 1."""

    formula = "y[...] = x[..., 0, ...]"
    examples = (example(("m", 1, "n"), axis=1),)
    of_scalar = True
    view = True
    chooses = True

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

    def bands(place: int, x: Type, /, *, axis: Any) -> tuple[Entry, ...]:
        kept = [each for each in range(x.ndim) if each not in axis]
        return tuple(None if each in axis else kept.index(each) for each in range(x.ndim))

    def numpy(x: Type, /, *, axis: Any) -> str:
        return f"{{0:atom}}[{key_text(tuple(0 if place in axis else FULL for place in range(x.ndim)))}]"


@linear
class transpose:
    """Permute axes; reverse them unless said."""

    formula = "y[j, i] = x[i, j]"
    examples = (example(("m", "n")),)
    of_scalar = True
    view = True
    chooses = True

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

    def bands(place: int, x: Type, /, *, axes: Any) -> tuple[Entry, ...]:
        return tuple(map(axes.index, range(x.ndim)))

    def numpy(x: Type, /, *, axes: Any) -> str:
        if axes == tuple(range(x.ndim))[::-1]:
            return "{0:atom}.T"
        moved = [axis for place, axis in enumerate(axes) if place != axis]
        if len(moved) == 2:
            return f"{{0:atom}}.swapaxes({min(moved)}, {max(moved)})"
        return f"{{0:atom}}.transpose({', '.join(map(str, axes))})"


def _order(x: Type, /, *, axes: Any) -> dict[str, Any]:
    return {"axes": tuple(axis_of(axis, x.ndim) for axis in axes) if isinstance(axes, (tuple, list)) else axes}


@composite(
    canonical=_order,
    formula="y[j, i] = x[i, j]",
    origin="the array API standard",
    examples=(example(("m", "n", "k"), axes=(1, 2, 0)),),
)
def permute_dims(x: Any, /, *, axes: Any) -> Any:
    """The array API's name for transpose with axes."""
    return ops.transpose(x, axes=axes)


def _swapped(x: Type, /, *, axis1: Any, axis2: Any) -> dict[str, Any]:
    return {"axis1": axis_of(axis1, x.ndim), "axis2": axis_of(axis2, x.ndim)}


@composite(
    canonical=_swapped,
    formula="y[..., j, ..., i, ...] = x[..., i, ..., j, ...]",
    examples=(example(("m", "n", "k"), axis1=0, axis2=-1),),
)
def swapaxes(x: Any, /, *, axis1: Any, axis2: Any) -> Any:
    """Exchange two axes."""
    order = list(range(x.ndim))
    order[axis1], order[axis2] = axis2, axis1
    return ops.transpose(x, axes=order)


def _moves(x: Type, /, *, sources: Any, destinations: Any) -> dict[str, Any]:
    pairs = [each if isinstance(each, (tuple, list, range)) else (each,) for each in (sources, destinations)]
    start, end = (tuple(axis_of(axis, x.ndim) for axis in each) for each in pairs)
    for axes in (start, end):
        if len(set(axes)) < len(axes):
            raise Mismatch("GG023", f"an axis is given twice: {axes}", "name each axis once")
    if len(start) != len(end):
        message = f"{len(start)} ax{'es' if len(start) != 1 else 'is'} cannot be moved to {len(end)} places"
        raise Mismatch("GG023", message, "give one destination for each source")
    return {"sources": start, "destinations": end}


@composite(
    # A node's attribute "source" is where it is declared.
    call=lambda x, source, destination: ((x,), {"sources": source, "destinations": destination}),
    canonical=_moves,
    formula="y[..., i] = x[..., i, ...]",
    examples=(
        example(("m", "n", "k"), sources=0, destinations=-1),
        example(("m", "n", "k"), sources=(0, 1), destinations=(2, 0)),
    ),
)
def moveaxis(x: Any, /, *, sources: Any, destinations: Any) -> Any:
    """Move axes to other places; the rest stay in order."""
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(target, axis)
    return ops.transpose(x, axes=order)


def _groups(one: sizes.Shape, other: sizes.Shape) -> Iterator[tuple[list[int], list[int]]]:
    """The axes of two shapes that lie flat in the same order, in the smallest groups of equal size; not those of size 1."""
    left = [axis for axis, size in enumerate(one) if not sizes.equal(size, 1)]
    right = [axis for axis, size in enumerate(other) if not sizes.equal(size, 1)]
    while left and right:
        ours, theirs = [left.pop(0)], [right.pop(0)]
        mine, its = one[ours[0]], other[theirs[0]]
        while not sizes.equal(mine, its):
            if right and sizes.quotient(mine, its) is not None:
                theirs.append(right.pop(0))
                its = its * other[theirs[-1]]
            elif left and sizes.quotient(its, mine) is not None:
                ours.append(left.pop(0))
                mine = mine * one[ours[-1]]
            else:
                return
        yield ours, theirs


def _parts(shape: sizes.Shape, axes: list[int]) -> Iterator[tuple[int, tuple[sizes.Size, sizes.Size]]]:
    """Of each axis that is laid flat with others how far apart its elements lie, and how many they are."""
    step: sizes.Size = 1
    for axis in reversed(axes):
        yield axis, (step, shape[axis])
        step = step * shape[axis]


@linear
class reshape:
    """The same elements in another shape; one size may be -1."""

    formula = "y.flat[i] = x.flat[i]"
    examples = (example(("m", "n"), shape=(-1,)),)
    of_scalar = True
    view = True
    chooses = True

    def canonical(x: Type, /, *, shape: Any) -> dict[str, Any]:
        return {"shape": reshaped(x, shape)}

    def infer(x: Type, /, *, shape: Any) -> Type:
        return Type(shape, x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, shape: Any) -> Any:
        return ops.reshape(g, shape=x.shape)

    def bands(place: int, x: Type, /, *, shape: Any) -> tuple[Entry, ...]:
        entries: dict[int, Entry] = {}
        for ours, theirs in _groups(x.shape, shape):
            if len(ours) == 1 and len(theirs) == 1:
                entries[ours[0]] = theirs[0]
            elif len(theirs) == 1:
                entries |= {axis: Band(theirs[0], 0, 0, part) for axis, part in _parts(x.shape, ours)}
            elif len(ours) == 1:
                entries[ours[0]] = Split(tuple((part, axis) for axis, part in _parts(shape, theirs)))
        return tuple(map(entries.get, range(x.ndim)))

    def numpy(x: Type, /, *, shape: Any) -> str:
        inside = ", ".join(map(sizes.text, shape))
        return f"{{0:atom}}.reshape({inside or '()'})"


def _stretch(x: Type, /, *, start_axis: Any, end_axis: Any) -> dict[str, Any]:
    ndim = max(x.ndim, 1)
    start, end = axis_of(start_axis, ndim), axis_of(end_axis, ndim)
    if start > end:
        message = f"start_axis {start} comes after end_axis {end}"
        raise Mismatch("GG023", message, "the axes from the first to the last become one")
    return {"start_axis": start, "end_axis": end}


@composite(
    canonical=_stretch,
    formula="y.flat[i] = x.flat[i]",
    examples=(example(("m", "n", "k")), example(("n", "m", "k"), start_axis=1)),
    origin="torch",
)
def flatten(x: Any, /, *, start_axis: Any = 0, end_axis: Any = -1) -> Any:
    """The axes from the first to the last named as one; ``start_axis=1`` keeps an axis of batches."""
    size = sizes.product(x.shape[start_axis : end_axis + 1])
    return ops.reshape(x, shape=(*x.shape[:start_axis], size, *x.shape[end_axis + 1 :]))


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

    def operations(y: Type, *xs: Type) -> dict[str, sizes.Size]:
        return {"additions": (len(xs) - 1) * sizes.product(y.shape)}


@linear
class cast:
    """Convert to "float" (the model's float type), "int64", "int32" or "bool"."""

    formula = "y = x"
    origin = "tensorflow; the array API standard has astype"
    examples = (example(("m", "n"), dtype="float"),)
    of_scalar = True
    bands = entry_by_entry

    def canonical(x: Type, /, *, dtype: Any) -> dict[str, Any]:
        return {"dtype": dtype_of(dtype)}

    def infer(x: Type, /, *, dtype: Any) -> Type:
        return Type(x.shape, dtype)

    def transpose(place: int, g: Any, x: Any, /, *, dtype: str) -> Any:
        return g

    def numpy(x: Type, /, *, dtype: str) -> str:
        return f"{{0:atom}}.astype({'_float' if dtype == 'float' else f'np.{dtype}'})"
