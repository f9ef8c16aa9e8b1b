"""The command line. stdout carries only the product; progress and diagnostics go to stderr.

Exit codes: 0 done, 1 a check failed, 2 wrong usage or a wrong model, 3 a bug in graphgen, 130 interrupted.
Commands import what they need when they run, so that ``--help`` and ``--version`` answer at once.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from graphgen import __version__
from graphgen.errors import GraphError, GraphWarning, Problem

_STYLES = click.Choice(["teach", "compact"])
_DTYPES = click.Choice(["float32", "float64"])
_OPTIMIZERS = click.Choice(["sgd", "momentum", "adam", "none"])
_TIES = click.Choice(["split", "first"])
_MODES = click.Choice(["reverse", "forward", "both"])

DONE, DIFFERS, WRONG, BUG, INTERRUPTED = 0, 1, 2, 3, 130


def main() -> None:
    """Run the command that ``sys.argv`` names, and exit."""
    gc.disable()  # looking for garbage costs a tenth of a short-lived process, and finds little
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command, report what goes wrong on stderr, and return the exit code.

    Parameters
    ----------
    arguments : sequence of str
        As on the command line, without the program's name.

    Returns
    -------
    int
        0, 1, 2, 3 or 130, as above.
    """
    try:
        return commands.main(list(arguments), prog_name="graphgen", standalone_mode=False) or DONE
    except click.ClickException as error:
        error.show()
        return WRONG
    except GraphError as error:
        click.echo(str(error), err=True)
        return WRONG
    except click.Abort:
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - the last resort, and the traceback is shown
        click.echo(
            f"graphgen {__version__}: this is a bug in graphgen, please report it with this traceback:", err=True
        )
        traceback.print_exc()
        return BUG


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="graphgen", message="%(prog)s %(version)s")
def commands() -> None:
    """Compile a declared network into one readable NumPy module.

    Exit codes: 0 done, 1 a check failed or differs, 2 wrong usage or wrong model, 3 a bug in graphgen.
    """


@commands.command("new")
@click.argument("name")
def new_command(name: str) -> None:
    """Write NAME.py, a small model to start from."""
    _check_new_name(name)
    from jinja2 import StrictUndefined, Template

    from graphgen.render import folder

    template = (folder() / "model.py.jinja").read_text(encoding="utf-8")
    text = Template(template, undefined=StrictUndefined, keep_trailing_newline=True).render(name=name)
    file = Path(f"{name}.py")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise _wrong("GG086", f"{file} exists, and is left as it is", "choose another name") from error
    except OSError as error:
        raise _wrong("GG085", f"cannot write {file}: {error.strerror}") from error
    click.echo(f"wrote {file}; next:", err=True)
    click.echo(f"  graphgen compile {file}", err=True)
    click.echo(f"  python generated/{file}      checks its own gradients", err=True)


def _check_new_name(name: str) -> None:
    """Refuse what is no module name or no graph name, and what would hide a module that the model needs."""
    import keyword

    from graphgen.names import fact_problems

    needed = {"click", "graphgen", "jinja2", "networkx", "numpy", "rich", "sympy"}
    if not name.isidentifier() or keyword.iskeyword(name):
        help = "use letters, digits and _, such as my_model; without .py"
        raise _wrong("GG086", f"{name!r} is no Python identifier", help)
    if name in needed or name in sys.stdlib_module_names:
        help = f"choose another name, such as {name}_model"
        raise _wrong("GG086", f"{name}.py would hide the module {name} from Python", help)
    facts = {"name": name, "dtype": "float64", "relu_at_zero": 0.0, "ties": "split"}
    for _, (code, message, help) in fact_problems(facts):
        raise _wrong(code, message, help)


def _split_names(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
    return names or None


@commands.command("compile")
@click.argument("model")
@click.option("-o", "--output", metavar="FILE|-", help="Where to; - is stdout.  [default: generated/<graph name>.py]")
@click.option("--style", type=_STYLES, help="A statement for each node, or simplified.  [default: compact]")
@click.option("--dtype", type=_DTYPES, help="The float type, in place of the declared one.")
@click.option("--wrt", metavar="NAME", multiple=True, callback=_split_names, help="Inputs to differentiate by as well.")
@click.option("--optimizer", type=_OPTIMIZERS, help="The optimizer, in place of the declared one.")
@click.option("--relu-at-zero", type=click.FloatRange(0, 1), help="The slope of relu and other kinks at 0.")
@click.option("--ties", type=_TIES, help="Who gets the gradient of equal maxima.")
@click.option("--mode", type=_MODES, help="The sweeps to write.  [default: reverse]")
@click.option("--inference", is_flag=True, default=None, help="Write forward alone.")
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

    with _warnings_as_text():
        graph = load_model(model)
        # What is not on the command line is left to the declaration and to the compiler's defaults.
        built = build(graph, **{name: value for name, value in options.items() if value is not None})
    if explain:
        click.echo(built.report, err=True)
    if output == "-":
        with _to_stdout():
            click.echo(built.source.encode(), nl=False)
        return
    file = _default_file(graph.dag.graph["name"]) if output is None else Path(output)
    if check or diff:
        _compare(file, built.source, check, diff)
    else:
        _write(file, built.source, force, Path(split(model)[0]))


def _default_file(name: str) -> Path:
    if not name.isidentifier():
        raise _wrong("GG085", f"the graph's name {name!r} is no file name", "name the file with -o FILE")
    return Path("generated", f"{name}.py")


def _compare(file: Path, source: str, check: bool, diff: bool) -> None:
    """Show the difference if it is asked for, and exit with 1 if there is one and it matters."""
    from graphgen import writing

    old = writing.read(file)
    if diff:
        with _to_stdout():
            click.echo(writing.difference(file, old, source).encode(), nl=False)
    if not check:
        return
    if old == source.encode():
        click.echo(f"{file} is up to date", err=True)
        return
    click.echo(f"{file} {'does not exist' if old is None else 'differs from what would be written'}", err=True)
    click.get_current_context().exit(DIFFERS)


def _write(file: Path, source: str, force: bool, model: Path) -> None:
    from graphgen import writing

    if file.exists() and os.path.samefile(file, model):
        raise _wrong("GG084", f"{file} is the model itself", "write to another file with -o")
    writing.write(file, source, force=force)
    click.echo(f"wrote {file}", err=True)


@contextlib.contextmanager
def _to_stdout() -> Iterator[None]:
    """Report a stdout that cannot be written to; a reader that has gone is click's affair."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _wrong("GG085", f"cannot write to stdout: {error.strerror}") from error


@contextlib.contextmanager
def _warnings_as_text() -> Iterator[None]:
    """Show a GraphWarning as the diagnostic that it is, every time; others as Python shows them."""

    def show(message: Warning | str, category: type[Warning], *details: Any, **more: Any) -> None:
        if issubclass(category, GraphWarning):
            click.echo(str(message), err=True)
        else:
            show_as_python_does(message, category, *details, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", GraphWarning)
        show_as_python_does = warnings.showwarning
        warnings.showwarning = show
        yield


@commands.command("ops")
@click.argument("name", required=False)
@_to_stdout()
def ops_command(name: str | None) -> None:
    """List the ops, or describe the one called NAME."""
    from graphgen import ops

    if name is None:
        _print_families(ops.families())
        return
    facts = ops.describe(name)
    width = max(len(label) for label, _ in facts)
    before = ""
    for label, text in facts:
        for line in text.splitlines() or [""]:
            click.echo(f"{label if label != before else '':<{width}}  {line}".rstrip())
            before = label


def _print_families(families: dict[str, list[Any]]) -> None:
    """Print the op table, wrapped to the terminal; in a pipe each op keeps to one line."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from graphgen.ops.families import FAMILIES

    console = Console(highlight=False)
    width = max(len(row.name) for rows in families.values() for row in rows)
    for family, rows in families.items():
        told = [(row.name, " ".join(row.summary.split("\n\n")[0].split())) for row in rows]
        if not console.is_terminal:
            click.echo("\n".join([FAMILIES[family].title, *(f"  {name:<{width}}  {said}" for name, said in told)]))
            continue
        table = Table.grid(padding=(0, 2), pad_edge=False)
        table.add_column(min_width=width)
        for name, said in told:
            table.add_row(Text(name, no_wrap=True), Text(said))
        console.print(Text(FAMILIES[family].title, style="bold"), Padding(table, (0, 0, 0, 2)), sep="\n")


def _wrong(code: str, message: str, help: str | None = None) -> GraphError:
    return GraphError(Problem(code, None, message, help))
