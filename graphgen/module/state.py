"""What training keeps besides parameters and gradients does not give."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphgen import sizes
from graphgen.emit import INDENT
from graphgen.module.function import Function
from graphgen.module.setting import Setting
from graphgen.module.tables import array_text
from graphgen.ops.axes import number_text
from graphgen.program import Node


def init_state(setting: Setting) -> list[Function]:
    """The state before the first step, if there is any."""
    if not setting.state:
        return []
    entries = [f'    "{node.name}": {_initial(setting, node)},' for node in setting.state]
    returned = "\n".join(["return {", *entries, "}"])
    return [Function("init_state", [], "dict", ["Return the state before the first step of training."], [], returned)]


def _initial(setting: Setting, node: Node) -> str:
    """The expression of a state's first value."""
    init: Any = np.asarray(node.attributes["init"], dtype="float64")
    if init.ndim:
        return array_text(init, 2 * INDENT, "_float").replace("\n", "\n    ")
    value = float(init)
    if setting.scalar:
        return number_text(value)
    shape = sizes.shape_text(node.shape)
    if value in (0.0, 1.0):
        return f"np.{'ones' if value else 'zeros'}({shape}, dtype=_float)"
    return f"np.full({shape}, {number_text(value)}, dtype=_float)"
