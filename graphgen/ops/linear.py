"""Rows that are linear in each operand, in adjoint pairs: the maths, the shape rule, the transpose, the spelling.

``transpose(place, g, *operands, **attributes)`` answers the gradient of the operand at `place` for the gradient `g` of
the output: the adjoint of the linear map that the other operands fix.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import (
    FULL,
    axes_of,
    axis_of,
    indexed,
    key_of,
    key_text,
    reshaped,
    shape_of,
    size_of,
    whole,
    without,
)
from graphgen.ops.table import Mismatch, Type, dtype_of, linear

# Precedences of spellings: see graphgen.targets.printer.
from graphgen.targets.precedence import MATMUL


def _axis_text(axis: tuple[int, ...], ndim: int) -> str:
    if axis == tuple(range(ndim)):
        return ""
    return f"axis={axis[0]}" if len(axis) == 1 else f"axis={axis}"


def _reduction_axes(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
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
    canonical = _reduction_axes

    def infer(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
        if x.dtype == "bool":
            raise Mismatch("GG030", "bools cannot be summed", 'count them with ops.cast(x, "float").sum()')
        return Type(without(x.shape, axis, keepdims), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any, keepdims: bool) -> Any:
        return ops.broadcast_to(expand_to(g, x, axis, keepdims), shape=x.shape)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        keywords = [_axis_text(axis, x.ndim), "keepdims=True" if keepdims else ""]
        return f"{{0:atom}}.sum({', '.join(filter(None, keywords))})"


@linear
class mean:
    """Mean over axes; all of them unless said."""

    formula = "y = sum(x[i] for i along axis) / n"

    def canonical(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
        if x.dtype != "float":
            raise Mismatch("GG031", f"a mean needs floats, got {x.dtype}", 'convert with ops.cast(x, "float")', about=0)
        return _reduction_axes(x, axis=axis, keepdims=keepdims)

    def infer(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
        return Type(without(x.shape, axis, keepdims), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any, keepdims: bool) -> Any:
        count = sizes.product(tuple(x.shape[each] for each in axis))
        return ops.broadcast_to(expand_to(g / count, x, axis, keepdims), shape=x.shape)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        keywords = [_axis_text(axis, x.ndim), "keepdims=True" if keepdims else ""]
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
class matmul:
    """Matrix product over the last two axes, broadcasting the others; a vector is a row on the left, a column on the right."""

    formula = "y[..., i, j] = sum(a[..., i, k] * b[..., k, j] for k)"

    def infer(a: Type, b: Type, /) -> Type:
        _floats("matmul", a, b)
        if not a.ndim or not b.ndim:
            raise Mismatch("GG021", f"a scalar has no axis to multiply over: {a} @ {b}", "multiply scalars with *")
        inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
        if not sizes.equal(a.shape[-1], inner):
            raise _inner_mismatch(a, b, inner)
        batch = sizes.broadcast(a.shape[:-2], b.shape[:-2])
        if batch is None:
            raise Mismatch("GG021", f"batch axes do not broadcast: {a} @ {b}", "all axes but the last two must be equal or 1")
        return Type(batch + a.shape[-2:-1] + (b.shape[-1:] if b.ndim > 1 else ()), "float")

    def transpose(place: int, g: Any, a: Any, b: Any, /) -> Any:
        if a.ndim == 1 and b.ndim == 1:
            return g * (a if place else b)
        if place == 0:
            return _matmul_left(g, a, b)
        return _matmul_right(g, a, b)

    def numpy(a: Type, b: Type, /) -> tuple[str, int]:
        return "{0:matmul} @ {1:atom}", MATMUL


def _floats(op: str, *types: Type) -> None:
    for place, each in enumerate(types):
        if each.dtype != "float":
            help = f'convert with ops.cast({{{place}}}, "float")'
            raise Mismatch("GG031", f"needs floats, got {each.dtype}", help, about=place)


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


@linear
class contraction:
    """A sum of products over shared axes: an einsum in normal form, which is its own adjoint."""

    formula = "y[out] = sum(product of operands over letters not in out)"

    def infer(*xs: Type, subscripts: Any) -> Type:
        inputs, output = subscripts
        size_of = {letter: size for letters, x in zip(inputs, xs, strict=True) for letter, size in zip(letters, x.shape, strict=True)}
        return Type(tuple(size_of[letter] for letter in output), "float")

    def transpose(place: int, g: Any, *xs: Any, subscripts: Any) -> Any:
        inputs, output = subscripts
        others = [each for each in range(len(xs)) if each != place]
        letters = (output, *(inputs[each] for each in others))
        return ops.contraction(g, *(xs[each] for each in others), subscripts=(letters, inputs[place]))

    def numpy(*xs: Type, subscripts: Any) -> str:
        inputs, output = subscripts
        places = ", ".join(f"{{{place}}}" for place in range(len(xs)))
        return f'np.einsum("{",".join(inputs)}->{output}", {places})'


def _arrays(arrays: Any, *others: Any, axis: Any = 0) -> tuple[Any, Any]:
    if not isinstance(arrays, (tuple, list)):
        return (arrays, *others), {"axis": axis}
    return tuple(arrays), {"axis": others[0] if others else axis}


def _one_dtype(xs: Sequence[Type]) -> str:
    for place, x in enumerate(xs):
        if x.dtype != xs[0].dtype:
            raise Mismatch("GG030", f"dtypes differ: {xs[0].dtype} and {x.dtype}", "convert with ops.cast", about=place)
    return xs[0].dtype


def _total(xs: Sequence[Any], axis: int) -> sizes.Size:
    total: sizes.Size = 0
    for x in xs:
        total = total + x.shape[axis]
    return total


@linear
class concat:
    """Join arrays along an axis."""

    formula = "y = x0 followed by x1, ... along axis"
    jointly = True
    call = _arrays

    def canonical(*xs: Type, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, xs[0].ndim)}

    def infer(*xs: Type, axis: Any = 0) -> Type:
        for place, x in enumerate(xs):
            if x.ndim != xs[0].ndim:
                raise Mismatch("GG024", f"ranks differ: {xs[0]} and {x}", "ops.stack joins along a new axis", about=place)
            if not sizes.same(without(x.shape, (axis,)), without(xs[0].shape, (axis,))):
                raise Mismatch("GG024", f"shapes differ off axis {axis}: {xs[0]} and {x}", "only the joined axis may differ", about=place)
        return Type((*xs[0].shape[:axis], _total(xs, axis), *xs[0].shape[axis + 1 :]), _one_dtype(xs))

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, axis: int) -> Any:
        start = _total(xs[:place], axis)
        stop = _total(xs[: place + 1], axis) if place < len(xs) - 1 else None
        return ops.getitem(g, key=(*(FULL,) * axis, (start or None, stop, None), *(FULL,) * (g.ndim - axis - 1)))

    def numpy(*xs: Type, axis: int) -> str:
        return f"np.concatenate(({', '.join(f'{{{place}}}' for place in range(len(xs)))}{',' * (len(xs) == 1)}), axis={axis})"


@linear
class stack:
    """Join arrays of one shape along a new axis."""

    formula = "y[..., i, ...] = x_i"
    jointly = True
    call = _arrays

    def canonical(*xs: Type, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, xs[0].ndim + 1)}

    def infer(*xs: Type, axis: Any = 0) -> Type:
        for place, x in enumerate(xs):
            if not sizes.same(x.shape, xs[0].shape):
                raise Mismatch("GG024", f"shapes differ: {xs[0]} and {x}", "stack takes arrays of one shape", about=place)
        return Type((*xs[0].shape[:axis], len(xs), *xs[0].shape[axis:]), _one_dtype(xs))

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, axis: int) -> Any:
        return ops.getitem(g, key=(*(FULL,) * axis, place, *(FULL,) * (g.ndim - axis - 1)))

    def numpy(*xs: Type, axis: int) -> str:
        return f"np.stack(({', '.join(f'{{{place}}}' for place in range(len(xs)))}{',' * (len(xs) == 1)}), axis={axis})"


@linear
class getitem:
    """A part of x by ints and slices, one entry for each axis."""

    formula = "y = x[key]"
    view = True

    def canonical(x: Type, /, *, key: Any) -> dict[str, Any]:
        return {"key": key_of(x, key)}

    def infer(x: Type, /, *, key: Any) -> Type:
        return Type(indexed(x.shape, key), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, key: Any) -> Any:
        return ops.assemble(g, keys=(key,), shape=x.shape)

    def numpy(x: Type, /, *, key: Any) -> str:
        return f"{{0:atom}}[{key_text(key)}]"


@linear
class assemble:
    """Zeros into which each operand is added at its key: the adjoint of several slices of one array."""

    formula = "y[keys[i]] += x_i"
    jointly = True

    def infer(*xs: Type, keys: Any, shape: Any) -> Type:
        return Type(shape, "float")

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, keys: Any, shape: Any) -> Any:
        return ops.getitem(g, key=keys[place])

    def numpy(*xs: Type, keys: Any, shape: Any) -> str:
        raise AssertionError("written as several statements: see graphgen.emit")


@linear
class pad:
    """Surround by `value`; `pad_width` is (before, after) for each axis, or one such pair for all."""

    formula = "y[before : before + n] = x, value elsewhere"
    tangent_attributes = MappingProxyType({"value": 0.0})

    def canonical(x: Type, /, *, pad_width: Any, value: Any) -> dict[str, Any]:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
            raise Mismatch("GG005", f"the value of a pad is a number, got {brief(value)}", "leave it out for 0")
        return {"pad_width": _pad_width(x, pad_width), "value": float(value)}

    def infer(x: Type, /, *, pad_width: Any, value: Any = 0.0) -> Type:
        _floats("pad", x)
        return Type(tuple(before + size + after for size, (before, after) in zip(x.shape, pad_width, strict=True)), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, pad_width: Any, value: float) -> Any:
        return ops.getitem(g, key=tuple((before or None, -after or None, None) for before, after in pad_width))

    def numpy(x: Type, /, *, pad_width: Any, value: float) -> str:
        width = f"({', '.join(map(str, pad_width))}{',' * (len(pad_width) == 1)})"
        return f"np.pad({{0}}, {width}{f', constant_values={number_text(value)}' if value else ''})"


def number_text(value: float) -> str:
    """A number as Python source; infinities and nan have no literal."""
    return repr(value) if np.isfinite(value) else f'float("{value!r}")'


def _pad_width(x: Type, width: Any) -> tuple[tuple[int, int], ...]:
    entries = width if isinstance(width, (tuple, list)) else (width, width)
    if entries and all(whole(each) is not None for each in entries):
        entries = (entries,) * x.ndim
    pairs = tuple(tuple(each) if isinstance(each, (tuple, list)) else (each, each) for each in entries)
    counts = [tuple(-1 if whole(each) is None else int(each) for each in pair) for pair in pairs]
    if len(pairs) != x.ndim or not all(len(pair) == 2 and min(pair) >= 0 for pair in counts):
        help = f"give {x.ndim} pairs (before, after) of ints, none below 0"
        raise Mismatch("GG027", f"pad_width {brief(width)} does not fit {x}", help, about=0)
    return tuple((before, after) for before, after in counts)


@linear
class take:
    """Slices of x along an axis, picked by an integer array; negative integers count from the end."""

    formula = "y[..., i, ...] = x[..., index[i], ...]"

    def canonical(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
        if axis is None and x.ndim != 1:
            raise Mismatch("GG023", f"which axis of {x}?", "give axis=")
        return {"axis": axis_of(0 if axis is None else axis, x.ndim)}

    def infer(x: Type, index: Type, /, *, axis: Any = None) -> Type:
        _integers(index)
        return Type(x.shape[:axis] + index.shape + x.shape[axis + 1 :], x.dtype)

    def transpose(place: int, g: Any, x: Any, index: Any, /, *, axis: int) -> Any:
        return ops.scatter_add(g, index, size=x.shape[axis], axis=axis)

    def numpy(x: Type, index: Type, /, *, axis: int) -> str:
        return "{0:atom}[{1}]" if axis == 0 and index.ndim else f"np.take({{0}}, {{1}}, axis={axis})"


def _integers(index: Type) -> None:
    if not index.dtype.startswith("int"):
        raise Mismatch("GG030", f"an index is made of integers, got {index.dtype}", 'declare it with dtype="int64"', about=1)


@linear
class scatter_add:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take."""

    formula = "y[..., index[i], ...] += updates[..., i, ...]"

    def canonical(updates: Type, index: Type, /, *, size: Any, axis: Any) -> dict[str, Any]:
        _floats("scatter_add", updates)
        _integers(index)
        place = axis_of(axis, updates.ndim - index.ndim + 1) if updates.ndim >= index.ndim else 0
        if not sizes.same(updates.shape[place : place + index.ndim], index.shape):
            message = f"updates {updates} do not hold the index's {index} at axis {place}"
            raise Mismatch("GG027", message, "the updates have the index's axes at this place", about=0)
        return {"size": size_of(size), "axis": place}

    def infer(updates: Type, index: Type, /, *, size: Any, axis: Any = 0) -> Type:
        return Type((*updates.shape[:axis], size, *updates.shape[axis + index.ndim :]), "float")

    def transpose(place: int, g: Any, updates: Any, index: Any, /, *, size: Any, axis: int) -> Any:
        return ops.take(g, index, axis=axis)

    def numpy(updates: Type, index: Type, /, *, size: Any, axis: int) -> str:
        return f"scatter_add({{0}}, {{1}}, {sizes.text(size)}{f', axis={axis}' if axis else ''})"


@linear
class take_along_axis:
    """Elements of x along an axis, picked by an integer array of as many axes."""

    formula = "y[..., i, ...] = x[..., index[..., i, ...], ...]"

    def canonical(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, x.ndim)}

    def infer(x: Type, index: Type, /, *, axis: Any = -1) -> Type:
        _integers(index)
        if index.ndim != x.ndim or not sizes.same(without(index.shape, (axis,)), without(x.shape, (axis,))):
            raise Mismatch("GG027", f"index {index} does not fit {x} off axis {axis}", "all other sizes must be equal", about=1)
        return Type(index.shape, x.dtype)

    def transpose(place: int, g: Any, x: Any, index: Any, /, *, axis: int) -> Any:
        return ops.scatter_add_along_axis(g, index, size=x.shape[axis], axis=axis)

    def numpy(x: Type, index: Type, /, *, axis: int) -> str:
        return f"np.take_along_axis({{0}}, {{1}}, axis={axis})"


@linear
class scatter_add_along_axis:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take_along_axis."""

    formula = "y[..., index[..., i, ...], ...] += updates[..., i, ...]"

    def canonical(updates: Type, index: Type, /, *, size: Any, axis: Any) -> dict[str, Any]:
        _floats("scatter_add_along_axis", updates)
        _integers(index)
        if not sizes.same(updates.shape, index.shape):
            message = f"updates {updates} and index {index} differ in shape"
            raise Mismatch("GG027", message, "give one index for each update", about=1)
        return {"size": size_of(size), "axis": axis_of(axis, updates.ndim)}

    def infer(updates: Type, index: Type, /, *, size: Any, axis: Any = -1) -> Type:
        return Type((*updates.shape[:axis], size, *updates.shape[axis + 1 :]), "float")

    def transpose(place: int, g: Any, updates: Any, index: Any, /, *, size: Any, axis: int) -> Any:
        return ops.take_along_axis(g, index, axis=axis)

    def numpy(updates: Type, index: Type, /, *, size: Any, axis: int) -> str:
        shape = sizes.shape_text((*updates.shape[:axis], size, *updates.shape[axis + 1 :]))
        return f"scatter_add_along_axis({{0}}, {{1}}, {shape}, axis={axis})"


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
