"""graphgen check: whether a model's gradients are right, and if not, which node is at fault."""

from __future__ import annotations

import math
from typing import Any

import click

from graphgen.cli.shared import DIFFERS, names_given, sizes_given, to_stdout, warnings_as_text


@click.command("check")
@click.argument("model")
@click.option("--data", metavar="DATA.npz", help="Inputs to check at, by name; those that are missing are drawn.")
@click.option(
    "--rows", type=click.IntRange(1), help="How many rows to take.  [default: 8; of DATA all with --trace, --health]"
)
@click.option("--parameters", metavar="WEIGHTS.npz", help="Parameters to check at, and state: as saved by training.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything that is drawn.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), help="float32: compare it with float64.")
@click.option("--tolerance", type=click.FloatRange(0, min_open=True), help="The largest relative error that passes.")
@click.option("--wrt", metavar="NAME", multiple=True, callback=names_given, help="Inputs whose gradients to check as well.")
@click.option("--nodes", is_flag=True, help="Show the rules of each node too.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--plot", metavar="FILE.png", help="Draw the error of differences against their step.")
@click.option("--trace", is_flag=True, help="Instead, name the first value that is nan or infinite.")
@click.option("--steps", type=click.IntRange(0), default=0, help="With --trace: take so many steps of training first.")
@click.option("--health", is_flag=True, help="Instead, show dead and saturated units, and gradients layer by layer.")
@click.option(
    "--size",
    "sizes",
    metavar="NAME=NUMBER",
    multiple=True,
    callback=sizes_given,
    help="With --trace and --health: a number for a symbolic size.  [default: 64 rows]",
)
def check_command(
    model: str,
    dtype: str | None,
    tolerance: float | None,
    nodes: bool,
    as_json: bool,
    plot: str | None,
    trace: bool,
    steps: int,
    health: bool,
    sizes: dict[str, int],
    **where: Any,
) -> None:
    """Check the gradients of MODEL, and find the node at fault if one is wrong.

    Reverse mode is compared with forward mode, and with the complex step or differences, for each parameter and each node.
    MODEL is file.py, or file.py:name where the file holds several graphs. It is run as Python.
    """
    if trace or health:
        if steps and not trace:
            raise click.UsageError("--steps is for --trace")
        if nodes or as_json or plot is not None or tolerance is not None:
            raise click.UsageError("--nodes, --json, --plot and --tolerance are for the check of gradients alone")
        from graphgen.cli.health import run

        with to_stdout():
            passed = run(model, traced=trace, steps=steps, measured=health, sizes=sizes, dtype=dtype, **where)
        if not passed:
            click.get_current_context().exit(DIFFERS)
        return
    if sizes or steps:
        raise click.UsageError("--size and --steps are for --trace and --health")
    if where["rows"] is not None and where["data"] is None:
        raise click.UsageError("--rows are those of --data")
    if tolerance is not None and not math.isfinite(tolerance):
        raise click.BadParameter(f"{tolerance} is not finite.", param_hint="'--tolerance'")
    if nodes and dtype == "float32":
        raise click.UsageError("--nodes is for the check in float64: the rules of nodes are compared there alone")
    from graphgen import checking
    from graphgen.cli.checked import show
    from graphgen.model import load_model

    with warnings_as_text():
        subject = checking.Subject.of(load_model(model), **where)
    report = checking.check(subject, dtype=dtype or "float64", tolerance=tolerance)
    if plot is not None:
        checking.plot(subject, plot)
        click.echo(f"wrote {plot}", err=True)
    with to_stdout():
        show(report, nodes=nodes, as_json=as_json)
    if not report.passed:
        click.get_current_context().exit(DIFFERS)
