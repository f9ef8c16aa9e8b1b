"""The user's side: a thin face over one networkx.MultiDiGraph, which is the one source of truth.

Declaring adds nodes and infers their shapes; what is wrong is found, all of it, by ``check``. Only what cannot stand in
a DAG (a name used twice, a node of another graph) is kept beside it, in ``dag.graph["problems"]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
import sympy as sp

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.handle import Handle
from graphgen.inference import infer, literal
from graphgen.names import fact_problems, reason_against, remedy
from graphgen.naming import Naming
from graphgen.ops.table import Mismatch, Type, check_keywords
from graphgen.source import Site, site

MISSING = "missing"  # the op of a node that stands in for what could not be made


# What a graph has that does not say otherwise.
FACTS = {"name": "graph", "dtype": "float64", "relu_at_zero": 0.0, "ties": "split"}


class Graph(Naming):
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
        super().__init__()
        facts = {"name": name, "dtype": dtype, "relu_at_zero": relu_at_zero, "ties": ties}
        self.dag = nx.MultiDiGraph(**facts, outputs={}, loss=None, optimizer=None, updates={}, problems=[])
        for key, problem in fact_problems(facts):
            self._problem(*problem)
            if key != "name":
                self.dag.graph[key] = FACTS[key]
        self._types: dict[str, Type | None] = {}

    # -- leaves

    def input(
        self,
        name: str,
        shape: Any = (),
        dtype: str | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
    ) -> Handle:
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
        dtype = self.dag.graph["dtype"] if dtype is None else dtype
        return self._node("input", [], {"shape": _entries(shape), "dtype": dtype, **bounds}, name)

    def inputs(self, names: str) -> tuple[Handle, ...]:
        """Declare scalars: ``x, y = g.inputs("x y")``."""
        return tuple(self.input(name) for name in names.replace(",", " ").split())

    def param(self, name: str, shape: Any = (), init: Any = "glorot_uniform", trainable: bool = True) -> Handle:
        """Declare a parameter; `init` is the name of an initializer, a number or an array."""
        more = {} if trainable is True else {"trainable": trainable}
        attributes = {"shape": _entries(shape), "dtype": self.dag.graph["dtype"], "init": init, **more}
        return self._node("param", [], attributes, name)

    def state(self, name: str, shape: Any = (), init: Any = 0.0) -> Handle:
        """Declare a value that is kept from step to step and has no gradient, such as a running mean.

        Every function of the module takes it in a dict, ``state=``; what it becomes in training is said by `update`.

        Parameters
        ----------
        shape
            Whole numbers: it is kept from call to call, whatever the sizes of inputs.
        init
            Its first value: a number, or an array of its shape.
        """
        return self._node("state", [], {"shape": _entries(shape), "dtype": self.dag.graph["dtype"], "init": init}, name)

    def update(self, state: Handle, value: Any) -> None:
        """Declare what a state becomes with each training step: a node, a number or an array of the state's shape.

        `value_and_grad` answers with it, and `train_step` puts it in the place of the old one, all at once. Functions of
        inference leave the state alone.
        """
        key = self._own("the state of an update", state)
        if self.dag.nodes[key]["op"] == MISSING:
            return
        if key in self.dag.graph["updates"]:
            self._problem("GG010", f"the state {_spoken(key)} is updated twice", "declare one update, of the whole change")
            return
        value = self._own("an update", value) if isinstance(value, Handle) else self._operand("update", value, None)
        self.dag.graph["updates"][key] = value
        self.dag.graph.setdefault("update_sources", {})[key] = site().place

    def constant(self, value: Any, name: str | None = None) -> Handle:
        """Write an array or a number into the graph."""
        try:
            return self._node("constant", [], literal(value, None), name)
        except (TypeError, ValueError) as error:
            return self._unknown("GG061", f"constant: {error}", "give a number or an array of numbers")

    # -- what the graph is for

    def output(self, *nodes: Handle, **named: Handle) -> None:
        """Declare what ``forward`` returns: by keyword, or under the nodes' own names."""
        for place, node in enumerate(nodes):
            self._declare_output(node.name if isinstance(node, Handle) else f"_output_{place}", node)
        for name, node in named.items():
            self._declare_output(name, node)

    def _declare_output(self, name: str, node: Any) -> None:
        outputs = self.dag.graph["outputs"]
        key = self._own(f"the output {name}" if name.isidentifier() else "an output", node)
        reason = None if name in (key, "loss") or name.startswith("_output_") else reason_against(name)
        if reason is not None:
            self._problem("GG011", f"{brief(name)} cannot name an output: {reason}", remedy(name))
            outputs[key] = key
        elif name in outputs:
            self._problem("GG010", f"the output {_spoken(name)} is declared twice", "give each output its own keyword")
        else:
            outputs[name] = key

    def loss(self, node: Handle) -> None:
        """Declare the scalar that training makes small."""
        if self.dag.graph["loss"] is not None:
            message = f"a loss is declared already: {_spoken(self.dag.graph['loss'])}"
            self._problem("GG010", message, "add the two, and declare the sum")
        else:
            self.dag.graph["loss"] = self._own("the loss", node)
            self.dag.graph["loss_source"] = site().place

    def _own(self, what: str, node: Any) -> str:
        """The key of a node of this graph; for anything else the problem is kept, and a stand-in's key given."""
        if isinstance(node, Handle) and node.graph is self:
            return node.name
        other = f" of the graph {node.graph.dag.graph['name']}" if isinstance(node, Handle) else ""
        message = f"{what} is no node of this graph, but {_spoken(node.name) if other else brief(node)}{other}"
        self._problem("GG012", message, "give a node that was made with this graph's inputs")
        return self._leaf(MISSING, {})

    def optimizer(self, name: str, **options: Any) -> None:
        """Declare how ``train_step`` changes parameters; options and defaults are those of ``torch.optim``.

        Parameters
        ----------
        name
            "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamax", "nadam" or "adamw".
        learning_rate, weight_decay, momentum, betas, eps, ...
            The optimizer's own. Weight decay of sgd is an L2 penalty; see also ``graphgen.penalties``.
        schedule
            How the learning rate changes from step to step: one of ``graphgen.schedules``.
        clip_value, clip_norm
            The largest entry of a gradient; then the largest norm of all gradients together.
        noise, noise_decay, noise_seed
            The variance of normal noise that is added to the gradients; it is divided by ``step**noise_decay``, with steps
            from 1. The numbers follow from the seed and the step alone, so that a run can be resumed.
        max_norm
            The largest norm of the weights that one unit reads with, after each step: of parameters with two axes and more.
            Units are the last axis of matrices and the first one of kernels; of a transposed convolution's kernel that is
            what an input channel is read with.
        groups
            Other values of learning_rate, weight_decay and max_norm for some parameters, by name or pattern:
            ``{"*_b": {"weight_decay": 0.0}}``.
        """
        if self.dag.graph["optimizer"] is not None:
            self._problem("GG010", "an optimizer is declared already", "declare one")
        else:
            self.dag.graph["optimizer"] = (name, options)
            self.dag.graph["optimizer_source"] = site().place

    def expr(self, name: str, expression: sp.Expr) -> Handle:
        """Make primitive nodes of a sympy expression; its symbols are the nodes with these names."""
        from graphgen.expression import build

        return build(self, name, expression)

    # -- adding nodes

    def _add(self, op: str, operands: Sequence[Any], attributes: dict[str, Any], name: str | None) -> Handle:
        """Add a node of `op`; its operands are nodes, numbers, arrays and sizes."""
        try:
            check_keywords(ops.TABLE[op], attributes)
        except Mismatch as error:
            return self._unknown(error.code, f"{op}: {error.message}", error.help)
        return self._node(op, self._operands(op, operands, ops.spoken(op, attributes)), attributes, name)

    def _operands(self, op: str, operands: Sequence[Any], said: str | None = None) -> list[str]:
        """The keys of operands; messages call the op what is said."""
        own = [each.name for each in operands if isinstance(each, Handle) and each.graph is self]
        if len(own) == len(operands):
            return own
        known = [each._known_type for each in operands if isinstance(each, Handle)]
        dtypes = [each.dtype for each in known if each is not None]
        whole = None if "float" in dtypes else next((dtype for dtype in dtypes if dtype.startswith("int")), None)
        if op in ops.TABLE and ops.TABLE[op].places:
            whole = "int64"
        return [self._operand(said or op, each, whole) for each in operands]

    def _operand(self, op: str, operand: Any, integers: str | None) -> str:
        if isinstance(operand, Handle):
            return self._own(f"{op}: an operand", operand)
        if isinstance(operand, sp.Basic) and not isinstance(operand, sp.Number):
            try:
                return self._leaf("size", {"size": sizes.size(operand)})
            except TypeError:
                self._problem("GG061", f"{op}: an operand is {operand}, a sympy expression", EXPRESSION_HELP)
                return self._leaf(MISSING, {})
        try:
            return self._leaf("constant", literal(operand, integers, whole_stay=False))
        except (TypeError, ValueError):
            message = f"{op}: an operand is a node, a number or an array, not {brief(operand)}"
            self._problem("GG061", message, "declare values with g.input, g.param or g.constant")
            return self._leaf(MISSING, {})

    def _leaf(self, op: str, attributes: dict[str, Any]) -> str:
        """Add what has no name, whatever variable the op that reads it is assigned to."""
        return self._node(op, [], attributes, None, Site(site().place, None)).name

    def _unknown(self, code: str, message: str, help: str | None, notes: tuple[str, ...] = ()) -> Handle:
        """Keep a problem, and give a node of unknown type."""
        self._problem(code, message, help, notes)
        return self._stand_in()

    def _stand_in(self) -> Handle:
        return self._node(MISSING, [], {}, None)

    def _node(
        self, op: str, operands: list[str], attributes: dict[str, Any], name: str | None, found: Site | None = None
    ) -> Handle:
        found = site() if found is None else found
        key = self._key(op, name, found.name)
        dag, types = self.dag, self._types
        dag.add_node(key, op=op, source=found.place, **attributes)
        for place, operand in enumerate(operands):
            dag.add_edge(operand, key, key=place)
        types[key] = infer(op, [types[operand] for operand in operands], attributes)
        return Handle(self, key)

    # -- the DAG itself

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


EXPRESSION_HELP = "make nodes of it with g.expr(name, expression)"


def _entries(shape: Any) -> Any:
    """A shape as the DAG holds it; check says what is wrong with others."""
    return tuple(shape) if isinstance(shape, (tuple, list)) else shape


def _spoken(key: str) -> str:
    """A node's name for people: an unnamed one goes by its op."""
    return f"an unnamed {key[1:].rpartition('_')[0]}" if key.startswith("_") else key
