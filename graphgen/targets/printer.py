"""Formulas as text: NumPy arrays, Python floats, or plain mathematics for comments.

A spelling has holes where its operands go. `fill` puts in the texts, with parentheses only where Python's precedence asks for them,
so that whole expressions can be written inside each other without sympy ever seeing more than one formula.

Functions are known by the name of their sympy class, as in sympy's own printers: this file needs nothing of the op table.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from string import Formatter
from typing import Any, NamedTuple, Protocol

import sympy as sp
from sympy.core.relational import Relational

from graphgen.targets.dialects import COUNTING, DIALECTS, HARMLESS, NAMES, DialectName
from graphgen.targets.precedence import (
    ADD,
    ANY,
    ATOM,
    COMPARE,
    MULTIPLY,
    OR,
    POWER,
    TERNARY,
    UNARY,
)
from graphgen.targets.spelling import Piece, Slot, Spelling, fill, joined

Attributes = tuple[tuple[str, Any], ...]


class Formulaic(Protocol):
    """What can be spelled: a Formula is its own, a row of the op table gives the one it is printed as."""

    def printed(self, attributes: Attributes = ()) -> "Formulaic": ...

    def __hash__(self) -> int: ...

    @property
    def expression(self) -> sp.Basic: ...

    @property
    def slots(self) -> tuple[sp.Symbol, ...]: ...


class _Text(NamedTuple):
    pieces: tuple[Piece, ...]
    precedence: int


@cache
def spell(formula: Formulaic, dialect: DialectName, attributes: Attributes = ()) -> Spelling:
    """Spell a formula, or a row of the op table with these attributes, in a dialect.

    Parameters
    ----------
    formula : a Formula or an Elementwise row.
    dialect : "numpy" for arrays, "math" for Python floats, "complex" for arrays of complex numbers whose imaginary
        parts are derivatives, "text" for comments and documents.
    attributes : the row's attributes that differ from its defaults, as (name, value) pairs.
    """
    printed = formula.printed(attributes)
    speller = _Speller(dialect, {symbol: index for index, symbol in enumerate(printed.slots)})
    pieces, precedence = speller.text(printed.expression)
    slots = [piece.index for piece in pieces if isinstance(piece, Slot)]
    uses = tuple(slots.count(index) for index in range(len(printed.slots)))
    return Spelling(joined(pieces), precedence, tuple(sorted(speller.helpers)), uses)


def written(formula: Formulaic, dialect: DialectName, names: Iterable[str]) -> str:
    """Spell a formula with plain names for its operands."""
    return fill(spell(formula, dialect), [(name, ATOM) for name in names])


def is_negative(term: sp.Basic) -> bool:
    """Whether a term of a sum carries a minus sign."""
    coefficient, _ = term.as_coeff_Mul()
    return bool(coefficient.is_negative)


class _Speller:
    """Walks one expression; `helpers` collects what it calls."""

    def __init__(self, name: DialectName, slots: dict[sp.Symbol, int]) -> None:
        self.name = name
        self.dialect = DIALECTS[name]
        self.slots = slots
        self.helpers: set[str] = set()
        self.taken: sp.Basic = sp.true  # where the branch being spelled is the one taken

    def text(self, node: sp.Basic) -> _Text:
        for kind, spelled in _SPELLED:
            if isinstance(node, kind):
                return spelled(self, node)
        assert type(node).__name__ in NAMES, f"no spelling for {type(node).__name__}"
        return self.function(node)

    def at(self, node: sp.Basic, precedence: int) -> tuple[Piece, ...]:
        """The pieces of a node, ready to stand where `precedence` is asked for."""
        pieces, own = self.text(node)
        if len(pieces) == 1 and isinstance(pieces[0], Slot):
            return (Slot(pieces[0].index, precedence),)
        return pieces if own >= precedence else ("(", *pieces, ")")

    def call(self, name: str, *arguments: sp.Basic) -> _Text:
        if name in self.dialect.templates:
            return self.template(*self.dialect.templates[name], arguments)
        spelled = self.dialect.names.get(name, self.dialect.prefix + name)
        if name in self.dialect.helpers:
            self.helpers.add(name)
            spelled = name
        pieces: tuple[Piece, ...] = (f"{spelled}(",)
        for index, argument in enumerate(arguments):
            counts = name in COUNTING and index == 0
            pieces += ((", ",) if index else ()) + ((str(argument),) if counts else self.at(argument, ANY))
        return _Text((*pieces, ")"), ATOM)

    def template(self, text: str, precedence: int, arguments: Sequence[sp.Basic]) -> _Text:
        pieces: tuple[Piece, ...] = ()
        for literal, place, form, _ in Formatter().parse(text):
            pieces += (literal,)
            if place is not None:
                pieces += self.at(arguments[int(place)], ATOM if form == "atom" else ANY)
        return _Text(pieces, precedence)

    def harmless(self, argument: sp.Expr, value: float) -> sp.Expr:
        """An argument that warns nobody where its branch is not taken: NumPy computes all branches everywhere."""
        _, chosen = argument.as_coeff_Mul()
        bounded = isinstance(chosen, sp.Piecewise) or type(chosen).__name__ in ("Maximum", "Minimum")
        if self.taken == sp.true or bounded or not argument.free_symbols:
            return argument
        return sp.Piecewise((argument, self.taken), (value, True), evaluate=False)

    def slot(self, node: sp.Symbol) -> _Text:
        return _Text((Slot(self.slots[node], ANY),), ATOM)

    def truth(self, node: sp.Basic) -> _Text:
        return _Text((str(node),), ATOM)

    def number(self, node: sp.Expr) -> _Text:
        """A number without its maths: always a Python float in code, as NumPy's own scalars would widen float32."""
        if self.name == "text" and not isinstance(node, sp.Float):
            if isinstance(node, sp.Rational):
                return _Text((str(node),), MULTIPLY if node.q != 1 else UNARY if node.p < 0 else ATOM)
            named = {sp.pi: "pi", sp.E: "exp(1)", sp.oo: "inf", -sp.oo: "-inf", sp.nan: "nan"}
            return _Text((named[node],), UNARY if node == -sp.oo else ATOM)
        if node in (sp.oo, -sp.oo, sp.nan):
            literal = f"{'-' if node == -sp.oo else ''}{self.dialect.prefix}{'nan' if node is sp.nan else 'inf'}"
        else:
            literal = repr(as_float(node))
        return _Text((literal,), UNARY if literal.startswith("-") else ATOM)

    def add(self, node: sp.Add) -> _Text:
        if self.folds(node):
            return self.number(node)
        terms = node.as_ordered_terms()
        first, *others = [*(t for t in terms if not is_negative(t)), *(t for t in terms if is_negative(t))]
        pieces = self.at(first, ADD)
        for term in others:
            sign, term = (" - ", -term) if is_negative(term) else (" + ", term)
            pieces += (sign, *self.at(term, ADD + 1))
        return _Text(pieces, ADD)

    def multiply(self, node: sp.Mul) -> _Text:
        if self.folds(node):
            return self.number(node)
        negative, above, below = self.fraction(node)
        pieces: tuple[Piece, ...] = ("-",) if negative else ()
        for index, factor in enumerate(above or [sp.S.One]):
            least = MULTIPLY + 1 if index else POWER if negative else MULTIPLY
            pieces += ((self.dialect.times,) if index else ()) + self.at(factor, least)
        if below:
            divisor = self.at(below[0], MULTIPLY + 1)
            if len(below) > 1:
                divisor = ("(", *self.at(below[0], MULTIPLY))
                for factor in below[1:]:
                    divisor += (self.dialect.times, *self.at(factor, MULTIPLY + 1))
                divisor += (")",)
            pieces += (self.dialect.over, *divisor)
        single = len(above) + len(below) == 1 and not below
        return _Text(pieces, UNARY if single else MULTIPLY)

    def fraction(self, node: sp.Expr) -> tuple[bool, list[sp.Expr], list[sp.Expr]]:
        """Split a product into its sign, what stands above the line and what stands below it."""
        coefficient, rest = node.as_coeff_Mul()
        factors = list(sp.Mul.make_args(rest))
        if self.name != "text":  # sqrt(2) * a / 2 has one constant, 0.7071067811865476
            constants = [factor for factor in factors if factor.is_number]
            factors = [factor for factor in factors if not factor.is_number]
            if constants:
                coefficient = sp.Float(as_float(sp.Mul(coefficient, *constants)))
        below = [self.harmless_divisor(1 / factor) for factor in factors if _is_divisor(factor)]
        above = [factor for factor in factors if not _is_divisor(factor)]
        above.sort(key=self.reading_order)
        below.sort(key=self.reading_order)
        negative, coefficient = bool(coefficient.is_negative), abs(coefficient)
        if isinstance(coefficient, sp.Rational) and (
            below or self.name == "text" or coefficient.q & (coefficient.q - 1)
        ):
            if coefficient.q != 1:
                below.insert(0, sp.Integer(coefficient.q))
            coefficient = sp.Integer(coefficient.p)
        if coefficient != 1:
            above.insert(0, coefficient)
        return negative, above, below

    def harmless_divisor(self, divisor: sp.Expr) -> sp.Expr:
        base, exponent = divisor.as_base_exp()
        return self.harmless(base, 1) ** exponent if exponent.is_Integer else divisor

    def reading_order(self, factor: sp.Basic) -> tuple[Any, ...]:
        """Slots in order, and what is computed from a slot after the slot itself: g * y * (1 - y)."""
        slots = [self.slots[symbol] for symbol in factor.free_symbols if symbol in self.slots]
        compound = not (
            factor.is_Symbol or (isinstance(factor, sp.Pow) and factor.base.is_Symbol and factor.exp.is_number)
        )
        return compound, min(slots, default=-1), factor.count_ops(), factor.sort_key()

    def power(self, node: sp.Pow) -> _Text:
        if self.folds(node):
            return self.number(node)
        base, exponent = node.args
        if exponent.is_number and exponent.is_negative:
            return self.multiply(node)
        if exponent == sp.S.Half:
            return self.call("sqrt", self.harmless(base, 1))
        if exponent.is_Integer:
            return _Text((*self.at(base, ATOM), f"**{exponent}"), POWER)
        base = self.harmless(base, 1)
        if self.name == "math":  # ** would answer a negative base with a complex number
            return self.call("pow", base, exponent)
        return _Text((*self.at(base, ATOM), "**", *self.at(exponent, ATOM)), POWER)

    def function(self, node: sp.Function) -> _Text:
        if self.folds(node):
            return self.number(node)
        name = NAMES[type(node).__name__]
        if self.name != "text" and name == "nonzero":
            (value,) = node.args
            return self.piecewise(sp.Piecewise((1, sp.Eq(value, 0)), (value, True), evaluate=False))
        safe = HARMLESS.get(name, (None,) * len(node.args))
        arguments = (
            argument if value is None else self.harmless(argument, value)
            for argument, value in zip(node.args, safe, strict=True)
        )
        return self.call(name, *arguments)

    def piecewise(self, node: sp.Piecewise) -> _Text:
        """`where` calls inside each other, or conditional expressions; the last branch is the one for all else."""
        branches = list(node.args)
        otherwise, always = branches.pop()
        assert always == sp.true, f"{node} leaves some values out"
        literals = self.name == "numpy" and all(value.is_number for value, _ in node.args)

        def branch(value: sp.Expr, place: int) -> tuple[Piece, ...]:
            if literals:  # two bare literals would make np.where answer in float64
                self.helpers.add("_float")
                return ("_float(", *self.at(value, ANY), ")")
            outside = self.taken
            if self.name == "numpy":
                earlier = (sp.Not(condition) for _, condition in branches[:place])
                self.taken = sp.And(outside, *earlier, *(condition for _, condition in branches[place : place + 1]))
            pieces = self.at(value, ANY)
            self.taken = outside
            return pieces

        def tested(condition: sp.Basic) -> tuple[Piece, ...]:
            outside = self.taken
            if condition == outside:  # the condition of a branch is asked everywhere, also by what stands in the branch
                self.taken = sp.true
            pieces = self.at(condition, ANY)
            self.taken = outside
            return pieces

        if self.name == "math":
            pieces = self.at(otherwise, TERNARY)
            for value, condition in reversed(branches):
                pieces = (*self.at(value, OR), " if ", *self.at(condition, OR), " else ", *pieces)
            return _Text(pieces, TERNARY)
        name = self.dialect.prefix + "where("
        pieces = branch(otherwise, len(branches))
        for place, (value, condition) in reversed(list(enumerate(branches))):
            pieces = (name, *tested(condition), ", ", *branch(value, place), ", ", *pieces, ")")
        return _Text(pieces, ATOM)

    def relational(self, node: Relational) -> _Text:
        sign = {"Equality": "==", "Unequality": "!="}.get(type(node).__name__) or node.rel_op
        if self.name == "complex":  # the imaginary part is a derivative, and decides nothing
            one, other = (("np.real(", *self.at(side, ANY), ")") for side in (node.lhs, node.rhs))
            return _Text((*one, f" {sign} ", *other), COMPARE)
        return _Text((*self.at(node.lhs, COMPARE + 1), f" {sign} ", *self.at(node.rhs, COMPARE + 1)), COMPARE)

    def all_of(self, node: sp.And) -> _Text:
        return self.chain(node, *self.dialect.both)

    def any_of(self, node: sp.Or) -> _Text:
        return self.chain(node, *self.dialect.either)

    def chain(self, node: sp.Basic, sign: str, precedence: int) -> _Text:
        def order(part: sp.Basic) -> tuple[Any, ...]:
            compound, slot, *rest = self.reading_order(part)
            return compound, slot, _bound(part), *rest

        first, *others = sorted(node.args, key=order)
        pieces = self.at(first, precedence)
        for other in others:
            pieces += (sign, *self.at(other, precedence + 1))
        return _Text(pieces, precedence)

    def not_of(self, node: sp.Not) -> _Text:
        sign, precedence = self.dialect.negation
        return _Text((sign, *self.at(node.args[0], precedence + 1)), precedence)

    def folds(self, node: sp.Expr) -> bool:
        """Whether a part without slots is written as its value: np.log(2.0) would be a float64 scalar."""
        return self.name != "text" and bool(node.is_number)


_SPELLED: list[tuple[type, Callable[..., _Text]]] = [
    (sp.Symbol, _Speller.slot),
    ((sp.Number, sp.NumberSymbol), _Speller.number),  # type: ignore[list-item]
    (sp.logic.boolalg.BooleanAtom, _Speller.truth),
    (sp.Add, _Speller.add),
    (sp.Mul, _Speller.multiply),
    (sp.Pow, _Speller.power),
    (sp.Piecewise, _Speller.piecewise),
    (Relational, _Speller.relational),
    (sp.And, _Speller.all_of),
    (sp.Or, _Speller.any_of),
    (sp.Not, _Speller.not_of),
]


def _bound(condition: sp.Basic) -> float:
    """The number that a condition compares with, so that a lower bound is read before an upper one."""
    return as_float(condition.rhs) if isinstance(condition, Relational) and condition.rhs.is_number else 0.0


def as_float(number: sp.Expr) -> float:
    """The Python float nearest to a sympy number."""
    if isinstance(number, sp.Rational):
        return number.p / number.q  # one rounding
    return float(number) if isinstance(number, sp.Float) else float(number.evalf(30))


def _is_divisor(factor: sp.Expr) -> bool:
    return isinstance(factor, sp.Pow) and bool(factor.exp.is_number and factor.exp.is_negative)
