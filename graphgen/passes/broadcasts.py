"""Broadcasts that readers do anyway are left to them, so that what is one number stays one number.

It is decided for one operand at a time, with the others as they then are: two operands can each have the full shape
because of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphgen import ops, sizes
from graphgen.passes.rewriting import Draft, rewrite
from graphgen.program import Node, Program


def broadcasts(program: Program) -> Program:
    """The program with broadcasts as late as they can be."""
    return rewrite(program, RULES)


def _source(draft: Draft, name: str, reader: Node) -> str | None:
    """What a broadcast value repeats."""
    found = draft.seen(name, reader)
    return found.args[0] if found is not None and found.op == "broadcast_to" else None


def _scalar_source(draft: Draft, name: str, reader: Node) -> str | None:
    """The scalar that a broadcast value repeats."""
    source = _source(draft, name, reader)
    return source if source is not None and draft.nodes[source].shape == () else None


def _spread(draft: Draft, node: Node, source: str) -> Node:
    """The node as a broadcast of `source`."""
    return draft.changed(node, "broadcast_to", (source,), {"shape": node.shape})


def _shape(draft: Draft, names: Sequence[str]) -> sizes.Shape | None:
    return sizes.broadcast(*(draft.nodes[name].shape for name in names))


def _operands(draft: Draft, node: Node) -> Node | None:
    """An elementwise op reads what its operands repeat, where the result's shape stays; else it is broadcast itself."""
    if node.shape == ():
        return None
    operands = list(node.args)
    for place, name in enumerate(node.args):
        source = _source(draft, name, node)
        if source is None:
            continue
        operands[place] = source
        shape = _shape(draft, operands)
        if shape is None or not sizes.same(shape, node.shape):
            operands[place] = name
    if tuple(operands) != node.args:
        return node._replace(args=tuple(operands))
    return _computed_before(draft, node)


def _computed_before(draft: Draft, node: Node) -> Node | None:
    """An op whose operands all repeat something, computed of that and broadcast after."""
    sources = [_source(draft, name, node) or (name if draft.nodes[name].shape == () else None) for name in node.args]
    if None in sources:
        return None
    operands = [str(each) for each in sources]
    shape = _shape(draft, operands)
    if shape is None or sizes.same(shape, node.shape):
        return None
    small = draft.part(node, node._replace(args=tuple(operands), shape=shape, named=False))
    return _spread(draft, node, small)


def _broadcast(draft: Draft, node: Node) -> Node | None:
    """Of a chain of broadcasts the last one counts; new leading axes need no expand_dims."""
    source = _source(draft, node.args[0], node)
    if source is not None:
        return _spread(draft, node, source)
    inner = draft.seen(node.args[0], node)
    if inner is not None and inner.op == "expand_dims" and inner.attributes["axis"] == tuple(range(len(inner.attributes["axis"]))):
        return _spread(draft, node, inner.args[0])
    return None


def _of_scalar(draft: Draft, node: Node) -> Node | None:
    """Any arrangement of one repeated number, or choice from it, is that number repeated."""
    source = _scalar_source(draft, node.args[0], node)
    if source is None and node.op in ("expand_dims", "reshape") and node.sweep and draft.nodes[node.args[0]].shape == ():
        source = node.args[0]
    return None if source is None else _spread(draft, node, source)


def _cast(draft: Draft, node: Node) -> Node | None:
    """What a broadcast repeats is converted once."""
    source = _source(draft, node.args[0], node)
    return None if source is None else _spread(draft, node, draft.add(node, "cast", (source,), node.attributes))


def _sum(draft: Draft, node: Node) -> Node | None:
    """The sum of one number n times is n times the number."""
    source = _scalar_source(draft, node.args[0], node)
    if source is None or node.dtype != "float":
        return None
    shape = draft.nodes[node.args[0]].shape
    count = sizes.product(tuple(shape[axis] for axis in node.attributes["axis"]))
    number = draft.constant(node, float(count)) if isinstance(count, int) else draft.size(node, count)
    if node.shape == ():
        return draft.changed(node, "multiply", (source, number))
    return _spread(draft, node, draft.add(node, "multiply", (source, number)))


def _mean(draft: Draft, node: Node) -> Node | str | None:
    """The mean of one number is that number."""
    source = _scalar_source(draft, node.args[0], node)
    if source is None:
        return None
    return source if node.shape == () else _spread(draft, node, source)


def _accumulate(draft: Draft, node: Node) -> Node | None:
    """A sum of arrays of one shape, some of them broadcasts: what those repeat is added up first, and the rest left to an addition."""
    full: list[str] = []
    by_shape: dict[sizes.Shape, list[str]] = {}
    for name in node.args:
        source = _source(draft, name, node)
        if source is None:
            full.append(name)
        else:
            by_shape.setdefault(draft.nodes[source].shape, []).append(source)
    if not by_shape or (not full and len(by_shape) > 1):
        return None
    groups = [_total(draft, node, sources) for sources in by_shape.values()]
    if not full:
        return _spread(draft, node, groups[0])
    total = _total(draft, node, full)
    for group in groups[:-1]:
        total = draft.add(node, "add", (total, group))
    return draft.changed(node, "add", (total, groups[-1]))


def _total(draft: Draft, node: Node, names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else draft.add(node, "accumulate", names)


RULES: dict[str, Any] = {
    **{name: (_of_scalar,) for name, row in ops.TABLE.items() if isinstance(row, ops.Linear) and row.chooses},
    "": (_operands,),
    "broadcast_to": (_broadcast,),
    "cast": (_cast,),
    "sum": (_sum,),
    "mean": (_mean,),
    "accumulate": (_accumulate,),
}
