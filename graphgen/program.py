"""The one program type: nodes in topological order, each with one output, that refer to each other by name.

Differentiation, passes, optimizers and the target all read and make programs. A program prints as text
(``str(program)``) and is read back by ``graphgen.program_text.parse``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import sympy as sp

from graphgen import ops, sizes
from graphgen.arithmetic import Arithmetic
from graphgen.calculus.formula import Formula
from graphgen.calculus.slopes import Policies
from graphgen.ops.table import Type

FLOAT_TYPES = ("float32", "float64")
# Kinds of results; their tangents are called "loss_dot", "gradient_dot".
RESULT_KINDS = ("output", "loss", "state", "gradient", "update", "jacobian", "hessian")


class Why(NamedTuple):
    """Where a node comes from and what it is for; comments are made of it."""

    place: str = ""  # "mlp.py:7": the declaration
    statement: str = ""  # "hidden = relu(x @ fc1_w + fc1_b)": the declared statement it is a part of, or answers
    composite: str = ""  # the declared composite it is a part of
    answers: tuple[str, ...] = ()  # the forward nodes whose slope this node brings
    notes: tuple[str, ...] = ()  # what was shifted, guarded, broadcast or decided


NO_REASON = Why()


class Node(NamedTuple):
    """One primitive operation: an output, the names of its operands, and its attributes.

    `attributes` is never written to. `sweep` lists the transformations that made the node: () for the declared
    computation, ("reverse",) for gradients, ("tangent",) for tangents, ("update",) for optimizers.
    `named` is whether a user's variable or ``name=`` names the value.
    """

    name: str
    op: str
    args: tuple[str, ...]
    attributes: Mapping[str, Any]
    shape: sizes.Shape
    dtype: str  # "float" (of the type the program says), "int64", "int32" or "bool"
    sweep: tuple[str, ...] = ()
    why: Why = NO_REASON
    named: bool = False

    @property
    def type(self) -> Type:
        return Type(self.shape, self.dtype)


GIVEN = ("input", "param", "state")  # what the caller of a generated function gives it
LEAVES = (*GIVEN, "constant")


@dataclass(frozen=True)
class Program:
    """Nodes in an order where operands come first, and which of them are results; neither dict is ever written to.

    Attributes
    ----------
    results
        The node that holds each result, by kind and name: ("output", "probabilities"), ("loss", "loss"),
        ("state", "norm_running_mean"), what that is after a step; ("gradient", "fc1_w"), ("loss_dot", "loss"), its tangent; ("update", "weight").
    """

    name: str
    dtype: str = "float64"
    policies: Policies = field(default_factory=Policies)
    nodes: dict[str, Node] = field(default_factory=dict)
    results: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.dtype in FLOAT_TYPES
        seen: set[str] = set()
        for name, node in self.nodes.items():
            assert name == node.name and all(argument in seen for argument in node.args), f"ill-formed at {name}"
            seen.add(name)
        assert all(name in seen for name in self.results.values()), "a result is missing"

    def __str__(self) -> str:
        from graphgen.program_text import text

        return text(self)

    def of(self, *kinds: str) -> dict[str, str]:
        """The results of these kinds: the node that holds each, by the result's name."""
        return {name: node for (kind, name), node in self.results.items() if kind in kinds}

    def leaves(self, op: str) -> list[Node]:
        """The nodes of this op, in order of declaration."""
        return [node for node in self.nodes.values() if node.op == op]

    @property
    def loss(self) -> str | None:
        return self.results.get(("loss", "loss"))

    def follows_named(self, node: Node) -> bool:
        """Whether a node is the tangent of a value that the user named: hidden_dot, which stands after hidden."""
        value = self.nodes.get(node.name.removesuffix("_dot"))
        return node.sweep == ("tangent",) and value is not None and value is not node and value.named

    def readers(self) -> dict[str, list[Node]]:
        """The nodes that read each node, once for each node, in order."""
        readers: dict[str, list[Node]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for argument in dict.fromkeys(node.args):
                readers[argument].append(node)
        return readers

    def needed(self, names: Iterable[str]) -> set[str]:
        """The names of all nodes that these depend on, themselves included."""
        needed: set[str] = set()
        stack = list(names)
        while stack:
            name = stack.pop()
            if name not in needed:
                needed.add(name)
                stack.extend(self.nodes[name].args)
        return needed

    def read(self) -> set[str]:
        """The names of all nodes that the results depend on, and of leaves that only give them a size."""
        found = self.needed(self.results.values())
        wanted: dict[str, None] = {}
        for name in self.nodes:
            node = self.nodes[name]
            if name in found:
                size = (node.attributes["size"],) if node.op == "size" else ()
                wanted.update(dict.fromkeys(sizes.symbols((*node.shape, *size))))
        leaves = [*self.leaves("param"), *self.leaves("input")]
        for symbol in wanted:
            having = [leaf.name for leaf in leaves if any(not isinstance(each, int) and str(each) == symbol for each in leaf.shape)]
            if having and found.isdisjoint(having):
                found.add(having[0])
        return found

    def restrict(self, *kinds: str) -> Program:
        """The part of this program that computes the results of these kinds; the leaves stay."""
        results = {key: name for key, name in self.results.items() if key[0] in kinds}
        needed = self.needed(results.values())
        nodes = {name: node for name, node in self.nodes.items() if name in needed or node.op in GIVEN}
        return replace(self, nodes=nodes, results=results)

    def active(self, wrt: Iterable[str]) -> set[str]:
        """The names of all float nodes that depend on one of `wrt` other than through ops of slope zero."""
        active = set(wrt)
        for node in self.nodes.values():
            if node.dtype == "float" and any(map(active.__contains__, node.args)) and not ops.TABLE[node.op].stops:
                active.add(node.name)
        return active

    def builder(self) -> Builder:
        """A builder that goes on from here."""
        return Builder(self)


class Value(Arithmetic):
    """A node of a builder, with the operators that users have on theirs: rules are written with them."""

    __slots__ = ("builder", "name")

    def __init__(self, builder: Builder, name: str):
        self.builder = builder
        self.name = name

    @property
    def node(self) -> Node:
        return self.builder.nodes[self.name]

    @property
    def _known_type(self) -> Type:
        return self.node.type

    @property
    def shape(self) -> sizes.Shape:
        return self.node.shape

    @property
    def dtype(self) -> str:
        return self.node.dtype

    def __repr__(self) -> str:
        return f"Value({self.name!r})"

    def _apply(self, op: str, operands: tuple[Any, ...], attributes: dict[str, Any], name: str | None) -> Value:
        return self.builder.add(op, operands, attributes, name)

    def _is_literal(self, number: float) -> bool:
        return self.node.op == "constant" and self.node.shape == () and self.node.attributes["value"] == number


class Builder:
    """Adds nodes to a program. Nodes in the making are parts of the value that `making` says."""

    def __init__(self, program: Program):
        self.program = program
        self.nodes: dict[str, Node] = dict(program.nodes)
        self.results: dict[tuple[str, str], str] = dict(program.results)
        self.taken: set[str] = set(program.nodes)
        self._counters: Counter[str] = Counter()
        self._target = ""
        self._sweep: tuple[str, ...] = ()
        self._why = NO_REASON

    def build(self) -> Program:
        return replace(self.program, nodes=self.nodes, results=self.results)

    def __getitem__(self, name: str) -> Value:
        return Value(self, name)

    def free(self, name: str) -> str:
        """`name` if no node has it, else `name_2`, `name_3`, ..."""
        if name not in self.taken:
            return name
        return next(candidate for candidate in self._numbered(name) if candidate not in self.taken)

    def _numbered(self, name: str) -> Iterator[str]:
        # Counted on, never from 2 again: that is quadratic for the many unnamed parts of one value.
        while True:
            self._counters[name] += 1
            yield f"{name}_{self._counters[name] + 1}"

    def constant(self, value: Any, dtype: str = "float", name: str | None = None) -> Value:
        """A constant: a Python number, or an array."""
        shape = () if isinstance(value, (bool, int, float)) else value.shape
        return self._add(Node("", "constant", (), {"value": value}, tuple(shape), dtype), name)

    def add(self, op: str, operands: Iterable[Any], attributes: Mapping[str, Any], name: str | None = None) -> Value:
        """Add a node of `op`; composites are expanded. Numbers among the operands become constants."""
        row = ops.TABLE[op]
        values = self._values(tuple(operands), row)
        types = tuple(value.node.type for value in values)
        attributes = row.complete(types, attributes)
        if isinstance(row, ops.Composite):
            return row.expand(*values, **attributes)
        if ops.is_elementwise(op):
            values = tuple(map(self._as_float, values, row.counts_bools(len(values), attributes)))
            types = tuple(value.node.type for value in values)
        shape, dtype = row.infer(*types, **attributes)
        return self._add(Node("", op, tuple(value.name for value in values), attributes, shape, dtype), name)

    def map(self, formula: Formula, operands: Iterable[Value]) -> Value:
        """Add `formula` of `operands`, as an op of the table where it is one."""
        values = tuple(operands)
        if formula.expression in formula.slots:
            return values[0]
        op = ops.op_of(formula)
        if op is not None:
            return self.add(op, values, {})
        shape = sizes.broadcast(*(value.shape for value in values))
        assert shape is not None
        return self._add(Node("", "map", tuple(value.name for value in values), {"formula": formula}, shape, "float"), None)

    def _as_float(self, value: Value, counts: bool) -> Value:
        """A bool that counts as a float converted, anything else as it is."""
        return self.add("cast", (value,), {"dtype": "float"}) if counts and value.dtype == "bool" else value

    def _values(self, operands: tuple[Any, ...], row: Any) -> tuple[Value, ...]:
        if all(isinstance(operand, Value) for operand in operands):
            return operands
        dtypes = [operand.dtype for operand in operands if isinstance(operand, Value)]
        dtype = next((each for each in dtypes if each.startswith("int")), "float") if "float" not in dtypes else "float"
        return tuple(each if isinstance(each, Value) else self._literal(each, dtype) for each in operands)

    def _literal(self, number: Any, dtype: str) -> Value:
        if isinstance(number, sp.Expr):
            return self._add(Node("", "size", (), {"size": number}, (), "float"), None)
        return self.constant(float(number) if dtype == "float" else number, dtype)

    def _add(self, node: Node, part: str | None) -> Value:
        if self._target:
            name = self.free(f"{self._target}_{part or node.op}")
        else:
            name = self.free(part or node.op)
        self.taken.add(name)
        self.nodes[name] = node._replace(name=name, sweep=self._sweep, why=self._why)
        return Value(self, name)

    def append(self, node: Node) -> Value:
        """Add a node as it is, under its own name."""
        assert node.name not in self.nodes
        self.taken.add(node.name)
        self.nodes[node.name] = node
        return Value(self, node.name)

    def reserve(self, names: Iterable[str]) -> None:
        """Keep these names for values yet to come."""
        self.taken.update(names)

    @contextmanager
    def making(self, target: str, sweep: tuple[str, ...] = (), why: Why = NO_REASON) -> Iterator[Callable[[Value], Value]]:
        """While this lasts, nodes are parts of `target`; call what it gives with the value that `target` is."""
        before = self._target, self._sweep, self._why
        self._target, self._sweep, self._why = target, sweep, why
        first = len(self.nodes)
        try:
            yield lambda value: self._finish(target, value, first)
        finally:
            self._target, self._sweep, self._why = before

    def _finish(self, target: str, value: Value, first: int) -> Value:
        """Give the last node made the name `target`; a value that was there before is handed on by an identity."""
        last = next(reversed(self.nodes)) if len(self.nodes) > first else None
        if value.name != last:
            value = self.add("identity", (value,), {})
        node = self.nodes.pop(value.name)
        self.taken.discard(value.name)
        self.taken.add(target)
        self.nodes[target] = node._replace(name=target)
        return Value(self, target)

