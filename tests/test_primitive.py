"""Primitives of users: what `ops.elementwise` makes, and how it lives in graphs and code."""

import json
import warnings

import networkx as nx
import numpy as np
import pytest
import sympy as sp

from graphgen import Graph, compile, load, ops
from graphgen.check import check
from graphgen.errors import GraphError, GraphWarning
from graphgen.graph import FACTS
from graphgen.program_text import ProgramError, parse
from graphgen.raw import fingerprint

x, y, beta, chosen = sp.symbols("x y beta chosen")
swish = ops.elementwise("swish", x * ops.sigmoid(x))
scaled = ops.elementwise("scaled", x * ops.sigmoid(beta * x), args=(x, beta))


def model(primitive=swish, dtype="float64", **shapes):
    """A graph that reads each operand of a primitive as a parameter, by the operand's name."""
    g = Graph("m", dtype)
    operands = [g.param(name, shapes.get(name, (3,))) for name in primitive.operands]
    h = primitive(*operands)
    g.loss(h.sum())
    return g


def test_values_and_both_modes():
    g = model(scaled, x=(4, 3), beta=())
    values = {"x": np.linspace(-3, 3, 12).reshape(4, 3), "beta": np.array(1.5)}
    sigmoid = 1 / (1 + np.exp(-1.5 * values["x"]))
    slopes = {
        "x": sigmoid + 1.5 * values["x"] * sigmoid * (1 - sigmoid),
        "beta": np.sum(values["x"] ** 2 * sigmoid * (1 - sigmoid)),
    }
    for style in ("teach", "compact"):
        module = load(g, style=style, mode="both")
        loss, gradients = module.value_and_grad(values)
        assert loss == pytest.approx(float(np.sum(values["x"] * sigmoid)), rel=1e-14)
        for name, expected in slopes.items():
            np.testing.assert_allclose(gradients[name], expected, rtol=1e-13, atol=1e-14)
        dots = {"x": np.cos(values["x"]), "beta": np.array(0.3)}
        expected = sum(np.sum(slopes[name] * dots[name]) for name in dots)
        assert module.jvp(values, dots)[1] == pytest.approx(float(expected), rel=1e-13)
        module.check_gradients()


def test_float32_stays_float32():
    module = load(model(scaled, "float32", beta=()), mode="both")
    values = module.init_parameters(seed=1)
    assert values["x"].dtype == np.float32
    assert all(each.dtype == np.float32 for each in module.value_and_grad(values)[1].values())


def test_graphs_of_scalars_hold_python_floats():
    module = load(model(x=()), mode="both")
    loss, gradients = module.value_and_grad({"x": 0.0})
    assert (type(loss), loss, gradients) == (float, 0.0, {"x": 0.5})
    assert "import math" in compile(model(x=()))


def test_the_code_writes_the_formula_and_the_comments_name_it():
    teach = compile(model(), style="teach")
    assert "h = x * sigmoid(x)" in teach
    assert "# h = swish(x)  dh/dx = " in teach
    assert "# h = swish(x)" in compile(model())
    assert "def sigmoid(" in teach


def test_an_unnamed_node_is_called_after_the_primitive():
    g = Graph("m")
    u = g.input("u", (3,))
    r = swish(swish(u))
    g.output(r)
    assert list(check(g).nodes) == ["u", "r_swish", "r"]
    assert check(g).nodes["r"].why.statement == "r = swish(swish(u))"


def test_numbers_arrays_and_sizes_are_operands():
    g = Graph("m")
    u = g.param("u", ("n",))
    g.loss((scaled(2.0, u) + scaled(u, np.ones(1)) + scaled(u, u.shape[0])).sum())
    module = load(g)
    values = np.array([0.5, -1.5])
    sigmoid = lambda t: 1 / (1 + np.exp(-t))
    expected = np.sum(2 * sigmoid(2 * values) + values * sigmoid(values) + values * sigmoid(2 * values))
    assert module.loss({"u": values}) == pytest.approx(float(expected), rel=1e-14)


def test_sympy_expressions_answer_with_one():
    assert swish(y) == y * ops.sigmoid(y)
    assert scaled(y + 1, 2).equals((y + 1) * ops.sigmoid(2 * y + 2))
    twice = ops.elementwise("twice_swish", swish(swish(x)))
    assert str(twice.formula) == "a*sigmoid(a)*sigmoid(a*sigmoid(a))"
    real = sp.Symbol("x", real=True)
    assert ops.elementwise("swish", swish(real)).formula is swish.formula


def test_ops_take_symbols_without_assumptions():
    whole = ops.where(x > 0, ops.sqrt(ops.abs(x)), ops.elu(x, alpha=0.5)) + ops.maximum(x, 1) * ops.floor(x)
    assert ops.elementwise("whole", whole).formula.kinds == ("float",)
    held = ops.elementwise("held", x * ops.stop_gradient(ops.exp(x)))
    assert str(held.formula) == "a*stop_gradient(exp(a))"


def test_sympy_functions_stand_for_ours():
    assert ops.elementwise("bell", x * sp.erf(x)).formula is ops.elementwise("bell", x * ops.erf(x)).formula
    g = Graph("m")
    g.input("x")
    g.expr("e", sp.erf(x) + sp.Mod(x, 2))
    assert {data["op"] for _, data in g.dag.nodes(data=True)} >= {"erf", "remainder"}


def test_what_a_primitive_says_of_itself():
    assert repr(scaled) == "<scaled(x, beta) = x*sigmoid(x*beta)>"
    assert scaled.latex == (
        "\\begin{aligned}\n"
        "y &= \\mathrm{scaled}\\left(x, \\beta\\right) = x \\, \\sigma\\left(x \\, \\beta\\right) \\\\\n"
        "d_{x} &= d_{y} \\, \\left(x \\, \\beta \\, \\sigma\\left(-x \\, \\beta\\right) + 1\\right) "
        "\\, \\sigma\\left(x \\, \\beta\\right) \\\\\n"
        "d_{\\beta} &= d_{y} \\, x^{2} \\, \\sigma\\left(-x \\, \\beta\\right) "
        "\\, \\sigma\\left(x \\, \\beta\\right)\n"
        "\\end{aligned}"
    )
    assert scaled._repr_latex_().startswith("$\\displaystyle \\begin{aligned}")


def test_the_result_is_not_called_like_an_operand_in_latex():
    named = ops.elementwise("named", sp.exp(y) * sp.sign(sp.Symbol("d_z")), args="y d_z")
    assert [line.split(" &= ")[0] for line in named.latex.splitlines()[1:-1]] == ["w", "d_{y}", "d_{d_{z}}"]
    assert named.latex.splitlines()[3] == "d_{d_{z}} &= 0"


def test_primitives_of_one_name_in_one_graph():
    other = ops.elementwise("swish", x**2)
    g = Graph("m")
    u = g.param("u", (3,))
    g.loss((swish(u) + other(u)).sum())
    values = np.array([0.0, 1.0, -2.0])
    sigmoid = 1 / (1 + np.exp(-values))
    slopes = load(g).value_and_grad({"u": values})[1]["u"]
    np.testing.assert_allclose(slopes, sigmoid + values * sigmoid * (1 - sigmoid) + 2 * values, rtol=1e-14)


# -- graphs


def test_raw_dags_hold_texts_and_numbers():
    g = model()
    assert {key: value for key, value in g.dag.nodes["h"].items() if key != "source"} == {
        "op": "map",
        "formula": "a*sigmoid(a)",
        "primitive": "swish",
    }
    dag = nx.MultiDiGraph(**{**FACTS, "name": "m"}, loss="_sum_1")
    dag.add_node("x", op="param", shape=(3,))
    dag.add_node("h", op="map", formula="a * sigmoid(a)", primitive="swish")
    dag.add_node("_sum_1", op="sum")
    dag.add_edges_from([("x", "h"), ("h", "_sum_1")])
    assert Graph.from_networkx(dag) == g
    assert fingerprint(Graph.from_networkx(dag).dag) == fingerprint(g.dag)
    assert compile(Graph.from_networkx(dag)).count("swish(x)") == compile(g).count("swish(x)") > 0
    json.dumps(nx.node_link_data(dag, edges="edges"))


def test_graphs_of_other_formulas_are_others():
    other = ops.elementwise("swish", x * ops.sigmoid(2 * x))
    assert model() == model(ops.elementwise("swish", ops.sigmoid(x) * x)) != model(other)
    assert fingerprint(model().dag) != fingerprint(model(other).dag)
    for primitive, factor in ((swish, 1), (other, 2)):
        slope = load(model(primitive, x=())).value_and_grad({"x": 0.7})[1]["x"]
        sigmoid = 1 / (1 + np.exp(-0.7 * factor))
        assert slope == pytest.approx(sigmoid + 0.7 * factor * sigmoid * (1 - sigmoid), rel=1e-14)


def test_a_map_without_a_name_shows_its_formula():
    dag = nx.DiGraph(**{**FACTS, "name": "m"}, loss="h")
    dag.add_node("x", op="param", shape=())
    dag.add_node("z", op="param", shape=())
    dag.add_node("h", op="map", formula="a*b + exp(a)")
    dag.add_edge("x", "h", place=0)
    dag.add_edge("z", "h", place=1)
    assert check(Graph.from_networkx(dag)).nodes["h"].why.statement == "h = x*z + exp(x)"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "GG005]: node 'h': map: keyword 'formula' is missing"),
        ({"formula": 3}, "GG005]: node 'h': map: formula is a text, got 3"),
        ({"formula": "__import__('os')"}, "GG005]: node 'h': map: not part of a formula: __import__('os')"),
        ({"formula": "a*b"}, "GG006]: node 'h': map: takes 2 operands, got 1"),
        ({"formula": "a*x_0"}, "GG005]: node 'h': map: not part of a formula: x_0"),
        ({"formula": "2"}, "GG005]: node 'h': map: the formula does not depend on a"),
        ({"formula": "a**9**9**9"}, "GG005]: node 'h': map: a power of numbers in the formula is too large to compute"),
        ({"formula": "where(a, 1, 0)"}, "GG030]: node 'h': map: slot a of where(a, 1, 0) is a condition, got float"),
        ({"formula": "a", "primitive": "lambda"}, "GG005]: node 'h': map: 'lambda' cannot name a primitive: it is a"),
        (
            {"formula": "a", "primitive": "p", "stable": "a.b"},
            "GG005]: node 'h': p: stable: not part of a formula: a.b",
        ),
        ({"formula": "a", "stable": "a > 0"}, "GG005]: node 'h': map: stable uses its slots otherwise"),
        ({"formula": "a", "safe": 1.0}, "GG005]: node 'h': map: safe is a finite number or None for each operand, got"),
        ({"formula": "a", "safe": (np.inf,)}, "GG005]: node 'h': map: safe is a finite number or None for each"),
        ({"formula": "a", "slope": "1"}, "GG005]: node 'h': map: unexpected keyword 'slope'"),
    ],
)
def test_raw_maps_in_error(attributes, message):
    dag = nx.DiGraph(**{**FACTS, "name": "m"})
    dag.add_node("x", op="param", shape=())
    dag.add_node("h", op="map", **attributes)
    dag.add_edge("x", "h")
    with pytest.raises(GraphError) as caught:
        check(Graph.from_networkx(dag))
    assert message in str(caught.value)


def test_errors_of_nodes_name_the_primitive():
    g = Graph("m")
    u, k = g.input("u", (3,)), g.input("k", (3,), "int64")
    h = scaled(u)
    h = swish(k)
    h = scaled(u, g.input("v", (4,)))
    h = scaled(u, "two")
    g.output(h)
    with pytest.raises(GraphError) as caught:
        check(g)
    assert [(each.code, each.message) for each in caught.value.problems] == [
        ("GG006", "scaled: takes 2 operands, got 1"),
        ("GG031", "swish: needs floats, got int64"),
        ("GG020", "scaled: shapes do not broadcast: (3,) and (4,)"),
        ("GG061", "scaled: an operand is a node, a number or an array, not 'two'"),
    ]
    with pytest.raises(GraphError, match=r"GG006.*swish: takes 1 operand \(x\), got 2"):
        swish(x, y)
    with pytest.raises(GraphError, match="GG061.*swish: none of its 1 operands is a node or a sympy expression"):
        swish("x")


def test_bools_count_as_floats_but_where_they_are_conditions():
    picked = ops.elementwise("picked", sp.Piecewise((x * y, chosen), (y, True)), args=(chosen, x, y))
    g = Graph("m")
    u = g.param("u", (3,))
    g.output(h=picked(u > 0, u > 1, u))
    g.loss(ops.sum(picked(u > 0, u > 1, u)))
    module = load(g)
    values = {"u": np.array([-1.0, 0.5, 2.0])}
    np.testing.assert_array_equal(module.forward(values), [-1.0, 0.0, 2.0])
    np.testing.assert_array_equal(module.value_and_grad(values)[1]["u"], [1.0, 0.0, 1.0])


def test_program_text_round_trips():
    rooted = ops.elementwise("rooted", 1 / sp.sqrt(x), safe={x: 2.0})
    steady = ops.elementwise("steady", sp.exp(x) - 1, stable=ops.expm1(x))
    g = Graph("m")
    u = g.param("u", (3,))
    a = rooted(u)
    b = steady(a)
    g.loss(b.sum())
    program = check(g)
    assert "a = map('1/sqrt(a)', u, primitive='rooted', safe=(2.0,))  # (3,)" in str(program)
    assert "b = map('exp(a) - 1', a, primitive='steady', stable='expm1(a)')  # (3,)" in str(program)
    assert str(parse(str(program))) == str(program)
    assert parse(str(program)).nodes["b"].attributes == program.nodes["b"].attributes
    for text, message in [
        ("map('a', x, primitive=3)", "line 3: 3 cannot name a primitive: a name is a string"),
        ("map('a', x, **3)", "line 3: unexpected keyword 'None'"),
        ("map('a*b', x, y)", "line 3: no node 'y' stands above"),
    ]:
        with pytest.raises(ProgramError) as caught:
            parse(f"program('p')\nx = input(())\nh = {text}\n")
        assert str(caught.value) == message


def test_equal_nodes_are_merged_if_they_are_called_alike():
    g = Graph("m")
    u = g.param("u", (3,))
    other = ops.elementwise("other", x * ops.sigmoid(x))
    g.loss((swish(u) * swish(u) + other(u)).sum())
    body = compile(g).split("def forward")[1].split("def ")[0]
    assert body.count("* sigmoid(u)") == 2


@pytest.mark.parametrize("style", ["teach", "compact"])
def test_an_infinite_slope_in_the_branch_not_taken(style):
    """Where the root is 0 its slope is infinite: 0 times that is nan, however the mask is written."""
    rooted = ops.elementwise("rooted", sp.Piecewise((sp.sqrt(x), x > 0), (0, True)))
    module = load(model(rooted), style=style, mode="both")
    values = {"x": np.array([-1.0, 0.0, 4.0])}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(module.value_and_grad(values)[1]["x"], [0.0, 0.0, 0.25])
        assert module.jvp(values, {"x": np.ones(3)})[1] == 0.25


# -- what may be said beside the formula


def test_the_stable_formula_is_written_and_the_other_derived():
    steady = ops.elementwise("steady", (1 - sp.exp(-2 * x)) / 2, stable=-ops.expm1(-2 * x) / 2)
    source = compile(model(steady), style="teach")
    assert "h = -0.5 * np.expm1(-2.0 * x)" in source
    tiny = {"x": np.array([1e-12, 0.5, 1.0])}
    assert load(model(steady)).loss({"x": tiny["x"][:1].repeat(3)}) == pytest.approx(3e-12, rel=1e-11)
    with pytest.raises(GraphError, match="GG063.*stable: at x = .*its value is .*, the formula's"):
        ops.elementwise("steady", sp.exp(x) - 1, stable=ops.expm1(2 * x))
    with pytest.raises(GraphError, match="GG063.*stable: at x = .*its value is off by .*, the formula's"):
        ops.elementwise("steady", sp.log(1 + sp.exp(x)), stable=x * (1 + sp.Float("1e-16")))


def test_safe_values_stand_in_the_branch_not_taken():
    rooted = ops.elementwise("rooted", 1 / sp.sqrt(x), safe={"x": 2.0})
    bare = ops.elementwise("bare", 1 / sp.sqrt(x))
    for primitive, finite in ((rooted, True), (bare, False)):
        g = Graph("m")
        u = g.param("u", (3,))
        g.loss(ops.where(u > 0, primitive(u), 0.0).sum())
        assert ("rooted of 2 where the other branch is taken" in compile(g)) is finite
        with warnings.catch_warnings(), np.errstate(all="raise" if finite else "ignore"):
            gradient = load(g).value_and_grad({"u": np.array([-1.0, 0.0, 4.0])})[1]["u"]
        np.testing.assert_allclose(gradient[2], -1 / 16)
        assert not finite or list(gradient[:2]) == [0.0, 0.0]


def test_what_is_infinite_on_the_way_warns_nobody():
    with pytest.warns(GraphWarning, match="GG063.*gompertz: at x = -1000 its slope is nan in float64, not 0"):
        gompertz = ops.elementwise("gompertz", sp.exp(-sp.exp(-x)))
    module = load(model(gompertz), mode="both")
    values = {"x": np.array([-800.0, 0.0, 800.0])}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert module.loss(values) == pytest.approx(1 + np.exp(-1), rel=1e-15)
