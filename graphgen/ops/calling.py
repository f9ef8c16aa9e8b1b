"""The functions that users call: one for each row of the op table, and one for names that there are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphgen.errors import GraphError, Problem, UnknownName
from graphgen.ops.table import Mismatch, Several, check_arity, check_keywords
from graphgen.source import part, site


def function(row: Any) -> Callable[..., Any]:
    """The function that users call: ``op(*operands, *attributes, name=None)``.

    The first operand that is a node decides where the new node goes. Wrong arity and keywords are left to check, which
    knows the place.
    """
    variadic = bool(row.operands) and row.operands[-1].startswith("*")

    def op(*arguments: Any, name: str | None = None, **keywords: Any) -> Any:
        if row.call is not None:
            operands, attributes = _called(row, arguments, keywords)
        else:
            operands, attributes = _split(row, arguments, keywords, variadic)
        for operand in operands:
            if hasattr(operand, "_apply") and isinstance(row, Several):
                return _made(row, operands, attributes, name)
            if hasattr(operand, "_apply"):
                return operand._apply(row.name, tuple(operands), attributes, name)
        if hasattr(row, "substitute"):
            return row.substitute(operands, attributes)
        message = (
            f"{row.name}: none of its {len(operands)} operands is a node" if operands else f"{row.name}: no operand"
        )
        raise GraphError(Problem("GG061", site().place, message, "declare values with g.input, g.param or g.constant"))

    op.__name__ = op.__qualname__ = row.name
    op.__doc__ = row.summary
    return op


def _made(row: Several, operands: Any, attributes: Mapping[str, Any], name: str | None) -> tuple[Any, ...]:
    """The nodes of a function of several: each takes the name of the variable that it is unpacked into."""
    try:
        check_arity(row, len(operands))
        check_keywords(row, attributes if name is None else {**attributes, "name": name})
    except Mismatch as error:
        problem = Problem(error.code, site().place, f"{row.name}: {error.message}", error.help)
        raise GraphError(problem) from error
    nodes: list[Any] = []
    made = row.make(*operands, **{**row.attributes, **attributes})
    while True:
        with part(len(nodes)):
            node = next(made, None)
        if node is None:
            return tuple(nodes)
        nodes.append(node)


def unknown(code: str, message: str, help: str) -> Callable[..., Any]:
    """What stands in for a function that there is not.

    Called with a node, it leaves the problem with the node's graph and gives a node of unknown type, so that the rest
    of the model is checked too.
    """

    def stand_in(*arguments: Any, **keywords: Any) -> Any:
        for argument in (*arguments, *keywords.values()):
            first = argument[0] if isinstance(argument, (tuple, list)) and argument else argument
            if hasattr(first, "_unknown"):
                return first._unknown(code, message, help)
        raise UnknownName(Problem(code, site().place, message, help))

    return stand_in


def _called(row: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[Any, Any]:
    """Operands and attributes by the row's own way of calling it."""
    try:
        return row.call(*arguments, **keywords)
    except TypeError:
        from graphgen.ops.describe import signature

        problem = Problem("GG006", site().place, f"{row.name}: wrong arguments", f"call it as in {signature(row)}")
    raise GraphError(problem)


def _split(
    row: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], variadic: bool
) -> tuple[list[Any], dict[str, Any]]:
    """Tell operands from attributes: operands come first and may be keywords too."""
    if variadic:
        return list(arguments), dict(keywords)
    attributes = dict(keywords)
    count = len(row.operands)
    operands = list(arguments[:count])
    for operand in row.operands[len(operands) :]:
        if operand in attributes:
            operands.append(attributes.pop(operand))
    for keyword, value in zip(row.attributes, arguments[count:], strict=False):
        attributes[keyword] = value
    operands.extend(arguments[count + len(row.attributes) :])
    if row.optional and len(operands) == count and operands[-1] is None:
        operands.pop()
    return operands, attributes
