"""graphgen new: a model file to start from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from graphgen.cli.shared import wrong


@click.command("new")
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
        raise wrong("GG086", f"{file} exists, and is left as it is", "choose another name") from error
    except OSError as error:
        raise wrong("GG085", f"cannot write {file}: {error.strerror}") from error
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
        raise wrong("GG086", f"{name!r} is no Python identifier", help)
    if name in needed or name in sys.stdlib_module_names:
        help = f"choose another name, such as {name}_model"
        raise wrong("GG086", f"{name}.py would hide the module {name} from Python", help)
    facts = {"name": name, "dtype": "float64", "relu_at_zero": 0.0, "ties": "split"}
    for _, (code, message, help) in fact_problems(facts):
        raise wrong(code, message, help)
