"""The shape and dtype rules that all elementwise rows share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from graphgen import sizes
from graphgen.calculus.derivative import number
from graphgen.calculus.formula import formula, recognise
from graphgen.calculus.functions import as_expression
from graphgen.errors import brief
from graphgen.ops.table import Mismatch, Type, complete
from graphgen.targets.printer import written


def checked_attributes(row: Any, types: tuple[Type, ...], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with defaults filled in, numbers as Python floats; raises `Mismatch`."""
    result = complete(row, types, attributes)
    for keyword, value in result.items():
        default = row.attributes[keyword]
        if isinstance(default, str):
            _check_choice(keyword, value, (default, *row.variants))
            continue
        value = value.item() if isinstance(value, np.generic) else value
        number = isinstance(value, (int, float)) and type(value) is not bool
        if not number or not (abs(value) < sys.float_info.max or value == default):
            message = f"{keyword} is a finite number, got {brief(value)}"
            raise Mismatch("GG005", message, f"its default is {default}")
        result[keyword] = float(value)
    if row.requires != sp.true:
        _check_required(row, result)
    return result


def _check_required(row: Any, attributes: Mapping[str, Any]) -> None:
    symbols = [sp.Symbol(keyword, real=True) for keyword in attributes]
    symbols = [symbol for symbol in symbols if symbol in row.requires.free_symbols]
    given = {symbol: attributes[symbol.name] for symbol in symbols}
    if row.requires.subs(given) != sp.true:
        needed = written(formula(row.requires, symbols), "text", [symbol.name for symbol in symbols])
        got = ", ".join(f"{symbol.name}={given[symbol]:g}" for symbol in symbols)
        defaults = ", ".join(f"{symbol.name}={row.attributes[symbol.name]:g}" for symbol in symbols)
        raise Mismatch("GG005", f"needs {needed}, got {got}", f"the default is {defaults}")


def _check_choice(keyword: str, value: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        known = ", ".join(f'"{each}"' for each in choices)
        raise Mismatch("GG005", f"unknown {keyword} {brief(value)}", f"one of {known}")


def filled(row: Any, expression: sp.Basic, values: Mapping[str, Any], number: Callable[[float], sp.Expr]) -> sp.Basic:
    """An expression of the row with its attributes' values in it, or the variant that one of them chooses."""
    chosen = next((row.variants[value] for value in values.values() if value in row.variants), expression)
    numbers = {keyword: value for keyword, value in values.items() if not isinstance(value, str)}
    return chosen.xreplace({sp.Symbol(keyword, real=True): number(value) for keyword, value in numbers.items()})


def infer(row: Any, *types: Type, **attributes: Any) -> Type:
    """The common shape of the operands, and the dtype by the row's rule; raises `Mismatch`."""
    return Type(common_shape(types), _RULES[row.dtype_rule](row, types))


def common_shape(types: tuple[Type, ...]) -> sizes.Shape:
    """The shape that operands broadcast to; raises `Mismatch`."""
    shape = sizes.broadcast(*(each.shape for each in types))
    if shape is None:
        raise _no_broadcast(types)
    return shape


def _no_broadcast(types: tuple[Type, ...]) -> Mismatch:
    """Say which operand is the first that does not fit those before it, and at which sizes."""
    common: sizes.Shape = ()
    place = 0
    while (wider := sizes.broadcast(common, types[place].shape)) is not None:
        common, place = wider, place + 1
    pairs = zip(reversed(types[place].shape), reversed(common), strict=False)
    got, expected = next((got, expected) for got, expected in pairs if sizes.broadcast((got,), (expected,)) is None)
    rule = "sizes, counted from the last axis, must be equal or 1"
    symbolic = not isinstance(got, int) or not isinstance(expected, int)
    return Mismatch(
        "GG020",
        f"shapes do not broadcast: {' and '.join(map(str, types))}",
        f"{rule}; a symbolic size fits only 1 or itself" if symbolic else rule,
        f"{sizes.text(got)} does not match {sizes.text(expected)}",
        about=place,
    )


def _float(row: Any, types: tuple[Type, ...]) -> str:
    for place, each in enumerate(types):
        if each.dtype not in ("float", "bool"):
            help = f'convert with ops.cast({{{place}}}, "float")'
            raise Mismatch("GG031", f"needs floats, got {each.dtype}", help, about=place)
    return "float"


def _number(row: Any, types: tuple[Type, ...], first: int = 0) -> str:
    """One dtype, bools counting as floats; the types are those of the operands from `first` on."""
    kinds = ["float" if each.dtype == "bool" else each.dtype for each in types]
    for place, kind in enumerate(kinds):
        if kind != kinds[0]:
            wanted = "float" if "float" in kinds else "int64"
            at = next(at for at, each in enumerate(kinds) if each != wanted)
            message = f"dtypes differ: {types[0].dtype} and {types[place].dtype}"
            raise Mismatch("GG030", message, f'convert with ops.cast({{{at + first}}}, "{wanted}")', about=at + first)
    return kinds[0]


def _comparison(row: Any, types: tuple[Type, ...]) -> str:
    if any(each.dtype != types[0].dtype for each in types):
        _number(row, types)
    return "bool"


def _logical(row: Any, types: tuple[Type, ...]) -> str:
    for place, each in enumerate(types):
        if each.dtype != "bool":
            raise Mismatch(
                "GG030", f"needs bools, got {each.dtype}", f"compare first, as in {{{place}}} > 0", about=place
            )
    return "bool"


def _where(row: Any, types: tuple[Type, ...]) -> str:
    if types[0].dtype != "bool":
        raise Mismatch("GG030", f"the condition is bool, got {types[0].dtype}", "compare first, as in {0} > 0", about=0)
    return types[1].dtype if types[1].dtype == types[2].dtype else _number(row, types[1:], 1)


_RULES = {"float": _float, "number": _number, "comparison": _comparison, "logical": _logical, "where": _where}


def substitute(row: Any, operands: list[Any], attributes: Mapping[str, Any]) -> sp.Expr:
    """The row's formula of sympy expressions and numbers."""
    if len(operands) != len(row.slots):
        raise TypeError(f"{row.name} takes {len(row.slots)} operands, got {len(operands)}")
    # Recognised before anything stands in it: exp(x + 0.125) has become 1.13*exp(x) by the time it is put into sigmoid.
    whole = recognise(filled(row, row.formula, {**row.attributes, **attributes}, number))
    return whole.xreplace({symbol: as_expression(operand) for symbol, operand in zip(row.slots, operands, strict=True)})
