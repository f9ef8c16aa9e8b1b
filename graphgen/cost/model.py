"""A model's functions as they are written, for their operations to be counted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from graphgen.check import check
from graphgen.compiler import build
from graphgen.emit import Body
from graphgen.errors import GraphWarning
from graphgen.graph import Graph


def written(graph: Graph, **options: Any) -> Mapping[str, Body]:
    """The statements of each function: with a loss those of all modes; the keywords are those of `build`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)  # build tells them
        has_loss = check(graph).loss is not None
    return (
        build(graph, inference=True, **options).written
        if not has_loss
        else build(graph, mode="both", hvp=True, **options).written
    )


def of_loss(graph: Graph, **options: Any) -> Mapping[str, Body]:
    """The statements of the loss in both modes."""
    return build(graph, mode="both", **options).written
