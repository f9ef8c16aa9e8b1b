"""Ops that only arrange elements: pairs that undo each other, and those that do nothing."""

from __future__ import annotations

from typing import Any

from graphgen import sizes
from graphgen.ops.axes import FULL
from graphgen.passes.rewriting import Draft, rewrite
from graphgen.program import Node, Program

ORDERLY = ("reshape", "expand_dims", "squeeze")  # the elements stay in order


def views(program: Program) -> Program:
    """The program with chains of views as short as they can be."""
    return rewrite(program, RULES)


def _unchanged(draft: Draft, node: Node) -> str | None:
    """A view of the same shape as its operand, or of its operand's operand, where no element can have moved."""
    if sizes.same(draft.nodes[node.args[0]].shape, node.shape):
        return node.args[0]
    inner = draft.seen(node.args[0], node)
    if inner is not None and inner.op in ORDERLY and sizes.same(draft.nodes[inner.args[0]].shape, node.shape):
        return inner.args[0]
    return None


def _reshape(draft: Draft, node: Node) -> Node | None:
    """Of a chain of reshapes the last one counts."""
    inner = draft.seen(node.args[0], node)
    if inner is None or inner.op not in ORDERLY or (inner.op != "reshape" and node.op != "reshape"):
        return None
    return draft.changed(node, "reshape", inner.args, {"shape": node.shape})


def _expand_dims(draft: Draft, node: Node) -> Node | None:
    inner = draft.seen(node.args[0], node)
    if inner is None or inner.op != "expand_dims":
        return None
    added = node.attributes["axis"]
    kept = [axis for axis in range(len(node.shape)) if axis not in added]
    axes = sorted((*added, *(kept[axis] for axis in inner.attributes["axis"])))
    return draft.changed(node, "expand_dims", inner.args, {"axis": tuple(axes)})


def _squeeze(draft: Draft, node: Node) -> Node | None:
    inner = draft.seen(node.args[0], node)
    if inner is None or inner.op != "squeeze":
        return None
    base = draft.nodes[inner.args[0]]
    kept = [axis for axis in range(len(base.shape)) if axis not in inner.attributes["axis"]]
    axes = sorted((*inner.attributes["axis"], *(kept[axis] for axis in node.attributes["axis"])))
    return draft.changed(node, "squeeze", inner.args, {"axis": tuple(axes)})


def _dropped(draft: Draft, node: Node) -> Node | None:
    """A sum of a gradient, which nothing else reads, need not keep the axes that are dropped after it."""
    inner = draft.seen(node.args[0], node)
    if not node.sweep or inner is None or inner.op != "sum" or not inner.attributes["keepdims"]:
        return None
    if inner.attributes["axis"] != node.attributes["axis"] or not draft.alone(inner.name, node):
        return None
    return draft.changed(node, inner.op, inner.args, {**inner.attributes, "keepdims": False})


def _transpose(draft: Draft, node: Node) -> Node | str | None:
    axes = node.attributes["axes"]
    if axes == tuple(range(len(axes))):
        return node.args[0]
    inner = draft.seen(node.args[0], node)
    if inner is None or inner.op != "transpose":
        return None
    first = inner.attributes["axes"]
    return draft.changed(node, "transpose", inner.args, {"axes": tuple(first[axis] for axis in axes)})


def _whole(draft: Draft, node: Node) -> str | None:
    """x[:, :] is x."""
    return node.args[0] if all(entry == FULL for entry in node.attributes["key"]) else None


def _cast(draft: Draft, node: Node) -> str | None:
    return node.args[0] if draft.nodes[node.args[0]].dtype == node.dtype else None


def _single(draft: Draft, node: Node) -> Node | str | None:
    """A reduction over axes of size 1 only drops them."""
    shape = draft.nodes[node.args[0]].shape
    axis = node.attributes["axis"]
    if not all(isinstance(shape[each], int) and shape[each] == 1 for each in axis):
        return None
    if node.attributes["keepdims"] or not axis:
        return node.args[0]
    return draft.changed(node, "squeeze", node.args, {"axis": axis})


def _alone(draft: Draft, node: Node) -> str | None:
    """Arrays joined to nothing."""
    return node.args[0] if len(node.args) == 1 else None


RULES: dict[str, Any] = {
    "reshape": (_unchanged, _reshape),
    "expand_dims": (_unchanged, _expand_dims, _reshape),
    "squeeze": (_unchanged, _dropped, _squeeze, _reshape),
    "broadcast_to": (_unchanged,),
    "transpose": (_transpose,),
    "getitem": (_whole,),
    "cast": (_cast,),
    "sum": (_single,),
    "mean": (_single,),
    "max": (_single,),
    "prod": (_single,),
    "min": (_single,),
    "concat": (_alone,),
    "accumulate": (_alone,),
}
