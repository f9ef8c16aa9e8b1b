"""The checked variant of a module: the tables that say what each value is, at the end of the file.

Each value has a line of its own, functions are written as in the teach style, and one statement before the end of each,
``_expect_finite("loss", locals())``, looks whether the results are finite. What it tells if not is looked up here.
"""

from __future__ import annotations

import math
import re
import textwrap
from typing import Any, NamedTuple

import numpy as np

from graphgen import ops
from graphgen.display import LONGEST, Shown, shown
from graphgen.emit import LIMIT
from graphgen.module.function import Function
from graphgen.module.remedies import remedies
from graphgen.module.setting import Setting
from graphgen.program import LEAVES, Node, Program

CHECK = "_expect_finite"
_HALVES = {"forward_sweep": {"loss", "state"}, "backward": {"gradient"}}  # of value_and_grad: which of its results
_KINDS = {
    "loss": "the loss",
    "output": "the output {}",
    "state": "the state {}",
    "gradient": "the gradient of {}",
    "loss_dot": "the derivative",
    "output_dot": "the derivative of {}",
    "gradient_dot": "the product for {}",
}


def traced(setting: Setting, functions: list[Function]) -> list[str]:
    """Write the check into the functions that compute, and return what stands at the end of the module."""
    setting.use(CHECK, *["_with_findings"] * setting.scalar)
    common: dict[str, _Fact] = {}
    entries = []
    checked = [each for each in functions if each.name in setting.written or each.name in _HALVES]
    for each in checked:
        body = setting.written[each.name if each.name in setting.written else "value_and_grad"]
        made = set(re.findall(r"^(\w+) = ", "\n".join(each.lines), re.MULTILINE))
        found = {name: fact for name, fact in _facts(body.program).items() if name in made}
        for name, fact in found.items():
            common.setdefault(name, fact)
        own = {name: fact for name, fact in found.items() if common[name] != fact}
        kept = _HALVES.get(each.name, {kind for kind, _ in body.results})
        results = {body.program.results[key]: _called(*key) for key in body.results if key[0] in kept}
        entries += _entry(f"{_quoted(each.name)}: ", (results, tuple(found), own))
        each.lines.append(f'{CHECK}("{each.name}", locals())')
    labels = [fact.op for fact in common.values()]
    lines = [
        "# For each function of this checked variant: its results, its values in order, and the facts of those that mean",
        "# something else elsewhere.",
        "_traced = {",
        *entries,
        "}",
        "",
        "# Of each value: how its entries depend on those of its operands, the op, the operands, the sweep, the",
        "# statement, the statement of the model that it is a part of, and where that is declared.",
        "_facts = {",
        *(line for name, fact in common.items() for line in _entry(f"{_quoted(name)}: ", tuple(fact))),
        "}",
        "",
        "# What may be done, by the op that made a value which is not finite.",
        "_remedies = {",
        *(line for label, text in remedies(labels, setting.program.dtype).items() for line in _said(label, text)),
        "}",
    ]
    if setting.scalar:
        lines += ["", *(f"{each.name} = _with_findings({each.name})" for each in checked)]
    return lines


class _Fact(NamedTuple):
    """What is told of a value; see `_facts` in graphgen/runtime/supplied.py."""

    kind: str
    op: str
    operands: tuple[Any, ...]
    sweep: str
    statement: str
    whole: str
    place: str


def _entry(key: str, value: Any, indent: int = 4) -> list[str]:
    """An entry of a table, over as many lines as it takes; texts stay whole."""
    line = f"{' ' * indent}{key}{_literal(value)},"
    if len(line) <= LIMIT or not isinstance(value, (tuple, dict)):
        return [line]
    keys = [f"{_quoted(each)}: " for each in value] if isinstance(value, dict) else [""] * len(value)
    rows: list[str] = []
    for before, each in zip(keys, value.values() if isinstance(value, dict) else value, strict=True):
        text = f"{before}{_literal(each)},"
        if rows and len(rows[-1]) + 1 + len(text) <= LIMIT and rows[-1].strip() not in ("),", "},"):
            rows[-1] += f" {text}"
        else:
            rows += _entry(before, each, indent + 4)
    return [
        f"{' ' * indent}{key}{'{('[isinstance(value, tuple)]}",
        *rows,
        f"{' ' * indent}{'})'[isinstance(value, tuple)]},",
    ]


def _said(label: str, text: str) -> list[str]:
    """An entry whose text may take several lines."""
    line = f"    {_quoted(label)}: {_quoted(text)},"
    if len(line) <= LIMIT:
        return [line]
    parts = textwrap.wrap(text, LIMIT - 12, drop_whitespace=False)
    return [f"    {_quoted(label)}: (", *(f"        {_quoted(part)}" for part in parts), "    ),"]


def _facts(program: Program) -> dict[str, _Fact]:
    return {node.name: _fact(node, program) for node in program.nodes.values() if node.op not in (*LEAVES, "size")}


def _called(kind: str, name: str) -> str:
    return _KINDS.get(kind, f"the {kind.replace('_', ' ')} of {{}}").format(name)


def _fact(node: Node, program: Program) -> _Fact:
    kind = "choice" if node.op == "where" else "each" if ops.is_elementwise(node.op) else "whole"
    read = [program.nodes[each] for each in node.args]
    operands = tuple(map(_operand, read))
    sweep = " of ".join(reversed(node.sweep)) or "forward"
    statement = f"{node.name} = {shown(node.op, [*map(_shown, read)], node.attributes).text}"
    if len(statement) > LONGEST:
        statement = f"{node.name} = {ops.spoken(node.op, node.attributes)}({', '.join(each.name for each in read)})"
    answered = [program.nodes[each] for each in node.why.answers if each in program.nodes]
    place = node.why.place or next((each.why.place for each in answered if each.why.place), "")
    whole = node.why.statement if node.why.statement != statement else ""
    return _Fact(kind, _label(node, answered), operands, sweep, statement, whole, place)


def _label(node: Node, answered: list[Node]) -> str:
    """The op that a remedy is looked up by: of a derivative the one that it is of, of a part of a composite both."""
    if node.sweep and len(answered) == 1 and node.op != "accumulate":
        return f"slope of {answered[0].op}"
    return f"{node.why.composite}: {node.op}" if node.why.composite else node.op


def _operand(node: Node) -> Any:
    """The name of an operand, or its number; None for a size, which is always finite."""
    if node.op != "constant":
        return None if node.op == "size" else node.name
    value = node.attributes["value"]
    return value if not isinstance(value, np.ndarray) else f"_{node.name}"


def _shown(node: Node) -> Shown:
    return shown(node.op, [], node.attributes) if node.op in ("constant", "size") else Shown(node.name)


def _literal(value: Any) -> str:
    """A number, a text, or a tuple or dict of them, as Python source."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_quoted(key)}: {_literal(each)}' for key, each in value.items())}}}"
    if isinstance(value, tuple):
        inside = [_literal(each) for each in value]
        return f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
