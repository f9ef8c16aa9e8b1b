r"""The equations of an op as LaTeX: of a formula and its slopes, and of what reads like Python.

The array rows of the op table say ``y[..., i] = sum(a[..., i, k] * b[k] for k)``: assignments to be read as equations, in
which a generator may say ``for k``, ``for k < i`` or ``for i along axis``. Names of several letters stand upright, ``x0``
and ``x_i`` have a subscript, Greek letters are what they are called.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphgen import ops
from graphgen.latex import TIMES, aligned, expression, identifier, operator
from graphgen.ops.describe import slopes
from graphgen.targets.precedence import ADD, ANY, ATOM, COMPARE, MULTIPLY, NOT, OR, POWER, UNARY
from graphgen.targets.precedence import AND as ALL

Equation = tuple[str, str]  # left side, right side


def of_row(row: Any) -> list[Equation]:
    """The formula of an op of the table, its variants, and the slopes of an elementwise one."""
    if not isinstance(row, ops.Elementwise):
        return statements(row.formula)
    known = frozenset(ops.NAMES) - {row.name}
    keyword = next((key for key, value in row.attributes.items() if isinstance(value, str)), "")
    found = [("y", expression(row.formula, {}, known))]
    for name, variant in row.variants.items():
        found.append(("y", expression(variant, {}, known) + _note({keyword: name})))
    return found if row.stops else found + _slopes(row.name, row.operands, known, _note(row.attributes))


def of_primitive(primitive: ops.Primitive) -> str:
    """The formula of a user's primitive, and its slopes, as one group."""
    known = frozenset(ops.NAMES)
    names = dict(zip(primitive.formula.slots, primitive.operands, strict=True))
    call = f"{operator(primitive.name)}\\left({', '.join(map(identifier, primitive.operands))}\\right)"
    value = f"{call} = {expression(primitive.formula.expression, names, known)}"
    result = _result(primitive.operands)
    found = dict(_slopes(primitive.formula, primitive.operands, known, result=result))
    numbers = zip(primitive.operands, primitive.formula.kinds, strict=True)
    gradients = [identifier(f"d_{operand}") for operand, kind in numbers if kind == "float"]
    return aligned([(identifier(result), value), *((each, found.get(each, "0")) for each in gradients)])


def _result(operands: Sequence[str]) -> str:
    """What to call the result: a name that neither an operand has nor its gradient."""
    taken = {*operands, *(each.removeprefix("d_") for each in operands)}
    return next(name for name in ("y", *"zwvuts", *(f"y{count}" for count in range(len(taken)))) if name not in taken)


def _slopes(
    op: Any, operands: Sequence[str], known: frozenset[str], note: str = "", result: str = "y"
) -> list[Equation]:
    found = []
    for operand, rule, names in slopes(op, operands, result):
        slots = dict(zip(rule.formula.slots, names, strict=True))
        found.append((identifier(f"d_{operand}"), expression(rule.formula.expression, slots, known) + note))
    return found


def _note(given: Mapping[str, Any]) -> str:
    """For which attributes an equation holds."""
    if not given:
        return ""
    listed = r",\, ".join(f"{identifier(key)} = {_value(value)}" for key, value in given.items())
    return f" \\qquad ({listed})"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return f"\\text{{{value}}}"
    return r"\infty" if value == float("inf") else f"{value:g}"


def statements(text: str) -> list[Equation]:
    """The equations that near-Python statements are, each with its left and its right side.

    Raises
    ------
    ValueError
        If the text is none.
    """
    try:
        body = ast.parse(_loops(text)).body
    except SyntaxError as error:
        raise ValueError(f"no formula: {text}") from error
    found = []
    for line in body:
        match line:
            case ast.Assign(targets=[left], value=right):
                found.append((_at(left, ANY), _at(right, ANY)))
            case ast.AugAssign(target=left, op=ast.Add(), value=right):
                found.append((f"{_at(left, ANY)} \\mathrel{{+}}\\!", _at(right, ANY)))
            case _:
                raise ValueError(f"not an assignment: {ast.unparse(line)}")
    return found


_CLAUSE = re.compile(r"\bfor (?P<clause>(?:[^()\[\]]|[(\[][^()\[\]]*[)\]])*?)(?=\)| if | for )")


def _loops(text: str) -> str:
    """Python's own syntax for ``for k``, ``for k < i`` and ``for i along axis``."""

    def clause(match: re.Match[str]) -> str:
        said = match["clause"]
        names, along, axis = said.partition(" along ")
        if along:
            return f"for _ in along(({names},), {axis})"
        return match[0] if re.match(r"[\w, ]+ in ", said) and " not in " not in said else f"for _ in over(({said},))"

    return _CLAUSE.sub(clause, text)


_LARGE = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min", "any": r"\exists", "all": r"\forall"}
_COMPARISONS: dict[type, str] = {
    ast.Eq: "=", ast.NotEq: r"\ne", ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge",
    ast.In: r"\in", ast.NotIn: r"\notin",
}  # fmt: skip


def _at(node: ast.expr, least: int) -> str:
    """A part of a formula, in brackets unless it holds together as tightly as `least`."""
    text, precedence = _part(node)
    return text if precedence >= least else f"\\left({text}\\right)"


def _listed(nodes: Sequence[ast.expr]) -> str:
    return ", ".join(_at(each, ANY) for each in nodes)


def _part(node: ast.expr) -> tuple[str, int]:
    match node:
        case ast.Name(id=name):
            return identifier(name), ATOM
        case ast.Constant(value=value) if value is ...:
            return r"\dots", ATOM
        case ast.Constant(value=str(value)):
            return f"\\text{{{value}}}", ATOM
        case ast.Constant(value=value):
            return {"None": r"\text{None}", "inf": r"\infty"}.get(str(value), str(value)), ATOM
        case ast.BinOp(left=left, op=sign, right=right):
            return _arithmetic(left, sign, right)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"\\lnot {_at(operand, NOT)}", NOT
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_at(operand, UNARY)}", UNARY
        case ast.BoolOp(op=sign, values=values):
            word, precedence = (r" \land ", ALL) if isinstance(sign, ast.And) else (r" \lor ", OR)
            return word.join(_at(each, precedence + 1) for each in values), precedence
        case ast.Compare(left=left, ops=signs, comparators=others):
            pairs = zip(signs, others, strict=True)
            tail = "".join(f" {_COMPARISONS[type(sign)]} {_at(each, COMPARE + 1)}" for sign, each in pairs)
            return _at(left, COMPARE + 1) + tail, COMPARE
        case ast.IfExp():
            return _cases(node), ANY
        case ast.Subscript(value=base, slice=index):
            return f"{_base(base)}_{{{_index(index)}}}", ATOM
        case ast.Attribute(value=base, attr="T"):
            return f"{_at(base, ATOM)}^{{\\top}}", POWER
        case ast.Attribute(value=base, attr=name):
            return f"{operator(name)}\\left({_at(base, ANY)}\\right)", ATOM
        case ast.Tuple(elts=entries) | ast.List(elts=entries):
            return f"\\left({_listed(entries)}\\right)", ATOM
        case ast.Call(func=ast.Name(id=name), args=[ast.GeneratorExp() as loop], keywords=[]):
            return _large(name, loop)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            return _call(name, arguments, keywords)
    raise ValueError(f"not part of a formula: {ast.unparse(node)}")


def _base(node: ast.expr) -> str:
    text = _at(node, ATOM)
    return f"{{{text}}}" if "_" in text else text


def _index(node: ast.expr) -> str:
    entries = node.elts if isinstance(node, ast.Tuple) else [node]
    return ", ".join(_slice(each) if isinstance(each, ast.Slice) else _flat(each) for each in entries)


def _slice(node: ast.Slice) -> str:
    ends = [_flat(end) if end is not None else "" for end in (node.lower, node.upper)]
    return " : ".join([*ends, _flat(node.step)] if node.step is not None else ends).strip()


def _flat(node: ast.expr) -> str:
    """A part of a subscript or an exponent, where fractions are written on one line."""
    text = _at(node, ANY)
    return re.sub(r"\\frac\{(\w+|\\\w+)\}\{(\w+|\\\w+)\}", r"\1 / \2", text)


def _arithmetic(left: ast.expr, sign: ast.operator, right: ast.expr) -> tuple[str, int]:
    match sign:
        case ast.Add():
            return f"{_at(left, ADD)} + {_at(right, ADD)}", ADD
        case ast.Sub():
            return f"{_at(left, ADD)} - {_at(right, ADD + 1)}", ADD
        case ast.Mult() | ast.MatMult():
            factor = _at(right, MULTIPLY + 1)
            times = r" \cdot " if factor[0].isdigit() else TIMES
            return f"{_at(left, MULTIPLY)}{times}{factor}", MULTIPLY
        case ast.Div():
            return f"\\frac{{{_at(left, ANY)}}}{{{_at(right, ANY)}}}", POWER
        case ast.FloorDiv():
            return f"\\left\\lfloor {_at(left, MULTIPLY)} / {_at(right, MULTIPLY + 1)} \\right\\rfloor", ATOM
        case ast.Mod():
            return f"{_at(left, MULTIPLY)} \\bmod {_at(right, MULTIPLY + 1)}", MULTIPLY
        case ast.Pow():
            return f"{_at(left, ATOM)}^{{{_flat(right)}}}", POWER
    raise ValueError(f"no sign for {type(sign).__name__}")


def _cases(node: ast.expr) -> str:
    branches = []
    while isinstance(node, ast.IfExp):
        branches.append(f"{_at(node.body, ANY)} & \\text{{for}}\\: {_at(node.test, ANY)}")
        node = node.orelse
    branches.append(f"{_at(node, ANY)} & \\text{{otherwise}}")
    lines = r" \\ ".join(branches)
    return f"\\begin{{cases}} {lines} \\end{{cases}}"


def _large(name: str, loop: ast.GeneratorExp) -> tuple[str, int]:
    """A sum, a product, or the largest of terms."""
    if name not in _LARGE:
        return f"\\mathop{{{operator(name)}}}_{{{_below(loop)[0]}}} {_at(loop.elt, MULTIPLY)}", ADD
    below, above = _below(loop)
    limits = f"_{{{below}}}{f'^{{{above}}}' if above else ''}"
    separator = r"\colon " if name in ("any", "all") else " "
    return f"{_LARGE[name]}{limits}{separator}{_at(loop.elt, MULTIPLY)}", ADD


def _below(loop: ast.GeneratorExp) -> tuple[str, str]:
    """What stands below the sign, and above it."""
    parts, above = [], ""
    for each in loop.generators:
        match each.iter:
            case ast.Call(func=ast.Name(id="along"), args=[ast.Tuple(elts=names), axis]):
                parts.append(f"{_listed(names)} \\in {_at(axis, ANY)}")
            case ast.Call(func=ast.Name(id="over"), args=[ast.Tuple(elts=names)]):
                parts.append(_listed(names))
            case ast.Call(func=ast.Name(id="range"), args=[count]) if len(loop.generators) == 1 and not each.ifs:
                parts.append(f"{_at(each.target, ANY)} = 0")
                above = _last(count)
            case ast.Call(func=ast.Name(id="range"), args=[count]):
                parts.append(f"0 \\le {_at(each.target, ANY)} < {_at(count, COMPARE + 1)}")
            case _:
                parts.append(f"{_at(each.target, ANY)} \\in {_at(each.iter, ANY)}")
        parts += [_at(condition, ANY) for condition in each.ifs]
    return r",\, ".join(parts), above


def _last(count: ast.expr) -> str:
    """One less than a number: i for i + 1."""
    match count:
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=1)):
            return _flat(left)
    return f"{_flat(count)} - 1"


def _call(name: str, arguments: list[ast.expr], keywords: list[ast.keyword]) -> tuple[str, int]:
    inside = [_at(each, ANY) for each in arguments]
    inside += [f"{identifier(str(each.arg))} = {_at(each.value, ANY)}" for each in keywords]
    if len(inside) == 1 and name == "sqrt":
        return f"\\sqrt{{{inside[0]}}}", ATOM
    if len(inside) == 1 and name == "abs":
        return f"\\left\\lvert {inside[0]} \\right\\rvert", ATOM
    if len(inside) == 1 and name in ("floor", "ceil"):
        return f"\\left\\l{name} {inside[0]} \\right\\r{name}", ATOM
    if name == "exp":
        return f"e^{{{inside[0]}}}", POWER
    return f"{operator(name)}\\left({', '.join(inside)}\\right)", ATOM
