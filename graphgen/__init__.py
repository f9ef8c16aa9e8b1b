"""graphgen compiles a declared network into one readable NumPy module, with its gradients.

Nothing is imported before it is asked for, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphgen import layers as layers
    from graphgen import losses as losses
    from graphgen import ops as ops
    from graphgen.compiler import compile
    from graphgen.errors import GraphError, GraphWarning
    from graphgen.graph import Graph
    from graphgen.loading import load

__version__ = "0.1.0"
__all__ = ["Graph", "GraphError", "GraphWarning", "__version__", "compile", "layers", "load", "losses", "ops"]

_SUBMODULES = ("layers", "losses", "ops")
_HOMES = {
    "Graph": "graphgen.graph",
    "GraphError": "graphgen.errors",
    "GraphWarning": "graphgen.errors",
    "compile": "graphgen.compiler",
    "load": "graphgen.loading",
}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"graphgen.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'graphgen' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
