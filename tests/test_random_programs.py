"""Random graphs of all ops: both modes and both styles agree with each other, with NumPy and with differences.

`--dags N` says how many; the default keeps the run short.
"""

from functools import cache

import differences
import numpy as np
import pytest
import random_graphs
import random_steps
from random_graphs import Model

from graphgen import compile, load


@cache
def model(seed: int) -> Model:
    return random_graphs.draw(seed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--dags")))


def test_all_ops_with_a_reference_take_part(pytestconfig):
    count = pytestconfig.getoption("--dags")
    found = {step.op for seed in range(count) for step in model(seed).steps.values()}
    assert count < 60 or set(random_steps.NUMPY) <= found


def test_gradients_are_right(seed):
    graph, _, parameters, inputs = model(seed)
    teach, compact = (load(graph, style=style, mode="both") for style in ("teach", "compact"))
    value, gradients = teach.value_and_grad(parameters, **inputs)
    assert value == pytest.approx(model(seed).loss(parameters), rel=1e-12, abs=1e-12)
    assert all(gradient.shape == parameters[name].shape for name, gradient in gradients.items())

    same_value, same_gradients = compact.value_and_grad(parameters, **inputs)
    assert same_value == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert differences.error(same_gradients, gradients) < 1e-12

    measured = differences.gradient(model(seed).loss, parameters, first_step=2.0**-7, rungs=8)
    assert all(array.any() for array in measured.values())
    assert all(differences.error({name: gradients[name]}, {name: measured[name]}) < 1e-6 for name in parameters)

    tangents = {name: np.random.default_rng(seed).normal(size=array.shape) for name, array in parameters.items()}
    products = [gradients[name] * tangents[name] for name in parameters]
    for module in (teach, compact):
        same_value, slope = module.jvp(parameters, tangents, **inputs)
        assert same_value == pytest.approx(value, rel=1e-12, abs=1e-12)
        assert abs(slope - sum(map(np.sum, products))) <= 1e-10 * sum(np.abs(each).sum() for each in products)


def test_float32_stays_close(seed):
    graph, _, parameters, inputs = model(seed)
    gradients = load(graph).value_and_grad(parameters, **inputs)[1]
    rounded = load(graph, dtype="float32").value_and_grad(parameters, **inputs)[1]
    assert all(gradient.dtype == np.float32 for gradient in rounded.values())
    assert differences.error(rounded, gradients) < 1e-3


@pytest.mark.parametrize("style", ["teach", "compact"])
def test_two_compiles_give_equal_text(style):
    for seed in range(4):
        again = random_graphs.draw(seed).graph
        assert compile(model(seed).graph, style=style, mode="both") == compile(again, style=style, mode="both")
