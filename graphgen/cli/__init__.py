"""The command line. stdout carries only the product; progress and diagnostics go to stderr.

Exit codes: 0 done, 1 a check failed, 2 wrong usage or a wrong model, 3 a bug in graphgen, 130 interrupted.
Commands import what they need when they run, so that ``--help`` and ``--version`` answer at once.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Sequence

import click

from graphgen import __version__
from graphgen.cli.check import check_command
from graphgen.cli.compile import compile_command
from graphgen.cli.cost import cost_command
from graphgen.cli.new import new_command
from graphgen.cli.ops import ops_command
from graphgen.cli.shared import BUG, DIFFERS, DONE, INTERRUPTED, WRONG
from graphgen.cli.train import train_command
from graphgen.errors import GraphError

__all__ = ["BUG", "DIFFERS", "DONE", "INTERRUPTED", "WRONG", "commands", "main", "run"]


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
        # https://no-color.org; click looks at terminals alone.
        color = False if os.environ.get("NO_COLOR") else None
        return commands.main(list(arguments), prog_name="graphgen", standalone_mode=False, color=color) or DONE
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


for _command in (new_command, compile_command, train_command, check_command, cost_command, ops_command):
    commands.add_command(_command)
