"""Texts with holes for other texts, filled with parentheses only where Python's precedence asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Slot:
    """A hole in a spelling: where an operand goes, and the least precedence its text needs to stand there bare."""

    index: int
    precedence: int


Piece = str | Slot


class Spelling(NamedTuple):
    """A formula as text with holes.

    Attributes
    ----------
    pieces : the text, in order, and the holes in it.
    precedence : of the whole.
    helpers : the helper functions it calls; `_float` turns a literal into the module's float type.
    uses : how often each slot occurs.
    """

    pieces: tuple[Piece, ...]
    precedence: int
    helpers: tuple[str, ...]
    uses: tuple[int, ...]


def fill(spelling: Spelling, operands: Sequence[tuple[str, int]]) -> str:
    """Put (text, precedence) of each operand into a spelling's holes, with parentheses only where they are needed.

    `a + -b` and `a - -b` become `a - b` and `a + b`, and `-(-a) * b` becomes `a * b`: a change of sign is exact.
    """
    written = ""
    for place, piece in enumerate(spelling.pieces):
        if isinstance(piece, str):
            written += piece
            continue
        text, precedence = operands[piece.index]
        if written == text[:1] == "-" and precedence >= spelling.precedence and not _is_base(spelling, place):
            written, text = "", text[1:]
        elif precedence < piece.precedence:
            text = f"({text})"
        elif text.startswith("-") and written.endswith((" + ", " - ")):
            written = written[:-3] + (" - " if written.endswith(" + ") else " + ")
            text = text[1:]
        written += text
    return written


def _is_base(spelling: Spelling, place: int) -> bool:
    """Whether a power is taken of what stands here, before a sign is changed: -a**2."""
    after = spelling.pieces[place + 1 : place + 2]
    return bool(after) and isinstance(after[0], str) and after[0].startswith("**")


def joined(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Neighbouring strings made one."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and isinstance(piece, str) and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)
