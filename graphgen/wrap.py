"""Statements longer than a line, broken where brackets are open."""

from __future__ import annotations

import io
import textwrap
import tokenize
from itertools import pairwise
from typing import NamedTuple

WIDTH = 100
MANY = 8  # names that have a line each
_OPEN, _CLOSE = "([{", ")]}"
_LEVELS = ({"or"}, {"and"}, {"==", "!=", "<", ">", "<=", ">="}, {"|"}, {"&"}, {"+", "-"}, {"*", "/", "@"})
_OPERATORS = frozenset().union(*_LEVELS)


class _Token(NamedTuple):
    text: str
    start: int
    end: int
    depth: int


def wrapped(code: str, indent: int, width: int = WIDTH, enclosed: bool = False) -> str:
    """`code`, one logical line, over several lines where it is longer than `width` with its indent.

    What stands in the last brackets gets lines of its own: one, or one for each item, or one for each operand of the
    loosest operator. What cannot be broken stays long; what is `enclosed` in brackets may be broken at operators too.
    """
    if len(code) + indent <= width or "\n" in code:
        return code
    head, inside, tail = _split(code)
    if not inside:
        return _operands(code, indent, width) if enclosed else code
    pieces = [inside] if len(inside) + indent + 4 <= width and not head.endswith("{") else _filled(_items(inside), width - indent - 4)
    lines = [line for piece in pieces for line in wrapped(piece, indent + 4, width, enclosed=True).split("\n")]
    return "\n".join([head, *(f"    {line}" for line in lines), tail])


def _filled(pieces: list[str], width: int) -> list[str]:
    """Many names, as the steps of a recurrent layer are, fill lines as words do."""
    if len(pieces) > MANY and all(piece.removesuffix(",").isidentifier() for piece in pieces):
        return textwrap.wrap(" ".join(pieces), width)
    return pieces


def _operands(item: str, indent: int, width: int) -> str:
    """An item among others, with a line for each operand of its loosest operator."""
    value = item.removesuffix(",")
    pieces = _items(value)
    if len(pieces) == 1:
        return item
    return "\n".join(wrapped(piece, indent, width, enclosed=True) for piece in pieces) + item[len(value) :]


def _tokens(code: str) -> list[_Token]:
    found, depth = [], 0
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.NL):
            continue
        depth -= token.string in _CLOSE
        found.append(_Token(token.string, token.start[1], token.end[1], depth))
        depth += token.string in _OPEN
    return found


def _split(code: str) -> tuple[str, str, str]:
    """Head, inside and tail of the last top-level brackets; without any, of brackets put around the assigned value."""
    try:
        tokens = _tokens(code)
    except tokenize.TokenError:  # a part of a statement
        return code, "", ""
    closing = [token for token in tokens if token.depth == 0 and token.text in _CLOSE]
    opening = [token for token in tokens if token.depth == 0 and token.text in _OPEN]
    operators = [token for token in tokens if token.depth == 0 and token.text in _OPERATORS and token.start]
    if closing and not operators and len(code) - closing[-1].end <= 2 and closing[-1].start - opening[-1].end > 2:
        return code[: opening[-1].end], code[opening[-1].end : closing[-1].start], code[closing[-1].start :]
    assigned = next((token for token in tokens if token.depth == 0 and token.text in ("=", "+=", "-=")), None)
    if assigned is not None and operators:
        return f"{code[: assigned.end]} (", code[assigned.end + 1 :], ")"
    if code.startswith("return ") and operators:
        return "return (", code[len("return ") :], ")"
    return code, "", ""


def _items(inside: str) -> list[str]:
    """One piece for each item, each with its comma, or for each operand of the loosest operator, which leads the piece."""
    try:
        tokens = _tokens(inside)
    except tokenize.TokenError:
        return [inside]
    commas = [token.end for token in tokens if token.depth == 0 and token.text == ","]
    if commas:
        places = [0, *commas, len(inside)]
        pieces = [inside[start:stop].strip() for start, stop in pairwise(places)]
        return [piece if piece.endswith(",") else f"{piece}," for piece in pieces if piece]
    for level in _LEVELS:
        starts = [token.start for token in tokens if token.depth == 0 and token.text in level and token.start and inside[token.start - 1] == " "]
        if starts:
            places = [0, *starts, len(inside)]
            return [inside[start:stop].strip() for start, stop in pairwise(places)]
    return [inside]
