"""What the parts of a module in the making share: the program, the options, and what has been used so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphgen import sizes
from graphgen.emit import Body, Style, emit
from graphgen.passes import guard, tidy
from graphgen.passes.recovery import recovers
from graphgen.program import Node, Program
from graphgen.runtime import public_helpers
from graphgen.targets.numpy import is_scalar

# Arguments that a user's value may be called like, as helpers are: they then get an underscore.
ARGUMENTS = ("parameters", "optimizer_state", "tangents", "learning_rate", "Outputs")


@dataclass(frozen=True)
class Options:
    """What a module is compiled with, and what its head says of the graph; see `graphgen.compiler.build`."""

    style: Style = "compact"
    mode: str = "reverse"
    inference: bool = False
    wrt: tuple[str, ...] = ()
    optimizer: tuple[str, Mapping[str, Any]] | None = None
    version: str = ""
    fingerprint: str = ""
    graph_size: str = ""
    model: str = ""

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
    scalar
        Every value is a Python float.
    wrt
        What the loss is differentiated for.
    names
        The names of arguments and helpers in this module.
    used, arrays, report
        Helpers called, constant arrays and what was done, so far.
    """

    program: Program
    options: Options
    scalar: bool
    parameters: list[Node]
    inputs: list[Node]
    wrt: tuple[str, ...]
    names: dict[str, str]
    used: dict[str, None] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    report: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, program: Program, options: Options) -> Setting:
        parameters, inputs = program.leaves("param"), program.leaves("input")
        return cls(program, options, is_scalar(program), parameters, inputs, _wrt(program, options.wrt), _yielding_names(program))

    @property
    def annotation(self) -> str:
        """The type of a value."""
        return "float" if self.scalar else "np.ndarray"

    @property
    def trained(self) -> list[str]:
        """The parameters that have a gradient."""
        return [node.name for node in self.parameters if node.name in self.wrt]

    def use(self, *names: str) -> None:
        self.used.update(dict.fromkeys(names))

    def body(self, function: str, program: Program) -> Body:
        """Write a program as the statements of a function; `quiet` says whether it may meet infinities on its way."""
        program = guard(program)
        compact = self.options.style == "compact"
        written = tidy(program) if compact else program
        body = emit(written, self.options.style, self.scalar, program, self.names)
        body.quiet = not self.scalar and recovers(written)
        self.use(*body.helpers)
        self.arrays |= body.arrays
        passes = f", {len(written.nodes)} after passes" if compact else ""
        self.report.append(f"{function}: {len(program.nodes)} nodes{passes}, {len(body.lines)} statements")
        return body


def _wrt(program: Program, extra: tuple[str, ...]) -> tuple[str, ...]:
    """All trainable parameters, or without any parameter all float inputs; and `extra`."""
    chosen = [node.name for node in program.leaves("param") if node.attributes["trainable"]]
    if not program.leaves("param"):
        chosen = [node.name for node in program.leaves("input") if node.dtype == "float"]
    return tuple(dict.fromkeys([*chosen, *(name for name in program.nodes if name in extra)]))


def _yielding_names(program: Program) -> dict[str, str]:
    taken = {*program.nodes, *(name for node in program.nodes.values() for name in sizes.symbols(node.shape))}
    result = {}
    for name in (*public_helpers(), *ARGUMENTS):
        own = name
        while own in taken:
            own += "_"
        result[name] = own
    return result
