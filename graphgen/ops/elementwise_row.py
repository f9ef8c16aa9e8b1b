"""The kind of row that is one formula, and what sympy cannot know about it.

Slopes for both modes are derived from the formula (``graphgen.calculus.slopes``), spellings by the printer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import isfinite
from typing import Any, ClassVar, Literal

import sympy as sp

from graphgen.calculus.derivative import number
from graphgen.calculus.formula import Formula, formula
from graphgen.ops import elementwise_types
from graphgen.ops.table import Type
from graphgen.targets.dialects import HARMLESS, NAMES
from graphgen.targets.printer import Attributes

DtypeRule = Literal["float", "number", "comparison", "logical", "where"]


@dataclass(frozen=True, eq=False)
class Elementwise:
    """A row of the op table whose value at each place is a formula of its operands' values there.

    Attributes
    ----------
    formula : the maths, a sympy expression over the slots and the attributes' symbols.
    slots : the symbols of the operands, in order.
    attributes : keywords and their defaults, numbers; or a text, with the default of which the formula holds.
    requires : what must hold of the attributes.
    variants : the formulas of that attribute's other texts.
    stable : the formula to print, where the first one would overflow or lose digits.
    domain : where the formula has a value, if not everywhere: a condition on one operand.
    safe : for operands at which the formula may have no value or overflow, one at which it has: it is put where the result
        is not read.
    dtype_rule : what dtypes go in and out. "float": floats to float; "number": floats or integers, to the same;
        "comparison": any numbers to truth values; "logical": truth values to the same; "where": a condition, then numbers.
    overflows : the value is infinite at some operand of 2000 in size already.
    steep : the value is finite everywhere, but the slope is infinite somewhere.
    zero_slope : no gradient passes, whatever the formula's derivative.
    controls : ``controls(y, *operands)``, of names: what is declared of the gradient, for comments; None where it is the
        derivative of the value. Else the formula is one of `graphgen.calculus.declared`.
    summary : for readers.
    origin : where the definition or the name comes from, where that is not what the family says.
    """

    name: str
    formula: sp.Basic
    slots: tuple[sp.Symbol, ...]
    summary: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    requires: sp.Basic = sp.true
    variants: Mapping[str, sp.Basic] = field(default_factory=dict)
    stable: sp.Basic | None = None
    domain: sp.Basic = sp.true
    safe: Mapping[int, float] = field(default_factory=dict)
    dtype_rule: DtypeRule = "float"
    overflows: bool = False
    steep: bool = False
    zero_slope: bool = False
    controls: Callable[..., str] | None = None
    origin: str = ""

    # What other kinds of row may have.
    canonical: ClassVar[None] = None
    call: ClassVar[None] = None
    places: ClassVar[bool] = False
    indexes: ClassVar[None] = None
    optional: ClassVar[int] = 0

    @property
    def operands(self) -> tuple[str, ...]:
        """The operands' names."""
        return tuple(symbol.name for symbol in self.slots)

    @property
    def stops(self) -> bool:
        """Whether no gradient passes."""
        return self.zero_slope

    @property
    def restricted(self) -> int | None:
        """The operand that the domain is a condition on."""
        return next((place for place, symbol in enumerate(self.slots) if symbol in self.domain.free_symbols), None)

    def takes(self, place: int, value: float) -> bool:
        """Whether a number is inside the domain."""
        if place != self.restricted:
            return True
        return isfinite(value) and self.domain.subs(self.slots[place], float(value)) == sp.true

    def takes_positive(self) -> bool:
        """Whether every positive number is inside the domain."""
        return self.domain == sp.true or _holds_of_positive(self)

    def infer(self, *types: Type, **attributes: Any) -> Type:
        """The type of the result; raises `Mismatch`."""
        return elementwise_types.infer(self, *types, **attributes)

    def counts_bools(self, count: int, attributes: Mapping[str, Any]) -> tuple[bool, ...]:
        """For each operand, whether it is a number, as which a bool counts as a float."""
        return (self.dtype_rule in ("float", "number"),) * count

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
    return formula(elementwise_types.filled(row, expression, values, number), row.slots)


@cache
def _holds_of_positive(row: Elementwise) -> bool:
    assert row.restricted is not None
    positive = sp.Symbol("positive", positive=True)
    return row.domain.subs(row.slots[row.restricted], positive) == sp.true


def elementwise(
    name: str,
    expression: Any,
    summary: str,
    operands: tuple[sp.Symbol, ...] = (),
    *,
    attributes: Mapping[str, Any] | None = None,
    safe: Mapping[sp.Symbol, float] | None = None,
    **facts: Any,
) -> Elementwise:
    """Make a row of a formula; see `Elementwise` for the facts.

    The operands are the formula's symbols that are no attributes, in the order of the alphabet, unless said; what is safe
    is known of functions.
    """
    symbols = sorted(expression.free_symbols, key=str)
    operands = operands or tuple(each for each in symbols if each.name not in (attributes or {}))
    if safe is None and expression.args == operands:
        known = zip(operands, HARMLESS.get(NAMES.get(type(expression).__name__, ""), ()), strict=False)
        safe = {symbol: value for symbol, value in known if value is not None}
    places = {operands.index(symbol): value for symbol, value in (safe or {}).items()}
    return Elementwise(name, expression, operands, summary, attributes or {}, safe=places, **facts)
