"""Values that are computed alike are computed once."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from graphgen import ops
from graphgen.passes.rewriting import Draft
from graphgen.program import GIVEN, Node, Program


def merge(program: Program) -> Program:
    """The program with equal nodes made one; what is given or drawn, and constants that the user named, stay."""
    draft = Draft(program)
    known: dict[Any, str] = {}
    for node in program.nodes.values():
        node = draft.current(node)
        if node.op in GIVEN or node.op in ops.DRAWING or (node.op == "constant" and node.named):
            draft.put(node)
            continue
        first = known.setdefault(_key(node), node.name)
        if first == node.name:
            draft.put(node)
        else:
            draft.give_way(node, first)
    return draft.build()


def _key(node: Node) -> Any:
    """What is equal for nodes of equal value."""
    if node.op == "constant":
        return "constant", node.shape, node.dtype, _comparable(node.attributes["value"])
    attributes = tuple([(key, _comparable(node.attributes[key])) for key in sorted(node.attributes)]) if node.attributes else ()
    return node.op, node.args, attributes


def _comparable(value: Any) -> Any:
    """An attribute in a form that can be compared and hashed; 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    if isinstance(value, np.ndarray):
        return "array", value.dtype.name, value.shape, value.tobytes()
    if isinstance(value, (tuple, list)):
        return tuple([_comparable(each) for each in value])
    if isinstance(value, sp.Expr):
        return sp.expand(value)
    if isinstance(value, (bool, int, float)):
        return type(value).__name__, repr(value)
    return value
