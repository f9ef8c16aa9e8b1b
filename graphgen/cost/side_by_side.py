"""Both modes' source beside each other, as two listings of a textbook: forward mode at the left, reverse mode at the right.

A value stands in the same row on both sides, its tangent below it at the left; the reverse sweep follows at the right.
The last lines count operations.
"""

from __future__ import annotations

import re
import textwrap
from itertools import zip_longest
from typing import NamedTuple

from graphgen import sizes
from graphgen.cost.functions import Cost
from graphgen.cost.wording import formula
from graphgen.emit import Body, Line
from graphgen.wrap import wrapped

WIDTH = 160  # of a slide
_LEAST = 38  # of a column
_LONG = 76  # of what is returned
LEAST = 2 * _LEAST + len(" │ ")
_TITLES = "forward mode: each value, then its tangent", "reverse mode: the values, then their gradients backward"


class _Block(NamedTuple):
    """The rows of one value: code and the comment beside it."""

    node: str
    rows: tuple[tuple[str, str], ...]


def side_by_side(forward: Cost, reverse: Cost, width: int = WIDTH) -> list[str]:
    """The lines of the listing of a model's `jvp` and `value_and_grad`, not wider than a slide.

    Comments stand at the right, where there is room for them: what they say holds for both sides. Where statements do not
    fit beside each other, the long ones are broken.
    """
    room = width - len(" │ ")
    sides = _blocks(forward.body, comments=False), _blocks(reverse.body, comments=True)
    left = _needed(sides[0])
    if left > room // 2:
        left = max(room // 2, room - _needed(sides[1], comments=False))
    right = min(room - left, _needed(sides[1]))
    rule = f"{'─' * left}─┼─{'─' * right}"
    listings = [_fitted(side, column) for side, column in zip(sides, (left, right), strict=True)]
    rows = [
        tuple(map(_short, _TITLES, (left, right))),
        None,
        *(
            (a, b)
            for one, other in _aligned(*listings)
            for a, b in zip_longest(one.rows, other.rows, fillvalue=("", ""))
        ),
        None,
        *(
            row
            for one, other in zip(_forward_count(forward, reverse), _reverse_count(reverse), strict=True)
            for row in zip_longest(_count_fitted(one, left), _count_fitted(other, right), fillvalue="")
        ),
    ]
    return [rule if row is None else _row(row, left) for row in rows]


def _short(text: str, width: int) -> str:
    """A text without what follows its first colon or comma, where there is no room for that."""
    return text if len(text) <= width else re.split("[:,] ", text)[0]  # not at a thousand


def _count_fitted(text: str, width: int) -> list[str]:
    """A count over several lines where its formula is long."""
    return textwrap.wrap(_short(text, width), width, subsequent_indent=" " * 11, break_long_words=False)


def _row(texts: tuple, left: int) -> str:
    one, other = (text if isinstance(text, str) else text[0] for text in texts)
    return f"{one.ljust(left)} │ {other}".rstrip()


# -- the rows of one side


def _blocks(body: Body, comments: bool) -> list[_Block]:
    """The statements of a function, those of one value together, and what it returns."""
    blocks: list[_Block] = []
    section = ""
    for line in body.lines:
        said = _said(line, body) if comments else ""
        rows = [(line.code.replace("\n    ", "").replace("\n", ""), f"# {said}" if said else "")]
        if line.section == "reverse" != section:
            rows = [("", ""), ("# reverse sweep", ""), *rows]
        section = line.section
        if blocks and blocks[-1].node == line.node:
            blocks[-1] = _Block(line.node, (*blocks[-1].rows, *rows))
        else:
            blocks.append(_Block(line.node, tuple(rows)))
    return [*blocks, _Block("", ((_returned(body), ""),))]


def _said(line: Line, body: Body) -> str:
    """The comment of a line without the place of its declaration."""
    place = body.program.nodes[line.node].why.place
    return line.comment.removeprefix(place).strip() if place else line.comment


def _returned(body: Body) -> str:
    results = body.results
    if ("loss_dot", "loss") in results:
        return f"return {results['loss', 'loss']}, {results['loss_dot', 'loss']}"
    entries = ", ".join(f'"{name}": {text}' for (kind, name), text in results.items() if kind == "gradient")
    return f"return {results['loss', 'loss']}, {{{entries}}}"


def _needed(side: list[_Block], comments: bool = True) -> int:
    """The width of a column that holds all statements unbroken; but for what is returned."""
    rows = [row for block in side[:-1] for row in block.rows]
    code = max((len(text) for text, _ in rows), default=0)
    beside = [code + 2 + len(comment) for _, comment in rows if comment] if comments else []
    return max([_LEAST, code, *beside, min(len(side[-1].rows[0][0]), _LONG), *(len(title) for title in _TITLES)])


def _fitted(side: list[_Block], width: int) -> list[_Block]:
    """The rows as text that is not wider than this: statements broken, comments where there is room for them."""
    commented = [row for block in side for row in block.rows if row[1]]
    longest = max((len(comment) for _, comment in commented), default=0)
    code = min(max((len(text) for text, _ in commented), default=0), width - 2 - longest)
    found = []
    for block in side:
        rows: list[tuple[str, str]] = []
        for text, comment in block.rows:
            beside = f"{text.ljust(code)}  {comment}" if comment else text
            beside = beside if len(beside) <= width else text
            rows += [(beside, "")] if len(beside) <= width else [(part, "") for part in _broken(text, width)]
        found.append(_Block(block.node, tuple(rows)))
    return found


def _broken(text: str, width: int) -> list[str]:
    """A statement over several lines: where brackets are open, or else where there is a space."""
    lines = wrapped(text, 0, width).split("\n")
    if max(map(len, lines)) <= width:
        return lines
    return textwrap.wrap(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _aligned(left: list[_Block], right: list[_Block]) -> list[tuple[_Block, _Block]]:
    """Blocks of the same value beside each other, in order; of the two results, each at the end of its side."""
    nothing = _Block("", ())
    places = {block.node: place for place, block in enumerate(right) if block.node}
    found: list[tuple[_Block, _Block]] = []
    done = 0
    for block in left:
        place = places.get(block.node, -1)
        if place >= done:
            found += [(nothing, each) for each in right[done:place]]
            found.append((block, right[place]))
            done = place + 1
        else:
            found.append((block, nothing))
    return found + [(nothing, each) for each in right[done:]]


# -- operations


def _forward_count(forward: Cost, reverse: Cost) -> list[str]:
    """What forward mode takes for one direction, and how many directions the gradient has."""
    program = reverse.body.program
    count = sum((sizes.product(program.nodes[name].shape) for name in program.of("gradient").values()), start=0)
    return [*_counted(forward, "tangents"), f"the gradient takes {formula(count)} of these, one along each number"]


def _reverse_count(reverse: Cost) -> list[str]:
    return [*_counted(reverse, "gradients"), "the gradient takes one of these"]


def _counted(cost: Cost, derived: str) -> list[str]:
    told = {"values": cost.forward.total(), derived: cost.derived.total(), "in all": cost.all.total()}
    texts = [f"{label:<9}  {formula(size)}" for label, size in told.items()]
    return [f"{texts[0]} operation{'s' * (told['values'] != 1)}", *texts[1:]]
