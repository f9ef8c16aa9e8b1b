"""A node as users hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphgen import sizes
from graphgen.arithmetic import Arithmetic
from graphgen.errors import GraphError
from graphgen.ops.table import Type

if TYPE_CHECKING:
    from graphgen.graph import Graph


class Handle(Arithmetic):
    """A node of a graph, as users hold it: operators and `graphgen.ops` build more of them.

    Attributes
    ----------
    name
        The node's key in ``graph.dag``.
    shape
        A tuple of ints and sizes.
    dtype
        "float" (the graph's float type), "int64", "int32" or "bool".
    """

    __slots__ = ("graph", "name")

    def __init__(self, graph: Graph, name: str):
        self.graph = graph
        self.name = name

    @property
    def type(self) -> Type:
        """Its shape and dtype.

        Raises
        ------
        GraphError
            With every problem so far, if this node is in error.
        """
        found = self._known_type
        if found is None:
            from graphgen.check import problems_of

            raise GraphError(problems_of(self.graph))
        return found

    @property
    def _known_type(self) -> Type | None:
        return self.graph._types[self.name]

    @property
    def shape(self) -> sizes.Shape:
        return self.type.shape

    @property
    def dtype(self) -> str:
        return self.type.dtype

    def __repr__(self) -> str:
        found = self._known_type
        return f"<{self.name}: {f'{found} {found.dtype}' if found else 'in error'}>"

    def __bool__(self) -> bool:
        from graphgen.check import problems_of

        help = "choose by value with ops.where, compare nodes with `is`"
        self.graph._problem("GG060", "a node has no truth value before it has numbers", help)
        raise GraphError(problems_of(self.graph))

    def _unknown(self, code: str, message: str, help: str | None, notes: tuple[str, ...] = ()) -> Handle:
        return self.graph._unknown(code, message, help)

    def _apply(self, op: str, operands: tuple[Any, ...], attributes: dict[str, Any], name: str | None) -> Handle:
        return self.graph._add(op, operands, attributes, name)
