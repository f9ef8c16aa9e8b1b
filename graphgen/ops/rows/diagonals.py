"""Diagonals and triangles of matrices. See ``layout.py`` for the rules."""

from __future__ import annotations

from typing import Any

import sympy as sp

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import axis_of, size_of, whole
from graphgen.ops.banding import entry_by_entry
from graphgen.ops.table import Mismatch, Type, composite, example, linear


def _two(axis1: Any, axis2: Any, ndim: int) -> dict[str, int]:
    """Two axes, counted from the front."""
    if ndim < 2:
        raise Mismatch("GG023", f"a matrix has two axes, got {ndim}", "ops.diag makes a matrix of a vector", about=0)
    one, other = axis_of(axis1, ndim), axis_of(axis2, ndim)
    if one == other:
        raise Mismatch("GG023", f"an axis is given twice: {(axis1, axis2)}", "a diagonal runs along two axes")
    return {"axis1": one, "axis2": other}


def _offset(offset: Any, keyword: str) -> int:
    place = whole(offset)
    if place is None:
        raise Mismatch("GG005", f"{keyword} is an int, got {brief(offset)}", "0 is the diagonal, 1 the one above it")
    return place


def _length(rows: sizes.Size, columns: sizes.Size, offset: int) -> sizes.Size:
    """How many elements a diagonal has; raises `Mismatch` where that depends on which of two sizes is larger."""
    rows, columns = rows + min(offset, 0), columns - max(offset, 0)
    shorter = _smaller(rows, columns)
    if shorter is not None and not offset:  # the size of an axis, and so not below 0
        return shorter
    least = None if shorter is None else _smaller(shorter, 0)
    if least is None:
        pair = " and ".join(map(sizes.text, (rows, columns)))
        help = "give both axes one size, or sizes that are ints"
        raise Mismatch(
            "GG027", f"how long the diagonal is depends on sizes: {pair} are left of its axes", help, about=0
        )
    return shorter if sizes.equal(least, 0) else 0  # beyond a corner it is empty


def _smaller(one: sizes.Size, other: sizes.Size) -> sizes.Size | None:
    if isinstance(one, int) and isinstance(other, int):
        return min(one, other)
    difference = sp.expand(one - other)
    if (difference >= 0) == True:
        return other
    return one if (difference <= 0) == True else None


@linear
class diagonal:
    """The diagonal of two axes, as a new last axis; `offset` counts upwards."""

    formula = "y[..., i] = x[i, i + offset, ...]"
    examples = (
        example((3, 4)),
        example(("m", "n", "n"), offset=1, axis1=-2, axis2=-1),
        example((3, "m", 4), offset=-1, axis1=2, axis2=0),
    )
    view = True
    chooses = True

    def canonical(x: Type, /, *, offset: Any, axis1: Any, axis2: Any) -> dict[str, Any]:
        return {"offset": _offset(offset, "offset"), **_two(axis1, axis2, x.ndim)}

    def infer(x: Type, /, *, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Type:
        rest = tuple(size for axis, size in enumerate(x.shape) if axis not in (axis1, axis2))
        return Type((*rest, _length(x.shape[axis1], x.shape[axis2], offset)), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, offset: int, axis1: int, axis2: int) -> Any:
        size = (x.shape[axis1], x.shape[axis2])
        return ops.diag_embed(g, offset=offset, axis1=axis1, axis2=axis2, sizes=size)

    def numpy(x: Type, /, *, offset: int, axis1: int, axis2: int) -> str:
        return f"np.diagonal({{0}}{_keywords(offset, axis1, axis2, (0, 1))})"


def _keywords(offset: int, axis1: int, axis2: int, usual: tuple[int, int]) -> str:
    text = f", offset={offset}" if offset else ""
    return text if (axis1, axis2) == usual else f"{text}, axis1={axis1}, axis2={axis2}"


@linear
class diag_embed:
    """Zeros with the last axis of x on the diagonal of two axes: the adjoint of diagonal; square unless `sizes` says."""

    formula = "y[..., i, i + offset] = x[..., i]"
    examples = (
        example(("m", "n")),
        example(("n",), offset=-1),
        example(("m", 3), offset=1, axis1=0, axis2=2, sizes=(3, 4)),
    )
    origin = "torch"
    adds_zeros = True

    def canonical(x: Type, /, *, offset: Any, axis1: Any, axis2: Any, sizes: Any) -> dict[str, Any]:
        if not x.ndim:
            raise Mismatch("GG023", "a scalar has no axis to put on a diagonal", "give it one with ops.expand_dims")
        offset = _offset(offset, "offset")
        length = x.shape[-1]
        if sizes is None:
            sizes = (length + abs(offset),) * 2
        elif not isinstance(sizes, (tuple, list)) or len(sizes) != 2:
            raise Mismatch("GG022", f"sizes are those of two axes, got {brief(sizes)}", "give two, or leave them out")
        pair = tuple(map(size_of, sizes))
        _check_length(pair, offset, length)
        return {"offset": offset, **_two(axis1, axis2, x.ndim + 1), "sizes": pair}

    def infer(x: Type, /, *, offset: Any = 0, axis1: Any = -2, axis2: Any = -1, sizes: Any = None) -> Type:
        shape = list(x.shape[:-1])
        for axis, size in sorted([(axis1, sizes[0]), (axis2, sizes[1])], key=lambda pair: pair[0]):
            shape.insert(axis, size)
        return Type(tuple(shape), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, offset: int, axis1: int, axis2: int, sizes: Any) -> Any:
        return ops.diagonal(g, offset=offset, axis1=axis1, axis2=axis2)

    def numpy(x: Type, /, *, offset: int, axis1: int, axis2: int, sizes: Any) -> str:
        usual = (x.ndim - 1, x.ndim)
        return f"diag_embed({{0}}, {_pair_text(sizes)}{_keywords(offset, axis1, axis2, usual)})"


def _pair_text(pair: tuple[sizes.Size, ...]) -> str:
    return sizes.shape_text(pair)


def _check_length(pair: tuple[sizes.Size, ...], offset: int, length: sizes.Size) -> None:
    expected = _length(pair[0], pair[1], offset)
    if not sizes.equal(expected, length):
        message = (
            f"the diagonal of {sizes.shape_text(pair)} has {sizes.text(expected)} elements, not {sizes.text(length)}"
        )
        raise Mismatch("GG027", message, "leave out sizes for a square", about=0)


def _one_or_two(x: Type, /, *, k: Any) -> dict[str, Any]:
    if x.ndim not in (1, 2):
        help = "ops.diagonal takes any two axes, ops.diag_embed makes matrices of the last"
        raise Mismatch("GG023", f"takes a vector or a matrix, got {x}", help, about=0)
    return {"k": _offset(k, "k")}


@composite(
    canonical=_one_or_two,
    formula="y[i, i + k] = x[i]",
    examples=(example(("n",)), example(("n", "n"), k=1), example((3, 4), k=-1)),
)
def diag(x: Any, /, *, k: Any = 0) -> Any:
    """A matrix with this diagonal, or the diagonal of this matrix."""
    return ops.diagonal(x, offset=k) if x.ndim == 2 else ops.diag_embed(x, offset=k)


def _triangle(x: Type, /, *, k: Any) -> dict[str, Any]:
    if x.ndim < 2:
        raise Mismatch("GG023", f"a matrix has two axes, got {x}", "the triangle is of the last two axes", about=0)
    return {"k": _offset(k, "k")}


def _triangle_text(name: str, k: int) -> str:
    return f"np.{name}({{0}}, {k})" if k else f"np.{name}({{0}})"


@linear
class tril:
    """The lower triangle of the last two axes, up to diagonal `k`; 0 above it."""

    formula = "y[..., i, j] = x[..., i, j] if j <= i + k else 0"
    examples = (example(("m", "n")), example(("k", "n", "n"), k=-1))
    canonical = _triangle
    adds_zeros = True
    bands = entry_by_entry

    def infer(x: Type, /, *, k: Any = 0) -> Type:
        return x

    def transpose(place: int, g: Any, x: Any, /, *, k: int) -> Any:
        return ops.tril(g, k=k)

    def numpy(x: Type, /, *, k: int) -> str:
        return _triangle_text("tril", k)


@linear
class triu:
    """The upper triangle of the last two axes, from diagonal `k` on; 0 below it."""

    formula = "y[..., i, j] = x[..., i, j] if j >= i + k else 0"
    examples = (example(("m", "n")), example(("k", "n", "n"), k=-1))
    canonical = _triangle
    adds_zeros = True
    bands = entry_by_entry

    def infer(x: Type, /, *, k: Any = 0) -> Type:
        return x

    def transpose(place: int, g: Any, x: Any, /, *, k: int) -> Any:
        return ops.triu(g, k=k)

    def numpy(x: Type, /, *, k: int) -> str:
        return _triangle_text("triu", k)
