"""An optimizer's step: init_optimizer_state, train_step, and learning_rate where there is a schedule."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphgen import optimizers
from graphgen.digits import short
from graphgen.emit import INDENT, LIMIT, emit
from graphgen.module.function import Function, keyword_arguments
from graphgen.module.layout import listed
from graphgen.module.setting import Setting
from graphgen.module.tables import names_text
from graphgen.program import Program
from graphgen.schedules import rate_source
from graphgen.wrap import wrapped


def optimizer_functions(setting: Setting) -> list[Function]:
    """What an optimizer adds to a module, if one is declared."""
    if setting.options.optimizer is None:
        return []
    step = _Step.of(setting, *setting.options.optimizer)
    setting.tables += _tables(step)
    setting.use("_check_step")
    if step.options["schedule"] is None:
        return [_init_state(step), _train_step(step)]
    setting.aliases.append("_learning_rate = learning_rate  # an argument of train_step is called so")
    return [_init_state(step), _learning_rate(step), _train_step(step)]


class _Step(NamedTuple):
    """An optimizer's step in the making.

    Attributes
    ----------
    rates, decays, limits
        Learning rates, weight decays and largest norms by parameter, empty if no parameter has one of its own.
    memory, numbers
        What is kept from step to step, for each parameter and for all together, with the first values.
    update, before
        The programs of one parameter's step, and of the numbers that all share.
    """

    setting: Setting
    name: str
    options: Mapping[str, Any]
    rates: Mapping[str, float]
    decays: Mapping[str, float]
    limits: Mapping[str, float]
    memory: Mapping[str, float]
    numbers: Mapping[str, float]
    update: Program
    before: Program

    @classmethod
    def of(cls, setting: Setting, name: str, given: Mapping[str, Any]) -> _Step:
        options, dtype, optimizer = optimizers.complete(name, given), setting.program.dtype, optimizers.OPTIMIZERS[name]
        rates, decays = (_of_each(setting, options, each) for each in ("learning_rate", "weight_decay"))
        tables = ["weight_decay"] if decays else []
        before = optimizers.before(name, options, dtype)
        update = optimizers.update(name, options, dtype, "rate" if rates else "learning_rate", tables)
        read = {operand for program in (update, before) for node in program.nodes.values() for operand in node.args}
        counts = "step" in read or options["schedule"] is not None or options["noise"]
        numbers = {**({"step": 0} if counts else {}), **optimizer.numbers}
        limits = _limits(setting, options)
        return cls(setting, name, options, rates, decays, limits, optimizer.memory(options), numbers, update, before)


def _of_each(setting: Setting, options: Mapping[str, Any], option: str) -> dict[str, float]:
    """An option of each trained parameter, or nothing if it is the same for all."""
    own = optimizers.of_groups(options, option, setting.trained)
    values = {name: own.get(name, options[option]) for name in setting.trained}
    return values if set(values.values()) - {options[option]} else {}


def _limits(setting: Setting, options: Mapping[str, Any]) -> dict[str, float]:
    """The largest norms: of what groups name, and of parameters with two axes and more."""
    own = optimizers.of_groups(options, "max_norm", setting.trained)
    weights = [node.name for node in setting.parameters if len(node.shape) > 1]
    common = {name: options["max_norm"] for name in weights}
    values = {name: {**common, **own}.get(name) for name in setting.trained}
    return {name: value for name, value in values.items() if value is not None}


def _tables(step: _Step) -> list[str]:
    """What the functions read: names, and options that parameters have of their own."""
    scales = {name: short(rate / step.options["learning_rate"]) for name, rate in step.rates.items()}
    found = {"_memory": names_text(step.memory), "_numbers": names_text(step.numbers)}
    for title, values in (("_rate_scales", scales), ("_weight_decays", step.decays), ("_max_norms", step.limits)):
        if values:
            found[title] = "{" + ", ".join(f'"{name}": {value!r}' for name, value in values.items()) + "}"
    return [f"{title} = {text}" for title, text in found.items()]


def _init_state(step: _Step) -> Function:
    entries = [f'"{each}": {value!r}' for each, value in step.numbers.items()]
    for each, value in step.memory.items():
        array = f"np.full_like(parameters[name], {value!r})" if value else "np.zeros_like(parameters[name])"
        entries.append(f'"{each}": {{name: {value if step.setting.scalar else array} for name in _trained}}')
    numbers = ["the number of steps" if each == "step" else each for each in step.numbers]
    kept = listed([*step.memory, *numbers]) or "nothing"
    returned = wrapped(f"return {{{', '.join(entries)}}}", INDENT)
    docstring = [f"Return what {step.name} keeps between steps: {kept}."]
    return Function("init_optimizer_state", ["parameters: dict"], "dict", docstring, [], returned)


def _learning_rate(step: _Step) -> Function:
    rate = rate_source(step.options["schedule"], step.options["learning_rate"])
    said = textwrap.wrap(f"{rate.said[0].upper()}{rate.said[1:]}.", LIMIT - INDENT)
    docstring = ["Return the learning rate of a step, counted from 0.", "", *said]
    return Function("learning_rate", ["step: int"], "float", docstring, rate.lines, f"return {rate.returned}")


def _train_step(step: _Step) -> Function:
    setting, options = step.setting, step.options
    parameters, memory, learning_rate, state = (
        setting.names[each] for each in ("parameters", "optimizer_state", "learning_rate", "state")
    )
    arguments = [
        f"{parameters}: dict",
        f"{memory}: dict",
        *(f"{node.name}: {setting.annotation}" for node in setting.inputs),
    ]
    arguments += [f"{learning_rate}: float | None = None", *keyword_arguments(setting, "value_and_grad")]
    declared = repr(options["learning_rate"]) if options["schedule"] is None else "learning_rate(step)"
    docstring = [
        f"Take one step of {step.name}, in place, and return the loss before it.",
        "",
        *_source(step),
        f"The learning rate is {declared} unless given. Nothing changes before every gradient is known.",
    ]
    given = "".join(
        [
            *(f", {node.name}" for node in setting.inputs),
            *(f", {each}={each}" for each in setting.keywords("value_and_grad")),
        ]
    )
    lines = [
        f"value, gradients{', new_state' if setting.state else ''} = value_and_grad({parameters}{given})",
        f"_check_step({parameters}, {memory}, gradients)",
        *_beforehand(step, memory, learning_rate),
        *_loop(step, parameters, memory, [f"{state}.update(new_state)"] if setting.state else []),
        *(f'{memory}["{each}"] = {each}' for each in step.numbers),
    ]
    lines = [part for line in lines for part in wrapped(line, INDENT).split("\n")]
    return Function("train_step", arguments, "float", docstring, lines, "return value")


def _source(step: _Step) -> list[str]:
    """Where the formulas are from."""
    source = optimizers.OPTIMIZERS[step.name].source
    return [f"{source}, with torch.optim's conventions."] if source else []


def _beforehand(step: _Step, state: str, learning_rate: str) -> list[str]:
    """The numbers that all parameters share, and what becomes of the gradients before they are used."""
    options, setting = step.options, step.setting
    lines = [f'step = int({state}["step"]) + 1'] if "step" in step.numbers else []
    declared = repr(options["learning_rate"]) if options["schedule"] is None else "_learning_rate(step - 1)"
    lines.append(f"{learning_rate} = {declared} if {learning_rate} is None else float({learning_rate})")
    lines += [f'{each} = float({state}["{each}"])' for each in step.numbers if each != "step"]
    places = {each: f"{each} = " for each in step.before.of("update")}
    lines += [line.code for line in emit(step.before, "compact", True, step.before, setting.names, places).lines]
    changes = {}
    if options["clip_value"] is not None:
        changes["_clip_value"] = repr(options["clip_value"])
    if options["clip_norm"] is not None:
        changes["_clip_norm"] = repr(options["clip_norm"])
    if options["noise"]:
        changes["_with_noise"] = (
            f"{options['noise']!r} / step**{options['noise_decay']!r}, ({options['noise_seed']}, step)"
        )
    calls = [f"gradients = {helper}(gradients, {given})" for helper, given in changes.items()]
    if calls and len(setting.trained) < len(setting.wrt):
        lines.append("gradients = {name: gradients[name] for name in _trained}")
    setting.use(*changes)
    return [*lines, *calls]


def _loop(step: _Step, parameters: str, memory: str, of_state: list[str]) -> list[str]:
    """The statements that change the parameters, in place; of numbers, once all the new ones are known."""
    inside = [part for line in _of_one(step, parameters, memory) for part in wrapped(line, 2 * INDENT).split("\n")]
    if not step.setting.scalar:
        return [*of_state, "for name in _trained:", *(f"    {line}" for line in inside)]
    changed = ", ".join(["parameter", *step.memory])
    inside.append(f"new[name] = {changed}")
    stored = [f"{parameters}[name] = parameter", *(f'{memory}["{each}"][name] = {each}' for each in step.memory)]
    put = [
        f"for name, {f'({changed})' if step.memory else changed} in new.items():",
        *(f"    {line}" for line in stored),
    ]
    return ["new = {}", "for name in _trained:", *(f"    {line}" for line in inside), *of_state, *put]


def _of_one(step: _Step, parameters: str, memory: str) -> list[str]:
    """The statements that work out what becomes of one parameter."""
    setting, scalar = step.setting, step.setting.scalar
    begin, end = ("float(", ")") if scalar else ("", "")  # a number out of a file is an array
    lines = [f"parameter, gradient = {begin}{parameters}[name]{end}, gradients[name]"]
    lines += [f'{each} = {begin}{memory}["{each}"][name]{end}' for each in step.memory]
    if step.rates:
        lines.append(f"rate = {setting.names['learning_rate']} * _rate_scales[name]")
    if step.decays:
        lines.append("weight_decay = _weight_decays[name]")
    places = {each: f"{each} = " if scalar else f"{each}[...] = " for each in step.memory}
    body = emit(step.update, "compact", scalar, step.update, setting.names, places)
    setting.use(*body.helpers)
    lines += [part for line in body.lines for part in line.code.split("\n")]
    return [*lines, f"parameter -= {body.results['update', 'parameter']}", *_limiting(step)]


def _limiting(step: _Step) -> list[str]:
    """The statements that keep a parameter within its norm."""
    if not step.limits:
        return []
    if step.setting.scalar:
        limited = "parameter = min(max(parameter, -_max_norms[name]), _max_norms[name])"
    else:
        step.setting.use("_limit_norms")
        limited = "_limit_norms(parameter, _max_norms[name])"
    if len(step.limits) == len(step.setting.trained):
        return [limited]
    return ["if name in _max_norms:", f"    {limited}"]
