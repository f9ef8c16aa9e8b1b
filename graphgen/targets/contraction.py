"""How a sum of products is written: so that BLAS does it, where it is a product of matrices.

np.einsum alone takes one element at a time: of matrices that are not tiny it takes 5 to 30 times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graphgen.targets.precedence import ATOM, MATMUL


class _Letters(NamedTuple):
    """The axes of two operands: those that are in both and stay, that are summed, and that are in one alone."""

    batch: str
    summed: str
    left: str
    right: str


def spelling(terms: Sequence[str], output: str) -> tuple[str, int]:
    """The template of a contraction, and its precedence: with ``@`` or np.tensordot for two operands, else np.einsum."""
    if len(terms) == 2:
        one, other = terms
        orders = (1, 0), (0, 1)
        # The result's last axis comes from the second factor, unless it is shorter to write the other way.
        preferred = orders if output[-1:] in one and output[-1:] not in other else orders[::-1]
        written = [_product(order, terms[order[0]], terms[order[1]], output) for order in preferred]
        found = [each for each in written if each is not None]
        if found:
            return min(found, key=lambda each: len(each[0].replace(":matmul", "").replace(":atom", "")))
    operands = ", ".join(f"{{{place}}}" for place in range(len(terms)))
    return f'np.einsum("{",".join(terms)}->{output}", {operands})', ATOM


def _product(places: tuple[int, int], one: str, other: str, output: str) -> tuple[str, int] | None:
    """The operands at these places, in this order, as a product of matrices; None if it is none."""
    letters = _Letters(
        batch="".join(each for each in output if each in one and each in other),
        summed="".join(each for each in one if each in other and each not in output),
        left="".join(each for each in one if each not in other),
        right="".join(each for each in other if each not in one),
    )
    if not letters.summed or not (letters.left or letters.right):
        return None
    return _matmul(places, one, other, output, letters) or _tensordot(places, one, other, output, letters)


def _matmul(places: tuple[int, int], one: str, other: str, output: str, letters: _Letters) -> tuple[str, int] | None:
    """A product of matrices, or of a batch of them: one axis is summed, and each operand has at most one of its own.

    A batch of matrices times a single one has several on the left.
    """
    batch, summed, left, right = letters
    rows = one == left + summed and other == summed + right and output == left + right  # of a batch, and one matrix
    if max(len(summed), len(right)) > 1 or (len(left) > 1 and not rows) or (batch and not (left and right)):
        return None
    first = f"{{{places[0]}:{'matmul' if one == batch + left + summed else 'atom'}}}"
    first += arranged(one, batch + left + summed)
    second = f"{{{places[1]}:atom}}" + arranged(other, batch + summed + right)
    after = arranged(batch + left + right, output)
    return (f"({first} @ {second}){after}", ATOM) if after else (f"{first} @ {second}", MATMUL)


def _tensordot(places: tuple[int, int], one: str, other: str, output: str, letters: _Letters) -> tuple[str, int] | None:
    """A product over several axes, or of operands with several of their own."""
    if letters.batch:
        return None
    axes = [tuple(term.index(each) for each in letters.summed) for term in (one, other)]
    text = ", ".join(str(each[0] if len(each) == 1 else each) for each in axes)
    product = f"np.tensordot({{{places[0]}}}, {{{places[1]}}}, axes=({text}))"
    return product + arranged(letters.left + letters.right, output), ATOM


def arranged(letters: str, wanted: str) -> str:
    """The method that brings axes into another order, nothing where they are in it."""
    axes = tuple(letters.index(each) for each in wanted)
    moved = [axis for place, axis in enumerate(axes) if place != axis]
    if not moved:
        return ""
    if len(axes) == 2:
        return ".T"
    if len(moved) == 2:
        return f".swapaxes({min(moved)}, {max(moved)})"
    return f".transpose({', '.join(map(str, axes))})"
