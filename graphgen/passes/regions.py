"""Which values only one branch of a `where` reads, through elementwise ops: then it does not matter what they are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from graphgen.passes.rewriting import is_elementwise
from graphgen.program import Node, Program


@dataclass(frozen=True, eq=False)
class Region:
    """A branch of a `where`; regions are nested as their wheres are.

    Attributes
    ----------
    where : the node; None for the region of all that is read elsewhere.
    branch : 1 or 2, the operand's place.
    parent : the region that the `where` itself lies in.
    depth : how many wheres it lies in.
    jump : an ancestor far above, so that common ancestors are found in a logarithm of the depth.
    """

    where: Node | None
    branch: int
    parent: Region | None
    depth: int
    jump: Region | None


EVERYWHERE = Region(None, 0, None, 0, None)


def _inside(where: Node, branch: int, parent: Region) -> Region:
    # Jumps are as long as those of Myers's skew-binary stacks: the depths of equals are equal.
    far = parent.jump
    jump = far.jump if far is not None and far.jump is not None and parent.depth - far.depth == far.depth - far.jump.depth else parent
    return Region(where, branch, parent, parent.depth + 1, jump)


def _common(one: Region, other: Region) -> Region:
    """The innermost region that holds both."""
    if one.depth > other.depth:
        one, other = other, one
    while other.depth > one.depth:
        assert other.jump is not None and other.parent is not None
        other = other.jump if other.jump.depth >= one.depth else other.parent
    while one is not other:
        assert one.jump is not None and other.jump is not None and one.parent is not None and other.parent is not None
        one, other = (one.parent, other.parent) if one.jump is other.jump else (one.jump, other.jump)
    return one


def regions(program: Program) -> dict[str, Region]:
    """The innermost region that holds all reads of each value; those of results are everywhere."""
    found: dict[str, Region] = dict.fromkeys(program.results.values(), EVERYWHERE)
    for node in reversed(program.nodes.values()):
        own = found.setdefault(node.name, EVERYWHERE)
        for place, name in enumerate(node.args):
            if node.op == "where" and place:
                region = _branch(found, node, place, own)
            else:
                region = own if is_elementwise(node) or node.op == "cast" else EVERYWHERE
            found[name] = region if name not in found else _common(found[name], region)
    return found


def _branch(found: dict[str, Region], node: Node, place: int, own: Region) -> Region:
    return own if node.args[1] == node.args[2] else _inside(node, place, own)
