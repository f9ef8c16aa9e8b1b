"""What a generated module consists of: every decision is taken here, so that templates only lay it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from graphgen import optimizers, sizes
from graphgen.emit import INDENT, LIMIT, Body, Line, Style, emit
from graphgen.gradient import gradient
from graphgen.initializers import Initializer
from graphgen.ops.linear import number_text
from graphgen.passes import tidy
from graphgen.program import Node, Program
from graphgen.runtime import helpers
from graphgen.tangent import tangent
from graphgen.targets.numpy import is_scalar
from graphgen.wrap import WIDTH, wrapped

# Helpers whose names a user's value may have, which then get an underscore.
PUBLIC_HELPERS = (
    "sigmoid", "softplus", "finite_max", "first_true", "scatter_add", "scatter_add_along_axis",
    "uniform", "normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
)  # fmt: skip
ARGUMENTS = ("parameters", "optimizer_state", "gradients", "tangents", "learning_rate", "seed", "value", "step", "name", "Outputs")
SCALAR_TWINS = {
    "_check_scalars": "_check",
    "_check_scalar_tangents": "_check_tangents",
    "_packed_scalars": "_packed",
    "_check_scalar_step": "_check_step",
    "sigmoid_scalar": "sigmoid",
    "softplus_scalar": "softplus",
}


@dataclass(frozen=True)
class Options:
    """What a module is compiled with; see the command line's options of the same names."""

    style: Style = "compact"
    mode: str = "reverse"
    inference: bool = False
    wrt: tuple[str, ...] = ()
    optimizer: tuple[str, Mapping[str, Any]] | None = None
    version: str = ""
    fingerprint: str = ""
    graph_size: str = ""
    model: str = ""


@dataclass
class Function:
    """A generated function: text that is ready to be laid out."""

    name: str
    arguments: str
    docstring: list[str]
    lines: list[str]
    returns: str = ""

    @property
    def head(self) -> str:
        """The `def` line, over several lines where it is long."""
        parameters, arrow, answer = self.arguments.rpartition(" -> ")
        if len(self.name) + len(self.arguments) + 5 <= LIMIT:
            return f"def {self.name}{self.arguments}:"
        inside = [f"    {each}," for each in parameters[1:-1].split(", ")]
        return "\n".join([f"def {self.name}(", *inside, f"){arrow}{answer}:"])


@dataclass
class Module:
    """A generated module, ready to be laid out."""

    docstring: list[str]
    imports: list[str]
    tables: list[str]
    classes: list[str] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    helpers: str = ""
    main: bool = False
    report: str = ""


def assemble(program: Program, options: Options) -> Module:
    """Make the module of a checked program."""
    return _Assembly(program, options).run()


class _Assembly:
    def __init__(self, program: Program, options: Options):
        self.program = program
        self.options = options
        self.scalar = is_scalar(program)
        if options.inference:
            self.program = self._inference_only()
        self.parameters = self.program.leaves("param")
        self.inputs = self.program.leaves("input")
        self.wrt = wrt_of(self.program, options.wrt)
        self.bodies: list[Body] = []
        self.used: dict[str, None] = {"_check": None}
        self.aliases: list[str] = []
        self.names = self._yielding_names()

    def _inference_only(self) -> Program:
        from dataclasses import replace

        program = self.program.restrict("output")
        needed = program.needed(program.results.values())
        return replace(program, nodes={name: node for name, node in program.nodes.items() if name in needed})

    def _yielding_names(self) -> dict[str, str]:
        """Names of arguments and helpers, changed where the user's own values have them."""
        taken = {*self.program.nodes, *_size_names(self.program)}
        result = {}
        for name in (*PUBLIC_HELPERS, *ARGUMENTS):
            own = name
            while own in taken:
                own += "_"
            result[name] = own
        return result

    def run(self) -> Module:
        functions = [self._forward()]
        if not self.options.inference:
            if self.program.loss is not None:
                functions += self._training()
            functions.append(self._init_parameters())
            self.used.update(dict.fromkeys(["save_parameters", "load_parameters"]))
        tables, classes = self._tables(), self._classes()
        cut = helpers(self._used_here(), self._renamed_helpers())
        imports = list(cut.imports)
        text = "\n".join([cut.text, *tables, *(line for function in functions for line in [function.arguments, *function.lines, function.returns])])
        if "math." in text and "import math" not in imports:
            imports = sorted([*imports, "import math"], key=lambda line: (line.startswith("from "), line))
        if classes:
            imports.append("from typing import NamedTuple")
        if "Any" in re.findall(r"\bAny\b", "\n".join(function.arguments for function in functions)) and not any("Any" in line for line in imports):
            imports.append("from typing import Any")
        imports = _merged(imports)
        if re.search(r"\bnp\.", text):
            imports += ["", "import numpy as np"]
        return Module(self._docstring(), imports, tables, classes, functions, self.aliases, cut.text, "_main" in self.used)

    def _used_here(self) -> list[str]:
        own = {twin: scalar for scalar, twin in SCALAR_TWINS.items()} if self.scalar else {}
        return [own.get(name, name) for name in self.used]

    def _renamed_helpers(self) -> dict[str, str]:
        renamed = {name: self.names[name] for name in PUBLIC_HELPERS}
        if self.scalar:
            renamed |= {scalar: self.names.get(twin, twin) for scalar, twin in SCALAR_TWINS.items()}
        entries = [size for node in [*self.inputs, *self.parameters] for size in node.shape]
        entries += [bound for pair in _bounds(self.program).values() for bound in pair]
        if any(isinstance(entry, sp.Expr) and not entry.is_Symbol for entry in entries):
            renamed["_derived_size"] = "_size"
        if self.options.mode == "forward":
            renamed["_value_and_grad_by_jvp"] = "_value_and_grad"
        return renamed

    # -- functions

    def _training(self) -> list[Function]:
        functions = [self._loss()]
        reverse = self.options.mode in ("reverse", "both")
        if reverse:
            functions.append(self._value_and_grad())
            self.aliases.append("_value_and_grad = value_and_grad  # what check_gradients checks")
        if self.options.mode in ("forward", "both"):
            functions.append(self._jvp())
        if self.options.optimizer is not None and reverse:
            functions += self._optimizer(*self.options.optimizer)
        self.used.update(dict.fromkeys(["check_gradients", "_main"]))
        return functions

    def _body(self, program: Program, **more: Any) -> Body:
        original = program
        if self.options.style != "teach":
            program = tidy(program)
        body = emit(program, self.options.style, self.scalar, original, names=self.names, **more)
        self.bodies.append(body)
        self.used.update(body.helpers)
        return body

    def _forward(self) -> Function:
        program = self.program.restrict("output")
        body = self._body(program)
        needed = program.needed(program.results.values())
        inputs = [node for node in self.inputs if node.name in needed]
        outputs = {name: body.results["output", name] for name in program.of("output")}
        types = {name: program.nodes[node] for name, node in program.of("output").items()}
        described = _listed([f"{name}{_of_shape(node)}" for name, node in types.items()])
        given = _listed([f"{node.name}{_of_shape(node)}" for node in inputs if node.shape])
        docstring = [f"Return {described}{f', for {given}' if given else ''}."]
        if not outputs:
            returns = "None"
        elif len(outputs) == 1:
            returns = next(iter(outputs.values()))
        else:
            returns = f"{self.names['Outputs']}({', '.join(outputs.values())})"
        return self._function("forward", inputs, docstring, body, returns, self._output_type(list(outputs)))

    def _output_type(self, outputs: list[str]) -> str:
        if len(outputs) > 1:
            return self.names["Outputs"]
        return ("float" if self.scalar else "np.ndarray") if outputs else "None"

    def _loss(self) -> Function:
        body = self._body(self.program.restrict("loss"))
        return self._function("loss", self.inputs, [f"Return {self._said_loss()}."], body, self._loss_text(body), "float")

    def _said_loss(self) -> str:
        return "the loss" if self.program.loss == "loss" else f"the loss {self.program.loss}"

    def _loss_text(self, body: Body, kind: tuple[str, str] = ("loss", "loss")) -> str:
        text = body.results[kind]
        return text if self.scalar else f"float({text.removeprefix('np.array(').removesuffix(')') if text.startswith('np.array(') else text})"

    def _value_and_grad(self) -> Function:
        body = self._body(gradient(self.program.restrict("loss"), self.wrt))
        entries = ", ".join(f'"{name}": {body.results["gradient", name]}' for name in self.wrt)
        what = "each parameter" if self.parameters and not self.options.wrt else _listed(list(self.wrt)) or "nothing"
        docstring = [f"Return {self._said_loss()}, and its gradient with respect to {what}, {'a float' if self.scalar else 'an array of its shape'} each."]
        returns = f"{self._loss_text(body)}, {{{entries}}}"
        kind = "float" if self.scalar else "np.ndarray"
        return self._function("value_and_grad", self.inputs, docstring, body, returns, f"tuple[float, dict[str, {kind}]]")

    def _jvp(self) -> Function:
        program = tangent(self.program.restrict("loss"), self.wrt).restrict("loss", "jvp")
        body = self._body(program)
        docstring = [f"Return {self._said_loss()}, and its derivative along `tangents`: one sweep carries each value with its tangent."]
        returns = f"{self._loss_text(body)}, {self._loss_text(body, ('jvp', 'loss'))}"
        given = ", ".join(f"{name}={name}" for name in self.wrt)
        left = "".join(f"{name}_dot, " for name in self.wrt) if len(self.wrt) == 1 else ", ".join(f"{name}_dot" for name in self.wrt)
        first = []
        if self.wrt:
            first = [f"{left.rstrip() if len(self.wrt) == 1 else left} = _check_tangents({self.names['tangents']}, {given})"]
            self.used["_check_tangents"] = None
        function = self._function("jvp", self.inputs, docstring, body, returns, "tuple[float, float]", [self.names["tangents"]], first)
        return function

    def _function(
        self, name: str, inputs: list[Node], docstring: list[str], body: Body, returns: str, answer: str, more: Iterable[str] = (), first: Iterable[str] = ()
    ) -> Function:
        kinds = {"parameters": "dict", "tangents": "dict"}
        own = {value: key for key, value in self.names.items()}
        dicts = [self.names["parameters"], *more]
        arguments = [f"{each}: {kinds[own[each]]}" for each in dicts] + [f"{node.name}: {self._annotation()}" for node in inputs]
        lines = [*self._unpacking(inputs), *first]
        code = "\n".join([*(line.code for line in body.lines), returns])
        lines += self._size_lines(inputs, code)
        lines = [line for each in lines for line in wrapped(each, INDENT).split("\n")]
        text = laid_out(body.lines)
        if lines and text:
            lines.append("")
        return Function(name, f"({', '.join(arguments)}) -> {answer}", docstring, lines + text, *_returned(returns))

    def _annotation(self) -> str:
        return "float" if self.scalar else "np.ndarray"

    def _unpacking(self, inputs: list[Node]) -> list[str]:
        names = [node.name for node in [*self.parameters, *inputs]]
        given = "".join(f", {node.name}={node.name}" for node in inputs)
        call = f"_check({self.names['parameters']}{given})"
        if not names:
            return []
        left = ", ".join(names) if len(names) > 1 else f"({names[0]},)"
        if len(left) + len(call) + 3 + INDENT <= WIDTH:
            return [f"{left} = {call}"]
        return [f"({left}) = {call}"]

    def _size_lines(self, inputs: list[Node], code: str) -> list[str]:
        """Where symbolic sizes come from, for those that the code reads, and the check of sizes made of others."""
        lines: dict[str, str] = {}
        leaves = [*inputs, *self.parameters]
        derived = []
        for node in leaves:
            for axis, size in enumerate(node.shape):
                if isinstance(size, int):
                    continue
                if size.is_Symbol:
                    lines.setdefault(size.name, f"{size.name} = {node.name}.shape[{axis}]")
                else:
                    derived.append(f'_expect("{node.name}", {node.name}, {axis}, {sizes.text(size)})')
        if derived:
            self.used["_expect"] = None
        text = "\n".join([code, *derived])
        return [line for name, line in lines.items() if re.search(rf"\b{name}\b", text)] + derived

    def _classes(self) -> list[str]:
        """The type of several outputs."""
        outputs = self.program.of("output")
        if len(outputs) < 2:
            return []
        fields = "\n".join(f"    {name}: {self._annotation()}" for name in outputs)
        return [f'class {self.names["Outputs"]}(NamedTuple):\n    """What `forward` returns."""\n\n{fields}']

    # -- parameters

    def _init_parameters(self) -> Function:
        names = list(dict.fromkeys(name for node in self.parameters for name in sizes.symbols(node.shape)))
        values, drawn = [], False
        for node in self.parameters:
            value, random = self._initial(node)
            values.append(f'    "{node.name}": {value},')
            drawn = drawn or random
        lines = [f"generator = np.random.default_rng({self.names['seed']})"] if drawn else []
        docstring = ["Return new parameters: floats." if self.scalar else "Return new parameters: views of one flat vector, in the order of PARAMETERS."]
        self.used["_packed"] = None
        if not values:
            return Function("init_parameters", "(seed: int = 0) -> dict", ["Return no parameters: the model has none."], [], "return {}")
        seed = "seed: int = 0"
        arguments = f"({seed}{', *' if names else ''}{''.join(f', {name}: int' for name in names)}) -> dict"
        lines = [line.replace(self.names["seed"], "seed") for line in lines]
        lines = [part for line in [*lines, "return _packed({"] for part in line.split("\n")]
        lines += [part for value in values for part in value.split("\n")]
        return Function("init_parameters", arguments, docstring, [*lines, "})"])

    def _initial(self, node: Node) -> tuple[str, bool]:
        """The expression of a parameter's initial value, and whether it is random."""
        init = node.attributes["init"]
        shape = sizes.shape_text(node.shape)
        if isinstance(init, str):
            init = Initializer(init)
        if isinstance(init, Initializer):
            options = dict(init.options)
            if init.name in ("zeros", "ones"):
                return f"np.{init.name}({shape})", False
            if init.name == "constant":
                return f"np.full({shape}, {number_text(options.get('value', 0.0))})", False
            self.used[init.name] = None
            keywords = "".join(f", {key}={number_text(value)}" for key, value in options.items())
            return f"{self.names[init.name]}(generator, {shape}{keywords})", True
        array = np.asarray(init, dtype="float64")
        if array.ndim == 0:
            return f"np.full({shape}, {number_text(float(array))})", False
        return array_text(array, "np.array", 8), False

    # -- optimizer

    def _optimizer(self, name: str, given: Mapping[str, Any]) -> list[Function]:
        trained = [node.name for node in self.parameters if node.name in self.wrt]
        chosen = optimizers.OPTIMIZERS[name]
        options = optimizers.complete(name, given)
        rate = options.pop("learning_rate")
        memory = chosen.memory(options)
        program = optimizers.update(name, options, memory, self.program.dtype)
        lines = self._update_lines(program, memory)
        state, rates = self.names["optimizer_state"], self.names["learning_rate"]
        parameters = self.names["parameters"]
        first = [f'"{each}": {{name: {self._zeros(parameters)} for name in _TRAINED}}' for each in memory]
        counts = any(node.name == "step" for node in program.nodes.values()) and any("step" in node.args for node in program.nodes.values())
        entries = (['"step": 0'] if counts else []) + first
        init = Function(
            "init_optimizer_state",
            "(parameters: dict) -> dict",
            [f"Return what {name} remembers from step to step: {_listed(list(memory)) or 'nothing'}{', and the number of steps' if counts else ''}."],
            [line.replace(parameters, "parameters") for line in wrapped(f"return {{{', '.join(entries)}}}", INDENT).split("\n")],
        )
        inputs = ", ".join(node.name for node in self.inputs)
        arguments = "".join(f", {node.name}: {self._annotation()}" for node in self.inputs)
        doc = [
            f"Take one step of {name}, in place, and return the loss before it.",
            "",
            f"The learning rate is {rate!r} unless given. Nothing is changed before every gradient is known.",
        ]
        text = [
            f"{rates} = {rate!r} if {rates} is None else float({rates})",
            f"value, gradients = value_and_grad({', '.join(filter(None, [parameters, inputs]))})",
            f"_check_step({parameters}, {state}, gradients, {_names_text(memory)}, _TRAINED)",
            *([f'step = {state}["step"] + 1'] if counts else []),
            "for name in _TRAINED:",
            *lines,
            *([f'{state}["step"] = step'] if counts else []),
        ]
        self.used["_check_step"] = None
        step = Function("train_step", f"({parameters}: dict, {state}: dict{arguments}, {rates}: float | None = None) -> float", doc, text, "return value")
        return [init, step]

    def _zeros(self, parameters: str) -> str:
        return "0.0" if self.scalar else f"np.zeros_like({parameters}[name])"

    def _update_lines(self, program: Program, memory: tuple[str, ...]) -> list[str]:
        parameters, state = self.names["parameters"], self.names["optimizer_state"]
        lines = [f"    parameter, gradient = {parameters}[name], gradients[name]"]
        left = ", ".join(memory)
        if memory:
            right = ", ".join(f'{state}["{each}"][name]' for each in memory)
            lines.append(f"    {left} = {right}")
        if self.scalar:
            places = {each: f'{state}["{each}"][name] = {each} = ' for each in memory}
            changed = f"{parameters}[name] = parameter - "
        else:
            places = {each: f"{each}[...] = " for each in memory}
            changed = "parameter -= "
        body = emit(program, "compact", self.scalar, program, names=self.names, places=places)
        for line in body.lines:
            lines += [f"    {part}" for part in line.code.split("\n")]
        delta = body.results["update", "parameter"]
        return [*lines, f"    {changed}{delta}"]

    # -- tables and the head of the file

    def _tables(self) -> list[str]:
        dtype = self.program.dtype
        lines = ["# The type of every float in this file.", f"_float = {'float' if self.scalar else f'np.{dtype}'}", ""]
        outputs = {name: self.program.nodes[node] for name, node in self.program.of("output").items()}
        lines += _table("PARAMETERS", {node.name: node for node in self.parameters}, dtype)
        lines += _table("INPUTS", {node.name: node for node in self.inputs}, dtype)
        lines += _table("OUTPUTS", outputs, dtype)
        if not self.options.inference:
            lines += self._private_tables()
        for body in self.bodies:
            for name, array in body.arrays.items():
                text = f"{name} = {array_text(array, 'np.array', 4, _dtype_text(array))}"
                if text.split("\n")[0] not in lines:
                    lines += text.split("\n")
        return lines

    def _private_tables(self) -> list[str]:
        lines = [f'_hash = "{self.options.fingerprint}"']
        if self.program.loss is not None:
            lines.append(f"_bounds = {_bounds_text(self.program)}")
            size_names = dict.fromkeys(name for node in self.parameters for name in sizes.symbols(node.shape))
            lines.append(f"_sizes = {_names_text(size_names)}")
            if self.options.mode == "forward":
                lines.append(f"_wrt = {_names_text(self.wrt)}")
            if self.options.optimizer is not None and self.options.mode != "forward":
                lines.append(f"_TRAINED = {_names_text([node.name for node in self.parameters if node.name in self.wrt])}")
        return [part for line in lines for part in wrapped(line, 0).split("\n")]

    def _docstring(self) -> list[str]:
        options = self.options
        sweeps = "forward pass" if options.inference or self.program.loss is None else {
            "reverse": "forward and reverse sweeps", "forward": "forward-mode sweep", "both": "forward, reverse and forward-mode sweeps"
        }[options.mode]  # fmt: skip
        count = sum((sizes.product(node.shape) for node in self.parameters), start=0)
        values = f"{count:,}" if isinstance(count, int) else sizes.text(count)
        said = [f"style {options.style}", f"mode {options.mode}" if not options.inference else "inference"]
        if options.wrt:
            said.append(f"wrt {', '.join(options.wrt)}")
        if options.optimizer and not options.inference:
            said.append(f"optimizer {options.optimizer[0]}")
        policies = self.program.policies
        if policies.relu_at_zero:
            said.append(f"relu_at_zero {policies.relu_at_zero!r}")
        if policies.ties != "split":
            said.append(f"ties {policies.ties}")
        return [
            f"{self.program.name}: {sweeps} of {options.model}, in the {options.style} style.",
            "",
            f"graph       {options.graph_size}; hash {options.fingerprint}",
            f"parameters  {values} value{'s' * (values != '1')}, {self.program.dtype}",
            f"options     {', '.join(said)}",
            f"made by graphgen {options.version} (target numpy); its authors claim no ownership of this file",
        ]


def wrt_of(program: Program, extra: tuple[str, ...]) -> tuple[str, ...]:
    """What is differentiated for: all trainable parameters, or without any all float inputs; and `extra` inputs."""
    chosen = [node.name for node in program.leaves("param") if node.attributes["trainable"]]
    if not program.leaves("param"):
        chosen = [node.name for node in program.leaves("input") if node.dtype == "float"]
    return tuple(dict.fromkeys([*chosen, *(name for name in program.nodes if name in extra)]))


def laid_out(lines: list[Line]) -> list[str]:
    """Lines of code with their comments: the header once above each group, the others aligned at the right."""
    sections = list(dict.fromkeys(line.section for line in lines))
    titled = "reverse" in sections and "forward" in sections
    column = min(max((len(line.code) for line in lines if "\n" not in line.code), default=0) + 2, 66)
    result: list[str] = []
    section = header = ""
    for line in lines:
        if titled and line.section != section:
            result += ([""] if result else []) + [f"# {line.section} sweep"]
            header = ""
        section = line.section
        if line.header and line.header != header:
            result.append(f"# {line.header}")
        header = line.header
        result += _commented(line, column)
    return result


def _commented(line: Line, column: int) -> list[str]:
    parts = line.code.split("\n")
    if not line.comment:
        return parts
    if len(parts) > 1:
        return [f"# {line.comment}", *parts]
    beside = f"{line.code.ljust(column)}  # {line.comment}"
    if len(beside) + INDENT <= LIMIT:
        return [beside]
    return [f"# {line.comment}", line.code]


def _returned(returns: str) -> tuple[str]:
    return (wrapped(f"return {returns}", INDENT),)


def _merged(imports: list[str]) -> list[str]:
    """Import lines, those from one module on one line, sorted as isort does."""
    plain = sorted({line for line in imports if line.startswith("import ")})
    named: dict[str, set[str]] = {}
    for line in imports:
        if line.startswith("from "):
            module, _, names = line.removeprefix("from ").partition(" import ")
            named.setdefault(module, set()).update(names.split(", "))
    return plain + [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(named.items())]


def _table(title: str, nodes: Mapping[str, Node], dtype: str) -> list[str]:
    entries = [f'"{name}": ({_shape_entry(node.shape)}, "{dtype if node.dtype == "float" else node.dtype}")' for name, node in nodes.items()]
    line = f"{title} = {{{', '.join(entries)}}}"
    if len(line) <= WIDTH - 20 and len(entries) < 3:
        return [line]
    return [f"{title} = {{", *(f"    {entry}," for entry in entries), "}"]


def _shape_entry(shape: sizes.Shape) -> str:
    entries = [str(size) if isinstance(size, int) else f'"{sizes.text(size)}"' for size in shape]
    return f"({entries[0]},)" if len(entries) == 1 else f"({', '.join(entries)})"


def _names_text(names: Iterable[str]) -> str:
    inside = [f'"{name}"' for name in names]
    return f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"


def _of_shape(node: Node) -> str:
    return f" of shape {sizes.shape_text(node.shape)}" if node.shape else ", a scalar"


def _listed(texts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""


def _size_names(program: Program) -> set[str]:
    return {name for node in program.nodes.values() for name in sizes.symbols(node.shape)}


def array_text(array: np.ndarray, call: str, indent: int, dtype: str = "") -> str:
    """An array as Python source, broken into lines."""
    inside = re.sub(r"\b(nan|inf)\b", r'float("\1")', repr(array.tolist()))
    return wrapped(f"{call}({inside}{f', dtype={dtype}' if dtype else ''})", indent)


def _dtype_text(array: np.ndarray) -> str:
    return {"f": "_float", "b": "bool"}.get(array.dtype.kind, f"np.{array.dtype}")


def _bounds(program: Program) -> dict[str, tuple[Any, Any]]:
    """For each input, the values that checks draw: declared, or for an index the size of the axis it indexes."""
    indexed: dict[str, list[sizes.Size]] = {}
    sources: dict[str, str] = {}
    for node in program.nodes.values():
        if node.op == "input" and node.dtype.startswith("int"):
            sources[node.name] = node.name
        elif node.op in ("take", "take_along_axis") and node.args[1] in sources:
            indexed.setdefault(sources[node.args[1]], []).append(program.nodes[node.args[0]].shape[node.attributes["axis"]])
        elif node.op in ("scatter_add", "scatter_add_along_axis") and node.args[1] in sources:
            indexed.setdefault(sources[node.args[1]], []).append(node.attributes["size"])
        elif len(node.args) == 1 and node.args[0] in sources and node.dtype.startswith("int"):
            sources[node.name] = sources[node.args[0]]
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


def _bounds_text(program: Program) -> str:
    entries = [f'"{name}": ({_bound(low, program.nodes[name])}, {_bound(high, program.nodes[name])})' for name, (low, high) in _bounds(program).items()]
    return f"{{{', '.join(entries)}}}"


def _bound(bound: Any, node: Node) -> str:
    if bound is None:
        return "None"
    if isinstance(bound, (int, float, np.number)):
        return repr(float(bound)) if node.dtype == "float" else repr(int(bound))
    return f'"{sizes.text(bound)}"'
