"""Samples of the linear ops, in whole numbers."""

import numpy as np
from references import scattered, scattered_along
from sample import Sample, both, integers, some, whole

from graphgen import ops

INDEX = integers([[1, -1, 0], [2, 2, -3]])


def layout() -> dict[str, list[Sample]]:
    return {
        "sum": [
            both("sum", whole(5)),
            both("sum", whole(2, 5), axis=-1),
            both("sum", whole(2, 3, 4), axis=(0, 2), keepdims=True),
            both("sum", whole()),
            both("sum", whole(2, 1, 3, 2), axis=(1, 3)),
        ],
        "mean": [
            both("mean", whole(4)),
            both("mean", whole(4, 5), axis=0),
            both("mean", whole(2, 3, 4), axis=(0, 2), keepdims=True),
            both("mean", whole()),
        ],
        "broadcast_to": [
            both("broadcast_to", whole(), shape=(2, 3)),
            both("broadcast_to", whole(2, 1), shape=(3, 2, 4)),
            both("broadcast_to", whole(1, 3), shape=(1, 3)),
            Sample(
                (whole(5), whole(1, 1)),
                lambda x, y: ops.broadcast_to(y, (2, x.shape[0])) * x,
                lambda x, y: np.broadcast_to(y, (2, 5)) * x,
            ),
        ],
        "expand_dims": [
            both("expand_dims", whole(5), axis=0),
            both("expand_dims", whole(2, 3), axis=(0, -1)),
            both("expand_dims", whole(), axis=0),
            both("expand_dims", whole(2, 3), axis=()),
            both("expand_dims", whole(2, 3, 4), axis=3),
        ],
        "squeeze": [
            both("squeeze", whole(1, 5, 1)),
            both("squeeze", whole(1, 2, 1), axis=-1),
            both("squeeze", whole(1), axis=0),
            both("squeeze", whole(2, 1, 1, 3), axis=(1, 2)),
        ],
        "transpose": [
            both("transpose", whole(5, 3)),
            both("transpose", whole(2, 3, 4), axes=(1, 2, 0)),
            both("transpose", whole(2, 3, 5, 2), axes=(0, -1, 2, 1)),
            both("transpose", whole()),
        ],
        "reshape": [
            both("reshape", whole(2, 6), shape=(3, -1)),
            both("reshape", whole(), shape=(1, 1)),
            both("reshape", whole(1, 1), shape=()),
            Sample((whole(5, 4),), lambda x: ops.reshape(x, (2 * x.shape[0], 2)), lambda x: x.reshape(10, 2)),
            Sample((whole(2, 5, 3),), lambda x: ops.reshape(x, (-1, 3)), lambda x: x.reshape(-1, 3)),
        ],
    }


def products_and_joins() -> dict[str, list[Sample]]:
    parts = (((None, None, None), 1), (1, (0, 2, None)), ((None, None, -1), -1))
    return {
        "matmul": [
            both("matmul", whole(5, 3), whole(3, 4)),
            both("matmul", whole(3), whole(3)),
            both("matmul", whole(2, 1, 5, 3), whole(4, 3, 2)),
        ],
        "contraction": [
            Sample(
                (whole(2, 5), whole(5, 3)),
                lambda a, b: ops.contraction(a, b, subscripts=(("ij", "jk"), "ki")),
                lambda a, b: np.einsum("ij,jk->ki", a, b),
            ),
            Sample(
                (whole(2), whole(3), whole(2, 3)),
                lambda a, b, c: ops.contraction(a, b, c, subscripts=(("i", "j", "ij"), "")),
                lambda a, b, c: np.einsum("i,j,ij->", a, b, c),
            ),
        ],
        "concat": [
            both("concat", whole(2, 3), whole(2, 5), axis=-1, numpy=lambda *xs, axis: np.concatenate(xs, axis)),
            Sample(
                (whole(2, 3), whole(5, 3), whole(1, 3)),
                lambda *xs: ops.concat(list(xs)),
                lambda *xs: np.concatenate(xs),
            ),
            both("concat", whole(3), numpy=lambda x: x),
            Sample(  # parts of which it cannot be shown that they hold anything
                (whole(5),),
                lambda x: ops.concat([x[2:], x[:-2], x[3:]]),
                lambda x: np.concatenate([x[2:], x[:-2], x[3:]]),
            ),
        ],
        "stack": [
            both("stack", whole(5), whole(5) + 1, axis=-1, numpy=lambda *xs, axis: np.stack(xs, axis)),
            Sample((whole(2, 3), whole(2, 3)), lambda *xs: ops.stack(list(xs)), lambda *xs: np.stack(xs)),
            Sample((whole(), whole()), ops.stack, lambda *xs: np.stack(xs)),
        ],
        "getitem": [
            Sample((whole(5, 3),), lambda x: ops.getitem(x, key=((1, None, None), 2)), lambda x: x[1:, 2]),
            Sample((whole(4),), lambda x: ops.getitem(x, key=((None, None, -2),)), lambda x: x[::-2]),
        ],
        "assemble": [
            Sample((whole(3), whole(2), whole(3)), lambda *xs: ops.assemble(*xs, keys=parts, shape=(3, 4)), _assembled),
            Sample(
                (whole(5, 2),),
                lambda x: ops.assemble(x, keys=(((None, None, None), (None, None, 2)),), shape=(x.shape[0], 4)),
                lambda x: np.insert(x, (1, 2), 0.0, axis=1),
            ),
        ],
        "pad": [
            both("pad", whole(5), pad_width=1),
            both("pad", whole(2, 3), pad_width=((0, 2), (1, 0))),
            both("pad", whole(2, 1, 3), pad_width=(1, 2)),
        ],
    }


def indexing() -> dict[str, list[Sample]]:
    return {
        "take": [
            both("take", whole(5), INDEX),
            *(both("take", whole(3, 4, 3, 5), INDEX, axis=axis) for axis in (0, 2, -4)),
            both("take", whole(4, 3), integers(-1), axis=1),
            both("take", whole(3, 2), INDEX, axis=0),
            both("take", whole(6, 5), integers([0, 5, 0]), axis=0),
        ],
        "scatter_add": [
            Sample(
                (whole(2, 3, 5), INDEX), lambda u, i: ops.scatter_add(u, i, size=4), lambda u, i: scattered(u, i, 4, 0)
            ),
            Sample(
                (whole(5, 2, 3, 2), INDEX),
                lambda u, i: ops.scatter_add(u, i, size=3, axis=1),
                lambda u, i: scattered(u, i, 3, 1),
            ),
            Sample(
                (whole(2, 3), INDEX), lambda u, i: ops.scatter_add(u, i, size=3), lambda u, i: scattered(u, i, 3, 0)
            ),
            Sample(
                (whole(2), integers(1)),
                lambda u, i: ops.scatter_add(u, i, size=3, axis=1),
                lambda u, i: scattered(u, i, 3, 1),
            ),
        ],
        "take_along_axis": [
            both("take_along_axis", whole(2, 4), integers([[0, -1, 0], [3, 1, 1]]), axis=-1),
            both("take_along_axis", whole(4, 5), np.arange(15).reshape(3, 5) % 4, axis=0),
            both("take_along_axis", whole(3), integers([2, 2, 0, -1]), axis=0),
        ],
        "scatter_add_along_axis": [
            Sample(
                (whole(2, 3), integers([[0, -1, 0], [3, 1, 1]])),
                lambda u, i: ops.scatter_add_along_axis(u, i, size=4, axis=1),
                lambda u, i: scattered_along(u, i, 4, 1),
            ),
            Sample(
                (whole(3, 5), np.arange(15).reshape(3, 5) % 4),
                lambda u, i: ops.scatter_add_along_axis(u, i, size=4, axis=0),
                lambda u, i: scattered_along(u, i, 4, 0),
            ),
        ],
        "accumulate": [Sample((whole(5), whole(5) + 1, whole(5) + 2), ops.accumulate, lambda *xs: np.sum(xs, axis=0))],
        "cast": [
            Sample((whole(5),), lambda x: ops.cast(x, "float"), lambda x: x),
            Sample((integers([3, -2]),), lambda x: ops.cast(x, "float"), lambda x: x.astype(float)),
            Sample((np.array([True, False]),), lambda x: ops.cast(x, dtype="int32"), lambda x: x.astype(int)),
            Sample((some(5) > 0,), lambda x: ops.cast(x, "float"), lambda x: x.astype(float)),
        ],
    }


def _assembled(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    total = np.zeros((3, 4))
    total[:, 1] += x
    total[1, 0:2] += y
    total[::-1, -1] += z
    return total
