"""Compile, write to a real file, import: a debugger can step through what comes of it."""

from __future__ import annotations

import atexit
import importlib.util
import itertools
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from graphgen.compiler import compile
from graphgen.graph import Graph

_numbers = itertools.count(1)
_folders: list[Path] = []


def load(graph_or_source: Any, **options: Any) -> ModuleType:
    """Import a compiled graph.

    Parameters
    ----------
    graph_or_source
        A graph, compiled with `options`, or the text that compiling one gave.

    Returns
    -------
    module
        Imported from a file in a temporary folder that lives as long as this process.
    """
    if isinstance(graph_or_source, str):
        name, source = "generated", graph_or_source
        if options:
            raise TypeError("options are for compiling a graph; a source is compiled already")
    else:
        name = graph_or_source.dag.graph["name"] if isinstance(graph_or_source, Graph) else "graph"
        source = compile(graph_or_source, **options)
    unique = f"{str(name).replace('-', '_')}_{next(_numbers)}"
    path = _folder() / f"{unique}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(unique, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    spec.loader.exec_module(module)
    return module


def _folder() -> Path:
    if not _folders:
        _folders.append(Path(tempfile.mkdtemp(prefix="graphgen_")))
        atexit.register(shutil.rmtree, _folders[0], ignore_errors=True)
    return _folders[0]
