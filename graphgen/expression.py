"""A sympy expression as primitive nodes: ``g.expr("f", sp.log(x) + x * y)``."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanAtom

from graphgen import ops, sizes
from graphgen.calculus.formula import FormulaError, recognise
from graphgen.calculus.functions import FUNCTIONS, TWINS, as_expression
from graphgen.errors import brief, did_you_mean
from graphgen.source import quiet
from graphgen.targets.printer import as_float, is_negative

# The ops of sympy's classes: functions by NumPy's names, relations and logic.
_OPS = {function: name for name, function in FUNCTIONS.items() if name in ops.TABLE and isinstance(function, type)} | {
    sp.StrictLessThan: "less",
    sp.LessThan: "less_equal",
    sp.StrictGreaterThan: "greater",
    sp.GreaterThan: "greater_equal",
    sp.Equality: "equal",
    sp.Unequality: "not_equal",
    sp.And: "logical_and",
    sp.Or: "logical_or",
    sp.Not: "logical_not",
}
_STRUCTURE = (sp.Symbol, sp.Add, sp.Mul, sp.Pow, sp.Piecewise, sp.Max, sp.Min, ExprCondPair, BooleanAtom)
_SUPPORTED = (*_STRUCTURE, *_OPS, *TWINS)
_HELP = "it may hold + - * / **, comparisons, & | ~, Piecewise, Max, Min and " + ", ".join(
    sorted(name for kind, name in _OPS.items() if issubclass(kind, sp.Function) and name not in ("maximum", "minimum"))
)


class _Unsupported(Exception):
    """What no node can be made of; the message says why."""


def build(graph: Any, name: str, expression: Any) -> Any:
    """Add the nodes of an expression to a graph.

    A part that occurs several times is one node; terms and factors come in the order in which sympy prints them.
    1/(1 + exp(-u)) and log(1 + exp(u)) are sigmoid and softplus.

    Parameters
    ----------
    graph
        The symbols are its nodes of these names, or its sizes.
    name
        Names the result.
    expression
        A sympy expression or condition, or a number.

    Returns
    -------
    Handle
        Of unknown type if there is a problem, which is kept for check.
    """
    try:
        whole = as_expression(expression)
        _check_supported(whole)
        return _Nodes(graph).named(recognise(whole), name)
    except TypeError:
        message = f"expr: {brief(expression)} is no sympy expression"
        return graph._unknown("GG061", message, "make it with sympy's symbols and functions; texts are not evaluated")
    except _Unsupported as error:
        return graph._unknown("GG061", f"expr: {error}", _HELP)
    except FormulaError as error:
        return graph._unknown("GG061", f"expr: {error}", "every case needs a value")
    except RecursionError:
        return graph._unknown("GG061", "expr: the expression is nested too deeply", "build it in several steps")


def _check_supported(whole: Any) -> None:
    for part in sp.preorder_traversal(whole):
        if isinstance(part, _SUPPORTED):
            continue
        if not _is_number(part):
            raise _Unsupported(f"no op is {brief(part)}")
        if part.is_extended_real is False or part is sp.nan:
            raise _Unsupported(f"{brief(part)} is no real number")


class _Nodes:
    """The nodes made so far, by the expression that each is the value of."""

    def __init__(self, graph: Any):
        self.graph = graph
        self.made: dict[sp.Basic, Any] = {}

    def named(self, whole: sp.Basic, name: str) -> Any:
        """The node of the whole expression; a name for what is a node already is an identity."""
        with quiet():
            op, operands = self.parts(whole)
            return self.graph._add(op, operands, {}, name)

    def of(self, node: sp.Basic) -> Any:
        """The operand that a part of the expression is: a node, a number or a size."""
        if node in self.made:
            return self.made[node]
        if isinstance(node, sp.Symbol):
            value = self.symbol(node)
        elif _is_number(node):
            value = _number(node)
        else:
            value = self.add(*self.parts(node))
        self.made[node] = value
        return value

    def add(self, op: str, operands: list[Any]) -> Any:
        return self.graph._add(op, operands, {}, None)

    def symbol(self, symbol: sp.Symbol) -> Any:
        from graphgen.graph import Handle

        if symbol.name in self.graph.dag:
            return Handle(self.graph, symbol.name)
        if symbol == sizes.symbol(symbol.name):
            return symbol
        names = [name for name in self.graph.dag if not name.startswith("_")]
        near = did_you_mean(symbol.name, names)
        message = f"expr: there is no node called {brief(symbol.name)}"
        return self.graph._unknown("GG062", message, near or f"its nodes: {', '.join(names[:8])}")

    def parts(self, node: sp.Basic) -> tuple[str, list[Any]]:
        """The op that makes the value of a part of the expression, and its operands."""
        if isinstance(node, sp.Symbol) or _is_number(node):
            return "identity", [self.of(node)]
        if isinstance(node, sp.Add):
            return self.sum(node)
        if isinstance(node, sp.Mul):
            return self.product(node)
        if isinstance(node, sp.Pow):
            return self.power(*node.args)
        if isinstance(node, sp.Piecewise):
            return self.choice(list(node.args))
        op = next(op for kind, op in _OPS.items() if isinstance(node, kind))
        operands = [self.of(argument) for argument in node.args]
        if isinstance(node, (sp.And, sp.Or)):
            while len(operands) > 2:
                operands[:2] = [self.add(op, operands[:2])]
        return op, operands

    def sum(self, node: sp.Add) -> tuple[str, list[Any]]:
        terms = node.as_ordered_terms()
        first, *others = [*(t for t in terms if not is_negative(t)), *(t for t in terms if is_negative(t))]
        total = self.of(first)
        steps = [("subtract", -term) if is_negative(term) else ("add", term) for term in others]
        for op, term in steps[:-1]:
            total = self.add(op, [total, self.of(term)])
        op, last = steps[-1]
        return op, [total, self.of(last)]

    def product(self, node: sp.Mul) -> tuple[str, list[Any]]:
        if is_negative(node):
            return "negative", [self.of(-node)]
        coefficient, rest = node.as_coeff_Mul()
        factors = rest.as_ordered_factors()
        below = [1 / factor for factor in factors if _is_divisor(factor)]
        above = [factor for factor in factors if not _is_divisor(factor)]
        if isinstance(coefficient, sp.Rational):
            top, bottom = sp.Integer(coefficient.p), sp.Integer(coefficient.q)
        else:
            top, bottom = coefficient, sp.S.One
        above = [top, *above] if top != 1 else above
        below = [bottom, *below] if bottom != 1 else below
        if not below:
            return self.factors(above)
        divisor = self.of(below[0]) if len(below) == 1 else self.add(*self.factors(below))
        if not above:
            return "reciprocal", [divisor]
        dividend = self.of(above[0]) if len(above) == 1 else self.add(*self.factors(above))
        return "divide", [dividend, divisor]

    def factors(self, factors: list[sp.Basic]) -> tuple[str, list[Any]]:
        total = self.of(factors[0])
        for factor in factors[1:-1]:
            total = self.add("multiply", [total, self.of(factor)])
        return "multiply", [total, self.of(factors[-1])]

    def power(self, base: sp.Expr, exponent: sp.Expr) -> tuple[str, list[Any]]:
        if exponent.is_number and exponent.is_negative:
            return "reciprocal", [self.of(base**-exponent)]
        if exponent == 2:
            return "square", [self.of(base)]
        if exponent == sp.S.Half:
            return "sqrt", [self.of(base)]
        return "power", [self.of(base), self.of(exponent)]

    def choice(self, branches: list[Any]) -> tuple[str, list[Any]]:
        (value, condition), *others = branches
        otherwise = self.of(others[0].expr) if len(others) == 1 else self.add(*self.choice(others))
        return "where", [self.of(condition), self.of(value), otherwise]


def _is_number(node: sp.Basic) -> bool:
    return node in (sp.true, sp.false) or bool(getattr(node, "is_number", False))


def _number(node: sp.Basic) -> float | bool:
    """A part without symbols, as a Python number."""
    return bool(node) if node in (sp.true, sp.false) else as_float(node)


def _is_divisor(factor: sp.Expr) -> bool:
    return isinstance(factor, sp.Pow) and bool(factor.exp.is_number and factor.exp.is_negative)
