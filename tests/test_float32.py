"""float32 models stay float32: every local of every generated function is looked at while it runs."""

import sys
from inspect import signature
from types import ModuleType
from typing import Any, Self

import numpy as np
import op_samples
import pytest
import random_graphs
from sample import some
from test_op_table import ROWS, build, case

from graphgen import Graph, layers, load, losses, ops

STYLES = ("teach", "compact")
FUNCTIONS = ("forward", "loss", "value_and_grad", "jvp", "train_step", "evaluate")
HELPERS = ("sigmoid", "softplus", "finite_max", "first_true", "scatter_add", "scatter_add_along_axis")


def wide(value: Any) -> bool:
    """Whether there is float64 in a value; Python's own floats are no NumPy scalars, and take the type they meet."""
    if isinstance(value, dict):
        return any(map(wide, value.values()))
    if isinstance(value, (tuple, list)):
        return any(map(wide, value))
    return getattr(value, "dtype", None) in (np.float64, np.longdouble, np.complex128)


class Watch:
    """Collects the locals of a module's functions, at each line and when they return."""

    def __init__(self, module: ModuleType):
        self.file = module.__file__
        self.found: list[str] = []
        self.seen: set[str] = set()

    def __enter__(self) -> Self:
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def enter(self, frame: Any, event: str, argument: Any) -> Any:
        name = frame.f_code.co_name
        return self.line if frame.f_code.co_filename == self.file and name in FUNCTIONS + HELPERS else None

    def line(self, frame: Any, event: str, argument: Any) -> Any:
        for name, value in [*frame.f_locals.items(), *([("return", argument)] if event == "return" else [])]:
            where = f"{frame.f_code.co_name}: {name}"
            self.seen.add(where)
            if wide(value):
                self.found.append(where)
        return self.line


def run(module: ModuleType, parameters: dict[str, np.ndarray], inputs: dict[str, np.ndarray]) -> Watch:
    """Run all that a module has; no float64 may be given to it."""
    parameters = {name: np.array(value, dtype=np.float32) for name, value in parameters.items()}
    inputs = {name: value.astype(np.float32) if value.dtype.kind == "f" else value for name, value in inputs.items()}
    tangents = {name: np.ones_like(value) for name, value in parameters.items()}
    needed = list(signature(module.forward).parameters)[1:]
    with Watch(module) as watch:
        module.forward(parameters, **{name: inputs[name] for name in needed})
        module.loss(parameters, **inputs)
        gradients = module.value_and_grad(parameters, **inputs)[1]
        module.jvp(parameters, {name: tangents[name] for name in gradients if name in tangents}, **inputs)
        if hasattr(module, "train_step"):
            state = module.init_optimizer_state(parameters)
            module.train_step(parameters, state, **inputs)
            module.train_step(parameters, state, **inputs)
    assert not wide(parameters) and not wide(gradients)
    assert all(type(value) is np.ndarray for value in gradients.values())
    return watch


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ROWS)
def test_ops(name, style):
    watch = run(*case(name, style, "float32", symbolic=True))
    assert watch.found == []
    assert len(watch.seen) > 10


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", list(ops.ELEMENTWISE))
def test_graphs_of_scalars(name, style):
    graph, parameters, inputs = build(name, op_samples.samples(name)[:1], symbolic=False)
    assert run(load(graph, style=style, dtype="float32", mode="both"), parameters, inputs).found == []


@pytest.mark.parametrize("style", STYLES)
def test_random_graphs(style, pytestconfig):
    for seed in range(1000, 1000 + pytestconfig.getoption("--dags") // 4):
        model = random_graphs.draw(seed)
        watch = run(load(model.graph, style=style, dtype="float32", mode="both"), model.parameters, model.inputs)
        assert watch.found == [], seed


def number_like(x):
    """Values that depend on numbers alone, and on 0-d parameters, in all places where NumPy would choose float64."""
    two = ops.square(ops.sqrt(x.graph.constant(2.0)))
    return (
        ops.where(x > 0, 1.0, 0.0)
        + ops.where(x > 0, x, 2.0)
        + ops.maximum(two, 0.5) * x
        + ops.power(2.0, x)
        + ops.power(two, ops.tanh(x))
        + ops.power(ops.square(x.graph.constant(0.5)) + 0.5, ops.tanh(x))
        + ops.clip(x, -1.0, ops.log(two))
        + x * ops.exp(x.graph.constant(0.5))
        + ops.relu(x.graph.constant(0.25)) * ops.sign(x)
        + x / 3
        + ops.stop_gradient(x.graph.constant(1.5)) * (x > 0)
        + ops.where(x > 0, two, ops.sin(two))
    )


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_numbers_take_the_type_they_meet(shape, style):
    g = Graph("numbers", dtype="float32")
    x = g.param("x", shape)
    result = number_like(x)
    g.loss(result if shape == () else ops.mean(result))
    module = load(g, style=style, mode="both")
    for value in (0.7, -0.7, 0.0):
        watch = run(module, {"x": np.full(shape, value)}, {})
        assert watch.found == []


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_training(optimizer, style):
    g = Graph("network", dtype="float32")
    x = g.input("x", shape=("batch", 4))
    label = g.input("label", shape=("batch",), dtype="int64")
    scale = g.param("scale", (), init=1.0)
    hidden = ops.elu(layers.dense(x, 5, name="fc1")) * scale
    logits = layers.dense(hidden, 3, name="fc2")
    g.output(probabilities=ops.softmax(logits), score=ops.max(logits))
    weights = ops.sum(ops.square(hidden)) / hidden.shape[0]
    g.loss(losses.cross_entropy(logits, label) + 0.01 * weights)
    g.optimizer(optimizer)
    module = load(g, style=style, mode="both")
    parameters = module.init_parameters(3)
    assert not wide(parameters)
    inputs = {"x": some(6, 4), "label": np.array([0, 1, 2, 2, 1, 0])}
    assert run(module, parameters, inputs).found == []


def test_the_watch_sees_float64():
    g = Graph("wide")
    x = g.param("x", (2,))
    g.loss(ops.sum(ops.sigmoid(x)))
    module = load(g, mode="both")
    with Watch(module) as watch:
        module.value_and_grad({"x": np.ones(2)})
    assert {"value_and_grad: x", "value_and_grad: d_x", "sigmoid: a"} <= set(watch.found)
