"""What ``graphgen ops NAME`` tells of an op that is no formula: types, parts, gradients and the spelling of an example."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graphgen import ops, sizes
from graphgen.calculus.slopes import Policies, undecided
from graphgen.differentiation.gradient import constants, gradient, signature
from graphgen.display import Shown, shown
from graphgen.forms import TRAINING, resolved
from graphgen.ops.broadcasting import own_attributes, weights_of
from graphgen.ops.describe import choices
from graphgen.ops.table import Mismatch, Type
from graphgen.passes import guard, protect, tidy
from graphgen.program import Builder, Node, Program, Value, Why

Fact = tuple[str, str]  # label, text

NO_SLOPE = ("slope", "zero: no gradient passes")
_OF_RESULT = "cotangent"  # what the gradients of results are called while they are told


def of_arrays(row: Any) -> list[Fact]:
    """Formula, shapes at an example, dtypes, parts and gradients, and the spelling."""
    example = _Example.of(row, *row.examples[0])
    facts = [("formula", each.strip()) for each in row.formula.split(";")]
    facts += [("shape", example.shapes()), ("dtype", _dtypes(row))]
    if isinstance(row, ops.Composite | ops.Several):
        facts += example.parts(row.stops)
        return [*facts, ("note", row.note)] if isinstance(row, ops.Composite) and row.note else facts
    return [*facts, *_gradients(row, example), *_spelling(row, example)]


class _Example(NamedTuple):
    """A call of an op in a program of its own.

    Attributes
    ----------
    given, attributes : the keywords, and all of them in canonical form.
    """

    builder: Builder
    operands: list[Value]
    results: list[Value]
    given: Mapping[str, Any]
    attributes: dict[str, Any]

    @staticmethod
    def of(row: Any, types: Sequence[Type], given: Mapping[str, Any]) -> _Example:
        """Make the call; raises `Mismatch` where the types do not fit."""
        builder = Builder(Program("described"))
        operands = [_leaf(builder, name, each) for name, each in zip(_names(row, len(types)), types, strict=True)]
        if isinstance(row, ops.Several):
            return _Example(builder, operands, list(_several(builder, row, operands, given)), given, {})
        attributes = row.complete(tuple(types), given)
        if isinstance(row, ops.Composite):
            with builder.making("y", (), Why()) as finish:
                result = finish(row.expand(*operands, **attributes))
        else:
            result = _leaf(builder, "y", row.infer(*types, **attributes))
        return _Example(builder, operands, [result], given, attributes)

    def shapes(self) -> str:
        """Which shapes give which."""
        taken = ", ".join(f"{each.name} {sizes.shape_text(each.shape)}" for each in self.operands)
        keywords = ", ".join(f"{key}={value!r}" for key, value in self.given.items())
        called = f"{taken} with {keywords}" if keywords else taken
        return f"{called} -> {', '.join(sizes.shape_text(each.shape) for each in self.results)}"

    def parts(self, stops: bool) -> list[Fact]:
        """What a composite is made of in training, and the gradients that come of it."""
        operands = [each.name for each in self.operands if each.dtype == "float"]
        if stops or not operands or all(each.dtype != "float" for each in self.results):
            made = _lines(self.builder.build(), {each.name: each.name for each in self.results})
            return [*(("made of", line) for line in made), NO_SLOPE]
        policies = self._policies()
        program = tidy(guard(gradient(protect(resolved(self._with_loss(), TRAINING)), operands)))
        wanted = {each.name: program.results["output", each.name] for each in self.results}
        wanted |= {f"d_{name}": program.results["gradient", name] for name in operands}
        lines = _lines(program, wanted)
        backward = {name for name, node in program.nodes.items() if node.sweep} | {f"d_{name}" for name in operands}
        labels = ("slope" if line.partition(" = ")[0] in backward else "made of" for line in lines)
        return [*sorted(zip(labels, lines, strict=True), key=lambda fact: fact[0]), *policies]

    def _policies(self) -> list[Fact]:
        """What the parts of a composite decide where calculus leaves a choice."""
        program, said = self.builder.build(), []
        fixed = constants(program)
        for node in program.nodes.values():
            if ops.is_elementwise(node.op):
                of_node = signature(program, node, fixed)
                said += choices(undecided(of_node, place) for place in range(len(node.args)))
            elif isinstance(row := ops.TABLE[node.op], ops.Reduction):
                said += _choice(row, node.name, node.attributes)
        return [("policy", each) for each in dict.fromkeys(said)]

    def _with_loss(self) -> Program:
        """A loss whose gradient by a result is what that is told to be: the sum of products with it."""
        builder = self.builder
        total: Any = 0.0
        with builder.making("loss"):
            for each in self.results:
                builder.results["output", each.name] = each.name
                if each.dtype == "float":
                    cotangent = _leaf(builder, f"{_OF_RESULT}_{each.name}", each.node.type)
                    total = ops.sum(each * cotangent) + total
        builder.results["loss", "loss"] = total.name
        return builder.build()


def _leaf(builder: Builder, name: str, of_type: Type) -> Value:
    return builder.append(Node(name, "input", (), {}, *of_type))


def _names(row: Any, count: int) -> list[str]:
    """The names of so many operands."""
    if row.operands[-1].startswith("*"):
        first, several = list(row.operands[:-1]), row.operands[-1][1:].removesuffix("s")
        return [*first, *(f"{several}{place}" for place in range(count - len(first)))]
    return list(row.operands[:count])


def _several(builder: Builder, row: Any, operands: list[Value], given: Mapping[str, Any]) -> Iterator[Value]:
    """The results of a function of several, y0, y1, ..."""
    made = row.make(*operands, **{**row.attributes, **given})
    for place in range(len(list(row.make(*operands, **{**row.attributes, **given})))):
        with builder.making(f"y{place}", (), Why()) as finish:
            yield finish(next(made))


# -- dtypes

_KINDS = {"float": "floats", "int64": "integers", "bool": "bools"}


def _dtypes(row: Any) -> str:
    """What dtypes the operands may have, and what comes out where that is another: found out by trying."""
    types, given = row.examples[0]
    names = _names(row, len(types))
    others = [f"{name}: {_KINDS[each.dtype]}" for name, each in zip(names, types, strict=True) if each.dtype != "float"]
    if len(others) == len(types):
        return f"{'; '.join(others)}; to {_KINDS[_results(row, types, given)[0]]}"
    found = {}
    for dtype in _KINDS:
        tried = [each._replace(dtype=dtype) if each.dtype == "float" else each for each in types]
        with contextlib.suppress(Mismatch):
            found[dtype] = _results(row, tried, given)
    if "dtype" in row.attributes:
        return f"{_listed(map(_KINDS.get, found))}, to the one that is named"
    converted = found.get("bool", ("bool",))[0] == "float"
    kinds = [dtype for dtype in found if dtype != "bool" or not converted]
    to = dict.fromkeys(_result({dtype: found[dtype][place] for dtype in kinds}) for place in range(len(found["float"])))
    said = _listed(map(_KINDS.get, kinds)) + (f", to {' and '.join(to)}" if list(to) != ["the same"] else "")
    return "; ".join([said, *["bools count as floats"] * converted, *others])


def _results(row: Any, types: Sequence[Type], given: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each.dtype for each in _Example.of(row, types, given).results)


def _result(by_operand: Mapping[str, str]) -> str:
    """What dtype comes of which."""
    if all(dtype == result for dtype, result in by_operand.items()):
        return "the same"
    return _listed(_KINDS[result] for result in by_operand.values())


def _listed(words: Iterable[Any]) -> str:
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


# -- gradients


def _gradients(row: Any, example: _Example) -> list[Fact]:
    if row.stops:
        return [NO_SLOPE]
    builder, operands, (y,), attributes = example.builder, example.operands, example.results, example.attributes
    if isinstance(row, ops.Reduction):
        return _weights(row, builder, operands[0], y, attributes)
    g = _leaf(builder, "d_y", y.node.type)
    facts = []
    for place, operand in enumerate(operands):
        if operand.dtype == "float":
            given = ([y] if isinstance(row, ops.Paired) else []) + operands
            jointly = isinstance(row, ops.Linear) and row.jointly
            with builder.making(f"d_{operand.name}") as finish:
                made = finish(row.transpose(place, g, *([given] if jointly else given), **attributes))
            facts += [("slope", line) for line in _lines(builder.build(), {made.name: made.name})]
    return facts


def _weights(row: Any, builder: Builder, x: Value, y: Value, attributes: dict[str, Any]) -> list[Fact]:
    axis = attributes["axis"]
    found = {}
    for ties in ("split", "first"):
        copy = Builder(builder.build())
        with copy.making("weights") as finish:
            kept = ops.expand_dims(copy[y.name], axis=axis)
            finish(weights_of(row, copy[x.name], kept, Policies(ties=ties), attributes))
        found[ties] = _lines(copy.build(), {"weights": "weights"})
    facts = [("slope", line) for line in found["split"]]
    if found["split"] != found["first"]:
        facts = [("slope", f"{line}  # ties={ties!r}") for ties, lines in found.items() for line in lines]
    facts.append(("slope", f"d_{x.name} = weights * expand_dims(d_y, axis={axis[0] if len(axis) == 1 else axis})"))
    return [*facts, *(("policy", said) for said in _choice(row, y.name, attributes))]


def _choice(row: Any, name: str, attributes: Mapping[str, Any]) -> list[str]:
    """What a reduction decides where calculus leaves a choice."""
    if row.policy is None:
        return []
    said = [row.policy(name, Policies(ties=ties), **own_attributes(attributes)) for ties in ("split", "first")]
    if said[0] != said[1]:
        return ["ties: equal elements share the gradient evenly, or the first gets it (ties)"]
    return said[:1]


def _lines(program: Program, wanted: Mapping[str, str]) -> list[str]:
    """Nodes, by what to call them, as expressions of the inputs; what is read more than once is told first."""
    uses = Counter(argument for node in program.nodes.values() for argument in node.args)
    texts: dict[str, Any] = {}
    told = []
    needed = program.needed(wanted.values())
    for name, node in program.nodes.items():
        if name not in needed:
            continue
        text = shown(node.op, [texts[each] for each in node.args], node.attributes)
        if node.op == "input":
            text = Shown(name.replace(f"{_OF_RESULT}_", "d_"))
        elif node.op == "identity":
            text = texts[node.args[0]]
        called = [each for each, of in wanted.items() if of == name] or [name]
        if name in wanted.values() or (uses[name] > 1 and node.args):
            told += [f"{each} = {text.text}" for each in called]
            text = text if node.op == "input" else Shown(called[0])
        texts[name] = text
    return told


def _spelling(row: Any, example: _Example) -> list[Fact]:
    types = [each.node.type for each in example.operands]
    spelling = row.numpy(*types, **example.attributes)
    text = spelling if isinstance(spelling, str) else spelling[0]
    names = [each.name for each in example.operands]
    return [("NumPy", re.sub(r"\{(\d+)(?::\w+)?\}", lambda match: names[int(match[1])], text))]
