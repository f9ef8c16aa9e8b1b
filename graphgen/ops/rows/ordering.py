"""Sorting, the places of extreme elements, and selection by rank.

Places are integers, and no gradient passes to what they were found by. What is then taken from those places passes its
gradient back to them. Sorting is stable: of equal elements the first comes first, also in descending order. As in NumPy
nan counts as larger than any number; in descending order too it comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axis_of, flag, reduction_axes, whole, without
from graphgen.ops.flattening import as_rows
from graphgen.ops.operations import taking
from graphgen.ops.table import Mismatch, Type, composite, example, linear, several
from graphgen.source import part


def _need_elements(x: Type, count: sizes.Size) -> None:
    if isinstance(count, int) and count == 0:
        raise Mismatch("GG023", f"{x} has no element to choose along these axes", "give them a size", about=0)


def _place(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    if isinstance(axis, (tuple, list)):
        raise Mismatch("GG023", f"a place is counted along one axis, got {brief(axis)}", "None counts over all of them")
    attributes = reduction_axes(x, axis=axis, keepdims=keepdims)
    _need_elements(x, sizes.product(tuple(x.shape[each] for each in attributes["axis"])))
    return {"axis": None if axis is None else attributes["axis"][0], "keepdims": attributes["keepdims"]}


def _places(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
    reduced = tuple(range(x.ndim)) if axis is None else (axis,)
    return Type(without(x.shape, reduced, keepdims), "int64")


def _no_gradient(place: int, g: Any, x: Any, /, **attributes: Any) -> Any:
    raise AssertionError("no gradient passes")


def _mapped(name: str) -> Callable[..., Any]:
    """How a place is found for each entry of a new leading axis."""

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, axis: int | None, keepdims: bool) -> Any:
        (x,), find = operands, getattr(ops, name)
        if axis is not None:
            return find(x, axis=axis + 1, keepdims=keepdims)
        found = find(ops.reshape(x, shape=(x.shape[0], sizes.product(x.shape[1:]))), axis=1)
        return ops.expand_dims(found, axis=tuple(range(1, x.ndim))) if keepdims else found

    return mapped


def _call(name: str, axis: int | None, keepdims: bool) -> str:
    keywords = ["" if axis is None else f"axis={axis}", "keepdims=True" if keepdims else ""]
    return f"{{0:atom}}.{name}({', '.join(filter(None, keywords))})"


@linear
class argmax:
    """Place of the largest element along an axis, or in the flat array; the first of ties. No gradient passes."""

    formula = "y = argmax(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1), example(("m", "n")))
    stops = True
    canonical = _place
    infer = _places
    transpose = _no_gradient
    mapped = _mapped("argmax")
    operations = taking(comparisons=1)

    def numpy(x: Type, /, *, axis: int | None, keepdims: bool) -> str:
        return _call("argmax", axis, keepdims)


@linear
class argmin:
    """Place of the smallest element along an axis, or in the flat array; the first of ties. No gradient passes."""

    formula = "y = argmin(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1), example(("m", "n")))
    stops = True
    canonical = _place
    infer = _places
    transpose = _no_gradient
    mapped = _mapped("argmin")
    operations = taking(comparisons=1)

    def numpy(x: Type, /, *, axis: int | None, keepdims: bool) -> str:
        return _call("argmin", axis, keepdims)


def _sorting(x: Type, /, *, axis: Any, descending: Any) -> dict[str, Any]:
    return {"axis": axis_of(axis, x.ndim), "descending": flag("descending", descending)}


@linear
class argsort:
    """Places of the elements in rising order along an axis, or in falling order; stable. No gradient passes."""

    formula = "y = argsort(x)"
    examples = (example(("m", "n"), axis=1), example(("m", "n"), axis=0, descending=True))
    stops = True
    canonical = _sorting
    transpose = _no_gradient
    operations = taking(argsort=1)

    def infer(x: Type, /, *, axis: Any = -1, descending: Any = False) -> Type:
        return Type(x.shape, "int64")

    def numpy(x: Type, /, *, axis: int, descending: bool) -> str:
        # Of integers and bools ~ turns the order round, and never overflows as - does.
        turned = "" if not descending else "-" if x.dtype == "float" else "~"
        return f'np.argsort({turned}{{0{":atom" if turned else ""}}}, axis={axis}, kind="stable")'


@composite(
    canonical=_sorting,
    formula="y = sort(x)",
    examples=(example(("m", "n"), axis=1), example(("m", "n"), axis=0, descending=True)),
)
def sort(x: Any, /, *, axis: Any = -1, descending: Any = False) -> Any:
    """The elements in rising order along an axis, or in falling order; each gradient goes to where its element was."""
    order = ops.argsort(x, axis=axis, descending=descending, name="order")
    return ops.take_along_axis(x, order, axis=axis)


def _top(x: Type, /, *, k: Any, axis: Any, largest: Any) -> dict[str, Any]:
    place, count = axis_of(axis, x.ndim), whole(k)
    size = x.shape[place]
    if count is None or count < 0:
        raise Mismatch("GG005", f"k is a whole number, got {brief(k)}", "give the number of elements to choose")
    if not isinstance(size, int):
        message = f"{count} of an axis of size {sizes.text(size)}: there may be fewer"
        raise Mismatch("GG027", message, "declare {0} with a number for the size of this axis", about=0)
    if count > size:
        message = f"{count} of an axis of size {size}: {x}"
        raise Mismatch("GG027", message, f"give k up to {size}", about=0)
    return {"k": count, "axis": place, "largest": flag("largest", largest)}


@composite(
    canonical=_top,
    stops=True,
    formula="y = argsort(x)[:k]",
    examples=(example((4, "n"), k=2, axis=0), example(("m", 4), k=2, largest=False)),
)
def topk_indices(x: Any, /, *, k: Any, axis: Any = -1, largest: Any = True) -> Any:
    """Places of the k largest elements along an axis, or of the smallest, in that order. No gradient passes."""
    order = ops.argsort(x, axis=axis, descending=largest, name="order")
    return ops.getitem(order, key=_between(x, axis, None, k))


@several(formula="values, indices = topk(x, k)", origin="torch", examples=(example((4, "n"), k=2, axis=0),))
def topk(x: Any, /, *, k: Any, axis: Any = -1, largest: Any = True) -> Iterator[Any]:
    """The k largest elements along an axis, or the smallest, in that order; and their places."""
    with part(1):
        indices = ops.topk_indices(x, k=k, axis=axis, largest=largest)
    yield ops.take_along_axis(x, indices, axis=axis)
    yield indices


def _between(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """The key of a slice along an axis."""
    return (*(FULL,) * axis, (start, stop, None), *(FULL,) * (x.ndim - axis - 1))


def _median(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    if x.dtype != "float":
        raise Mismatch("GG031", f"needs floats, got {x.dtype}", 'convert with ops.cast({0}, "float")', about=0)
    attributes = reduction_axes(x, axis=axis, keepdims=keepdims)
    _need_elements(x, sizes.product(tuple(x.shape[each] for each in attributes["axis"])))
    return attributes


@composite(
    canonical=_median,
    formula="y = (sort(x)[(n - 1) // 2] + sort(x)[n // 2]) / 2",
    examples=(example(("m", "n"), axis=1), example(("m", 1, "n"), axis=(0, 2)), example(("m", "n"))),
)
def median(x: Any, /, *, axis: Any = None, keepdims: Any = False) -> Any:
    """The element in the middle of the sorted ones over axes, all of them unless said; of two in the middle their mean."""
    rows, along = (x, axis[0]) if len(axis) == 1 else (as_rows(x, axis), x.ndim - len(axis))
    middle = _middle(rows, along)
    return ops.expand_dims(middle, axis=axis) if keepdims and axis else middle


def _middle(x: Any, axis: int) -> Any:
    """The median along one axis."""
    count = x.shape[axis]
    order = ops.argsort(x, axis=axis, name="order")
    if isinstance(count, int):
        picked = ops.getitem(order, key=_between(x, axis, (count - 1) // 2, count // 2 + 1), name="places")
        return ops.mean(ops.take_along_axis(x, picked, axis=axis), axis=axis)
    # Whether there are one or two in the middle is known only at run time: one counts twice.
    ranked = ops.take_along_axis(x, order, axis=axis, name="sorted")
    lower, upper = (_index(x, place, name) for place, name in (((count - 1) // 2, "lower"), (count // 2, "upper")))
    return (ops.take(ranked, lower, axis=axis) + ops.take(ranked, upper, axis=axis)) / 2


def _index(x: Any, place: sizes.Size, name: str) -> Any:
    """A place that is known only at run time, as an operand."""
    return ops.cast(x._apply("size", (), {"size": place}, None), dtype="int64", name=name)
