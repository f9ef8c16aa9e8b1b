"""The head of a module: its docstring, the public tables, and what checks need to know."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from graphgen import ops, sizes
from graphgen.cost import header as cost
from graphgen.module import saving
from graphgen.module.function import read_inputs
from graphgen.module.setting import Options, Setting
from graphgen.ops.axes import number_text
from graphgen.program import Node, Program
from graphgen.wrap import WIDTH, wrapped


def docstring(setting: Setting) -> list[str]:
    """What the file is, of which graph, how it was made; no date, no path."""
    options, policies = setting.options, setting.program.policies
    said = [f"style {options.style}", "inference" if options.inference else f"mode {options.mode}"]
    if not options.inference:
        said += [name.replace("_", "-") for name in options.functions]
        said += [f"gauss-newton {options.gauss_newton}"] * (options.gauss_newton is not None)
    if options.weights is not None:
        said.append("embedded weights")
    if options.wrt:
        said.append(f"wrt {', '.join(options.wrt)}")
    if options.optimizer and not options.inference:
        said.append(f"optimizer {options.optimizer[0]}")
    if options.trace:
        said.append("trace")
    if policies.relu_at_zero:
        said.append(f"relu_at_zero {policies.relu_at_zero!r}")
    if policies.ties != "split":
        said.append(f"ties {policies.ties}")
    return [
        f"{setting.program.name}: {_sweeps(setting)} of {options.model}, {_manner(options)}.",
        "",
        f"graph       {options.graph_size}; hash {options.fingerprint}",
        f"parameters  {_count(setting.parameters)}, {setting.program.dtype}",
        *cost.lines(setting.written),
        *textwrap.wrap(f"options     {', '.join(said)}", cost.ROOM, subsequent_indent=" " * 12, break_on_hyphens=False),
        *([f"state       {_count(setting.state)}"] if setting.state else []),
        *_forms(setting),
        *saving.header(setting),
        f"made by graphgen {options.version} (target numpy); its authors claim no ownership of this file",
    ]


def _manner(options: Options) -> str:
    return "a checked variant that names the first nan or infinity" if options.trace else f"in the {options.style} style"


def _count(nodes: Iterable[Node]) -> str:
    """How many numbers there are in all."""
    count = sum((sizes.product(node.shape) for node in nodes), start=0)
    values = f"{count:,}" if isinstance(count, int) else sizes.text(count)
    return f"{values} value{'s' * (values != '1')}"


def _forms(setting: Setting) -> list[str]:
    """Which functions are of which form, where there are two."""
    if not setting.forms.differ("output", "loss", "state"):
        return []
    inference = ["forward", *["evaluate"] * setting.forms.differ("loss")]
    inference += [name for name in ("vjp", "jacobian") if name in setting.options.functions]
    return [f"forms       inference: {', '.join(inference)}; training: all others that compute"]


def _sweeps(setting: Setting) -> str:
    if setting.program.loss is None:
        return "forward pass and derivatives" if setting.checks_outputs else "forward pass"
    modes = {"reverse": "forward and reverse sweeps", "forward": "forward-mode sweep", "both": "forward, reverse and forward-mode sweeps"}
    return modes[setting.options.mode]


def tables(setting: Setting) -> list[str]:
    """The float type, the public tables, constants, and the tables that helpers read."""
    program, dtype = setting.program, setting.program.dtype
    outputs = {name: program.nodes[node] for name, node in program.of("output").items()}
    lines = [f"_float = {'float' if setting.scalar else f'np.{dtype}'}  # the type of every float in this file", ""]
    lines += _table("PARAMETERS", {node.name: node for node in setting.parameters}, dtype)
    lines += _table("INPUTS", {node.name: node for node in setting.inputs}, dtype)
    lines += _table("OUTPUTS", outputs, dtype)
    lines += _table("STATE", {node.name: node for node in setting.state}, dtype) if setting.state else []
    private = [] if setting.options.inference else _private_tables(setting)
    constants = [f"{name} = {array_text(array, 0, _dtype_text(array))}" for name, array in setting.arrays.items()]
    return [*lines, *(part for line in [*private, *constants] for part in wrapped(line, 0).split("\n"))]


def _private_tables(setting: Setting) -> list[str]:
    lines = [f'_hash = "{setting.options.fingerprint}"']
    if setting.program.loss is None and not setting.checks_outputs:
        return lines
    lines.append(f"_bounds = {_bounds_text(setting.program)}")
    lines.append(f"_sizes = {names_text(parameter_sizes(setting))}")
    if setting.checks_outputs:
        program = setting.forms.inference.restrict("output")
        read = program.read()
        lines.append(f"_read = {names_text(node.name for node in setting.inputs if node.name in read)}")
        lines.append(f"_differentiated = {names_text(node.name for node in read_inputs(setting, program))}")
    elif not setting.options.has_reverse:
        lines.append(f"_wrt = {names_text(setting.wrt)}")
    elif setting.options.optimizer is not None:
        lines.append(f"_trained = {names_text(setting.trained)}")
    return [*lines, *setting.tables]


def parameter_sizes(setting: Setting) -> list[str]:
    """The symbolic sizes of the parameters, in order."""
    return list(dict.fromkeys(name for node in setting.parameters for name in sizes.symbols(node.shape)))


def classes(setting: Setting) -> list[str]:
    """The type of several outputs."""
    outputs = setting.program.of("output")
    if len(outputs) == 1:
        return []
    fields = "\n".join(f"    {name}: {setting.annotation}" for name in outputs)
    return [f'class {setting.names["Outputs"]}(NamedTuple):\n    """What `forward` returns."""\n\n{fields}']


def _table(title: str, nodes: Mapping[str, Node], dtype: str) -> list[str]:
    entries = [f'"{name}": ({_shape_entry(node.shape)}, "{dtype if node.dtype == "float" else node.dtype}")' for name, node in nodes.items()]
    line = f"{title} = {{{', '.join(entries)}}}"
    if len(line) <= WIDTH and len(entries) < 4:
        return [line]
    return [f"{title} = {{", *(f"    {entry}," for entry in entries), "}"]


def _shape_entry(shape: sizes.Shape) -> str:
    entries = [str(size) if isinstance(size, int) else f'"{sizes.text(size)}"' for size in shape]
    return f"({entries[0]},)" if len(entries) == 1 else f"({', '.join(entries)})"


def names_text(names: Iterable[str]) -> str:
    """A tuple of names as Python source."""
    inside = [f'"{name}"' for name in names]
    return f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"


def array_text(array: np.ndarray, indent: int, dtype: str = "") -> str:
    """An array as Python source."""
    if not array.size:
        return f"np.zeros({sizes.shape_text(array.shape)}{f', dtype={dtype}' if dtype else ''})"
    inside = re.sub(r"\b(nan|inf)\b", r'float("\1")', repr(array.tolist()))
    return wrapped(f"np.array({inside}{f', dtype={dtype}' if dtype else ''})", indent)


def _dtype_text(array: np.ndarray) -> str:
    return {"f": "_float", "b": "bool"}.get(array.dtype.kind, f"np.{array.dtype}")


def derives_sizes(setting: Setting) -> bool:
    """Whether checks have to work out sizes such as 2 * n."""
    entries = [size for node in [*setting.inputs, *setting.parameters] for size in node.shape]
    entries += [bound for pair in bounds(setting.program).values() for bound in pair]
    return any(isinstance(entry, sp.Expr) and not entry.is_Symbol for entry in entries)


def bounds(program: Program, guarded: bool = True) -> dict[str, tuple[Any, Any]]:
    """For each input, the values that checks draw: declared, or for an index the size of the axis it indexes.

    An index that a `where` guards, as it does labels to be ignored, may hold other values too: it counts only if asked for.
    """
    indexed: dict[str, list[sizes.Size]] = {}
    sources: dict[str, str] = {}
    for node in program.nodes.values():
        if node.op == "input" and node.dtype.startswith("int"):
            sources[node.name] = node.name
        elif (found := _indexed(program, node)) and any(node.args[place] in sources for place in found):
            for place, size in found.items():
                if node.args[place] in sources:
                    indexed.setdefault(sources[node.args[place]], []).append(size)
        elif node.dtype.startswith("int"):
            passed = [each for each in node.args[1:] if each in sources] if node.op == "where" and guarded else node.args
            if len(passed) == 1 and passed[0] in sources:
                sources[node.name] = sources[passed[0]]
    result = {}
    for node in program.leaves("input"):
        low, high = node.attributes["low"], node.attributes["high"]
        limits = indexed.get(node.name, [])
        if high is None and limits:
            fixed = [each for each in limits if isinstance(each, int)]
            low, high = low or 0, min(fixed) if fixed else limits[0]
        if low is not None or high is not None:
            result[node.name] = (low, high)
    return result


def _indexed(program: Program, node: Node) -> dict[int, sizes.Size]:
    """The operands that are indices or classes, by place, and how many there are."""
    if node.op == "equal":  # with each of the numbers below a size: a one_hot
        counts = [(1 - place, program.nodes[name]) for place, name in enumerate(node.args)]
        return {place: other.attributes["size"] for place, other in counts if other.op == "arange"}
    row = ops.TABLE.get(node.op)
    if row is None or row.indexes is None:
        return {}
    return row.indexes(*(program.nodes[each].type for each in node.args), **node.attributes)


def _bounds_text(program: Program) -> str:
    entries = [f'"{name}": ({_bound(low, program.nodes[name])}, {_bound(high, program.nodes[name])})' for name, (low, high) in bounds(program).items()]
    return f"{{{', '.join(entries)}}}"


def _bound(bound: Any, node: Node) -> str:
    if isinstance(bound, sp.Expr):
        return f'"{sizes.text(bound)}"'
    if bound is None:
        return "None"
    return number_text(float(bound)) if node.dtype == "float" else repr(int(bound))
