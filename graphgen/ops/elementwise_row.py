"""The kind of row that is one formula, and what sympy cannot know about it.

Slopes for both modes are derived from the formula (``graphgen.calculus.slopes``), spellings by the printer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal

import sympy as sp

from graphgen.calculus.derivative import number
from graphgen.calculus.formula import Formula, formula
from graphgen.ops import elementwise_types
from graphgen.ops.table import Type
from graphgen.targets.printer import Attributes

DtypeRule = Literal["float", "number", "comparison", "logical", "where"]


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
        "comparison": any numbers to truth values; "logical": truth values to the same; "where": a condition, then numbers.
    zero_slope : no gradient passes, whatever the formula's derivative.
    summary : for readers.
    """

    name: str
    formula: sp.Basic
    slots: tuple[sp.Symbol, ...]
    summary: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    stable: sp.Basic | None = None
    safe: Mapping[int, float] = field(default_factory=dict)
    dtype_rule: DtypeRule = "float"
    zero_slope: bool = False

    # What other kinds of row may have.
    canonical: ClassVar[None] = None
    call: ClassVar[None] = None
    places: ClassVar[bool] = False

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

    The operands are the formula's symbols that are no attributes, in the order of the alphabet, unless said.
    """
    symbols = sorted(expression.free_symbols, key=str)
    operands = operands or tuple(each for each in symbols if each.name not in (attributes or {}))
    places = {operands.index(symbol): value for symbol, value in (safe or {}).items()}
    return Elementwise(name, expression, operands, summary, attributes or {}, safe=places, **facts)
