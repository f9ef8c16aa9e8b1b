"""What the parts of a module in the making share: the program, the options, and what has been used so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.checkpoint import Plan
from graphgen.display import declared
from graphgen.emit import Body, Style, emit
from graphgen.forms import Forms
from graphgen.passes import guard, tidy
from graphgen.passes.recovery import recovers
from graphgen.program import Node, Program
from graphgen.runtime import public_helpers
from graphgen.targets.numpy import is_scalar

# Arguments that a user's value may be called like, as helpers are: they then get an underscore.
ARGUMENTS = ("parameters", "optimizer_state", "tangents", "cotangents", "vector", "directions", "learning_rate", "state", "saved", "seed", "generator", "Outputs")

# The functions that a module has if they are asked for, each by a flag of its name.
EXTRA = ("split", "vjp", "jacobian", "hessian", "hvp", "per_example")


@dataclass(frozen=True)
class Options:
    """What a module is compiled with, and what its head says of the graph; see `graphgen.compiler.build`."""

    style: Style = "compact"
    mode: str = "reverse"
    functions: tuple[str, ...] = ()  # of `EXTRA`: what is asked for besides
    gauss_newton: str | None = None
    save: str | int | tuple[str, ...] = "all"
    sizes: Mapping[str, int] = field(default_factory=dict)
    trace: bool = False
    inference: bool = False
    wrt: tuple[str, ...] = ()
    optimizer: tuple[str, Mapping[str, Any]] | None = None
    version: str = ""
    fingerprint: str = ""
    graph_size: str = ""
    model: str = ""
    weights: Mapping[str, np.ndarray] | None = None

    @property
    def has_reverse(self) -> bool:
        return self.mode in ("reverse", "both")

    @property
    def has_forward(self) -> bool:
        return self.mode in ("forward", "both")


@dataclass
class Setting:
    """A module in the making.

    Attributes
    ----------
    forms
        What the functions of training and of inference compute.
    scalar
        Every value is a Python float.
    wrt
        What the loss is differentiated for.
    names
        The names of arguments and helpers in this module.
    used, arrays, report
        Helpers called, constant arrays and what was done, so far.
    tables, aliases
        Statements that functions need above them, and below them, so far.
    draw
        The functions that draw random numbers, so far: they take a seed.
    written
        The statements of each function that computes, so far.
    plan
        What the reverse sweep finds saved, if that is not all.
    """

    forms: Forms
    options: Options
    scalar: bool
    parameters: list[Node]
    inputs: list[Node]
    state: list[Node]
    wrt: tuple[str, ...]
    names: dict[str, str]
    used: dict[str, None] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    report: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    draw: set[str] = field(default_factory=set)
    written: dict[str, Body] = field(default_factory=dict)
    plan: Plan | None = None

    @classmethod
    def of(cls, forms: Forms, options: Options) -> Setting:
        program = forms.declared
        parameters, inputs, state = (program.leaves(op) for op in ("param", "input", "state"))
        return cls(forms, options, is_scalar(program), parameters, inputs, state, _wrt(program, options.wrt), _yielding_names(forms))

    @property
    def program(self) -> Program:
        """All that is declared."""
        return self.forms.declared

    @property
    def annotation(self) -> str:
        """The type of a value."""
        return "float" if self.scalar else "np.ndarray"

    @property
    def checks_outputs(self) -> str:
        """What derivatives of the outputs are checked by where there is no loss; nothing if some are declared."""
        asked = [name for name in ("vjp", "jacobian") if name in self.options.functions]
        program = self.forms.inference
        if self.program.loss is not None or self.options.inference or not asked:
            return ""
        return "" if any(declared(node, program.nodes) for node in program.nodes.values()) else asked[0]

    @property
    def trained(self) -> list[str]:
        """The parameters that an optimizer changes."""
        return [node.name for node in self.parameters if node.attributes["trainable"]]

    def keywords(self, function: str) -> list[str]:
        """What a function takes by keyword: the state if there is any, the seed if it draws; see `body`."""
        asked = ["state"] * bool(self.state) + ["seed"] * (function in self.draw)
        return [self.names[each] for each in asked]

    def use(self, *names: str) -> None:
        self.used.update(dict.fromkeys(names))

    def body(self, function: str, program: Program, guarded: bool = False) -> Body:
        """Write a program as the statements of a function; `quiet` says whether it may meet infinities on its way."""
        program = program if guarded else guard(program)
        trace = self.options.trace  # every value is wanted at the end: nothing is tidied
        compact = self.options.style == "compact" and not trace
        written = tidy(program) if compact else program
        body = emit(written, "compact" if compact else "teach", self.scalar, self._with_all(program), self.names, apart=trace)
        body.quiet = not self.scalar and (trace or recovers(written))
        if any(node.op in ops.DRAWING for node in written.nodes.values()):
            self.draw.add(function)
        self.written[function] = body
        self.use(*body.helpers)
        self.arrays |= body.arrays
        passes = f", {len(written.nodes)} after passes" if compact else ""
        self.report.append(f"{function}: {len(program.nodes)} nodes{passes}, {len(body.lines)} statements")
        return body

    def _with_all(self, program: Program) -> Program:
        """The program with the declared values that it does not need: gradients are named after them, and comments tell of them."""
        nodes = dict(program.nodes)
        for node in (*self.forms.training.nodes.values(), *self.forms.inference.nodes.values()):
            if node.name not in nodes and all(each in nodes for each in node.args):
                nodes[node.name] = node
        return replace(program, nodes=nodes)


def _wrt(program: Program, extra: tuple[str, ...]) -> tuple[str, ...]:
    """All trainable parameters, or without any parameter all float inputs; and `extra`."""
    chosen = [node.name for node in program.leaves("param") if node.attributes["trainable"]]
    if not program.leaves("param"):
        chosen = [node.name for node in program.leaves("input") if node.dtype == "float"]
    return tuple(dict.fromkeys([*chosen, *(name for name in program.nodes if name in extra)]))


def _yielding_names(forms: Forms) -> dict[str, str]:
    taken = {name for program in forms for name in program.nodes}
    taken.update(name for node in forms.declared.nodes.values() for name in sizes.symbols(node.shape))
    result = {}
    for name in (*public_helpers(), *ARGUMENTS):
        own = name
        while own in taken:
            own += "_"
        result[name] = own
    return result
