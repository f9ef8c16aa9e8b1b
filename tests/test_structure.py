"""Structural ops against NumPy: the same call of either library, over shapes and options; gradients exact."""

from functools import partial

import numpy as np
import pytest
from exact import check
from sample import whole

from graphgen import Graph, compile, load, ops

SQUARE, CUBE = (5, 5), (3, 4, 2)

# The call, of graphgen.ops or of NumPy, and the shapes of its operands. Size 5 is unknown as well.
CALLS = [
    (lambda lib, x: lib.swapaxes(x, 0, -1), [CUBE, (5, 2)]),
    (lambda lib, x: lib.swapaxes(x, 1, 1), [CUBE]),
    (lambda lib, x: x.swapaxes(0, 1), [(5, 0)]),
    (lambda lib, x: lib.moveaxis(x, 0, -1), [CUBE, (5,), (1, 5)]),
    (lambda lib, x: lib.moveaxis(x, (0, 2), (-1, 0)), [CUBE, (2, 5, 1, 3)]),
    (lambda lib, x: lib.moveaxis(x, [], []), [(), (5,)]),
    (lambda lib, x: lib.permute_dims(x, (1, 2, 0)), [CUBE, (5, 0, 2)]),
    (lambda lib, x: lib.flip(x), [(), (5,), CUBE, (5, 0)]),
    (lambda lib, x: lib.flip(x, -1), [(5,), CUBE, (3, 1)]),
    (lambda lib, x: lib.flip(x, (0, 2)), [CUBE, (5, 2, 5)]),
    (lambda lib, x: lib.flip(x, axis=()), [(5,)]),
    (lambda lib, x: lib.roll(x, 1), [(), (5,), (2, 5), CUBE, (0, 5)]),
    (lambda lib, x: lib.roll(x, -7, axis=0), [(5,), CUBE, (5, 2), (0, 2)]),
    (lambda lib, x: lib.roll(x, (1, -2), axis=(0, 1)), [CUBE, (5, 5)]),
    (lambda lib, x: lib.roll(x, (1, -2), axis=1), [CUBE, (2, 5)]),
    (lambda lib, x: lib.roll(x, 2, axis=(-1, 0)), [CUBE]),
    (lambda lib, x: lib.tile(x, 2), [(), (5,), CUBE]),
    (lambda lib, x: lib.tile(x, (2, 1, 3)), [(), (5,), CUBE, (5, 1)]),
    (lambda lib, x: lib.tile(x, (2, 2)), [(3, 2), (1, 5), (5, 1), CUBE]),
    (lambda lib, x: lib.tile(x, (0, 2)), [(3, 2), (5,)]),
    (lambda lib, x: lib.tile(x, ()), [(), (5,)]),
    (lambda lib, x: lib.repeat(x, 3), [(), (5,), CUBE, (1,)]),
    (lambda lib, x: x.repeat(2, axis=-1), [(5,), CUBE, (5, 1), (0, 3)]),
    (lambda lib, x: lib.repeat(x, 0, axis=0), [(5,), CUBE]),
    (lambda lib, x: lib.repeat(x, [2, 0, 3], axis=0), [CUBE, (3,), (3, 5)]),
    (lambda lib, x: lib.repeat(x, np.array([1, 2, 0, 1, 3, 0])), [(2, 3), (6,)]),
    (lambda lib, x: lib.repeat(x, (2,), axis=0), [(5,)]),
    (lambda lib, x: lib.pad(x, ((2, 1),), mode="reflect"), [(3,), (4,)]),
    (lambda lib, x: lib.pad(x, ((0, 0), (1, 2)), mode="reflect"), [(5, 3), (5, 4)]),
    (lambda lib, x: lib.pad(x, 1, mode="reflect"), [(2, 2), (3, 4, 2)]),
    (lambda lib, x: lib.pad(x, ((2, 3),), mode="edge"), [(5,), (1,), (2,)]),
    (lambda lib, x: lib.pad(x, ((1, 0), (0, 2)), mode="edge"), [(5, 5), (2, 3), (5, 1)]),
    (lambda lib, x: lib.pad(x, 2, "edge"), [(5, 1), CUBE]),
    (lambda lib, x: lib.pad(x, (1, 2), constant_values=3.0), [(5,), (2, 0)]),
    (lambda lib, x: lib.pad(x, 2), [(), (5,)]),
    (lambda lib, x: lib.concat([x, x[:1], x]), [(5, 2), (3,)]),
    (lambda lib, x: lib.concat((x, x), -1), [(5, 2), CUBE, (5, 0)]),
    (lambda lib, x: lib.stack([x, x[::-1]], -1), [(5, 2), (0, 5), (3,)]),
    (lambda lib, x: lib.squeeze(lib.expand_dims(x, (0, -1))), [(5,), (), (2, 0)]),
    (lambda lib, x: x.squeeze(1), [(5, 1, 2)]),
    (lambda lib, x: lib.diagonal(x), [SQUARE, CUBE, (1, 5), (0, 3), (5, 5, 2)]),
    (lambda lib, x: lib.diagonal(x, 1, -1, 0), [(4, 5, 3), SQUARE, (5, 2, 5)]),
    (lambda lib, x: lib.diagonal(x, offset=-1, axis1=1, axis2=2), [CUBE, (2, 5, 5)]),
    (lambda lib, x: x.diagonal(7), [(3, 4), (3, 9), (2, 8, 5)]),
    (lambda lib, x: lib.diag(x), [(5,), SQUARE, (3, 4), (0,), (1,)]),
    (lambda lib, x: lib.diag(x, k=-1), [(5,), SQUARE, (3, 4), (0,)]),
    (lambda lib, x: lib.diag(x, 2), [(5,), (4, 3), (3, 7)]),
    (lambda lib, x: lib.tril(x), [SQUARE, CUBE, (5, 3), (0, 5)]),
    (lambda lib, x: lib.tril(x, -1), [SQUARE, CUBE, (2, 5, 5)]),
    (lambda lib, x: lib.triu(x, k=1), [SQUARE, CUBE, (2, 5, 5)]),
    (lambda lib, x: lib.triu(x, -9), [SQUARE, (2, 3)]),
    (lambda lib, x: lib.take(x, 1, axis=0), [(5, 2), (3,)]),
    (lambda lib, x: x.take([2, 0, -1], axis=1), [(2, 5), (2, 3, 4)]),
]  # fmt: skip

PAIRS = [
    (lambda lib, a, b: lib.outer(a, b), [((5,), (3,)), ((2, 3), (5,)), ((), (2, 2)), ((0,), (5,)), ((), ())]),
    (lambda lib, a, b: lib.dot(a, b), [((5,), (5,)), ((2, 5), (5,)), ((5,), (5, 3)), ((5, 2), (2, 5)), ((), (5,)),
        ((2, 3), ()), ((), ()), ((2, 3, 5), (5,)), ((2, 3), (5, 3, 4)), ((3,), (2, 3, 5)), ((5, 0), (0, 2)), ((0, 5), (5, 0))]),
    (lambda lib, a, b: a @ b, [((5, 0), (0, 2)), ((3, 2, 0), (0, 4)), ((0, 2, 5), (5, 3)), ((0,), (0,)), ((2, 0), (0,))]),
    (lambda lib, a, b: lib.tensordot(a, b), [((2, 3, 5), (3, 5, 4)), ((5, 2), (5, 2)), ((2, 3, 1), (3, 1))]),
    (lambda lib, a, b: lib.tensordot(a, b, 1), [((2, 5), (5, 3)), ((5,), (5,)), ((2, 0), (0, 3)), ((5, 1), (1, 3))]),
    (lambda lib, a, b: lib.tensordot(a, b, axes=0), [((2, 5), (3,)), ((), (5,)), ((1, 2), (2, 1))]),
    (lambda lib, a, b: lib.tensordot(a, b, axes=((0, -1), (1, 0))), [((2, 3, 5), (5, 2)), ((2, 3, 4), (4, 2, 5))]),
    (lambda lib, a, b: lib.tensordot(a, b, axes=(1, [0])), [((2, 5, 3), (5, 2))]),
    (lambda lib, a, b: lib.kron(a, b), [((5,), (2,)), ((2, 3), (4, 5)), ((2, 3), (5,)), ((3,), (2, 2)), ((), (5, 2)), ((), ()),
        ((2, 1, 3), (1, 2, 2)), ((0, 2), (3, 1))]),
]  # fmt: skip


@pytest.mark.parametrize(("call", "shapes"), CALLS, ids=map(str, range(len(CALLS))))
def test_calls_of_one_array(call, shapes):
    for shape in shapes:
        x = whole(*shape)
        check(partial(call, ops), call(np, x), x, symbolic=True, style="teach" if x.ndim > 1 else "compact")


@pytest.mark.parametrize(("call", "shapes"), PAIRS, ids=map(str, range(len(PAIRS))))
def test_calls_of_two_arrays(call, shapes):
    for one, other in shapes:
        a, b = whole(*one), whole(*other) + 1.0
        check(partial(call, ops), call(np, a, b), a, b, symbolic=True)


def parts_of(function, *arguments, place, **keywords):
    return lambda x: function(x, *arguments, **keywords)[place]


def test_split():
    for x, sections, axis in [
        (whole(6, 5), 3, 0),
        (whole(2, 5), (1, 3), -1),
        (whole(4), 1, 0),
        (whole(3, 2), [0, 7], 0),
    ]:
        expected = np.split(x, sections, axis)
        assert len(ops.split(Graph("g").input("x", x.shape), sections, axis)) == len(expected)
        for place, part in enumerate(expected):
            check(parts_of(ops.split, sections, axis, place=place), part, x)
    n = Graph("g").input("x", ("n", 2))
    assert [part.shape for part in ops.split(ops.concat([n, n]), 2)] == [n.shape, n.shape]


def test_chunk_is_as_in_torch():
    expected = {
        (5, 2): [3, 2],
        (5, 3): [2, 2, 1],
        (5, 4): [2, 2, 1],
        (4, 9): [1, 1, 1, 1],
        (0, 3): [0, 0, 0],
        (6, 1): [6],
    }
    for (size, chunks), found in expected.items():
        x = whole(2, size)
        parts = ops.chunk(Graph("g").input("x", x.shape), chunks, axis=1)
        assert [part.shape for part in parts] == [(2, each) for each in found]
        for place, start in enumerate(np.cumsum([0, *found[:-1]])):
            check(parts_of(ops.chunk, chunks, axis=1, place=place), x[:, start : start + found[place]], x)


def test_the_gradient_of_a_split_is_one_join():
    g = Graph("lstm")
    x = g.param("x", ("n", 12))
    i, f, o, c = ops.split(x, 4, axis=1)
    g.loss((ops.sigmoid(i) * ops.tanh(c) + ops.sigmoid(f) * ops.sigmoid(o)).sum())
    source = compile(g)
    assert source.count("d_x = np.concatenate((d_i, d_f, d_o, ") == 1
    assert "# i = split(x, sections=4, axis=1)[0]" in source and "np.zeros" not in source.partition("def init")[0]


def test_flatten():
    for shape, keywords, expected in [
        (CUBE, {}, (24,)), ((), {}, (1,)), (CUBE, {"start_axis": 1}, (3, 8)), (CUBE, {"end_axis": 1}, (12, 2)),
        ((5, 2, 3), {"start_axis": -2, "end_axis": -1}, (5, 6)), ((5, 0, 3), {"start_axis": 1}, (5, 0)), ((4,), {}, (4,)),
    ]:  # fmt: skip
        x = whole(*shape)
        check(lambda a, keywords=keywords: ops.flatten(a, **keywords), x.reshape(expected), x, symbolic=True)
    check(lambda a: a.flatten(1), whole(5, 6), whole(5, 2, 3), symbolic=True)


def test_diag_embed():
    for shape in [(5,), (2, 5), (3, 1, 2), (2, 0)]:
        x = whole(*shape)
        for offset, axis1, axis2 in [(0, -2, -1), (1, 0, -1), (-2, -1, 0)]:
            size = shape[-1] + abs(offset)
            expected = np.zeros((*shape[:-1], size, size))
            for place in range(shape[-1]):
                expected[..., place + max(-offset, 0), place + max(offset, 0)] = x[..., place]
            expected = np.moveaxis(expected, (-2, -1), (axis1, axis2))
            check(lambda a, o=offset, i=axis1, j=axis2: ops.diag_embed(a, o, i, j), expected, x, symbolic=True)


@pytest.mark.parametrize(
    "array", [np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3) % 2 == 0], ids=["int", "bool"]
)
def test_integers_and_bools_keep_their_type(array):
    calls = [
        lambda lib, x: lib.flip(x, 0), lambda lib, x: lib.roll(x, 1), lambda lib, x: lib.tile(x, 2), lambda lib, x: lib.repeat(x, 2, axis=1),
        lambda lib, x: lib.repeat(x, [2, 0], axis=0), lambda lib, x: lib.concat([x, x]), lambda lib, x: lib.stack([x, x]), lambda lib, x: lib.pad(x, 1),
        lambda lib, x: lib.pad(x, 1, mode="reflect"), lambda lib, x: lib.pad(x, 2, mode="edge"), lambda lib, x: lib.swapaxes(x, 0, 1),
        lambda lib, x: lib.moveaxis(x, 0, 1), lambda lib, x: lib.diagonal(x), lambda lib, x: lib.tril(x), lambda lib, x: lib.diag(x[0]),
        lambda lib, x: x[[1, 0, 0], [1, 1, 2]], lambda lib, x: x[:, ::-1], lambda lib, x: x[array > 0], lambda lib, x: lib.broadcast_to(x, (2, 2, 3)),
    ]  # fmt: skip
    g = Graph("whole")
    x = g.input("x", array.shape, str(array.dtype))
    g.output(**{f"y{place}": call(ops, x) for place, call in enumerate(calls)})
    for found, call in zip(load(g, inference=True).forward({}, array), calls, strict=True):
        expected = call(np, array)
        assert found.dtype == expected.dtype and found.tolist() == expected.tolist()


def test_results_are_fresh_and_writable():
    calls = [lambda x: ops.diagonal(x), lambda x: ops.flip(x), lambda x: ops.tile(x[:1], (3, 1)), lambda x: x[1:], lambda x: ops.diagonal(x)[::-1],
             lambda x: ops.roll(x, 0), lambda x: ops.flatten(x), lambda x: ops.diag(x.diagonal())]  # fmt: skip
    g = Graph("fresh")
    x = g.param("x", (3, 3))
    g.output(**{f"y{place}": call(x) for place, call in enumerate(calls)})
    given = whole(3, 3)
    for found in load(g, inference=True).forward({"x": given}):
        found += 1.0
    np.testing.assert_array_equal(given, whole(3, 3))


def test_arrays_that_are_not_contiguous():
    g = Graph("strided")
    x = g.param("x", (4, 3))
    rows, columns = g.input("rows", (2,), "int64"), g.input("columns", (2,), "int64")
    g.loss((x[rows, columns] ** 2 + ops.tril(x)[:2, 0] * ops.roll(x, 1)[1, :2]).sum() + ops.kron(x, x).sum())
    module = load(g)
    wide, index = np.asfortranarray(np.resize(whole(18), (8, 6))), np.array([2, 1, 0, 1])
    strided = module.value_and_grad({"x": wide[::2, ::-2]}, index[::2], index[::-2])
    plain = module.value_and_grad({"x": wide[::2, ::-2].copy()}, index[::2].copy(), index[::-2].copy())
    assert strided[0] == plain[0] and strided[1]["x"].tolist() == plain[1]["x"].tolist()
