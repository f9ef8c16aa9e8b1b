"""Sizes of axes: ints, names, and their arithmetic."""

import numpy as np
import pytest
import sympy as sp

from graphgen import Graph, load, ops, sizes

n, m = sizes.symbol("n"), sizes.symbol("m")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        (0, 0),
        (np.int64(3), 3),
        (sp.Integer(3), 3),
        ("n", n),
        (n, n),
        (n * m + 1, n * m + 1),
        ((n + 1) // 2, (n + 1) // 2),
    ],
)
def test_sizes(value, expected):
    found = sizes.size(value)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    "value",
    [3.0, True, np.float64(3), np.bool_(True), None, [3], np.array([3, 4]), b"n", object(), sp.Rational(1, 2), sp.oo, sp.Symbol("n"),
     n / 2, 2**n, sp.factorial(n), sp.Max(n, m)],
)  # fmt: skip
def test_what_is_no_size(value):
    with pytest.raises(TypeError):
        sizes.size(value)


@pytest.mark.parametrize("value", [-1, np.int64(-1), sp.Integer(-1), 2**63, 10**40])
def test_numbers_that_no_axis_has(value):
    with pytest.raises(ValueError, match="a size is (not )?below"):
        sizes.size(value)


def test_equal_when_their_expanded_forms_are():
    assert sizes.equal((n + 1) * m, m + n * m) and sizes.same(((n + 1) ** 2, 3), (n**2 + 2 * n + 1, 3))
    assert not sizes.equal(n, m) and not sizes.equal(n, 3) and not sizes.same((n,), (n, 1))


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(2, 3), (3,)], (2, 3)),
        ([(n, 1), (m,)], (n, m)),
        ([(), (n,)], (n,)),
        ([(1, 1), (n, 1), (1, 4)], (n, 4)),
        ([(0,), (1,)], (0,)),
        ([(n,), (3,)], None),
        ([(n,), (m,)], None),
        ([(0,), (2,)], None),
        ([(n * m,), (m * n,)], (n * m,)),
    ],
)
def test_broadcasting(shapes, expected):
    assert sizes.broadcast(*shapes) == sizes.broadcast(*reversed(shapes)) == expected


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        (12, 3, 4),
        (12, 5, None),
        (12, 0, None),
        (n * m, m, n),
        (4 * n, 2, 2 * n),
        (n, 2, None),
        (n * (n + 1), n + 1, n),
        (3 * n, 3 * n, 1),
    ],
)
def test_quotients_that_are_whole_for_every_size(whole, part, expected):
    assert sizes.quotient(whole, part) == expected


def test_products_are_python_ints():
    assert type(sizes.product((2, 3))) is int and sizes.product(()) == 1 and sizes.product((n, 2)) == 2 * n


@pytest.mark.parametrize(
    ("size", "text"),
    [(3, "3"), (n, "n"), (2 * n, "2 * n"), (n - 1, "n - 1"), (1 - n, "1 - n"), (n * m + 1, "m * n + 1"), (n**2, "n**2"),
     ((n + 1) // 2, "(n + 1) // 2"), (3 * ((n + 1) // 2), "(n + 1) // 2 * 3"), ((n - 1) // 2 + 1, "(n - 1) // 2 + 1"),
     (sp.Mod(n, 4), "n % 4"), ((n + 1) * (m - 1), "(m - 1) * (n + 1)")],
)  # fmt: skip
def test_text_is_python(size, text):
    assert sizes.text(size) == text
    for values in ({"n": 7, "m": 3}, {"n": 12, "m": 5}):
        exact = (
            size if isinstance(size, int) else size.subs({sizes.symbol(name): value for name, value in values.items()})
        )
        assert eval(text, {}, values) == exact


def test_shapes_as_text():
    assert [sizes.shape_text(shape) for shape in [(), (n,), (n, 2)]] == ["()", "(n,)", "(n, 2)"]
    assert sizes.symbols((m, n * m, 3)) == ["m", "n"]


@pytest.mark.parametrize("style", ["teach", "compact"])
@pytest.mark.parametrize("size", [n // 2, n + 1, 2 * n - 3, 2 * n, (n + 3) % 2])
def test_sizes_are_factors_as_a_whole(size, style):
    g = Graph("sizes")
    x = g.param("x", ("n",))
    g.loss(ops.sum(x * size * x) + ops.sum(size * x) + ops.sum(x / size))
    values, number = np.arange(1.0, 5.0), int(size.subs(n, 4))
    loss, gradients = load(g, style=style).value_and_grad({"x": values})
    assert loss == pytest.approx(np.sum(values * values * number + number * values + values / number), rel=1e-14)
    np.testing.assert_allclose(gradients["x"], 2 * number * values + number + 1 / number, rtol=1e-14)
