"""The pipeline, from a declared graph to the text of a module. Read this first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import networkx as nx

import graphgen
from graphgen import optimizers
from graphgen.calculus.slopes import Policies
from graphgen.check import check
from graphgen.display import plain
from graphgen.emit import Body
from graphgen.errors import GraphError, Problem, did_you_mean
from graphgen.forms import forms
from graphgen.graph import Graph
from graphgen.module import EXTRA, Options, assemble
from graphgen.program import FLOAT_TYPES, Program
from graphgen.raw import fingerprint
from graphgen.render import render
from graphgen.shipping import shipped


class Build(NamedTuple):
    """The text of a module, what was done to make it, and the statements of each function that computes."""

    source: str
    report: str
    written: Mapping[str, Body]


def compile(graph: Graph, **options: Any) -> str:
    """Compile a graph to the text of a NumPy module; the keywords are those of `build`."""
    return build(graph, **options).source


def build(
    graph: Graph,
    *,
    style: str = "compact",
    dtype: str | None = None,
    wrt: Iterable[str] | str | None = None,
    optimizer: str | None = None,
    relu_at_zero: float | None = None,
    ties: str | None = None,
    inference: bool = False,
    mode: str = "reverse",
    split: bool = False,
    vjp: bool = False,
    jacobian: bool = False,
    hessian: bool = False,
    hvp: bool = False,
    per_example: bool = False,
    gauss_newton: str | None = None,
    save: str | int | Iterable[str] = "all",
    sizes: Mapping[str, int] | None = None,
    trace: bool = False,
    embed: str | os.PathLike | Mapping[str, Any] | None = None,
    templates: str | os.PathLike | None = None,
) -> Build:
    """Compile a graph to the text of a NumPy module, and say what was done.

    Parameters
    ----------
    graph
        A Graph, or a networkx DAG.
    style
        "compact", or "teach": one statement for each primitive.
    dtype, relu_at_zero, ties
        In place of what the graph declares.
    wrt
        Names of inputs to differentiate for, besides the parameters.
    optimizer
        The name of one in place of the declared one; "none" for no train_step.
    inference
        Only `forward`.
    mode
        "reverse": value_and_grad; "forward": jvp; "both".
    split
        forward_sweep and backward: the two halves of value_and_grad.
    vjp, jacobian
        Of the outputs: the gradient of their product with given cotangents, and all their derivatives.
    hessian, hvp
        Second derivatives of the loss, and their product with a vector.
    per_example
        The gradients of each example alone.
    gauss_newton
        The value, by name, whose second derivatives are left out: gauss_newton_product for a network up to there.
    save
        What the reverse sweep finds saved, the rest is computed again: "all"; "minimal", the least memory at the peak; a
        number of bytes ("64 MB") that it must not exceed, with the least work; or names of values.
    sizes
        Numbers for symbolic sizes, where memory is compared or limited; `save` with a number of bytes needs them.
    trace
        Write the variant that checks every value, and names the first that is not finite.
    embed
        Trained weights to put into the module, for inference: a file, or arrays by name.
    templates
        A folder with templates in place of graphgen's own.

    Raises
    ------
    GraphError
        With every problem found.
    """
    _check_choices(style=style, mode=mode, dtype=dtype, ties=ties, optimizer=optimizer)
    graph = graph if isinstance(graph, Graph) else Graph.from_networkx(graph)
    extra = (wrt,) if isinstance(wrt, str) else tuple(wrt or ())
    given = {"split": split, "vjp": vjp, "jacobian": jacobian, "hessian": hessian, "hvp": hvp, "per_example": per_example}
    functions = tuple(name for name in EXTRA if given[name])
    _check_inference(inference, embed is not None, [*(name for name in functions if name != "split"), *["gauss_newton"] * (gauss_newton is not None)])
    program = check(graph, needs_loss=None if inference else _needing_loss(mode, functions, gauss_newton), wrt=extra)
    both = forms(_with_policies(program, dtype, relu_at_zero, ties))
    both, weights = (both, None) if embed is None else shipped(both, embed)
    chosen = _optimizer(graph, optimizer)
    options = Options(
        style=style,  # type: ignore[arg-type]
        mode=mode,
        functions=functions,
        gauss_newton=gauss_newton,
        save=save if isinstance(save, (str, int)) else tuple(save),
        sizes=dict(sizes or {}),
        trace=trace,
        inference=inference,
        wrt=extra,
        optimizer=chosen,
        version=graphgen.__version__,
        fingerprint=fingerprint(_declaring(graph.dag, chosen)),
        graph_size=f"{len(graph.dag):,} nodes, {graph.dag.number_of_edges():,} edges",
        model=_model_name(graph),
        weights=weights,
    )
    module = assemble(both, options)
    return Build(render(module, templates), module.report, module.written)


_CHOICES: dict[str, tuple[str, ...]] = {
    "style": ("compact", "teach"),
    "mode": ("reverse", "forward", "both"),
    "dtype": FLOAT_TYPES,
    "ties": ("split", "first"),
    "optimizer": (*optimizers.OPTIMIZERS, "none"),
}


def _needing_loss(mode: str, functions: tuple[str, ...], gauss_newton: str | None) -> str | None:
    """A function that is asked for and needs a loss; derivatives of outputs are enough to ask for."""
    of_loss = [name for name in functions if name not in ("vjp", "jacobian")] + ["gauss_newton"] * (gauss_newton is not None)
    if functions and not of_loss and mode == "reverse":
        return None
    return of_loss[0] if of_loss else {"reverse": "value_and_grad", "forward": "jvp", "both": "value_and_grad"}[mode]


def _check_inference(inference: bool, embeds: bool, functions: list[str]) -> None:
    if embeds and not inference:
        raise GraphError(Problem("GG005", None, "weights are embedded for inference alone", "add --inference"))
    if inference and functions:
        message = f"a module for inference holds forward alone, and {', '.join(functions)} {'is' if len(functions) == 1 else 'are'} asked for"
        raise GraphError(Problem("GG005", None, message, "leave out --inference, or what is asked for besides"))


def _check_choices(**given: Any) -> None:
    problems = []
    for option, value in given.items():
        if value is not None and value not in _CHOICES[option]:
            near = did_you_mean(str(value), _CHOICES[option])
            code = "GG004" if option == "optimizer" else "GG005"
            problems.append(Problem(code, None, f"unknown {option} {value!r}", near or f"one of {', '.join(_CHOICES[option])}"))
    if problems:
        raise GraphError(problems)


def _with_policies(program: Program, dtype: str | None, relu_at_zero: float | None, ties: str | None) -> Program:
    at_zero = program.policies.relu_at_zero if relu_at_zero is None else float(relu_at_zero)
    if not 0 <= at_zero <= 1:
        raise GraphError(Problem("GG005", None, f"relu_at_zero is a number from 0 to 1, got {relu_at_zero!r}"))
    policies = Policies(at_zero, ties or program.policies.ties)  # type: ignore[arg-type]
    return replace(program, dtype=dtype or program.dtype, policies=policies)


def _optimizer(graph: Graph, name: str | None) -> Any:
    declared = graph.dag.graph["optimizer"]
    if name is None:
        return declared
    if name == "none":
        return None
    # The declared options hold for the declared optimizer.
    return declared if declared is not None and declared[0] == name else (name, {})


def _declaring(dag: nx.MultiDiGraph, optimizer: Any) -> nx.MultiDiGraph:
    """The graph as it would be if it declared this optimizer: a training that is resumed with another is not the same."""
    if dag.graph["optimizer"] == optimizer or optimizer is None:
        return dag
    other = dag.copy()
    other.graph["optimizer"] = optimizer
    return other


def _model_name(graph: Graph) -> str:
    """The base name of the file that declares the graph."""
    for _, source in graph.dag.nodes(data="source"):
        if source is not None:
            return plain(str(source).partition(":")[0])
    return "a networkx DAG"
