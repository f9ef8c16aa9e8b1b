"""Embedded weights: small ones as numbers, others as bytes in base64."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Mapping

import numpy as np

from graphgen.emit import INDENT
from graphgen.module.function import Function
from graphgen.module.setting import Setting
from graphgen.ops.axes import number_text
from graphgen.wrap import WIDTH, wrapped

_SMALL = 32  # numbers that people may want to read


def load_parameters(setting: Setting, weights: Mapping[str, np.ndarray]) -> Function:
    """The function that answers with the embedded weights."""
    if not weights:
        return Function("load_parameters", [], "dict", ["Return no parameters: the model has none."], [], "return {}")
    setting.use("_packed")
    entries = [f"    {line}" for name, array in weights.items() for line in _entry(setting, name, array).split("\n")]
    what = "floats" if setting.scalar else "views of one flat vector, in the order of PARAMETERS"
    returned = "\n".join(["return _packed({", *entries, "})"])
    return Function("load_parameters", [], "dict", [f"Return the trained parameters: {what}."], [], returned)


def _entry(setting: Setting, name: str, array: np.ndarray) -> str:
    """A weight by its name."""
    if setting.scalar:
        return f'"{name}": {number_text(float(array))},'
    if array.size > _SMALL:
        setting.use("_decoded")
        return wrapped(f'"{name}": _decoded(_weights["{name}"], {tuple(map(int, array.shape))}),', 2 * INDENT)
    inside = ", ".join(map(number_text, _readable(array).ravel().tolist()))
    if array.ndim == 0:
        return f'"{name}": np.array({inside}, dtype=_float),'
    after = f"], dtype=_float){f'.reshape({tuple(map(int, array.shape))})' if array.ndim > 1 else ''},"
    line = f'"{name}": np.array([{inside}{after}'
    if len(line) <= WIDTH - 2 * INDENT:
        return line
    lines = textwrap.wrap(f"{inside},", WIDTH - 3 * INDENT)
    return "\n".join([f'"{name}": np.array([', *(f"    {each}" for each in lines), after])


def _readable(array: np.ndarray) -> np.ndarray:
    """The array in float64, each number with the fewest digits that tell it from others of its type."""
    short = np.array([float(str(each)) for each in array.ravel()], dtype="float64").reshape(array.shape)
    return np.where(short.astype(array.dtype) == array, short, array.astype("float64"))


def tables(setting: Setting, weights: Mapping[str, np.ndarray]) -> list[str]:
    """What stands at the end of the module: the bytes of the larger weights."""
    large = {} if setting.scalar else {name: array for name, array in weights.items() if array.size > _SMALL}
    if not large:
        return []
    lines = [f"# The larger weights: little-endian {setting.program.dtype}, row by row, in base64.", "_weights = {"]
    for name, array in large.items():
        text = base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")
        lines += [f'    "{name}": """', *(text[start : start + WIDTH] for start in range(0, len(text), WIDTH)), '""",']
    return [*lines, "}"]
