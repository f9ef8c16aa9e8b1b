"""Random graphs that mix all ops, with the value that NumPy gives each node.

Shapes are of rank 0 to 4 with axes of size 1, values stay bounded, and every kink, tie, jump and comparison is well away
from where it switches. Which graph comes of a seed is fixed.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import op_samples

from graphgen import Graph, losses, ops, sizes

MARGIN = 0.02
LARGEST = 3.0
UNKNOWN = 4  # what the symbolic size "n" is when values are computed; no other size declared is 4


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


class Model(NamedTuple):
    """A random graph, and a point to evaluate it at."""

    graph: Graph
    steps: dict[int, Step]
    parameters: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]

    def loss(self, parameters: Mapping[str, np.ndarray]) -> float:
        """The loss by NumPy; what no gradient passes through stays as it is at the model's own point."""
        values: dict[int, np.ndarray] = {}
        for at, step in self.steps.items():
            if step.op == "param":
                values[at] = parameters[f"param_{at}"]
            elif step.op == "stop_gradient" or not step.operands:
                values[at] = step.value
            else:
                values[at] = NUMPY.get(step.op, getattr(np, step.op, None))(*(values[each] for each in step.operands), **step.plain)
        return float(values[at])

    def depends_on_all(self) -> bool:
        """Whether the loss changes with each parameter, by differences along one direction for each."""
        slopes = []
        for name, array in self.parameters.items():
            direction = np.random.default_rng(1).normal(size=array.shape) * 1e-4
            slopes.append(abs(self.loss({**self.parameters, name: array + direction}) - self.loss({**self.parameters, name: array - direction})))
        return min(slopes) > 1e-3 * max(slopes)


NUMPY: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
    "stop_gradient": lambda x: x,
    "softmax": op_samples.softmax,
    "log_softmax": lambda x, axis=-1: np.log(op_samples.softmax(x, axis)),
    "logsumexp": op_samples.logsumexp,
    "cast": lambda x, dtype: x.astype("float64" if dtype == "float" else dtype),
    "concat": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
    "index": lambda x, key: x[key],
    "pad": lambda x, pad_width, value=0.0: np.pad(x, pad_width, constant_values=value),
    "clip": np.clip,
    "scatter_add": op_samples.scattered,
    "scatter_add_along_axis": op_samples.scattered_along,
    "expand_dims": np.expand_dims,
}
CALLS: dict[str, Callable[..., Any]] = {"einsum": lambda *xs, subscripts, **more: ops.einsum(subscripts, *xs, **more)}


def _loss_value(name: str) -> Callable[..., Any]:
    reduced = {"mean": np.mean, "sum": np.sum, "none": np.asarray}
    return lambda x, target, reduction="mean": reduced[reduction](op_samples.LOSSES[name](x, target))


NUMPY |= {name: _loss_value(name) for name in ops.LOSSES}


def apart(x: Any, y: Any) -> float:
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
    "floor": lambda x: apart(x, np.round(x)),
    "hinge": lambda x, target, **_: apart(x * target, 1.0),
    "clip": lambda x, low, high: min(apart(x, low), apart(x, high)),
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
        fit = [other for other, step in enumerate(self.steps) if step.node.dtype == "float" and sizes.broadcast(step.node.shape, shape) is not None]
        return self.choose(fit)

    def twin(self, at: int) -> int:
        """A float of the same shape."""
        fit = [other for other, step in enumerate(self.steps) if step.node.dtype == "float" and sizes.same(step.node.shape, self.shape(at))]
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
        attributes = {"shape": shape} if op == "param" else {"value": value} if op == "constant" else {"shape": shape, "dtype": dtype}
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
        if op in DISTANCE and values[0].dtype.kind == "f" and DISTANCE[op](*values, **(plain if op in ("max", "min", "hinge") else {})) < MARGIN:
            raise Rejected
        value = np.asarray(NUMPY.get(op, getattr(np, op, None))(*values, **plain))
        if not np.isfinite(value).all() or value.size > 400 or value.ndim > 4 or (value.size and np.abs(value).max() > 30.0):
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
        return self.call("tanh", at) if self.chance(0.3) else self.call("multiply", at, self.number(round(2.0 / largest, 3)))

    def count(self) -> int:
        """How many steps are not leaves."""
        return sum(bool(step.operands) for step in self.steps)

    def positive(self) -> int:
        return self.call("add", self.call("square", self.pick()), self.number(0.5))

    def move(self) -> None:
        """Add a few steps, or none if they do not fit."""
        before = len(self.steps), set(self.read)
        try:
            self.bounded(self.choose(MOVES)(self))
        except Rejected:
            del self.steps[before[0] :]
            self.read = before[1]


def call(op: str, nodes: list[Any], attributes: dict[str, Any]) -> Any:
    function = CALLS.get(op) or getattr(losses if op in ops.LOSSES else ops, op)
    return function(*nodes, **attributes)


# -- moves: each adds steps and answers the last one

Move = Callable[[Maker], int]


def _unary(m: Maker) -> int:
    op = m.choose(("negative", "square", "exp", "expm1", "sin", "cos", "tanh", "sigmoid", "softplus", "abs", "relu", "leaky_relu", "elu"))
    attributes = {"leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": 0.7}}.get(op, {}) if m.chance(0.5) else {}
    return m.call(op, m.pick(), **attributes)


def _restricted(m: Maker) -> int:
    op = m.choose(("sqrt", "log", "log1p", "reciprocal"))
    return m.call(op, m.positive())


def _power(m: Maker) -> int:
    exponent = m.number(m.choose((0.5, 1.5, 2.0, 3.0, -1.0, -0.4))) if m.chance(0.6) else m.call("tanh", m.pick())
    base = m.positive()
    return m.call("power", base, exponent if sizes.broadcast(m.shape(base), m.shape(exponent)) is not None else m.twin(base))


def _binary(m: Maker) -> int:
    x = m.pick()
    return m.call(m.choose(("add", "subtract", "multiply", "maximum", "minimum")), x, m.partner(x))


def _with_number(m: Maker) -> int:
    number = m.number(m.choose((0.0, 0.3, -1.25, 2.0)))
    operands = [m.pick(), number]
    return m.call(m.choose(("add", "subtract", "multiply", "maximum", "minimum")), *(operands if m.chance(0.5) else operands[::-1]))


def _divide(m: Maker) -> int:
    below = m.positive()
    return m.call("divide", m.partner(below), below)


def _condition(m: Maker) -> int:
    kind = m.generator.integers(4)
    if kind == 0:
        x = m.pick("int64")
        return m.call(m.choose(("equal", "not_equal", "less_equal")), x, m.leaf("constant", (1,), m.steps[x].value.flat[:1]))
    if kind == 1:
        return m.pick("bool")
    x = m.pick()
    return m.call(m.choose(("less", "less_equal", "greater", "greater_equal")), x, m.partner(x) if kind == 2 else m.number(0.1))


def _logic(m: Maker) -> int:
    one = _condition(m)
    if m.chance(0.3):
        return m.call("logical_not", one)
    fit = [at for at, step in enumerate(m.steps) if step.node.dtype == "bool" and sizes.broadcast(step.node.shape, m.shape(one)) is not None]
    return m.call(m.choose(("logical_and", "logical_or")), one, m.choose(fit))


def _where(m: Maker) -> int:
    condition = _condition(m) if m.chance(0.7) else _logic(m)
    one = m.partner(condition)
    fit = [at for at, step in enumerate(m.steps) if step.node.dtype == "float" and sizes.broadcast(step.node.shape, m.shape(one), m.shape(condition)) is not None]
    other = m.choose(fit) if m.chance(0.8) else m.number(0.0)
    return m.call("where", condition, *((one, other) if m.chance(0.5) else (other, one)))


def _mask(m: Maker) -> int:
    mask = _condition(m)
    mask = m.call("cast", mask, dtype="float") if m.chance(0.5) else mask
    return m.call("multiply", m.partner(mask), mask)


def _integers(m: Maker) -> int:
    x = m.pick("int64")
    doubled = m.call(m.choose(("add", "multiply", "maximum", "subtract")), x, x if m.chance(0.3) else m.leaf("constant", (1,), [2]))
    return m.call("multiply", m.call("cast", doubled, dtype="float"), m.partner(x))


def _stopped(m: Maker) -> int:
    x = m.pick()
    return m.call("multiply", m.call(m.choose(("stop_gradient", "sign", "floor")), x), m.partner(x))


def _reduction(m: Maker) -> int:
    x = m.pick()
    keywords = {"axis": m.axes(x), "keepdims": m.chance(0.5)}
    return m.call(m.choose(("sum", "mean", "max", "min", "logsumexp")), x, **keywords)


def _softmax(m: Maker) -> int:
    x = m.pick(least=1)
    return m.call(m.choose(("softmax", "log_softmax")), x, axis=m.axis(x))


def _matmul(m: Maker) -> int:
    x = m.pick(least=1)
    inner = m.shape(x)[-1]
    fit = [at for at, step in enumerate(m.steps) if step.node.dtype == "float" and step.node.ndim and sizes.equal(step.node.shape[-2:][0], inner)]
    fit = [at for at in fit if sizes.broadcast(m.shape(at)[:-2], m.shape(x)[:-2]) is not None]
    if fit and m.chance(0.6):
        return m.call("matmul", x, m.choose(fit))
    if len(m.shape(x)) > 1 and m.chance(0.4):
        order = (*range(len(m.shape(x)) - 2), len(m.shape(x)) - 1, len(m.shape(x)) - 2)
        return m.call("matmul", x, m.call("transpose", x, axes=order))
    return m.call("matmul", x, m.param((inner, *m.sizes(0, 1))))


EINSUMS = {
    1: ("i->", "i,i->", "i,j->ij", "...,i->i", "i...->..."),
    2: ("ij->ji", "ij->j", "ij,ij->i", "ij,kj->ik", "ij,ik->jk", "i...,i...->...", "ij,j->", "ij,ij,ij->ij", "ij->i"),
    3: ("ijk->ki", "ijk,ijl->kl", "...j,...j->...", "ijk,ijk->", "ij...,ij...->i..."),
    4: ("ijkl->ljk", "...ij,...ij->...j", "ijkl,ijkl->ik"),
}


def _einsum(m: Maker) -> int:
    x = m.pick(least=1)
    subscripts = m.choose(EINSUMS[len(m.shape(x))])
    terms = subscripts.split("->")[0].split(",")
    operands = [x]
    for term in terms[1:]:
        rank = len(term) if "." not in term else len(m.shape(x))
        operands.append(x if m.chance(0.5) or rank != len(m.shape(x)) else m.twin(x))
    if terms == ["ij", "j"]:
        operands[1] = m.call("sum", x, axis=0)
    if terms == ["...", "i"]:
        operands[0] = m.call("mean", x)
    return m.call("einsum", *operands, subscripts=subscripts)


def _diagonal(m: Maker) -> int:
    x = m.pick(least=2, most=2)
    if not all(isinstance(size, int) for size in m.shape(x)):
        raise Rejected
    return m.call("einsum", m.call("matmul", m.call("transpose", x), x), subscripts=m.choose(("ii->i", "ii->")))


def _layout(m: Maker) -> int:
    x = m.pick(least=1)
    shape = m.shape(x)
    kind = m.choose(("transpose", "reshape", "expand_dims", "squeeze", "broadcast_to"))
    if kind == "transpose":
        return m.call(kind, x, axes=tuple(int(axis) for axis in m.generator.permutation(len(shape))))
    if kind == "reshape":
        return m.call(kind, x, shape=m.choose(((*shape[:-2], math.prod(shape[-2:])), (math.prod(shape),), (1, *shape), (shape[0], math.prod(shape[1:])))))
    if kind == "expand_dims":
        return m.call(kind, x, axis=int(m.generator.integers(-len(shape) - 1, len(shape) + 1)))
    ones = [axis for axis, size in enumerate(shape) if isinstance(size, int) and size == 1]
    if not ones:
        x = m.call("expand_dims", x, axis=0)
        ones, shape = [0], (1, *shape)
    if kind == "squeeze":
        return m.call(kind, x, axis=m.choose(ones))
    wide = tuple(3 if axis in ones else size for axis, size in enumerate(shape))
    return m.call(kind, x, shape=wide if m.chance(0.5) else (2, *wide))


def _join(m: Maker) -> int:
    x = m.pick()
    operands = [x, *(m.twin(x) for _ in range(m.generator.integers(0, 3)))]
    if not m.shape(x) or m.chance(0.5):
        return m.call("stack", *operands, axis=int(m.generator.integers(-len(m.shape(x)) - 1, len(m.shape(x)) + 1)))
    return m.call("concat", *operands, axis=m.axis(x))


def _pad(m: Maker) -> int:
    x = m.pick(least=1)
    widths = tuple((int(m.generator.integers(2)), int(m.generator.integers(2))) for _ in m.shape(x))
    return m.call("pad", x, pad_width=widths, **({"value": 0.5} if m.chance(0.3) else {}))


def _index(m: Maker) -> int:
    x = m.pick(least=1)
    key: list[Any] = []
    for size in m.shape(x):
        options = [slice(None), slice(None), slice(None, None, -1), 0, -1]
        if isinstance(size, int) and size > 1:
            options += [slice(1, None), slice(None, -1), slice(None, None, 2), slice(-2, None), slice(0, 1)]
        key.append(m.choose(options))
    if m.chance(0.3):
        key.insert(int(m.generator.integers(len(key) + 1)), None)
    return m.call("index", x, key=tuple(key))


def _slices(m: Maker) -> int:
    """Several slices of one array, joined again."""
    x = m.pick(least=1)
    if not isinstance(m.shape(x)[0], int):
        raise Rejected
    parts = [m.call("index", x, key=(place,)) for place in range(m.shape(x)[0])]
    return m.call("stack", *(m.call("tanh", part) for part in parts), axis=0)


def _take(m: Maker) -> int:
    x = m.pick(least=1, most=3)
    axis = m.axis(x)
    size = m.known(m.shape(x))[axis]
    index = m.integers(m.sizes(0, 2), size, -size)
    return m.call("take", x, index, axis=axis)


def _along(m: Maker) -> int:
    x = m.pick(least=1)
    axis = m.axis(x)
    place = axis % len(m.shape(x))
    if m.chance(0.5):
        size = m.known(m.shape(x))[axis]
        shape = (*m.shape(x)[:place], m.choose((1, 2, 3)), *m.shape(x)[place + 1 :])
        return m.call("take_along_axis", x, m.integers(shape, size, -size), axis=axis)
    return m.call("scatter_add_along_axis", x, m.integers(m.shape(x), 3, -3), size=3, axis=place)


def _scatter(m: Maker) -> int:
    x = m.pick(least=1)
    axis = int(m.generator.integers(len(m.shape(x))))
    index = m.integers(m.shape(x)[axis : axis + m.generator.integers(1, 3)], 3, -3)
    return m.call("scatter_add", x, index, size=3, axis=axis)


def _clip(m: Maker) -> int:
    x = m.pick()
    return m.call("clip", x, m.number(-0.8), m.number(0.9))


def _loss(m: Maker) -> int:
    x = m.pick(least=1)
    op = m.choose(("mse", "cross_entropy", "bce_with_logits", "hinge"))
    shape = m.shape(x)
    if op == "mse":
        target = m.twin(x)
    elif op == "cross_entropy":
        target = m.integers(shape[:-1], m.known(shape)[-1]) if m.chance(0.5) else m.call("softmax", m.twin(x))
    elif op == "bce_with_logits":
        target = m.call("sigmoid", m.twin(x))
    else:
        target = m.call("sign", m.twin(x))
    return m.call(op, x, target, reduction=m.choose(("mean", "sum", "none")))


MOVES: tuple[Move, ...] = (
    _unary, _unary, _unary, _restricted, _power, _binary, _binary, _binary, _with_number, _divide, _logic, _where, _where, _mask, _integers, _stopped,
    _reduction, _reduction, _softmax, _matmul, _matmul, _einsum, _einsum, _diagonal, _layout, _layout, _join, _pad, _index, _slices, _take, _along, _scatter,
    _clip, _loss,
)  # fmt: skip


def _started(seed: Any) -> Maker:
    m = Maker(seed)
    for most in (4, 3, 2, 1, 0):
        m.param(m.sizes(max(most - 1, 0), most))
    m.leaf("input", (shape := m.sizes(1, 3)), m.generator.normal(size=m.known(shape)))
    m.leaf("input", (shape := m.sizes(0, 2)), m.generator.integers(0, 3, m.known(shape)))
    m.leaf("input", (shape := m.sizes(0, 2)), m.generator.integers(0, 2, m.known(shape)).astype(bool))
    return m


def _total(m: Maker) -> int:
    """The loss: a weighted sum of all that nothing reads."""
    ends = [at for at, step in enumerate(m.steps) if at not in m.read and step.node.dtype == "float"]
    parts = [m.call("sum", m.call("multiply", at, m.number(round(0.3 + 0.1 * (number % 7), 1)))) for number, at in enumerate(ends)]
    return _added(m, parts)


def _added(m: Maker, parts: list[int]) -> int:
    total = parts[0]
    for part in parts[1:]:
        total = m.call("add", total, part)
    return total


def _needed(steps: list[Step], at: int) -> list[int]:
    needed, stack = set(), [at]
    while stack:
        at = stack.pop()
        if at not in needed:
            needed.add(at)
            stack.extend(steps[at].operands)
    return sorted(needed)


def draw(seed: Any, least: int = 20) -> Model:
    """The model of a seed, with at least so many nodes besides its leaves and the sums that end it."""
    for attempt in itertools.count():
        m = _started([*np.atleast_1d(seed), attempt])
        while m.count() < least + 8:
            m.move()
        body = len(m.steps)
        try:
            total = _total(m)
        except Rejected:
            continue
        needed = _needed(m.steps, total)
        if sum(bool(m.steps[at].operands) for at in needed if at < body) >= least and {0, 1, 2, 3, 4} <= set(needed):
            found = _model(m, needed)
            if found.depends_on_all():
                return found
    raise AssertionError("no model")


def _model(m: Maker, needed: list[int]) -> Model:
    """Declare what the loss needs, in a graph of its own; some values are named."""
    g = Graph("random")
    nodes: dict[int, Any] = {}
    parameters, inputs = {}, {}
    for at in needed:
        step = m.steps[at]
        if step.op in ("param", "input"):
            (parameters if step.op == "param" else inputs)[f"{step.op}_{at}"] = step.value
            nodes[at] = getattr(g, step.op)(f"{step.op}_{at}", **step.attributes)
        elif step.op == "constant":
            nodes[at] = g.constant(step.value.item() if step.value.dtype.kind == "f" and not step.value.shape else step.value)
        else:
            nodes[at] = call(step.op, [nodes[each] for each in step.operands], {**step.attributes, **({"name": f"v{at}"} if at % 3 == 0 else {})})
    g.loss(nodes[needed[-1]])
    return Model(g, {at: m.steps[at] for at in needed}, parameters, inputs)
