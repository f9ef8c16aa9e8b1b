"""graphgen compile: a model into one module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graphgen.cli.shared import DIFFERS, names_given, sizes_given, to_stdout, warnings_as_text, wrong

_STYLES = click.Choice(["teach", "compact"])
_DTYPES = click.Choice(["float32", "float64"])
_TIES = click.Choice(["split", "first"])
_MODES = click.Choice(["reverse", "forward", "both"])


@click.command("compile")
@click.argument("model")
@click.option("-o", "--output", metavar="FILE|-", help="Where to; - is stdout.  [default: generated/<graph name>.py]")
@click.option("--style", type=_STYLES, help="A statement for each node, or simplified.  [default: compact]")
@click.option("--dtype", type=_DTYPES, help="The float type, in place of the declared one.")
@click.option("--wrt", metavar="NAME", multiple=True, callback=names_given, help="Inputs to differentiate by as well.")
@click.option(
    "--optimizer", metavar="NAME", help="The optimizer, in place of the declared one; none for no train_step."
)
@click.option("--relu-at-zero", type=click.FloatRange(0, 1), help="The slope of relu and other kinks at 0.")
@click.option("--ties", type=_TIES, help="Who gets the gradient of equal maxima.")
@click.option("--mode", type=_MODES, help="The sweeps to write.  [default: reverse]")
@click.option("--split", is_flag=True, default=None, help="Write forward_sweep and backward too.")
@click.option("--vjp", is_flag=True, default=None, help="Write vjp: gradients for given cotangents of the outputs.")
@click.option("--jacobian", is_flag=True, default=None, help="Write jacobian: all derivatives of the outputs.")
@click.option("--hessian", is_flag=True, default=None, help="Write hessian: all second derivatives of the loss.")
@click.option("--hvp", is_flag=True, default=None, help="Write hvp: the hessian times a vector.")
@click.option("--gauss-newton", metavar="NAME", help="Write gauss_newton_product, for the network up to this value.")
@click.option("--per-example", is_flag=True, default=None, help="Write per_example_gradients: those of each example.")
@click.option(
    "--save", metavar="all|minimal|BYTES|NAME,...", help="What the reverse sweep finds saved.  [default: all]"
)
@click.option("--size", "sizes", metavar="NAME=NUMBER", multiple=True, callback=sizes_given, help="What --save BYTES counts with.")
@click.option("--trace", is_flag=True, default=None, help="Write the variant that stops at the first nan or infinity.")
@click.option("--inference", is_flag=True, default=None, help="Write forward alone.")
@click.option("--embed", metavar="WEIGHTS", help="With --inference: put trained weights into the module.")
@click.option("--templates", metavar="DIR", help="A folder with templates in place of graphgen's own.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the file differs from what would be written.")
@click.option("--diff", is_flag=True, help="Write nothing; show how the file would change.")
@click.option("--force", is_flag=True, help="Write over a file that graphgen has not made.")
@click.option("--explain", is_flag=True, help="Report what the compiler did, on stderr.")
def compile_command(
    model: str, output: str | None, check: bool, diff: bool, force: bool, explain: bool, **options: Any
) -> None:
    """Compile MODEL into one Python module that needs NumPy alone.

    MODEL is file.py, or file.py:name where the file holds several graphs. The file is run as Python.
    """
    if output == "-" and (check or diff):
        raise click.UsageError("--check and --diff compare with a file, not with stdout")
    from graphgen.compiler import build
    from graphgen.model import load_model, split

    with warnings_as_text():
        graph = load_model(model)
        # What is not on the command line is left to the declaration and to the compiler's defaults.
        built = build(graph, **{name: value for name, value in options.items() if value not in (None, (), {})})
    if explain:
        click.echo(built.report, err=True)
    if output == "-":
        with to_stdout():
            click.echo(built.source.encode(), nl=False)
        return
    name = f"{graph.dag.graph['name']}{'_trace' if options['trace'] else ''}"  # the checked variant stands beside the module
    file = default_file(name) if output is None else Path(output)
    if check or diff:
        _compare(file, built.source, check, diff)
    else:
        _write(file, built.source, force, Path(split(model)[0]), options["embed"])


def default_file(name: str) -> Path:
    """Where a module goes if nothing else is said."""
    if not name.isidentifier():
        raise wrong("GG085", f"the graph's name {name!r} is no file name", "name the file with -o FILE")
    return Path("generated", f"{name}.py")


def _compare(file: Path, source: str, check: bool, diff: bool) -> None:
    """Show the difference if it is asked for, and exit with 1 if there is one and it matters."""
    from graphgen import writing

    old = writing.read(file)
    if diff:
        with to_stdout():
            click.echo(writing.difference(file, old, source).encode(), nl=False)
    if not check:
        return
    if old == source.encode():
        click.echo(f"{file} is up to date", err=True)
        return
    click.echo(f"{file} {'does not exist' if old is None else 'differs from what would be written'}", err=True)
    click.get_current_context().exit(DIFFERS)


def _write(file: Path, source: str, force: bool, model: Path, weights: str | None) -> None:
    from graphgen import writing

    if writing.same(file, model):
        raise wrong("GG084", f"{file} is the model itself", "write to another file with -o")
    if weights is not None and writing.same(file, weights):
        raise wrong("GG084", f"{file} holds the weights", "write to another file with -o")
    writing.write(file, source, force=force)
    click.echo(f"wrote {file}", err=True)
