"""Which gradients pass where another is declared than calculus would have: notes for the table of check_gradients."""

from __future__ import annotations

from graphgen import display, ops
from graphgen.calculus.slopes import vjp
from graphgen.differentiation.gradient import constants, signature
from graphgen.module.layout import listed
from graphgen.module.setting import Setting
from graphgen.program import Node, Program

_MOST = 3  # nodes that a note lists


def declared(setting: Setting) -> list[str]:
    """The table of notes, by gradient; no line where nothing is declared."""
    program = setting.forms.training.restrict("loss")
    if not any(display.declared(node, program.nodes) for node in program.nodes.values()):
        return []
    found = on_the_way(program)
    clips = setting.options.has_reverse  # nothing is clipped in forward mode
    met = {name: [node for node in program.nodes.values() if node.name in found.get(name, {})] for name in setting.wrt}
    notes = {name: _note(nodes, clips) for name, nodes in met.items()}
    entries = ", ".join(f'"{name}": "{note}"' for name, note in notes.items() if note)
    return [f"_declared = {{{entries}}}"] if entries else []


def on_the_way(program: Program) -> dict[str, dict[str, None]]:
    """For each value, the nodes with declared gradients that it meets on its way to the loss."""
    assert program.loss is not None
    found: dict[str, dict[str, None]] = {program.loss: {}}
    constant = constants(program)
    for node in reversed(program.nodes.values()):
        if node.name not in found:
            continue
        own, stops = display.declared(node, program.nodes), ops.TABLE[node.op].stops
        beyond = ({node.name: None} if own else {}) | ({} if stops else found[node.name])
        for place, argument in enumerate(node.args):
            if _passes(program, node, place, constant) or (stops and own):
                found.setdefault(argument, {}).update(beyond)
    return found


def _passes(program: Program, node: Node, place: int, constant: set[str]) -> bool:
    """Whether the gradient of a node goes on to an operand."""
    if node.dtype != "float" or program.nodes[node.args[place]].dtype != "float" or ops.TABLE[node.op].stops:
        return False
    return not ops.is_elementwise(node.op) or vjp(signature(program, node, constant), place) is not None


def _note(nodes: list[Node], clips: bool) -> str:
    said: dict[str, dict[str, None]] = {"as declared at {}": {}, "{} held": {}, "clipping at {} lifted": {}}
    declared, held, clipped = said.values()
    for node in nodes:
        if ops.TABLE[node.op].stops:
            held[node.name if node.named else node.args[0]] = None
        elif ops.is_elementwise(node.op):
            declared[node.name] = None
        elif clips:
            clipped[node.name] = None
    return "; ".join(text.format(_names([*names])) for text, names in said.items() if names)


def _names(names: list[str]) -> str:
    return listed(names if len(names) <= _MOST else [*names[: _MOST - 1], f"{len(names) - _MOST + 1} more"])
