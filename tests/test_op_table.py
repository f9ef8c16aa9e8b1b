"""What holds for every row of the op table: a new row is tested by existing."""

from functools import cache, partial
from inspect import signature
from types import ModuleType
from typing import Any, NamedTuple

import differences
import numpy as np
import op_samples
import pytest
from sample import UNKNOWN, Sample, measured, whole

from graphgen import Graph, load, ops

LEAVES = ("input", "param", "state", "constant", "size", "arange", "eye")
SEEDED = ("in_training", "uniform", "normal", "rand_like", "randn_like", "dropout")  # see test_forms.py, test_random.py
ROWS = [name for name in ops.TABLE if name not in (*LEAVES, *SEEDED)]
FLOAT = [
    name
    for name in ROWS
    if any(operand.dtype.kind == "f" for sample in op_samples.samples(name) for operand in sample.operands)
]
CLIPS = "clip_gradient"  # in reverse mode alone: see test_control.py
LINEAR = [
    name for name in ROWS if isinstance(ops.TABLE[name], ops.Linear) and not ops.TABLE[name].stops and name != CLIPS
]
STYLES = ("teach", "compact")


class Case(NamedTuple):
    """All samples of one op in one graph, whose loss is a weighted sum of their results."""

    module: ModuleType
    parameters: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]

    def loss(self, parameters: Any) -> float:
        return self.module.loss(parameters, **self.inputs)

    def gradients(self) -> dict[str, np.ndarray]:
        return self.module.value_and_grad(self.parameters, **self.inputs)[1]


def declared(array: np.ndarray, symbolic: bool) -> tuple[Any, ...]:
    return tuple("n" if symbolic and size == UNKNOWN else size for size in array.shape)


def build(name: str, given: list[Sample], symbolic: bool) -> tuple[Graph, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The graph, and values of its parameters and inputs."""
    g = Graph(name)
    parameters, inputs = {}, {}
    total = None
    for at, sample in enumerate(given):
        nodes = []
        for place, array in enumerate(sample.operands):
            leaf, shape = f"x{at}_{place}", declared(array, symbolic)
            if array.dtype.kind == "f":
                nodes.append(g.param(leaf, shape))
                parameters[leaf] = array
            else:
                nodes.append(g.input(leaf, shape, dtype=str(array.dtype)))
                inputs[leaf] = array
        result = sample.call(*nodes)
        g.output(**{f"y{at}": result})
        weights = f"weights{at}"
        inputs[weights] = whole(*measured(result.shape)) + 20.0
        value = ops.cast(result, "float") if result.dtype != "float" else result
        part = ops.sum(value * g.input(weights, result.shape))
        total = part if total is None else total + part
    g.output(total=total)
    g.loss(total)
    return g, parameters, inputs


@cache
def case(name: str, style: str = "teach", dtype: str = "float64", symbolic: bool = False) -> Case:
    graph, parameters, inputs = build(name, op_samples.samples(name), symbolic)
    return Case(load(graph, style=style, dtype=dtype, mode="both"), parameters, inputs)


def outputs(of: Case) -> list[np.ndarray]:
    """What the samples give, without the loss."""
    forward = of.module.forward
    names = list(signature(forward).parameters)[1:]
    return list(forward(of.parameters, **{name: of.inputs[name] for name in names}))[:-1]


def test_every_op_has_samples():
    for name in ROWS:
        assert op_samples.samples(name), name


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ROWS)
def test_values_are_those_of_numpy(name, style):
    for dtype, tolerance in (("float64", 1e-13), ("float32", 2e-6)):
        found = outputs(case(name, style, dtype))
        for sample, value in zip(op_samples.samples(name), found, strict=True):
            if sample.expected is None:
                continue
            rounded = [each.astype(dtype).astype(each.dtype) if each.dtype.kind == "f" else each for each in sample.operands]
            expected = np.asarray(sample.expected(*rounded))
            assert value.shape == expected.shape
            assert value.dtype == (dtype if expected.dtype.kind == "f" else value.dtype)
            assert value.dtype.kind == expected.dtype.kind
            np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", FLOAT)
def test_gradients_are_those_of_differences(name):
    teach, compact = (case(name, style) for style in STYLES)
    found = teach.gradients()
    assert {key: value.shape for key, value in found.items()} == {
        key: value.shape for key, value in teach.parameters.items()
    }
    assert differences.error(compact.gradients(), found) < 1e-13
    if ops.TABLE[name].stops:
        assert not differences.flat(found).any()
        return
    if ops.TABLE[name].controls:
        return  # declared, whatever the differences are: see test_control.py
    for key in found:
        others = {
            weights: 0.0 * value
            for weights, value in teach.inputs.items()
            if weights.startswith("weights") and weights[7:] != at(key)[1:]
        }
        alone = teach._replace(inputs={**teach.inputs, **others})
        expected = differences.gradient(alone.loss, teach.parameters, [key])
        assert differences.error({key: found[key]}, {key: expected[key]}) < 1e-9, key


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", [name for name in ROWS if name != CLIPS])
def test_both_modes_agree(name, style):
    of = case(name, style)
    generator = np.random.default_rng(3)
    gradients = of.gradients()
    for tangents in [
        {key: generator.normal(size=value.shape) for key, value in of.parameters.items()},
        *({key: np.ones(value.shape)} for key, value in of.parameters.items()),
    ]:
        loss, slope = of.module.jvp(of.parameters, tangents, **of.inputs)
        assert loss == of.loss(of.parameters)
        expected = sum(float(np.sum(gradients[key] * tangents[key])) for key in tangents)
        scale = sum(float(np.sum(np.abs(gradients[key] * tangents[key]))) for key in tangents)
        assert abs(slope - expected) <= 1e-10 * scale


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ROWS)
def test_float32_gradients_are_float32_and_those_of_float64(name, style):
    found, expected = case(name, style, "float32").gradients(), case(name, style).gradients()
    assert all(value.dtype == np.float32 for value in found.values())
    assert all(differences.error({key: found[key]}, {key: expected[key]}) < 1e-5 for key in found)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ROWS)
def test_unknown_sizes_change_nothing(name, style):
    known, unknown = case(name, style), case(name, style, symbolic=True)
    leaves = {**unknown.module.PARAMETERS, **unknown.module.INPUTS}
    assert any("n" in shape for shape, _ in leaves.values())
    for value, expected in zip(outputs(unknown), outputs(known), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-13)
    assert differences.error(unknown.gradients(), known.gradients()) < 1e-13


@pytest.mark.parametrize("name", LINEAR)
def test_transposes_are_exact(name):
    """<A x, w> = <x, A* w> in whole numbers, for each operand of each linear row, the others held."""
    checked = 0
    for style in STYLES:
        of = case(name, style)
        for key, gradient in of.gradients().items():
            held = {
                other: 0.0 * value if ops.TABLE[name].jointly and at(other) == at(key) else value
                for other, value in of.parameters.items()
            }
            with_x = of.loss({**held, key: of.parameters[key]})
            without = of.loss({**held, key: 0.0 * of.parameters[key]})
            assert with_x - without == np.sum(gradient * of.parameters[key])
            checked += bool(with_x != without)
    assert checked


def at(leaf: str) -> str:
    """Which sample a leaf belongs to."""
    return leaf.split("_")[0]


@pytest.mark.parametrize("name", list(ops.ELEMENTWISE))
def test_graphs_of_scalars_hold_python_floats(name):
    given = op_samples.samples(name)[:1]
    assert all(operand.shape == () for operand in given[0].operands)
    for style in STYLES:
        graph, parameters, inputs = build(name, given, symbolic=False)
        module = load(graph, style=style, mode="both")
        parameters = {key: float(value) for key, value in parameters.items()}
        inputs = {key: value.item() for key, value in inputs.items()}
        loss, gradients = module.value_and_grad(parameters, **inputs)
        assert type(loss) is float and all(type(value) is float for value in gradients.values())
        expected = differences.gradient(partial(_loss, module, inputs), parameters)
        if not ops.TABLE[name].stops and not ops.TABLE[name].controls:
            assert differences.error(gradients, expected) < 1e-9
        slope = module.jvp(parameters, {key: 1.0 for key in gradients}, **inputs)[1]
        assert type(slope) is float
        assert slope == pytest.approx(sum(gradients.values()), rel=1e-12, abs=1e-300)


def _loss(module: ModuleType, inputs: dict[str, Any], parameters: Any) -> float:
    return module.loss(parameters, **inputs)
