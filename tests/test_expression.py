"""Sympy expressions as primitive nodes."""

import networkx as nx
import pytest
import sympy as sp

from graphgen import Graph, ops
from graphgen.check import check
from graphgen.errors import GraphError

x, y, z = sp.symbols("x y z")

pytestmark = pytest.mark.filterwarnings("ignore::graphgen.GraphWarning")  # inputs that an expression does not hold


def declared(build):
    g = Graph("m")
    g.output(f=build(g, *g.inputs("x y z")))
    return g


@pytest.mark.parametrize(
    ("expression", "by_hand"),
    [
        (x * y + sp.log(x) - sp.sin(y), lambda x, y, z: x * y + ops.log(x) - ops.sin(y)),
        ((x + y) * z, lambda x, y, z: z * (x + y)),
        (-x - 2 * y, lambda x, y, z: -x - 2 * y),
        (-(x * y), lambda x, y, z: -(x * y)),
        (x / y, lambda x, y, z: x / y),
        (2 * x / (3 * y * z), lambda x, y, z: 2 * x / (3 * y * z)),
        (x / 2, lambda x, y, z: x / 2),
        (1 / x, lambda x, y, z: ops.reciprocal(x)),
        (1 / (x * y), lambda x, y, z: ops.reciprocal(x * y)),
        (x**2, lambda x, y, z: ops.square(x)),
        (1 / x**2, lambda x, y, z: ops.reciprocal(ops.square(x))),
        (sp.sqrt(x), lambda x, y, z: ops.sqrt(x)),
        (x**3, lambda x, y, z: x**3),
        (x**y, lambda x, y, z: x**y),
        (2**x, lambda x, y, z: 2**x),
        (sp.pi * x, lambda x, y, z: 3.141592653589793 * x),
        (sp.sqrt(2) * x, lambda x, y, z: 1.4142135623730951 * x),
        (1.5 * x, lambda x, y, z: 1.5 * x),
        (1 / (1 + sp.exp(-x)), lambda x, y, z: ops.sigmoid(x)),
        (sp.exp(x) / (1 + sp.exp(x)), lambda x, y, z: ops.sigmoid(x)),
        (sp.log(1 + sp.exp(x)), lambda x, y, z: ops.softplus(x)),
        (sp.Abs(x) + sp.sign(y), lambda x, y, z: ops.abs(x) + ops.sign(y)),
        (sp.floor(x) * sp.cos(y), lambda x, y, z: ops.cos(y) * ops.floor(x)),
        (sp.Max(x, y, 0), lambda x, y, z: ops.maximum(ops.maximum(x, y), 0)),
        (sp.Min(x, 1), lambda x, y, z: ops.minimum(x, 1)),
        (sp.Piecewise((x, y > 0), (z, True)), lambda x, y, z: ops.where(y > 0, x, z)),
        (sp.Piecewise((x, y > 0), (0, sp.Eq(z, 1)), (z, True)),
         lambda x, y, z: ops.where(y > 0, x, ops.where(z == 1, 0, z))),
        (sp.And(x > 0, y < 1, sp.Ne(z, 0)), lambda x, y, z: ops.logical_and((x > 0) & (y < 1), z != 0)),
        (sp.Or(x >= 0, sp.Not(sp.Eq(y, z))), lambda x, y, z: (x >= 0) | (y != z)),
        (ops.tanh(x) * ops.expm1(y), lambda x, y, z: ops.tanh(x) * ops.expm1(y)),
        (ops.log1p(x), lambda x, y, z: ops.log1p(x)),
        (x, lambda x, y, z: ops.identity(x)),
    ],
)  # fmt: skip
def test_equal_to_the_same_ops_by_hand(expression, by_hand):
    one = declared(lambda g, *values: g.expr("f", expression))
    other = declared(lambda g, *values: by_hand(*values))
    named = nx.relabel_nodes(other.dag, {other.dag.graph["outputs"]["f"]: "f"})
    named.graph["outputs"] = {"f": "f"}
    assert one == Graph.from_networkx(named)
    assert one.dag.number_of_nodes() == other.dag.number_of_nodes()


def test_a_part_that_occurs_twice_is_one_node():
    g = declared(lambda g, *values: g.expr("f", sp.sin(x + y) * sp.exp(x + y)))
    assert [node["op"] for _, node in g.dag.nodes(data=True)].count("add") == 1


def test_symbols_may_be_sizes_and_conditions():
    g = Graph("m")
    a = g.input("a", ("batch",))
    g.input("c", ("batch",), dtype="bool")
    batch = a.shape[0]
    g.output(g.expr("f", sp.Piecewise((sp.Symbol("a") / batch, sp.Symbol("c")), (0, True))))
    assert "batch" in str(check(g))


def told(expression):
    with pytest.raises(GraphError) as caught:
        check(declared(lambda g, *values: g.expr("f", expression)))
    (problem,) = caught.value.problems
    assert (problem.where.line, bool(problem.help)) == (told.__code__.co_firstlineno + 2, True)
    return f"{problem.code} {problem.message}"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (sp.Symbol("q") + 1, "GG062 expr: there is no node called 'q'"),
        ("__import__('os')", "GG061 expr: \"__import__('os')\" is no sympy expression"),
        (None, "GG061 expr: None is no sympy expression"),
        (sp.gamma(x), "GG061 expr: no op is gamma(x)"),
        (x + sp.cot(y), "GG061 expr: no op is cot(y)"),
        (sp.I * x, "GG061 expr: I is no real number"),
        (sp.Xor(x > 0, y > 0), "GG061 expr: no op is (x > 0) ^ (y > 0)"),
        (sp.Matrix([x]), "GG061 expr: Matrix([[x]]) is no sympy expression"),
        (sp.Integral(x, (x, 0, y)), "GG061 expr: no op is Integral(x, (x, 0, y))"),
        (
            sp.Piecewise((x, x > 0)),
            "GG061 expr: add (value, True), for where no condition holds, to Piecewise((x, x > 0))",
        ),
    ],
)
def test_what_cannot_be(expression, expected):
    assert told(expression) == expected


def test_deep_expressions():
    expression = x
    for _ in range(60):
        expression = sp.sin(expression) + y
    g = declared(lambda g, *values: g.expr("f", expression))
    assert len(check(g).nodes) == 3 + 120
    for _ in range(2000):
        expression = sp.sin(expression, evaluate=False)
    with pytest.raises(GraphError, match="nested too deeply"):
        check(declared(lambda g, *values: g.expr("f", expression)))
