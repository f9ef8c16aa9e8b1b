"""Many at once: a program that runs along a new leading axis, with a value for each tangent, cotangent or example.

Frostig, Johnson and Leary 2018 (JAX) call this transformation vmap. Every op is told how to run along one more axis by
its keywords: an ``axis`` is one further, a ``shape`` has one size more, and so on. Rows of which that is not true say it
themselves, by the fact `mapped`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from graphgen import ops, sizes
from graphgen.ops.axes import FULL
from graphgen.ops.broadcasting import deepened
from graphgen.program import Node, Program, Value


def vmap(program: Program, leaves: Iterable[str], size: sizes.Size, kinds: Iterable[str] = ()) -> Program:
    """Give values a leading axis, and with them all that depends on them.

    Parameters
    ----------
    leaves
        The inputs and parameters that come with the axis.
    size
        Of the axis.
    kinds
        Results of these kinds have the axis even where they depend on none of the leaves.

    Returns
    -------
    Program
        With the same names; what depends on none of the leaves is as it was.
    """
    leaves, kinds = set(leaves), set(kinds)
    builder = replace(program, nodes={}, results={}).builder()
    builder.reserve(program.nodes)
    builder.results = dict(program.results)
    wanted = {name for (kind, _), name in program.results.items() if kind in kinds}
    mapped: set[str] = set()
    for node in program.nodes.values():
        if node.name in leaves:
            builder.append(node._replace(attributes={**node.attributes, "shape": (size, *node.shape)}, shape=(size, *node.shape)))
        elif any(map(mapped.__contains__, node.args)) or node.name in wanted:
            with builder.making(node.name, node.sweep, node.why) as finish:
                operands = [builder[each] for each in node.args]
                which = [each in mapped for each in node.args]
                made = finish(_along(node, operands, which, size) if any(which) else _repeated_result(builder, node, size))
            builder.nodes[made.name] = made.node._replace(named=node.named, sweep=node.sweep)
            assert sizes.same(made.shape, (size, *node.shape)), f"{node.name} = {node.op} has shape {made.shape}"
        else:
            builder.append(node)
            continue
        mapped.add(node.name)
    return builder.build()


def with_sizes(program: Program, values: Mapping[sizes.Size, int]) -> Program:
    """The program with numbers for some of its symbolic sizes."""

    def known(size: Any) -> Any:
        if isinstance(size, sp.Expr):
            found = size.subs(values)
            return int(found) if found.is_Integer else found
        return tuple(map(known, size)) if isinstance(size, tuple) else size

    def of_one(node: Node) -> Node:
        attributes = {keyword: known(value) for keyword, value in node.attributes.items()}
        if node.op == "size" and isinstance(attributes["size"], int):
            return node._replace(op="constant", attributes={"value": float(attributes["size"])})
        return node._replace(shape=known(node.shape), attributes=attributes)

    return replace(program, nodes={name: of_one(node) for name, node in program.nodes.items()})


def _repeated_result(builder: Any, node: Node, size: sizes.Size) -> Value:
    """A result that depends on none of the leaves."""
    own = builder.append(node._replace(name=builder.free(f"{node.name}_{node.op}")))
    return _repeated(own, size)


def _along(node: Node, operands: list[Value], which: list[bool], size: sizes.Size) -> Value:
    """The node's op along the leading axis that some of its operands have."""
    row = ops.TABLE[node.op]
    builder = operands[0].builder
    if ops.is_elementwise(node.op):
        aligned = [deepened(x, len(node.shape) + 1) if has else x for x, has in zip(operands, which, strict=True)]
        if node.op == "map":
            return builder.map(node.attributes["formula"], aligned)
        return builder.add(node.op, aligned, node.attributes)
    own = getattr(row, "mapped", None)
    if own is not None:
        return own(operands, which, **node.attributes)
    if len(operands) > 1:
        operands = [x if has else _repeated(x, size) for x, has in zip(operands, which, strict=True)]
    attributes = {keyword: _KEYWORDS.get(keyword, _same)(value, size) for keyword, value in node.attributes.items()}
    if node.op == "broadcast_to":
        operands = [deepened(operands[0], len(node.shape) + 1)]
    return builder.add(node.op, operands, attributes)


def _repeated(x: Value, size: sizes.Size) -> Value:
    return ops.broadcast_to(x, shape=(size, *x.shape))


def _same(value: Any, size: sizes.Size) -> Any:
    return value


def _further(value: Any, size: sizes.Size) -> Any:
    """An axis, or several, one further."""
    return tuple(each + 1 for each in value) if isinstance(value, tuple) else value + 1


# What becomes of a keyword: all rows mean the same by it.
_KEYWORDS: Mapping[str, Callable[[Any, sizes.Size], Any]] = {
    "axis": _further,
    "axis1": _further,
    "axis2": _further,
    "axes": lambda value, size: (0, *_further(value, size)),
    "shape": lambda value, size: (size, *value),
    "key": lambda value, size: (FULL, *value),
    "keys": lambda value, size: tuple((FULL, *each) for each in value),
    "pad_width": lambda value, size: ((0, 0), *value),
}
