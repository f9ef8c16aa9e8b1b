"""All modes on random graphs of all ops: adjoint, symmetric, equal to each other and to differences. `--dags N` says how many."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import random_graphs
from interpreter import evaluate

from graphgen import load
from graphgen.check import check
from graphgen.differentiation.jacobian import derivatives, plan_of
from graphgen.differentiation.tangent import tangent
from graphgen.forms import forms


@cache
def model(seed: int) -> random_graphs.Model:
    return random_graphs.draw(seed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--dags")))


def directions(parameters, seed):
    generator = np.random.default_rng([7, seed])
    return {name: generator.normal(size=array.shape) for name, array in parameters.items()}


def product(one, other):
    return sum(float(np.sum(one[name] * other[name])) for name in one)


def size(one, other):
    return sum(float(np.sum(np.abs(one[name] * other[name]))) for name in one)


def test_modes_agree(seed):
    """<J v, u> = <v, J^T u>; the hessian is symmetric, and that of differences of the gradient."""
    graph, _, parameters, inputs = model(seed)
    module = load(graph, style=("teach", "compact")[seed % 2], mode="both", hvp=True)
    gradients = module.value_and_grad(parameters, **inputs)[1]
    u, v = directions(parameters, seed), directions(parameters, seed + 1)
    for direction in (u, v):
        slope = module.jvp(parameters, direction, **inputs)[1]
        assert abs(slope - product(gradients, direction)) <= 1e-10 * size(gradients, direction)
    several = {name: np.stack([u[name], v[name]]) for name in parameters}
    both = module.jvp(parameters, several, **inputs)[1]
    np.testing.assert_allclose(both, [product(gradients, u), product(gradients, v)], rtol=1e-9, atol=1e-9 * size(gradients, u))

    one, other = module.hvp(parameters, u, **inputs), module.hvp(parameters, v, **inputs)
    scale = max(size(one, v), size(other, u))
    assert abs(product(one, v) - product(other, u)) <= 1e-10 * max(scale, 1e-3)

    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    if any(step.op == "stop_gradient" for step in model(seed).steps.values()):
        # Differences of the gradient would move what stands still for every derivative; the model's own loss holds it.
        def bent(step):
            ends = (model(seed).loss({name: parameters[name] + each * u[name] for name in parameters}) for each in (step, 0.0, -step))
            after, here, before = ends
            return (after - 2.0 * here + before) / step**2

        fine, coarse = bent(1e-3), bent(2e-3)
        expected = fine + (fine - coarse) / 3.0
        assert abs(product(one, u) - expected) <= 1e-6 * max(size(one, u), largest)
        return

    def moved(step):
        found = module.value_and_grad({name: parameters[name] + step * u[name] for name in parameters}, **inputs)[1]
        return np.concatenate([np.ravel(found[name]) for name in parameters])

    first, second = ((moved(step) - moved(-step)) / (2 * step) for step in (2e-4, 1e-4))
    expected = second + (second - first) / 3.0
    found = np.concatenate([np.ravel(one[name]) for name in parameters])
    assert np.abs(found - expected).max() <= 1e-6 * max(np.abs(expected).max(), 1e-3 * largest)


def test_jacobians_are_equal_in_both_modes(seed):
    """Of a value in the middle of the graph, by each parameter: forward, reverse, and compressed where bands allow it."""
    graph, _, parameters, inputs = model(seed)
    program = forms(check(graph)).inference
    wrt = tuple(parameters)
    active = program.active(wrt)
    inner = [name for name, node in program.nodes.items() if name in active and node.args and node.shape]
    output = inner[len(inner) // 2] if inner else next(iter(program.of("loss").values()))
    program = replace(program, results={("output", output): output}).restrict("output")
    for leaf in wrt:
        values = {**parameters, **inputs}
        found = []
        for mode in ("forward", "reverse"):
            sweep = plan_of(program, output, leaf, mode)
            made = derivatives(program, sweep)
            found.append(evaluate(made, values)[made.results["jacobian", leaf]])
        scale = max(1.0, *(np.abs(each).max(initial=0.0) for each in found))
        np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-11 * scale)
        dense = tangent(program, [leaf])
        for entry in list(np.ndindex(parameters[leaf].shape))[:3]:
            unit = np.zeros(parameters[leaf].shape)
            unit[entry] = 1.0
            column = evaluate(dense, {**values, f"{leaf}_dot": unit})[dense.results["output_dot", output]]
            np.testing.assert_allclose(found[0][(..., *entry)], column, rtol=1e-9, atol=1e-11 * scale)
