"""Where in the user's source a node is declared, and which variable it is assigned to.

Python 3.11 knows the exact stretch of source behind every instruction (PEP 657). The expression that the user's frame
is executing is looked up by that stretch in the syntax tree of its file, which tells what its value is assigned to.
"""

import ast
import linecache
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from opcode import opname
from types import CodeType, FrameType
from typing import NamedTuple

from graphgen.errors import Place

_PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")

# Stands where a name would: the value is what its function returns. A keyword can be no variable's name.
_RETURNED = "return"

# What can make a node.
_EXPRESSIONS = (ast.Call, ast.BinOp, ast.Attribute, ast.Subscript, ast.UnaryOp, ast.Compare)

# Calls and attributes over several lines start late in 3.11, at the line of the attribute's name. Their ends alone
# identify them: a parenthesis or a name closes one expression of these kinds. Other kinds share their ends
# (a + b + c and b + c), and are identified by both ends.
_Span = tuple[int | None, ...]

# A variable, or those that a value is unpacked into; "" for what is no variable.
_Name = str | tuple[str, ...]


class Site(NamedTuple):
    """Where a node is declared.

    Attributes
    ----------
    place : Place or None
        The user's expression; None if no frame outside graphgen is running.
    name : str or None
        The variable that its value is assigned to, as written.
    names : tuple of str
        The variables that its value is unpacked into.
    """

    place: Place | None
    name: str | None
    names: tuple[str, ...] = ()


class _Found(NamedTuple):
    """What one instruction is executing, and whether its name is to be found at its function's caller."""

    site: Site
    returned: bool


class _Code(NamedTuple):
    """What is known of one code object; it is held here so that its id is not given to another."""

    code: CodeType
    instructions: bytes
    positions: list[tuple[int | None, int | None, int | None, int | None]]
    names: dict[_Span, _Name]
    found: dict[int, _Found]


# By id: code objects of two files compare equal if only their file differs.
_codes: dict[int, _Code] = {}

# By file: the lines that were parsed, and the names found in them.
_files: dict[str, tuple[list[str], dict[_Span, _Name]]] = {}

_quiet = ContextVar("quiet", default=False)
_part = ContextVar("part", default=0)


def site() -> Site:
    """Find the expression of the user's that is being executed, and the variable it is assigned to.

    Frames inside graphgen are skipped. Where the expression is what its function returns, the name is the one that
    the call of that function is assigned to; the place stays the expression's own.

    Returns
    -------
    Site
        What could be found: without source or columns there is no name.
    """
    frame = _outside(sys._getframe(1))
    if frame is None:
        return Site(None, None)
    found = _executing(frame)
    place = found.site.place
    if _quiet.get():
        return Site(place, None)
    while found.returned:
        frame = _outside(frame.f_back)
        if frame is None:
            return Site(place, None)
        found = _executing(frame)
    name, names = found.site.name, found.site.names
    if names:
        name = names[_part.get()] if _part.get() < len(names) else None
    return Site(place, name or None, names)


@contextmanager
def part(place: int) -> Iterator[None]:
    """Within this context `site` gives the name of this place where the value is unpacked: ``a, b = split(x, 2)``."""
    token = _part.set(place)
    try:
        yield
    finally:
        _part.reset(token)


@contextmanager
def quiet() -> Iterator[None]:
    """Within this context `site` gives no names: the parts of a layer are not what the user assigns.

    A layer asks for the `site` of its own call before it enters. Contexts nest, and are each thread's own.
    """
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def is_quiet() -> bool:
    """Whether a layer is being made, whose parts get no names."""
    return _quiet.get()


def _outside(frame: FrameType | None) -> FrameType | None:
    """Walk out of graphgen's own frames."""
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


def _executing(frame: FrameType) -> _Found:
    """Find what a frame is executing. Everything is looked up once: a model may have many thousand nodes."""
    code = frame.f_code
    known = _codes.get(id(code))
    if known is None:
        known = _codes[id(code)] = _Code(code, code.co_code, list(code.co_positions()), _names(frame), {})
    found = known.found.get(frame.f_lasti)
    if found is None:
        found = known.found[frame.f_lasti] = _look_up(known, frame.f_lasti)
    return found


def _look_up(known: _Code, offset: int) -> _Found:
    """Find the expression behind the instruction at an offset."""
    while opname[known.instructions[offset]] == "CACHE":  # 3.11 and 3.12 may stand behind the caches of a call
        offset -= 2
    line, end_line, column, end_column = known.positions[offset // 2]
    ends_alone = opname[known.instructions[offset]].startswith(("CALL", "LOAD_"))
    span: _Span = (end_line, end_column) if ends_alone else (line, column, end_line, end_column)
    name = known.names.get(span)
    place = Place(known.code.co_filename, line, end_line, column, end_column)
    if isinstance(name, tuple):
        return _Found(Site(place, None, name), False)
    returned = name == _RETURNED
    return _Found(Site(place, None if returned else name), returned)


def _names(frame: FrameType) -> dict[_Span, _Name]:
    """Give the names of a frame's file, by the spans of the expressions they are given to."""
    file = frame.f_code.co_filename
    linecache.checkcache(file)  # a notebook or a test may have changed the file and imported it again
    lines = linecache.getlines(file, frame.f_globals)
    parsed = _files.get(file)
    if parsed is None or parsed[0] is not lines:
        parsed = _files[file] = (lines, _parse("".join(lines)))
    return parsed[1]


def _parse(text: str) -> dict[_Span, _Name]:
    """Find what every expression that can be a node is assigned to."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python has given its warnings when it compiled this text
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        # Not the text that is running: edited since, or no Python at all, as a template's. Or nested too deeply to
        # be parsed this far down the stack. Its nodes have no names then.
        return {}
    names: dict[_Span, _Name] = {}
    # The first name counts. Statements come before what is inside them: in h = (t := f(x)) that is h.
    for node in ast.walk(tree):
        for span, name in _named(node):
            names.setdefault(span, name)
    return names


def _named(node: ast.AST) -> Iterator[tuple[_Span, _Name]]:
    """Give the spans of the expressions that one statement, walrus or lambda assigns or returns, with their names."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        if node.value is not None:
            yield from _assigned(node.target, node.value)
    elif isinstance(node, ast.AugAssign):
        # What is assigned is the sum, which is the statement itself, and not the operand on its right.
        name = _target_name(node.target)
        if name is not None:
            yield _both_ends(node), name
    elif isinstance(node, ast.Return):
        if node.value is not None:
            yield from _returned(node.value)
    elif isinstance(node, ast.Lambda):
        yield from _returned(node.body)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[_Span, _Name]]:
    """Match a target with the expressions whose value it may get."""
    if isinstance(value, ast.IfExp):
        yield from _assigned(target, value.body)
        yield from _assigned(target, value.orelse)
    elif isinstance(value, ast.NamedExpr):
        yield from _assigned(target, value.value)
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        starred = any(isinstance(element, ast.Starred) for element in (*target.elts, *value.elts))
        if not starred:
            for part, element in zip(target.elts, value.elts, strict=False):
                yield from _assigned(part, element)
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Call):
        if not any(isinstance(element, ast.Starred) for element in target.elts):
            yield _span(value), tuple(_target_name(element) or "" for element in target.elts)
    elif isinstance(value, _EXPRESSIONS):
        name = _target_name(target)
        if name is not None:
            yield _span(value), name


def _returned(value: ast.expr) -> Iterator[tuple[_Span, str]]:
    """Mark the expressions whose value a function may return; a walrus among them names its own."""
    if isinstance(value, ast.IfExp):
        yield from _returned(value.body)
        yield from _returned(value.orelse)
    elif isinstance(value, _EXPRESSIONS):
        yield _span(value), _RETURNED


def _target_name(target: ast.expr) -> str | None:
    """Give the name of a variable or an attribute; an element of a container has none."""
    if isinstance(target, ast.Name):
        return target.id
    return target.attr if isinstance(target, ast.Attribute) else None


def _span(value: ast.expr) -> _Span:
    """Identify an expression as `_look_up` does."""
    if isinstance(value, ast.Call | ast.Attribute):
        return value.end_lineno, value.end_col_offset
    return _both_ends(value)


def _both_ends(node: ast.expr | ast.stmt) -> _Span:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
