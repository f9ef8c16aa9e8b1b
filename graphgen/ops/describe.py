"""One op of the table, for people: what ``graphgen ops NAME`` shows, and docs/ops.md of all."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.printing.str import StrPrinter

from graphgen.calculus.own import Own
from graphgen.errors import GraphError, Problem
from graphgen.latex import decimals
from graphgen.ops.families import FAMILIES
from graphgen.targets.dialects import NAMES
from graphgen.targets.precedence import COMPARE
from graphgen.targets.printer import as_float

if TYPE_CHECKING:
    from graphgen.calculus.derivative import Kinks
    from graphgen.calculus.formula import Formula
    from graphgen.calculus.slopes import Rule, Signature

Fact = tuple[str, str]  # label, text


def describe(name: str) -> list[Fact]:
    """The facts about an op, as (label, text) pairs: formula, slopes, shape and dtype rules, policy, NumPy, origin.

    Raises
    ------
    GraphError
        If there is no such op.
    """
    from graphgen import ops
    from graphgen.ops.describe_arrays import of_arrays

    found = [(family, row) for family, rows in ops.families().items() for row in rows if row.name == name]
    if not found:
        raise GraphError(Problem("GG001", None, f"unknown op {name!r}", ops.suggestion(name)))
    ((family, row),) = found
    facts = [("op", signature(row)), ("what", " ".join(row.summary.split()))]
    facts += _elementwise(row) if isinstance(row, ops.Elementwise) else of_arrays(row)
    return [*facts, ("origin", row.origin or FAMILIES[family].origin)]


def signature(row: Any) -> str:
    """How users call an op: ``ops.elu(a, alpha=1.0)``."""
    from graphgen import ops

    parameters = list(row.operands[: len(row.operands) - row.optional])
    parameters += [f"{name}=None" for name in row.operands[len(parameters) :]]
    attributes = dict(row.attributes)
    if row.call is not None:
        taken = [*inspect.signature(row.call).parameters.values()]
        named = [each for each in taken if each.kind is not each.VAR_KEYWORD]
        parameters = [str(each.replace(annotation=each.empty)) for each in named]
        rest = attributes if any(each.kind is each.VAR_KEYWORD for each in taken) else {}
        attributes = {key: value for key, value in rest.items() if key not in {each.name for each in named}}
    required = ops.table.REQUIRED
    parameters += [key if value is required else f"{key}={value!r}" for key, value in attributes.items()]
    return f"{'losses' if row.name in ops.LOSSES else 'ops'}.{row.name}({', '.join(parameters)})"


# -- elementwise rows


def _elementwise(row: Any) -> list[Fact]:
    from graphgen.targets.printer import written

    facts = [("formula", f"y = {text}") for text in _formulas(row)]
    facts += _slopes(row)
    facts += [("where", text) for text in _definitions(row)]
    facts.append(("shape", "operands broadcast" if len(row.slots) > 1 else "that of the operand"))
    facts.append(("dtype", _DTYPES[row.dtype_rule]))
    facts += [("keywords", text) for text in _condition(row.requires)]
    facts += [("domain", text) for text in _condition(row.domain)]
    facts += [("policy", text) for text in _policies(row)]
    facts.append(("NumPy", written(row, "numpy", row.operands)))
    return facts


def _formulas(row: Any) -> list[str]:
    """The formula, and its variants, with the names of attributes."""
    from graphgen.calculus.formula import formula
    from graphgen.targets.printer import written

    texts = []
    for expression in (row.formula, *row.variants.values()):
        symbols = (*row.slots, *sorted(expression.free_symbols - set(row.slots), key=str))
        if any(
            isinstance(part, Own) and NAMES[type(part).__name__] == row.name
            for part in sp.preorder_traversal(expression)
        ):
            texts.append(_plain(expression))
        else:
            texts.append(written(formula(expression, symbols), "text", [symbol.name for symbol in symbols]))
    keyword = next((key for key, value in row.attributes.items() if isinstance(value, str)), "")
    others = zip(texts[1:], row.variants, strict=True)
    return [texts[0], *(f"{text}  ({keyword}={variant!r})" for text, variant in others)]


def _condition(holds: sp.Basic) -> list[str]:
    """What must hold, as text; nothing where all is well."""
    from graphgen.calculus.formula import formula
    from graphgen.targets.printer import written

    symbols = sorted(holds.free_symbols, key=str)
    return [] if holds == sp.true else [written(formula(holds, symbols), "text", [symbol.name for symbol in symbols])]


class _Printer(StrPrinter):
    """sympy's printer, with choices, comparisons and numbers as Python writes them."""

    def _print_Relational(self, node: Relational) -> str:
        left, right = (self.parenthesize(side, COMPARE) for side in (node.lhs, node.rhs))
        return f"{left} {node.rel_op} {right}"

    def _print_Float(self, number: sp.Float) -> str:
        return repr(as_float(number))

    def _print_Piecewise(self, node: sp.Piecewise) -> str:
        *branches, last = node.args
        return "".join(f"{self._print(value)} if {self._print(test)} else " for value, test in branches) + self._print(
            last.expr
        )


def _plain(expression: sp.Basic) -> str:
    """An expression in sympy's own functions."""
    opened = expression.replace(lambda part: isinstance(part, Own), lambda part: part.definition())
    return _Printer().doprint(decimals(opened))


def _definitions(row: Any) -> list[str]:
    """What functions are that formula and slopes hold, and that are no ops."""
    from graphgen import ops
    from graphgen.calculus.formula import slot

    shown = [row.derived().expression, *row.variants.values()]
    shown += [] if row.stops else [rule.formula.expression for _, rule, _ in slopes(row.name, row.operands)]
    kinds = {type(part): None for whole in shown for part in sp.preorder_traversal(whole) if isinstance(part, Own)}
    hidden = sorted((kind for kind in kinds if NAMES[kind.__name__] not in ops.NAMES), key=lambda kind: kind.__name__)
    calls = [kind(*(slot(place) for place in range(kind.nargs.args[0]))) for kind in hidden]
    told = [(f"{NAMES[type(call).__name__]}({', '.join(map(str, call.args))})", _plain(call)) for call in calls]
    return [f"{call} = {text}" for call, text in told if call != text]


_DTYPES = {
    "float": "floats; bools count as floats",
    "number": "floats, or integers of one type; bools count as floats",
    "comparison": "numbers of one type, to bools; bools count as floats",
    "logical": "bools",
    "where": "a bool condition, then two of one dtype",
}


def _slopes(row: Any) -> list[Fact]:
    """The gradient of each operand, for the gradient d_y of the result y."""
    from graphgen.targets.printer import written

    if row.zero_slope:
        return [("slope", "zero: no gradient passes")]
    defaults = ", ".join(f"{key}={value!r}" for key, value in row.attributes.items())
    given = f"  ({defaults})" if defaults else ""
    found = slopes(row.name, row.operands)
    return [("slope", f"d_{operand} = {written(rule.formula, 'text', names)}{given}") for operand, rule, names in found]


def slopes(op: str | Formula, operands: Sequence[str], result: str = "y") -> list[tuple[str, Rule, list[str]]]:
    """The gradient of each operand of an elementwise op that has one, and the names of what goes into its slots."""
    from graphgen.calculus.slopes import vjp

    found = []
    for place, operand in enumerate(operands):
        rule = vjp(_signature(op, len(operands)), place)
        if rule is not None:
            names = [{"g": f"d_{result}", "y": result}.get(each) or operands[each] for each in rule.operands]
            found.append((operand, rule, names))
    return found


def _signature(op: str | Formula, count: int) -> Signature:
    """That of an op of different variables."""
    from graphgen.calculus.slopes import Signature

    return Signature(op, (), tuple(range(count)), (False,) * count, (None,) * count)


def choices(undecided: Iterable[Kinks]) -> list[str]:
    """What is decided at the kinks and ties of elementwise slopes."""
    found = list(undecided)
    where = dict.fromkeys(each.where for each in found if each.places)
    said = [f"kink: {each} the smaller of the two slopes counts, or the larger (relu_at_zero)" for each in where]
    sided = dict.fromkeys(kink for each in found for kink in each.sided)
    said += [f"kink: at {at} the slope on the {side} counts, or the other (relu_at_zero)" for at, side in sided]
    if any(each.ties for each in found):
        said.append("ties: equal operands share the gradient evenly, or the first gets it (ties)")
        said.append("kink: against a constant, the slope where they are equal is set by relu_at_zero")
    return said


def _policies(row: Any) -> list[str]:
    """What calculus leaves open, and what is decided here."""
    from graphgen.calculus.slopes import undecided

    found = choices(undecided(_signature(row.name, len(row.slots)), place) for place in range(len(row.slots)))
    if isinstance(row.formula, sp.Abs):
        found.append("kink: the slope at 0 is 0")
    if row.controls:
        moves = "held still" if row.stops else "moved with this slope"
        found.append(f"declared, not derived: where check_gradients takes differences, the value is {moves}")
    if "bool" in row.derived().kinds and not row.stops:
        found.append("branches: what is not chosen gets no gradient, whatever its slope, and warns nobody")
    for place, value in row.safe.items():
        operand = row.operands[place]
        found.append(f"branches: in a branch of where that is not taken, {operand} is {value:g}")
    return found
