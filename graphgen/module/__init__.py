"""What a generated module consists of: every decision is taken here, so that templates only lay it out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from graphgen.forms import Forms
from graphgen.module import weights as embedded
from graphgen.module.function import Function
from graphgen.module.setting import EXTRA, Options, Setting
from graphgen.module.state import init_state
from graphgen.module.step import optimizer_functions
from graphgen.module.sweeps import sweeps
from graphgen.module.tables import classes, derives_sizes, docstring, tables
from graphgen.module.training import init_parameters
from graphgen.runtime import Cut, helpers, public_helpers, scalar_twins

__all__ = ["EXTRA", "Function", "Module", "Options", "assemble"]


@dataclass(frozen=True)
class Module:
    """A generated module, ready to be laid out: lists of lines, and functions.

    Attributes
    ----------
    aliases
        Statements between the public functions and the helpers.
    weights
        Statements at the end: weights that are a part of the module.
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
    weights: list[str]
    main: bool
    report: str = field(default="", compare=False)


def assemble(forms: Forms, options: Options) -> Module:
    """Make the module of a checked program in its two forms."""
    if options.inference or forms.declared.loss is None:
        forms = forms.of_outputs(pruned=options.inference)
    setting = Setting.of(forms, options)
    functions = sweeps(setting)
    aliases = []
    if not options.inference:
        if forms.declared.loss is not None:
            setting.use("check_gradients", "_main")
            aliases = _compared(setting)
            if options.has_reverse:
                functions += optimizer_functions(setting)
                aliases += setting.aliases
            else:
                setting.use("_value_and_grad_by_jvp")
        functions += [init_parameters(setting), *init_state(setting)]
        setting.use(*(("_save_with_state", "load_state") if setting.state else ("save_parameters",)), "load_parameters")
    if options.weights is not None:
        functions.append(embedded.load_parameters(setting, options.weights))
    weights = embedded.tables(setting, options.weights or {})
    cut = _cut(setting, aliases)
    head = tables(setting)
    named_tuples = classes(setting)
    text = "\n".join([cut.text, *head, *named_tuples, *aliases, *(function.text for function in functions)])
    main = "_main" in setting.used
    return Module(docstring(setting), _imports(cut, text), head, named_tuples, functions, aliases, cut.text, weights, main, "\n".join(setting.report))


def _compared(setting: Setting) -> list[str]:
    """What check_gradients compares with differences: functions of parameters and inputs alone."""
    names = ["loss", "value_and_grad" if setting.options.has_reverse else "jvp"]
    lines = []
    for name in names:
        given = [f"{setting.names['state']}=init_state()"] * bool(setting.state)
        given += [f"{setting.names['seed']}=0"] * (name in setting.draw)
        if given:
            lines.append(f"_{name} = partial({', '.join([name, *given])})")
        elif name == "value_and_grad":
            lines.append(f"_{name} = {name}")
    return [f"{lines[0]}  # what check_gradients compares with differences", *lines[1:]] if lines else []


def _cut(setting: Setting, aliases: list[str]) -> Cut:
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
    renamed |= {name: f"_{name}" for name in ("loss", "jvp") if any(line.startswith(f"_{name} = ") for line in aliases)}
    if setting.state:
        renamed["_save_with_state"] = "save_parameters"
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
    if "= partial(" in text:
        named.setdefault("functools", set()).add("partial")
    if "(NamedTuple)" in text:
        named.setdefault("typing", set()).add("NamedTuple")
    lines = sorted(plain) + [f"from {home} import {', '.join(sorted(names))}" for home, names in sorted(named.items())]
    numpy = ["import numpy as np"] if re.search(r"\bnp\.", text) else []
    return [*lines, *([""] if lines and numpy else []), *numpy]
