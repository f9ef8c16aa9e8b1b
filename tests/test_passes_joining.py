"""Merging, sums, slices and masks: what is rewritten, and what must not be."""

import numpy as np
import pytest
from interpreter import evaluate
from rewritten import becomes, program_of, stays

from graphgen.passes.masks import masks
from graphgen.passes.merge import merge
from graphgen.passes.slices import slices
from graphgen.passes.sums import sums


def test_equal_nodes_become_one():
    becomes(
        merge,
        """
        x = input((batch, 3))
        a: unnamed = exp(x)
        b: unnamed = exp(x)
        c: unnamed = sum(a, axis=(1,))
        d: unnamed = sum(b, axis=(1,))
        y = subtract(c, d)
        return output(y=y)
        """,
        """
        x = input((batch, 3))
        a: unnamed = exp(x)
        c: unnamed = sum(a, axis=(1,))
        y = subtract(c, c)
        return output(y=y)
        """,
    )


def test_the_users_name_wins_and_of_two_both_are_kept():
    becomes(
        merge,
        """
        x = input(())
        a: unnamed = exp(x)
        b = exp(x)
        c = exp(x)
        y = map('a + b*c', a, b, c)
        return output(y=y)
        """,
        """
        x = input(())
        b = exp(x)
        c = identity(b)
        y = map('a + b*c', b, b, c)
        return output(y=y)
        """,
    )


def test_a_tangent_does_not_take_a_declared_values_name():
    becomes(
        merge,
        """
        x = input(())
        a_dot: tangent = exp(x)
        b = exp(x)
        return output(b=b), output_dot(a=a_dot)
        """,
        """
        x = input(())
        a_dot: tangent = exp(x)
        b = identity(a_dot)
        return output(b=b), output_dot(a=a_dot)
        """,
    )


@pytest.mark.parametrize(
    "lines",
    [
        "x = input((3,))\nz = input((3,))\ny = add(x, z)",
        "x = param((3,))\nz = param((3,))\ny = add(x, z)",
        "x = input((3, 3))\na: unnamed = sum(x, axis=(0,))\nb: unnamed = sum(x, axis=(1,))\ny = add(a, b)",
        "x = input((3,))\na: unnamed = leaky_relu(x)\nb: unnamed = leaky_relu(x, negative_slope=0.1)\ny = add(a, b)",
        "a: unnamed = constant(0.0)\nb: unnamed = constant(-0.0)\ny = add(a, b)",
        "a: unnamed = constant(1.0)\nb: unnamed = constant(True, dtype='bool')\nc: unnamed = constant(1, dtype='int64')\ny = where(b, a, a)",
        "a: unnamed = constant(1, dtype='int64')\nb: unnamed = constant(1, dtype='int32')\ny = negative(b)",
        "a: unnamed = constant(array([1.0, 2.0], dtype='float64'))\nb: unnamed = constant(array([1.0, 2.5], dtype='float64'))\ny = add(a, b)",
        "a = constant(1.0)\nb = constant(1.0)\ny = add(a, b)",
        "x = input((n, m))\na: unnamed = size(n)\nb: unnamed = size(m)\ny = divide(a, b)",
        "x = input((3,))\nz = input((3,))\na: unnamed = map('a - b*b', x, z)\nb: unnamed = map('b - a*a', x, z)\ny = add(a, b)",
    ],
)
def test_what_differs_stays(lines):
    stays(merge, f"{lines}\nreturn output(y=y)")


def test_arrays_sizes_and_formulas_are_compared_by_value():
    becomes(
        merge,
        """
        x = input((2 * n,))
        a: unnamed = constant(array([1.0, 2.0], dtype='float64'))
        b: unnamed = constant(array([1.0, 2.0], dtype='float64'))
        c: unnamed = size(2 * (n + 1))
        d: unnamed = size(2 * n + 2)
        e: unnamed = map('a*b + a', a, c)
        f: unnamed = map('a*b + a', b, d)
        y = multiply(e, f)
        return output(y=y)
        """,
        """
        x = input((2 * n,))
        a: unnamed = constant(array([1.0, 2.0], dtype='float64'))
        c: unnamed = size(2 * n + 2)
        e: unnamed = map('a*b + a', a, c)
        y = multiply(e, e)
        return output(y=y)
        """,
    )


def test_a_sum_that_only_another_sum_reads_is_a_part_of_it():
    becomes(
        sums,
        """
        x = input((3,))
        w = exp(x)
        a: reverse = sin(x)
        d_p: reverse = accumulate(x, w)
        d_q: reverse = accumulate(a, d_p, x)
        d_w: reverse = accumulate(d_q, w)
        d_x: reverse = accumulate(d_w, a)
        return gradient(x=d_x)
        """,
        """
        x = input((3,))
        w = exp(x)
        a: reverse = sin(x)
        d_w: reverse = accumulate(a, x, w, x, w)
        d_x: reverse = add(d_w, a)
        return gradient(x=d_x)
        """,
    )


@pytest.mark.parametrize(
    "lines",
    [
        "d_p: reverse = accumulate(x, x, x)\nd_q: reverse = exp(d_p)\nd_r: reverse = accumulate(d_p, x, x)\nd_x: reverse = multiply(d_q, d_r)",  # two readers
        "d_x: reverse = accumulate(x, x, x)\nd_r: reverse = accumulate(d_x, x, x)",  # a result
        "total: reverse.named = accumulate(x, x, x)\nd_x: reverse = accumulate(total, x, x)",  # the user named it
        "p: tangent = accumulate(x, x, x)\nd_x: reverse = accumulate(p, x, x)",  # another sweep
    ],
)
def test_sums_that_stay(lines):
    stays(sums, f"x = input((3,))\n{lines}\nreturn gradient(x=d_x)")


@pytest.mark.parametrize(
    "shape, before, after",
    [
        ("2, n", "assemble(a, b, keys=((1, (None, None, None)), (0, (None, None, None))), shape=(2, n))", "stack(b, a, axis=0)"),
        ("n, 2", "assemble(a, b, keys=(((None, None, None), 0), ((None, None, None), 1)), shape=(n, 2))", "stack(a, b, axis=1)"),
        ("2 * n", "assemble(a, b, keys=(((n, None, None),), ((None, n, None),)), shape=(2 * n,))", "concat(b, a, axis=0)"),
        ("2 * n", "assemble(a, b, keys=(((None, n, None),), ((n, 2 * n, None),)), shape=(2 * n,))", "concat(a, b, axis=0)"),
    ],
)
def test_slices_that_fit_are_joined(shape, before, after):
    leaves = f"x = input(({shape},))\na = input((n,))\nb = input((n,))\n"
    becomes(slices, f"{leaves}d_x: reverse = {before}\nreturn gradient(x=d_x)", f"{leaves}d_x: reverse = {after}\nreturn gradient(x=d_x)")


def test_slices_from_the_end_and_of_fixed_sizes_are_joined():
    becomes(
        slices,
        """
        a = input((n - 1,))
        b = input((1,))
        d_x: reverse = assemble(a, b, keys=(((None, -1, None),), ((-1, None, None),)), shape=(n,))
        return gradient(x=d_x)
        """,
        """
        a = input((n - 1,))
        b = input((1,))
        d_x: reverse = concat(a, b, axis=0)
        return gradient(x=d_x)
        """,
    )
    becomes(
        slices,
        """
        a = input((4, 2))
        b = input((4, 3))
        d_x: reverse = assemble(a, b, keys=(((None, None, None), (3, None, None)), ((None, None, None), (None, 3, None))), shape=(4, 5))
        d_y: reverse = assemble(d_x, keys=(((None, None, None), (None, None, None)),), shape=(4, 5))
        return gradient(x=d_x, y=d_y)
        """,
        """
        a = input((4, 2))
        b = input((4, 3))
        d_x: reverse = concat(b, a, axis=1)
        return gradient(x=d_x, y=d_x)
        """,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "a, b, keys=((0, (None, None, None)), (0, (None, None, None))), shape=(2, n)",  # twice
        "a, b, keys=((0, (None, None, None)), (1, (None, None, None))), shape=(3, n)",  # a gap at the end
        "a, b, keys=((0, (None, None, None)), (2, (None, None, None))), shape=(3, n)",  # a gap inside
        "a, b, keys=(((None, None, None),), ((None, None, None),)), shape=(n,)",  # both the whole
        "a, b, keys=(((None, n, None),), ((n, 2 * n, None),)), shape=(3 * n,)",
        "c, d, keys=(((None, None, 2),), ((1, None, 2),)), shape=(8,)",  # interleaved
        "c, d, keys=(((None, 4, None),), ((3, 7, None),)), shape=(7,)",  # overlapping
        "e, d, keys=((0,), ((1, None, None),)), shape=(5,)",  # a number and a slice
        "e, keys=((1, 2),), shape=(2, 3)",
    ],
)
def test_slices_that_stay(arguments):
    stays(slices, f"a = input((n,))\nb = input((n,))\nc = input((4,))\nd = input((4,))\ne = input(())\nd_x: reverse = assemble({arguments})\nreturn gradient(x=d_x)")


MASKED = """
    x = input((n,))
    h = relu(x)
    flag: unnamed = greater(x, h)
    {setup}
    d_x: reverse = {formula}
    return gradient(x=d_x)
"""


@pytest.mark.parametrize(
    "formula, mask, after",
    [
        ("map('where(b > 0, a, 0)', d_h, h)", ["d_x_constant: reverse = constant(0.0)", "d_x_greater: reverse = greater(h, d_x_constant)"], "multiply(d_h, d_x_mask)"),
        ("map('where(b <= c, a, 0)', d_h, h, x)", ["d_x_less_equal: reverse = less_equal(h, x)"], "multiply(d_h, d_x_mask)"),
        ("map('where(b, a, 0)', d_h, flag)", [], "multiply(d_h, d_x_mask)"),
        (
            "map('where(c > 0, a*b, 0)', d_h, x, h)",
            ["d_x_constant: reverse = constant(0.0)", "d_x_greater: reverse = greater(h, d_x_constant)"],
            "map('a*b*c', d_h, x, d_x_mask)",
        ),
    ],
)
def test_masks_are_factors(formula, mask, after):
    setup = "d_h: reverse = exp(x)"
    shown = mask[-1].split(":")[0] if mask else "flag"
    lines = "\n    ".join([setup, *mask, f"d_x_mask: reverse = cast({shown}, dtype='float')"])
    becomes(masks, MASKED.format(setup=setup, formula=formula), MASKED.format(setup=lines, formula=after))


@pytest.mark.parametrize(
    "setup, formula",
    [
        ("d_h: reverse = divide(x, h)", "map('where(b > 0, a, 0)', d_h, h)"),
        ("d_h: reverse = log(x)", "map('where(b > 0, a, 0)', d_h, h)"),
        ("d_h: reverse = map('a/(2*sqrt(b))', x, h)", "map('where(b > 0, a, 0)', d_h, h)"),
        ("d_p: reverse = divide(x, h)\n    d_h: reverse = sin(d_p)", "map('where(b > 0, a, 0)', d_h, h)"),
        ("d_h: reverse = exp(x)", "map('where(b > 0, a, 2)', d_h, h)"),
        ("d_h: reverse = exp(x)", "map('where(b > 0, a, b)', d_h, h)"),
        ("d_h: reverse = exp(x)", "map('where(b > 0, a*b, 0)', d_h, h)"),
        ("d_h: reverse = exp(x)", "map('where(b*c > 1, a, 0)', d_h, h, x)"),
        ("d_h: reverse = exp(x)", "map('where(b > 0, a, where(b == 0, a/2, 0))', d_h, h)"),
    ],
)
def test_masks_that_stay(setup, formula):
    stays(masks, MASKED.format(setup=setup, formula=formula))


@pytest.mark.parametrize(
    "divisor",
    ["exp(x)\n    total: unnamed = sum(e, axis=(0,), keepdims=True)", "size(n)\n    total: unnamed = identity(e)", "constant(2.0)\n    total: unnamed = square(e)"],
)
def test_divisors_that_cannot_be_zero_leave_gradients_finite(divisor):
    source = MASKED.format(setup=f"e: unnamed = {divisor}\n    d_h: reverse = divide(x, total)", formula="map('where(b > 0, a, 0)', d_h, h)")
    found = masks(program_of(source))
    assert found.nodes["d_x"].op == ("map" if "square" in divisor else "multiply")


def test_an_infinite_gradient_is_masked_to_zero():
    source = MASKED.format(setup="d_h: reverse = reciprocal(h)", formula="map('where(b > 0, a, 0)', d_h, h)")
    with np.errstate(divide="ignore"):
        found = evaluate(masks(program_of(source)), {"x": np.array([-1.0, 2.0])})
    np.testing.assert_array_equal(found["d_x"], [0.0, 0.5])
