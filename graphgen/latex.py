r"""Names and sympy's formulas as LaTeX, of which GitHub, MathJax and KaTeX show everything: no ``\operatorname``.

What is made of them for an op is the affair of ``ops/equations.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import expm1
from sympy.core.relational import Relational
from sympy.printing.latex import LatexPrinter

from graphgen.calculus.functions import Maximum, Minimum
from graphgen.calculus.own import Own
from graphgen.targets.dialects import NAMES
from graphgen.targets.printer import as_float, is_negative

_GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
          "rho", "sigma", "tau", "phi", "chi", "psi", "omega")  # fmt: skip
TIMES = r" \, "
_LONGEST_DIVISOR = 999  # fractions of longer ones are written as decimals


def identifier(name: str) -> str:
    r"""A name: ``x``, ``x_{0}``, ``\alpha``, ``d_{x}``, ``\mathrm{axis}``."""
    if name in _GREEK:
        return f"\\{name}"
    if len(name) == 1:
        return name
    base, underscore, rest = name.partition("_")
    if not underscore:
        base, rest = (name[:1], name[1:]) if name[1:].isdigit() else (name, "")
    if rest and (len(base) == 1 or base in _GREEK):
        return f"{identifier(base)}_{{{rest if rest.isdigit() else identifier(rest)}}}"
    upright = name.replace("_", r"\_")
    return f"\\mathrm{{{upright}}}"


def aligned(equations: Sequence[tuple[str, str]]) -> str:
    """Equations below each other, each a left and a right side."""
    if len(equations) == 1:
        return " = ".join(equations[0])
    lines = " \\\\\n".join(f"{left} &= {right}" for left, right in equations)
    return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"


# -- sympy


def expression(whole: sp.Basic, names: Mapping[sp.Symbol, str], known: frozenset[str] = frozenset()) -> str:
    """A sympy expression; a condition stands in brackets.

    Parameters
    ----------
    names
        What its symbols are called; those not mentioned have their own name.
    known
        Functions of ours that the reader knows by name; others are shown by their definition.
    """
    symbols = {symbol: identifier(names.get(symbol, symbol.name)) for symbol in whole.free_symbols}
    text = _Printer(symbols, known).doprint(_plain(whole, known)).replace(r"\operatorname{", r"\mathrm{")
    return f"\\left({text}\\right)" if isinstance(whole, Relational) else text


def _plain(whole: sp.Basic, known: frozenset[str]) -> sp.Basic:
    """An expression without what only keeps digits, or keeps a slope finite where something else makes it 0."""
    shown = (Maximum, Minimum)

    def is_hidden(part: sp.Basic) -> bool:
        return isinstance(part, Own) and not isinstance(part, shown) and NAMES[type(part).__name__] not in known

    def opened(part: sp.Basic) -> sp.Basic:
        return part.args[-1] if type(part).__name__ == "Nonzero" else part.definition()

    while any(is_hidden(part) for part in sp.preorder_traversal(whole)):  # definitions may be made of others
        whole = whole.replace(is_hidden, opened)
    return decimals(whole)


def decimals(whole: sp.Basic) -> sp.Basic:
    """An expression whose long fractions are decimals."""
    long = {each for each in whole.atoms(sp.Rational) if each.q > _LONGEST_DIVISOR}
    return whole.xreplace({each: sp.Float(each.p / each.q) for each in long})


class _Printer(LatexPrinter):
    """sympy's printer, with the terms of a sum in the order in which this project writes them, and our functions."""

    def __init__(self, symbols: Mapping[sp.Symbol, str], known: frozenset[str]) -> None:
        super().__init__({"symbol_names": dict(symbols), "mul_symbol": TIMES, "ln_notation": False})

    def _print_Float(self, number: sp.Float) -> str:
        mantissa, _, exponent = repr(as_float(number)).partition("e")
        if not exponent:
            return mantissa
        power = f"10^{{{int(exponent)}}}"
        return {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa} \\cdot {power}")

    def _print_Add(self, node: sp.Add, order: Any = None) -> str:
        terms = node.as_ordered_terms()
        text = ""
        for term in [*(t for t in terms if not is_negative(t)), *(t for t in terms if is_negative(t))]:
            sign = " - " if text and is_negative(term) else " + " if text else ""
            term = -term if sign == " - " else term
            needs_brackets = isinstance(term, sp.Piecewise) or (sign == " - " and isinstance(term, sp.Add | expm1))
            text += sign + (self.parenthesized(term) if needs_brackets else self._print(term))
        return text

    def _print_Mul(self, node: sp.Mul) -> str:
        text = super()._print_Mul(node)
        return f"-{text[2:]}" if text.startswith("- ") else text

    def parenthesized(self, node: sp.Basic) -> str:
        return f"\\left({self._print(node)}\\right)"

    def _called(self, name: str, node: sp.Function, exp: str | None) -> str:
        arguments = ", ".join(map(self._print, node.args))
        return f"{name}{f'^{{{exp}}}' if exp else ''}\\left({arguments}\\right)"

    def _print_Function(self, node: sp.Function, exp: str | None = None) -> str:
        if not isinstance(node, Own):
            return super()._print_Function(node, exp)
        return self._called(operator(NAMES[type(node).__name__]), node, exp)

    def _print_atan2(self, node: sp.Function, exp: str | None = None) -> str:
        return self._called(operator("atan2"), node, exp)

    def _print_polygamma(self, node: sp.Function, exp: str | None = None) -> str:
        """By what it is: a derivative of the logarithm of the gamma function."""
        order, argument = node.args[0], self._print(node.args[1])
        if order == 0:
            text = f"\\frac{{\\Gamma'\\left({argument}\\right)}}{{\\Gamma\\left({argument}\\right)}}"
        else:
            prime = "'" if order == 1 else f"^{{({self._print(order)})}}"
            text = f"{operator('digamma')}{prime}\\left({argument}\\right)"
        return text if exp is None else self._powered(text, exp)

    def _print_sign(self, node: sp.Function, exp: str | None = None) -> str:
        return self._called(operator("sign"), node, exp)

    def _print_expm1(self, node: sp.Function, exp: str | None = None) -> str:
        text = f"e^{{{self._print(node.args[0])}}} - 1"
        return text if exp is None else self._powered(text, exp)

    def _needs_mul_brackets(self, expr: sp.Basic, first: bool = False, last: bool = False) -> bool:
        return isinstance(expr, expm1) or super()._needs_mul_brackets(expr, first, last)

    def _print_log1p(self, node: sp.Function, exp: str | None = None) -> str:
        return self._called(r"\log", sp.Function("log")(1 + node.args[0]), exp)

    def _print_exp2(self, node: sp.Function, exp: str | None = None) -> str:
        return f"2^{{{self._print(node.args[0])}}}" if exp is None else self._powered(self._print_exp2(node), exp)

    def _print_log2(self, node: sp.Function, exp: str | None = None) -> str:
        return self._called(r"\log_{2}", node, exp)

    def _print_log10(self, node: sp.Function, exp: str | None = None) -> str:
        return self._called(r"\log_{10}", node, exp)

    def _powered(self, text: str, exp: str) -> str:
        return f"\\left({text}\\right)^{{{exp}}}"


_OPERATORS = {
    "sigmoid": r"\sigma",
    "maximum": r"\max",
    "minimum": r"\min",
    **{name: f"\\{name}" for name in ("max", "min", "log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arg")},
}


def operator(name: str) -> str:
    """The name of a function."""
    upright = name.replace("_", r"\_")
    return _OPERATORS.get(name) or f"\\mathrm{{{upright}}}"
