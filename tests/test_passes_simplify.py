"""Numbers, arithmetic, views and broadcasts: what is rewritten, and what must not be."""

import pytest
from rewritten import becomes, program_of, stays

from graphgen.passes.algebra import algebra
from graphgen.passes.broadcasts import broadcasts
from graphgen.passes.fold import fold
from graphgen.passes.simplify import simplify
from graphgen.passes.views import views
from graphgen.program_text import text

LEAVES = """
x = input((batch, 3))
row = input((3,))
s = input(())
i = input((3,), dtype='int64')
"""


def case(lines: str) -> str:
    """A program over the leaves; its result is y, or the name that stands alone at the end."""
    *body, last = lines.splitlines()
    return LEAVES + "\n".join([*body, f"return output(y={last})"] if last.isidentifier() else [*body, last, "return output(y=y)"])


def check(run, setup: str, before: str, after: str) -> None:
    """Assert what becomes of the last line, while those before it stay."""
    before, after = ("\n".join([*filter(None, [setup]), last]) for last in (before, after))
    becomes(run, case(before), case(after))


@pytest.mark.parametrize(
    "setup, before, after",
    [
        ("a: reverse = constant(1.0)", "y: reverse = multiply(x, a)", "x"),
        ("a: reverse = constant(1.0)", "y: reverse = multiply(a, x)", "x"),
        ("a: reverse = constant(-1.0)", "y: reverse = multiply(a, x)", "y: reverse = negative(x)"),
        ("a: reverse = constant(1.0)", "y: reverse = divide(x, a)", "x"),
        ("a: reverse = constant(-1.0)", "y: reverse = divide(x, a)", "y: reverse = negative(x)"),
        ("a: reverse = constant(0.0)", "y: reverse = add(a, x)", "x"),
        ("a: reverse = constant(0.0)", "y: reverse = subtract(x, a)", "x"),
        ("a: reverse = constant(0.0)", "y: reverse = subtract(a, x)", "y: reverse = negative(x)"),
        ("a: reverse = constant(1.0)", "y: reverse = power(x, a)", "x"),
        ("a: reverse = constant(1, dtype='int64')", "y: reverse = multiply(i, a)", "i"),
        ("a: reverse = negative(x)", "y: reverse = negative(a)", "x"),
        ("a: reverse = negative(row)", "y: reverse = add(x, a)", "y: reverse = subtract(x, row)"),
        ("a: reverse = negative(row)", "y: reverse = add(a, x)", "y: reverse = subtract(x, row)"),
        ("a: reverse = negative(row)", "y: reverse = subtract(x, a)", "y: reverse = add(x, row)"),
        ("a: reverse = negative(x)\nb: reverse = negative(row)", "y: reverse = multiply(a, b)", "y: reverse = multiply(x, row)"),
        ("a: reverse = negative(x)\nb: reverse = constant(3.0)", "y: reverse = divide(a, b)", "y_constant: reverse = constant(-3.0)\ny: reverse = divide(x, y_constant)"),
        ("a: reverse = constant(2.0)\nb: reverse = multiply(a, x)\nc: reverse = constant(-4.0)", "y: reverse = multiply(b, c)", "y_constant: reverse = constant(-8.0)\ny: reverse = multiply(x, y_constant)"),
        ("a: reverse = constant(1.0)", "y: reverse = map('a*(b - b**2)', a, x)", "y: reverse = map('a - a**2', x)"),
        ("a: reverse = constant(1.0)", "y: reverse = map('a*cos(b)', a, x)", "y: reverse = cos(x)"),
        ("a: reverse = constant(1.0)", "y: reverse = map('where(b > 0, a*c, 0)', a, x, row)", "y: reverse = map('where(a > 0, b, 0)', x, row)"),
    ],
)  # fmt: skip
def test_arithmetic(setup, before, after):
    check(algebra, setup, before, after)


@pytest.mark.parametrize(
    "lines",
    [
        "a: reverse = constant(2.0)\ny: reverse = multiply(x, a)",
        "a: reverse = constant(0.0)\ny: reverse = multiply(x, a)",  # nan and infinities
        "a: reverse = constant(1.0)\ny: reverse = divide(a, x)",
        "a: reverse = constant(0.5)\nb: reverse = multiply(x, a)\nc: reverse = constant(4.0)\ny: reverse = multiply(b, c)",  # may underflow
        "a: reverse = constant(3.0)\nb: reverse = multiply(x, a)\nc: reverse = constant(2.0)\ny: reverse = multiply(b, c)",  # rounds otherwise
        "a = negative(x)\ny = negative(a)",  # the user named it
        "a: unnamed = constant(1.0)\ny = map('a*(b - b**2)', a, x)",  # the user's formula
        "a: reverse = constant(1.0)\ny: reverse = map('b + a*c', a, x, row)",
        "a: reverse = constant(1.0)\ny: reverse = map('a*b/(a + 1)', a, x)",
    ],
)
def test_arithmetic_that_stays(lines):
    stays(algebra, case(lines))


def test_neutral_elements_that_give_the_shape_stay():
    stays(algebra, "s = input(())\na: reverse = constant(array([1.0, 1.0], dtype='float64'))\ny: reverse = multiply(s, a)\nreturn output(y=y)")
    stays(
        algebra,
        """
        s = input(())
        one: reverse = constant(1.0)
        ones: reverse = broadcast_to(one, shape=(3,))
        y: reverse = map('a*(b - b**2)', ones, s)
        return output(y=y)
        """,
    )


@pytest.mark.parametrize(
    "line, value",
    [
        ("add(a, b)", "4.5"), ("divide(a, b)", "2.0"), ("power(a, b)", "5.196152422706632"), ("negative(a)", "-3.0"), ("sin(a)", "0.1411200080598672"),
        ("tanh(b)", "0.9051482536448664"), ("relu(a)", "3.0"), ("leaky_relu(a, negative_slope=0.1)", "3.0"), ("sigmoid(b)", "0.8175744761936437"),
        ("map('a*where(b > 2, 1, b)', a, b)", "4.5"), ("maximum(a, b)", "3.0"), ("exp(a)", "20.085536923187668"), ("floor(b)", "1.0"),
        ("greater(a, b)", "True, dtype='bool'"),
    ],
)  # fmt: skip
def test_operations_on_numbers_are_done(line, value):
    leaves = "a: unnamed = constant(3.0)\nb: unnamed = constant(1.5)\n"
    becomes(fold, f"{leaves}y = {line}\nreturn output(y=y)", f"{leaves}y = constant({value})\nreturn output(y=y)")


def test_integers_stay_integers():
    before = "a: unnamed = constant(3, dtype='int64')\ny = add(a, a)\nz = cast(y, dtype='float')\nreturn output(y=y, z=z)"
    becomes(fold, before, "a: unnamed = constant(3, dtype='int64')\ny = constant(6, dtype='int64')\nz = constant(6.0)\nreturn output(y=y, z=z)")


def test_known_sizes_are_numbers():
    becomes(fold, "y: reverse = size(12)\nreturn output(y=y)", "y: reverse = constant(12.0)\nreturn output(y=y)")
    stays(fold, "x = input((batch,))\ny: reverse = size(2 * batch)\nreturn output(y=y)")


@pytest.mark.parametrize(
    "line", ["log(a)", "divide(b, a)", "exp(c)", "multiply(c, c)", "sqrt(d)", "power(d, e)", "map('log(a)', d)", "map('a/b', b, a)", "map('exp(a*a)', c)"]
)
def test_operations_without_a_finite_value_are_left_to_numpy(line):
    values = {"a": 0.0, "b": 1.0, "c": 1e300, "d": -2.0, "e": 0.5}
    leaves = "\n".join(f"{name} = constant({value!r})" for name, value in values.items())
    stays(fold, f"{leaves}\ny = {line}\nreturn output(y=y)")


@pytest.mark.parametrize(
    "setup, before, after",
    [
        ("a: reverse = transpose(x, axes=(1, 0))", "y: reverse = transpose(a, axes=(1, 0))", "x"),
        ("", "y: reverse = transpose(x, axes=(0, 1))", "x"),
        ("", "y: reverse = reshape(x, shape=(batch, 3))", "x"),
        ("a: reverse = reshape(x, shape=(3 * batch,))", "y: reverse = reshape(a, shape=(batch, 3))", "x"),
        ("a: reverse = reshape(x, shape=(3 * batch,))", "y: reverse = reshape(a, shape=(3, batch))", "y: reverse = reshape(x, shape=(3, batch))"),
        ("a: reverse = expand_dims(x, axis=(1,))", "y: reverse = squeeze(a, axis=(1,))", "x"),
        ("a: reverse = expand_dims(row, axis=(0,))", "y: reverse = expand_dims(a, axis=(2,))", "y: reverse = expand_dims(row, axis=(0, 2))"),
        ("a: reverse = expand_dims(row, axis=(1,))", "y: reverse = expand_dims(a, axis=(0, 1))", "y: reverse = expand_dims(row, axis=(0, 1, 3))"),
        ("a: reverse = reshape(x, shape=(3 * batch,))", "y: reverse = expand_dims(a, axis=(1,))", "y: reverse = reshape(x, shape=(3 * batch, 1))"),
        ("", "y: reverse = broadcast_to(x, shape=(batch, 3))", "x"),
        ("", "y: reverse = getitem(x, key=((None, None, None), (None, None, None)))", "x"),
        ("", "y: reverse = cast(x, dtype='float')", "x"),
        ("", "y: reverse = sum(x, axis=(), keepdims=True)", "x"),
        ("", "y: reverse = concat(x)", "x"),
        ("", "y: reverse = accumulate(x)", "x"),
    ],
)  # fmt: skip
def test_views(setup, before, after):
    check(views, setup, before, after)


def test_reductions_over_axes_of_size_one_drop_them():
    for op in ("sum", "mean", "max", "min"):
        becomes(
            views,
            f"x = input((n, 1, 1))\ny: reverse = {op}(x, axis=(1, 2))\nreturn output(y=y)",
            "x = input((n, 1, 1))\ny: reverse = squeeze(x, axis=(1, 2))\nreturn output(y=y)",
        )
        becomes(
            views,
            f"x = input((n, 1))\ny: reverse = {op}(x, axis=(1,), keepdims=True)\nreturn output(y=y)",
            "x = input((n, 1))\nreturn output(y=x)",
        )


@pytest.mark.parametrize(
    "lines",
    [
        "a = transpose(x, axes=(1, 0))\ny = transpose(a, axes=(1, 0))",  # the user named it
        "a: reverse = transpose(x, axes=(1, 0))\ny: reverse = reshape(a, shape=(batch, 3))",
        "y: reverse = reshape(x, shape=(3, batch))",
        "y: reverse = sum(x, axis=(0,))",
        "y: reverse = getitem(x, key=((None, None, -1), (None, None, None)))",
        "a: reverse = expand_dims(row, axis=(0,))\ny: reverse = broadcast_to(a, shape=(3, 3))",
    ],
)
def test_views_that_stay(lines):
    stays(views, case(lines))


def test_a_sum_drops_the_axes_that_are_dropped_after_it():
    becomes(
        views,
        """
        x = input((2, 3))
        d_s: reverse = sum(x, axis=(1,), keepdims=True)
        d_b: reverse = squeeze(d_s, axis=(1,))
        return gradient(b=d_b)
        """,
        """
        x = input((2, 3))
        d_s: reverse = sum(x, axis=(1,), keepdims=True)
        d_b: reverse = sum(x, axis=(1,))
        return gradient(b=d_b)
        """,
    )


@pytest.mark.parametrize(
    "lines",
    [
        "d_x: reverse = divide(x, d_s)\nd_b: reverse = squeeze(d_s, axis=(1,))\nreturn gradient(x=d_x, b=d_b)",
        "d_b: reverse = squeeze(d_s, axis=(1,))\nreturn gradient(s=d_s, b=d_b)",
        "d_b: reverse = exp(d_s)\nreturn gradient(b=d_b)",
        "y = squeeze(d_s, axis=(1,))\nreturn output(y=y)",
    ],
)
def test_a_sum_that_is_read_as_it_is_keeps_its_axes(lines):
    stays(views, f"x = input((2, 3))\nd_s: reverse = sum(x, axis=(1,), keepdims=True)\n{lines}")


def test_gradients_read_past_what_the_user_named():
    becomes(
        views,
        """
        x = input((2, 3))
        w = transpose(x, axes=(1, 0))
        d_w: reverse = transpose(w, axes=(1, 0))
        d_x: reverse = exp(d_w)
        return gradient(x=d_x)
        """,
        """
        x = input((2, 3))
        w = transpose(x, axes=(1, 0))
        d_x: reverse = exp(x)
        return gradient(x=d_x)
        """,
    )


@pytest.mark.parametrize(
    "setup, before, after",
    [
        ("a: reverse = broadcast_to(s, shape=(batch, 3))", "y: reverse = multiply(a, x)", "y: reverse = multiply(s, x)"),
        ("a: reverse = broadcast_to(row, shape=(batch, 3))", "y: reverse = map('a*b - b', a, x)", "y: reverse = map('a*b - b', row, x)"),
        ("a: reverse = broadcast_to(s, shape=(3,))\nb: reverse = broadcast_to(row, shape=(3,))", "y: reverse = multiply(a, b)", "y: reverse = multiply(s, row)"),
        ("a: reverse = broadcast_to(s, shape=(n,))\nb: reverse = broadcast_to(s, shape=(n,))", "y: reverse = multiply(a, b)", "y_multiply: reverse = multiply(s, s)\ny: reverse = broadcast_to(y_multiply, shape=(n,))"),
        ("a: reverse = broadcast_to(row, shape=(batch, 3))", "y: reverse = exp(a)", "y_exp: reverse = exp(row)\ny: reverse = broadcast_to(y_exp, shape=(batch, 3))"),
        ("a: reverse = broadcast_to(s, shape=(n, 2))", "y: reverse = transpose(a, axes=(1, 0))", "y: reverse = broadcast_to(s, shape=(2, n))"),
        ("a: reverse = broadcast_to(s, shape=(n, 2))", "y: reverse = reshape(a, shape=(2 * n,))", "y: reverse = broadcast_to(s, shape=(2 * n,))"),
        ("a: reverse = broadcast_to(s, shape=(n, 2))", "y: reverse = getitem(a, key=(0, (None, None, None)))", "y: reverse = broadcast_to(s, shape=(2,))"),
        ("a: reverse = broadcast_to(row, shape=(2, 3))", "y: reverse = broadcast_to(a, shape=(n, 2, 3))", "y: reverse = broadcast_to(row, shape=(n, 2, 3))"),
        ("a: reverse = expand_dims(row, axis=(0,))", "y: reverse = broadcast_to(a, shape=(n, 3))", "y: reverse = broadcast_to(row, shape=(n, 3))"),
        ("a: reverse = broadcast_to(s, shape=(n, 2))", "y: reverse = sum(a, axis=(0, 1))", "y_size: reverse = size(2 * n)\ny: reverse = multiply(s, y_size)"),
        ("a: reverse = broadcast_to(s, shape=(n, 2))", "y: reverse = sum(a, axis=(1,))", "y_constant: reverse = constant(2.0)\ny_multiply: reverse = multiply(s, y_constant)\ny: reverse = broadcast_to(y_multiply, shape=(n,))"),
        ("a: reverse = broadcast_to(s, shape=(n, 2))", "y: reverse = mean(a, axis=(1,))", "y: reverse = broadcast_to(s, shape=(n,))"),
        ("a: reverse = broadcast_to(s, shape=(batch, 3))\nb: reverse = exp(x)", "y: reverse = accumulate(x, a, b)", "y_accumulate: reverse = accumulate(x, b)\ny: reverse = add(y_accumulate, s)"),
        ("a: reverse = broadcast_to(s, shape=(n,))\nb: reverse = broadcast_to(s, shape=(n,))", "y: reverse = accumulate(a, b)", "y_accumulate: reverse = accumulate(s, s)\ny: reverse = broadcast_to(y_accumulate, shape=(n,))"),
    ],
)  # fmt: skip
def test_broadcasts(setup, before, after):
    check(broadcasts, setup, before, after)


def test_a_scalar_with_an_axis_is_a_broadcast_scalar():
    becomes(
        broadcasts,
        case("a: reverse = expand_dims(s, axis=(0,))\ny: reverse = exp(a)"),
        case("a: reverse = broadcast_to(s, shape=(1,))\ny_exp: reverse = exp(s)\ny: reverse = broadcast_to(y_exp, shape=(1,))"),
    )


@pytest.mark.parametrize(
    "lines",
    [
        "a: reverse = broadcast_to(s, shape=(3, 2))\ny: reverse = matmul(x, a)",
        "a: reverse = broadcast_to(s, shape=(batch, 3))\ny: reverse = multiply(a, row)",  # x's batch axis comes from a alone
        "a = broadcast_to(s, shape=(batch, 3))\ny = multiply(a, x)",  # the user named it
        "a: reverse = expand_dims(row, axis=(1,))\ny: reverse = broadcast_to(a, shape=(3, 2))",
        "a: unnamed = expand_dims(s, axis=(0,))\ny = exp(a)",
    ],
)
def test_broadcasts_that_stay(lines):
    stays(broadcasts, case(lines))


def test_the_seed_of_a_mean_stays_a_number():
    becomes(
        simplify,
        """
        x = input((batch, 3))
        d_loss: reverse = constant(1.0)
        d_y_size: reverse = size(batch)
        d_y_divide: reverse = divide(d_loss, d_y_size)
        d_y_expand_dims: reverse = expand_dims(d_y_divide, axis=(0,))
        d_y: reverse = broadcast_to(d_y_expand_dims, shape=(batch,))
        d_z: reverse = expand_dims(d_y, axis=(1,))
        d_w: reverse = broadcast_to(d_z, shape=(batch, 3))
        d_x: reverse = multiply(d_w, x)
        return gradient(x=d_x)
        """,
        """
        x = input((batch, 3))
        d_loss: reverse = constant(1.0)
        d_y_size: reverse = size(batch)
        d_y_divide: reverse = divide(d_loss, d_y_size)
        d_y_expand_dims: reverse = broadcast_to(d_y_divide, shape=(1,))
        d_y: reverse = broadcast_to(d_y_divide, shape=(batch,))
        d_z: reverse = broadcast_to(d_y_divide, shape=(batch, 1))
        d_w: reverse = broadcast_to(d_y_divide, shape=(batch, 3))
        d_x: reverse = multiply(d_y_divide, x)
        return gradient(x=d_x)
        """,
    )


def test_a_program_that_is_simple_stays_the_same_object():
    program = program_of(case("y = exp(x)"))
    assert simplify(program) is program
    assert "exp(x)" in text(program)
