"""Helpers of generated modules, and the cutter that copies them there as source text.

A helper is a function or a constant at the top of a file in this folder. It may use other helpers, `np`, the standard
library, and the names in `supplied.py`, which every generated module defines for itself.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Cut", "helpers", "names_of_modules", "public_helpers", "scalar_twins"]


@dataclass(frozen=True)
class Cut:
    """Source text to be written into a generated module.

    Attributes
    ----------
    names : tuple of str
        The helpers under their new names, each after those it uses.
    sources : tuple of str
        The source of each, comments included, without a newline at its end.
    imports : tuple of str
        Import lines of the standard library that they need, in isort's order.
    numpy : bool
        Whether they need `import numpy as np`.
    supplied : tuple of str
        The names that the generated module must define for them, sorted.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    imports: tuple[str, ...]
    numpy: bool
    supplied: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sources, two empty lines apart; constants that follow one another are not set apart."""
        text = ""
        for index, source in enumerate(self.sources):
            together = index > 0 and not _is_function(source) and not _is_function(self.sources[index - 1])
            text += ("\n" if together else "\n\n\n") * (index > 0) + source
        return text


@dataclass(frozen=True)
class _Helper:
    """One definition as it stands in its file; `references` are its global names with their places in `source`."""

    source: str
    references: tuple[tuple[str, int, int], ...]
    imports: Mapping[str, str]


def helpers(names: Iterable[str], rename: Mapping[str, str] | None = None) -> Cut:
    """Cut helpers, and all that they use, out of their files.

    Parameters
    ----------
    names : iterable of str
        Helpers by the names they have here. The order of the result follows them and nothing else.
    rename : mapping, optional
        New names by old ones, for a helper that a user's node is called like. A helper that gets the name of another
        one takes its place everywhere: `{"_check_scalar": "_check"}` makes all that use `_check` use the scalar twin.

    Returns
    -------
    Cut

    Raises
    ------
    KeyError
        If there is no helper of a name.
    """
    table = _table()
    rename = {old: new for old, new in (rename or {}).items() if old != new}
    twins = {new: old for old, new in rename.items() if new in table}
    order: dict[str, _Helper] = {}

    def visit(name: str) -> None:
        name = twins.get(name, name)
        if name in visited:
            return
        visited.add(name)
        for reference, _, _ in table[name].references:
            if reference in table:
                visit(reference)
        order[name] = table[name]

    visited: set[str] = set()
    for name in names:
        visit(name)
    used = {reference for helper in order.values() for reference, _, _ in helper.references}
    imports = {line for helper in order.values() for line in helper.imports.values()}
    return Cut(
        names=tuple(rename.get(name, name) for name in order),
        sources=tuple(_renamed(helper, rename) for helper in order.values()),
        imports=tuple(sorted(imports - {_NUMPY}, key=lambda line: (line.startswith("from "), line))),
        numpy=_NUMPY in imports,
        supplied=tuple(sorted(used & _supplied())),
    )


@cache
def names_of_modules() -> frozenset[str]:
    """The names that a generated module may have besides its public face and the user's: helpers, and what they read."""
    tables = {"_weights", "_rate_scales", "_weight_decays", "_max_norms", "_learning_rate"}
    return frozenset(_table()) | _supplied() | tables


@cache
def public_helpers() -> tuple[str, ...]:
    """The helpers that a user's value may be called like: they then get an underscore. Those of scalars are twins."""
    return tuple(name for name in _table() if not name.startswith("_") and name not in scalar_twins().values())


@cache
def scalar_twins() -> dict[str, str]:
    """What takes a helper's place, under its name, in a module of Python floats: ``sigmoid_scalar`` for ``sigmoid``."""
    suffix = "_scalar"
    return {name.removesuffix(suffix): name for name in _table() if name.removesuffix(suffix) in {*_table()} - {name}}


_NUMPY = "import numpy as np"


def _is_function(source: str) -> bool:
    return source.startswith("def ")


def _renamed(helper: _Helper, rename: Mapping[str, str]) -> str:
    """Return the source with whole identifiers replaced, from the last to the first so that places stay true."""
    lines = helper.source.split("\n")
    for name, line, column in reversed(helper.references):
        if name in rename:
            text = lines[line].encode()  # the columns of ast count bytes
            lines[line] = (text[:column] + rename[name].encode() + text[column + len(name.encode()) :]).decode()
    return "\n".join(lines)


@cache
def _table() -> dict[str, _Helper]:
    """Return all helpers by name."""
    table: dict[str, _Helper] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py") and file.name not in ("__init__.py", "supplied.py"):
            for name, helper in _parse(file.read_text(encoding="utf-8")).items():
                assert name not in table, f"two helpers are called {name}"
                table[name] = helper
    return table


@cache
def _supplied() -> frozenset[str]:
    """Return the names that a generated module defines for its helpers."""
    tree = ast.parse(files(__name__).joinpath("supplied.py").read_text(encoding="utf-8"))
    return frozenset(
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    )


def _parse(text: str) -> dict[str, _Helper]:
    """Return the helpers of one file."""
    tree = ast.parse(text)
    lines = text.split("\n")
    imports: dict[str, str] = {}
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            imports |= {alias.asname or alias.name: ast.unparse(ast.Import([alias])) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not f"{node.module}.".startswith(f"{__name__}."):
            imports |= {alias.name: f"from {node.module} import {alias.name}" for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.Assign)):
            name = node.name if isinstance(node, ast.FunctionDef) else ast.unparse(node.targets[0])
            start = _first_line(lines, node.lineno - 1)
            references = _references(node, start)
            needed = {used: imports[used] for used, _, _ in references if used in imports}
            found[name] = _Helper("\n".join(lines[start : node.end_lineno]), references, needed)
    return found


def _first_line(lines: list[str], line: int) -> int:
    """Return the line where the comment directly above a definition begins, if there is one."""
    while line > 0 and lines[line - 1].startswith("#"):
        line -= 1
    return line


def _references(node: ast.FunctionDef | ast.Assign, start: int) -> tuple[tuple[str, int, int], ...]:
    """Return the names in a definition that are not its own locals, its own name first, in order of their places."""
    inside = list(ast.walk(node))
    places = [(each.id, each.lineno - 1 - start, each.col_offset) for each in inside if isinstance(each, ast.Name)]
    local: set[str] = set()
    if isinstance(node, ast.FunctionDef):
        places.append((node.name, node.lineno - 1 - start, node.col_offset + len("def ")))
        local = {each.arg for each in inside if isinstance(each, ast.arg)}
        local |= {each.name for each in inside if isinstance(each, ast.FunctionDef) and each is not node}
        local |= {each.id for each in inside if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        local -= {name for each in inside if isinstance(each, ast.Global) for name in each.names}
    return tuple(sorted((place for place in places if place[0] not in local), key=lambda place: place[1:]))
