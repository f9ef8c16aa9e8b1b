"""Linear ops against NumPy, over the forms that their arguments take; their gradients are exact in whole numbers."""

import itertools

import numpy as np
import pytest
from exact import check
from sample import integers, whole

from graphgen import Graph, load, ops

EINSUMS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ba": [(2, 3)],
    "i,i": [(3,), (3,)],
    "i,j->ij": [(2,), (3,)],
    "i,j->ji": [(2,), (3,)],
    "ij->": [(2, 3)],
    "ij->j": [(2, 3)],
    "->": [()],
    ",i->i": [(), (3,)],
    "i,->": [(3,), ()],
    ",": [(), ()],
    "ii->i": [(3, 3)],
    "ii": [(3, 3)],
    "ii->": [(1, 1)],
    "iij->ij": [(3, 3, 2)],
    "iji->j": [(2, 3, 2)],
    "iii->i": [(3, 3, 3)],
    "ijij->ij": [(2, 3, 2, 3)],
    "ii,jj->ij": [(2, 2), (3, 3)],
    "iij,jk->ik": [(2, 2, 3), (3, 4)],
    "ij,kl->": [(2, 3), (4, 2)],
    "ijk,jl->il": [(2, 3, 4), (3, 2)],
    "ij,ij,ij->i": [(2, 3), (2, 3), (2, 3)],
    "ij,jk,kl->il": [(2, 3), (3, 2), (2, 4)],
    "i,j,k->kji": [(2,), (3,), (2,)],
    "a,b->": [(2,), (3,)],
    "...ij,...jk->...ik": [(2, 3, 4), (4, 2)],
    "...ij,jk": [(5, 2, 3), (3, 2)],
    "...,...->...": [(2, 3), (3,)],
    "i...->...": [(2, 3, 4)],
    "...i->i...": [(2, 3, 4)],
    "...i,i": [(2, 1, 3), (3,)],
    "...ii->...i": [(2, 3, 3)],
    "...->...": [(2, 3)],
    "ij,j->i": [(2, 1), (1,)],
    "ij,jk->ik ": [(1, 3), (3, 1)],
    " i j , j -> i": [(2, 3), (3,)],
    "bij,bjk->bik": [(1, 2, 3), (4, 3, 2)],
    "bi,bi->b": [(1, 3), (2, 1)],
    "...i,...i->...": [(2, 1, 3), (4, 3)],
    "Ij,jK->IK": [(2, 3), (3, 2)],
}


@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum(subscripts):
    operands = [whole(*shape) for shape in EINSUMS[subscripts]]
    terms = subscripts.replace(" ", "").split("->")[0].split(",")
    plain = operands
    if "." not in subscripts:  # of a named axis of size 1 NumPy asks that the other operands have size 1 as well
        pairs = [pair for term, x in zip(terms, operands, strict=True) for pair in zip(term, x.shape, strict=True)]
        largest = {letter: max(size for other, size in pairs if other == letter) for letter, _ in pairs}
        plain = [
            np.broadcast_to(x, [largest[letter] for letter in term]) for term, x in zip(terms, operands, strict=True)
        ]
    check(lambda *xs: ops.einsum(subscripts, *xs), np.einsum(subscripts, *plain), *operands)


def test_einsum_of_one_operand_twice():
    x = whole(3, 3)
    g = Graph("twice")
    node = g.param("x", (3, 3))
    g.loss(ops.einsum("ij,ji->", node, node))
    found = load(g).value_and_grad({"x": x})
    assert found[0] == np.einsum("ij,ji->", x, x)
    np.testing.assert_array_equal(found[1]["x"], 2.0 * x.T)


def test_einsum_over_an_unknown_size():
    x, y = whole(5, 3), whole(3, 2)
    for subscripts in ("ni,ij->nj", "...i,ij->...j", "ni,ij->j", "ni,ij->"):
        check(
            lambda a, b, subscripts=subscripts: ops.einsum(subscripts, a, b),
            np.einsum(subscripts, x, y),
            x,
            y,
            symbolic=True,
        )


LEFT = [(3,), (2, 3), (4, 2, 3), (1, 2, 3), (5, 1, 2, 3), (1, 4, 1, 3)]
RIGHT = [(3,), (3, 2), (4, 3, 2), (1, 3, 1), (5, 4, 3, 2), (1, 1, 3, 2)]


@pytest.mark.parametrize(("left", "right"), list(itertools.product(LEFT, RIGHT)))
def test_matmul_of_all_ranks(left, right):
    x, y = whole(*left), whole(*right)
    check(lambda a, b: a @ b, np.matmul(x, y), x, y, symbolic=True)


def test_matmul_of_one_operand_twice():
    x = whole(3, 3)
    g = Graph("twice")
    node = g.param("x", (3, 3))
    g.loss((node @ node).sum())
    ones = np.ones((3, 3))
    np.testing.assert_array_equal(load(g).value_and_grad({"x": x})[1]["x"], ones @ x.T + x.T @ ones)


KEYS = [
    np.s_[0],
    np.s_[-1],
    np.s_[2],
    np.s_[:],
    np.s_[...],
    np.s_[1:],
    np.s_[:-1],
    np.s_[1:-1],
    np.s_[::2],
    np.s_[::-1],
    np.s_[-2::-1],
    np.s_[3:0:-2],
    np.s_[1:3, 0],
    np.s_[..., 0],
    np.s_[0, ...],
    np.s_[None],
    np.s_[:, None],
    np.s_[..., None],
    np.s_[None, 1, None, ::2],
    np.s_[:, 1:2, ::-1],
    np.s_[-1, -1, -1],
    np.s_[2:2],
    np.s_[-100:100],
    np.s_[1:100:3],
    np.s_[::-2, None, ..., -1],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing(key):
    x = whole(4, 3, 2)
    check(lambda a: a[key], x[key], x)


@pytest.mark.parametrize(
    "key",
    [
        np.s_[0],
        np.s_[-1],
        np.s_[1:],
        np.s_[:-1],
        np.s_[1:-1],
        np.s_[::-1],
        np.s_[::2],
        np.s_[1::2],
        np.s_[:, 1],
        np.s_[None, 1:, ::-1],
    ],
    ids=str,
)
def test_indexing_an_unknown_size(key):
    x = whole(5, 3)
    check(lambda a: a[key], x[key], x, symbolic=True)


def test_slices_of_one_array_and_the_array_itself():
    x = whole(4, 3)
    check(
        lambda a: a[0] + 2.0 * a[-1] + a[1:3].sum(axis=0) + a.sum(axis=0),
        x[0] + 2 * x[-1] + x[1:3].sum(axis=0) + x.sum(axis=0),
        x,
    )
    check(lambda a: ops.stack([a[i] * (i + 1.0) for i in range(4)]), x * np.arange(1.0, 5.0)[:, None], x)
    check(lambda a: a[1:] - a[:-1], np.diff(x, axis=0), x)


PADS = [
    (1, {}),
    ((2, 1), {}),
    (((0, 2), (1, 0)), {}),
    (((1, 1), (0, 0)), {"constant_values": -2.5}),
    ([(0, 0), (3, 1)], {"constant_values": 4}),
]


@pytest.mark.parametrize(("width", "more"), PADS)
def test_pad(width, more):
    x = whole(2, 3)
    check(lambda a: ops.pad(a, width, **more), np.pad(x, width, constant_values=more.get("constant_values", 0.0)), x)


def test_pad_with_infinity_keeps_the_gradient_finite():
    g = Graph("pad")
    x = g.param("x", (3,))
    g.loss(ops.max(ops.pad(x, 1, constant_values=-np.inf)))
    value, gradients = load(g, mode="both").value_and_grad({"x": np.array([1.0, 3.0, 2.0])})
    assert value == 3.0 and gradients["x"].tolist() == [0.0, 1.0, 0.0]


INDICES = [0, -1, [0], [2, 0, 1], [1, 1, 1], [-1, 0, -3], [[0, 1], [-1, 2]], [[[2]]]]


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2])
def test_take(axis):
    x = whole(3, 4, 3, 5)
    for index in map(integers, INDICES):

        def taken(node, index=index):
            if index.ndim:
                return ops.take(node, node.graph.constant(index), axis=axis)
            return ops.take(node, node.graph.constant(index.reshape(1))[0], axis=axis)

        check(taken, np.take(x, index, axis=axis), x, symbolic=axis not in (3, -1))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_scatter_add(axis):
    updates = whole(2, 3, 5)
    index = integers([0, -1, 0, 2, 1])[: updates.shape[axis]]
    expected = np.zeros(tuple(4 if place == axis % 3 else size for place, size in enumerate(updates.shape)))
    for place, row in enumerate(index):
        np.moveaxis(expected, axis, 0)[row] += np.moveaxis(updates, axis, 0)[place]
    check(
        lambda u: ops.scatter_add(u, u.graph.constant(index), size=4, axis=axis),
        expected,
        updates,
        symbolic=axis in (0, 1),
    )


@pytest.mark.parametrize(("axis", "count"), [(0, 1), (0, 6), (1, 2), (-1, 3), (2, 1)])
def test_take_along_axis(axis, count):
    x = whole(3, 4, 2)
    shape = tuple(count if place == axis % 3 else size for place, size in enumerate(x.shape))
    index = np.random.default_rng(count).integers(-x.shape[axis], x.shape[axis], shape)
    check(lambda a: ops.take_along_axis(a, a.graph.constant(index), axis=axis), np.take_along_axis(x, index, axis), x)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joins_of_unknown_sizes(axis):
    x, y = whole(5, 2), whole(5, 2) + 1.0
    check(lambda a, b: ops.concat([a, b, a], axis=axis), np.concatenate([x, y, x], axis), x, y, symbolic=True)
    check(lambda a, b: ops.stack([a, b, a], axis=axis), np.stack([x, y, x], axis), x, y, symbolic=True)


REDUCED = [None, 0, 1, -1, (0, 2), (1,), (-1, 0), (0, 1, 2), ()]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", REDUCED, ids=str)
def test_sums(axis, keepdims):
    x = whole(4, 1, 2)
    check(lambda a: ops.sum(a, axis=axis, keepdims=keepdims), x.sum(axis=axis, keepdims=keepdims), x)
    check(lambda a: ops.mean(a, axis=axis, keepdims=keepdims), x.mean(axis=axis, keepdims=keepdims), x)
