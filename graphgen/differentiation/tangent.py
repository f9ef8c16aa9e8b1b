"""Forward mode: a program whose values each come with their tangent, for one direction given at each call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from graphgen import ops, sizes
from graphgen.calculus.slopes import jvp
from graphgen.differentiation.gradient import constants, signature
from graphgen.ops.broadcasting import expand_to, weights_of
from graphgen.program import Builder, Node, Program, Value, Why

SWEEP = "tangent"


def tangent(program: Program, wrt: Iterable[str]) -> Program:
    """Interleave each value with its tangent, along tangents of the float nodes `wrt`.

    The tangent of `x` is called `x_dot`, or `x_dot_2` if a node is called so already, as in the tangent of a tangent; the
    given ones are inputs. What a result does not depend on has none.

    Returns
    -------
    Program
        With the result (kind + "_dot", name) for each result that holds floats: ("loss_dot", "loss"), and of gradients
        ("gradient_dot", "w"), the product of the second derivatives with the direction.
    """
    wrt = tuple(wrt)
    builder = replace(program, nodes={}, results={}).builder()
    builder.results = dict(program.results)
    builder.reserve(program.nodes)
    names = {name: builder.free(f"{name}_dot") for name in program.nodes}
    builder.reserve(names.values())
    constant = constants(program)
    dots: dict[str, Value] = {}
    for node in program.nodes.values():
        builder.append(node)
        why = node.why._replace(place="", answers=(node.name,), notes=())
        with builder.making(names[node.name], (*node.sweep, SWEEP), why) as finish:
            if node.name in wrt:
                given = Node(names[node.name], "input", (), {"shape": node.shape, "dtype": "float"}, node.shape, "float", (SWEEP,))
                dots[node.name] = builder.append(given)
                continue
            result = _tangent(builder, node, dots, constant)
            if result is not None:
                dots[node.name] = finish(result)
    for (kind, name), value in program.results.items():
        node = program.nodes[value]
        if node.dtype != "float":
            continue
        if value not in dots:
            why = Why(notes=(f"{value} depends on none of them",))
            with builder.making(names[value], (*node.sweep, SWEEP), why) as finish:
                dots[value] = finish(builder.add("broadcast_to", (builder.constant(0.0),), {"shape": node.shape}))
        builder.results[f"{kind}_dot", name] = dots[value].name
    return builder.build()


def _tangent(builder: Builder, node: Node, dots: dict[str, Value], constant: set[str]) -> Value | None:
    """The tangent of a node, of its shape; None where it is zero."""
    places = tuple(place for place, argument in enumerate(node.args) if argument in dots)
    row = ops.TABLE[node.op]
    if not places or node.dtype != "float" or row.stops:
        return None
    if ops.is_elementwise(node.op):
        return _elementwise(builder, node, places, dots, constant)
    if isinstance(row, ops.Reduction):
        return _reduction(builder, node, dots[node.args[0]], row)
    if isinstance(row, ops.Paired):
        return _paired(builder, node, places, dots, row)
    attributes = {**node.attributes, **(row.tangent_attributes or {})}
    if row.jointly:
        return builder.add(node.op, [dots.get(each) or _zeros(builder, each) for each in node.args], attributes)
    parts = []
    for place in places:
        operands = [dots[argument] if place == at else builder[argument] for at, argument in enumerate(node.args)]
        parts.append(builder.add(node.op, operands, attributes))
    return builder.add("accumulate", parts, {}) if len(parts) > 1 else parts[0]


def _paired(builder: Builder, node: Node, places: tuple[int, ...], dots: dict[str, Value], row: ops.Paired) -> Value:
    y, operands = builder[node.name], [builder[argument] for argument in node.args]
    parts = [row.tangent(place, dots[node.args[place]], y, *operands, **node.attributes) for place in places]
    return builder.add("accumulate", parts, {}) if len(parts) > 1 else parts[0]


def _zeros(builder: Builder, name: str) -> Value:
    return builder.add("broadcast_to", (builder.constant(0.0),), {"shape": builder.nodes[name].shape})


def _elementwise(builder: Builder, node: Node, places: tuple[int, ...], dots: dict[str, Value], constant: set[str]) -> Value | None:
    rule = jvp(signature(builder, node, constant), places)
    if rule is None:
        return None

    def operand(each: str | int | tuple[str, int]) -> Value:
        if isinstance(each, tuple):
            return dots[node.args[each[1]]]
        return builder[node.name] if isinstance(each, str) else builder[node.args[each]]

    result = builder.map(rule.formula, [operand(each) for each in rule.operands])
    return result if sizes.same(result.shape, node.shape) else builder.add("broadcast_to", (result,), {"shape": node.shape})


def _reduction(builder: Builder, node: Node, dot: Value, row: ops.Reduction) -> Value:
    axis, keepdims = node.attributes["axis"], node.attributes["keepdims"]
    x = builder[node.args[0]]
    y = expand_to(builder[node.name], x, axis, keepdims)
    weights = weights_of(row, x, y, builder.program.policies, node.attributes)
    return ops.sum(weights * dot, axis=axis, keepdims=keepdims)
