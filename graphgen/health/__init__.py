"""The health of a model: where values stop being finite, which units are dead, how gradients fare in depth."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphgen.check import check
from graphgen.compiler import build
from graphgen.errors import GraphError, GraphWarning, Problem
from graphgen.forms import forms
from graphgen.graph import Graph
from graphgen.health.nonfinite import Trace, trace
from graphgen.health.report import Health, Layer, Weight, measure
from graphgen.health.sample import Sample, sample
from graphgen.health.words import findings
from graphgen.loading import load
from graphgen.module import Options, assemble
from graphgen.render import render

__all__ = ["Health", "Layer", "Sample", "Trace", "Weight", "examine", "findings", "traced"]


def traced(graph: Graph, *, dtype: str | None = None, wrt: tuple[str, ...] = (), steps: int = 0, **where: Any) -> Trace:
    """Look for the first value that is not finite, with the checked variant of a graph.

    Parameters
    ----------
    dtype
        In place of the declared one.
    wrt
        Inputs to differentiate for as well.
    steps
        As many steps of the declared optimizer are taken first: training breaks what was fine at its beginning.
    where
        Data, rows, parameters, seed and known sizes; see `graphgen.health.sample.sample`.

    Raises
    ------
    GraphError
        If the model is wrong, or a file does not fit it.
    """
    program = check(graph, wrt=wrt)
    program = replace(program, dtype=dtype or program.dtype)
    mode = "reverse" if program.loss is None else "both"
    optimizer = graph.dag.graph["optimizer"]
    if steps and (optimizer is None or program.loss is None):
        message = "there are no steps to take without a loss and an optimizer"
        raise GraphError(Problem("GG126", None, message, "declare one with g.optimizer, or leave out --steps"))
    options = Options(mode=mode, trace=True, wrt=wrt, optimizer=optimizer if steps else None)
    module = load(render(assemble(forms(program), options)))
    return trace(graph, module, sample(program, module, **where), steps)


def examine(
    graph: Graph,
    *,
    dtype: str | None = None,
    wrt: tuple[str, ...] = (),
    data: str | os.PathLike | Mapping[str, Any] | None = None,
    **where: Any,
) -> Health:
    """Measure activations and gradients of a graph, layer by layer; the keywords are those of `traced`."""
    program = check(graph, wrt=wrt)
    program = replace(program, dtype=dtype or program.dtype)
    if program.loss is None:
        module = load(render(assemble(forms(program), Options())))
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GraphWarning)  # check has told them
            module = load(build(graph, dtype=dtype).source)
    return measure(forms(program).training, module, sample(program, module, data=data, **where))
