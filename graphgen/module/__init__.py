"""What a generated module consists of: every decision is taken here, so that templates only lay it out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from graphgen.module.functions import Function, sweeps
from graphgen.module.setting import Options, Setting
from graphgen.module.tables import classes, derives_sizes, docstring, tables
from graphgen.module.training import init_parameters, optimizer_functions
from graphgen.program import Program
from graphgen.runtime import Cut, helpers, public_helpers, scalar_twins

__all__ = ["Function", "Module", "Options", "assemble"]


@dataclass(frozen=True)
class Module:
    """A generated module, ready to be laid out: lists of lines, and functions.

    Attributes
    ----------
    aliases
        Statements between the public functions and the helpers.
    main
        Whether running the file checks its gradients.
    report
        What was done to make it, for people.
    """

    docstring: list[str]
    imports: list[str]
    tables: list[str]
    classes: list[str]
    functions: list[Function]
    aliases: list[str]
    helpers: str
    main: bool
    report: str = field(default="", compare=False)


def assemble(program: Program, options: Options) -> Module:
    """Make the module of a checked program."""
    if options.inference or program.loss is None:
        program = program.restrict("output")
    if options.inference:
        needed = program.needed(program.results.values())
        program = replace(program, nodes={name: node for name, node in program.nodes.items() if name in needed})
    setting = Setting.of(program, options)
    functions = sweeps(setting)
    aliases = []
    if not options.inference:
        if program.loss is not None:
            setting.use("check_gradients", "_main")
            if options.has_reverse:
                aliases.append("_value_and_grad = value_and_grad  # what check_gradients compares with differences")
                functions += optimizer_functions(setting)
            else:
                setting.use("_value_and_grad_by_jvp")
        functions.append(init_parameters(setting))
        setting.use("save_parameters", "load_parameters")
    cut = _cut(setting)
    head = tables(setting)
    named_tuples = classes(setting)
    text = "\n".join([cut.text, *head, *named_tuples, *(function.text for function in functions)])
    main = "_main" in setting.used
    return Module(docstring(setting), _imports(cut, text), head, named_tuples, functions, aliases, cut.text, main, "\n".join(setting.report))


def _cut(setting: Setting) -> Cut:
    """The helpers that the module calls, under the names that they have in it."""
    renamed = {name: setting.names[name] for name in public_helpers()}
    used = list(setting.used)
    if setting.scalar:
        renamed |= {scalar: setting.names.get(name, name) for name, scalar in scalar_twins().items()}
        used = [scalar_twins().get(name, name) for name in used]
    if derives_sizes(setting):
        renamed["_derived_size"] = "_size"
    if "stop_gradient" in used and "_main" in used:
        renamed["_loss_or_nan_held"] = "_loss_or_nan"
    if setting.options.mode == "forward":
        renamed["_value_and_grad_by_jvp"] = "_value_and_grad"
    return helpers(used, renamed)


def _imports(cut: Cut, text: str) -> list[str]:
    """Import lines for what the text uses, in isort's order."""
    plain = {line for line in cut.imports if line.startswith("import ")}
    if re.search(r"\bmath\.", text):
        plain.add("import math")
    named: dict[str, set[str]] = {}
    for line in cut.imports:
        if line.startswith("from "):
            home, _, names = line.removeprefix("from ").partition(" import ")
            named.setdefault(home, set()).update(names.split(", "))
    if "(NamedTuple)" in text:
        named.setdefault("typing", set()).add("NamedTuple")
    lines = sorted(plain) + [f"from {home} import {', '.join(sorted(names))}" for home, names in sorted(named.items())]
    numpy = ["import numpy as np"] if re.search(r"\bnp\.", text) else []
    return [*lines, *([""] if lines and numpy else []), *numpy]
