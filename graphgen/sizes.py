"""Sizes of axes: Python ints, and sympy integers for what is known only at run time.

A shape is a tuple of sizes. Two sizes are equal when their expanded forms are; what cannot be shown equal is different.
"""

from functools import cache
from typing import Any

import sympy as sp

from graphgen.errors import brief

Size = Any  # an int, or a sympy expression of positive integer symbols
Shape = tuple[Size, ...]


@cache
def symbol(name: str) -> sp.Symbol:
    """Return the size called `name`; the same object each time, so that comparing is quick."""
    return sp.Symbol(name, integer=True, positive=True)


def size(value: Any) -> Size:
    """Return `value` as a size: an int stays, a string names a symbolic size, a sympy integer stays.

    Raises
    ------
    TypeError
        If `value` is none of these.
    ValueError
        If it is a number below zero, or one that no axis can have.
    """
    if isinstance(value, str):
        return symbol(value)
    if isinstance(value, sp.Expr):
        if value.is_Integer:
            return size(int(value))
        if value.is_integer and all(symbol(each.name) == each for each in value.free_symbols):
            text(value)
            return value
        kind = "an int, a name as a str" if value.is_Symbol else "an int, a name"
        raise TypeError(f"a size is {kind} or arithmetic of other sizes, not {value}")
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"a size is an int, a name or arithmetic of other sizes, not {brief(value)}")
    whole = value.__index__()
    if not 0 <= whole < 2**63:
        raise ValueError(f"a size is {'not below 0' if whole < 0 else 'below 2**63'}, got {brief(whole)}")
    return whole


def equal(one: Size, other: Size) -> bool:
    """Whether the two sizes can be shown to be equal."""
    if one is other or one == other:
        return True
    if isinstance(one, int) and isinstance(other, int):
        return False
    return _difference(one, other) == 0


@cache
def _difference(one: Size, other: Size) -> sp.Expr:
    return sp.expand(one - other)


def same(one: Shape, other: Shape) -> bool:
    """Whether the two shapes can be shown to be equal."""
    return one == other or (len(one) == len(other) and all(equal(*pair) for pair in zip(one, other, strict=True)))


def product(shape: Shape) -> Size:
    """The number of elements of an array of this shape."""
    result: Size = 1
    for each in shape:
        result = result * each
    return int(result) if getattr(result, "is_Integer", False) else result


def quotient(whole: Size, part: Size) -> Size | None:
    """`whole / part` where that can be shown to be an integer for every size, else None."""
    if isinstance(whole, int) and isinstance(part, int):
        return whole // part if part and whole % part == 0 else None
    if part == 0:
        return None
    ratio = sp.cancel(sp.expand(whole) / sp.expand(part))
    if ratio.is_Integer:
        return int(ratio)
    return ratio if sp.denom(ratio) == 1 else None


def broadcast(*shapes: Shape) -> Shape | None:
    """The shape these shapes broadcast to, or None. A symbolic size broadcasts only against 1 or itself."""
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0]
    result: list[Size] = []
    for axis in range(-max(map(len, shapes)), 0):
        common: Size = 1
        for shape in shapes:
            if len(shape) < -axis:
                continue
            each = shape[axis]
            if common == 1:
                common = each
            elif each != 1 and not equal(each, common):
                return None
        result.append(common)
    return tuple(result)


def symbols(shape: Shape) -> list[str]:
    """The names of the symbolic sizes in `shape`, in order of appearance and then of the alphabet."""
    names: dict[str, None] = {}
    for each in shape:
        if not isinstance(each, int):
            names.update(dict.fromkeys(sorted(free.name for free in each.free_symbols)))
    return list(names)


@cache
def text(size: Size) -> str:
    """`size` as Python writes it: integers alone, `//` for the floor of a quotient.

    Raises
    ------
    TypeError
        If it holds other functions.
    """
    return _text(size)[0]


_ADD, _MULTIPLY, _ATOM = 1, 2, 3


def _text(value: Size) -> tuple[str, int]:
    if isinstance(value, int) or value.is_Integer:
        return str(value), _ATOM if value >= 0 else _ADD
    if value.is_Symbol:
        return value.name, _ATOM
    if isinstance(value, sp.floor):
        top, bottom = sp.fraction(sp.together(value.args[0]))
        return f"{_inside(top, _MULTIPLY)} // {_inside(bottom, _ATOM)}", _MULTIPLY
    if isinstance(value, sp.Mod):
        return f"{_inside(value.args[0], _MULTIPLY)} % {_inside(value.args[1], _ATOM)}", _MULTIPLY
    if value.is_Add:
        terms = sorted(
            value.args, key=lambda term: (bool(term.could_extract_minus_sign()), bool(term.is_Integer), str(term))
        )
        text, _ = _text(terms[0])
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            text += f" - {_inside(-term, _MULTIPLY)}" if negative else f" + {_inside(term, _MULTIPLY)}"
        return text, _ADD
    if value.is_Pow and value.exp.is_Integer and value.exp > 0:
        return f"{_inside(value.base, _ATOM)}**{value.exp}", _ATOM
    if value.is_Mul:
        top, bottom = sp.fraction(value)
        if bottom != 1:
            return f"{_inside(top, _MULTIPLY)} // {_inside(bottom, _ATOM)}", _MULTIPLY
        # A quotient stands first, or `a * b // c` would divide the product.
        factors = sorted(
            value.args, key=lambda factor: (not isinstance(factor, sp.floor), not factor.is_Integer, str(factor))
        )
        return " * ".join(
            _inside(factor, _MULTIPLY if place == 0 else _ATOM) for place, factor in enumerate(factors)
        ), _MULTIPLY
    raise TypeError(f"a size is made with +, -, *, // and %, not with {type(value).__name__}")


def _inside(value: Size, least: int) -> str:
    text, precedence = _text(value)
    return text if precedence >= least else f"({text})"


def shape_text(shape: Shape) -> str:
    """`shape` as Python writes a tuple."""
    inside = ", ".join(text(each) for each in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"
