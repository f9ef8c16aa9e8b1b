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
from graphgen.calculus.declared import Declared
from graphgen.calculus.derivative import number
from graphgen.calculus.formula import Formula, formula
from graphgen.program import Node, Program
from graphgen.runtime import public_helpers
from graphgen.targets.precedence import ADD, ANY, ATOM, MATMUL, MULTIPLY, UNARY
from graphgen.targets.printer import Spelling, fill, spell

_PRECEDENCES = {"": ANY, "atom": ATOM, "matmul": MATMUL}
_TYPES = {"float": "_float", "bool": "np.bool_", "int64": "np.int64", "int32": "np.int32"}
_CALL = re.compile(r"(?<![\w.])(\w+)\(")
_HOLE = re.compile(r"\{(\d+)(?::(\w+))?\}")


class Text(NamedTuple):
    """An expression, how tightly it holds together, and what kind of value it is.

    `number`: a Python number or bool, whatever its dtype; `weak`: one that stands for a float. `mask`: bools that stand
    for 1.0 and 0.0, and need no cast inside a product.
    """

    text: str
    precedence: int = ATOM
    weak: bool = False
    mask: bool = False
    number: bool = False

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
            # A floor of a quotient too: a * (n // 2) is not a * n // 2.
            factors = MULTIPLY if not any(sign in text for sign in "+-/%") else ADD
            return Text(text, ATOM if text.isidentifier() else factors, weak=True, number=True)
        value = node.attributes["value"]
        if isinstance(value, float) and not math.isfinite(value):
            return Text(f'float("{value}")', ATOM, weak=True, number=True)
        return Text(repr(value), ATOM if value >= 0 else UNARY, weak=node.dtype == "float", number=True)

    def strong(self, text: Text) -> Text:
        """`text` with the module's float type."""
        if text.mask:
            return Text(f"float({text.text})") if self.scalar else Text(f"{text.at(ATOM)}.astype(_float)")
        return Text(f"_float({text.text})") if text.weak and not self.scalar else text

    # -- operations

    def uses(self, node: Node) -> tuple[int, ...]:
        """How often the spelling writes each operand."""
        if ops.is_elementwise(node.op):
            uses = self._spelling(node).uses
            return uses + (0,) * (len(node.args) - len(uses))  # a literal exponent is part of the spelling
        return (1,) * len(node.args)

    def expression(self, node: Node, operands: list[Text]) -> Text:
        """The node's value as an expression of its operands."""
        if ops.is_elementwise(node.op):
            return self._elementwise(node, operands)
        if node.op == "cast":
            return self._cast(node, operands[0])
        if node.op == "accumulate":
            return self.total(operands)
        types = [self.program.nodes[argument].type for argument in node.args]
        row = ops.TABLE[node.op]
        if node.op in ops.DRAWING:
            spelled = row.of_scalar if self.scalar else row.numpy(**node.attributes)
            return Text(spelled.replace("generator", self.names.get("generator", "generator"), 1))
        if self.scalar:  # see is_scalar
            return self._template(row.of_scalar, operands) if isinstance(row.of_scalar, str) else operands[0]
        if node.op == "broadcast_to" and types[0].shape == ():
            return self._full(node, operands[0])
        spelled = row.numpy(*types, **node.attributes)
        if spelled == "{0}":
            return self.strong(operands[0])
        return self._template(spelled, [self.strong(each) for each in operands])

    def _spelling(self, node: Node) -> Spelling:
        return spell(self._printed(node), "math" if self.scalar else "numpy")

    def _printed(self, node: Node) -> Formula:
        """The formula that a node is written as."""
        return printed(node, self.program)

    def _elementwise(self, node: Node, operands: list[Text]) -> Text:
        spelling = self._spelling(node)
        if len(spelling.pieces) == 1 and not isinstance(spelling.pieces[0], str):  # the operand itself
            return operands[0]
        if node.op in ("maximum", "minimum") and all(each.weak and each.number for each in operands):
            return Text(f"{node.op[:3]}({', '.join(each.text for each in operands)})", ATOM, weak=True, number=True)
        operands = self._declared(node, operands)
        if not self.scalar:
            operands = self._typed(node, operands)
        self.helpers.update(dict.fromkeys(each for each in spelling.helpers if each != "_float"))
        text = fill(self._renamed(spelling), [(each.text, each.precedence) for each in operands])
        result = Text(text, spelling.precedence)
        if self.scalar or not all(each.number for each in operands):
            return result
        if node.dtype != "float":
            return Text(f"{_TYPES[node.dtype]}({text})")
        # Python's own arithmetic of numbers stays a number; NumPy's functions of numbers answer in float64.
        plain = not any("(" in piece for piece in spelling.pieces if isinstance(piece, str))
        return result._replace(weak=True, number=True) if plain else Text(f"_float({text})")

    def _renamed(self, spelling: Spelling) -> Spelling:
        """The spelling with the names that helpers have in this module."""
        changed = [name for name in spelling.helpers if self.names.get(name, name) != name]
        if not changed:
            return spelling
        pattern = re.compile(rf"\b({'|'.join(changed)})\(")
        pieces = [pattern.sub(lambda match: f"{self.names[match[1]]}(", piece) if isinstance(piece, str) else piece for piece in spelling.pieces]
        return spelling._replace(pieces=tuple(pieces))

    def _declared(self, node: Node, operands: list[Text]) -> list[Text]:
        """Operands that a function with declared slopes may answer with as they are: of the result's type and shape."""
        if ops.TABLE[node.op].controls:
            places: tuple[int, ...] = (0,)
        elif node.op == "map" and not self._is_whole(node):
            places = tuple(range(len(operands)))
        else:
            return operands
        return [self._whole(node, place, each) if place in places else each for place, each in enumerate(operands)]

    def _is_whole(self, node: Node) -> bool:
        """Whether the values inside a formula whose slopes are declared have the result's shape by themselves."""
        printed = self._printed(node)
        shapes = {slot: self.program.nodes[name].shape for slot, name in zip(printed.slots, node.args, strict=True)}
        values = [call.args[0].free_symbols for call in printed.expression.atoms(Declared)]
        common = [sizes.broadcast(*(shapes[symbol] for symbol in symbols)) for symbols in values]
        return all(sizes.same(shape or (), node.shape) for shape in common)

    def _whole(self, node: Node, place: int, operand: Text) -> Text:
        """An operand with the result's float type and shape."""
        given = self.program.nodes[node.args[place]]
        if sizes.same(given.shape, node.shape):
            return self.strong(operand)
        if given.shape == ():
            return self._full(node, operand)
        return Text(f"np.broadcast_to({self.strong(operand).text}, {sizes.shape_text(node.shape)})")

    def _typed(self, node: Node, operands: list[Text]) -> list[Text]:
        """Operands with a float type where the spelling alone would give none, or float64."""
        if not any(each.weak or each.mask for each in operands):
            return operands
        floats = [place for place, argument in enumerate(node.args) if self.program.nodes[argument].dtype == "float"]
        if self._multiplies_masks(node, operands):
            return operands
        result = [self.strong(each) if each.mask else each for each in operands]
        weak = frozenset(place for place in floats if operands[place].weak)
        printed = self._printed(node)
        alone = weak if node.op == "map" and printed.expression.has(sp.Piecewise) else _called_alone(printed, weak)
        return [self.strong(each) if place in alone else each for place, each in enumerate(result)]

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

    def _cast(self, node: Node, operand: Text) -> Text:
        source, dtype = self.program.nodes[node.args[0]].dtype, node.attributes["dtype"]
        if source == dtype:
            return operand
        if operand.number and not self.scalar:
            return Text(f"{_TYPES[dtype]}({operand.text})")
        if dtype == "float":
            if source == "bool":
                return operand._replace(mask=True, weak=False)
            return Text(f"float({operand.text})") if self.scalar else Text(f"{operand.at(ATOM)}.astype(_float)")
        if self.scalar:
            return Text(f"{'bool' if dtype == 'bool' else 'int'}({operand.text})")
        return Text(f"{self.strong(operand).at(ATOM)}.astype({_TYPES[dtype]})")

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
        shape, dtype = sizes.shape_text(node.shape), _TYPES[node.dtype]
        if operand.text == "0.0":
            return Text(f"np.zeros({shape}, dtype={dtype})")
        return Text(f"np.full({shape}, {operand.text}, dtype={dtype})")

    def _template(self, spelled: str | tuple[str, int], operands: list[Text]) -> Text:
        template, precedence = spelled if isinstance(spelled, tuple) else (spelled, ATOM)
        called = [name for name in _CALL.findall(template) if name in public_helpers()]
        self.helpers.update(dict.fromkeys(called))
        template = _CALL.sub(lambda match: f"{self.names.get(match[1], match[1])}(", template)

        def put(match: re.Match[str]) -> str:
            return operands[int(match[1])].at(_PRECEDENCES[match[2] or ""])

        return Text(_HOLE.sub(put, template), precedence)


@cache
def _power(exponent: float) -> Formula:
    """The power to this number, which prints as one: a**2, or the square root."""
    a = sp.Symbol("a", real=True)
    return formula(sp.Pow(a, number(exponent), evaluate=exponent not in (0.0, 1.0)), [a])


@cache
def _called_alone(printed: Formula, weak: frozenset[int]) -> frozenset[int]:
    """The weak slots that stand in a function call or a choice without a slot that has a float type."""
    symbols = {printed.slots[place] for place in weak if place < len(printed.slots)}
    roots = {power for power in printed.expression.atoms(sp.Pow) if abs(power.exp) == sp.S.Half}
    calls = printed.expression.atoms(sp.Function, sp.Piecewise) | roots
    found = {symbol for call in calls if call.free_symbols and call.free_symbols <= symbols for symbol in call.free_symbols}
    if isinstance(printed.expression, sp.Piecewise):
        values = [value for value, _ in printed.expression.args]
        if all(value.free_symbols <= symbols for value in values):
            found |= {symbol for value in values for symbol in value.free_symbols}
    return frozenset(place for place in weak if place < len(printed.slots) and printed.slots[place] in found)


@cache
def _is_product(expression: sp.Expr) -> bool:
    return expression.is_Mul and all(factor.is_Symbol or factor.is_number for factor in expression.args)


def printed(node: Node, program: Program) -> Formula:
    """The formula that an elementwise node is written as."""
    if node.op == "map":
        return node.attributes.get("stable") or node.attributes["formula"]
    exponent = program.nodes[node.args[1]] if node.op == "power" else None
    if exponent is not None and exponent.op == "constant" and exponent.shape == ():
        value = exponent.attributes["value"]
        if value and math.isfinite(value):
            return _power(value)
    return ops.TABLE[node.op].printed(tuple(sorted(node.attributes.items())))


def is_scalar(program: Program) -> bool:
    """Whether every value is a float64 scalar, so that Python floats will do."""
    if program.dtype != "float64":
        return False
    for node in program.nodes.values():
        types = [node.type, *(program.nodes[argument].type for argument in node.args)]
        if any(each.shape != () for each in types) or node.dtype.startswith("int"):
            return False
        row = ops.TABLE.get(node.op)
        if isinstance(row, ops.Linear | ops.Reduction | ops.Paired) and not row.of_scalar:
            return False
    return True


def viewed(node: Node, program: Program) -> str | None:
    """The operand that the node's array may share memory with, or None if it has memory of its own."""
    if ops.is_elementwise(node.op):
        formula = printed(node, program)
        value = formula.expression
        while isinstance(value, Declared):
            value = value.args[0]
        return node.args[formula.slots.index(value)] if value in formula.slots else None  # as x**1 is x
    first = program.nodes[node.args[0]] if node.args else None
    if first is None or (node.op == "broadcast_to" and first.shape == ()):
        return None
    row = ops.TABLE[node.op]
    same = node.op == "cast" and first.dtype == node.dtype
    return first.name if same or (isinstance(row, ops.Linear) and row.view) else None


def storage(name: str, program: Program) -> str:
    """The node whose memory `name` may share: itself, unless it is a view."""
    while (base := viewed(program.nodes[name], program)) is not None:
        name = base
    return name


def is_read_only(name: str, program: Program) -> bool:
    """Whether the array is one that NumPy does not let write to, or a view of one."""
    while (base := viewed(program.nodes[name], program)) is not None:
        node = program.nodes[name]
        repeated = ops.is_elementwise(node.op) and not sizes.same(node.shape, program.nodes[base].shape)
        if repeated or node.op in ("broadcast_to", "diagonal"):
            return True
        name = base
    return False
