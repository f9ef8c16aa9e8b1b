"""Primitives that users make of a sympy formula, as the rows of the table are made.

    x, beta = sympy.symbols("x beta")
    swish = ops.elementwise("swish", x * ops.sigmoid(beta * x), args=(x, beta))
    hidden = swish(layers.dense(inputs, 32, name="fc1"), 1.5)

In a graph it is a node of the op ``map``, which holds the formula: two graphs may each have a swish of their own.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import sympy as sp

from graphgen import ops
from graphgen.calculus.declared import CustomGradient, ScaleGradient, StopGradient, StraightThrough
from graphgen.calculus.formula import Formula, FormulaError, formula
from graphgen.calculus.functions import as_expression
from graphgen.errors import GraphError, GraphWarning, Problem, brief, render
from graphgen.names import reason_against, remedy
from graphgen.ops.map_row import MAP
from graphgen.source import site
from graphgen.targets.printer import as_float, written


@dataclass(frozen=True, eq=False)
class Primitive:
    """An elementwise op that a user made; call it with nodes and numbers, or with sympy expressions.

    Attributes
    ----------
    name
        What comments and messages call it.
    symbols
        The symbols of the formula, in the order of the operands.
    expression, stable_expression
        The formula, and the one that is written in its place, as they were given.
    formula, stable
        The same as graphgen knows them, over slots.
    safe
        For each operand, a value inside its domain, or None.
    """

    name: str
    symbols: tuple[sp.Symbol, ...]
    expression: sp.Expr
    formula: Formula
    stable_expression: sp.Expr | None = None
    stable: Formula | None = None
    safe: tuple[float | None, ...] = ()

    @property
    def operands(self) -> tuple[str, ...]:
        """The operands' names."""
        return tuple(symbol.name for symbol in self.symbols)

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """What a node of a DAG holds: texts and numbers."""
        attributes: dict[str, Any] = {"formula": str(self.formula), "primitive": self.name}
        if self.stable is not None:
            attributes["stable"] = str(self.stable)
        if any(value is not None for value in self.safe):
            attributes["safe"] = self.safe
        return attributes

    @property
    def latex(self) -> str:
        """The formula and its slopes as LaTeX, one aligned group."""
        from graphgen.ops.equations import of_primitive

        return of_primitive(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join(self.operands)}) = {written(self.formula, 'text', self.operands)}>"

    def __call__(self, *operands: Any, name: str | None = None) -> Any:
        """A node of this op, or the formula of sympy expressions.

        The first operand that is a node decides where the new node goes.
        """
        for operand in operands:
            if hasattr(operand, "_apply"):
                return operand._apply(MAP.name, operands, self.attributes, name)
        if len(operands) != len(self.symbols):
            expected = f"{len(self.symbols)} operand{'s' * (len(self.symbols) != 1)}"
            _refuse("GG006", f"{self.name}: takes {expected} ({', '.join(self.operands)}), got {len(operands)}", None)
        try:
            values = [as_expression(operand) for operand in operands]
        except TypeError:
            message = f"{self.name}: none of its {len(operands)} operands is a node or a sympy expression"
            _refuse("GG061", message, "declare values with g.input, g.param or g.constant")
        return self.expression.xreplace(dict(zip(self.symbols, values, strict=True)))

    def check(self) -> None:
        """Compare values and slopes, as a generated module computes them, with differences in many digits.

        Raises
        ------
        GraphError
            If they differ, or are not finite where the true ones are.

        Warns
        -----
        GraphWarning
            If they do so only for operands of 100 and more.
        """
        from graphgen.ops.primitive_check import flaw

        found = flaw(self)
        if found is None:
            return
        problem = Problem("GG063", site().place, f"{self.name}: {found.message}", found.help)
        if not found.far:
            raise GraphError(problem)
        warnings.warn(GraphWarning(render(problem, "warning")), stacklevel=2)


def elementwise(
    name: str,
    formula: Any,
    *,
    args: Any = None,
    stable: Any = None,
    safe: Mapping[Any, float] | None = None,
    slopes: Mapping[Any, Any] | None = None,
) -> Primitive:
    """Make a primitive of a sympy formula: its value, its slopes in both modes, its LaTeX, all checked.

    Parameters
    ----------
    name
        What comments and messages call it; no op's name.
    formula
        An expression; ops' elementwise functions take symbols too: ``x * ops.sigmoid(x)``.
    args
        The symbols, or their names, in the order of the operands; needed if there are several.
    stable
        An equal formula, to be written in its place where it would overflow or lose digits; slopes are derived from
        the first.
    safe
        By symbol or name, a value inside the domain: it is put in the operand's place behind a ``where`` that takes its
        other branch.
    slopes
        By symbol or name, the slope by each operand in place of the derived one: a formula of the same symbols. Higher
        orders differentiate it in turn.

    Raises
    ------
    GraphError
        If the formula is none that graphgen can write and differentiate, or fails `Primitive.check`.
    """
    _check_name(name)
    expression = _expression(name, "the formula", formula)
    symbols = _ordered(name, expression, args)
    slots = _formula(name, "the formula", expression, symbols)
    if slots.is_bool or "float" not in slots.kinds:
        message = f"{name}: the formula {'is a condition' if slots.is_bool else 'has no number among its operands'}"
        _refuse("GG061", message, "choose with ops.where; a primitive is a number that depends on numbers")
    better = second = None
    if stable is not None:
        better = _expression(name, "stable", stable)
        if better.free_symbols != set(symbols):
            _refuse("GG005", f"{name}: stable is not over {_listed(symbols)}", "give a formula of the same symbols")
        second = _formula(name, "stable", better, symbols)
        if second.kinds != slots.kinds or second.is_bool:
            _refuse("GG005", f"{name}: stable uses its symbols otherwise than the formula", "give an equal formula")
    if slopes is not None:
        declared = _slopes(name, symbols, slots, slopes)
        expression = _with_slopes(expression, declared)
        slots = _formula(name, "the formula", expression, symbols)
        if better is not None:
            better = _with_slopes(better, declared)
            second = _formula(name, "stable", better, symbols)
    primitive = Primitive(
        name, symbols, expression, slots, better, second, _safe(name, symbols, {} if safe is None else safe)
    )
    primitive.check()
    return primitive


SYMBOL = 'make it of symbols, x = sympy.Symbol("x")'
REAL = "a primitive is a real number for every real operand; ops.abs and sympy's Piecewise keep it so"


def _refuse(code: str, message: str, help: str | None) -> NoReturn:
    raise GraphError(Problem(code, site().place, message, help))


def _check_name(name: Any) -> None:
    reason = reason_against(name)
    if reason is not None:
        _refuse("GG011", f"{brief(name)} cannot name a primitive: {reason}", remedy(name))
    if name in ops.NAMES:
        _refuse("GG011", f"{name!r} cannot name a primitive: it is an op", f"use ops.{name}, or choose another name")


def _expression(name: str, what: str, given: Any) -> sp.Expr:
    """What was given as a formula, if it is a sympy expression over symbols, and all numbers in it are real."""
    try:
        expression = as_expression(given)
    except TypeError:
        message = f"{name}: {what} is no sympy expression, but {brief(given)}"
        _refuse("GG061", message, f"{SYMBOL}; texts are not evaluated")
    try:
        for part in sp.preorder_traversal(expression):
            if getattr(part, "is_number", False) and not _is_real(part):
                _refuse("GG061", f"{name}: {brief(part)} in {what} is no finite real number", REAL)
    except RecursionError:
        _refuse("GG061", f"{name}: {what} is nested too deeply", "make it in several steps")
    names = [getattr(symbol, "name", "") for symbol in expression.free_symbols]
    for symbol in sorted(expression.free_symbols, key=str):
        if not isinstance(symbol, sp.Symbol) or isinstance(symbol, sp.Wild) or not symbol.name.isidentifier():
            _refuse("GG061", f"{name}: {what} holds {brief(symbol)}, which is no symbol with a usable name", SYMBOL)
        if names.count(symbol.name) > 1:
            message = f"{name}: {what} has two different symbols called {symbol.name}"
            _refuse("GG061", message, "make each symbol once: sympy's assumptions, as in real=True, make another of it")
    return expression


def _is_real(number: sp.Expr) -> bool:
    if number.is_extended_real is False or number.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
        return False
    try:
        return not isinstance(number, sp.Number) or abs(as_float(number)) < float("inf")
    except OverflowError:
        return False


def _ordered(name: str, expression: sp.Expr, args: Any) -> tuple[sp.Symbol, ...]:
    """The formula's symbols in the order of the operands."""
    symbols = {symbol.name: symbol for symbol in sorted(expression.free_symbols, key=str)}
    if not symbols:
        _refuse("GG061", f"{name}: the formula depends on no symbol", SYMBOL)
    if args is None:
        if len(symbols) > 1:
            message = f"{name}: the formula has the symbols {_listed(symbols.values())}: which operand comes first?"
            _refuse("GG005", message, f"order them with args=({_listed(symbols.values())})")
        return tuple(symbols.values())
    if isinstance(args, str):
        args = args.replace(",", " ").split()
    elif not isinstance(args, (tuple, list)):
        args = [args]
    names = [each if isinstance(each, str) else getattr(each, "name", brief(each)) for each in args]
    known = all(isinstance(each, str) or each in symbols.values() for each in args)
    if not known or sorted(names) != sorted(symbols):
        message = f"{name}: args are {', '.join(names) or 'none'}, the formula's symbols {_listed(symbols.values())}"
        _refuse("GG005", message, "name each symbol of the formula once")
    return tuple(symbols[each] for each in names)


def _formula(name: str, what: str, expression: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Formula:
    try:
        return formula(expression, symbols)
    except FormulaError as error:
        _refuse("GG061", f"{name}: {error}", "`graphgen ops` lists the elementwise ops, which take expressions too")
    except RecursionError:
        _refuse("GG061", f"{name}: {what} is nested too deeply", "make it in several steps")


def _safe(name: str, symbols: tuple[sp.Symbol, ...], given: Any) -> tuple[float | None, ...]:
    """The safe value of each operand."""
    if not isinstance(given, Mapping):
        _refuse("GG005", f"{name}: safe is no dict, but {brief(given)}", "give values by symbol, as in safe={x: 1.0}")
    values = {getattr(key, "name", key): value for key, value in given.items()}
    unknown = [brief(key) for key in values if key not in [symbol.name for symbol in symbols]]
    if unknown:
        message = f"{name}: safe names {', '.join(unknown)}, the formula's symbols are {_listed(symbols)}"
        _refuse("GG005", message, "give values by symbol, as in safe={x: 1.0}")
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < float("inf"):
            message = f"{name}: the safe value of {key} is a finite number, not {brief(value)}"
            _refuse("GG005", message, "give values by symbol, as in safe={x: 1.0}")
    return tuple(float(values[symbol.name]) if symbol.name in values else None for symbol in symbols)


def _slopes(name: str, symbols: tuple[sp.Symbol, ...], slots: Formula, given: Any) -> dict[sp.Symbol, sp.Expr]:
    """The declared slope by each operand that is a number."""
    if not isinstance(given, Mapping):
        _refuse(
            "GG005", f"{name}: slopes is no dict, but {brief(given)}", "give formulas by symbol, as in slopes={x: 1}"
        )
    named = {getattr(key, "name", key): value for key, value in given.items()}
    numbers = {symbol.name: symbol for symbol, kind in zip(symbols, slots.kinds, strict=True) if kind == "float"}
    if set(named) != set(numbers):
        message = (
            f"{name}: slopes are those by {', '.join(map(str, named)) or 'nothing'}, its operands {', '.join(numbers)}"
        )
        _refuse("GG005", message, "give the slope by each operand, 0 where no gradient passes")
    found = {numbers[key]: _expression(name, f"the slope by {key}", value) for key, value in named.items()}
    for symbol, slope in found.items():
        if not slope.free_symbols <= set(symbols):
            message = f"{name}: the slope by {symbol.name} is not over {_listed(symbols)}"
            _refuse("GG005", message, "give a formula of the same symbols")
    return found


def _with_slopes(value: sp.Expr, slopes: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """A formula with declared slopes in place of its own."""
    passing = [(symbol, slope) for symbol, slope in slopes.items() if slope != 0]
    if len(passing) < 2:
        return CustomGradient(value, *passing[0]) if passing else StopGradient(value)
    return StraightThrough(value, sp.Add(*(ScaleGradient(symbol, slope) for symbol, slope in passing)))


def _listed(symbols: Any) -> str:
    return ", ".join(symbol.name for symbol in symbols)
