"""The moves that random graphs are made of: each adds steps and answers the last one."""

import math
from collections.abc import Callable
from typing import Any

from random_steps import LOSSES, Maker, Rejected

from graphgen import sizes

Move = Callable[[Maker], int]


def _unary(m: Maker) -> int:
    op = m.choose(
        (
            "negative",
            "square",
            "exp",
            "expm1",
            "sin",
            "cos",
            "tanh",
            "sigmoid",
            "softplus",
            "abs",
            "relu",
            "leaky_relu",
            "elu",
        )
    )
    attributes = {"leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": 0.7}}.get(op, {}) if m.chance(0.5) else {}
    return m.call(op, m.pick(), **attributes)


def _restricted(m: Maker) -> int:
    op = m.choose(("sqrt", "log", "log1p", "reciprocal"))
    return m.call(op, m.positive())


def _power(m: Maker) -> int:
    exponent = m.number(m.choose((0.5, 1.5, 2.0, 3.0, -1.0, -0.4))) if m.chance(0.6) else m.call("tanh", m.pick())
    base = m.positive()
    return m.call(
        "power", base, exponent if sizes.broadcast(m.shape(base), m.shape(exponent)) is not None else m.twin(base)
    )


def _binary(m: Maker) -> int:
    x = m.pick()
    return m.call(m.choose(("add", "subtract", "multiply", "maximum", "minimum")), x, m.partner(x))


def _with_number(m: Maker) -> int:
    number = m.number(m.choose((0.0, 0.3, -1.25, 2.0)))
    operands = [m.pick(), number]
    return m.call(
        m.choose(("add", "subtract", "multiply", "maximum", "minimum")),
        *(operands if m.chance(0.5) else operands[::-1]),
    )


def _divide(m: Maker) -> int:
    below = m.positive()
    return m.call("divide", m.partner(below), below)


def _condition(m: Maker) -> int:
    kind = m.generator.integers(4)
    if kind == 0:
        x = m.pick("int64")
        return m.call(
            m.choose(("equal", "not_equal", "less_equal")), x, m.leaf("constant", (1,), m.steps[x].value.flat[:1])
        )
    if kind == 1:
        return m.pick("bool")
    x = m.pick()
    return m.call(
        m.choose(("less", "less_equal", "greater", "greater_equal")), x, m.partner(x) if kind == 2 else m.number(0.1)
    )


def _logic(m: Maker) -> int:
    one = _condition(m)
    if m.chance(0.3):
        return m.call("logical_not", one)
    fit = [
        at
        for at, step in enumerate(m.steps)
        if step.node.dtype == "bool" and sizes.broadcast(step.node.shape, m.shape(one)) is not None
    ]
    return m.call(m.choose(("logical_and", "logical_or")), one, m.choose(fit))


def _where(m: Maker) -> int:
    condition = _condition(m) if m.chance(0.7) else _logic(m)
    one = m.partner(condition)
    fit = [
        at
        for at, step in enumerate(m.steps)
        if step.node.dtype == "float" and sizes.broadcast(step.node.shape, m.shape(one), m.shape(condition)) is not None
    ]
    other = m.choose(fit) if m.chance(0.8) else m.number(0.0)
    return m.call("where", condition, *((one, other) if m.chance(0.5) else (other, one)))


def _mask(m: Maker) -> int:
    mask = _condition(m)
    mask = m.call("cast", mask, dtype="float") if m.chance(0.5) else mask
    return m.call("multiply", m.partner(mask), mask)


def _integers(m: Maker) -> int:
    x = m.pick("int64")
    doubled = m.call(
        m.choose(("add", "multiply", "maximum", "subtract")), x, x if m.chance(0.3) else m.leaf("constant", (1,), [2])
    )
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
    fit = [
        at
        for at, step in enumerate(m.steps)
        if step.node.dtype == "float" and step.node.ndim and sizes.equal(step.node.shape[-2:][0], inner)
    ]
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
        return m.call(
            kind,
            x,
            shape=m.choose(
                (
                    (*shape[:-2], math.prod(shape[-2:])),
                    (math.prod(shape),),
                    (1, *shape),
                    (shape[0], math.prod(shape[1:])),
                )
            ),
        )
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
    return m.call("pad", x, pad_width=widths, **({"constant_values": 0.5} if m.chance(0.3) else {}))


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
    op = m.choose(LOSSES)
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
    _unary,
    _unary,
    _unary,
    _restricted,
    _power,
    _binary,
    _binary,
    _binary,
    _with_number,
    _divide,
    _logic,
    _where,
    _where,
    _mask,
    _integers,
    _stopped,
    _reduction,
    _reduction,
    _softmax,
    _matmul,
    _matmul,
    _einsum,
    _einsum,
    _diagonal,
    _layout,
    _layout,
    _join,
    _pad,
    _index,
    _slices,
    _take,
    _along,
    _scatter,
    _clip,
    _loss,
)
