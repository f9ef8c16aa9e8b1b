"""One op of the table, for people: what ``graphgen ops NAME`` shows."""

from __future__ import annotations

import re
from typing import Any

from graphgen.errors import GraphError, Problem

Fact = tuple[str, str]  # label, text


def describe(name: str) -> list[Fact]:
    """The facts about an op, as (label, text) pairs: formula, slopes, shape rule, policy, attributes, NumPy.

    Raises
    ------
    GraphError
        If there is no such op.
    """
    from graphgen import ops

    row = next((row for rows in ops.families().values() for row in rows if row.name == name), None)
    if row is None:
        raise GraphError(Problem("GG001", None, f"unknown op {name!r}", ops.suggestion(name)))
    attributes = [
        f"{key}={value!r}" if value is not ops.table.REQUIRED else key for key, value in row.attributes.items()
    ]
    module = "losses" if name in ops.LOSSES else "ops"
    facts = [("op", f"{module}.{name}({', '.join([*row.operands, *attributes])})"), ("what", row.summary)]
    facts += _elementwise(row) if isinstance(row, ops.Elementwise) else _structural(row)
    return facts


def _elementwise(row: Any) -> list[Fact]:
    from graphgen.targets.printer import written

    formula = written(row.derived(), "text", row.operands)
    if formula == f"{row.name}({', '.join(row.operands)})":  # sigmoid is known by its name where it stands in a slope
        formula = str(row.formula)
    facts = [("formula", f"y = {formula}"), *_slopes(row)]
    facts.append(("shape", "operands broadcast" if len(row.slots) > 1 else "that of the operand"))
    facts.append(("dtype", _DTYPES[row.dtype_rule]))
    facts += [("policy", text) for text in _policies(row)]
    facts.append(("NumPy", written(row, "numpy", row.operands)))
    return facts


_DTYPES = {
    "float": "floats; bools count as floats",
    "number": "floats, or integers of one type; bools count as floats",
    "comparison": "numbers of one type, to bools; bools count as floats",
    "logical": "bools",
    "where": "a bool condition, then two of one dtype",
}


def _slopes(row: Any) -> list[Fact]:
    """The gradient of each operand, for the gradient d_y of the result y."""
    from graphgen.calculus.slopes import Signature, vjp
    from graphgen.targets.printer import written

    count = len(row.slots)
    if row.zero_slope:
        return [("slope", "zero: no gradient passes")]
    signature = Signature(row.name, (), tuple(range(count)), (False,) * count, (None,) * count)
    facts = []
    for place, operand in enumerate(row.operands):
        rule = vjp(signature, place)
        if rule is not None:
            names = [{"g": "d_y", "y": "y"}.get(each) or row.operands[each] for each in rule.operands]
            facts.append(("slope", f"d_{operand} = {written(rule.formula, 'text', names)}"))
    return facts


def _policies(row: Any) -> list[str]:
    """What calculus leaves open, and what is decided here."""
    import sympy as sp

    from graphgen.calculus.functions import Maximum, Minimum

    found = []
    extrema = row.formula.atoms(Maximum, Minimum)
    if any(argument.is_number for each in extrema for argument in each.args):
        found.append("kink: at 0 the slope is relu_at_zero, 0 unless said")
    elif extrema:
        found.append("ties: equal operands share the gradient evenly, or the first gets it (ties)")
        found.append("kink: against a constant, the slope where they are equal is set by relu_at_zero")
    elif row.formula.has(sp.Piecewise) and row.dtype_rule == "float":
        found.append("kink: where two branches meet, the smaller slope counts, or the larger (relu_at_zero)")
    if row.name == "where":
        found.append("branches: what is not chosen gets no gradient, whatever its slope, and warns nobody")
    if row.name == "abs":
        found.append("kink: the slope at 0 is 0")
    for place, value in row.safe.items():
        operand = row.operands[place]
        found.append(f"branches: in a branch of where that is not taken, {operand} is {value:g}")
    return found


def _structural(row: Any) -> list[Fact]:
    """Formula, shapes at an example, gradients or parts, and the spelling."""
    from graphgen import ops
    from graphgen.inference import infer_type
    from graphgen.program import Builder, Node, Program

    facts = [("formula", row.formula)] if row.formula else []
    types, given = row.examples[0]
    result, attributes = infer_type(row.name, types, given)
    names = _operand_names(row, len(types))
    shown = ", ".join(f"{name} {each}" for name, each in zip(names, types, strict=True))
    keywords = ", ".join(f"{key}={value!r}" for key, value in given.items())
    facts.append(("shape", f"{shown}{' with ' if keywords else ''}{keywords} -> {result}"))
    builder = Builder(Program("describe"))
    for name, each in zip(names, types, strict=True):
        builder.append(Node(name, "input", (), {}, *each))
    operands = [builder[name] for name in names]
    if isinstance(row, ops.Composite):
        made = row.expand(*operands, **attributes)
        facts.append(("made of", f"y = {_text(builder, made.name)}"))
        return [*facts, ("slope", "that of its parts"), *([("note", row.note)] if row.note else [])]
    y = builder.append(Node("y", "input", (), {}, *result))
    g = builder.append(Node("d_y", "input", (), {}, *result))
    return [*facts, *_gradients(row, builder, operands, y, g, attributes), *_spelling(row, types, names, attributes)]


def _operand_names(row: Any, count: int) -> list[str]:
    if row.operands[-1].startswith("*"):
        return [f"{row.operands[-1][1:].removesuffix('s')}{place}" for place in range(count)]
    return list(row.operands)


def _gradients(row: Any, builder: Any, operands: list[Any], y: Any, g: Any, attributes: dict[str, Any]) -> list[Fact]:
    from graphgen import ops
    from graphgen.calculus.slopes import Policies

    if row.stops:
        return [("slope", "zero: no gradient passes")]
    if isinstance(row, ops.Reduction):
        axis = attributes["axis"]
        kept = ops.expand_dims(y, axis=axis)
        facts = []
        for ties in ("split", "first"):
            weights = row.weights(operands[0], kept, Policies(ties=ties), axis=axis)
            facts.append(("slope", f"weights = {_text(builder, weights.name)}  (ties={ties!r})"))
        return [*facts, ("slope", f"d_{operands[0].name} = weights * expand_dims(d_y, axis={axis[0]})")]
    facts = []
    for place, operand in enumerate(operands):
        if operand.dtype == "float":
            gradient = row.transpose(place, g, *([operands] if row.jointly else operands), **attributes)
            facts.append(("slope", f"d_{operand.name} = {_text(builder, gradient.name)}"))
    return facts


def _text(builder: Any, name: str) -> str:
    """A value as an expression of the inputs, every part written inside its reader."""
    from graphgen.display import Shown, shown

    texts: dict[str, Any] = {}
    for key, node in builder.nodes.items():
        inside = [texts[each] for each in node.args]
        texts[key] = Shown(key) if node.op == "input" else shown(node.op, inside, node.attributes)
    return texts[name].text


def _spelling(row: Any, types: tuple[Any, ...], names: list[str], attributes: dict[str, Any]) -> list[Fact]:
    spelling = row.numpy(*types, **attributes)
    text = spelling if isinstance(spelling, str) else spelling[0]
    return [("NumPy", re.sub(r"\{(\d+)(?::\w+)?\}", lambda match: names[int(match[1])], text))]
