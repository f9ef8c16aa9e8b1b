"""The branch of a `where` that is not taken: it warns nobody, and poisons no gradient."""

import numpy as np
import pytest
from interpreter import evaluate
from rewritten import becomes, program_of, stays

from graphgen import ops
from graphgen.check import check
from graphgen.differentiation.gradient import gradient
from graphgen.graph import Graph
from graphgen.passes import guard, protect, tidy
from graphgen.program import Program
from graphgen.program_text import text


def test_an_operand_is_safe_where_the_branch_is_not_taken():
    found = becomes(
        protect,
        """
        x = input((n,))
        zero: unnamed = constant(0.0)
        positive: unnamed = greater(x, zero)
        value: unnamed = log(x)
        y = where(positive, value, zero)
        return output(y=y)
        """,
        """
        x = input((n,))
        zero: unnamed = constant(0.0)
        positive: unnamed = greater(x, zero)
        value_safe_constant: unnamed = constant(1.0)
        value_safe: unnamed = where(positive, x, value_safe_constant)
        value: unnamed = log(value_safe)
        y = where(positive, value, zero)
        return output(y=y)
        """,
    )
    assert found.nodes["value"].why.notes == ("log of 1 where the other branch is taken",)


def test_the_other_branch_is_safe_where_the_condition_holds_though_it_is_declared_later():
    becomes(
        protect,
        """
        x = input((n,))
        value = divide(x, x)
        twice = add(value, value)
        zero: unnamed = constant(0.0)
        bad = equal(x, zero)
        y = where(bad, zero, twice)
        return output(y=y)
        """,
        """
        x = input((n,))
        zero: unnamed = constant(0.0)
        bad = equal(x, zero)
        value_safe_constant: unnamed = constant(1.0)
        value_safe: unnamed = where(bad, value_safe_constant, x)
        value = divide(x, value_safe)
        twice = add(value, value)
        y = where(bad, zero, twice)
        return output(y=y)
        """,
    )


def test_inside_two_wheres_both_conditions_count():
    becomes(
        protect,
        """
        x = input((n,))
        p = input((n,), dtype='bool')
        q = input((n,), dtype='bool')
        root = sqrt(x)
        inner = where(q, x, root)
        other = log(x)
        sum = add(inner, other)
        y = where(p, sum, x)
        return output(y=y)
        """,
        """
        x = input((n,))
        p = input((n,), dtype='bool')
        q = input((n,), dtype='bool')
        inner_logical_not: unnamed = logical_not(q)
        inner_logical_and: unnamed = logical_and(p, inner_logical_not)
        root_safe_constant: unnamed = constant(1.0)
        root_safe: unnamed = where(inner_logical_and, x, root_safe_constant)
        root = sqrt(root_safe)
        inner = where(q, x, root)
        other_safe_constant: unnamed = constant(1.0)
        other_safe: unnamed = where(p, x, other_safe_constant)
        other = log(other_safe)
        sum = add(inner, other)
        y = where(p, sum, x)
        return output(y=y)
        """,
    )


def test_what_both_branches_of_an_inner_where_read_lies_in_the_outer_one():
    found = protect(
        program_of(
            """
            x = input((n,))
            p = input((n,), dtype='bool')
            q = input((n,), dtype='bool')
            root = sqrt(x)
            twice = add(root, root)
            inner = where(q, twice, root)
            y = where(p, inner, x)
            return output(y=y)
            """
        )
    )
    assert "root_safe: unnamed = where(p, x, root_safe_constant)  # (n,)" in text(found).splitlines()


def test_a_condition_that_does_not_fit_the_value_leaves_it():
    stays(
        protect,
        """
        x = input((n, 1))
        p = input((n, m), dtype='bool')
        z = input((n, m))
        value = log(x)
        y = where(p, value, z)
        return output(y=y)
        """,
    )


def test_of_two_conditions_the_one_that_fits_counts():
    found = protect(
        program_of(
            """
            x = input((n, 1))
            p = input((n, 1), dtype='bool')
            q = input((n, m), dtype='bool')
            z = input((n, m))
            value = log(x)
            inner = where(q, value, z)
            y = where(p, inner, z)
            return output(y=y)
            """
        )
    )
    assert found.nodes["value_safe"].args == ("p", "x", "value_safe_constant")


@pytest.mark.parametrize(
    "lines",
    [
        "value = log(x)\ny = where(p, value, x)\nz = add(y, value)",  # read elsewhere
        "value = log(x)\ny = where(p, value, value)\nz = exp(y)",  # read by both branches
        "value = log(x)\nq = greater(value, x)\ny = where(q, value, x)\nz = exp(y)",  # read by the condition
        "value = log(x)\nsum = sum(value, axis=(0,), keepdims=True)\ny = where(p, sum, x)\nz = exp(y)",  # behind a sum
        "value = multiply(x, x)\ny = where(p, value, x)\nz = exp(y)",  # defined everywhere
        "two = constant(2.0)\nvalue = divide(x, two)\ny = where(p, value, x)\nz = exp(y)",
        "two = constant(2.0)\nvalue = power(x, two)\ny = where(p, value, x)\nz = exp(y)",
        "size = size(n)\nvalue = log(size)\ny = where(p, value, x)\nz = exp(y)",
    ],
)
def test_what_is_read_elsewhere_or_harmless_stays(lines):
    stays(protect, f"x = input((n,))\np = input((n,), dtype='bool')\n{lines}\nreturn output(z=z)")


def test_a_result_is_not_protected():
    stays(protect, "x = input((n,))\np = input((n,), dtype='bool')\nvalue = log(x)\ny = where(p, value, x)\nreturn output(y=y, value=value)")


def compiled(g: Graph, wrt: list[str]) -> list[Program]:
    """The program with gradients: as it is, and tidied."""
    whole = guard(gradient(protect(check(g)), wrt))
    return [whole, tidy(whole)]


X = np.array([[0.0, 4.0], [1.0, 2.0], [-1.0, 0.0]])


@pytest.mark.parametrize(
    "function, slope",
    [
        (ops.log, lambda x: 1 / x), (ops.sqrt, lambda x: 0.5 / np.sqrt(x)), (ops.reciprocal, lambda x: -1 / x**2), (lambda x: 1.0 / x, lambda x: -1 / x**2),
        (lambda x: x**0.5, lambda x: 0.5 / np.sqrt(x)), (lambda x: x**-1.5, lambda x: -1.5 * x**-2.5), (ops.log1p, lambda x: 1 / (1 + x)),
    ],
)  # fmt: skip
def test_no_warning_and_no_nan_from_a_branch_not_taken(function, slope):
    g = Graph("branches")
    x = g.input("x", shape=("n", 2))
    g.loss(ops.where(x > 0, function(x), x).sum())
    for program in compiled(g, ["x"]):
        with np.errstate(all="raise"):
            found = evaluate(program, {"x": X})
        expected = np.where(X > 0, slope(np.where(X > 0, X, 1.0)), 1.0)
        np.testing.assert_allclose(found[program.results["gradient", "x"]], expected, rtol=1e-14)


@pytest.mark.parametrize(
    "value, slope",
    [
        (lambda x: ops.log(x).sum(axis=1), lambda x: 1 / x),
        (lambda x: ops.sqrt(x).sum(axis=1), lambda x: 0.5 / np.sqrt(x)),
        (lambda x: (x * ops.log(x)).sum(axis=1), lambda x: np.log(x) + 1),
        (lambda x: (x * (ops.log(x) + 1.0)).sum(axis=1), lambda x: np.log(x) + 2),
        (lambda x: (1.0 / x).sum(axis=1), lambda x: -1 / x**2),
        (lambda x: ops.exp(1.0 / x).sum(axis=1), lambda x: -np.exp(1 / x) / x**2),
        (lambda x: ops.log(x.sum(axis=1) * 0.0 + x[:, 0]) + x[:, 1], lambda x: np.stack([1 / x[:, 0], np.ones(len(x))], axis=1)),
    ],
)
def test_a_gradient_of_zero_stays_zero_behind_a_sum(value, slope):
    g = Graph("behind")
    x = g.input("x", shape=("n", 2))
    g.loss(ops.where((x[:, 0] > 0) & (x[:, 1] > 0), value(x), 0.0).sum())
    for program in compiled(g, ["x"]):
        with np.errstate(all="ignore"):  # the forward sweep's
            found = evaluate(program, {"x": X})[program.results["gradient", "x"]]
        taken = (X > 0).all(axis=1, keepdims=True)
        np.testing.assert_allclose(found, np.where(taken, slope(np.where(taken, X, 1.0)), 0.0), rtol=1e-14)


def test_the_strong_zero_stands_in_the_slope_alone():
    program = guard(
        gradient(
            program_of(
                """
                x = input((n, 2))
                p = input((n,), dtype='bool')
                zero: unnamed = constant(0.0)
                value = log(x)
                total = sum(value, axis=(1,))
                chosen = where(p, total, zero)
                loss = sum(chosen, axis=(0,))
                return loss(loss=loss)
                """
            ),
            ["x"],
        )
    )
    lines = text(program).splitlines()
    at = lines.index("d_x_constant: reverse = constant(0.0)")
    assert lines[at : at + 5] == [
        "d_x_constant: reverse = constant(0.0)",
        "d_x_equal: reverse = equal(d_value, d_x_constant)  # (n, 2) bool",
        "d_x_constant_2: reverse = constant(1.0)",
        "d_x_safe: reverse = where(d_x_equal, d_x_constant_2, x)  # (n, 2)",
        "d_x: reverse = divide(d_value, d_x_safe)  # (n, 2)",
    ]
    assert program.nodes["d_x"].why.notes == ("0 where the gradient is 0, whatever the slope",)


@pytest.mark.parametrize(
    "lines",
    [
        "value = log(x)\nloss = sum(value, axis=(0,))",  # no where
        "value = log(x)\ntotal = sum(value, axis=(0,))\nmore = where(p, x, x)\nloss = sum(more, axis=(0,))",  # not in a branch
        "e = exp(x)\nten = constant(10.0)\nvalue = multiply(ten, x)\ntotal = sum(value, axis=(0,))\nchosen = where(q, total, ten)\nloss = identity(chosen)",
    ],
)
def test_gradients_without_poles_in_branches_stay(lines):
    source = f"x = input((n,))\np = input((n,), dtype='bool')\nq = input((), dtype='bool')\n{lines}\nreturn loss(loss=loss)"
    program = gradient(program_of(source), ["x"])
    assert guard(program) is program


def test_masked_losses_of_logits_need_no_guard():
    from graphgen import losses

    g = Graph("masked")
    x = g.input("x", shape=("n", 3))
    label = g.input("label", shape=("n",), dtype="int64")
    valid = g.input("valid", shape=("n",), dtype="bool")
    g.loss(ops.where(valid, losses.cross_entropy(x, label, reduction="none"), 0.0).sum())
    program = gradient(protect(check(g)), ["x"])
    assert guard(program) is program
