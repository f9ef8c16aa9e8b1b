"""Initial parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphgen import sizes
from graphgen.emit import INDENT
from graphgen.initializers import Initializer
from graphgen.module.function import Function
from graphgen.module.setting import Setting
from graphgen.module.tables import array_text, parameter_sizes
from graphgen.ops.axes import number_text
from graphgen.program import Node


def init_parameters(setting: Setting) -> Function:
    """Parameters drawn by seed, in order of declaration."""
    names = parameter_sizes(setting)
    seed, generator = (_yielding(name, names) for name in ("seed", "generator"))
    arguments = [f"{seed}: int = 0", *(["*"] if names else []), *(f"{name}: int" for name in names)]
    if not setting.parameters:
        return Function(
            "init_parameters", arguments, "dict", ["Return no parameters: the model has none."], [], "return {}"
        )
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
        return (
            array_text(array, 2 * INDENT).replace("\n", "\n    ")
            if array.ndim
            else _filled(setting, shape, float(array))
        )
    options: dict[str, Any] = dict(init.options)
    if init.name in ("zeros", "ones") and not setting.scalar:
        return f"np.{init.name}({shape})"
    if init.name in ("zeros", "ones", "constant"):
        return _filled(setting, shape, {"zeros": 0.0, "ones": 1.0}.get(init.name, options.get("value", 0.0)))
    setting.use(init.name)
    texts = {
        key: f'"{value}"' if isinstance(value, str) else number_text(float(value)) for key, value in options.items()
    }
    keywords = "".join(f", {key}={text}" for key, text in texts.items())
    return f"{setting.names[init.name]}({generator}, {shape}{keywords})"


def _filled(setting: Setting, shape: str, value: float) -> str:
    return number_text(value) if setting.scalar else f"np.full({shape}, {number_text(value)})"
