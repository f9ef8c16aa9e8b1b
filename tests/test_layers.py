"""Layers and losses as users call them, and the descriptions of ops."""

import pytest

from graphgen import Graph, layers, losses, ops
from graphgen.check import check
from graphgen.errors import GraphError, UnknownName


def test_dense():
    g = Graph("m")
    x = g.input("x", ("batch", "time", 4))
    h = layers.dense(x, 3, name="fc", init="he_normal")
    assert [str(each) for each in h.shape] == ["batch", "time", "3"]
    nodes = g.dag.nodes
    assert (nodes["fc_w"]["shape"], nodes["fc_w"]["init"]) == ((4, 3), "he_normal")
    assert (nodes["fc_b"]["shape"], nodes["fc_b"]["init"]) == ((3,), "zeros")
    assert (
        nodes["h"]["source"] == nodes["fc_w"]["source"] and nodes["h"]["source"].line == nodes["x"]["source"].line + 1
    )


def test_dense_without_bias_of_symbolic_sizes():
    g = Graph("m")
    x = g.input("x", ("batch", "features"))
    g.output(layers.dense(x, "features", "fc", bias=False))
    program = check(g)
    assert list(program.nodes) == ["x", "fc_w", "fc"]
    assert str(program.nodes["fc_w"].type) == "(features, features)"


def test_a_layer_in_error_declares_nothing_and_goes_on():
    g = Graph("m")
    x = g.input("x", ("batch", 4))
    h = layers.dense(layers.dense(x @ x, 3, name="a"), 3, name="b")
    g.output(h)
    with pytest.raises(GraphError) as caught:
        check(g)
    assert [problem.code for problem in caught.value.problems] == ["GG021"]
    assert repr(h) == "<h: in error>"


@pytest.mark.parametrize("x", [3, None, "x"])
def test_a_layer_of_no_node(x):
    with pytest.raises(GraphError, match="GG061.*dense: the first argument is a node, not"):
        layers.dense(x, 3, name="fc")


@pytest.mark.parametrize(("module", "name"), [(layers, "dens"), (losses, "mes"), (ops, "rleu")])
def test_unknown_functions(module, name):
    assert not hasattr(module, f"_{name}")
    with pytest.raises(UnknownName, match="did you mean"):
        getattr(module, name)(3)
    with pytest.raises(GraphError, match="GG061|did you mean"):
        getattr(module, name)()


def test_losses_are_rows_of_the_table():
    assert sorted(losses.__all__) == sorted(ops.LOSSES)
    assert losses.mse.__doc__ == "Mean squared error."


@pytest.mark.parametrize("name", [row.name for rows in ops.families().values() for row in rows])
def test_every_op_is_described(name):
    facts = ops.describe(name)
    labels = [label for label, _ in facts]
    assert {"op", "what", "formula", "shape", "slope"} <= set(labels)
    assert "NumPy" in labels or "made of" in labels
    assert all(text and "\n" not in text and text.isprintable() for _, text in facts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tanh", ("slope", "d_a = d_y*(1 - y**2)")),
        ("matmul", ("slope", "d_b = a.T @ d_y")),
        ("sum", ("slope", "d_x = broadcast_to(expand_dims(d_y, axis=1), shape=(m, n))")),
        ("relu", ("policy", "kink: at 0 the smaller of the two slopes counts, or the larger (relu_at_zero)")),
        ("log", ("policy", "branches: in a branch of where that is not taken, a is 1")),
        ("elu", ("op", "ops.elu(a, alpha=1.0)")),
        ("concat", ("NumPy", "np.concatenate((x0, x1), axis=0)")),
        ("sign", ("slope", "zero: no gradient passes")),
        ("mse", ("made of", "y = mean(square(y_error), axis=(0, 1))")),
        ("mse", ("slope", "d_target = -d_prediction")),
        ("softplus", ("keywords", "(beta > 0) & (threshold >= 0)")),
        ("log", ("domain", "a > 0")),
        ("cast", ("dtype", "floats, integers or bools, to the one that is named")),
        ("argmax", ("dtype", "floats, integers or bools, to integers")),
        ("take", ("dtype", "floats, integers or bools; index: integers")),
        ("topk", ("slope", "d_x = scatter_add_along_axis(d_y0, y1, size=4, axis=0)")),
        ("hinge", ("policy", "kink: at 0 the smaller of the two slopes counts, or the larger (relu_at_zero)")),
        ("one_hot", ("slope", "zero: no gradient passes")),
        ("reshape", ("shape", "x (m, n) with shape=(-1,) -> (m * n,)")),
    ],
)
def test_descriptions(name, expected):
    assert expected in ops.describe(name)


def test_the_description_of_no_op():
    with pytest.raises(GraphError) as caught:
        ops.describe("rleu")
    assert str(caught.value) == (
        "error[GG001]: unknown op 'rleu'\n   = help: did you mean 'relu'? `graphgen ops` lists them all"
    )
