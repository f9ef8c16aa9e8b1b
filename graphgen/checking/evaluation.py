"""Values of single nodes, at real and at complex operands: the generated code's own spelling, one node at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np

from graphgen import ops, runtime, sizes
from graphgen.checking import analytic
from graphgen.loading import load
from graphgen.program import LEAVES, Node, Program
from graphgen.runtime import public_helpers
from graphgen.targets.complex import ComplexTarget
from graphgen.targets.dialects import DIALECTS
from graphgen.targets.numpy import Target, Text

Values = dict[str, np.ndarray]


class Evaluator:
    """Computes nodes of a program, in float64, or in complex128 where an operand is complex.

    Parameters
    ----------
    known
        The numbers that symbolic sizes stand for.
    seed
        Of the random numbers that nodes draw, as in a generated function.
    """

    def __init__(self, program: Program, known: Mapping[str, int], seed: int = 0):
        self.program = program
        self.known = dict(known)
        self.numbers: dict[sizes.Size, int] = {}
        self.generator = np.random.default_rng(seed)
        # A user's size may be called like a helper: no name of theirs begins with _.
        self.names = {name: f"_{name}" for name in (*public_helpers(), *DIALECTS["complex"].helpers, "generator")}
        self.targets = {
            "numpy": Target(program, False, self.names),
            "complex": ComplexTarget(program, False, self.names),
        }
        self.functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self.own: dict[tuple[str, str], Callable[..., Any]] = {}

    def evaluate(self, given: Mapping[str, np.ndarray]) -> Values:
        """The value of every node; `given` are those of inputs, parameters, states, and others that are known."""
        values: Values = {}
        with np.errstate(all="ignore"):
            for node in self.program.nodes.values():
                if node.name in given or node.op in LEAVES or node.op == "size":
                    values[node.name] = self._leaf(node, given)
                else:
                    values[node.name] = self.value(node, [values[each] for each in node.args])
        return values

    def value(self, node: Node, operands: list[np.ndarray]) -> np.ndarray:
        """The value of a node at these operands."""
        is_complex = any(each.dtype.kind == "c" for each in operands)
        if is_complex and not ops.is_elementwise(node.op):  # helpers work in place, in the dtype of one operand
            operands = [each.astype(np.complex128) if each.dtype.kind == "f" else each for each in operands]
        found = np.asarray(self._function(node, "complex" if is_complex else "numpy")(*operands))
        if node.dtype == "float" and found.dtype.kind not in "fc":
            found = found.astype(np.float64)  # bools that count
        shape = self.shape(node.shape)
        return found if found.shape == shape else np.broadcast_to(found, shape)

    def shape(self, shape: sizes.Shape) -> tuple[int, ...]:
        """A shape in numbers."""
        return tuple(map(self.number, shape))

    def number(self, size: sizes.Size) -> int:
        """A size as a number."""
        if isinstance(size, int):
            return size
        if size not in self.numbers:
            known = {symbol: self.known[symbol.name] for symbol in size.free_symbols}
            self.numbers[size] = int(size.subs(known))
        return self.numbers[size]

    def _entry(self, entry: Any) -> Any:
        """An entry of a key, as NumPy takes it."""
        if not isinstance(entry, tuple):
            return entry
        return slice(*(None if each is None else self.number(each) for each in entry))

    def _leaf(self, node: Node, given: Mapping[str, np.ndarray]) -> np.ndarray:
        value: Any = given.get(node.name)
        if value is None:
            value = self.number(node.attributes["size"]) if node.op == "size" else node.attributes["value"]
        return np.asarray(value, dtype="float64" if node.dtype == "float" else node.dtype)

    def _function(self, node: Node, language: str) -> Callable[..., Any]:
        """What computes a node of its operands; nodes that are written alike share it."""
        key = node.name, language
        if key not in self.own:
            self.own[key] = self._made(node, language)
        return self.own[key]

    def _made(self, node: Node, language: str) -> Callable[..., Any]:
        if node.op == "assemble":
            keys = tuple(tuple(map(self._entry, key)) for key in node.attributes["keys"])
            return partial(_assembled, self.shape(node.shape), keys)
        row = ops.TABLE[node.op]
        named = None if ops.is_elementwise(node.op) else row.analytic
        if language == "complex" and isinstance(named, str):
            return partial(getattr(analytic, named), **node.attributes)
        operands = [Text(f"_{place}") for place in range(len(node.args))]
        text = self.targets[language].expression(node, operands).text
        # Not all operands need be written, as in a**2.
        code = f"def value({', '.join(each.text for each in operands)}):\n    return {text}\n"
        if (code, language) not in self.functions:
            module = load(code)
            vars(module).update(self._namespace(language))
            self.functions[code, language] = module.value
        return self.functions[code, language]

    def _namespace(self, language: str) -> dict[str, Any]:
        helpers = _helpers() if language == "numpy" else {**_helpers(), **_analytic()}
        named = {self.names[name]: function for name, function in helpers.items()}
        return {"np": np, "_float": np.float64, "_generator": self.generator, **self.known, **named}


def known_sizes(program: Program, values: Mapping[str, np.ndarray]) -> dict[str, int]:
    """What symbolic sizes stand for, by the shapes of inputs and parameters."""
    found: dict[str, int] = {}
    for node in (*program.leaves("input"), *program.leaves("param")):
        for size, number in zip(node.shape, np.shape(values[node.name]), strict=True):
            if not isinstance(size, int) and size.is_Symbol:
                found.setdefault(size.name, number)
    return found


def dependents(program: Program, names: Iterable[str], held: Iterable[str] = ()) -> list[Node]:
    """The nodes that depend on some others, in order; what is held does not move, whatever it depends on."""
    moving, still = set(names), set(held)
    found = []
    for node in program.nodes.values():
        if node.name not in moving and node.name not in still and not moving.isdisjoint(node.args):
            moving.add(node.name)
            found.append(node)
    return found


def _assembled(shape: tuple[int, ...], keys: Any, *parts: np.ndarray) -> np.ndarray:
    """Zeros into which each part is added at its place."""
    total = np.zeros(shape, dtype=np.result_type(*parts))
    for part, key in zip(parts, keys, strict=True):
        total[key] += part
    return total


@cache
def _helpers() -> dict[str, Callable[..., Any]]:
    """The helpers of generated modules, by name."""
    modules = [import_module(f"{runtime.__name__}.{each.name}") for each in iter_modules(runtime.__path__)]
    wanted = set(public_helpers())
    return {name: vars(module)[name] for module in modules for name in wanted & vars(module).keys()}


@cache
def _analytic() -> dict[str, Callable[..., Any]]:
    """The functions of complex numbers that formulas are written with."""
    return {name: vars(analytic)[name] for name in sorted(DIALECTS["complex"].helpers)}
