"""How a generated function is put together: its head, the checks at entry, its statements, what it returns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphgen import sizes
from graphgen.emit import INDENT, LIMIT, Body
from graphgen.errors import GraphError, Problem
from graphgen.module.layout import laid_out
from graphgen.module.setting import Setting
from graphgen.program import Node, Program
from graphgen.wrap import WIDTH, wrapped

QUIET = '@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # an infinity may turn out not to matter'


@dataclass
class Function:
    """A generated function: text that is ready to be laid out.

    Attributes
    ----------
    arguments
        Each with its annotation.
    docstring
        Its lines, the second one empty.
    lines
        The body, but for the last statement.
    """

    name: str
    arguments: list[str]
    answer: str
    docstring: list[str]
    lines: list[str] = field(default_factory=list)
    returns: str = ""
    decorator: str = ""

    @property
    def head(self) -> str:
        """The `def` line, over several lines where it is long, below the decorator."""
        line = f"def {self.name}({', '.join(self.arguments)}) -> {self.answer}:"
        lines = [line] if len(line) <= LIMIT else [f"def {self.name}(", *(f"    {each}," for each in self.arguments), f") -> {self.answer}:"]
        return "\n".join([*([self.decorator] if self.decorator else []), *lines])

    @property
    def text(self) -> str:
        return "\n".join([self.head, *self.lines, self.returns])


def function(
    setting: Setting,
    name: str,
    inputs: list[Node],
    docstring: list[str],
    body: Body,
    returned: str,
    answer: str,
    first: Sequence[str] = (),
    then: Sequence[str] = (),
    sized: Sequence[Node] = (),
) -> Function:
    """Put a function together.

    Parameters
    ----------
    first, then
        Statements after the checks at entry: before, and after, the symbolic sizes are known.
    sized
        What tells symbolic sizes: the inputs and parameters unless said.
    """
    arguments = [f"{setting.names['parameters']}: dict", *(f"{node.name}: {setting.annotation}" for node in inputs)]
    arguments += keyword_arguments(setting, name)
    code = "\n".join([*(line.code for line in body.lines), returned])
    size_lines = _size_lines(setting, sized or [*inputs, *setting.parameters], "\n".join([*then, code]))
    if name in setting.draw:
        size_lines.append(f"{setting.names['generator']} = np.random.default_rng({setting.names['seed']})")
    read = "\n".join([*first, *size_lines, *then, code])
    lines = [*_entry(setting, inputs, read), *_state_entry(setting, read), *first, *size_lines, *then]
    lines = [part for line in lines for part in wrapped(line, INDENT).split("\n")]
    statements = laid_out(body.lines)
    gap = [""] if lines and statements else []
    returns = wrapped(f"return {returned}", INDENT)
    return Function(name, arguments, answer, docstring, lines + gap + statements, returns, QUIET if body.quiet else "")


def keyword_arguments(setting: Setting, function: str) -> list[str]:
    """The arguments that a function takes by keyword alone, each with its annotation; see `Setting.keywords`."""
    types = {setting.names["state"]: "dict", setting.names["seed"]: "int"}
    keywords = [f"{each}: {types[each]}" for each in setting.keywords(function)]
    return ["*", *keywords] if keywords else []


def given_tangents(setting: Setting, argument: str, body: Body, returned: str, check: str = "_check_tangents") -> list[str]:
    """A direction is checked and unpacked: the tangents of what is differentiated by."""
    if not setting.wrt:
        return []
    setting.use(check)
    code = "\n".join([*(line.code for line in body.lines), returned])
    names = [f"{name}_dot" if reads(code, f"{name}_dot") else "_" for name in setting.wrt]
    call = f"{check}({argument}{''.join(f', {name}={name}' for name in setting.wrt)})"
    return [assigned(names, call) if set(names) > {"_"} or "_" not in names else call]


def float_outputs(program: Program) -> dict[str, Node]:
    """The outputs that have derivatives. Raises a GraphError if there is none."""
    found = {name: program.nodes[node] for name, node in program.of("output").items() if program.nodes[node].dtype == "float"}
    if not found:
        remedy = "give an output of floats with g.output, or leave out --vjp and --jacobian"
        raise GraphError(Problem("GG130", None, "no output is made of floats, and so none has a derivative", remedy))
    return found


def read_inputs(setting: Setting, program: Program) -> list[Node]:
    """The inputs that derivatives of the outputs take: those that forward takes, and those that they are by."""
    read = program.read() | set(setting.wrt)
    return [node for node in setting.inputs if node.name in read]


def dict_text(values: Mapping[str, str]) -> str:
    """A dict by name, as source."""
    entries = ", ".join(f'"{name}": {value}' for name, value in values.items())
    return f"{{{entries}}}"


def _state_entry(setting: Setting, code: str) -> list[str]:
    """The state is checked and unpacked."""
    if not setting.state:
        return []
    setting.use("_read_state")
    names = [node.name if reads(code, node.name) else "_" for node in setting.state]
    call = f"_read_state({setting.names['state']})"
    return [assigned(names, call) if set(names) > {"_"} or "_" not in names else call]


def _entry(setting: Setting, inputs: list[Node], code: str) -> list[str]:
    """Arguments are checked and unpacked; what the code does not read is called _."""
    names = [node.name if reads(code, node.name) else "_" for node in [*setting.parameters, *inputs]]
    given = "".join(f", {node.name}={node.name}" for node in inputs)
    setting.use("_check")
    call = f"_check({setting.names['parameters']}{given})"
    return [assigned(names, call) if set(names) > {"_"} or "_" not in names else call] if names else []


def assigned(names: list[str], call: str) -> str:
    inside = ", ".join(_without_runs(names))
    left = inside if len(names) > 1 else f"({inside},)"
    head = f"{left} = {call.partition('(')[0]}("
    if len(left) + INDENT + 4 <= WIDTH and len(head) + INDENT <= LIMIT:
        return f"{left} = {call}"
    lines = textwrap.wrap(f"{inside},", WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
    return "\n".join(["(", *lines, f") = {wrapped(call, INDENT + 4)}"])


def _without_runs(names: list[str]) -> list[str]:
    """The names with the longest run of _ as one *_."""
    length, start, run = 0, 0, 0
    for place, name in enumerate(names):
        run = run + 1 if name == "_" else 0
        if run > length:
            length, start = run, place - run + 1
    return [*names[:start], "*_", *names[start + length :]] if length > 2 else names


def reads(code: str, name: str) -> bool:
    """Whether the code reads a name: not as an attribute, not as a keyword, not in a string such as a dict's key."""
    return re.search(rf"(?<![.\w]){name}(?!\w|=[^=])", re.sub(r'"[^"\n]*"', '""', code)) is not None


def _size_lines(setting: Setting, sized: Sequence[Node], code: str) -> list[str]:
    """Where symbolic sizes come from, for those that the code reads, and the check of sizes made of others."""
    lines: dict[str, str] = {}
    derived = []
    for node in sized:
        for axis, size in enumerate(node.shape):
            if isinstance(size, int):
                continue
            if size.is_Symbol:
                lines.setdefault(size.name, f"{size.name} = {node.name}.shape[{axis}]")
            else:
                derived.append(f'_expect("{node.name}", {node.name}, {axis}, {sizes.text(size)})')
    if derived:
        setting.use("_expect")
    text = "\n".join([code, *derived])
    return [line for name, line in lines.items() if reads(text, name)] + derived


def wrapped_docstring(text: str, short: str = "Return the outputs.") -> list[str]:
    """A docstring that fits its lines: where it is long, the rest follows an empty line, if need be below a `short` one."""
    if len(text) <= LIMIT - INDENT - 6:
        return [text]
    first, _, rest = text.partition(", for ")
    shapes = paragraph(f"For {rest}" if rest else first)
    return [f"{first}." if rest and len(first) <= LIMIT - INDENT - 6 else short, "", *shapes]


def paragraph(text: str) -> list[str]:
    """Lines of a docstring."""
    return textwrap.wrap(text, LIMIT - INDENT, break_long_words=False, break_on_hyphens=False)


def of_form(setting: Setting, form: str, *kinds: str) -> str:
    """Which form a function computes, where that makes a difference."""
    return f", in {form} form" if setting.forms.differ(*kinds) else ""


def said_loss(setting: Setting) -> str:
    return "the loss" if setting.program.loss == "loss" else f"the loss {setting.program.loss}"


def scalar(setting: Setting, body: Body, kind: str) -> str:
    text = body.results[kind, "loss"]
    return text if setting.scalar else f"float({text})"


def of_shape(node: Node) -> str:
    return f" of shape {sizes.shape_text(node.shape)}" if node.shape else ""
