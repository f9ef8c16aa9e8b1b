"""Steps of random graphs: nodes in the making, with the value that NumPy gives each, and the choices between them."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import loss_references
import numpy as np
import references

from graphgen import Graph, losses, ops, sizes

MARGIN = 0.02
LARGEST = 3.0
UNKNOWN = 4  # what the symbolic size "n" is when values are computed; no other size declared is 4
LOSSES = ("mse", "cross_entropy", "bce_with_logits", "hinge")  # those of them that take part


class Rejected(Exception):
    """A step that would land near a kink, or leave the range of values."""


class Step(NamedTuple):
    """One node: what it is of, and its value."""

    op: str
    operands: tuple[int, ...]
    attributes: dict[str, Any]
    plain: dict[str, Any]  # the attributes, with numbers for sizes
    node: Any
    value: np.ndarray


NUMPY: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
    "stop_gradient": lambda x: x,
    "softmax": references.softmax,
    "log_softmax": lambda x, axis=-1: np.log(references.softmax(x, axis)),
    "logsumexp": references.logsumexp,
    "cast": lambda x, dtype: x.astype("float64" if dtype == "float" else dtype),
    "concat": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
    "index": lambda x, key: x[key],
    "pad": lambda x, pad_width, constant_values=0.0: np.pad(x, pad_width, constant_values=constant_values),
    "clip": np.clip,
    "scatter_add": references.scattered,
    "scatter_add_along_axis": references.scattered_along,
    "expand_dims": np.expand_dims,
}
CALLS: dict[str, Callable[..., Any]] = {"einsum": lambda *xs, subscripts, **more: ops.einsum(subscripts, *xs, **more)}


NUMPY |= {name: loss_references.LOSSES[name] for name in LOSSES}


def apart(x: Any, y: Any, **_: Any) -> float:
    return float(np.min(np.abs(np.asarray(x, dtype=float) - y), initial=math.inf))


def _gap(x: np.ndarray, axis: Any = None, keepdims: bool = False) -> float:
    """The least distance between the two largest and the two smallest elements along axes."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    rows = np.moveaxis(x, axes, range(len(axes))).reshape(math.prod(x.shape[each] for each in axes), -1)
    return float(np.min(np.diff(np.sort(rows, axis=0), axis=0), initial=math.inf))


def _to_zero(x: np.ndarray, *_: Any, **__: Any) -> float:
    return apart(x, 0.0)


# How far operands are from where an op's slope switches.
DISTANCE: dict[str, Callable[..., float]] = {
    **dict.fromkeys(("relu", "abs", "sign", "leaky_relu", "elu"), _to_zero),
    **dict.fromkeys(("maximum", "minimum", "less", "less_equal", "greater", "greater_equal"), apart),
    "max": _gap,
    "min": _gap,
    "floor": lambda x, **_: apart(x, np.round(x)),
    "hinge": lambda x, target, **_: apart(x * target, 1.0),
    "clip": lambda x, low, high, **_: min(apart(x, low), apart(x, high)),
}


class Maker:
    """The steps so far, and the moves that add to them."""

    def __init__(self, seed: Any):
        self.generator = np.random.default_rng(seed)
        self.symbolic = bool(self.generator.integers(2))
        self.graph = Graph("shapes")
        self.steps: list[Step] = []
        self.read: set[int] = set()

    # -- choices

    def choose(self, options: Any) -> Any:
        return list(options)[self.generator.integers(len(list(options)))]

    def chance(self, probability: float) -> bool:
        return bool(self.generator.random() < probability)

    def pick(self, kind: str = "float", least: int = 0, most: int = 4) -> int:
        """A step of this dtype and rank, rather one that nothing reads yet."""
        fit = [at for at, step in enumerate(self.steps) if step.node.dtype == kind and least <= step.node.ndim <= most]
        if not fit:
            raise Rejected
        unread = [at for at in fit if at not in self.read]
        return self.choose(unread if unread and self.chance(0.6) else fit)

    def partner(self, at: int) -> int:
        """A float that broadcasts against a step."""
        shape = self.shape(at)
        fit = [
            other
            for other, step in enumerate(self.steps)
            if step.node.dtype == "float" and sizes.broadcast(step.node.shape, shape) is not None
        ]
        return self.choose(fit)

    def twin(self, at: int) -> int:
        """A float of the same shape."""
        fit = [
            other
            for other, step in enumerate(self.steps)
            if step.node.dtype == "float" and sizes.same(step.node.shape, self.shape(at))
        ]
        return self.choose(fit)

    def shape(self, at: int) -> Any:
        return self.steps[at].node.shape

    def axis(self, at: int) -> int:
        ndim = len(self.shape(at))
        return int(self.generator.integers(-ndim, ndim))

    def axes(self, at: int) -> Any:
        """None, an axis or several."""
        ndim = len(self.shape(at))
        count = int(self.generator.integers(ndim + 1))
        chosen = tuple(int(each) for each in self.generator.permutation(ndim)[:count])
        return None if not chosen else chosen[0] if count == 1 and self.chance(0.5) else chosen

    def sizes(self, least: int, most: int) -> tuple[Any, ...]:
        pool = [1, 2, 3, sizes.symbol("n") if self.symbolic else UNKNOWN]
        return tuple(self.choose(pool) for _ in range(self.generator.integers(least, most + 1)))

    def known(self, shape: Any) -> tuple[int, ...]:
        return tuple(size if isinstance(size, int) else int(size.subs(sizes.symbol("n"), UNKNOWN)) for size in shape)

    # -- steps

    def leaf(self, op: str, shape: Any, value: Any) -> int:
        value = np.asarray(value)
        name = f"{op}_{len(self.steps)}"
        dtype = {"f": "float64", "i": "int64", "b": "bool"}[value.dtype.kind]
        attributes = (
            {"shape": shape}
            if op == "param"
            else {"value": value}
            if op == "constant"
            else {"shape": shape, "dtype": dtype}
        )
        node = self.graph.constant(value) if op == "constant" else getattr(self.graph, op)(name, **attributes)
        self.steps.append(Step(op, (), attributes, {}, node, value))
        return len(self.steps) - 1

    def param(self, shape: Any) -> int:
        return self.leaf("param", shape, self.generator.normal(size=self.known(shape)))

    def integers(self, shape: Any, below: int, low: int = 0) -> int:
        value = self.generator.integers(low, below, self.known(shape))
        constant = bool(shape) and all(isinstance(size, int) for size in shape) and self.chance(0.3)
        return self.leaf("constant" if constant else "input", shape, value)

    def number(self, value: float) -> int:
        return self.leaf("constant", (), float(value))

    def call(self, op: str, *operands: int, **attributes: Any) -> int:
        """Add a node; raises `Rejected` if it would be near a kink or out of range."""
        values = [self.steps[at].value for at in operands]
        plain = {key: self._plain(key, value) for key, value in attributes.items()}
        # Differences between integers are no kinks.
        if (
            op in DISTANCE
            and values[0].dtype.kind == "f"
            and DISTANCE[op](*values, **plain) < MARGIN
        ):
            raise Rejected
        value = np.asarray(NUMPY.get(op, getattr(np, op, None))(*values, **plain))
        if (
            not np.isfinite(value).all()
            or value.size > 400
            or value.ndim > 4
            or (value.size and np.abs(value).max() > 30.0)
        ):
            raise Rejected
        node = call(op, [self.steps[at].node for at in operands], attributes)
        assert self.known(node.shape) == value.shape, (op, node.shape, value.shape)
        self.steps.append(Step(op, operands, attributes, plain, node, value))
        self.read.update(operands)
        return len(self.steps) - 1

    def _plain(self, key: str, value: Any) -> Any:
        """An attribute as NumPy takes it."""
        return self.known(value) if key == "shape" else self.known((value,))[0] if key == "size" else value

    def bounded(self, at: int) -> int:
        """The step, made smaller if its values are large."""
        largest = float(np.abs(self.steps[at].value).max(initial=0.0))
        if self.steps[at].node.dtype != "float" or largest <= LARGEST:
            return at
        return (
            self.call("tanh", at)
            if self.chance(0.3)
            else self.call("multiply", at, self.number(round(2.0 / largest, 3)))
        )

    def count(self) -> int:
        """How many steps are not leaves."""
        return sum(bool(step.operands) for step in self.steps)

    def positive(self) -> int:
        return self.call("add", self.call("square", self.pick()), self.number(0.5))


def call(op: str, nodes: list[Any], attributes: dict[str, Any]) -> Any:
    function = CALLS.get(op) or getattr(losses if op in ops.LOSSES else ops, op)
    return function(*nodes, **attributes)
