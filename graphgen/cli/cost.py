"""graphgen cost: operations and bytes of a model's functions, and of its modes."""

from __future__ import annotations

from typing import Any

import click

from graphgen.cli.shared import names_given, sizes_given, to_stdout, warnings_as_text
from graphgen.cost import CONVENTION


@click.command("cost", epilog=CONVENTION)
@click.argument("model")
@click.option("--size", metavar="NAME=NUMBER", multiple=True, callback=sizes_given, help="A number for a symbolic size.")
@click.option("--nodes", is_flag=True, help="Show each node of each function too.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option("--side-by-side", is_flag=True, help="Print both modes' source beside each other, with their operations.")
@click.option("--style", type=click.Choice(["teach", "compact"]), help="The style that is counted.  [default: compact]")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), help="The float type, in place of the declared one."
)
@click.option("--wrt", metavar="NAME", multiple=True, callback=names_given, help="Inputs to differentiate by as well.")
def cost_command(
    model: str, size: dict[str, int], nodes: bool, as_json: bool, side_by_side: bool, style: str | None, **options: Any
) -> None:
    """Count the operations and bytes of MODEL's functions.

    For each function: operations by kind, bytes read and written, what the reverse sweep finds saved, and the memory
    held at the peak, as formulas in the symbolic sizes or as numbers. Then reverse mode, forward mode and differences
    beside each other. MODEL is file.py, or file.py:name where the file holds several graphs. It is run as Python.
    """
    if side_by_side and (as_json or nodes or size):
        raise click.UsageError("--side-by-side goes with --style, --dtype and --wrt alone")
    from graphgen.cli.costed import show, show_side_by_side
    from graphgen.cost.model import of_loss, written
    from graphgen.cost.report import Report
    from graphgen.model import load_model

    given = {name: value for name, value in options.items() if value}
    style = style or ("teach" if side_by_side else "compact")
    with warnings_as_text():
        graph = load_model(model)
        found = of_loss(graph, style=style, **given) if side_by_side else written(graph, style=style, **given)
        report = Report(graph.dag.graph["name"], style, found, size)
    with to_stdout():
        if side_by_side:
            show_side_by_side(report)
        else:
            show(report, nodes=nodes, as_json=as_json)
