"""What training needs besides gradients: initial parameters, and an optimizer's step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphgen import optimizers, sizes
from graphgen.emit import INDENT, emit
from graphgen.initializers import Initializer
from graphgen.module.functions import Function
from graphgen.module.layout import listed
from graphgen.module.setting import Setting
from graphgen.module.tables import array_text, names_text, parameter_sizes
from graphgen.ops.axes import number_text
from graphgen.program import Node
from graphgen.wrap import wrapped


def init_parameters(setting: Setting) -> Function:
    """Parameters drawn by seed, in order of declaration."""
    names = parameter_sizes(setting)
    seed, generator = (_yielding(name, names) for name in ("seed", "generator"))
    arguments = [f"{seed}: int = 0", *(["*"] if names else []), *(f"{name}: int" for name in names)]
    if not setting.parameters:
        return Function("init_parameters", arguments, "dict", ["Return no parameters: the model has none."], [], "return {}")
    setting.use("_packed")
    values = {node.name: _initial(setting, node, generator) for node in setting.parameters}
    entries = [f'    "{name}": {value},' for name, value in values.items()]
    drawn = any(f"({generator}, " in value for value in values.values())
    lines = [f"{generator} = np.random.default_rng({seed})"] if drawn else []
    what = "floats" if setting.scalar else "views of one flat vector, in the order of PARAMETERS"
    returned = "\n".join(["return _packed({", *entries, "})"])
    return Function("init_parameters", arguments, "dict", [f"Return new parameters: {what}."], lines, returned)


def _yielding(name: str, taken: list[str]) -> str:
    return _yielding(f"{name}_", taken) if name in taken else name


def _initial(setting: Setting, node: Node, generator: str) -> str:
    """The expression of a parameter's initial value."""
    init, shape = node.attributes["init"], sizes.shape_text(node.shape)
    if isinstance(init, str):
        init = Initializer(init)
    if not isinstance(init, Initializer):
        array = np.asarray(init, dtype="float64")
        return array_text(array, 2 * INDENT).replace("\n", "\n    ") if array.ndim else _filled(setting, shape, float(array))
    options = dict(init.options)
    if init.name in ("zeros", "ones") and not setting.scalar:
        return f"np.{init.name}({shape})"
    if init.name in ("zeros", "ones", "constant"):
        return _filled(setting, shape, {"zeros": 0.0, "ones": 1.0}.get(init.name, options.get("value", 0.0)))
    setting.use(init.name)
    keywords = "".join(f", {key}={number_text(value)}" for key, value in options.items())
    return f"{setting.names[init.name]}({generator}, {shape}{keywords})"


def _filled(setting: Setting, shape: str, value: float) -> str:
    return number_text(value) if setting.scalar else f"np.full({shape}, {number_text(value)})"


def optimizer_functions(setting: Setting) -> list[Function]:
    """init_optimizer_state and train_step, if an optimizer is declared."""
    if setting.options.optimizer is None:
        return []
    name, given = setting.options.optimizer
    options = optimizers.complete(name, given)
    rate = options.pop("learning_rate")
    memory = optimizers.OPTIMIZERS[name].memory(options)
    update, counts = _update(setting, name, options, memory)
    setting.use("_check_step")
    return [_init_state(setting, name, memory, counts), _train_step(setting, name, rate, memory, update, counts)]


def _init_state(setting: Setting, name: str, memory: tuple[str, ...], counts: bool) -> Function:
    zeros = "0.0" if setting.scalar else "np.zeros_like(parameters[name])"
    entries = ['"step": 0'] * counts + [f'"{each}": {{name: {zeros} for name in _trained}}' for each in memory]
    kept = listed([*memory, *(["the number of steps"] if counts else [])]) or "nothing"
    returned = wrapped(f"return {{{', '.join(entries)}}}", INDENT)
    return Function("init_optimizer_state", ["parameters: dict"], "dict", [f"Return what {name} keeps from step to step: {kept}."], [], returned)


def _train_step(setting: Setting, name: str, rate: float, memory: tuple[str, ...], update: list[str], counts: bool) -> Function:
    parameters, state, learning_rate = (setting.names[each] for each in ("parameters", "optimizer_state", "learning_rate"))
    arguments = [f"{parameters}: dict", f"{state}: dict", *(f"{node.name}: {setting.annotation}" for node in setting.inputs)]
    docstring = [
        f"Take one step of {name}, in place, and return the loss before it.",
        "",
        f"The learning rate is {rate!r} unless given. Nothing changes before every gradient is known.",
    ]
    inputs = "".join(f", {node.name}" for node in setting.inputs)
    lines = [
        f"{learning_rate} = {rate!r} if {learning_rate} is None else float({learning_rate})",
        f"value, gradients = value_and_grad({parameters}{inputs})",
        f"_check_step({parameters}, {state}, gradients, {names_text(memory)}, _trained{', counts=True' if counts else ''})",
        *([f'step = {state}["step"] + 1'] if counts else []),
        "for name in _trained:",
        *(f"    {line}" for line in update),
        *([f'{state}["step"] = step'] if counts else []),
    ]
    lines = [part for line in lines for part in wrapped(line, INDENT).split("\n")]
    return Function("train_step", [*arguments, f"{learning_rate}: float | None = None"], "float", docstring, lines, "return value")


def _update(setting: Setting, name: str, options: Mapping[str, Any], memory: tuple[str, ...]) -> tuple[list[str], bool]:
    """The statements that change one parameter, and whether they read the number of the step."""
    program = optimizers.update(name, options, memory, setting.program.dtype)
    parameters, state = setting.names["parameters"], setting.names["optimizer_state"]
    lines = [f"parameter, gradient = {parameters}[name], gradients[name]"]
    lines += [f'{each} = {state}["{each}"][name]' for each in memory]
    if setting.scalar:
        places = {each: f'{state}["{each}"][name] = {each} = ' for each in memory}
        changed = f"{parameters}[name] = parameter - "
    else:
        places = {each: f"{each}[...] = " for each in memory}
        changed = "parameter -= "
    body = emit(program, "compact", setting.scalar, program, setting.names, places)
    lines += [line.code for line in body.lines]
    lines.append(f"{changed}{body.results['update', 'parameter']}")
    return lines, any("step" in node.args for node in program.nodes.values())
