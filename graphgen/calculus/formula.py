"""Elementwise formulas: sympy expressions over the slots a, b, c, ..., each of them known by its identity.

A formula prints as text and is parsed from it through `ast`, against the functions listed here.
"""

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_lowercase
from typing import Any, Literal

import sympy as sp
from sympy.core.relational import Relational

from graphgen.calculus.functions import (
    FUNCTIONS,
    TWINS,
    Maximum,
    Minimum,
    Polygamma,
    Sigmoid,
    Softplus,
    as_expression,
)
from graphgen.errors import brief
from graphgen.targets.precedence import ATOM
from graphgen.targets.printer import Attributes, fill, spell

Kind = Literal["float", "bool"]


class FormulaError(ValueError):
    """A formula that graphgen cannot take; the message says why."""


_MOST_BITS = 10_000

_KNOWN = (sp.Add, sp.Mul, sp.Pow, sp.Function, sp.Max, sp.Min, Relational, sp.And, sp.Or, sp.Not)
_CLASSES = tuple(each for each in FUNCTIONS.values() if isinstance(each, type))


@dataclass(frozen=True, eq=False)
class Formula:
    """An expression over slots; made by `formula` or `parse`, which answer with the same object for the same formula.

    Attributes
    ----------
    expression : over the slots' symbols; a truth value if the formula is a comparison or logical.
    kinds : of each slot. A bool slot stands only in conditions.
    """

    expression: sp.Basic
    kinds: tuple[Kind, ...]

    @property
    def slots(self) -> tuple[sp.Symbol, ...]:
        return tuple(slot(index, kind) for index, kind in enumerate(self.kinds))

    @property
    def is_bool(self) -> bool:
        """Whether the formula's value is a truth value."""
        return not isinstance(self.expression, sp.Expr)

    def printed(self, attributes: Attributes = ()) -> "Formula":
        """The formula to print: itself. Rows of the op table may print another than they derive from."""
        assert not attributes
        return self

    def __str__(self) -> str:
        return fill(spell(self, "text"), [(symbol.name, ATOM) for symbol in self.slots])

    def __repr__(self) -> str:
        return f"<Formula {self} of {', '.join(self.kinds)}>"


_FORMULAS: dict[tuple[sp.Basic, tuple[Kind, ...]], Formula] = {}


@cache
def slot(index: int, kind: Kind = "float") -> sp.Symbol:
    """The symbol of a slot: a to z, then a1 to z1, ... Those of truth values are not real: sympy refuses them as conditions."""
    turn, letter = divmod(index, len(ascii_lowercase))
    name = ascii_lowercase[letter] + (str(turn) if turn else "")
    return sp.Symbol(name, real=True) if kind == "float" else sp.Symbol(name)


def formula(expression: Any, symbols: Sequence[sp.Symbol]) -> Formula:
    """Make a formula of a sympy expression.

    Parameters
    ----------
    expression : over `symbols`, each of which occurs in it.
    symbols : in the order of the slots. Those that stand as conditions are the bool slots.

    Raises
    ------
    FormulaError
        If a function is not one that graphgen can print, a symbol is used as a number and as a condition,
        or a Piecewise has no value for some case.
    """
    expression = as_expression(expression)
    assert expression.free_symbols == set(symbols), f"{expression} is not over {symbols}"
    conditions = _conditions(expression)
    kinds: tuple[Kind, ...] = tuple("bool" if symbol in conditions else "float" for symbol in symbols)
    slots = {symbol: slot(index, kind) for index, (symbol, kind) in enumerate(zip(symbols, kinds, strict=True))}
    canonical = _canonical(expression, slots)
    if canonical.free_symbols != set(slots.values()):  # abs(x)**2 - x**2 is 0 once x is known to be real
        gone = ", ".join(symbol.name for symbol in symbols if slots[symbol] not in canonical.free_symbols)
        raise FormulaError(f"the formula does not depend on {gone}")
    return _FORMULAS.setdefault((canonical, kinds), Formula(canonical, kinds))


def parse(text: str, count: int) -> Formula:
    """The formula of `count` slots that prints as `text`.

    Raises
    ------
    FormulaError
        If the text holds anything but slots, numbers, operators and the functions of the table, or leaves a slot out.
    """
    slots = [slot(index, "bool") for index in range(count)]  # `formula` finds out which of them are truth values
    try:
        tree = ast.parse(text, mode="eval")
        expression = _parsed(tree.body, {symbol.name: symbol for symbol in slots} | _CONSTANTS)
    except FormulaError:
        raise
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise FormulaError(f"not a formula: {brief(text)}") from error
    unread = ", ".join(symbol.name for symbol in slots if symbol not in as_expression(expression).free_symbols)
    if unread:
        raise FormulaError(f"the formula does not depend on {unread}")
    return formula(expression, slots)


def count_slots(text: str) -> int:
    """How many slots a text asks for: one more than the last that it names; 0 if it is no formula."""
    try:
        names = {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    slots = [re.fullmatch(r"([a-z])(\d*)", name) for name in names]
    places = [int(found[2] or 0) * len(ascii_lowercase) + ascii_lowercase.index(found[1]) for found in slots if found]
    return max(places, default=-1) + 1


_CONSTANTS = {"pi": sp.pi, "inf": sp.oo, "nan": sp.nan}
_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.BitAnd: sp.And,
    ast.BitOr: sp.Or,
    ast.USub: operator.neg,
    ast.Invert: sp.Not,
    ast.Lt: sp.Lt,
    ast.LtE: sp.Le,
    ast.Gt: sp.Gt,
    ast.GtE: sp.Ge,
    ast.Eq: sp.Eq,
    ast.NotEq: sp.Ne,
}


def _parsed(node: ast.expr, names: dict[str, sp.Basic]) -> Any:
    match node:
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Constant(value=bool(value)):
            return sp.true if value else sp.false
        case ast.Constant(value=int(value)):
            return sp.Integer(value)
        case ast.Constant(value=float(value)):
            return sp.Float(value)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            one, other = _parsed(left, names), _parsed(right, names)
            if isinstance(sign, ast.Pow):
                _check_size(one, other)
            return _OPERATORS[type(sign)](one, other)
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_parsed(operand, names))
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_parsed(left, names), _parsed(right, names))
        case ast.Call(func=ast.Name(id="where"), args=[condition, value, otherwise], keywords=[]):
            chosen = (_parsed(value, names), _parsed(condition, names))
            return sp.Piecewise(chosen, (_parsed(otherwise, names), True))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_parsed(argument, names) for argument in arguments))
    raise FormulaError(f"not part of a formula: {ast.unparse(node)}")


def _check_size(base: Any, exponent: Any) -> None:
    """Refuse a power that would be a whole number or fraction of more digits than any float can use."""
    if isinstance(base, sp.Rational) and isinstance(exponent, sp.Integer):
        bits = max(abs(base.p), base.q).bit_length() * abs(int(exponent))
        if bits > _MOST_BITS:
            raise FormulaError("a power of numbers in the formula is too large to compute")


def recognise(expression: sp.Basic) -> sp.Basic:
    """Write 1/(1 + exp(-u)), exp(u)/(1 + exp(u)) and log(1 + exp(u)) as sigmoid(u) and softplus(u), and sp.Max as maximum.

    The forms that sympy knows overflow, and their derivatives are nan, long before the functions do.
    """
    return _canonical(expression, {})


def _canonical(node: sp.Basic, slots: dict[sp.Symbol, sp.Symbol]) -> sp.Basic:
    """Rebuild an expression from its leaves, over the slots: sympy's own order, and our functions for what it holds."""
    if not node.args:
        decimal = isinstance(node, sp.Float) or (isinstance(node, sp.NumberSymbol) and node not in (sp.pi, sp.E))
        return sp.Float(float(node)) if decimal else slots.get(node, node)
    if isinstance(node, sp.Piecewise):
        if node.args[-1].cond != sp.true:
            raise FormulaError(f"add (value, True), for where no condition holds, to {node}")
        return piecewise(*((_canonical(value, slots), _canonical(condition, slots)) for value, condition in node.args))
    if isinstance(node, sp.Function) and not isinstance(node, (*_CLASSES, *TWINS, sp.Max, sp.Min)):
        raise FormulaError(f"graphgen knows no function {node.func}")
    if not isinstance(node, _KNOWN):
        raise FormulaError(f"{type(node).__name__} cannot stand in a formula")
    arguments = [_canonical(argument, slots) for argument in node.args]
    if isinstance(node, sp.Max | sp.Min):
        ours = Maximum if isinstance(node, sp.Max) else Minimum
        first, *others = sorted(arguments, key=lambda argument: (argument.is_number, argument.sort_key()))
        for argument in others:
            first = ours(first, argument)
        return first
    if isinstance(node, sp.Pow) and arguments[0].is_negative and not arguments[1].is_number:
        raise FormulaError(f"{node} has a negative base: it is a real number for whole exponents alone")
    if isinstance(node, sp.polygamma | Polygamma) and not (arguments[0].is_Integer and arguments[0].is_nonnegative):
        raise FormulaError("the order of a polygamma must be a whole number, 0 or more")
    return _recognised(TWINS.get(node.func, node.func)(*arguments))


def _recognised(node: sp.Basic) -> sp.Basic:
    """One node, its parts done."""
    if isinstance(node, sp.log) and (argument := _one_plus_exp(node.args[0])) is not None:
        return Softplus(argument)
    is_divisor = isinstance(node, sp.Pow) and node.exp.is_number and node.exp.is_negative
    if is_divisor and (argument := _one_plus_exp(node.base)) is not None:
        return Sigmoid(-argument) ** -node.exp
    if isinstance(node, sp.Mul):
        for sigmoid in node.args:
            # exp(u)/(1 + exp(u)) has become exp(u)*sigmoid(-u)
            if isinstance(sigmoid, Sigmoid) and sp.exp(-sigmoid.args[0]) in node.args:
                others = [factor for factor in node.args if factor not in (sigmoid, sp.exp(-sigmoid.args[0]))]
                return sp.Mul(Sigmoid(-sigmoid.args[0]), *others)
    return node


def _one_plus_exp(node: sp.Basic) -> sp.Basic | None:
    """u if the node is 1 + exp(u)."""
    if isinstance(node, sp.Add) and len(node.args) == 2:
        one, other = node.args
        if one == 1 and isinstance(other, sp.exp):
            return other.args[0]
    return None


def piecewise(*branches: tuple[sp.Basic, sp.Basic]) -> sp.Expr:
    """A Piecewise whose last branch, the one for all else, is no Piecewise itself: its branches are added instead."""
    *first, (otherwise, always) = branches
    if isinstance(otherwise, sp.Piecewise) and always == sp.true:
        return piecewise(*first, *((value, condition) for value, condition in otherwise.args))
    return sp.Piecewise(*branches)


def _conditions(expression: sp.Basic) -> set[sp.Basic]:
    """The symbols that stand as conditions."""
    conditions: set[sp.Basic] = set()
    numbers: set[sp.Basic] = set()
    pending = [(expression, not isinstance(expression, sp.Expr))]
    while pending:
        node, is_condition = pending.pop()
        if isinstance(node, sp.Symbol):
            (conditions if is_condition else numbers).add(node)
        elif isinstance(node, sp.functions.elementary.piecewise.ExprCondPair):
            pending += [(node.expr, False), (node.cond, True)]
        else:
            pending += [(part, isinstance(node, sp.And | sp.Or | sp.Not)) for part in node.args]
    for symbol in sorted(conditions & numbers, key=str):
        raise FormulaError(f"{symbol} is used both as a number and as a condition")
    return conditions
