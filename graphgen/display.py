"""Statements as their user would write them, for comments: ``hidden = relu(x @ fc1_w + fc1_b)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphgen import ops, sizes
from graphgen.calculus.declared import Declared
from graphgen.ops.axes import FULL, key_text
from graphgen.ops.picks import INDEX, is_array
from graphgen.ops.table import REQUIRED
from graphgen.targets.precedence import ADD, ATOM, BIT_AND, BIT_OR, COMPARE, MATMUL, MULTIPLY, POWER, UNARY
from graphgen.targets.printer import fill, spell

if TYPE_CHECKING:
    from graphgen.program import Node

LONGEST = 72  # a longer expression is shown by name
SHORT = 6  # as many whole numbers of an array are shown


def plain(text: str) -> str:
    """A text that can stand in a comment or a docstring, whatever a file or a node was called."""
    if text.isprintable() and "\\" not in text and '"""' not in text:
        return text
    return "".join(char if char.isprintable() and char not in '"\\' else "?" for char in text)


class Shown(NamedTuple):
    """An expression for people, and how tightly it holds together."""

    text: str
    precedence: int = ATOM

    def at(self, least: int) -> str:
        return self.text if self.precedence >= least else f"({self.text})"


INFIX = {
    "add": (" + ", ADD),
    "subtract": (" - ", ADD),
    "multiply": (" * ", MULTIPLY),
    "divide": (" / ", MULTIPLY),
    "matmul": (" @ ", MATMUL),
    "less": (" < ", COMPARE),
    "less_equal": (" <= ", COMPARE),
    "greater": (" > ", COMPARE),
    "greater_equal": (" >= ", COMPARE),
    "equal": (" == ", COMPARE),
    "not_equal": (" != ", COMPARE),
    "logical_and": (" & ", BIT_AND),
    "logical_or": (" | ", BIT_OR),
}


def shown(op: str, operands: Sequence[Shown], attributes: Mapping[str, Any]) -> Shown:
    """An op of operands as a user would write it."""
    if op in INFIX and len(operands) == 2:
        sign, precedence = INFIX[op]
        return Shown(f"{operands[0].at(precedence)}{sign}{operands[1].at(precedence + 1)}", precedence)
    if op == "power":
        return Shown(f"{operands[0].at(POWER + 1)}**{operands[1].at(POWER)}", POWER)
    if op == "negative":
        return Shown(f"-{operands[0].at(POWER)}", UNARY)
    if op == "logical_not":
        return Shown(f"~{operands[0].at(UNARY)}", UNARY)
    if op == "constant":
        value = attributes["value"]
        if isinstance(value, np.ndarray):
            return _array(value)
        return Shown(f"{value:g}" if isinstance(value, float) else str(value), UNARY if value < 0 else ATOM)
    if op == "size":
        text = sizes.text(attributes["size"])
        return Shown(text, ATOM if text.isidentifier() else ADD)
    if op in ("index", "getitem"):
        return _indexed(operands, attributes["key"])
    if op == "pick":
        return _indexed(operands, (*(FULL,) * attributes["axis"], *(INDEX,) * (len(operands) - 1)))
    if op.endswith("_part"):
        return _part(op, operands[0], attributes)
    if op == "transpose" and attributes.get("axes") == tuple(range(len(attributes["axes"])))[::-1]:
        return Shown(f"{operands[0].at(ATOM)}.T")
    if op in ("concat", "stack"):
        inside = ", ".join(each.text for each in operands)
        return Shown(f"{op}(({inside}), axis={attributes['axis']})")
    if op in ("einsum", "contraction"):
        subscripts = attributes["subscripts"]
        if op == "contraction":
            subscripts = f"{','.join(subscripts[0])}->{subscripts[1]}"
        return Shown(f'einsum("{subscripts}", {", ".join(each.text for each in operands)})')
    if op == "map":
        return _formula(operands, attributes)
    return Shown(f"{op}({', '.join([*(each.text for each in operands), *_keywords(op, attributes)])})")


def declared(node: Node, nodes: Mapping[str, Node]) -> str:
    """What a node declares of gradients, "" if it does not: "straight-through: hard as x"."""
    if node.op == "map":
        return "declared slope" if node.attributes["formula"].expression.has(Declared) else ""
    controls = ops.TABLE[node.op].controls
    if controls is None:
        return ""
    operands = [nodes[each] for each in node.args]
    names = [
        shown(each.op, [], each.attributes).text if each.op in ("constant", "size") else each.name for each in operands
    ]
    return controls(node.name, *names, **node.attributes)


def _formula(operands: Sequence[Shown], attributes: Mapping[str, Any]) -> Shown:
    """A user's primitive by its name, any other formula as it is."""
    if "primitive" in attributes:
        return Shown(f"{attributes['primitive']}({', '.join(each.text for each in operands)})")
    spelling = spell(attributes["formula"], "text")
    return Shown(fill(spelling, operands), spelling.precedence)


def _indexed(operands: Sequence[Shown], key: Any) -> Shown:
    """x[key], where the operands after x are the indices among its entries."""
    indices = iter(each.text for each in operands[1:])
    arrays = [_array(each).text if isinstance(each, np.ndarray) else next(indices) for each in filter(is_array, key)]
    return Shown(f"{operands[0].at(ATOM)}[{key_text(key, arrays)}]")


def _part(op: str, operand: Shown, attributes: Mapping[str, Any]) -> Shown:
    """One of the results of a function of several."""
    keywords = _keywords(op, {key: value for key, value in attributes.items() if key != "place"})
    return Shown(f"{ops.spoken(op, attributes)}({', '.join([operand.text, *keywords])})[{attributes['place']}]")


def _array(array: np.ndarray) -> Shown:
    """The numbers of a short array, the shape of another."""
    if array.size <= SHORT and array.dtype.kind == "i":
        return Shown(str(array.tolist()))
    return Shown(f"array of shape {sizes.shape_text(array.shape)}")


_SINGLE = ("axis", "shift", "sources", "destinations")  # keywords for which users write 1 rather than (1,)


def _keywords(op: str, attributes: Mapping[str, Any]) -> list[str]:
    """The attributes that say something: not those at their default."""
    defaults = ops.TABLE[op].attributes if op in ops.TABLE else {}
    result = []
    for keyword, value in attributes.items():
        default = defaults.get(keyword, REQUIRED)
        if default is not REQUIRED and (
            value is default or (isinstance(value, (str, bool, int, float)) and value == default)
        ):
            continue
        if keyword in _SINGLE and isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        result.append(f"{keyword}={_value_text(keyword, value)}")
    return result


def _value_text(keyword: str, value: Any) -> str:
    if keyword == "shape":
        return sizes.shape_text(value)
    if keyword == "size":
        return sizes.shape_text(value) if isinstance(value, tuple) else sizes.text(value)
    return f'"{value}"' if isinstance(value, str) else str(value)
