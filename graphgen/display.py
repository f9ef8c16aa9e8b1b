"""Statements as their user would write them, for comments: ``hidden = relu(x @ fc1_w + fc1_b)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphgen import ops, sizes
from graphgen.ops.axes import key_text
from graphgen.ops.table import REQUIRED
from graphgen.targets.precedence import ADD, ATOM, BIT_AND, BIT_OR, COMPARE, MATMUL, MULTIPLY, POWER, UNARY

LONGEST = 72  # a longer expression is shown by name


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
            return Shown(f"array of shape {sizes.shape_text(value.shape)}")
        return Shown(f"{value:g}" if isinstance(value, float) else str(value), UNARY if value < 0 else ATOM)
    if op == "size":
        text = sizes.text(attributes["size"])
        return Shown(text, ATOM if text.isidentifier() else ADD)
    if op in ("index", "getitem"):
        return Shown(f"{operands[0].at(ATOM)}[{key_text(attributes['key'])}]")
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
    return Shown(f"{op}({', '.join([*(each.text for each in operands), *_keywords(op, attributes)])})")


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
        if keyword == "axis" and isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        result.append(f"{keyword}={_value_text(keyword, value)}")
    return result


def _value_text(keyword: str, value: Any) -> str:
    if keyword == "shape":
        return sizes.shape_text(value)
    if keyword == "size":
        return sizes.text(value)
    return f'"{value}"' if isinstance(value, str) else str(value)
