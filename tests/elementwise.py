"""What the tests of elementwise rows share: their slopes as text, in exact arithmetic, and as lines of NumPy that run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sympy as sp
from runtime_module import build, source
from sympy.codegen.cfunctions import exp2, expm1, log1p, log2, log10

from graphgen.calculus.formula import Formula
from graphgen.calculus.own import Own
from graphgen.calculus.slopes import Policies, Rule, Signature, vjp
from graphgen.ops import ELEMENTWISE
from graphgen.runtime import scalar_twins
from graphgen.targets.printer import spell, written

OPERANDS = ("x", "z", "w")
# Rows whose slopes are derived, each of every operand; those of other rows are declared: see test_control.py.
SMOOTH = [name for name, row in ELEMENTWISE.items() if not row.zero_slope and not row.controls and name != "where"]


def signature(op, attributes=(), same=None, constant=None, numbers=None, policies=None):
    """A signature of operands that are different variables, unless said."""
    count = len(op.kinds) if isinstance(op, Formula) else len(ELEMENTWISE[op].slots)
    default = tuple(range(count)), (False,) * count, (None,) * count
    same, constant, numbers = (given or usual for given, usual in zip((same, constant, numbers), default, strict=True))
    return Signature(op, attributes, same, constant, numbers, policies or Policies())


def names(rule: Rule) -> list[str]:
    return [
        w if isinstance(w, str) else OPERANDS[w] if isinstance(w, int) else f"{OPERANDS[w[1]]}_dot"
        for w in rule.operands
    ]


def slope(op, operand=0, dialect="numpy", **facts) -> str:
    """The gradient's line, in NumPy."""
    rule = vjp(signature(op, **facts), operand)
    return "0" if rule is None else written(rule.formula, dialect, names(rule))


def lines(folder: Path, dialect="numpy") -> dict[tuple[str, int | None], Callable[..., Any]]:
    """Lines of code as functions: (name, None) of the operands, (name, i) of g, the output y and the operands."""
    texts, called = {}, set()
    for name, row in ELEMENTWISE.items():
        own = OPERANDS[: len(row.slots)]
        texts[name, None] = f"lambda {', '.join(own)}: {written(row.printed(), dialect, own)}"
        called.update(spell(row.printed(), dialect).helpers)
        for operand in range(len(row.slots)):
            texts[name, operand] = f"lambda g, y, {', '.join(own)}: {slope(name, operand, dialect)}"
            rule = vjp(signature(name), operand)
            called.update(spell(rule.formula, dialect).helpers if rule else ())
    twins = scalar_twins() if dialect == "math" else {}
    used = sorted(twins.get(name, name) for name in called - {"_float"})
    body = "LINES = {\n" + "".join(f"    {key!r}: {text},\n" for key, text in texts.items()) + "}"
    text = source(used, rename={twin: name for name, twin in twins.items()}, supplied="import math", body=body)
    return build(folder, text).LINES


def plain(expression: sp.Basic) -> sp.Basic:
    """An expression in sympy's textbook functions."""
    expression = expression.replace(lambda part: isinstance(part, Own), lambda part: part.definition())
    return expression.replace(lambda part: isinstance(part, _COMPOSED), sp.expand_func)


_COMPOSED = (exp2, expm1, log1p, log2, log10)


def exact(expression: sp.Basic, slots) -> object:
    """The maths, in as many digits as mpmath is set to."""
    return sp.lambdify(slots, plain(expression), modules="mpmath")


def calculus(expression: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """The derivative as sympy has it, away from kinks and jumps: an independent way to the slope."""
    found = sp.diff(plain(expression), symbol)
    jumps = (sp.Subs, sp.Derivative, sp.DiracDelta)  # what sympy makes of floor and sign: 0 but where they jump
    return found.replace(lambda part: isinstance(part, jumps), lambda part: sp.S.Zero)
