"""Builds real modules out of cut helpers, as the generator does, for the tests of graphgen.runtime."""

import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from graphgen.runtime import helpers

SUPPLIED = """
PARAMETERS = {"w": ((3, 2), "float64"), "b": ((2,), "float64")}
INPUTS = {"x": (("batch", 3), "float64"), "label": (("batch",), "int64")}
OUTPUTS = {}
STATE = {"mean": ((2,), "float64")}
_float = np.float64
_hash = "9c0d77aa"
_bounds = {"label": (0, 2)}
_sizes = ()
"""


def source(
    names: Iterable[str], *, rename: Mapping[str, str] | None = None, supplied: str = SUPPLIED, body: str = ""
) -> str:
    """Return the text of a module with these helpers."""
    cut = helpers(names, rename)
    head = "\n".join(['"""A test module."""', "", *cut.imports, "", "import numpy as np", "", supplied.strip()])
    return f"{head}\n\n\n{cut.text}\n\n\n{body.strip()}".rstrip() + "\n"


def build(folder: Path, text: str) -> ModuleType:
    """Write a module to `folder` and import it from there."""
    path = folder / "generated_module.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("generated_module", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def supplied(
    parameters: str = "{}", inputs: str = "{}", *, bounds: str = "{}", sizes: str = "()", more: str = ""
) -> str:
    """Return the globals of a module with these tables."""
    tables = f"PARAMETERS = {parameters}\nINPUTS = {inputs}\nOUTPUTS = {{}}\n"
    return f"{tables}_float = np.float64\n_bounds = {bounds}\n_sizes = {sizes}\n{more}"


def one_input(folder: Path, value: str, slope: str, *, shape: str = "(2,)", bounds: str = "{}") -> ModuleType:
    """Return a module without parameters whose loss and gradient in its one input are the expressions given."""
    body = f"""
def init_parameters(seed=0):
    return {{}}


def loss(parameters, x):
    (x,) = _check(parameters, x=x)
    return float(np.sum({value}))


def value_and_grad(parameters, x):
    (x,) = _check(parameters, x=x)
    return loss(parameters, x), {{"x": {slope}}}


_value_and_grad = value_and_grad
"""
    tables = supplied(inputs=f'{{"x": ({shape}, "float64")}}', bounds=bounds)
    return build(folder, source(["check_gradients", "_main", "_check"], supplied=tables, body=body))
