"""What `graphgen check --trace` and `--health` print: findings as those of any model, and tables."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import click

from graphgen import health
from graphgen.cli.shared import warnings_as_text
from graphgen.errors import GraphWarning, render
from graphgen.graph import Graph
from graphgen.model import load_model

Rows = Sequence[Sequence[str]]


def run(
    model: str, *, traced: bool, steps: int, measured: bool, sizes: dict[str, int], wrt: tuple[str, ...], **where: Any
) -> bool:
    """Trace or measure a model, print what comes of it, and say whether every value is finite."""
    with warnings_as_text():
        graph = load_model(model)
        trace = health.traced(graph, wrt=wrt, steps=steps, known=sizes, **where) if traced else None
    with warnings.catch_warnings() if traced else warnings_as_text():
        if traced:
            warnings.simplefilter("ignore", GraphWarning)  # tracing has told them
        found = health.examine(graph, wrt=wrt, known=sizes, **where) if measured else None
    passed = True
    if trace is not None:
        passed = _show_trace(trace, steps)
    if found is not None:
        click.echo("\n" * traced, nl=False)
        passed = _show_health(graph, found) and passed
    return passed


def _show_trace(trace: health.Trace, steps: int) -> bool:
    """Print the first values that are not finite, or how many were looked at; say whether all is well."""
    after = f", within {steps} steps" if steps else ""
    for problem in trace.problems:
        click.echo(render(problem) + "\n")
    if trace.problems:
        click.echo(click.style(f"not finite, at {trace.label}{after}", fg="red", bold=True))
        return False
    counts = [f"{count} values of {function}" for function, count in trace.values.items()]
    for name, place in trace.harmless.items():
        click.echo(f"not finite on the way, on purpose or without effect: {name}  {place}".rstrip())
    click.echo(click.style(f"no nan or infinity: {', '.join(counts)}", fg="green", bold=True))
    click.echo(f"at {trace.label}{after}")
    return True


def _show_health(graph: Graph, measured: health.Health) -> bool:
    """Print the tables and what they mean; say whether every value is finite."""
    loss = "" if measured.loss is None else f": loss {measured.loss:.4g}"
    click.echo(f"{graph.dag.graph['name']} at {measured.label}{loss}")
    if not (measured.layers or measured.weights):
        click.echo("\nno value depends on a parameter: there is nothing to look at")
        return True
    columns = ("value", "op", "declared at", "shape", "mean", "std", "range", "flat", "dead", "gradient")
    click.echo()
    _table(columns, [_layer_cells(layer) for layer in measured.layers], ("mean", "std", "gradient"))
    if measured.weights:
        click.echo()
        titles = ("parameter", "shape", "norm", "gradient", "gradient/norm", "step/norm")
        _table(titles, [_weight_cells(weight) for weight in measured.weights], titles[2:])
    click.echo()
    click.echo(
        "flat: entries whose slope is below 1% of the largest, on the left and right; dead: units flat in all rows"
    )
    click.echo(
        "gradient: of a value the root mean square of entries (of steps the first and last), of a parameter the norm"
    )
    if any(weight.step is not None for weight in measured.weights):
        click.echo("step: how far a first step of the optimizer goes; about 0.001 of the norm is usual")
    found = health.findings(measured)
    click.echo()
    for text in found:
        click.echo(click.style(f"! {text}", fg="yellow"))
    if not found:
        click.echo(click.style("nothing is dead or saturated, and gradients reach every parameter", fg="green"))
    return all(layer.finite for layer in measured.layers)


def _layer_cells(layer: health.Layer) -> tuple[str, ...]:
    shape = "x".join(map(str, layer.shape)) or "scalar"
    tails = "" if layer.low is layer.high is None else f"{_share(layer.low)} {_share(layer.high)}"
    dead = "" if layer.dead is None else f"{layer.dead} of {layer.units}"
    gradient = "" if layer.gradient is None else " .. ".join(map(_number, layer.gradient))
    span = f"{_number(layer.smallest)} .. {_number(layer.largest)}"
    return (
        layer.name,
        layer.op,
        layer.place,
        shape,
        _number(layer.mean),
        _number(layer.deviation),
        span,
        tails,
        dead,
        gradient,
    )


def _weight_cells(weight: health.Weight) -> tuple[str, ...]:
    shape = "x".join(map(str, weight.shape)) or "scalar"
    ratio = _number(weight.gradient / weight.norm) if weight.norm else ""
    step = "" if weight.step is None or not weight.norm else _number(weight.step / weight.norm)
    return (weight.name, shape, _number(weight.norm), _number(weight.gradient), ratio, step)


def _share(share: float | None) -> str:
    return "   -" if share is None else f"{share:4.0%}"


def _number(value: float) -> str:
    """Two or three digits; plain where that is short."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}".removeprefix("-") if value == 0.0 else f"{value:g}"
    return f"{value:.3g}" if 0.01 <= abs(value) < 1000 else f"{value:.1e}"


def _table(titles: Sequence[str], rows: Rows, numeric: Sequence[str]) -> None:
    """Print aligned text, or a table where there is a terminal; columns without any text are left out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    kept = [at for at in range(len(titles)) if any(row[at] for row in rows)]
    titles, rows = [titles[at] for at in kept], [[row[at] for at in kept] for row in rows]
    widths = [max(len(row[at]) for row in (titles, *rows)) for at in range(len(titles))]
    console = Console(highlight=False)
    if console.is_terminal:
        console.width = max(console.width, sum(widths) + 2 * len(widths))  # a narrow terminal breaks lines itself
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for title in titles:
            table.add_column(title, justify="right" if title in numeric else "left", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
        return
    for row in (titles, *rows):
        texts = [
            text.rjust(width) if title in numeric else text.ljust(width)
            for title, text, width in zip(titles, row, widths, strict=True)
        ]
        click.echo("  ".join(texts).rstrip())
