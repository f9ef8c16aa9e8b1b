"""Programs as text, and back: one line for each node, in Python's syntax, read with `ast` against the op table.

    program("mlp", dtype="float32")
    x = input((batch, 64))
    fc1_w = param((64, 32), init='he_normal')
    fc1_matmul: unnamed = matmul(x, fc1_w)  # (batch, 32)
    d_fc1: reverse = map('where(b > 0, a, 0)', d_hidden, hidden)  # (batch, 32)
    return output(hidden=hidden), gradient(fc1_w=d_fc1_w)

Operands come first, attributes that differ from the op's defaults follow; a leaf's first attribute and a map's formula
need no keyword. Behind a colon stands the sweep that made the node. Declared values are named by the user unless it
says "unnamed", those of sweeps are not unless it says "named". Shapes and dtypes follow from the op table. Comments are
for readers; ``why`` is not written.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from graphgen import ops, sizes
from graphgen.calculus.formula import Formula
from graphgen.calculus.slopes import Policies
from graphgen.initializers import INITIALIZERS, Initializer
from graphgen.ops.table import REQUIRED, Mismatch, Type
from graphgen.program import GIVEN, RESULT_KINDS, Node, Program

UNNAMED, NAMED = "unnamed", "named"


class ProgramError(ValueError):
    """A text that is no program; the message says where and why."""


def text(program: Program) -> str:
    """The program as text; `parse` reads it back."""
    lines = [_header(program), *map(_line, program.nodes.values())]
    if program.results:
        lines.append(f"return {_results(program)}")
    return "\n".join(lines) + "\n"


def _header(program: Program) -> str:
    facts = [repr(program.name)]
    facts += [f"dtype={program.dtype!r}"] * (program.dtype != Program.dtype)
    usual = Policies()._asdict()
    facts += [f"{key}={value!r}" for key, value in program.policies._asdict().items() if value != usual[key]]
    return f"program({', '.join(facts)})"


def _line(node: Node) -> str:
    comment = "" if node.dtype == "float" else f" {node.dtype}"
    if node.shape and node.op not in GIVEN:
        comment = f" {sizes.shape_text(node.shape)}{comment}"
    return f"{node.name}{_annotation(node)} = {_call(node)}{f'  #{comment}' if comment else ''}"


def _annotation(node: Node) -> str:
    words = [*node.sweep, *([NAMED] * node.named)] if node.sweep else [UNNAMED] * (not node.named)
    return f": {'.'.join(words)}" if words else ""


def _call(node: Node) -> str:
    arguments = list(node.args)
    if node.op == "map":
        more = [f"{key}={_written(value)}" for key, value in node.attributes.items() if key != "formula"]
        return f"map({', '.join([repr(str(node.attributes['formula'])), *arguments, *more])})"
    row = ops.TABLE[node.op]
    attributes = {**node.attributes, "dtype": node.dtype} if node.op == "constant" else node.attributes
    for keyword, default in row.attributes.items():
        value = attributes.get(keyword, default)
        if _is_default(value, default) or (node.op == "constant" and keyword == "shape"):
            continue
        written = _written(value)
        leads = isinstance(row, ops.Leaf) and not arguments
        arguments.append(written if leads else f"{keyword}={written}")
    return f"{node.op}({', '.join(arguments)})"


def _is_default(value: Any, default: Any) -> bool:
    return default is not REQUIRED and type(value) is type(default) and not isinstance(value, np.ndarray) and value == default


def _written(value: Any) -> str:
    """An attribute as Python source that `_read` understands."""
    if isinstance(value, np.ndarray):
        shape = f", shape={value.shape!r}" if not value.size else ""
        return f"array({_written(value.tolist())}, dtype={value.dtype.name!r}{shape})"
    if isinstance(value, Initializer):
        return f"{value.name}({', '.join(f'{key}={_written(each)}' for key, each in value.options)})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, Formula):
        return repr(str(value))
    if isinstance(value, sp.Expr):
        return sizes.text(value)
    if isinstance(value, (float, np.floating)):
        return repr(float(value)) if np.isfinite(value) else f"float({str(float(value))!r})"
    if isinstance(value, np.generic):
        value = value.item()
    assert value is None or isinstance(value, (bool, int, str)), f"{value!r} cannot stand in a program's text"
    return repr(value)


def _results(program: Program) -> str:
    """The results in order, those of a kind that follow each other in one call."""
    groups: list[tuple[str, list[str]]] = []
    for (kind, name), node in program.results.items():
        if not groups or groups[-1][0] != kind:
            groups.append((kind, []))
        groups[-1][1].append(f"{name}={node}")
    return ", ".join(f"{kind}({', '.join(entries)})" for kind, entries in groups)


def parse(source: str) -> Program:
    """The program that is written as `source`.

    Raises
    ------
    ProgramError
        If a line is no node, result or header, or does not fit the op table.
    """
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ProgramError(f"line {error.lineno}: {error.msg}") from error
    if not body:
        raise ProgramError("line 1: a program starts with program(name)")
    first, *rest = body
    program = _at(first, _read_header, first)
    nodes: dict[str, Node] = {}
    results: dict[tuple[str, str], str] = {}
    for line in rest:
        if isinstance(line, ast.Return) and line is rest[-1]:
            results = _at(line, _read_results, line.value, nodes)
        else:
            node = _at(line, _read_node, line, nodes)
            nodes[node.name] = node
    return replace(program, nodes=nodes, results=results)


def _at(line: ast.stmt, read: Callable[..., Any], *arguments: Any) -> Any:
    """Read something, with its line in front of what is wrong with it."""
    try:
        return read(*arguments)
    except (ProgramError, Mismatch) as error:
        raise ProgramError(f"line {line.lineno}: {error}") from error


def _read_header(line: ast.stmt) -> Program:
    match line:
        case ast.Expr(value=ast.Call(func=ast.Name(id="program"), args=[ast.Constant(value=str(name))], keywords=keywords)):
            facts = {str(each.arg): _read(each.value) for each in keywords}
            dtype = facts.pop("dtype", Program.dtype)
            unknown = sorted(facts.keys() - set(Policies._fields))
            if unknown:
                raise ProgramError(f"unknown: {', '.join(unknown)}")
            return Program(name, dtype, Policies(**facts))
    raise ProgramError("a program starts with program(name)")


def _read_node(line: ast.stmt, nodes: Mapping[str, Node]) -> Node:
    match line:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
            sweep, named = _read_annotation(None)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.Call() as call):
            sweep, named = _read_annotation(annotation)
        case _:
            raise ProgramError(f"not a node: {ast.unparse(line)}")
    if name in nodes:
        raise ProgramError(f"{name} is there already")
    op = _name(call.func)
    if op == "map":
        node = _read_map(name, call, nodes)
    elif op in ops.TABLE and not isinstance(ops.TABLE[op], ops.Composite):
        node = _read_op(name, op, call, nodes)
    else:
        raise ProgramError(f"unknown op {op!r}")
    return node._replace(sweep=sweep, named=named)


def _read_annotation(annotation: ast.expr | None) -> tuple[tuple[str, ...], bool]:
    """The sweep, and whether the user named the value."""
    if annotation is None:
        return (), True
    words = ast.unparse(annotation).split(".")
    if words == [UNNAMED]:
        return (), False
    return (tuple(words[:-1]), True) if words[-1] == NAMED else (tuple(words), False)


def _read_map(name: str, call: ast.Call, nodes: Mapping[str, Node]) -> Node:
    match call.args:
        case [ast.Constant(value=str(written)), *operands]:
            values = [_operand(each, nodes) for each in operands]
        case _:
            raise ProgramError("map takes a formula and operands")
    types = tuple(value.type for value in values)
    row = ops.TABLE["map"]
    attributes = row.complete(types, {"formula": written, **{str(each.arg): _read(each.value) for each in call.keywords}})
    shape, dtype = row.infer(*types, **attributes)
    return Node(name, "map", tuple(value.name for value in values), attributes, shape, dtype)


def _read_op(name: str, op: str, call: ast.Call, nodes: Mapping[str, Node]) -> Node:
    row = ops.TABLE[op]
    attributes = {str(each.arg): _read(each.value) for each in call.keywords}
    if isinstance(row, ops.Leaf):
        attributes |= zip(row.attributes, map(_read, call.args), strict=False)
        return _leaf(name, op, row, attributes)
    values = [_operand(each, nodes) for each in call.args]
    types = tuple(value.type for value in values)
    attributes = row.complete(types, attributes)
    shape, dtype = row.infer(*types, **attributes)
    return Node(name, op, tuple(value.name for value in values), attributes, shape, dtype)


def _leaf(name: str, op: str, row: Any, attributes: dict[str, Any]) -> Node:
    if op == "constant" and isinstance(attributes.get("value"), np.ndarray):
        attributes["value"].flags.writeable = False
        attributes["shape"] = attributes["value"].shape
    attributes = row.complete((), attributes)
    found: Type = row.infer(**attributes)
    return Node(name, op, (), attributes, found.shape, found.dtype)


def _read_results(value: ast.expr | None, nodes: Mapping[str, Node]) -> dict[tuple[str, str], str]:
    results: dict[tuple[str, str], str] = {}
    for each in value.elts if isinstance(value, ast.Tuple) else [value]:
        match each:
            case ast.Call(func=ast.Name(id=kind), args=[], keywords=keywords) if re.sub("(_dot)+$", "", kind) in RESULT_KINDS:
                results |= {(kind, str(keyword.arg)): _operand(keyword.value, nodes).name for keyword in keywords}
            case _:
                raise ProgramError(f"results are {', '.join(RESULT_KINDS)}, each as kind(name=node)")
    return results


def _operand(node: ast.expr, nodes: Mapping[str, Node]) -> Node:
    name = _name(node)
    if name not in nodes:
        raise ProgramError(f"no node {name!r} stands above")
    return nodes[name]


def _name(node: ast.expr) -> str:
    if not isinstance(node, ast.Name):
        raise ProgramError(f"not a name: {ast.unparse(node)}")
    return node.id


_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
}


def _read(node: ast.expr) -> Any:
    """The attribute that `_written` wrote. Names are sizes, and arithmetic is theirs."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return sizes.symbol(name)
        case ast.Tuple(elts=entries):
            return tuple(map(_read, entries))
        case ast.List(elts=entries):
            return list(map(_read, entries))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_read(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
            return _ARITHMETIC[type(sign)](_read(left), _read(right))
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(value))], keywords=[]):
            return float(value)
        case ast.Call(func=ast.Name(id="array"), args=[entries], keywords=keywords):
            facts = {str(each.arg): _read(each.value) for each in keywords}
            found = np.array(_read(entries), dtype=facts["dtype"])
            return found.reshape(facts["shape"]) if "shape" in facts else found
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if name in INITIALIZERS:
            return Initializer(name, tuple((str(each.arg), _read(each.value)) for each in keywords))
    raise ProgramError(f"not an attribute: {ast.unparse(node)}")
