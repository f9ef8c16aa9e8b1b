"""Which formulas `ops.elementwise` takes, which it refuses, and what it says then."""

import numpy as np
import pytest
import sympy as sp

from graphgen import Graph, load, ops
from graphgen.errors import GraphError
from graphgen.ops.primitive_check import points

x, y, beta, chosen = sp.symbols("x y beta chosen")
scaled = ops.elementwise("scaled", x * ops.sigmoid(beta * x), args=(x, beta))


@pytest.mark.parametrize(
    "formula",
    [
        x**5 - 3 / x**2,  # infinite at 0 on both sides alike: a pole, no hole
        1 / (x - 1),
        x * sp.log(x),
        sp.EulerGamma * x + sp.Catalan + sp.GoldenRatio * sp.exp(x),
        sp.Max(x, -x, 1) * sp.Min(x, 3),
        sp.Piecewise((x, x < 1), (x + 1, True)),  # a jump has no slope
        x**100_000,
        sp.Rational(1, 3) * x + 1e-300 * x**2,
        sp.Mod(x, 2) + sp.loggamma(x),
        sp.Dummy("t") ** 2,
    ],
    ids=str,
)
def test_what_is_accepted(formula):
    accepted = ops.elementwise("accepted", formula)
    g = Graph("m")
    g.loss(accepted(g.param("u", (3,), init=np.array([0.375, 0.75, 0.9375]))).sum())
    load(g).check_gradients()


REFUSED = {
    "a name": [("lambda", x, {}), "GG011]: 'lambda' cannot name a primitive: it is a keyword of Python"],
    "no string": [(x, x, {}), "GG011]: x cannot name a primitive: a name is a string"],
    "hostile": [("f\nimport os", x, {}), "GG011]: 'f\\nimport os' cannot name a primitive: it is not an identifier"],
    "an op": [("tanh", x**2, {}), "GG011]: 'tanh' cannot name a primitive: it is an op"],
    "text": [("f", "x*sigmoid(x)", {}), "GG061]: f: the formula is no sympy expression, but 'x*sigmoid(x)'"],
    "code": [("f", "__import__('os').abort()", {}), "GG061]: f: the formula is no sympy expression, but"],
    "no symbol": [("f", 3, {}), "GG061]: f: the formula depends on no symbol"],
    "no symbol left": [("f", sp.Abs(x) - sp.sqrt(x**2), {}), "GG061]: f: the formula does not depend on x"],
    "unknown": [("f", sp.gamma(x), {}), "GG061]: f: graphgen knows no function gamma"],
    "undefined": [("f", sp.Function("g")(x), {}), "GG061]: f: graphgen knows no function g"],
    "a derivative": [("f", sp.Derivative(sp.gamma(x), x), {}), "GG061]: f: Derivative cannot stand in a formula"],
    "an integral": [("f", sp.Integral(sp.exp(x * y), (y, 0, 1)), {}), "GG061]: f: Integral cannot stand in a formula"],
    "complex": [("f", sp.I * x, {}), "GG061]: f: I in the formula is no finite real number"],
    "root": [("f", x * (-8) ** sp.Rational(1, 3), {}), "GG061]: f: (-1)**(1/3) in the formula is no finite real"],
    "negative base": [("f", (-2) ** x, {}), "GG061]: f: (-2)**x has a negative base: it is a real number for whole"],
    "infinite": [("f", x * sp.oo, {}), "GG061]: f: oo in the formula is no finite real number"],
    "too large": [("f", x + 10**400, {}), "in the formula is no finite real number"],
    "a condition": [("f", x > 0, {}), "GG061]: f: the formula is a condition"],
    "only conditions": [
        ("f", sp.Piecewise((1, chosen), (0, True)), {}),
        "GG061]: f: the formula has no number among its operands",
    ],
    "a case missing": [("f", sp.Piecewise((x, x > 0)), {}), "GG061]: f: add (value, True), for where no condition"],
    "two symbols": [
        ("f", x + sp.Symbol("x", real=True), {}),
        "GG061]: f: the formula has two different symbols called",
    ],
    "a bad symbol": [
        ("f", sp.Symbol("x\ny") ** 2, {}),
        "GG061]: f: the formula holds x\\ny, which is no symbol with a",
    ],
    "a pattern": [
        ("f", sp.Wild("w") ** 2, {}),
        "GG061]: f: the formula holds w_, which is no symbol with a usable name",
    ],
    "no order": [("f", x * y, {}), "GG005]: f: the formula has the symbols x, y: which operand comes first?"],
    "args missing": [("f", x * y, {"args": (x,)}), "GG005]: f: args are x, the formula's symbols x, y"],
    "args unknown": [("f", x * y, {"args": "x z"}), "GG005]: f: args are x, z, the formula's symbols x, y"],
    "args twice": [("f", x * y, {"args": (x, y, y)}), "GG005]: f: args are x, y, y, the formula's symbols x, y"],
    "args of others": [("f", x**2, {"args": sp.Symbol("x", real=True)}), "GG005]: f: args are x, the formula's symb"],
    "stable of others": [("f", x**2, {"stable": y**2}), "GG005]: f: stable is not over x"],
    "safe of others": [("f", x**2, {"safe": {y: 1}}), "GG005]: f: safe names 'y', the formula's symbols are x"],
    "safe no dict": [("f", 1 / x, {"safe": [1.0]}), "GG005]: f: safe is no dict, but [1.0]"],
    "safe no number": [("f", x**2, {"safe": {x: "1"}}), "GG005]: f: the safe value of x is a finite number, not '1'"],
    "safe outside": [("f", sp.log(x), {"safe": {x: -1}}), "GG063]: f: safe: at x = -1 it has no value or no slope"],
    "a hole": [("f", sp.sin(x) / x, {}), "GG063]: f: at x = 0 it has no value, though it tends to 1 there"],
    "nowhere": [("f", sp.log(-(x**2) - 1), {}), "GG063]: f: it has no real value at any of the points tried"],
    "nan": [
        ("f", sp.exp(40 * x) / (sp.exp(40 * x) + 2), {}),
        "GG063]: f: at x = 30 its value is nan in float64, not 1",
    ],
    "nan slope": [
        ("f", sp.sqrt(x**2 + y**2), {"args": (x, y)}),
        "GG063]: f: at x = 0, y = 0 its slope by x is nan in float64, not between -1 and 1",
    ],
    "digits": [("f", (x + 10**12) ** 2 - 10**24, {}), "its value is "],
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_tell_why(case):
    (name, formula, more), message = REFUSED[case]
    with pytest.raises(GraphError) as caught:
        ops.elementwise(name, formula, **more)
    (problem,) = caught.value.problems
    assert message in str(caught.value)
    assert problem.help and problem.where.file == __file__


def test_nested_too_deeply():
    whole = x
    for _ in range(3000):
        whole = sp.sin(whole, evaluate=False)
    with pytest.raises(GraphError, match="GG061.*f: the formula is nested too deeply"):
        ops.elementwise("f", whole)


def test_a_wrong_slope_is_refused(monkeypatch):
    """The check is one of slopes: what the derivation says must be what differences say."""
    from graphgen.calculus.functions import Softplus

    monkeypatch.setattr(Softplus, "fdiff", lambda self, argindex=1: ops.sigmoid(2 * self.args[0]))
    with pytest.raises(GraphError, match=r"GG063.*wrong: at x = .* its slope is .* in float64, not "):
        ops.elementwise("wrong", 3 * ops.tanh(ops.softplus(x + 0.125)))


def test_points_are_the_same_each_time_and_hold_the_extremes():
    assert points(scaled) == points(scaled)
    assert {0.0, 1000.0, -1000.0, 0.25} <= {first for first, _ in points(scaled)}
    assert (0.0, 0.0) in points(scaled) and (1.0, 1.0) in points(scaled)
