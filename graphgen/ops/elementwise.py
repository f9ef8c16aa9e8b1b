"""The elementwise rows of the op table: a name, a formula, and what sympy cannot know about it.

Slopes for both modes are derived from the formula (``slopes.py``), spellings by the printer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from graphgen.ops import elementwise_types
from graphgen.ops.derivative import number
from graphgen.ops.formula import Formula, formula
from graphgen.ops.functions import Maximum, Minimum
from graphgen.ops.table import Type
from graphgen.targets.printer import Attributes

DtypeRule = Literal["float", "number", "bool", "where"]


@dataclass(frozen=True, eq=False)
class Elementwise:
    """A row of the op table whose value at each place is a formula of its operands' values there.

    Attributes
    ----------
    formula : the maths, a sympy expression over the slots and the attributes' symbols.
    slots : the symbols of the operands, in order.
    attributes : keywords and their defaults.
    stable : the formula to print, where the first one would overflow or lose digits.
    safe : for each operand with a restricted domain, a value inside it, to put where the result is not read.
    dtype_rule : what dtypes go in and out. "float": floats to float; "number": floats or integers, to the same;
        "bool": truth values out (logical ops take them, comparisons take any number); "where": a condition, then numbers.
    zero_slope : no gradient passes, whatever the formula's derivative.
    summary, category : for readers.
    """

    name: str
    formula: sp.Basic
    slots: tuple[sp.Symbol, ...]
    summary: str
    category: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    stable: sp.Basic | None = None
    safe: Mapping[int, float] = field(default_factory=dict)
    dtype_rule: DtypeRule = "float"
    zero_slope: bool = False

    # What other kinds of row may have.
    canonical: ClassVar[None] = None
    call: ClassVar[None] = None

    @property
    def operands(self) -> tuple[str, ...]:
        """The operands' names."""
        return tuple(symbol.name for symbol in self.slots)

    @property
    def stops(self) -> bool:
        """Whether no gradient passes."""
        return self.zero_slope

    def infer(self, *types: Type, **attributes: Any) -> Type:
        """The type of the result; raises `Mismatch`."""
        return elementwise_types.infer(self, *types, **attributes)

    def complete(self, types: tuple[Type, ...], attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes with defaults filled in; raises `Mismatch`."""
        return elementwise_types.checked_attributes(self, types, attributes)

    def substitute(self, operands: list[Any], attributes: Mapping[str, Any]) -> sp.Expr:
        """The formula of sympy expressions and numbers."""
        return elementwise_types.substitute(self, operands, attributes)

    def derived(self, attributes: Attributes = ()) -> Formula:
        """The formula to derive from, with the attributes' values in it; those not given have their defaults."""
        return _with_attributes(self, self.formula, attributes)

    def printed(self, attributes: Attributes = ()) -> Formula:
        """The formula to print: the stable one where there is one."""
        return _with_attributes(self, self.formula if self.stable is None else self.stable, attributes)


@cache
def _with_attributes(row: Elementwise, expression: sp.Basic, attributes: Attributes) -> Formula:
    values = {**row.attributes, **dict(attributes)}
    numbers = {sp.Symbol(name, real=True): number(value) for name, value in values.items()}
    return formula(expression.xreplace(numbers), row.slots)


ELEMENTWISE: dict[str, Elementwise] = {}


def _row(
    name: str, expression: Any, operands: tuple[sp.Symbol, ...], category: str, summary: str, **facts: Any
) -> None:
    safe = {operands.index(symbol): value for symbol, value in facts.pop("safe", {}).items()}
    ELEMENTWISE[name] = Elementwise(name, expression, operands, summary, category, safe=safe, **facts)


a, b = sp.symbols("a b", real=True)
condition, p, q = sp.symbols("condition p q")
negative_slope, alpha = sp.symbols("negative_slope alpha", real=True)
_NUMBER: dict[str, Any] = {"dtype_rule": "number"}
_BOOL: dict[str, Any] = {"dtype_rule": "bool", "zero_slope": True}

_row("add", a + b, (a, b), "arithmetic", "Sum.", **_NUMBER)
_row("subtract", a - b, (a, b), "arithmetic", "Difference.", **_NUMBER)
_row("multiply", a * b, (a, b), "arithmetic", "Product.", **_NUMBER)
_row("divide", a / b, (a, b), "arithmetic", "Quotient.", safe={b: 1.0})
_row("power", a**b, (a, b), "arithmetic", "First operand to the power of the second.", safe={a: 1.0})
_row("negative", -a, (a,), "arithmetic", "Change of sign.", **_NUMBER)
_row("abs", sp.Abs(a), (a,), "arithmetic", "Absolute value; its slope at 0 is 0.", **_NUMBER)
_row("sign", sp.sign(a), (a,), "arithmetic", "-1, 0 or 1; no gradient passes.", zero_slope=True, **_NUMBER)
_row("floor", sp.floor(a), (a,), "arithmetic", "Largest whole number not above; no gradient passes.", zero_slope=True)
_row("sqrt", sp.sqrt(a), (a,), "arithmetic", "Square root.", safe={a: 1.0})
_row("square", a**2, (a,), "arithmetic", "Square.", **_NUMBER)
_row("reciprocal", 1 / a, (a,), "arithmetic", "One over the operand.", safe={a: 1.0})
_row("exp", sp.exp(a), (a,), "exponential", "Exponential.", safe={a: 0.0})
_row("expm1", expm1(a), (a,), "exponential", "exp(a) - 1, accurate near 0.", safe={a: 0.0})
_row("log", sp.log(a), (a,), "exponential", "Natural logarithm.", safe={a: 1.0})
_row("log1p", log1p(a), (a,), "exponential", "log(1 + a), accurate near 0.", safe={a: 0.0})
_row("sin", sp.sin(a), (a,), "trigonometric", "Sine, of radians.", safe={a: 0.0})
_row("cos", sp.cos(a), (a,), "trigonometric", "Cosine, of radians.", safe={a: 0.0})
_row("tanh", sp.tanh(a), (a,), "trigonometric", "Hyperbolic tangent.")
_row("sigmoid", 1 / (1 + sp.exp(-a)), (a,), "activation", "Logistic function.")
_row("softplus", sp.log(1 + sp.exp(a)), (a,), "activation", "Smooth relu.")
_row("relu", Maximum(a, 0), (a,), "activation", "The operand where positive, 0 elsewhere.")
_row("leaky_relu", sp.Piecewise((a, a > 0), (negative_slope * a, True)), (a,), "activation",
     "The operand where positive, negative_slope times it elsewhere.", attributes={"negative_slope": 0.01})  # fmt: skip
_row("elu", sp.Piecewise((a, a > 0), (alpha * expm1(a), True)), (a,), "activation",
     "The operand where positive, alpha * (exp(a) - 1) elsewhere.", attributes={"alpha": 1.0},
     stable=sp.Piecewise((a, a > 0), (alpha * expm1(Minimum(a, 0)), True)))  # fmt: skip
_row("maximum", Maximum(a, b), (a, b), "selection", "The larger operand.", **_NUMBER)
_row("minimum", Minimum(a, b), (a, b), "selection", "The smaller operand.", **_NUMBER)
_row("where", sp.Piecewise((a, condition), (b, True)), (condition, a, b), "selection",
     "The second operand where the condition holds, the third elsewhere.", dtype_rule="where")  # fmt: skip
_row("less", sp.Lt(a, b), (a, b), "comparison", "a < b.", **_BOOL)
_row("less_equal", sp.Le(a, b), (a, b), "comparison", "a <= b.", **_BOOL)
_row("greater", sp.Gt(a, b), (a, b), "comparison", "a > b.", **_BOOL)
_row("greater_equal", sp.Ge(a, b), (a, b), "comparison", "a >= b.", **_BOOL)
_row("equal", sp.Eq(a, b), (a, b), "comparison", "a == b.", **_BOOL)
_row("not_equal", sp.Ne(a, b), (a, b), "comparison", "a != b.", **_BOOL)
_row("logical_and", sp.And(p, q), (p, q), "logical", "Both hold.", **_BOOL)
_row("logical_or", sp.Or(p, q), (p, q), "logical", "At least one holds.", **_BOOL)
_row("logical_not", sp.Not(p), (p,), "logical", "Does not hold.", **_BOOL)
_row("identity", a, (a,), "structure", "The operand.", **_NUMBER)
_row("stop_gradient", a, (a,), "structure", "The operand; no gradient passes.", zero_slope=True, **_NUMBER)
