"""What is checked: a graph, its program in training form, a float64 module of it, and the point to check at."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from graphgen import npz, ops
from graphgen.check import check
from graphgen.checking.evaluation import Evaluator, Values, known_sizes
from graphgen.errors import GraphError, Problem
from graphgen.forms import Forms, forms
from graphgen.graph import Graph
from graphgen.loading import load
from graphgen.module import Options, assemble
from graphgen.module.tables import bounds
from graphgen.program import Node, Program
from graphgen.render import render
from graphgen.shipping import weights
from graphgen.train.data import batch_size_name

ROWS = 8  # of data
DRAWN = "cotangent_of_"  # the weight of an output, where a model has no loss


@dataclass(frozen=True)
class Subject:
    """A graph at a point.

    Attributes
    ----------
    graph
    declared
        What is declared, with a loss: a weighted sum of the outputs where there is none.
    both
        Its two forms, of float64, without what clips gradients.
    lifted
        The nodes that clip gradients, which the checks leave out.
    wrt
        What the loss is differentiated for.
    point
        The values of parameters, inputs and state, by name.
    seed
    """

    graph: Graph
    declared: Program
    both: Forms
    lifted: tuple[str, ...]
    wrt: tuple[str, ...]
    module: ModuleType
    point: Values
    seed: int

    @classmethod
    def of(
        cls,
        graph: Graph,
        *,
        data: str | os.PathLike | Mapping[str, Any] | None = None,
        rows: int | None = None,
        parameters: str | os.PathLike | Mapping[str, Any] | None = None,
        seed: int = 0,
        wrt: Iterable[str] = (),
    ) -> Subject:
        """Check and compile a graph, and choose the point.

        Parameters
        ----------
        data
            Inputs by name, or a file of them; those that are missing are drawn.
        rows
            How many of the data's rows to take, 8 unless said.
        parameters
            Parameters and state by name, or a file of them. By default initial ones, to which noise of 0.1 is added, so
            that what starts at zero is not exactly at a kink.

        Raises
        ------
        GraphError
            If the model is wrong, the data or the parameters do not fit, or there is nothing to differentiate.
        """
        declared = check(graph, wrt=tuple(wrt))
        chosen = _wrt(declared, tuple(wrt))
        declared = with_loss(declared)
        plain, lifted = without_clipping(replace(declared, dtype="float64"))
        both = forms(plain)
        module = compiled(both, chosen)
        given = {} if parameters is None else _weights(declared, both.training, parameters)
        inputs = {} if data is None else _rows(_data(data), module.INPUTS, rows or ROWS)
        _check_indices(declared, inputs)
        point = _point(module, declared, given, inputs, seed)
        return cls(graph, declared, both, lifted, chosen, module, point, seed)

    @property
    def program(self) -> Program:
        """What the loss and its gradients are computed by."""
        return self.both.training

    @cached_property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.program, known_sizes(self.program, self.point), self.seed)

    @cached_property
    def values(self) -> Values:
        """The value of every node at the point."""
        return self.evaluator.evaluate(self.point)

    @property
    def parameters(self) -> Values:
        return {name: self.point[name] for name in self.module.PARAMETERS}

    def call(self, function: str, *arguments: Any, module: ModuleType | None = None) -> Any:
        """Call a function of the module at the point; the arguments come after the parameters."""
        module = module or self.module
        inputs = [self.point[name] for name in module.INPUTS]
        called = getattr(module, function)
        names = [each.name for each in inspect.signature(called).parameters.values() if each.kind is each.KEYWORD_ONLY]
        state = {name: self.point[name] for name in getattr(module, "STATE", {})}
        keywords = dict(zip(names, [*([state] if state else []), self.seed], strict=False))
        with np.errstate(all="ignore"):
            return called(self.parameters, *arguments, *inputs, **keywords)

    def at_float32(self) -> Subject:
        """The same point rounded to float32, random numbers being inputs: NumPy draws others in each dtype."""
        drawn = {node.name: self.values[node.name] for node in self.program.nodes.values() if node.op in ops.DRAWING}
        both = Forms(*(_drawn(each) for each in self.both))
        point = {name: _rounded(name, array) for name, array in {**self.point, **drawn}.items()}
        module = compiled(both, self.wrt) if drawn else self.module
        return replace(self, both=both, point=point, module=module)


def compiled(both: Forms, wrt: tuple[str, ...], dtype: str = "float64", style: str = "compact") -> ModuleType:
    """A module with the gradients and the jvp of a program."""
    both = Forms(*(replace(each, dtype=dtype) for each in both))
    options = Options(style=style, mode="both", wrt=wrt)  # type: ignore[arg-type]
    return load(render(assemble(both, options)))


def with_loss(program: Program) -> Program:
    """The program itself, or with a weighted sum of its outputs as the loss, the weights being inputs."""
    if program.loss is not None:
        return program
    outputs = {name: node for name, node in program.of("output").items() if program.nodes[node].dtype == "float"}
    if not outputs:
        message = "no loss and no output of floats: there is nothing to differentiate"
        raise GraphError(Problem("GG105", None, message, "declare a loss with g.loss(node)"))
    builder = program.builder()
    parts = []
    for name, output in outputs.items():
        value = builder[output]
        weight = builder.free(f"{DRAWN}{name}")
        given = builder.append(_as_input(Node(weight, "", (), {}, value.shape, "float")))
        parts.append(ops.sum(given * value))
    with builder.making(builder.free("loss")) as finish:
        total = finish(builder.add("accumulate", parts, {}) if len(parts) > 1 else parts[0])
    builder.results["loss", "loss"] = total.name
    return builder.build()


def without_clipping(program: Program) -> tuple[Program, tuple[str, ...]]:
    """The program without what clips gradients in reverse mode alone, and the names of such nodes."""
    clips = [
        node.name
        for node in program.nodes.values()
        if isinstance(ops.TABLE[node.op], ops.Linear) and ops.TABLE[node.op].controls is not None
    ]
    nodes = {
        name: node._replace(op="identity", attributes={}) if name in clips else node
        for name, node in program.nodes.items()
    }
    return replace(program, nodes=nodes), tuple(clips)


def _drawn(program: Program) -> Program:
    """The program with inputs in place of random numbers."""
    nodes = {name: _as_input(node) if node.op in ops.DRAWING else node for name, node in program.nodes.items()}
    return replace(program, nodes=nodes)


def _as_input(node: Node) -> Node:
    return node._replace(op="input", attributes={"shape": node.shape, "dtype": "float", "low": None, "high": None})


def _wrt(program: Program, extra: tuple[str, ...]) -> tuple[str, ...]:
    """What a module would differentiate for: parameters that are trained, or without any all float inputs; and `extra`."""
    chosen = [node.name for node in program.leaves("param") if node.attributes["trainable"]]
    if not program.leaves("param"):
        chosen = [node.name for node in program.leaves("input") if node.dtype == "float"]
    wrt = tuple(dict.fromkeys([*chosen, *(name for name in program.nodes if name in extra)]))
    if not wrt:
        message, help = "the model has no parameter and no input of floats", "declare a parameter with g.param"
        if program.leaves("param"):
            message, help = "no parameter of the model is trained", "name an input or a parameter, as in --wrt x"
        raise GraphError(Problem("GG105", None, f"{message}: there is nothing to differentiate for", help))
    return wrt


def _point(module: ModuleType, program: Program, given: Values, inputs: Values, seed: int) -> Values:
    """The values of parameters, inputs and state."""
    state = {name: given.pop(name) for name in [*given] if program.nodes[name].op == "state"}
    try:
        point = module._draw_point(np.random.default_rng(seed), given or None, seed, inputs)
    except ValueError as error:
        raise GraphError(Problem("GG087", None, str(error))) from error
    if hasattr(module, "STATE"):
        point |= {name: np.asarray(value, float) for name, value in {**module.init_state(), **state}.items()}
    return point


def _weights(declared: Program, needed: Program, source: Any) -> Values:
    """Parameters and state from a file or a dict, as float64; a file holds them in the dtype that is declared."""
    found = weights.read(declared, needed, source)
    return {name: np.asarray(array, np.float64) for name, array in found.items()}


def _data(source: Any) -> dict[str, np.ndarray]:
    if isinstance(source, Mapping):
        return {name: np.asarray(array) for name, array in source.items()}
    with npz.opened(source) as archive:
        return {name: archive[name] for name in archive.headers}


def _rows(data: Mapping[str, np.ndarray], inputs: Mapping[str, Any], rows: int) -> dict[str, np.ndarray]:
    """The first rows of the data, along the axis that all inputs share; what is no input is left out."""
    known = {name: array for name, array in data.items() if name in inputs}
    if not known:
        message = f"the data holds {', '.join(data) or 'nothing'}, and none of the inputs {', '.join(inputs)}"
        raise GraphError(Problem("GG087", None, message, "the keys of DATA are the names of the inputs"))
    size = batch_size_name(inputs)
    taken = {
        name: array[
            tuple(slice(rows) if size is not None and each == size else slice(None) for each in inputs[name][0])
        ]
        if array.ndim == len(inputs[name][0])
        else array
        for name, array in known.items()
    }
    for name, array in taken.items():
        if size is not None and (size, 0) in zip(inputs[name][0], array.shape, strict=False):
            raise GraphError(Problem("GG087", None, f"the data has no rows: {size} is 0 in {name}", "give at least one row"))
    return taken


def _check_indices(program: Program, inputs: Mapping[str, np.ndarray]) -> None:
    """Raise a GraphError where data hold an index that there is not, as NumPy would once it is used."""
    for name, limits in bounds(program, guarded=False).items():
        array = inputs.get(name)
        low, high = (limit if isinstance(limit, int) else None for limit in limits)
        if array is None or array.dtype.kind not in "iu" or program.nodes[name].dtype == "float":
            continue
        outside = array[(array < (-math.inf if low is None else low)) | (array >= (math.inf if high is None else high))]
        if outside.size:
            said = f"from {low} to {high - 1}" if low is not None and high is not None else f"below {high}" if low is None else f"{low} or more"
            message = f"{name} holds {outside[0]}, which is not {said}"
            raise GraphError(Problem("GG087", None, message, "number the classes or rows that it names from 0"))


def _rounded(name: str, array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float32).astype(np.float64) if array.dtype.kind == "f" else array
    if not np.array_equal(np.isfinite(rounded), np.isfinite(array)):
        raise GraphError(Problem("GG106", None, f"{name} holds numbers that float32 cannot", "check in float64"))
    return rounded
