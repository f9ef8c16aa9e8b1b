"""What a generated module consists of: every decision is taken here, so that templates only lay it out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphgen.emit import Body
from graphgen.forms import Forms
from graphgen.module import saving
from graphgen.module import weights as embedded
from graphgen.module.declared import declared
from graphgen.module.function import Function
from graphgen.module.setting import EXTRA, Options, Setting
from graphgen.module.state import init_state
from graphgen.module.step import optimizer_functions
from graphgen.module.sweeps import sweeps
from graphgen.module.tables import classes, derives_sizes, docstring, tables
from graphgen.module.tracing import traced
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
    written
        The statements of each function that computes.
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
    written: Mapping[str, Body] = field(default_factory=dict, compare=False)


def assemble(forms: Forms, options: Options) -> Module:
    """Make the module of a checked program in its two forms."""
    saving.check(forms.training, options)
    if options.inference or forms.declared.loss is None:
        forms = forms.of_outputs(pruned=options.inference)
    setting = Setting.of(forms, options)
    functions = sweeps(setting)
    aliases = []
    if not options.inference:
        if forms.declared.loss is not None:
            setting.use("check_gradients", "_main")
            aliases = _compared(setting)
            setting.tables += declared(setting)
            if options.has_reverse:
                functions += optimizer_functions(setting)
                aliases += setting.aliases
            else:
                setting.use("_value_and_grad_by_jvp")
        elif setting.checks_outputs:
            setting.use("check_gradients", "_main", "_summed_outputs", f"_gradients_by_{setting.checks_outputs}")
            aliases = _with_state(setting, ["forward", setting.checks_outputs])
        functions += [init_parameters(setting), *init_state(setting)]
        setting.use(*(("_save_with_state", "load_state") if setting.state else ("save_parameters",)), "load_parameters")
    if options.weights is not None:
        functions.append(embedded.load_parameters(setting, options.weights))
    weights = embedded.tables(setting, options.weights or {})
    if options.trace:
        weights += traced(setting, functions)
    cut = _cut(setting, aliases)
    head = tables(setting)
    named_tuples = classes(setting)
    text = "\n".join([cut.text, *head, *named_tuples, *aliases, *(function.text for function in functions)])
    main = "_main" in setting.used
    report = "\n".join(setting.report)
    imports = _imports(cut, text)
    return Module(docstring(setting), imports, head, named_tuples, functions, aliases, cut.text, weights, main, report, setting.written)


def _compared(setting: Setting) -> list[str]:
    """What check_gradients compares with differences: functions of parameters and inputs alone."""
    return _with_state(setting, ["loss", "value_and_grad" if setting.options.has_reverse else "jvp"])


def _with_state(setting: Setting, names: list[str]) -> list[str]:
    """The functions of these names with a state and a seed where they take some, and value_and_grad under its own name."""
    lines = []
    for name in names:
        given = [f"{setting.names['state']}=init_state()"] * bool(setting.state)
        given += [f"{setting.names['seed']}=0"] * (name in setting.draw)
        if given:
            lines.append(f"_{name} = partial({', '.join([name, *given])})")
        elif name == "value_and_grad":
            lines.append(f"_{name} = {name}")
        if name == "value_and_grad" and _clips(setting):
            setting.use("_value_and_grad_unclipped")
            lines[-1] = lines[-1].replace("_value_and_grad = ", "_value_and_grad_clipped = ")
    return [f"{lines[0]}  # what check_gradients compares with differences", *lines[1:]] if lines else []


def _clips(setting: Setting) -> bool:
    """Whether gradients are clipped on their way."""
    return not {"clipped", "clipped_to_norm"}.isdisjoint(setting.used)


def _cut(setting: Setting, aliases: list[str]) -> Cut:
    """The helpers that the module calls, under the names that they have in it."""
    renamed = {name: setting.names[name] for name in public_helpers()}
    used = list(setting.used)
    if setting.scalar:
        renamed |= {scalar: setting.names.get(name, name) for name, scalar in scalar_twins().items()}
        used = [scalar_twins().get(name, name) for name in used]
    if derives_sizes(setting):
        renamed["_derived_size"] = "_size"
    if "_main" in used and {"stop_gradient", "straight_through", "custom_gradient", "scale_gradient"} & {*used}:
        renamed["_loss_or_nan_held"] = "_loss_or_nan"
    if "_main" in used and setting.options.has_reverse and _clips(setting):
        renamed["_value_and_grad_unclipped"] = "_value_and_grad"
    if any(line.startswith("_declared = ") for line in setting.tables):
        renamed["_gradient_table_declared"] = "_gradient_table"
    if setting.checks_outputs:
        renamed |= {"_summed_outputs": "_loss", "loss": "_loss", f"_gradients_by_{setting.checks_outputs}": "_value_and_grad"}
    elif setting.options.mode == "forward":
        renamed["_value_and_grad_by_jvp"] = "_value_and_grad"
    renamed |= {name: f"_{name}" for name in ("loss", "jvp", "forward", "vjp", "jacobian") if any(line.startswith(f"_{name} = ") for line in aliases)}
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
    typed = {"NamedTuple": "(NamedTuple)", "Any": "tuple[float, Any]"}
    for name in [name for name, use in typed.items() if use in text]:
        named.setdefault("typing", set()).add(name)
    lines = sorted(plain) + [f"from {home} import {', '.join(sorted(names))}" for home, names in sorted(named.items())]
    numpy = ["import numpy as np"] if re.search(r"\bnp\.", text) else []
    return [*lines, *([""] if lines and numpy else []), *numpy]
