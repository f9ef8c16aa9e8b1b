"""NumPy: how each node is written as an expression of its operands' texts.

In a graph of float64 scalars alone, values are Python floats and functions come from `math`; elsewhere they are arrays
and NumPy scalars. Numbers and sizes are *weak*: Python numbers, that take the float type of what they meet. Where a
number would meet nothing that has one, it is wrapped in ``_float``, the module's float type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import sympy as sp

from graphgen import ops, sizes
from graphgen.ops.derivative import number
from graphgen.ops.formula import Formula, formula
from graphgen.program import Node, Program
from graphgen.targets.precedence import ANY, ATOM, MATMUL, MULTIPLY, UNARY
from graphgen.targets.printer import Spelling, fill, spell

_PRECEDENCES = {"": ANY, "atom": ATOM, "matmul": MATMUL}
_HOLE = re.compile(r"\{(\d+)(?::(\w+))?\}")


class Text(NamedTuple):
    """An expression, how tightly it holds together, and what kind of value it is.

    `weak`: a Python number. `mask`: bools that stand for 1.0 and 0.0, and need no cast inside a product.
    """

    text: str
    precedence: int = ATOM
    weak: bool = False
    mask: bool = False

    def at(self, least: int) -> str:
        """The text, in parentheses unless it holds together as tightly as `least`."""
        return self.text if self.precedence >= least else f"({self.text})"


class Target:
    """The spelling of one program.

    Attributes
    ----------
    scalar
        Every value is a Python float.
    helpers
        The helper functions called so far, in order.
    """

    def __init__(self, program: Program, scalar: bool, names: Mapping[str, str]):
        self.program = program
        self.names = names
        self.scalar = scalar
        self.helpers: dict[str, None] = {}

    # -- leaves

    def literal(self, node: Node) -> Text:
        """A number or a size as Python writes it."""
        if node.op == "size":
            text = sizes.text(node.attributes["size"])
            return Text(text, ATOM if text.isidentifier() else MULTIPLY, weak=True)
        value = node.attributes["value"]
        if isinstance(value, float) and not math.isfinite(value):
            return Text(f'float("{value}")', ATOM, weak=True)
        # A literal bool or integer is no float in need of a type.
        return Text(repr(value), ATOM if value >= 0 else UNARY, weak=node.dtype == "float")

    def strong(self, text: Text) -> Text:
        """`text` with the module's float type."""
        if text.mask:
            return Text(f"float({text.text})") if self.scalar else Text(f"{text.at(ATOM)}.astype(_float)")
        return Text(f"_float({text.text})") if text.weak and not self.scalar else text

    # -- operations

    def uses(self, node: Node) -> tuple[int, ...]:
        """How often the spelling writes each operand."""
        if node.op in ops.ELEMENTWISE or node.op == "map":
            uses = self._spelling(node).uses
            return uses + (0,) * (len(node.args) - len(uses))  # a literal exponent is part of the spelling
        return (1,) * len(node.args)

    def expression(self, node: Node, operands: list[Text]) -> Text:
        """The node's value as an expression of its operands."""
        if node.op in ops.ELEMENTWISE or node.op == "map":
            return self._elementwise(node, operands)
        if node.op == "cast":
            return self._cast(node, operands[0])
        if node.op == "accumulate":
            return self.total(operands)
        types = [self.program.nodes[argument].type for argument in node.args]
        row = ops.TABLE[node.op]
        if self.scalar and not isinstance(row, ops.Composite):
            # Of a single element every sum, mean, reshape and maximum is the element.
            return operands[0]
        if node.op == "broadcast_to" and types[0].shape == ():
            return self._full(node, operands[0])
        for name in ("finite_max", "first_true", "scatter_add", "scatter_add_along_axis"):
            if node.op == name:
                self.helpers[name] = None
                spelled = row.numpy(*types, **node.attributes).replace(name, self.names.get(name, name), 1)
                return self._template(spelled, [self.strong(each) for each in operands])
        return self._template(row.numpy(*types, **node.attributes), [self.strong(each) for each in operands])

    def _spelling(self, node: Node) -> Spelling:
        dialect = "math" if self.scalar else "numpy"
        if node.op == "map":
            return spell(node.attributes["formula"], dialect)
        exponent = self.program.nodes[node.args[1]] if node.op == "power" else None
        if exponent is not None and exponent.op == "constant" and exponent.shape == ():
            return spell(_power(exponent.attributes["value"]), dialect)
        return spell(ops.TABLE[node.op], dialect, tuple(sorted(node.attributes.items())))

    def _elementwise(self, node: Node, operands: list[Text]) -> Text:
        spelling = self._spelling(node)
        if not self.scalar:
            operands = self._typed(node, operands)
        self.helpers.update(dict.fromkeys(each for each in spelling.helpers if each != "_float"))
        text = fill(self._renamed(spelling), [(each.text, each.precedence) for each in operands])
        result = Text(text, spelling.precedence)
        if self.scalar or node.dtype != "float" or not all(each.weak for each in operands):
            return result
        # Python's own arithmetic of numbers stays a number; NumPy's functions of numbers answer in float64.
        plain = not any(mark in piece for piece in spelling.pieces if isinstance(piece, str) for mark in "(")
        return result._replace(weak=True) if plain else Text(f"_float({text})")

    def _renamed(self, spelling: Spelling) -> Spelling:
        """The spelling with the names that helpers have in this module."""
        changed = [name for name in spelling.helpers if self.names.get(name, name) != name]
        if not changed:
            return spelling
        pattern = re.compile(rf"\b({'|'.join(changed)})\(")
        pieces = [pattern.sub(lambda match: f"{self.names[match[1]]}(", piece) if isinstance(piece, str) else piece for piece in spelling.pieces]
        return spelling._replace(pieces=tuple(pieces))

    def _typed(self, node: Node, operands: list[Text]) -> list[Text]:
        """Operands with a float type where the spelling alone would give none, or float64."""
        floats = [place for place, argument in enumerate(node.args) if self.program.nodes[argument].dtype == "float"]
        if self._multiplies_masks(node, operands):
            return operands
        result = [self.strong(each) if each.mask else each for each in operands]
        if self._chooses(node) and (node.op == "map" or all(operands[place].weak for place in floats)):
            result = [self.strong(each) if place in floats else each for place, each in enumerate(result)]
        return result

    def _multiplies_masks(self, node: Node, operands: list[Text]) -> bool:
        """Whether each mask is a factor that a float array or scalar stands before, or beside: then it needs no cast."""
        if node.op == "multiply":
            return any(not each.weak and not each.mask for each in operands)
        if node.op != "map" or not any(each.mask for each in operands):
            return False
        expression = node.attributes["formula"].expression
        holes = [piece.index for piece in self._spelling(node).pieces if not isinstance(piece, str)]
        first = operands[holes[0]]
        return len(set(holes)) == len(holes) and _is_product(expression) and not first.weak and not first.mask

    def _chooses(self, node: Node) -> bool:
        formula = node.attributes["formula"].expression if node.op == "map" else ops.TABLE[node.op].formula
        return formula.has(sp.Piecewise)

    def _cast(self, node: Node, operand: Text) -> Text:
        source, dtype = self.program.nodes[node.args[0]].dtype, node.attributes["dtype"]
        if source == dtype:
            return operand
        if dtype == "float":
            if source == "bool":
                return operand._replace(mask=True, weak=False)
            return Text(f"float({operand.text})") if self.scalar else Text(f"{operand.at(ATOM)}.astype(_float)")
        if self.scalar:
            return Text(f"{'bool' if dtype == 'bool' else 'int'}({operand.text})")
        return Text(f"{self.strong(operand).at(ATOM)}.astype({'bool' if dtype == 'bool' else f'np.{dtype}'})")

    def total(self, operands: list[Text]) -> Text:
        """The operands added up."""
        spelling = spell(ops.TABLE["add"], "numpy")
        result = operands[0]
        if not self.scalar:
            operands = [self.strong(each) if each.mask else each for each in operands]
        for each in operands[1:]:
            if each.text.startswith("-") and each.precedence >= UNARY - 10:
                result = Text(f"{result.at(spelling.precedence)} - {each.text[1:]}", spelling.precedence, result.weak and each.weak)
            else:
                text = fill(spelling, [(result.text, result.precedence), (each.text, each.precedence)])
                result = Text(text, spelling.precedence, result.weak and each.weak)
        return result

    def _full(self, node: Node, operand: Text) -> Text:
        """An array of one number."""
        shape = sizes.shape_text(node.shape)
        if operand.text == "0.0":
            return Text(f"np.zeros({shape}, dtype=_float)")
        return Text(f"np.full({shape}, {operand.text}, dtype=_float)")

    def _template(self, spelled: str | tuple[str, int], operands: list[Text]) -> Text:
        template, precedence = spelled if isinstance(spelled, tuple) else (spelled, ATOM)

        def put(match: re.Match[str]) -> str:
            return operands[int(match[1])].at(_PRECEDENCES[match[2] or ""])

        return Text(_HOLE.sub(put, template), precedence)


@cache
def _power(exponent: float) -> Formula:
    """The power to this number, which prints as one: a**2, or the square root."""
    a = sp.Symbol("a", real=True)
    return formula(sp.Pow(a, number(exponent), evaluate=exponent not in (0.0, 1.0)), [a])


@cache
def _is_product(expression: sp.Expr) -> bool:
    return expression.is_Mul and all(factor.is_Symbol or factor.is_number for factor in expression.args)


def is_scalar(program: Program) -> bool:
    """Whether every value is a float64 scalar, so that Python floats will do."""
    if program.dtype != "float64":
        return False
    for node in program.nodes.values():
        types = [node.type, *(program.nodes[argument].type for argument in node.args)]
        if any(each.shape != () for each in types) or node.dtype.startswith("int") or node.op in ("contraction", "assemble"):
            return False
    return True


def is_view(node: Node, program: Program) -> bool:
    """Whether the node's array may share memory with its first operand's."""
    row = ops.TABLE.get(node.op)
    if node.op == "broadcast_to" and program.nodes[node.args[0]].shape == ():
        return False
    same = node.op == "cast" and program.nodes[node.args[0]].dtype == node.dtype
    return node.op in ("identity", "stop_gradient") or same or (isinstance(row, ops.Linear) and row.view)


def storage(name: str, program: Program) -> str:
    """The node whose memory `name` may share: itself, unless it is a view."""
    while is_view(program.nodes[name], program):
        name = program.nodes[name].args[0]
    return name


