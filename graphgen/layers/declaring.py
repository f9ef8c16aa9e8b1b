"""What all layers share: where they declare, the names of their parameters and results, and how they report problems.

A layer is a plain function over ops, which `layer` wraps:

    @layer
    def dense(x, units, name, *, init="glorot_uniform", bias=True):
        w = parameter(x, "w", (x.shape[-1], units), init)
        return x @ w + parameter(x, "b", (units,), "zeros")

The body runs in the scope of the layer's name, so that what it calls w is fc1_w in the layer fc1, and the layers that it
is made of may be called by one word each. What it returns takes the name of the user's variable, or else the layer's.
It raises `Mismatch` before it declares anything; the layer's result is then of unknown type, and the rest of the model
is checked too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from graphgen import sizes, source
from graphgen.errors import GraphError, Problem, brief
from graphgen.graph import Handle
from graphgen.names import reason_against, remedy
from graphgen.ops.table import Mismatch

Arguments = ParamSpec("Arguments")


class Refused(Exception):
    """A layer that cannot be made: the code, message, help and notes of its problem, or nothing if it is told already."""


def layer(body: Callable[Arguments, Any]) -> Callable[Arguments, Any]:
    """Make a layer of a function of (x, ..., name, ...); x and what it returns are nodes, or tuples of nodes."""
    signature = inspect.signature(body)
    called = body.__name__

    @wraps(body)
    def declare(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Any:
        graph = _graph_of(called, *arguments, *keywords.values())
        try:
            bound = _bound(called, signature, arguments, keywords)
            _check(graph, signature, bound.arguments)
            result = _made(graph, body, bound)
        except (Mismatch, Refused) as refused:
            if source.is_quiet():  # a part of another layer, which is refused with it
                raise
            if isinstance(refused, Mismatch):
                graph._problem(refused.code, f"{called}: {refused.message}", refused.help)
            elif refused.args:
                graph._problem(*refused.args)
            names = source.site().names
            return tuple(graph._stand_in() for _ in names) if names else graph._stand_in()
        return _named(result, bound.arguments)

    return declare


def _bound(called: str, signature: inspect.Signature, arguments: Any, keywords: Any) -> inspect.BoundArguments:
    """The arguments by name; raises `Refused`."""
    try:
        return signature.bind(*arguments, **keywords)
    except TypeError as error:
        help = f"call it as layers.{called}{plain(signature)}"
        raise Refused("GG006", f"{called}: {error}", help) from None


def _check(graph: Any, signature: inspect.Signature, given: dict[str, Any]) -> None:
    """Make nodes of the arrays among the arguments; raises `Mismatch` for what is no node, or no flag, where one is due."""
    for name, value in given.items():
        expected = signature.parameters[name]
        if isinstance(expected.default, bool) and not isinstance(value, bool):
            message = f"{name} is True or False, got {brief(value)}"
            raise Mismatch("GG005", message, f"leave it out for {expected.default}")
        if expected.annotation not in ("Handle", "Handle | None") or value is None or isinstance(value, Handle):
            continue
        if not isinstance(value, np.ndarray):
            raise Mismatch("GG061", f"{name} is a node or an array, got {brief(value)}", "declare it with g.input")
        with source.quiet():
            given[name] = graph.constant(value)


def parameter(x: Any, name: str, shape: Any, init: Any) -> Any:
    """A parameter of the layer that is being made, in the graph of x; it is called by the layer's name, and `name`."""
    problem = x.graph._against(name)
    if problem is not None:
        raise Refused(*problem)
    return x.graph.param(name, shape, init)


def units_of(units: Any, what: str = "units") -> Any:
    """The size of an axis that a layer makes; raises `Mismatch`."""
    try:
        return sizes.size(units)
    except (TypeError, ValueError) as error:
        help = "give a number, or the name of a size"
        raise Mismatch("GG022", f"{brief(units)} {what}: {error}", help) from None


def state(x: Any, name: str, shape: Any, init: float) -> Any:
    """A state of the layer that is being made; see `parameter`."""
    problem = x.graph._against(name)
    if problem is not None:
        raise Refused(*problem)
    return x.graph.state(name, shape, init)


def _made(graph: Any, body: Callable[..., Any], bound: inspect.BoundArguments) -> Any:
    """What the layer's body returns; raises `Refused` and `Mismatch`."""
    given = bound.arguments
    for each in _nodes(given.values()):
        if each._known_type is None:
            raise Refused
    name = given.get("name")
    optional = bound.signature.parameters["name"].default is None
    reason = reason_against(f"{name}_w" if isinstance(name, str) else name)
    if reason is not None and not (name is None and optional):
        help = remedy(name) if reason_against(name) else "choose another name"
        raise Refused("GG011", f"{brief(name)} cannot name a layer: {reason}", help)
    with source.quiet(), nullcontext() if name is None else graph._scoped(name):
        return body(*bound.args, **bound.kwargs)


def _named(result: Any, given: Mapping[str, Any]) -> Any:
    """What a layer answers with, under the names of the variables it is assigned to; what it was given keeps its own."""
    old = {each.name for each in _nodes(given.values())}
    for place, each in enumerate(result if isinstance(result, tuple) else (result,)):
        if each.name not in old:
            with source.part(place):
                each.graph._name_result(each, given.get("name") if place == 0 else None)
            old.add(each.name)  # the last output may be the final state as well
    return result


def _nodes(values: Any) -> Iterator[Handle]:
    """The nodes among arguments, also in tuples and lists of them."""
    for value in values:
        if isinstance(value, Handle):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _nodes(value)


class _Shown(str):
    """A text that stands for itself."""

    __repr__ = str.__str__


def plain(signature: inspect.Signature) -> inspect.Signature:
    """A signature for people, without types, in which functions go by their names."""
    parameters = []
    for each in signature.parameters.values():
        default = _Shown(each.default.__name__) if inspect.isfunction(each.default) else each.default
        parameters.append(each.replace(annotation=each.empty, default=default))
    return inspect.Signature(parameters)


def _graph_of(called: str, *given: Any) -> Any:
    """The graph that a layer's input belongs to."""
    if given and isinstance(given[0], Handle):
        return given[0].graph
    message = f"{called}: the first argument is a node" + (f", not {brief(given[0])}" if given else "")
    raise GraphError(Problem("GG061", source.site().place, message, "declare it with g.input"))
