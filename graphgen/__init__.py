"""graphgen compiles a declared network into one readable NumPy module, with its gradients.

Nothing is imported before it is asked for, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphgen import initializers as initializers
    from graphgen import layers as layers
    from graphgen import losses as losses
    from graphgen import ops as ops
    from graphgen import penalties as penalties
    from graphgen import schedules as schedules
    from graphgen import train as train
    from graphgen.compiler import compile
    from graphgen.errors import GraphError, GraphWarning
    from graphgen.graph import Graph
    from graphgen.loading import load

__version__ = "0.1.0"
__all__ = [
    "Graph",
    "GraphError",
    "GraphWarning",
    "__version__",
    "compile",
    "initializers",
    "layers",
    "load",
    "losses",
    "ops",
    "penalties",
    "schedules",
    "train",
]
_HOMES = {
    "Graph": "graphgen.graph",
    "GraphError": "graphgen.errors",
    "GraphWarning": "graphgen.errors",
    "compile": "graphgen.compiler",
    "load": "graphgen.loading",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in __all__:
        return import_module(f"graphgen.{name}")
    raise AttributeError(f"module 'graphgen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
