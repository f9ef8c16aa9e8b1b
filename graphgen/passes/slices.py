"""Gradients of slices that fit together are joined, those of an array turned round turned back, not added into zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from graphgen import sizes
from graphgen.ops.axes import FULL, REVERSED
from graphgen.passes.rewriting import Draft, rewrite
from graphgen.program import Node, Program


def slices(program: Program) -> Program:
    """The program with every `assemble` whose slices cover an axis, each element once, as a stack or concat."""
    return rewrite(program, RULES)


def _assemble(draft: Draft, node: Node) -> Node | str | None:
    keys = node.attributes["keys"]
    if len(keys) == 1 and REVERSED in keys[0] and all(entry in (FULL, REVERSED) for entry in keys[0]):
        return draft.changed(node, "getitem", node.args, {"key": keys[0]})
    axes = [axis for axis in range(len(node.shape)) if any(key[axis] != FULL for key in keys)]
    if not axes:
        return node.args[0] if len(keys) == 1 else None
    if len(axes) > 1:
        return None
    axis = axes[0]
    entries = [key[axis] for key in keys]
    if all(isinstance(entry, int) for entry in entries):
        order, op = _places(entries, node.shape[axis]), "stack"
    else:
        order, op = _stretches(entries, node.shape[axis]), "concat"
    if order is None:
        return None
    return draft.changed(node, op, [node.args[place] for place in order], {"axis": axis})


def _places(entries: Sequence[int], size: sizes.Size) -> list[int] | None:
    """In which order the ints are 0, 1, ..., up to the size."""
    order = sorted(range(len(entries)), key=entries.__getitem__)
    return order if size == len(entries) and all(entries[at] == place for place, at in enumerate(order)) else None


def _stretches(entries: Sequence[Any], size: sizes.Size) -> list[int] | None:
    """In which order the slices follow each other, from the axis's start to its end."""
    begins: dict[sizes.Size, int] = {}
    for at, entry in enumerate(entries):
        if isinstance(entry, int) or entry[2] is not None:
            return None
        begins.setdefault(_counted(entry[0], size, 0), at)
    order: list[int] = []
    place: sizes.Size = 0
    while len(order) < len(entries):
        if place not in begins:
            return None
        at = begins.pop(place)
        order.append(at)
        place = _counted(entries[at][1], size, size)
    return order if sizes.equal(place, size) else None


def _counted(bound: sizes.Size | None, size: sizes.Size, otherwise: sizes.Size) -> sizes.Size:
    """A bound of a slice, counted from the front."""
    place = otherwise if bound is None else size + bound if isinstance(bound, int) and bound < 0 else bound
    place = place if isinstance(place, int) else sp.expand(place)
    return int(place) if not isinstance(place, int) and place.is_Integer else place


RULES: dict[str, Any] = {"assemble": (_assemble,)}
