"""The operations of a formula, read from the text that is written for it."""

from __future__ import annotations

import ast
from functools import cache
from typing import NamedTuple

from graphgen.calculus.declared import Declared
from graphgen.calculus.formula import Formula
from graphgen.targets.dialects import NAMES, DialectName
from graphgen.targets.precedence import ATOM
from graphgen.targets.printer import spell
from graphgen.targets.spelling import fill

SIGN = "signs"  # a change of sign: no operation, but it reads and writes
COMPARISONS = "comparisons"

_SIGNS: dict[type, str] = {
    ast.Add: "additions",
    ast.Sub: "additions",
    ast.Mult: "multiplications",
    ast.Div: "divisions",
    ast.Mod: "remainder",
    ast.BitAnd: COMPARISONS,
    ast.BitOr: COMPARISONS,
}
_CALLS = {
    **dict.fromkeys(("where", "maximum", "minimum", "max", "min"), COMPARISONS),
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
    "quotient": "divisions",
    "pow": "power",
}
# Calls that answer with their first argument: what they declare is their slope.
_FIRST = ("_float", "float", *(NAMES[each.__name__] for each in Declared.__subclasses__()))


class Operation(NamedTuple):
    """One operation of a formula.

    Attributes
    ----------
    kind
        "additions", "multiplications", "divisions", "comparisons", "signs", or the name of a function.
    operands
        A slot by its place; the operation before it at place p as -1 - p. Literals are left out.
    truth
        Whether it answers with truth values.
    """

    kind: str
    operands: tuple[int, ...]
    truth: bool = False


@cache
def operations(formula: Formula, dialect: DialectName) -> tuple[Operation, ...]:
    """The operations of a formula as it is written, in the order in which they are done; the last is the result."""
    spelling = spell(formula, dialect)
    return of_text(fill(spelling, [(f"slot{place}", ATOM) for place in range(len(spelling.uses))]))


@cache
def of_text(text: str) -> tuple[Operation, ...]:
    """The operations of an expression of ``slot0``, ``slot1``, ..."""
    found: list[Operation] = []
    _read(ast.parse(text, mode="eval").body, found)
    return tuple(found)


def _read(node: ast.expr, found: list[Operation]) -> int | None:
    """Append the operations of an expression; where its value stands, None for a literal."""
    match node:
        case ast.Constant() | ast.Attribute():  # 1.0, np.inf
            return None
        case ast.Name(id=name):
            return int(name.removeprefix("slot"))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            return None
        case ast.UnaryOp(op=sign, operand=operand):
            return _add(
                found,
                SIGN if isinstance(sign, ast.USub) else COMPARISONS,
                [operand],
                isinstance(sign, (ast.Invert, ast.Not)),
            )
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            square = isinstance(right, ast.Constant) and right.value == 2
            return _add(found, "multiplications" if square else "power", [left, right])
        case ast.BinOp(left=left, op=sign, right=right):
            return _add(found, _SIGNS[type(sign)], [left, right], isinstance(sign, (ast.BitAnd, ast.BitOr)))
        case ast.Compare(left=left, comparators=[right]):
            return _add(found, COMPARISONS, [left, right], True)
        case ast.BoolOp(values=[first, *others]):
            return _chain(found, first, others)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _add(found, COMPARISONS, [test, body, orelse])
        case ast.Call(func=function, args=arguments):
            name = function.attr if isinstance(function, ast.Attribute) else function.id  # type: ignore[attr-defined]
            if name in _FIRST:
                return _read(arguments[0], found)
            return _add(found, _CALLS.get(name, name), arguments)
    raise AssertionError(f"no operation: {ast.dump(node)}")


def _chain(found: list[Operation], first: ast.expr, others: list[ast.expr]) -> int | None:
    """a and b and c, which takes two operations."""
    place = _read(first, found)
    for each in others:
        operands = [place, _read(each, found)]
        found.append(Operation(COMPARISONS, tuple(each for each in operands if each is not None), True))
        place = -len(found)
    return place


def _add(found: list[Operation], kind: str, operands: list[ast.expr], truth: bool = False) -> int | None:
    places = tuple(place for place in [_read(each, found) for each in operands] if place is not None)
    if not places:
        return None
    found.append(Operation(kind, places, truth))
    return -len(found)
