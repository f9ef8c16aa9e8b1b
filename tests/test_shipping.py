"""Trained weights inside one file: what they alone decide is computed, scales and shifts are folded, nothing else changes."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from training_samples import classifier, line, rows

import graphgen
from graphgen import Graph, cli, layers, ops
from graphgen.cli import run
from graphgen.errors import GraphError
from graphgen.train import fit


def drawn(module, seed=0):
    """Parameters and state that are nobody's first values; variances are positive."""
    generator = np.random.default_rng(seed)
    state = module.init_state() if hasattr(module, "init_state") else {}
    values = [
        {name: generator.uniform(0.5, 2, np.shape(value)) for name, value in tree.items()}
        for tree in (module.init_parameters(), state)
    ]
    return [{name: np.asarray(value, module._float) for name, value in tree.items()} for tree in values]


def shipped(graph, **options):
    """The module of a graph, the one with embedded weights, and the outputs of both for the same inputs."""
    module = graphgen.load(graph, **options)
    parameters, state = drawn(module)
    small = graphgen.load(graph, inference=True, embed={**parameters, **state}, **options)
    generator = np.random.default_rng(1)
    inputs = [
        generator.normal(size=[3 if isinstance(size, str) else size for size in shape])
        for shape, _ in module.INPUTS.values()
    ]
    before = module.forward(parameters, *inputs, **({"state": state} if state else {}))
    return small, before, small.forward(small.load_parameters(), *inputs)


def net(build, shape=("batch", 4), dtype="float64"):
    g = Graph("net", dtype=dtype)
    x = g.input("x", shape=shape)
    y = build(g, x)
    g.output(y=y)
    g.loss(ops.sum(y))
    return g


def norm(x, name="bn", **options):
    return layers.batch_norm(x, name=name, **options)


IMAGE = ("batch", 2, 6, 6)

# What becomes of a model: its weights, in the order in which they are read.
CASES = {
    "dense": (lambda g, x: ops.relu(norm(layers.dense(x, 5, name="fc"))), ("batch", 4), {"fc_w": (4, 5), "fc_b": (5,)}),
    "no bias": (lambda g, x: norm(layers.dense(x, 5, name="fc", bias=False)), ("batch", 4), {"fc_w": (4, 5), "bn_b": (5,)}),
    "no affine": (lambda g, x: norm(layers.dense(x, 5, name="fc"), affine=False), ("batch", 4), {"fc_w": (4, 5), "fc_b": (5,)}),
    "convolution": (
        lambda g, x: ops.relu(norm(layers.conv2d(x, 3, 3, name="conv"))),
        IMAGE,
        {"conv_w": (3, 18), "conv_b": (3, 1, 1)},
    ),
    "grouped convolution": (
        lambda g, x: norm(ops.conv2d(x, g.param("w", (6, 1, 3, 3)), groups=2)),
        IMAGE,
        {"w": (2, 3, 9), "bn_b": (6, 1, 1)},
    ),
    "many matrices": (
        lambda g, x: (x @ g.param("w", (2, 6, 3))) * g.param("s", (2, 1, 1)) - 1.0,
        IMAGE,
        {"w": (2, 6, 3)},
    ),
    "one matrix for many": (
        lambda g, x: (x @ g.param("w", (1, 6, 3))) * g.param("s", (2, 1, 1)) - 1.0,
        IMAGE,
        {"w": (1, 6, 3), "s": (2, 1, 1)},
    ),
    "swapped": (
        lambda g, x: ops.einsum("bi,io->ob", x, g.param("w", (4, 3))) * g.param("s", (3, 1)),
        (5, 4),
        {"w": (4, 3)},
    ),
    "1x1 convolution": (
        lambda g, x: norm(layers.conv2d(x, 3, 1, name="conv", bias=False)),
        IMAGE,
        {"conv_w": (3, 2), "bn_b": (3, 1, 1)},
    ),
    "einsum": (lambda g, x: norm(ops.einsum("bi,oi->bo", x, g.param("w", (5, 4)))), ("batch", 4), {"w": (5, 4), "bn_b": (5,)}),
    "a number": (lambda g, x: -(3.0 - 2.0 * (x @ g.param("w", (4, 2)))) / 4.0, ("batch", 4), {"w": (4, 2)}),
    "after relu": (lambda g, x: norm(ops.relu(layers.dense(x, 5, name="fc"))), ("batch", 4), {"fc_w": (4, 5), "fc_b": (5,), "bn_w": (5,), "bn_b": (5,)}),
    "twice read": (
        lambda g, x: norm(h := layers.dense(x, 5, name="fc", bias=False)) + h,
        ("batch", 4),
        {"fc_w": (4, 5), "bn_w": (5,), "bn_b": (5,)},
    ),
    "a step twice read": (
        lambda g, x: norm(h := 2.0 * layers.dense(x, 5, name="fc", bias=False)) + h,
        ("batch", 4),
        {"fc_w": (4, 5), "bn_w": (5,), "bn_b": (5,)},
    ),
    "stretched": (
        lambda g, x: layers.dense(x, 1, name="fc") * g.param("s", (5,)) * g.param("t", (5,)),
        ("batch", 4),
        {"fc_w": (4, 1), "fc_b": (1,), "s": (5,), "t": (5,)},
    ),
    "weights that grow": (
        lambda g, x: x @ ops.outer(g.param("u", (4,)), g.param("v", (5,))),
        ("batch", 4),
        {"u": (4,), "v": (5,)},
    ),
    "shared weights": (
        lambda g, x: norm(x @ (w := g.param("w", (4, 5)))) + (x @ w),
        ("batch", 4),
        {"w_2": (4, 5), "bn_b": (5,), "w": (4, 5)},
    ),
    "a table of scales": (
        lambda g, x: norm(x * g.param("rows", (3, 1)), affine=False) * g.param("columns", (4,)),
        (3, 4),
        {"rows": (3, 1), "bn_running_mean": (4,), "bn_deviation": (4,), "columns": (4,)},
    ),
    "of the input": (lambda g, x: norm(x), ("batch", 4), {"bn_w": (4,), "bn_b": (4,)}),
    "two in a row": (
        lambda g, x: norm(norm(layers.dense(x, 5, name="fc")), "bn2"),
        ("batch", 4),
        {"fc_w": (4, 5), "fc_b": (5,)},
    ),
    "weight norm": (
        lambda g, x: x @ ((v := g.param("v", (4, 5))) / ops.norm(v, axis=0) * g.param("scale", (5,))),
        ("batch", 4),
        None,
    ),
    "along the batch": (lambda g, x: (x @ g.param("w", (4, 3))) * g.param("s", (3, 1)), (3, 4), {"w": (4, 3), "s": (3, 1)}),
    "a table": (lambda g, x: (x @ g.param("w", (4, 3))) * g.param("s", (3, 3)), (3, 4), {"w": (4, 3), "s": (3, 3)}),
    "divided by": (lambda g, x: g.param("s", (5,)) / layers.dense(x, 5, name="fc"), ("batch", 4), {"fc_w": (4, 5), "fc_b": (5,), "s": (5,)}),
    "a vector": (lambda g, x: (x @ g.param("w", (4,))) * 2.0 + 1.0, ("batch", 4), {"w": (4,)}),
}  # fmt: skip


@pytest.mark.parametrize("style", ["compact", "teach"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_shipped_computes_the_same(case, style):
    build, shape, weights = CASES[case]
    small, before, after = shipped(net(build, shape), style=style)
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12)
    if weights is not None:
        assert {name: shape for name, (shape, _) in small.PARAMETERS.items()} == weights
    assert not hasattr(small, "STATE") and list(small.load_parameters()) == list(small.PARAMETERS)


def test_weights_may_be_an_output():
    g = Graph("net")
    x, w = g.input("x", ("batch", 4)), g.param("w", (4,))
    g.output(y=x @ w, doubled=2.0 * w)
    small = graphgen.load(g, inference=True, embed={"w": np.arange(4.0)})
    found = small.forward(small.load_parameters(), np.ones((1, 4)))
    assert found.doubled.tolist() == [0, 2, 4, 6] and found.y.tolist() == [6]


def test_weights_alone_are_computed_once():
    build, shape, _ = CASES["weight norm"]
    small, _, _ = shipped(net(build, shape))
    assert [shape for shape, _ in small.PARAMETERS.values()] == [(4, 5)]
    assert "norm(" not in Path(small.__file__).read_text()


def test_a_batch_norm_before_the_activation_costs_nothing():
    text = Path(shipped(net(*CASES["dense"][:2]))[0].__file__).read_text()
    assert "np.maximum(x @ fc_w + fc_b, 0.0)" in text
    assert "its scale and shift are in the weights" in text


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A graph with dropout and state, its module, and a file of a training with it."""
    graph, path = classifier(hidden=40), tmp_path_factory.mktemp("trained") / "net.npz"
    module = graphgen.load(graph)
    fit(module, rows(), epochs=2, output=path, progress=False)
    return graph, module, path


def test_a_file_that_stands_alone(trained, tmp_path):
    graph, module, path = trained
    text = graphgen.compile(graph, inference=True, embed=path)
    (tmp_path / "net.py").write_text(text)
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= {"base64", "math", "numpy"}
    np.save(tmp_path / "x.npy", rows()["x"])
    code = "import net, numpy; numpy.save('y.npy', net.forward(net.load_parameters(), numpy.load('x.npy')))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = module.forward(module.load_parameters(path), rows()["x"], state=module.load_state(path))
    got = np.load(tmp_path / "y.npy")
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-6)
    check = ["check", "--isolated", "--no-cache", "--line-length", "120", "--extend-select", "E501", "net.py"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *check], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert graphgen.compile(graph, inference=True, embed=path) == text


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_keep_their_bits(dtype):
    def build(g, x):
        return ops.tanh(x @ g.param("small", (4, 3))) @ g.param("large", (3, 50)) + g.param("number", ())

    graph = net(build, dtype=dtype)
    generator = np.random.default_rng(0)
    weights = {
        name: np.asarray(generator.normal(size=shape) * 1e-3, dtype)
        for name, shape in (("small", (4, 3)), ("large", (3, 50)), ("number", ()))
    }
    weights["small"][0] = [np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal, -0.0]
    small = graphgen.load(graph, inference=True, embed=weights)
    found = small.load_parameters()
    assert {name: (array.dtype.name, array.tobytes()) for name, array in found.items()} == {
        name: (dtype, array.tobytes()) for name, array in weights.items()
    }
    found["large"][...] = 0  # each call gives fresh arrays
    assert small.load_parameters()["large"].any()
    text = Path(small.__file__).read_text()
    assert '_weights = {\n    "large": """\n' in text and '"small": np.array([' in text


def test_no_line_is_too_long():
    names = [f"{'a_rather_long_name_for_a_parameter_' * 2}{letter}" for letter in "abc"]
    shapes = dict(zip(names, ((4, 3), (3, 30), (30,)), strict=True))
    graph = net(
        lambda g, x: (
            ops.tanh(x @ g.param(names[0], shapes[names[0]])) @ g.param(names[1], (3, 30)) + g.param(names[2], (30,))
        )
    )
    weights = {name: np.random.default_rng(0).normal(size=shape) for name, shape in shapes.items()}
    text = graphgen.compile(graph, inference=True, embed=weights)
    loading = text[text.index("def load_parameters") :]
    assert max(map(len, loading.splitlines())) <= 120


def test_models_of_numbers_and_of_nothing():
    small = graphgen.load(line(shape=()), inference=True, embed={"a": np.float64(0.1), "b": np.float64(-3.0)})
    assert small.load_parameters() == {"a": 0.1, "b": -3.0}
    assert small.forward(small.load_parameters(), 2.0) == 0.1 * 2.0 - 3.0
    empty = graphgen.load(net(lambda g, x: 2.0 * x), inference=True, embed={})
    assert empty.load_parameters() == {}


def test_sizes_of_parameters_may_be_known_to_the_weights_alone():
    graph = net(lambda g, x: norm(x @ g.param("w", (4, "n")) @ g.param("v", ("n", 2))))
    weights = {"w": np.ones((4, 3)), "v": np.ones((3, 2)), "bn_w": np.ones(2), "bn_b": np.zeros(2)}
    weights |= {"bn_running_mean": np.zeros(2), "bn_running_var": np.full(2, 4.0)}
    small = graphgen.load(graph, inference=True, embed=weights)
    np.testing.assert_allclose(small.forward(small.load_parameters(), np.ones((1, 4))), [[6, 6]], rtol=1e-5)


def refused(graph, weights):
    with pytest.raises(GraphError) as caught:
        graphgen.compile(graph, inference=True, embed=weights)
    (problem,) = caught.value.problems
    return problem.message


def test_all_that_does_not_fit_is_told(trained, tmp_path):
    graph, _, path = trained
    with np.load(path) as file:
        arrays = dict(file)
    del arrays["p/fc1_w"], arrays["s/running"]
    arrays |= {"p/fc1_b": np.zeros(3, np.float32), "p/fc2_b": np.zeros(3), 'p/x"]; print(1)#': np.zeros(1)}
    np.savez(tmp_path / "net.npz", **arrays)
    assert refused(graph, tmp_path / "net.npz") == (
        f"{tmp_path / 'net.npz'} does not fit sample: fc1_w is missing; fc1_b has shape (3,), expected (40,); "
        'fc2_b is float64, expected float32; running is missing; x"]; print(1)# is unknown'
    )
    assert "fc1_w is missing" in refused(graph, {})
    assert refused(graph, tmp_path / "none.npz") == f"there is no file {tmp_path / 'none.npz'}"


def test_weights_that_are_no_numbers(trained, tmp_path):
    graph, _, path = trained
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(tmp_path / "net.npz", **{**arrays, "p/fc1_b": np.full(40, np.nan, np.float32)})
    assert "fc1_b has values that are not finite" in refused(graph, tmp_path / "net.npz")
    np.savez(tmp_path / "net.npz", **{**arrays, "p/fc1_b": np.array([print] * 40)})
    assert "fc1_b is object, expected float32" in refused(graph, tmp_path / "net.npz")


def test_a_variance_that_cannot_be():
    graph = net(CASES["dense"][0])
    parameters, state = drawn(graphgen.load(graph))
    state["bn_running_var"][0] = -1
    assert refused(graph, parameters | state) == "what fc_w becomes in inference is not finite"


def test_on_the_command_line(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    here = str(Path(__file__).parent)
    model = f"import sys\nsys.path.insert(0, {here!r})\nfrom training_samples import classifier\ng = classifier(hidden=40)\n"
    Path("net.py").write_text(model)
    path = str(trained[2])
    assert run(["compile", "net.py", "--embed", path]) == cli.WRONG
    assert (
        capsys.readouterr().err
        == "error[GG005]: weights are embedded for inference alone\n   = help: add --inference\n"
    )
    assert run(["compile", "net.py", "--inference", "--embed", path, "-o", "small.py"]) == cli.DONE
    assert "options     style compact, inference, embedded weights\n" in Path("small.py").read_text()
    assert path not in Path("small.py").read_text()
    assert run(["compile", "net.py", "--inference", "--embed", path, "-o", "small.py", "--check"]) == cli.DONE
