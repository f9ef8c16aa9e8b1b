"""The user's side: a thin face over one networkx.MultiDiGraph, which is the one source of truth.

Declaring adds nodes and infers their shapes; what is wrong is found, all of it, by ``check``. Only what cannot stand in
a DAG (a name used twice, a node of another graph) is kept beside it, in ``dag.graph["problems"]``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import networkx as nx
import numpy as np
import sympy as sp

from graphgen import ops, sizes
from graphgen.arithmetic import Arithmetic
from graphgen.errors import GraphError, Place, Problem
from graphgen.names import reason_against, usable
from graphgen.ops.table import Mismatch, Type
from graphgen.source import site

MISSING = "missing"  # the op of a node that stands in for what could not be made


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
        found = self.graph._types.get(self.name)
        if found is None:
            # Nothing can be said of its shape, but something of why.
            from graphgen.check import check

            check(self.graph)
            raise AssertionError("a node of unknown type, and no problem")
        return found

    @property
    def shape(self) -> sizes.Shape:
        return self.type.shape

    @property
    def dtype(self) -> str:
        return self.type.dtype

    def __repr__(self) -> str:
        found = self.graph._types.get(self.name)
        return f"<{self.name}: {f'{found} {found.dtype}' if found else 'in error'}>"

    def __bool__(self) -> bool:
        here = Problem("GG060", site().place, "a node has no truth value before it has numbers", "choose by value with ops.where, compare nodes with `is`")
        raise GraphError([*self.graph._problems, here])

    def _apply(self, op: str, operands: tuple[Any, ...], attributes: dict[str, Any], name: str | None) -> Handle:
        return self.graph._add(op, operands, attributes, name)


class Graph:
    """A network in the making.

    Parameters
    ----------
    name
        The generated module's name.
    dtype
        "float64" or "float32": the type of every float in it.
    relu_at_zero
        The slope at kinks, from 0 (the smaller one-sided slope) to 1.
    ties
        "split" or "first": who gets the gradient of max, min, maximum and minimum where values are equal.
    """

    def __init__(self, name: str, dtype: str = "float64", *, relu_at_zero: float = 0.0, ties: str = "split"):
        self.dag = nx.MultiDiGraph(
            name=name, dtype=dtype, relu_at_zero=relu_at_zero, ties=ties, outputs={}, loss=None, optimizer=None, problems=[]
        )
        self._types: dict[str, Type | None] = {}
        self._unnamed: Counter[str] = Counter()
        self._copies: Counter[str] = Counter()
        self._scopes: list[str] = []

    # -- leaves

    def input(self, name: str, shape: Any = (), dtype: str | None = None, *, low: float | None = None, high: float | None = None) -> Handle:
        """Declare a value that is given at each call.

        Parameters
        ----------
        shape
            Ints and names of sizes, such as ("batch", 64).
        dtype
            The graph's float type unless said; "int64", "int32" or "bool".
        low, high
            Bounds [low, high) of the samples that checks draw.
        """
        bounds = {key: value for key, value in (("low", low), ("high", high)) if value is not None}
        return self._leaf("input", name, shape, {"dtype": dtype or self.dag.graph["dtype"], **bounds})

    def inputs(self, names: str) -> tuple[Handle, ...]:
        """Declare scalars: ``x, y = g.inputs("x y")``."""
        return tuple(self.input(name) for name in names.replace(",", " ").split())

    def param(self, name: str, shape: Any = (), init: Any = "glorot_uniform", trainable: bool = True) -> Handle:
        """Declare a parameter; `init` is the name of an initializer, a number or an array."""
        more = {} if trainable else {"trainable": False}
        return self._leaf("param", name, shape, {"dtype": self.dag.graph["dtype"], "init": init, **more})

    def constant(self, value: Any, name: str | None = None) -> Handle:
        """Write an array or a number into the graph."""
        return self._node("constant", [], _constant(value, None), name)

    def _leaf(self, op: str, name: Any, shape: Any, attributes: dict[str, Any]) -> Handle:
        entries = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        return self._node(op, [], {"shape": entries, **attributes}, name)

    # -- what the graph is for

    def output(self, *nodes: Handle, **named: Handle) -> None:
        """Declare what ``forward`` returns: by keyword, or under the nodes' own names."""
        for node in nodes:
            self._declare_output(node.name if isinstance(node, Handle) else str(node), node)
        for name, node in named.items():
            self._declare_output(name, node)

    def _declare_output(self, name: str, node: Any) -> None:
        outputs = self.dag.graph["outputs"]
        if not isinstance(node, Handle) or node.graph is not self:
            self._problem("GG012", f"the output {name} is not a node of this graph", "give a node that was made with this graph's inputs")
        elif name in outputs:
            self._problem("GG010", f"the output {name} is declared twice", "give each output its own keyword")
        else:
            outputs[name] = node.name

    def loss(self, node: Handle) -> None:
        """Declare the scalar that training makes small."""
        if not isinstance(node, Handle) or node.graph is not self:
            self._problem("GG012", "the loss is not a node of this graph", "give a node that was made with this graph's inputs")
        elif self.dag.graph["loss"] is not None:
            self._problem("GG010", f"a loss is declared already: {self.dag.graph['loss']}", "add the two, and declare the sum")
        else:
            self.dag.graph["loss"] = node.name
            self.dag.graph["loss_source"] = site().place

    def optimizer(self, name: str, **options: float) -> None:
        """Declare how ``train_step`` changes parameters: "sgd", "momentum" or "adam", with torch.optim's options."""
        self.dag.graph["optimizer"] = (name, options)
        self.dag.graph["optimizer_source"] = site().place

    def expr(self, name: str, expression: sp.Expr) -> Handle:
        """Make primitive nodes of a sympy expression; its symbols are the nodes with these names."""
        from graphgen.expression import build

        return build(self, name, expression)

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix names with `name` and an underscore."""
        reason = reason_against(name)
        if reason is not None:
            self._problem("GG011", f"{name!r} cannot be a scope: {reason}", "choose another name")
        self._scopes.append(name if reason is None else "scope")
        try:
            yield
        finally:
            self._scopes.pop()

    # -- adding nodes

    def _add(self, op: str, operands: Sequence[Any], attributes: dict[str, Any], name: str | None) -> Handle:
        """Add a node of `op`; its operands are nodes, numbers, arrays and sizes."""
        return self._node(op, self._operands(op, operands), attributes, name)

    def _operands(self, op: str, operands: Sequence[Any]) -> list[str]:
        known = [self._types.get(each.name) for each in operands if isinstance(each, Handle)]
        dtypes = [each.dtype for each in known if each is not None]
        integers = "float" not in dtypes and any(dtype.startswith("int") for dtype in dtypes)
        return [self._operand(op, each, next(d for d in dtypes if d.startswith("int")) if integers else None) for each in operands]

    def _operand(self, op: str, operand: Any, integers: str | None) -> str:
        if isinstance(operand, Handle):
            if operand.graph is self:
                return operand.name
            self._problem("GG012", f"{op}: {operand.name} is a node of another graph, {operand.graph.dag.graph['name']!r}", "declare it with this graph")
            return self._node(MISSING, [], {}, None).name
        if isinstance(operand, sp.Expr) and not operand.is_Number:
            try:
                return self._node("size", [], {"size": sizes.size(operand)}, None).name
            except TypeError:
                self._problem("GG061", f"{op}: a sympy expression is no operand: {operand}", "make nodes of it with g.expr(name, expression)")
                return self._node(MISSING, [], {}, None).name
        try:
            leaf = _constant(operand, integers, to_float=op in ops.ELEMENTWISE)
        except (TypeError, ValueError):
            self._problem("GG061", f"{op}: an operand is a node, a number or an array, not {operand!r}", "declare values with g.input, g.param or g.constant")
            return self._node(MISSING, [], {}, None).name
        return self._node("constant", [], leaf, None).name

    def _node(self, op: str, operands: list[str], attributes: dict[str, Any], name: str | None) -> Handle:
        place, found = site()
        leaf = not operands and op in ("constant", "size", MISSING) and name is None
        key = self._key(op, name, None if leaf else found, place)
        self.dag.add_node(key, op=op, source=place, **attributes)
        for at, operand in enumerate(operands):
            self.dag.add_edge(operand, key, key=at)
        self._types[key] = infer(op, [self._types[operand] for operand in operands], attributes)
        return Handle(self, key)

    def _key(self, op: str, name: Any, found: str | None, place: Place | None) -> str:
        prefix = "".join(f"{each}_" for each in self._scopes)
        if name is not None:
            full = f"{prefix}{name}" if isinstance(name, str) else name
            reason = reason_against(full)
            if reason is not None and full != "loss":
                self._problem("GG011", f"{full!r} cannot be a name: {reason}", "choose another name")
            elif self._is_taken(full):
                first = self.dag.nodes[full]["source"] if full in self.dag else None
                notes = (f"{full} is first declared at {first}",) if first else ()
                self._problem("GG010", f"the name {full} is used twice", "give each node its own name", notes)
            else:
                return full
        elif found is not None and (candidate := usable(f"{prefix}{found}")):
            return self._free(candidate)
        self._unnamed[op] += 1
        return f"_{op}_{self._unnamed[op]}"

    def _free(self, name: str) -> str:
        candidate = name
        while self._is_taken(candidate):
            self._copies[name] += 1
            candidate = f"{name}_{self._copies[name] + 1}"
        return candidate

    def _is_taken(self, name: str) -> bool:
        # A found d_x is kept as d_x_, which must not meet the gradient of x_.
        return name in self.dag or f"d_{name}" in self.dag or (name.startswith("d_") and name[2:] in self.dag)

    # -- problems, and the DAG itself

    @property
    def _problems(self) -> list[Problem]:
        return self.dag.graph["problems"]

    def _problem(self, code: str, message: str, help: str, notes: tuple[str, ...] = ()) -> None:
        self._problems.append(Problem(code, site().place, message, help, notes=notes))

    @classmethod
    def from_networkx(cls, dag: nx.DiGraph) -> Graph:
        """Take a hand-made DAG: node attribute ``op`` and the op's keywords, edge keys for the operands' places.

        Raises
        ------
        GraphError
            If its nodes or edges are not in the form that the documentation of raw DAGs gives.
        """
        from graphgen.raw import adopt

        return adopt(cls, dag)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        from graphgen.raw import canonical

        return canonical(self.dag) == canonical(other.dag)

    __hash__ = object.__hash__


def infer(op: str, types: Sequence[Type | None], attributes: dict[str, Any]) -> Type | None:
    """The type of a node, or None where a problem leaves it unknown: check finds out which."""
    if op not in ops.TABLE or any(each is None for each in types):
        return None
    try:
        return infer_type(op, tuple(types), attributes)[0]  # type: ignore[arg-type]
    except Mismatch:
        return None


def infer_type(op: str, types: tuple[Type, ...], attributes: dict[str, Any]) -> tuple[Type, dict[str, Any]]:
    """The type of a node and its attributes in canonical form.

    Raises
    ------
    Mismatch
        If operands or attributes do not fit.
    """
    row = ops.TABLE[op]
    attributes = row.complete(types, attributes)
    if isinstance(row, ops.Leaf):
        return leaf_type(op, attributes)
    if not isinstance(row, ops.Composite):
        return row.infer(*types, **attributes), attributes
    from graphgen.program import Builder, Node, Program

    builder = Builder(Program("types"))
    values = [builder.append(Node(f"x{place}", "input", (), {}, each.shape, each.dtype)) for place, each in enumerate(types)]
    return row.expand(*values, **attributes).node.type, attributes


def leaf_type(op: str, attributes: dict[str, Any]) -> tuple[Type, dict[str, Any]]:
    """The type of a leaf and its attributes in canonical form; raises `Mismatch`."""
    from graphgen.ops.axes import shape_of

    if op == "size":
        return Type((), "float"), attributes
    dtype = attributes["dtype"]
    known = {"float": "float", "float32": "float", "float64": "float", "int64": "int64", "int32": "int32", "bool": "bool"}
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", repr(dtype))
    if name not in known or (op == "param" and known[name] != "float"):
        remedy = 'a parameter is "float32" or "float64"' if op == "param" else 'one of "float32", "float64", "int64", "int32", "bool"'
        raise Mismatch("GG030", f"unknown dtype {name!r}", remedy)
    if op == "constant":
        attributes = _constant(attributes["value"], known[name] if known[name].startswith("int") else None)
        return Type(tuple(attributes["shape"]), attributes["dtype"]), attributes
    shape = shape_of(tuple(attributes["shape"]) if isinstance(attributes["shape"], (tuple, list)) else attributes["shape"])
    return Type(shape, known[name]), {**attributes, "shape": shape, "dtype": known[name]}


def _constant(value: Any, integers: str | None, to_float: bool = False) -> dict[str, Any]:
    """The attributes of a constant: a Python number or a read-only array; raises TypeError or ValueError for anything else.

    `integers` is the dtype that whole numbers take; without it they are floats. Whole arrays are floats `to_float`.
    """
    if isinstance(value, (bool, np.bool_)):
        return {"value": bool(value), "shape": (), "dtype": "bool"}
    if isinstance(value, sp.Number):
        value = int(value) if value.is_Integer else float(value)
    if isinstance(value, (int, np.integer)):
        return {"value": int(value), "shape": (), "dtype": integers} if integers else {"value": float(value), "shape": (), "dtype": "float"}
    if isinstance(value, (float, np.floating)):
        return {"value": float(value), "shape": (), "dtype": "float"}
    array = np.array(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"not an array of numbers: {value!r}")
    dtype = {"b": "bool", "f": "float"}.get(array.dtype.kind, "float" if to_float and not integers else "int64")
    array = array.astype("float64" if dtype == "float" else dtype)
    array.flags.writeable = False
    return {"value": array, "shape": array.shape, "dtype": dtype}
