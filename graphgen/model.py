"""Find the graph that a MODEL names: ``file.py`` or ``file.py:name``. The file is run as Python."""

from __future__ import annotations

import contextlib
import glob
import linecache
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

import networkx

from graphgen.errors import GraphError, Place, Problem, did_you_mean
from graphgen.graph import Graph

# What __name__ is in a model file: not "__main__", so that what a model does when it is run itself is left out.
RUN_NAME = "graphgen_model"

PACKAGE = os.path.dirname(os.path.abspath(__file__))


def load_model(model: str) -> Graph:
    """Run a model file and give the graph that it holds.

    Parameters
    ----------
    model : str
        ``file.py``, or ``file.py:name`` where the file holds several graphs.

    Returns
    -------
    Graph
        A networkx DAG is converted by `Graph.from_networkx`.

    Raises
    ------
    GraphError
        If there is no such file, if it raises an exception, or if the graph is not to be found.
    """
    file, name = split(model)
    values = run_file(file)
    found = _pick(_graphs(values), file) if name is None else _named(values, name, file)
    return found if isinstance(found, Graph) else Graph.from_networkx(found)


def split(model: str) -> tuple[str, str | None]:
    """Split ``file.py:name`` at the last colon; the name is None where none is given."""
    file, colon, name = model.rpartition(":")
    if not colon or os.path.exists(model):
        return model, None
    return file, name


def _check_readable(file: str) -> None:
    try:
        with open(file, "rb"):
            pass
    except FileNotFoundError as error:
        folder, base = os.path.split(file)
        others = glob.glob("*.py", root_dir=folder or None)
        _fail("GG080", f"there is no file {file}", help=did_you_mean(base, others), cause=error)
    except OSError as error:
        _fail("GG080", f"cannot read {file}: {error.strerror}", cause=error)
    if not file.endswith(".py"):
        _fail("GG080", f"{file} is no model: the name of a model file ends in .py")


def run_file(file: str) -> dict[str, Any]:
    """Run a file of the user's, and give its globals.

    Raises
    ------
    GraphError
        If it cannot be read, or raises an exception; not for those that show a bug of ours.
    """
    _check_readable(file)
    path = os.path.abspath(file)
    linecache.checkcache(path)
    try:
        with _as_script(path):
            return runpy.run_path(path, run_name=RUN_NAME)
    except GraphError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        if _is_bug(error, frames[-1].filename):
            raise
        raise GraphError(_problem(error, frames, path)) from error


@contextlib.contextmanager
def _as_script(path: str) -> Iterator[None]:
    """Let a model find what it would find under ``python file.py``; keep its prints away from stdout."""
    saved = sys.path, sys.argv, sys.dont_write_bytecode
    sys.path = [os.path.dirname(os.path.realpath(path)), *sys.path]
    sys.argv = [path]
    sys.dont_write_bytecode = True
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path, sys.argv, sys.dont_write_bytecode = saved


def _is_bug(error: BaseException, file: str) -> bool:
    """Whether an exception that comes out of a model file is graphgen's own fault.

    graphgen answers wrong use with GraphError, TypeError and ValueError, and raises nothing else on purpose.
    """
    return file.startswith(PACKAGE + os.sep) and file != __file__ and not isinstance(error, (TypeError, ValueError))


def _problem(error: BaseException, frames: traceback.StackSummary, path: str) -> Problem:
    """Say what a model file raised, and at which of its lines."""
    if isinstance(error, SyntaxError) and error.filename and os.path.isfile(error.filename):
        return Problem("GG081", _syntax_place(error), f"{type(error).__name__}: {error.msg}")
    where = Place(path)
    notes: list[str] = []
    for frame in frames:
        place = Place(frame.filename, frame.lineno, frame.end_lineno, frame.colno, frame.end_colno)
        if frame.filename == path:
            where, notes = place, []
        elif os.path.dirname(frame.filename) == os.path.dirname(path):
            notes = [f"raised at {place}"]
    if isinstance(error, SystemExit):
        help = 'what only `python file.py` should do belongs under if __name__ == "__main__":'
        return Problem("GG081", where, f"the model file ends the program: SystemExit({error.code!r})", help=help)
    if isinstance(error, SyntaxError):  # of a text that the model gave to ast.parse or the like
        message = f"{type(error).__name__}: {error.msg}"
    else:
        # Unlike str(error), this cannot fail; errors.render makes one line of it.
        message = "".join(traceback.format_exception_only(error)).strip().removeprefix(f"{RUN_NAME}.")
    return Problem("GG081", where, message, notes=tuple(notes))


def _syntax_place(error: SyntaxError) -> Place:
    """Where a file cannot be parsed, with columns if they are certain."""
    assert error.filename is not None
    line = linecache.getline(error.filename, error.lineno or 0)
    # CPython counts from 1, and in characters or in bytes, by how it came to read the text: the same in ASCII alone.
    if not line.isascii() or not error.offset or error.offset < 1:
        return Place(error.filename, error.lineno or None)
    end = error.end_offset if error.end_offset and error.end_lineno == error.lineno else 0
    return Place(error.filename, error.lineno, error.lineno, error.offset - 1, max(end - 1, error.offset))


def _graphs(values: dict[str, Any]) -> dict[str, Any]:
    """The graphs among a module's globals, each under its first name; a Graph's own dag is no second one."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, (Graph, networkx.DiGraph)) and not any(value is other for other in found.values()):
            found[name] = value
    owned = [graph.dag for graph in found.values() if isinstance(graph, Graph)]
    return {name: graph for name, graph in found.items() if not any(graph is dag for dag in owned)}


def _pick(graphs: dict[str, Any], file: str) -> Any:
    if not graphs:
        help = 'keep it in a variable of the module, such as g = Graph("name")'
        _fail("GG082", "the file holds no Graph and no networkx DiGraph", where=Place(file), help=help)
    if len(graphs) > 1:
        help = f"name one: {file}:{next(iter(graphs))}"
        _fail("GG082", f"the file holds {len(graphs)} graphs: {', '.join(graphs)}", where=Place(file), help=help)
    return next(iter(graphs.values()))


def _named(values: dict[str, Any], name: str, file: str) -> Any:
    if name not in values:
        graphs = _graphs(values)
        help = did_you_mean(name, graphs) or (f"it holds {', '.join(graphs)}" if graphs else None)
        _fail("GG083", f"the file holds no graph called {name!r}", where=Place(file), help=help)
    value = values[name]
    if not isinstance(value, (Graph, networkx.DiGraph)):
        message = f"{name} is a {type(value).__name__}, not a Graph, networkx.DiGraph or networkx.MultiDiGraph"
        _fail("GG083", message, where=Place(file))
    return value


def _fail(
    code: str, message: str, *, where: Place | None = None, help: str | None = None, cause: Exception | None = None
) -> NoReturn:
    raise GraphError(Problem(code, where, message, help)) from cause
