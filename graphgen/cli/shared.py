"""What commands share: exit codes, errors, warnings as text, and a stdout that may be full."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import click

from graphgen.errors import GraphError, GraphWarning, Problem

DONE, DIFFERS, WRONG, BUG, INTERRUPTED = 0, 1, 2, 3, 130
_DIGITS = 18  # of a size: no array is larger


def wrong(code: str, message: str, help: str | None = None) -> GraphError:
    """The error that a command answers with."""
    return GraphError(Problem(code, None, message, help))


def sizes_given(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Numbers for symbolic sizes, as in ``--size batch=64``."""
    sizes = {}
    for value in values:
        name, _, number = value.partition("=")
        if not (name.strip() and number.strip().isascii() and number.strip().isdecimal() and len(number) <= _DIGITS):
            raise click.BadParameter(f"{value!r} is no NAME=NUMBER, as in batch=64", context, parameter)
        sizes[name.strip()] = int(number)
    return sizes


def names_given(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names, as in ``--wrt x,y --wrt z``."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


@contextlib.contextmanager
def to_stdout() -> Iterator[None]:
    """Report a stdout that cannot be written to; a reader that has gone is click's affair."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise wrong("GG085", f"cannot write to stdout: {error.strerror}") from error


@contextlib.contextmanager
def warnings_as_text() -> Iterator[None]:
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
