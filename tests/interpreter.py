"""A reference interpreter: programs in NumPy, one plain function for each op, in float64 throughout.

It shares nothing with the targets that graphgen writes for, so that tests can hold those against it: but for ops that are
too new to have a function here.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import activations
import numpy as np
import references
import sympy as sp
import window_references
from scipy import special

from graphgen import Graph, load, ops
from graphgen.program import Node, Program


def evaluate(program: Program, values: Mapping[str, Any], sizes: Mapping[str, int] | None = None) -> dict[str, np.ndarray]:
    """The value of every node.

    Parameters
    ----------
    values : of the inputs and parameters, by name.
    sizes : of symbolic sizes, by name; those that are axes of inputs or parameters need not be given.
    """
    known = dict(sizes or {})
    for node in program.nodes.values():
        if node.op in ("input", "param"):
            for size, found in zip(node.shape, np.shape(values[node.name]), strict=True):
                if isinstance(size, sp.Symbol):
                    known.setdefault(size.name, found)
    results: dict[str, np.ndarray] = {}
    for node in program.nodes.values():
        found = _evaluated(node, [results[each] for each in node.args], values, known)
        expected = shape_of(node.shape, known)
        assert found.shape == expected, f"{node.name} has shape {found.shape}, not {expected}"
        assert found.dtype.kind == {"float": "f", "bool": "b"}.get(node.dtype, "i"), f"{node.name} holds {found.dtype}"
        results[node.name] = found
    return results


def shape_of(shape: tuple[Any, ...], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """A shape with numbers for its symbolic sizes."""
    return tuple(number_of(each, sizes) for each in shape)


def number_of(size: Any, sizes: Mapping[str, int]) -> Any:
    """A size, or None, as a number."""
    if not isinstance(size, sp.Expr):
        return size
    return int(size.subs({symbol: sizes[symbol.name] for symbol in size.free_symbols}))


def draw(program: Program, seed: int = 0, **sizes: int) -> dict[str, np.ndarray]:
    """Values for the inputs and parameters: normal floats, and integers 0 and 1."""
    random = np.random.default_rng(seed)
    drawn = {}
    for node in program.nodes.values():
        if node.op in ("input", "param"):
            shape = shape_of(node.shape, sizes)
            drawn[node.name] = random.normal(size=shape) if node.dtype == "float" else random.integers(0, 2, size=shape).astype(node.dtype)
    return drawn


def _evaluated(node: Node, args: list[np.ndarray], values: Mapping[str, Any], sizes: Mapping[str, int]) -> np.ndarray:
    if node.op in ("input", "param"):
        kind = "float64" if node.dtype == "float" else node.dtype
        return np.asarray(values[node.name], dtype=kind)
    if node.op == "constant":
        return np.asarray(node.attributes["value"], dtype="float64" if node.dtype == "float" else node.dtype)
    if node.op == "size":
        return np.asarray(float(number_of(node.attributes["size"], sizes)))
    if node.op == "map":
        tree = ast.parse(str(node.attributes["formula"]), mode="eval").body
        slots = {symbol.name: each for symbol, each in zip(node.attributes["formula"].slots, args, strict=True)}
        return np.asarray(_formula(tree, slots)) + np.zeros(shape_of(node.shape, sizes))
    attributes = {key: _numbers(value, sizes) for key, value in node.attributes.items()}
    return np.asarray(OPS[node.op](*args, **attributes) if node.op in OPS else _compiled(node.op, args, attributes))


def _compiled(op: str, args: list[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    """What the compiler makes of an op that has no evaluation here: its value is tested by its own samples."""
    g = Graph("alone")
    leaves = [g.input(f"x{place}", each.shape, dtype=str(each.dtype)) for place, each in enumerate(args)]
    g.output(y=getattr(ops, op)(*leaves, **attributes))
    return load(g, inference=True).forward({}, *args)


def _numbers(value: Any, sizes: Mapping[str, int]) -> Any:
    return tuple(_numbers(each, sizes) for each in value) if isinstance(value, tuple) else number_of(value, sizes)


_SIGNS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or, ast.USub: operator.neg, ast.Invert: np.logical_not,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def _formula(node: ast.expr, slots: Mapping[str, np.ndarray]) -> Any:
    match node:
        case ast.Constant(value=value):
            return np.float64(value)
        case ast.Name(id=name):
            return slots[name] if name in slots else {"pi": np.pi, "inf": np.inf, "nan": np.nan}[name]
        case ast.UnaryOp(op=sign, operand=operand):
            return _SIGNS[type(sign)](_formula(operand, slots))
        case ast.BinOp(left=left, op=sign, right=right):
            return _SIGNS[type(sign)](_formula(left, slots), _formula(right, slots))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return _SIGNS[type(sign)](_formula(left, slots), _formula(right, slots))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(_formula(each, slots) for each in arguments))
    raise AssertionError(ast.dump(node))


def sinc_slope(a: Any) -> Any:
    near = np.abs(a) < 1e-3
    b = np.where(near, 1.0, a)
    return np.where(near, -a * np.pi**2 / 3 + a**3 * np.pi**4 / 30, (np.cos(np.pi * b) - np.sinc(b)) / b)


DECLARED = ("stop_gradient", "straight_through", "custom_gradient", "scale_gradient")  # the first operand, as a value
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "sqrt", "cbrt", "hypot", "sin", "cos", "tan",
                 "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sinc", "abs", "sign", "floor",
                 "ceil", "round", "trunc", "fmod", "remainder", "maximum", "minimum", "where")
} | {
    "sigmoid": activations.logistic,
    "softplus": activations.softplus,
    "logit": lambda a: np.log(a) - np.log1p(-a),
    "xlogy": lambda a, b: np.where(a == 0, 0.0, a * np.log(np.where(a == 0, 1.0, b))),
    "over_squares": lambda a, b: a / np.where((a == 0) & (b == 0), 1.0, a**2 + b**2),
    "sinc_slope": sinc_slope,
    "quotient": lambda a, b: np.where(b == 0, 0.0, a / np.where(b == 0, 1.0, b)),
    "nonzero": lambda a: np.where(a == 0, 1.0, a),
    "erf": special.erf,
    "erfc": special.erfc,
    "gaussian": lambda a: np.exp(-a * a),
    "lgamma": special.gammaln,
    "digamma": special.digamma,
    "polygamma": lambda order, a: special.polygamma(int(order), a),
    **{name: lambda *xs: np.broadcast_arrays(*xs)[0] for name in DECLARED},
    "clipped": lambda x, low=-np.inf, high=np.inf: np.clip(x, low, high),
    **activations.PARTS,
}  # fmt: skip


def _key(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(slice(*each) if isinstance(each, tuple) else each for each in key)


def _assemble(*parts: np.ndarray, keys: Any, shape: Any) -> np.ndarray:
    total = np.zeros(shape)
    for part, key in zip(parts, keys, strict=True):
        total[_key(key)] += part
    return total


def _add_at(updates: np.ndarray, *indices: np.ndarray, shape: Any, axis: int) -> np.ndarray:
    places = np.broadcast_arrays(*indices)
    count = places[0].ndim
    total = np.zeros((*updates.shape[:axis], *shape, *updates.shape[axis + count :]))
    before = (slice(None),) * axis
    for at in np.ndindex(places[0].shape):
        total[(*before, *(each[at] for each in places))] += updates[(*before, *at)]
    return total


def _diag_embed(x: np.ndarray, offset: int, axis1: int, axis2: int, sizes: Any) -> np.ndarray:
    total = np.zeros((*x.shape[:-1], *sizes), dtype=x.dtype)
    for place in range(x.shape[-1]):
        total[..., place + max(-offset, 0), place + max(offset, 0)] = x[..., place]
    return np.moveaxis(total, (-2, -1), (axis1, axis2))


def _pad(x: np.ndarray, pad_width: Any, mode: str, constant_values: float) -> np.ndarray:
    if not x.ndim:
        return x
    return np.pad(x, pad_width, mode, **({"constant_values": constant_values} if mode == "constant" else {}))


def _scatter_add(updates: np.ndarray, index: np.ndarray, size: int, axis: int) -> np.ndarray:
    moved = updates.reshape(*updates.shape[:axis], index.size, *updates.shape[axis + index.ndim :])
    total = np.zeros((*moved.shape[:axis], size, *moved.shape[axis + 1 :]))
    np.add.at(np.moveaxis(total, axis, 0), index.ravel(), np.moveaxis(moved, axis, 0))
    return total


def _scatter_add_along_axis(updates: np.ndarray, index: np.ndarray, size: int, axis: int) -> np.ndarray:
    total = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + 1 :]))
    index = np.broadcast_to(index, updates.shape)
    for place in np.ndindex(*updates.shape):
        total[(*place[:axis], index[place], *place[axis + 1 :])] += updates[place]
    return total


def _finite_max(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    found = x.max(axis=axis, keepdims=True)
    return np.where(np.isfinite(found), found, 0.0)


def _first_true(x: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    front = np.moveaxis(x, axis, range(len(axis)))
    flat = front.reshape(-1, *front.shape[len(axis) :])
    first = (flat & (np.cumsum(flat, axis=0) == 1)).reshape(front.shape)
    return np.moveaxis(first, range(len(axis)), axis)


def _contraction(*xs: np.ndarray, subscripts: Any) -> np.ndarray:
    inputs, output = subscripts
    return np.einsum(f"{','.join(inputs)}->{output}", *xs)


OPS: dict[str, Callable[..., Any]] = FUNCTIONS | {
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "lerp": lambda a, b, weight: a + weight * (b - a),
} | {
    name: getattr(np, name)
    for name in ("add", "subtract", "multiply", "divide", "power", "negative", "square", "reciprocal", "less", "less_equal",
                 "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_not", "matmul", "take",
                 "take_along_axis", "sum", "mean", "max", "min", "squeeze", "transpose",
                 "prod", "cumsum", "cumprod", "argmax", "argmin",
                 "roll", "tril", "triu", "diagonal")
} | {
    **activations.ACTIVATIONS,
    "identity": lambda x: x,
    "clip_gradient": lambda x, **bounds: x,
    "clipped_to_norm": references.clipped_to_norm,
    "reshape": lambda x, shape: np.reshape(x, shape),
    "expand_dims": lambda x, axis: np.expand_dims(x, axis),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "concat": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "getitem": lambda x, key: x[_key(key)],
    "assemble": _assemble,
    "pad": _pad,
    "arange": lambda size: np.arange(size),
    "eye": lambda size: np.eye(size),
    "pick": lambda x, *indices, axis: x[(*(slice(None),) * axis, *indices)],
    "add_at": _add_at,
    "diag_embed": _diag_embed,
    "scatter_add": _scatter_add,
    "scatter_add_along_axis": _scatter_add_along_axis,
    "accumulate": lambda *xs: sum(xs[1:], xs[0]),
    "cast": lambda x, dtype: x.astype("float64" if dtype == "float" else dtype),
    "finite_max": _finite_max,
    "var": references.var,
    "std": references.std,
    "norm": references.norm,
    "product_of_others": references.product_of_others,
    "recurrence": references.recurrence,
    "shift": references.shift,
    "argsort": references.argsort,
    "first_true": _first_true,
    "contraction": _contraction,
    "windows": window_references.windows,
    "overlap_add": window_references.overlap_add,
}  # fmt: skip
