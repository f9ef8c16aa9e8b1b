"""MultiDiGraph -> Program: names, order, arity, shapes and dtypes. Every problem is found in one run, none twice.

A node in error has an unknown type that suits everything, so that nothing follows from it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from graphgen import ops, sizes
from graphgen.check_leaf import leaf_problems
from graphgen.check_state import update_problems
from graphgen.errors import GraphError, GraphWarning, Place, Problem, brief, did_you_mean, render
from graphgen.graph import MISSING, Graph
from graphgen.inference import infer_type
from graphgen.lower import Checked, lower
from graphgen.names import fact_problems, reason_against, remedy
from graphgen.ops.picks import check_indices
from graphgen.ops.table import Mismatch, Type, check_arity, check_keywords
from graphgen.optimizers import OPTIMIZERS, option_problems
from graphgen.program import GIVEN, Program
from graphgen.raw import is_well_formed, own_attributes
from graphgen.structure import cycles, operands_of, topological_order
from graphgen.unused import unused

LONGEST_CYCLE = 8  # a longer one is cut short


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
    checker.check_nodes()
    checker.check_sizes()
    checker.check_optimizer()
    checker.check_wrt(tuple(wrt))
    checker.check_results(needs_loss)
    checker.check_updates()
    if checker.problems:
        raise GraphError(_in_order(checker.problems))
    checked = checker.checked()
    program = lower(checked)
    for problem in unused(checked):
        warnings.warn(GraphWarning(render(problem, "warning")), stacklevel=2)
    return program


def problems_of(graph: Graph) -> list[Problem]:
    """The problems of a graph that may still be in the making: those of its nodes."""
    checker = _Checker(graph)
    if len(graph.dag):
        checker.check_nodes()
    return _in_order(checker.problems)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Each problem once, by place; those without a place last."""

    def rank(problem: Problem) -> tuple[Any, ...]:
        where = problem.where
        return (1,) if where is None else (0, where.file, where.line or 0, where.column or 0)

    return sorted(dict.fromkeys(problems), key=rank)


class _Checker:
    """What is known of a graph so far, and what is wrong with it."""

    def __init__(self, graph: Graph):
        if not is_well_formed(graph.dag):
            graph = Graph.from_networkx(graph.dag)
        self.facts = graph.dag.graph
        self.nodes: dict[str, dict[str, Any]] = dict(graph.dag.nodes(data=True))
        self.operands = operands_of(graph.dag)
        self.problems: list[Problem] = list(self.facts["problems"])
        self.order: list[str] = []
        self.types: dict[str, Type | None] = dict.fromkeys(self.nodes)
        self.attributes: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, str] = {}
        self.loss: str | None = None

    def problem(
        self,
        code: str,
        where: Place | None,
        message: str,
        help: str | None = None,
        label: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.problems.append(Problem(code, where, message, help, label, notes))

    def problem_at(self, name: str, code: str, message: str, help: str | None = None, **more: Any) -> None:
        """A problem of a node; one without a place is told by its name."""
        self.problem(code, self.place(name), f"{self.whose(name)}{message}", help, **more)

    def place(self, name: str) -> Place | None:
        return self.nodes[name]["source"]

    def whose(self, name: str) -> str:
        return "" if self.place(name) else f"node {name!r}: "

    # -- nodes

    def check_nodes(self) -> None:
        told = {problem.message for problem in self.problems}
        for _, (code, message, help) in fact_problems(self.facts):
            if message not in told:
                self.problem(code, None, message, help)
        if not self.nodes and not self.problems:
            help = 'declare values with g.input and g.param, as in x = g.input("x")'
            self.problem("GG041", None, "the graph is empty", help)
        self.order = topological_order(self.operands)
        for cycle in cycles(self.operands, self.order):
            self._report_cycle(cycle)
        for name in dict.fromkeys([*self.order, *self.nodes]):
            if self.nodes[name]["op"] != MISSING:
                self._check_node(name)
        if not self.problems:  # a stand-in's problem is told; only a hand may have written its op
            for name in self.nodes:
                if self.nodes[name]["op"] == MISSING:
                    self.problem_at(name, "GG001", f"unknown op {MISSING!r}", "`graphgen ops` lists them all")

    def _report_cycle(self, cycle: list[str]) -> None:
        rank = {name: place for place, name in enumerate(self.nodes)}
        first = min(range(len(cycle)), key=lambda place: rank[cycle[place]])
        names = [*cycle[first:], *cycle[:first], cycle[first]]
        steps = [f"{name} ({self.place(name)})" if self.place(name) else name for name in names]
        if len(steps) > LONGEST_CYCLE:
            steps[LONGEST_CYCLE - 2 : -1] = [f"... ({len(cycle) - LONGEST_CYCLE + 2} more)"]
        help = "a static graph has none: unroll steps in time, with a node for each"
        self.problem("GG040", self.place(names[0]), f"a cycle: {' -> '.join(steps)}", help)

    def _check_node(self, name: str) -> None:
        node = self.nodes[name]
        op, operands = node["op"], self.operands[name]
        if op not in ops.TABLE:
            near = did_you_mean(op, ops.PUBLIC)
            listed = "`graphgen ops` lists them all"
            self.problem_at(name, "GG001", f"unknown op {brief(op)}", f"{near} {listed}" if near else listed)
            return
        own = own_attributes(node)
        types = [self.types[operand] for operand in operands]
        try:
            check_arity(ops.TABLE[op], len(operands))
            check_keywords(ops.TABLE[op], own)
            if None in types:
                return
            self.types[name], self.attributes[name] = infer_type(op, tuple(types), own)  # type: ignore[arg-type]
            values = [self._value(operand) for operand in operands]
            check_indices(ops.TABLE[op], types, self.attributes[name], values)  # type: ignore[arg-type]
        except Mismatch as error:
            self._report_mismatch(name, error)
            return
        if isinstance(ops.TABLE[op], ops.Leaf):
            for code, message, help in leaf_problems(name, op, self.attributes[name]):
                self.problem_at(name, code, f"{op}: {message}", help)
            if name.startswith("_") and op in GIVEN and not self.facts["problems"]:
                self.problem_at(
                    name, "GG042", f"{op}: a leaf has a name of its own", "give it a key that does not start with _"
                )

    def _value(self, name: str) -> Any:
        """What a constant holds, None for other nodes."""
        return self.attributes[name]["value"] if self.nodes[name]["op"] == "constant" else None

    def _report_mismatch(self, name: str, error: Mismatch) -> None:
        """Tell what does not fit, and where the operand at fault is declared."""
        operands, op = self.operands[name], ops.spoken(self.nodes[name]["op"], self.nodes[name])
        at_fault = () if error.about is None else operands[error.about : error.about + 1]
        notes = tuple(note for operand in at_fault for note in self._declaration(operand, self.place(name)))
        help = error.help
        for at, operand in enumerate(operands):
            help = help and help.replace(f"{{{at}}}", "it" if operand.startswith("_") else operand)
        self.problem_at(name, error.code, f"{op}: {error.message}", help, label=error.label, notes=notes)

    def _declaration(self, name: str, place: Place | None) -> tuple[str, ...]:
        source, found = self.place(name), self.types[name]
        if name.startswith("_") or found is None or source is None or (place is not None and source[:2] == place[:2]):
            return ()
        dtype = "" if found.dtype == "float" else f", {found.dtype}"
        return (f"{name} is declared at {source} with shape {found}{dtype}",)

    def check_sizes(self) -> None:
        """Symbolic sizes have usable names, that no leaf has, and can be read from some argument's shape."""
        seen: dict[str, str] = {}
        read: set[str] = set()
        for name in self.order:
            found, op = self.types[name], self.nodes[name]["op"]
            if found is None:
                continue
            entries = (self.attributes[name]["size"],) if op == "size" else found.shape
            for symbol in sizes.symbols(entries):
                seen.setdefault(symbol, name)
            if op in ("input", "param"):
                read |= {entry.name for entry in entries if getattr(entry, "is_Symbol", False)}
        complete = None not in self.types.values()
        for symbol, name in seen.items():
            self._check_symbol(symbol, name, symbol in read or not complete)

    def _check_symbol(self, symbol: str, name: str, is_read: bool) -> None:
        reason = reason_against(symbol)
        if reason is not None:
            self.problem_at(name, "GG011", f"{brief(symbol)} cannot name a size: {reason}", remedy(symbol))
        elif symbol in self.nodes and self.nodes[symbol]["op"] in GIVEN:
            message = f"{symbol} is the name of {self.nodes[symbol]['op']} {symbol} and of a size"
            self.problem_at(symbol, "GG013", message, "choose another name for one of them")
        elif not is_read:
            message = f"the size {symbol} is no axis of an input or parameter"
            self.problem_at(name, "GG014", message, "declare an input with an axis of this size: it is read from there")

    # -- what the graph is for

    def check_results(self, needs_loss: str | None) -> None:
        declared = self.facts["outputs"]
        for output, name in declared.items():
            reason = None if output in ("loss", name) else reason_against(output)
            if not self._is_node(name):
                self.problem(
                    "GG042", None, f"the output {brief(output)} is no node: {brief(name)}", self._nearest(name)
                )
            elif reason is not None:
                self.problem_at(name, "GG011", f"{brief(output)} cannot name an output: {reason}", remedy(output))
            else:
                self.outputs[output] = name
        loss = self.facts["loss"]
        if loss is not None and not self._is_node(loss):
            self.problem("GG042", None, f"the loss is no node: {brief(loss)}", self._nearest(loss))
            return
        if "loss" in self.nodes and loss != "loss" and self.nodes["loss"]["op"] in GIVEN:
            self.problem_at("loss", "GG011", "only the declared loss may be called loss", "choose another name")
        if not declared and loss is not None:
            self.outputs = {loss: loss}
        elif not declared:
            read = {operand for operands in self.operands.values() for operand in operands}
            read.update(filter(self._is_node, self.facts["updates"].values()))
            self.outputs = {name: name for name in self.order if name not in read and self._computes(name)}
        self.loss = self._single_scalar() if loss is None else loss
        if loss is None:
            self._check_purpose(needs_loss)
        else:
            self._check_loss(loss)

    def _is_node(self, name: Any) -> bool:
        return isinstance(name, str) and name in self.nodes

    def _nearest(self, name: Any) -> str:
        near = did_you_mean(name, self.nodes) if isinstance(name, str) else None
        return near or "give the key of a node"

    def _computes(self, name: str) -> bool:
        return not isinstance(ops.TABLE.get(self.nodes[name]["op"]), ops.Leaf)

    def _single_scalar(self) -> str | None:
        """A graph with no declared loss and exactly one scalar output takes that as its loss."""
        scalars = [name for name in dict.fromkeys(self.outputs.values()) if _is_scalar(self.types.get(name))]
        return scalars[0] if len(scalars) == 1 else None

    def _check_purpose(self, needs_loss: str | None) -> None:
        if (
            self.loss is not None
            or not self.nodes
            or any(self.types.get(name) is None for name in self.outputs.values())
        ):
            return
        if needs_loss is not None:
            other = "compile with --inference" if needs_loss in ("value_and_grad", "jvp") else f"leave {needs_loss} out"
            help = f"declare it with g.loss(node), or {other}"
            self.problem("GG051", None, f"no loss is declared, and {needs_loss} needs one", help)
        elif not self.outputs and not self.problems:
            self.problem("GG041", None, "the graph computes nothing", "declare what it is for with g.output or g.loss")

    def _check_loss(self, loss: str) -> None:
        found = self.types[loss]
        if found is None or _is_scalar(found):
            return
        place = self.facts.get("loss_source") or self.place(loss)
        dtype = "floats" if found.dtype == "float" else found.dtype
        message = f"a loss is one float, got {dtype} of shape {found}"
        whose = "" if place else self.whose(loss)
        help = "reduce it with .mean() or .sum()" if found.shape else 'convert it with ops.cast(x, "float")'
        self.problem("GG050", place, f"{whose}{message}", help, notes=self._declaration(loss, place))

    def check_updates(self) -> None:
        places = self.facts.get("update_sources", {})
        for state, code, message, help in update_problems(self.facts["updates"], self.nodes, self.types):
            place = places.get(state)
            notes = self._declaration(state, place) if self._is_node(state) else ()
            self.problem(code, place, message, help, notes=notes)

    def check_optimizer(self) -> None:
        if self.facts["optimizer"] is None:
            return
        name, options = self.facts["optimizer"]
        place = self.facts.get("optimizer_source")
        if not isinstance(name, str) or name not in OPTIMIZERS:
            near = did_you_mean(name, OPTIMIZERS) if isinstance(name, str) else None
            self.problem("GG004", place, f"unknown optimizer {brief(name)}", near or f"one of {', '.join(OPTIMIZERS)}")
            return
        for message, help in option_problems(name, options, self._trained()):
            self.problem("GG005", place, f"{name}: {message}", help)

    def _trained(self) -> dict[str, int]:
        """The parameters that an optimizer changes, each with its number of axes."""
        nodes = {name: self.attributes[name] for name in self.order if self.nodes[name]["op"] == "param" and name in self.attributes}
        return {name: len(given["shape"]) for name, given in nodes.items() if given["trainable"]}

    def check_wrt(self, wrt: tuple[str, ...]) -> None:
        leaves = [name for name in self.order if self.nodes[name]["op"] in ("input", "param")]
        for name in wrt:
            if name not in leaves:
                near = did_you_mean(str(name), leaves) or (f"one of {', '.join(leaves)}" if leaves else None)
                self.problem("GG054", None, f"wrt: {brief(name)} is no input or parameter", near)
            elif (found := self.types[name]) is not None and found.dtype != "float":
                self.problem_at(
                    name, "GG054", f"wrt: {name} holds {found.dtype}, which has no gradient", "give float inputs"
                )

    # -- a graph without problems

    def checked(self) -> Checked:
        types = {name: found for name, found in self.types.items() if found is not None}
        return Checked(self.facts, self.nodes, self.operands, self.order, types, self.attributes, self.results())

    def results(self) -> dict[tuple[str, str], str]:
        """The node that holds each result, by kind and name."""
        results = {("output", name): node for name, node in self.outputs.items()}
        if self.loss is not None:
            results["loss", "loss"] = self.loss
        for name in self.nodes:
            if self.nodes[name]["op"] == "state":
                results["state", name] = self.facts["updates"].get(name, name)
        return results


def _is_scalar(found: Type | None) -> bool:
    return found is not None and found.shape == () and found.dtype == "float"
