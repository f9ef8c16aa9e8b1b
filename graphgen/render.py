"""Module -> text, through the templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from graphgen.module import Module


def folder() -> Path:
    """Where the templates are: in the installed package, or at the top of a checkout."""
    inside = Path(__file__).resolve().parent / "templates"
    return inside if inside.is_dir() else inside.parent.parent / "templates"


@cache
def environment() -> jinja2.Environment:
    """Templates that fail on unknown names and leave no blank lines behind; what they make is code, not HTML."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(module: Module) -> str:
    """The text of a generated module."""
    return environment().get_template("numpy/module.py.jinja").render(module=module)
