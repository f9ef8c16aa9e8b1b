"""Module -> text, through the templates."""

from __future__ import annotations

import ast
import os
import traceback
from functools import cache
from pathlib import Path

import jinja2

from graphgen.errors import GraphError, Problem, did_you_mean
from graphgen.module import Module

TEMPLATE = "numpy/module.py.jinja"
OWN = "graphgen"  # what a user's template extends is "graphgen/numpy/module.py.jinja"


def folder() -> Path:
    """Where the templates are: in the installed package, or at the top of a checkout."""
    inside = Path(__file__).resolve().parent / "templates"
    return inside if inside.is_dir() else inside.parent.parent / "templates"


def environment(templates: Path | None = None) -> jinja2.Environment:
    """Templates that fail on unknown names and leave no blank lines behind; what they make is code, not HTML.

    Those of the user come first, and may extend graphgen's own.
    """
    own = jinja2.FileSystemLoader(folder())
    first = [] if templates is None else [jinja2.FileSystemLoader(templates)]
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader([*first, own, jinja2.PrefixLoader({OWN: own})]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


@cache
def _template() -> jinja2.Template:
    return environment().get_template(TEMPLATE)


def render(module: Module, templates: str | os.PathLike | None = None) -> str:
    """The text of a generated module.

    Parameters
    ----------
    templates
        A folder with templates in place of graphgen's own, under the same names.

    Raises
    ------
    GraphError
        If the folder holds none, one cannot be rendered, or what comes of them is no Python.
    """
    if templates is None:
        return _template().render(module=module)
    place = Path(templates)
    _check_names(place)
    try:
        text = environment(place).get_template(TEMPLATE).render(module=module)
    except Exception as error:  # a template is the user's program
        raise _wrong(f"{_where(error, place)}: {type(error).__name__}: {error}") from error
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:  # the last three of what is nested too deeply
        reason = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else f"{type(error).__name__}: {error}"
        message = f"{place}: what the templates make is no Python; {reason}"
        raise _wrong(message, "look at the lines with -o -, once the template makes some") from error
    return text


def _check_names(place: Path) -> None:
    """A template of a name that nothing asks for would change nothing, and say nothing of it."""
    if not place.is_dir():
        raise _wrong(f"there is no folder {place}")
    known = sorted(each.relative_to(folder()).as_posix() for each in folder().glob("*/*.jinja"))
    found = sorted(each.relative_to(place).as_posix() for each in place.rglob("*.jinja"))
    if not any(each in known for each in found):
        near = next((near for each in found if (near := did_you_mean(each, known))), None)
        raise _wrong(f"{place} holds no template that takes another's place", near or f"one of {', '.join(known)}")


def _where(error: Exception, place: Path) -> str:
    """The template and the line that failed, as far as they are known."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".jinja")]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else str(place)


def _wrong(message: str, help: str | None = None) -> GraphError:
    return GraphError(Problem("GG090", None, message, help))
