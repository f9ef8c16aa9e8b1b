"""The elementwise rows: what they print is accurate, and what is derived from them is their derivative."""

import importlib.util
import itertools
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp

from graphgen.calculus.formula import Formula, parse
from graphgen.calculus.slopes import Policies, Rule, Signature, jvp, vjp
from graphgen.ops import ELEMENTWISE
from graphgen.runtime import functions
from graphgen.targets.printer import written

OPERANDS = ("x", "z", "w")
SMOOTH = [name for name, row in ELEMENTWISE.items() if not row.zero_slope and name != "where"]

# The largest slope of the ops whose slope is bounded and smooth: its rounding is measured against this.
# The helper's sigmoid is up to 0.7 eps off just below 1, and y*(1 - y) with it: half as much again.
LARGEST = {"tanh": 1.0, "sigmoid": 0.25 * 1.5, "softplus": 1.0, "elu": 1.0, "sin": 1.0, "cos": 1.0}

MAGNITUDES = (5e-324, 1e-310, 1e-300, 1e-30, 1e-8, 1e-3, 0.1, 0.4, 0.7, 0.9, 1.0, 1.1, 1.7, 2.0, 3.0, 5.0, 10.0, 20.0, 36.7,
              40.0, 80.0, 88.0, 100.0, 700.0, 745.0, 800.0, 1e4, 1e8, 1e30, 1e300)  # fmt: skip
PAIRS = (1e-30, 1e-3, 0.7, 1.0, 2.5, 3.0, 40.0, 1e10)


def signature(op, attributes=(), same=None, constant=None, numbers=None, policies=None):
    """A signature of operands that are different variables, unless said."""
    count = len(op.kinds) if isinstance(op, Formula) else len(ELEMENTWISE[op].slots)
    default = tuple(range(count)), (False,) * count, (None,) * count
    same, constant, numbers = (given or usual for given, usual in zip((same, constant, numbers), default, strict=True))
    return Signature(op, attributes, same, constant, numbers, policies or Policies())


def names(rule: Rule) -> list[str]:
    return [
        w if isinstance(w, str) else OPERANDS[w] if isinstance(w, int) else f"{OPERANDS[w[1]]}_dot"
        for w in rule.operands
    ]


def slope(op, operand=0, **facts) -> str:
    """The gradient's line, in NumPy."""
    rule = vjp(signature(op, **facts), operand)
    return "0" if rule is None else written(rule.formula, "numpy", names(rule))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run lines of NumPy, with g = 1, the output y and the operands."""
    lines = {}
    for name, row in ELEMENTWISE.items():
        arguments = ", ".join(OPERANDS[: len(row.slots)])
        lines[name, None] = (arguments, written(row.printed(), "numpy", OPERANDS[: len(row.slots)]))
        for operand in range(len(row.slots)):
            lines[name, operand] = (f"g, y, {arguments}", slope(name, operand))
    source = "import numpy as np\n\nfrom graphgen.runtime.functions import sigmoid, softplus\n\nLINES = {\n"
    source += "".join(f"    {key!r}: lambda {arguments}: {text},\n" for key, (arguments, text) in lines.items())
    path: Path = tmp_path_factory.mktemp("lines") / "lines_of_the_table.py"
    path.write_text(source + "}\n")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LINES


def exact(expression: sp.Basic, slots) -> object:
    """The maths, in as many digits as mpmath is set to."""
    ours = {
        "Sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
        "Softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
        "Maximum": max,
        "Minimum": min,
        "Nonzero": lambda a: a or mpmath.mpf(1),
        "Exponent": lambda a, b: b if a or b else mpmath.mpf(1),
    }
    return sp.lambdify(slots, expression, modules=[ours, "mpmath"])


def calculus(row, operand: int) -> sp.Expr:
    """The derivative as sympy has it, away from kinks: an independent way to the slope."""
    smooth = row.derived().expression.replace(lambda e: type(e).__name__ == "Maximum", lambda e: sp.Max(*e.args))
    smooth = smooth.replace(lambda e: type(e).__name__ == "Minimum", lambda e: sp.Min(*e.args))
    return sp.diff(smooth, row.derived().slots[operand])


def points(name: str, dtype: type) -> list[tuple[float, ...]]:
    row = ELEMENTWISE[name]
    if len(row.slots) == 1:
        random = np.random.default_rng(7).normal(size=200) * 4.0
        values = {
            float(dtype(v)) for m in (*MAGNITUDES, *random) for v in (m, -m) if abs(m) < float(np.finfo(dtype).max)
        }
        return [(value,) for value in sorted(values - {0.0})]
    values = [float(dtype(v)) for m in PAIRS for v in (m, -m)]
    return [pair for pair in itertools.product(values, repeat=2) if pair[0] != pair[1]]


def representable(value, dtype: type) -> bool:
    return isinstance(value, mpmath.mpf) and bool(mpmath.isfinite(value)) and abs(value) < float(np.finfo(dtype).max)


def usual(function, point):
    """The exact value, or None outside the domain."""
    try:
        return mpmath.mpmathify(function(*map(mpmath.mpf, point)))
    except (ZeroDivisionError, ValueError):
        return None


def allowed(name: str, operand: int, point: tuple[float, ...]) -> float:
    """In ulp: 4, and for x**(z - 1) what the rounding of z - 1 comes to."""
    return 4.0 + (abs(np.log(abs(point[0]))) if (name, operand) == ("power", 0) else 0.0)


def ulps(found: float, true: mpmath.mpf, dtype: type) -> float:
    return float(abs(mpmath.mpf(float(found)) - true) / mpmath.mpf(float(np.spacing(abs(dtype(float(true)))))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SMOOTH)
def test_values_and_slopes_are_accurate_and_warn_nobody(name, dtype, run):
    row = ELEMENTWISE[name]
    slots = row.derived().slots
    value = exact(row.derived().expression, slots)
    slopes = [exact(calculus(row, operand), slots) for operand in range(len(slots))]
    used = 0
    with mpmath.workdps(400):
        for point in points(name, dtype):
            true, *true_slopes = (usual(function, point) for function in (value, *slopes))
            if not all(representable(each, dtype) for each in (true, *true_slopes)):
                continue
            used += 1
            operands = [np.array([x], dtype) for x in point]
            y = run[name, None](*operands)
            assert y.dtype == dtype
            assert ulps(y[0], true, dtype) <= 4, (point, y[0])
            for operand, true_slope in enumerate(true_slopes):
                found = run[name, operand](np.ones(1, dtype), y, *operands)
                assert found.dtype == dtype
                bound = 2 * np.finfo(dtype).eps * LARGEST.get(name, 0.0)
                error = abs(mpmath.mpf(float(found[0])) - true_slope)
                close = ulps(found[0], true_slope, dtype) <= allowed(name, operand, point)
                assert error <= bound or close, (
                    point,
                    operand,
                    found[0],
                    float(true_slope),
                )
    assert used >= 50


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_are_the_derivative_to_30_digits(name):
    """The derived formula, through the output or not, against sympy's own derivative."""
    row = ELEMENTWISE[name]
    own = row.derived()
    value = exact(own.expression, own.slots)
    with mpmath.workdps(60):
        for operand in range(len(own.slots)):
            rule = vjp(signature(name), operand)
            derived, reference = (
                exact(rule.formula.expression, rule.formula.slots),
                exact(calculus(row, operand), own.slots),
            )
            for point in [(0.3, 1.9), (2.7, -0.8), (1.4, 2.2), (0.02, 3.1)]:
                operands = [mpmath.mpf(x) for x in point[: len(own.slots)]]
                known = {"g": mpmath.mpf(3), "y": value(*operands)} | dict(enumerate(operands))
                assert (
                    abs(derived(*(known[what] for what in rule.operands)) - 3 * reference(*operands))
                    < mpmath.mpf(10) ** -30
                )


@pytest.mark.parametrize("name", SMOOTH)
def test_forward_mode_agrees_with_reverse_mode(name):
    count = len(ELEMENTWISE[name].slots)
    own = ELEMENTWISE[name].derived()
    tangent = jvp(signature(name), tuple(range(count)))
    operands = [mpmath.mpf(x) for x in (0.3, 1.9)[:count]]
    known = {"g": mpmath.mpf(1), "y": exact(own.expression, own.slots)(*operands)} | dict(enumerate(operands))
    known |= {("dot", at): mpmath.mpf(at + 2) for at in range(count)}
    expected = mpmath.mpf(0)
    for operand in range(count):
        rule = vjp(signature(name), operand)
        expected += (operand + 2) * exact(rule.formula.expression, rule.formula.slots)(
            *(known[what] for what in rule.operands)
        )
    found = exact(tangent.formula.expression, tangent.formula.slots)(*(known[what] for what in tangent.operands))
    assert abs(found - expected) < 1e-14


@pytest.mark.parametrize("name", SMOOTH)
def test_second_order_is_the_derivative_of_the_first(name):
    """A rule's formula is differentiated like any other: by each of its slots, against central differences."""
    for operand in range(len(ELEMENTWISE[name].slots)):
        first = vjp(signature(name), operand).formula
        at = [mpmath.mpf(x) for x in (1.5, 0.6, 2.3, 1.2)[: len(first.kinds)]]
        whole = exact(first.expression, first.slots)
        for by in range(len(first.kinds)):
            rule = vjp(signature(first), by)
            with mpmath.workdps(40):
                step = mpmath.mpf(10) ** -12
                moved = [[x + sign * step * (place == by) for place, x in enumerate(at)] for sign in (1, -1)]
                expected = (whole(*moved[0]) - whole(*moved[1])) / (2 * step)
                known = {"g": mpmath.mpf(1), "y": whole(*at)} | dict(enumerate(at))
                found = (
                    exact(rule.formula.expression, rule.formula.slots)(*(known[w] for w in rule.operands))
                    if rule
                    else 0
                )
                assert abs(found - expected) < 1e-12, (first, by)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_formulas_and_slopes_round_trip_through_text(name):
    row = ELEMENTWISE[name]
    formulas = [row.derived(), row.printed()]
    rules = [vjp(signature(name), operand) for operand in range(len(row.slots))]
    rules += [jvp(signature(name), tuple(range(len(row.slots))))]
    rules += [vjp(signature(rule.formula), by) for rule in rules if rule for by in range(len(rule.operands))]
    for each in [*formulas, *(rule.formula for rule in rules if rule)]:
        assert parse(str(each), each.kinds) is each


def test_rows_without_slope():
    for name, row in ELEMENTWISE.items():
        if row.zero_slope:
            assert all(vjp(signature(name), operand) is None for operand in range(len(row.slots)))
            assert jvp(signature(name), tuple(range(len(row.slots)))) is None
    assert vjp(signature("where"), 0) is None


EXACT_TEXT = {
    ("add", 0): "g",
    ("subtract", 1): "-g",
    ("multiply", 0): "g * z",
    ("divide", 0): "g / z",
    ("divide", 1): "-g * y / z",
    ("power", 0): "g * z * x**(np.where((x == 0.0) & (z == 0.0), 1.0, z) - 1.0)",
    ("power", 1): "g * y * np.log(np.where(x == 0.0, 1.0, x))",
    ("abs", 0): "g * np.sign(x)",
    ("sqrt", 0): "g / (2.0 * y)",
    ("square", 0): "2.0 * g * x",
    ("reciprocal", 0): "-g * y**2",
    ("exp", 0): "g * y",
    ("expm1", 0): "g * np.exp(x)",
    ("log", 0): "g / x",
    ("log1p", 0): "g / (x + 1.0)",
    ("tanh", 0): "g * (1.0 - y**2)",
    ("sigmoid", 0): "g * y * (1.0 - y)",
    ("softplus", 0): "g * sigmoid(x)",
    ("relu", 0): "np.where(y > 0.0, g, 0.0)",
    ("leaky_relu", 0): "np.where(y > 0.0, g, 0.01 * g)",
    ("elu", 0): "np.where(y > 0.0, g, g * (y + 1.0))",
    ("maximum", 0): "np.where(x > z, g, np.where(x == z, 0.5 * g, 0.0))",
    ("maximum", 1): "np.where(x > z, 0.0, np.where(x == z, 0.5 * g, g))",
    ("minimum", 0): "np.where(x < z, g, np.where(x == z, 0.5 * g, 0.0))",
    ("where", 1): "np.where(x, g, 0.0)",
    ("where", 2): "np.where(x, 0.0, g)",
}


@pytest.mark.parametrize(("op", "operand"), EXACT_TEXT)
def test_text_of_slopes(op, operand):
    assert slope(op, operand) == EXACT_TEXT[op, operand]


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        (0.0, "0"),
        (1.0, "g"),
        (2.0, "2.0 * g * x"),
        (3.0, "3.0 * g * x**2"),
        (0.5, "g / (2.0 * y)"),
        (1.5, "1.5 * g * np.sqrt(x)"),
        (-1.0, "-g * y**2"),
        (-2.0, "-2.0 * g * y / x"),
        (-0.3, "-0.3 * g * y / x"),
    ],
)
def test_powers_by_a_number(exponent, expected):
    assert slope("power", 0, numbers=(None, exponent), constant=(False, True)) == expected


def test_powers_of_a_number():
    assert slope("power", 1, numbers=(2.0, None), constant=(True, False)) == "0.6931471805599453 * g * y"
    assert slope("power", 1, numbers=(-2.0, None), constant=(True, False)) == EXACT_TEXT["power", 1]


def test_power_at_zero_is_finite_where_the_slope_is(run):
    base, exponent = np.zeros(5), np.array([0.0, 1.0, 2.0, 1.5, 3.0])
    y = base**exponent
    np.testing.assert_array_equal(run["power", 0](np.ones(5), y, base, exponent), [0.0, 1.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(run["power", 1](np.ones(5), y, base, exponent), np.zeros(5))


KINKS = [
    ("relu", {}, 0, {0.0: "np.where(y > 0.0, g, 0.0)", 0.5: "np.where(x > 0.0, g, np.where(x == 0.0, 0.5 * g, 0.0))",
                     1.0: "np.where(x >= 0.0, g, 0.0)"}),
    ("maximum", {"numbers": (None, 0.0), "constant": (False, True)}, 0,
     {0.0: "np.where(y > 0.0, g, 0.0)", 1.0: "np.where(x >= 0.0, g, 0.0)"}),
    ("maximum", {"numbers": (0.0, None), "constant": (True, False)}, 1,
     {0.0: "np.where(y > 0.0, g, 0.0)", 1.0: "np.where(z >= 0.0, g, 0.0)"}),
    ("minimum", {"constant": (False, True)}, 0,
     {0.0: "np.where(x < z, g, 0.0)", 0.5: "np.where(x < z, g, np.where(x == z, 0.5 * g, 0.0))", 1.0: "np.where(x <= z, g, 0.0)"}),
    ("leaky_relu", {}, 0, {0.5: "np.where(x == 0.0, 0.505 * g, np.where(x > 0.0, g, 0.01 * g))",
                           1.0: "np.where(x >= 0.0, g, 0.01 * g)"}),
    ("leaky_relu", {"attributes": (("negative_slope", -0.5),)}, 0, {0.0: "np.where(x > 0.0, g, -0.5 * g)"}),
    ("leaky_relu", {"attributes": (("negative_slope", 3.0),)}, 0, {0.0: "np.where(x >= 0.0, g, 3.0 * g)"}),
    ("elu", {}, 0, {1.0: "np.where(y > 0.0, g, g * (y + 1.0))"}),
    ("elu", {"attributes": (("alpha", 0.1),)}, 0, {0.0: "np.where(y > 0.0, g, g * (y + 0.1))",
                                                  1.0: "np.where(x >= 0.0, g, g * (y + 0.1))"}),
    (parse("where(a >= 0, a, 0)", ["float"]), {}, 0, {0.0: "np.where(x > 0.0, g, 0.0)", 1.0: "np.where(x >= 0.0, g, 0.0)"}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "facts", "operand", "expected"), KINKS)
def test_kinks(op, facts, operand, expected):
    for k, text in expected.items():
        assert slope(op, operand, policies=Policies(relu_at_zero=k), **facts) == text


def test_a_jump_is_no_kink():
    step = parse("where(a > 0, a + 1, 0)", ["float"])
    assert slope(step, policies=Policies(relu_at_zero=1.0)) == "np.where(x > 0.0, g, 0.0)"


def test_ties_go_to_the_first_when_asked():
    first = Policies(ties="first")
    assert slope("maximum", 0, policies=first) == "np.where(x >= z, g, 0.0)"
    assert slope("maximum", 1, policies=first) == "np.where(x >= z, 0.0, g)"
    assert slope("minimum", 0, policies=first) == "np.where(x <= z, g, 0.0)"


@pytest.mark.parametrize("policies", [Policies(), Policies(ties="first")])
def test_shares_of_a_tie_sum_to_one(policies):
    shares = 0.0
    for operand in (0, 1):
        rule = vjp(signature("maximum", policies=policies), operand)
        shares += exact(rule.formula.expression, rule.formula.slots)(1.0, 2.0, 2.0)
    assert shares == 1.0


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("add", "2.0 * g"),
        ("subtract", "0"),
        ("multiply", "2.0 * g * x"),
        ("divide", "0"),
        ("maximum", "g"),
        ("minimum", "g"),
    ],
)
def test_the_same_operand_twice(op, expected):
    assert slope(op, 0, same=(0, 0)) == expected
    assert slope(op, 1, same=(0, 0)) == expected


def test_tangents_of_branches_stay_one_where():
    def tangent(op):
        rule = jvp(signature(op), tuple(range(len(ELEMENTWISE[op].slots))))
        return written(rule.formula, "numpy", names(rule))

    assert tangent("where") == "np.where(x, z_dot, w_dot)"
    assert tangent("maximum") == "np.where(x > z, x_dot, np.where(x == z, 0.5 * x_dot + 0.5 * z_dot, z_dot))"
    assert tangent("multiply") == "x_dot * z + z_dot * x"
    assert tangent("divide") == "x_dot / z - z_dot * y / z"


def test_zero_branches_are_zero_whatever_the_gradient():
    steep = parse("where(b, exp(a)/c, 0)", ["float", "bool", "float"])
    assert slope(steep, 0) == "np.where(z, g * np.exp(np.where(z, x, 0.0)) / np.where(z, w, 1.0), 0.0)"


def test_numbers_that_do_not_matter_share_one_derivation():
    rules = {id(vjp(signature("multiply", numbers=(None, float(n)), constant=(False, True)), 0)) for n in range(9)}
    assert len(rules) == 1


def test_through_the_output_only_where_digits_are_kept():
    for text, expected in {
        "3*tanh(a)": "g * (3.0 - y**2 / 3.0)",
        "1000 + tanh(a)": "g * (1.0 - np.tanh(x)**2)",
        "1/(1 + a)": "-g * y**2",
        "a/(1 + a)": "g / (x + 1.0)**2",
        "2*exp(a) - 5": "2.0 * g * np.exp(x)",
        "exp(a*a)": "2.0 * g * y * x",
        "sigmoid(3*a)": "3.0 * g * y * (1.0 - y)",
    }.items():
        assert slope(parse(text, ["float"])) == expected, text


def test_extreme_arguments_of_the_helpers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(functions.sigmoid(np.array([-800.0, 800.0])), [0.0, 1.0])
        np.testing.assert_array_equal(functions.softplus(np.array([-800.0, 800.0])), [0.0, 800.0])
