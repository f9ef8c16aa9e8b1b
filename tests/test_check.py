"""What is wrong with a model: every problem in one run, each with its code, place, text and remedy."""

import linecache
import re
import runpy
import warnings
from pathlib import Path

import pytest

from graphgen import Graph, ops
from graphgen.check import check
from graphgen.errors import GraphError, GraphWarning

HEAD = 'from graphgen import Graph, layers, losses, ops\n\ng = Graph("m")\n'
X = 'x = g.input("x", ("batch", 4))\n'


@pytest.fixture
def told(tmp_path):
    """Run a model file and check its graph; give what the user reads."""

    def told(text, head=HEAD, **options):
        file = tmp_path / "model.py"
        file.write_text(head + text)
        linecache.checkcache(str(file))
        with pytest.raises(GraphError) as caught:
            check(runpy.run_path(str(file), run_name="graphgen_model")["g"], **options)
        assert all(problem.help for problem in caught.value.problems)
        return str(caught.value)

    return told


def test_the_example_of_the_contract(told):
    text = (
        "from graphgen import Graph\nfrom graphgen.ops import relu\n"
        'g = Graph("m")\nx = g.input("x", ("batch", 784))\nw = g.param("w", (748, 128))\nb = g.param("b", (128,))\n'
        "h = relu(x @ w + b)\n"
    )
    assert told(text, head="") == (
        "error[GG021]: matmul: inner sizes differ: (batch, 784) @ (748, 128)\n"
        "  --> model.py:7:10\n"
        "   |  h = relu(x @ w + b)\n"
        "   |           ^^^^^ 784 does not match 748\n"
        "   = w is declared at model.py:5 with shape (748, 128)\n"
        "   = help: swap its axes with w.T, or declare w with 784 rows"
    )


def test_all_mistakes_are_told_at_once(told):
    text = X + 'h = ops.rleu(x)\nw = g.param("w", (3, 2), init="he_norml")\ny = ops.relu(h) + x @ w\n'
    assert told(text) == (
        "error[GG001]: unknown op 'rleu'\n"
        "  --> model.py:5:5\n"
        "   |  h = ops.rleu(x)\n"
        "   |      ^^^^^^^^^^^\n"
        "   = help: did you mean 'relu'? `graphgen ops` lists them all\n\n"
        "error[GG002]: param: unknown init 'he_norml'\n"
        "  --> model.py:6:5\n"
        '   |  w = g.param("w", (3, 2), init="he_norml")\n'
        "   |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "   = help: did you mean 'he_normal'?\n\n"
        "error[GG021]: matmul: inner sizes differ: (batch, 4) @ (3, 2)\n"
        "  --> model.py:7:19\n"
        "   |  y = ops.relu(h) + x @ w\n"
        "   |                    ^^^^^ 4 does not match 3\n"
        "   = w is declared at model.py:6 with shape (3, 2)\n"
        "   = help: swap its axes with w.T, or declare w with 4 rows"
    )


# What is written in the model; then the message, the label behind the carets or None, the notes, and the remedy.
CASES = [
    # Unknown names
    ("h = losses.mes(x, x)", "GG003", "unknown loss 'mes'", None, [], "did you mean 'mse'?"),
    ("h = losses.relu(x)", "GG003", "unknown loss 'relu'", None, [], "it is an op: ops.relu"),
    ("h = layers.dens(x, 3, name='a')", "GG003", "unknown layer 'dens'", None, [], "did you mean 'dense'?"),
    ("g.optimizer('addam')", "GG004", "unknown optimizer 'addam'", None, [], "did you mean 'adam'?"),
    ("g.optimizer('adam', lr=1)", "GG005", "adam: unexpected option 'lr'", None, [],
     ("its options: learning_rate, betas, eps, weight_decay, amsgrad, schedule, clip_value, clip_norm, noise, "
      "noise_decay, noise_seed, max_norm, groups")),
    # Arity and keywords
    ("h = ops.where(x > 0, x)", "GG006", "where: takes 3 operands (condition, a, b), got 2", None, [], "give b too"),
    ("h = ops.relu(x, x)", "GG006", "relu: takes 1 operand (a), got 2", None, [], "leave out the rest"),
    ("h = ops.index(x)", "GG006", "index: wrong arguments", None, [], "call it as in ops.index(x, key)"),
    ("h = ops.relu(x, op=1)", "GG005", "relu: unexpected keyword 'op'", None, [], "its keywords: none"),
    ("h = ops.elu(x, alpa=2)", "GG005", "elu: unexpected keyword 'alpa'", None, [], "did you mean 'alpha'?"),
    ("h = ops.elu(x, alpha='1')", "GG005", "elu: alpha is a finite number, got '1'", None, [], "its default is 1.0"),
    ("h = x.sum(keepdims=3)", "GG005", "sum: keepdims is True or False, got 3", None, [], "leave it out for False"),
    ("h = ops.reshape(x)", "GG005", "reshape: keyword 'shape' is missing", None, [], "give shape="),
    # Names
    ("h = g.input('x')", "GG010", "the name x is used twice", None, ["x is first declared at model.py:4"],
     "give each node its own name"),
    ("h = ops.relu(x, name='np')", "GG011", "'np' cannot be a name: it is a module in generated code", None, [],
     "choose another name, such as np_"),
    ("h = g.input('forward')", "GG011", "'forward' cannot be a name: it is part of a generated module's public face",
     None, [], "choose another name, such as forward_"),
    ("h = g.input('a b')", "GG011", "'a b' cannot be a name: it is not an identifier", None, [],
     "choose another name, such as a_b"),
    ("h = g.input('d_x')", "GG011", "'d_x' cannot be a name: names that start with d_ are gradients", None, [],
     "choose another name, such as x"),
    ("h = g.input('y_dot')", "GG011", "'y_dot' cannot be a name: names that end with _dot are tangents", None, [],
     "choose another name, such as y"),
    ("h = g.input(5)", "GG011", "5 cannot be a name: a name is a string", None, [], "give a string"),
    ("h = g.input('ﬁt')", "GG011", "'ﬁt' cannot be a name: Python would read it as another name", None, [],
     "choose another name, such as fit"),
    ("h = g.input('loss')", "GG011", "only the declared loss may be called loss", None, [], "choose another name"),
    ("g.output(np=x)", "GG011", "'np' cannot name an output: it is a module in generated code", None, [],
     "choose another name, such as np_"),
    ("s = g.scope('a b')", "GG011", "'a b' cannot be a scope: it is not an identifier", None, [],
     "choose another name, such as a_b"),
    ("h = x + Graph('h').input('z')", "GG012", "add: an operand is no node of this graph, but z of the graph h", None,
     [], "give a node that was made with this graph's inputs"),
    ("g.output(y=3)", "GG012", "the output y is no node of this graph, but 3", None, [],
     "give a node that was made with this graph's inputs"),
    ("h = g.input('n', ('n',))", "GG013", "n is the name of input n and of a size", None, [],
     "choose another name for one of them"),
    ("h = g.input('y', ('class',))", "GG011", "'class' cannot name a size: it is a keyword of Python", None, [],
     "choose another name, such as class_"),
    ("h = ops.broadcast_to(x.sum(), ('n',))", "GG014", "the size n is no axis of an input or parameter", None, [],
     "declare an input with an axis of this size: it is read from there"),
    # Shapes
    ("h = x + g.input('y', (3,))", "GG020", "add: shapes do not broadcast: (batch, 4) and (3,)",
     "3 does not match 4", [], "sizes, counted from the last axis, must be equal or 1"),
    ("h = x + g.input('y', (3, 4))", "GG020", "add: shapes do not broadcast: (batch, 4) and (3, 4)",
     "3 does not match batch", [],
     "sizes, counted from the last axis, must be equal or 1; a symbolic size fits only 1 or itself"),
    ("h = x.T @ x.T", "GG021", "matmul: inner sizes differ: (4, batch) @ (4, batch)", "batch does not match 4", [],
     "swap the axes of the left with it.T"),
    ("h = x @ 2", "GG021", "matmul: a scalar has no axis to multiply over: (batch, 4) @ ()", None, [],
     "multiply scalars with *"),
    ("h = x.reshape(3, -1)", "GG022", "reshape: 4 * batch elements of (batch, 4) cannot be spread over 3", None,
     ["x is declared at model.py:4 with shape (batch, 4)"],
     "the other sizes must divide the number of elements, for every value of the symbolic sizes"),
    ("h = x.reshape(4)", "GG022", "reshape: (batch, 4) has 4 * batch elements, (4,) has 4", None,
     ["x is declared at model.py:4 with shape (batch, 4)"], "the number of elements must stay; one size may be -1"),
    ("h = g.input('y', (-1,))", "GG022", "input: (-1,) is no shape: a size is not below 0, got -1", None, [],
     "give ints and names of sizes"),
    ("h = g.input('y', (2.0,))", "GG022",
     "input: (2.0,) is no shape: a size is an int, a name or arithmetic of other sizes, not 2.0", None, [],
     "give ints and names of sizes"),
    ("h = x.sum(axis=2)", "GG023", "sum: axis 2 is out of bounds for 2 dimensions", None, [], "axes run from -2 to 1"),
    ("h = ops.softmax(x, axis='a')", "GG023", "softmax: an axis is an int, got 'a'", None, [],
     "axes are counted from 0, or from -1 at the end"),
    ("h = ops.concat((x, x.T))", "GG024", "concat: shapes differ off axis 0: (batch, 4) and (4, batch)", None, [],
     "only the joined axis may differ"),
    ("h = ops.stack((x, x.T))", "GG024", "stack: shapes differ: (batch, 4) and (4, batch)", None, [],
     "stack takes arrays of one shape"),
    ("h = ops.einsum('ij,jk', x, x)", "GG025", "einsum: the axes called 'j' differ in size: 4 and batch", None,
     ["x is declared at model.py:4 with shape (batch, 4)"], "equal letters, equal sizes"),
    ("h = x[:, 4]", "GG026", "index: index 4 is out of bounds for axis 1 of size 4", None,
     ["x is declared at model.py:4 with shape (batch, 4)"], "indices run from -4 to 3"),
    ("h = x[x > 0]", "GG026", "index: how many elements a mask picks is not known when it is a node", None, [],
     "choose with ops.where(mask, x, 0), or give the mask as a NumPy array, whose elements are known"),
    ("h = x['a']", "GG026", "index: an index is made of ints, slices, arrays of ints, None and '...', not 'a'", None, [],
     "ops.take picks along an axis, ops.where by an array of bools"),
    ("h = layers.dense(x.sum(), 3, 'fc')", "GG027", "dense: needs an axis of features, got a scalar", None, [],
     "multiply scalars with *"),
    ("h = layers.dense(x, -3, 'fc')", "GG022", "dense: -3 units: a size is not below 0, got -3", None, [],
     "give a number, or the name of a size"),
    ("h = losses.mse(x, x.sum(axis=1))", "GG020",
     "mse: prediction and target differ in shape: (batch, 4) and (batch,)", None, [],
     "reshape one of them: a loss that broadcasts compares every row with every other"),
    # Dtypes
    ("h = ops.exp(g.input('i', dtype='int64'))", "GG031", "exp: needs floats, got int64", None, [],
     'convert with ops.cast(i, "float")'),
    ("h = x * g.input('i', dtype='int64')", "GG030", "multiply: dtypes differ: float and int64", None, [],
     'convert with ops.cast(i, "float")'),
    ("h = g.input('i', dtype='int64') + g.input('j', dtype='int32')", "GG030", "add: dtypes differ: int64 and int32",
     None, [], 'convert with ops.cast(j, "int64")'),
    ("h = g.input('i', dtype='int64') * 0.5", "GG030", "multiply: dtypes differ: int64 and float", None, [],
     'convert with ops.cast(i, "float")'),
    ("h = ops.where(x, x, x)", "GG030", "where: the condition is bool, got float", None,
     ["x is declared at model.py:4 with shape (batch, 4)"], "compare first, as in x > 0"),
    ("h = ops.cast(x, 'float16')", "GG030", "cast: unknown dtype 'float16'", None, [],
     'one of "float32", "float64", "int64", "int32", "bool"'),
    ("h = g.input('y', dtype='float16')", "GG030", "input: unknown dtype 'float16'", None, [],
     'one of "float32", "float64", "int64", "int32", "bool"'),
    # Leaves
    ("h = g.param('w', (), init=float('nan'))", "GG002", "param: the init holds nan or infinity", None, [],
     "give finite numbers"),
    ("h = g.param('w', (2,), init=[1, 2, 3])", "GG020", "param: the init has shape (3,), w has (2,)", None, [],
     "give one number for each element"),
    ("h = g.input('y', low=3, high=1)", "GG005", "input: low must lie below high, got 3 and 1", None, [],
     "samples are drawn from [low, high)"),
    ("h = g.constant('abc')", "GG061", "constant: a constant is a number or an array of numbers, not 'abc'", None, [],
     "give a number or an array of numbers"),
    ("h = x + 'abc'", "GG061", "add: an operand is a node, a number or an array, not 'abc'", None, [],
     "declare values with g.input, g.param or g.constant"),
    # Results
    ("g.loss(x)", "GG050", "a loss is one float, got floats of shape (batch, 4)", None,
     ["x is declared at model.py:4 with shape (batch, 4)"], "reduce it with .mean() or .sum()"),
    ("if x > 0: pass", "GG060", "a node has no truth value before it has numbers", None, [],
     "choose by value with ops.where, compare nodes with `is`"),
    ("g = Graph('a b')", "GG011", "'a b' cannot name a graph", None, [],
     "a module is called by it: use letters, digits and underscores"),
    ("g = Graph('../m')", "GG011", "'../m' cannot name a graph", None, [],
     "a module is called by it: use letters, digits and underscores"),
    ("g = Graph('m', dtype='half')", "GG030", "unknown dtype 'half' of the graph", None, [],
     'one of "float32", "float64"'),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "message", "label", "notes", "help"), CASES)
def test_one_mistake(told, line, code, message, label, notes, help):
    text = told(X + line + "\n")
    first, place, source, carets, *rest = text.split("\n")
    assert "\n\n" not in text
    assert first == f"error[{code}]: {message}"
    assert re.fullmatch(r"  --> model\.py:5:\d+", place)
    assert source == f"   |  {line}"
    assert carets.partition("^ ")[2] == (label or "")
    assert rest == [*(f"   = {note}" for note in notes), f"   = help: {help}"]


def test_the_empty_graph(told):
    assert told("") == (
        'error[GG041]: the graph is empty\n   = help: declare values with g.input and g.param, as in x = g.input("x")'
    )
    assert told(X) == (
        "error[GG041]: the graph computes nothing\n   = help: declare what it is for with g.output or g.loss"
    )


def test_no_loss_where_one_is_needed(told):
    expected = (
        "error[GG051]: no loss is declared, and value_and_grad needs one\n"
        "   = help: declare it with g.loss(node), or compile with --inference"
    )
    assert told(X + "g.output(x + 1)\n", needs_loss="value_and_grad") == expected
    assert told(X + "g.output(x.sum(), x.mean())\n", needs_loss="value_and_grad") == expected
    # Whether there is one cannot be known while an output is in error; other mistakes do not hide that there is none.
    assert "GG051" not in told(X + "g.output(x @ x)\n", needs_loss="value_and_grad")
    two = told(X + "w = g.param('w', (), 'one')\ng.output(x + w)\n", needs_loss="value_and_grad")
    assert re.findall(r"GG\d+", two) == ["GG002", "GG051"]


def test_nothing_follows_from_a_mistake(told):
    text = X + (
        "h = x @ x\nk = ops.relu(h) + 3\nm = layers.dense(k, 3, 'fc')\nn = ops.concat((m, x))\n"
        "g.output(n)\ng.loss(losses.mse(n, x))\n"
    )
    assert re.findall(r"GG\d+", told(text, needs_loss="value_and_grad")) == ["GG021"]


def test_a_mistake_that_stops_the_model_brings_the_others_along(told):
    text = X + "h = x @ x\nif h.shape[0] == 4:\n    pass\n"
    assert re.findall(r"GG\d+", told(text)) == ["GG021"]
    assert re.findall(r"GG\d+", told(X + "h = x @ x\nif x > 0: pass\n")) == ["GG021", "GG060"]


def test_a_wrong_dtype_of_the_graph_is_told_once(told):
    text = 'g = Graph("m", dtype="half", relu_at_zero=2, ties="last")\nx = g.input("x")\nw = g.param("w", (), 1)\n'
    assert re.findall(r"GG\d+", told(text + "g.loss(x * w)\n")) == ["GG030", "GG005", "GG005"]


def test_twice_declared(told):
    text = told(
        X + "g.output(y=x)\ng.output(y=x)\ng.loss(x.sum())\ng.loss(x.mean())\ng.optimizer('sgd')\ng.optimizer('adam')\n"
    )
    assert re.findall(r"GG010\]: (.*)", text) == [
        "the output y is declared twice",
        "a loss is declared already: an unnamed sum",
        "an optimizer is declared already",
    ]


def test_wrt(told):
    text = X + "i = g.input('i', dtype='int64')\ng.loss(x.sum() + ops.cast(i, 'float'))\n"
    assert told(text, wrt=("y", "i")) == (
        "error[GG054]: wrt: i holds int64, which has no gradient\n"
        "  --> model.py:5:5\n"
        "   |  i = g.input('i', dtype='int64')\n"
        "   |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "   = help: give float inputs\n\n"
        "error[GG054]: wrt: 'y' is no input or parameter\n"
        "   = help: one of x, i"
    )


def test_warnings(tmp_path):
    file = tmp_path / "model.py"
    file.write_text(
        HEAD + X + 'w = g.param("w")\nv = g.param("v", trainable=False)\ny = g.input("y")\ng.loss(x.sum())\n'
    )
    linecache.checkcache(str(file))
    g = runpy.run_path(str(file))["g"]
    with pytest.warns(GraphWarning) as caught:
        check(g)
    assert [str(each.message) for each in caught] == [
        (
            "warning[GG052]: the loss does not depend on w: its gradient is zeros\n"
            "  --> model.py:5:5\n"
            '   |  w = g.param("w")\n'
            "   |      ^^^^^^^^^^^^\n"
            "   = help: remove it, use it, or declare trainable=False"
        ),
        (
            "warning[GG053]: the input y is not used\n"
            "  --> model.py:7:5\n"
            '   |  y = g.input("y")\n'
            "   |      ^^^^^^^^^^^^\n"
            "   = help: remove it, or use it"
        ),
    ]


def test_a_graph_that_was_changed_by_hand_is_checked_as_it_is():
    g = Graph("m")
    x = g.input("x", (2,))
    g.loss(ops.relu(x).sum())
    g.dag.nodes["_relu_1"]["op"] = "rleu"
    g.dag.add_node(5)
    with pytest.raises(GraphError) as caught:
        check(g)
    assert [problem.message for problem in caught.value.problems] == [
        "unknown op 'rleu'",
        "5 cannot be the key of a node: a name is a string",
        "node 5 has no attribute op",
    ]


def test_every_code_is_documented():
    root = Path(__file__).parent.parent
    source = "\n".join(file.read_text() for file in (root / "graphgen").rglob("*.py"))
    documented = re.findall(r"^\| (GG\d{3}) \|", (root / "docs" / "errors.md").read_text(), re.MULTILINE)
    assert sorted(set(re.findall(r"\"(GG\d{3})\"", source))) == documented


def test_long_chains_need_no_stack():
    g = Graph("chain")
    h = g.input("x")
    for _ in range(5000):
        h = ops.tanh(h)
    g.loss(h)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program = check(g)
    assert len(program.nodes) == 5001 and program.loss == "h_5000"
