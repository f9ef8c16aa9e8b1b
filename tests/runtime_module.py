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
