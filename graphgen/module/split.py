"""The reverse mode in two functions: forward_sweep, and backward, which reads what that saved."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import sympy as sp

from graphgen import sizes
from graphgen.cost.wording import formula
from graphgen.emit import INDENT, Body
from graphgen.module.function import QUIET, Function, assigned, function, of_form, said_loss, scalar
from graphgen.module.layout import laid_out
from graphgen.module.saving import lines
from graphgen.module.setting import Setting
from graphgen.module.tables import names_text
from graphgen.program import LEAVES, Node
from graphgen.schedule import Drop, Memory, Statement, Step, known, node_bytes, read
from graphgen.targets.numpy import storage
from graphgen.wrap import WIDTH, wrapped


class _Halves(NamedTuple):
    """The two halves of value_and_grad.

    Attributes
    ----------
    saved
        What the second half reads: values, parameters and inputs.
    counted
        Symbolic sizes that it reads, and no shape of what is saved tells.
    sized
        Symbolic sizes that the shape of something saved tells: of which, along which axis.
    """

    forward: list[Step]
    backward: list[Step]
    saved: list[Node]
    counted: list[str]
    sized: dict[str, tuple[str, int]]


def split(setting: Setting, body: Body, steps: Sequence[Step]) -> list[Function]:
    """The functions that the two halves of value_and_grad are, if they are asked for."""
    if "split" not in setting.options.functions and setting.plan is None:
        return []
    halves = _halves(body, steps)
    names = [*(node.name for node in halves.saved), *halves.counted]
    setting.use("_read_saved")
    setting.tables.append(f"_saved = {names_text(names)}")
    if "value_and_grad" in setting.draw:
        setting.draw.add("forward_sweep")
    return [_forward_sweep(setting, body, halves, names), _backward(setting, body, halves, names)]


def _halves(body: Body, steps: Sequence[Step]) -> _Halves:
    program, memory = body.program, Memory(body, {})
    begin = _begin(body, steps)
    made = {name: step for step in steps[:begin] if isinstance(step, Statement) for name in step.writes}
    # What is no more than a number, or another look at what is there, is made once more rather than saved.
    cheap = {name for name in made if not program.nodes[name].args or _is_view(memory, name)}
    results = read("\n".join(_gradients(body).values()), known(program))
    backward = _remade(steps[begin:], {name: made[name] for name in cheap}, results)
    run = [step for step in backward if isinstance(step, Statement)]
    own = {name for step in run for name in step.writes}
    wanted = results.union(*(step.reads for step in run)) - own
    given = [*program.leaves("param"), *program.leaves("input"), *program.leaves("state")]
    values = [node for node in program.nodes.values() if node.op not in LEAVES]
    saved = [node for node in (*given, *values) if node.name in wanted]
    where: dict[str, tuple[str, int]] = {}
    for node in saved:
        for axis, size in enumerate(node.shape):
            if not isinstance(size, int) and size.is_Symbol:
                where.setdefault(size.name, (node.name, axis))
    counts = sorted(wanted - program.nodes.keys())
    told = {name: where[name] for name in counts if name in where}
    return _Halves(list(steps[:begin]), backward, saved, [name for name in counts if name not in where], told)


def _begin(body: Body, steps: Sequence[Step]) -> int:
    """Where the second half begins: with the reverse sweep, all that the first returns being made."""
    returned = {body.program.results[key] for key in body.results if key[0] in ("loss", "state")}
    run = [(place, step) for place, step in enumerate(steps) if isinstance(step, Statement)]
    made = [place + 1 for place, step in run if not returned.isdisjoint(step.writes) and not step.again]
    return max([next((place for place, step in run if step.reverse), len(steps)), *made])


def _is_view(memory: Memory, name: str) -> bool:
    """Whether a value shares the memory of another value, or of a leaf."""
    base = memory.base(memory.program.nodes[name])
    while base is not None and base not in memory.variables and memory.program.nodes[base].op not in LEAVES:
        base = memory.base(memory.program.nodes[base])
    return base is not None


def _gradients(body: Body) -> dict[str, str]:
    return {name: text for (kind, name), text in body.results.items() if kind == "gradient"}


def _remade(steps: Sequence[Step], cheap: Mapping[str, Statement], results: Iterable[str]) -> list[Step]:
    """The steps of the second half; what is cheap is made where it is first read, and only what it makes is dropped."""
    found: list[Step] = []
    own: set[str] = set()

    def make(reads: Iterable[str]) -> None:
        for name in sorted(reads):
            if name in cheap and name not in own:
                make(cheap[name].reads)
                found.append(cheap[name]._replace(reverse=True, again=True))
                own.update(cheap[name].writes)

    for step in steps:
        if isinstance(step, Drop):
            names = tuple(name for name in step.names if name in own)
            found += [Drop(names)] if names else []
            continue
        make(step.reads)
        found.append(step)
        own.update(step.writes)
    make(results)
    return found


def _without(steps: Sequence[Step], kept: Container[str]) -> list[Step]:
    """The steps without drops of what is saved, as the base of a view may be, or at the end, where all goes."""
    left = [
        Drop(tuple(name for name in step.names if name not in kept)) if isinstance(step, Drop) else step
        for step in steps
    ]
    left = [step for step in left if isinstance(step, Statement) or step.names]
    while left and isinstance(left[-1], Drop):
        left.pop()
    return left


def _forward_sweep(setting: Setting, body: Body, halves: _Halves, names: list[str]) -> Function:
    """The first half: the loss, what backward reads, and the state after the step."""
    saved = _dict({name: name for name in names})
    returned, kinds = [scalar(setting, body, "loss"), saved], ["float", "dict"]
    if setting.state:
        held = {node.name for node in halves.saved}
        after = {node.name: _apart(setting, body, "state", node.name, held) for node in setting.state}
        returned.append(_dict(after))
        kinds.append("dict")
    first = f"Return {said_loss(setting)}{of_form(setting, 'training', 'loss')}, and what `backward` reads"
    docstring = [
        f"{first}{'; the state after the step comes third' if setting.state else ''}.",
        "",
        *_listing(setting, halves),
    ]
    steps = _without(halves.forward, names)
    half = replace(body, lines=lines(steps))
    answer = ", ".join(returned)
    if len(answer) > WIDTH - INDENT - len("return "):
        answer = f"({answer})"
    return function(setting, "forward_sweep", setting.inputs, docstring, half, answer, f"tuple[{', '.join(kinds)}]")


def _dict(entries: Mapping[str, str]) -> str:
    """A dict by name as Python source."""
    inside = ", ".join(f'"{name}": {text}' for name, text in entries.items())
    return f"{{{inside}}}"


def _listing(setting: Setting, halves: _Halves) -> list[str]:
    """What is saved: name, shape and bytes of each."""
    given = {node.name for node in (*setting.parameters, *setting.inputs, *setting.state)}
    dtype = setting.program.dtype
    own = sum((node_bytes(node, dtype) for node in halves.saved if node.name not in given), start=0)
    rows = [
        (
            node.name,
            sizes.shape_text(node.shape),
            "as given" if node.name in given else f"{formula(node_bytes(node, dtype))} bytes",
        )
        for node in halves.saved
    ]
    rows += [(name, "", "a size") for name in halves.counted]
    names, shapes = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    return [
        f"Saved: {formula(sp.expand(own))} bytes, and by reference what the caller gave.",
        *(f"    {name.ljust(names)}  {shape.ljust(shapes)}  {said}" for name, shape, said in rows),
    ]


def _backward(setting: Setting, body: Body, halves: _Halves, names: list[str]) -> Function:
    """The second half: the gradients."""
    saved, held = setting.names["saved"], {node.name for node in halves.saved}
    made = replace(body, lines=lines(halves.backward))
    gradients = _dict({name: _apart(setting, body, "gradient", name, held) for name in setting.wrt})
    entry = [assigned(names, f"_read_saved({saved})")] if names else []
    entry += [f"{name} = {array}.shape[{axis}]" for name, (array, axis) in halves.sized.items()]
    statements = laid_out(made.lines)
    docstring = [f"Return the gradient of {said_loss(setting)}, from what `forward_sweep` saved, which stays as it is."]
    answer = f"dict[str, {setting.annotation}]"
    code = [part for line in entry for part in wrapped(line, INDENT).split("\n")]
    code += [""] * bool(code and statements) + statements
    return Function(
        "backward",
        [f"{saved}: dict"],
        answer,
        docstring,
        code,
        wrapped(f"return {gradients}", INDENT),
        QUIET if body.quiet else "",
    )


def _apart(setting: Setting, body: Body, kind: str, name: str, held: Container[str]) -> str:
    """The expression of a result that shares no memory with what is saved."""
    text = body.results[kind, name]
    shared = not setting.scalar and storage(body.program.results[kind, name], body.program) in held
    return f"{text}.copy()" if shared and not text.endswith(".copy()") else text
