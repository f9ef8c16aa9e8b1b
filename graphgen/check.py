"""MultiDiGraph -> Program: names, order, arity, shapes and dtypes. Every problem is found in one run, none twice.

A node in error has an unknown type that suits everything, so that nothing follows from it.
"""

from __future__ import annotations

import heapq
import math
import warnings
from collections.abc import Iterable
from numbers import Real
from typing import Any

import networkx as nx
import numpy as np

from graphgen import ops, sizes
from graphgen.errors import GraphError, GraphWarning, Place, Problem, did_you_mean, render
from graphgen.graph import MISSING, Graph, infer_type
from graphgen.initializers import INITIALIZERS, Initializer
from graphgen.lower import lower
from graphgen.names import reason_against
from graphgen.ops.table import Mismatch, Type
from graphgen.optimizers import OPTIMIZERS
from graphgen.optimizers import complete as complete_options
from graphgen.program import FLOAT_TYPES, LEAVES, Program
from graphgen.raw import operand_names, own_attributes


def check(graph: Graph, *, needs_loss: str | None = None, wrt: Iterable[str] = ()) -> Program:
    """Check everything about a graph, and lower it to a program of primitives.

    Parameters
    ----------
    needs_loss
        What was asked for that needs a loss, for the message; None if nothing does.
    wrt
        Names of inputs that are to be differentiated for as well.

    Raises
    ------
    GraphError
        With every problem found.

    Warns
    -----
    GraphWarning
        For inputs that nothing reads, and parameters that the loss does not depend on.
    """
    checker = _Checker(graph)
    checker.run(needs_loss, tuple(wrt))
    if checker.problems:
        raise GraphError(_in_order(checker.problems))
    program = lower(graph.dag, checker.order, checker.types, checker.attributes, checker.outputs, checker.loss)
    for problem in checker.warnings:
        warnings.warn(GraphWarning(render(problem, "warning")), stacklevel=2)
    return program


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Each problem once, by place; those without a place last."""

    def rank(problem: Problem) -> tuple[Any, ...]:
        where = problem.where
        return (1,) if where is None else (0, where.file, where.line or 0, where.column or 0)

    return sorted(dict.fromkeys(problems), key=rank)


class _Checker:
    """What is known of a graph so far, and what is wrong with it."""

    def __init__(self, graph: Graph):
        self.dag = graph.dag
        self.facts = graph.dag.graph
        self.problems: list[Problem] = list(self.facts["problems"])
        self.warnings: list[Problem] = []
        self.order: list[str] = []
        self.types: dict[str, Type | None] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, str] = {}
        self.loss: str | None = None

    def run(self, needs_loss: str | None, wrt: tuple[str, ...]) -> None:
        self._check_facts()
        if not len(self.dag):
            self.problem("GG041", None, "the graph is empty", 'declare values with g.input and g.param, as in x = g.input("x")')
            return
        self.order = topological_order(self.dag)
        if len(self.order) < len(self.dag):
            self._check_cycle()
        for name in self.order:
            self._check_node(name)
        self._check_sizes()
        self._check_results(needs_loss)
        self._check_optimizer()
        self._check_wrt(wrt)
        if not self.problems:
            self._warn(wrt)

    def problem(self, code: str, where: Place | None, message: str, help: str | None = None, label: str | None = None, notes: tuple[str, ...] = ()) -> None:
        self.problems.append(Problem(code, where, message, help, label, notes))

    def place(self, name: str) -> Place | None:
        return self.dag.nodes[name].get("source")

    def _check_facts(self) -> None:
        name, dtype = self.facts["name"], self.facts["dtype"]
        if not isinstance(name, str) or not name.replace("-", "_").isidentifier() or not name.isascii():
            self.problem("GG011", None, f"{name!r} cannot name a graph", "a module is called by it: use letters, digits and underscores")
        if dtype not in FLOAT_TYPES:
            self.problem("GG030", None, f"unknown dtype {dtype!r} of the graph", 'one of "float32", "float64"')
        k, ties = self.facts["relu_at_zero"], self.facts["ties"]
        if isinstance(k, bool) or not isinstance(k, Real) or not 0 <= k <= 1:
            self.problem("GG005", None, f"relu_at_zero is a number from 0 to 1, got {k!r}", "0, 0.5 and 1 are the common choices")
        if ties not in ("split", "first"):
            self.problem("GG005", None, f"unknown ties {ties!r}", 'one of "split", "first"')

    def _check_cycle(self) -> None:
        rest = self.dag.subgraph(set(self.dag) - set(self.order))
        cycle = [edge[0] for edge in nx.find_cycle(rest)]
        steps = " -> ".join(f"{name} ({self.place(name)})" if self.place(name) else str(name) for name in [*cycle, cycle[0]])
        self.problem("GG040", self.place(cycle[0]), f"a cycle: {steps}", "a static graph has none: unroll steps in time, with a node for each")
        for name in rest:
            self.types[name] = None

    def _check_node(self, name: str) -> None:
        self.types[name] = None
        op, place = self.dag.nodes[name]["op"], self.place(name)
        if op == MISSING:
            return
        if op not in ops.TABLE:
            near = did_you_mean(str(op), [each for each in ops.TABLE if each not in ops.INTERNAL])
            self.problem("GG001", place, f"unknown op {op!r}", f"{near + ' ' if near else ''}`graphgen ops` lists them all")
            return
        operands = operand_names(self.dag, name)
        own = own_attributes(self.dag, name)
        types = [self.types.get(operand) for operand in operands]
        try:
            ops.table.check_arity(ops.TABLE[op], len(operands))
            if any(each is None for each in types):
                return
            self.types[name], self.attributes[name] = infer_type(op, tuple(types), own)  # type: ignore[arg-type]
        except Mismatch as error:
            notes = () if error.about is None or error.about >= len(operands) else self._declaration(operands[error.about], place)
            self.problem(error.code, place, f"{op}: {error.message}", error.help, error.label, notes)
            return
        if op in ("input", "param"):
            self._check_leaf(name, op)

    def _declaration(self, name: str, place: Place | None) -> tuple[str, ...]:
        source, found = self.place(name), self.types[name]
        if str(name).startswith("_") or found is None or source is None or source == place:
            return ()
        return (f"{name} is declared at {source} with shape {found}",)

    def _check_leaf(self, name: str, op: str) -> None:
        attributes, place = self.attributes[name], self.place(name)
        if name.startswith("_"):
            if not any(problem.where == place for problem in self.problems):
                self.problem("GG042", place, f"{op}: a leaf needs a name, got {name!r}", "give it a name of its own")
        elif op == "param":
            self._check_init(name, attributes["init"], attributes["shape"], place)
            if not isinstance(attributes["trainable"], bool):
                self.problem("GG005", place, f"param: trainable is True or False, got {attributes['trainable']!r}")
        else:
            self._check_bounds(attributes, place)

    def _check_bounds(self, attributes: dict[str, Any], place: Place | None) -> None:
        low, high = attributes["low"], attributes["high"]
        for bound in (low, high):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, Real) or not math.isfinite(bound)):
                self.problem("GG005", place, f"input: low and high are finite numbers, got {bound!r}")
                return
        if low is not None and high is not None and not low < high:
            self.problem("GG005", place, f"input: low must lie below high, got {low!r} and {high!r}")

    def _check_init(self, name: str, init: Any, shape: sizes.Shape, place: Place | None) -> None:
        kind = init.name if isinstance(init, Initializer) else init
        if isinstance(kind, str):
            if kind not in INITIALIZERS:
                near = did_you_mean(kind, INITIALIZERS)
                self.problem("GG002", place, f"param: unknown init {kind!r}", near or f"one of {', '.join(INITIALIZERS)}, a number or an array")
            return
        try:
            value = np.asarray(init)
        except ValueError:
            value = np.asarray(None)
        if value.dtype.kind not in "iuf":
            self.problem("GG002", place, f"param: an init is a name, a number or an array, not {init!r}", f"one of {', '.join(INITIALIZERS)}")
        elif value.ndim and not sizes.same(value.shape, shape):
            self.problem("GG020", place, f"param: the init has shape {value.shape}, {name} has {sizes.shape_text(shape)}", "give one number for each element")

    def _check_sizes(self) -> None:
        """Symbolic sizes have usable names, that no leaf has, and can be read from some argument's shape."""
        leaves = [name for name in self.order if self.dag.nodes[name]["op"] in ("input", "param") and self.types[name] is not None]
        bare = {entry.name for name in leaves for entry in self.types[name].shape if getattr(entry, "is_Symbol", False)}  # type: ignore[union-attr]
        seen: set[str] = set()
        for name in self.order:
            found = self.types[name]
            entries = found.shape if found is not None else ()
            if self.dag.nodes[name]["op"] == "size":
                entries = (self.attributes[name]["size"],)
            for symbol in sizes.symbols(entries):
                if symbol not in seen:
                    seen.add(symbol)
                    self._check_symbol(symbol, name, symbol in bare)

    def _check_symbol(self, symbol: str, name: str, bare: bool) -> None:
        reason = reason_against(symbol)
        if reason is not None:
            self.problem("GG011", self.place(name), f"{symbol!r} cannot name a size: {reason}", "choose another name")
        elif symbol in self.dag and self.dag.nodes[symbol]["op"] in ("input", "param", "constant"):
            self.problem("GG013", self.place(symbol), f"{symbol} names a value and a size of {name}", "choose another name for one of them")
        elif not bare:
            self.problem("GG014", self.place(name), f"the size {symbol} is the size of no axis of an input or parameter", "declare an axis of this size")

    def _check_results(self, needs_loss: str | None) -> None:
        declared = dict(self.facts["outputs"])
        for output, name in declared.items():
            reason = reason_against(output)
            if name not in self.dag:
                near = did_you_mean(str(name), map(str, self.dag))
                self.problem("GG042", None, f"the output {output!r} is no node: {name!r}", near)
            elif reason is not None and output != "loss" and output != name:
                self.problem("GG011", self.place(name), f"{output!r} cannot name an output: {reason}", "choose another keyword")
            else:
                self.outputs[output] = name
        loss = self.facts["loss"]
        if loss is not None and loss not in self.dag:
            self.problem("GG042", None, f"the loss is no node: {loss!r}", did_you_mean(str(loss), map(str, self.dag)))
            return
        if not declared:
            self.outputs = self._undeclared_outputs(loss)
        self.loss = self._find_loss(loss, needs_loss)

    def _undeclared_outputs(self, loss: str | None) -> dict[str, str]:
        """Without declared outputs: the loss, or else what nothing reads."""
        if loss is not None:
            return {loss: loss}
        return {name: name for name in self.order if not self.dag.succ[name] and self.dag.nodes[name]["op"] not in LEAVES}

    def _find_loss(self, loss: str | None, needs_loss: str | None) -> str | None:
        if loss is None:
            known = [self.types.get(name) for name in self.outputs.values()]
            scalars = [name for name in self.outputs.values() if _is_scalar(self.types.get(name))]
            if len(scalars) == 1:
                return scalars[0]
            if needs_loss is not None and all(known) and self.order and not self.problems:
                message = f"no loss is declared, and {needs_loss} needs one"
                self.problem("GG051", None, message, "declare it with g.loss(node), or compile with --inference")
            return None
        found = self.types.get(loss)
        if found is not None and not _is_scalar(found):
            place = self.facts.get("loss_source") or self.place(loss)
            message = f"a loss is a scalar float, got {found.dtype} of shape {found}"
            self.problem("GG050", place, message, "reduce it with .mean() or .sum()", notes=self._declaration(loss, place))
        return loss

    def _check_optimizer(self) -> None:
        if self.facts["optimizer"] is None:
            return
        name, options = self.facts["optimizer"]
        place = self.facts.get("optimizer_source")
        if name not in OPTIMIZERS:
            self.problem("GG004", place, f"unknown optimizer {name!r}", did_you_mean(str(name), OPTIMIZERS) or f"one of {', '.join(OPTIMIZERS)}")
            return
        try:
            complete_options(name, options)
        except ValueError as error:
            self.problem("GG005", place, f"{name}: {error}")

    def _check_wrt(self, wrt: tuple[str, ...]) -> None:
        floats = [name for name in self.order if self.dag.nodes[name]["op"] in ("input", "param")]
        for name in wrt:
            if name not in floats:
                self.problem("GG054", None, f"wrt: {name!r} is no input or parameter", did_you_mean(name, floats) or f"one of {', '.join(floats)}")
            elif (found := self.types[name]) is not None and found.dtype != "float":
                self.problem("GG054", self.place(name), f"wrt: {name} holds {found.dtype}, which has no gradient", "give float inputs")

    def _warn(self, wrt: tuple[str, ...]) -> None:
        results = [*self.outputs.values(), *([self.loss] if self.loss else [])]
        needed = ancestors(self.dag, results)
        to_loss = ancestors(self.dag, [self.loss]) if self.loss else needed
        for name in self.order:
            op, attributes = self.dag.nodes[name]["op"], self.attributes[name]
            if op == "input" and name not in needed:
                self._warning("GG053", name, f"the input {name} is not used", "remove it, or use it")
            elif op == "param" and attributes["trainable"] and name not in to_loss:
                self._warning("GG052", name, f"the loss does not depend on {name}: its gradient is zeros", "remove it, use it, or declare trainable=False")

    def _warning(self, code: str, name: str, message: str, help: str) -> None:
        self.warnings.append(Problem(code, self.place(name), message, help))


def _is_scalar(found: Type | None) -> bool:
    return found is not None and found.shape == () and found.dtype == "float"


def ancestors(dag: nx.MultiDiGraph, names: Iterable[str]) -> set[str]:
    """The names of all nodes that these depend on, themselves included."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(dag.pred[name])
    return found


def topological_order(dag: nx.MultiDiGraph) -> list[str]:
    """Operands first, ties by insertion; nodes on or behind a cycle are left out."""
    rank = {name: place for place, name in enumerate(dag)}
    names = list(dag)
    waiting = {name: len(dag.pred[name]) for name in names}
    ready = [rank[name] for name in names if not waiting[name]]
    order = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for reader in dag.succ[name]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, rank[reader])
    return order
