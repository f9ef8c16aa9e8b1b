"""The whole op table where operands are unusual: broadcast, not contiguous, empty; and what deriving costs."""

import itertools
import warnings

import numpy as np
import op_samples
import pytest
from test_op_table import FLOAT, build, case

from graphgen import Graph, load, ops, sizes
from graphgen.calculus import derivative as derivatives
from graphgen.calculus import output, slopes

SEVERAL_SLOTS = [name for name, row in ops.ELEMENTWISE.items() if len(row.slots) > 1]
FULL = (2, 3, 2, 4)
RANKS = list(itertools.product(range(5), repeat=2))


def shape_of_rank(rank: int, generator: np.random.Generator) -> tuple[int, ...]:
    """The last sizes of FULL, each of them 1 half of the time."""
    return tuple(int(generator.choice([1, size])) for size in FULL[4 - rank :])


def values_of(name: str, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Operands of an elementwise op, inside its domain, of these shapes."""
    small = op_samples.elementwise(name)[0].operands
    generator = np.random.default_rng(5)
    result = []
    for array, shape in zip(small, shapes, strict=True):
        if array.dtype == bool:
            result.append(generator.integers(0, 2, shape).astype(bool))
        else:  # near the sample's own value, and never equal to another
            result.append(float(array) * (1.0 + 0.01 * generator.random(shape)))
    return result


def module_of(name: str, operands: list[np.ndarray]):
    """The op of operands of these shapes, its loss a weighted sum; floats are parameters."""
    g = Graph(name)
    nodes = [
        g.param(f"x{place}", array.shape)
        if array.dtype.kind == "f"
        else g.input(f"x{place}", array.shape, dtype="bool")
        for place, array in enumerate(operands)
    ]
    y = getattr(ops, name)(*nodes)
    weights = g.input("weights", y.shape)
    value = ops.cast(y, "float") if y.dtype != "float" else y
    g.loss(ops.sum(value * weights))
    return load(g, mode="both")


def run(module, operands, weights):
    parameters = {f"x{place}": array for place, array in enumerate(operands) if array.dtype.kind == "f"}
    inputs = {f"x{place}": array for place, array in enumerate(operands) if array.dtype.kind != "f"}
    return module.value_and_grad(parameters, **inputs, weights=weights)


@pytest.mark.parametrize("name", SEVERAL_SLOTS)
def test_broadcasting_over_all_pairs_of_ranks(name):
    """The gradient of what was broadcast is the sum over the places where it went."""
    slots = len(ops.ELEMENTWISE[name].slots)
    whole = module_of(name, values_of(name, [FULL] * slots))
    generator = np.random.default_rng(6)
    for ranks in RANKS:
        shapes = [shape_of_rank(rank, generator) for rank in (*ranks, *ranks)[:slots]]
        operands = values_of(name, shapes)
        shape = np.broadcast_shapes(*shapes)
        weights = generator.normal(size=shape)
        loss, gradients = run(module_of(name, operands), operands, weights)
        share = np.broadcast_to(weights, FULL) * (np.prod(shape) / np.prod(FULL))
        expected, everywhere = run(whole, [np.broadcast_to(array, FULL) for array in operands], share)
        assert loss == pytest.approx(expected, rel=1e-12, abs=1e-12)
        for place, array in enumerate(operands):
            if f"x{place}" in gradients:
                folded = everywhere[f"x{place}"].sum(axis=tuple(range(4 - array.ndim)))
                ones = tuple(axis for axis, size in enumerate(array.shape) if size == 1)
                folded = folded.sum(axis=ones, keepdims=True)
                np.testing.assert_allclose(gradients[f"x{place}"], folded, rtol=1e-11, atol=1e-11)


def strided(array: np.ndarray) -> np.ndarray:
    """The same values, no two of them next to each other in memory, axes in reverse order."""
    if not array.ndim:
        return array
    return np.repeat(array.T, 2, axis=0)[::2].T


@pytest.mark.parametrize("name", FLOAT)
def test_arrays_need_not_be_contiguous(name):
    of = case(name, "compact")
    loss, gradients = of.module.value_and_grad(of.parameters, **of.inputs)
    parameters = {key: strided(value) for key, value in of.parameters.items()}
    inputs = {key: strided(value) for key, value in of.inputs.items()}
    same, found = of.module.value_and_grad(parameters, **inputs)
    assert same == pytest.approx(loss, rel=1e-13)
    for key, gradient in gradients.items():
        np.testing.assert_allclose(found[key], gradient, rtol=1e-12, atol=1e-12)


def test_deriving_is_paid_for_once(monkeypatch):
    """A model of 2,000 tanh nodes asks sympy for one slope."""
    asked = []
    original = derivatives.derivative

    def counted(node, symbol, *conventions):
        asked.append(node)
        return original(node, symbol, *conventions)

    for module in (derivatives, output):
        monkeypatch.setattr(module, "derivative", counted)
    for cached in (slopes._vjp, slopes._jvp, slopes._slope):
        cached.cache_clear()
    counts = []
    for length in (2, 2000):
        g = Graph("chain")
        x = g.param("x", (3,))
        for _ in range(length):
            x = ops.tanh(x)
        g.loss(ops.sum(x))
        before = len(asked)
        load(g)
        counts.append(len(asked) - before)
        for cached in (slopes._vjp, slopes._jvp, slopes._slope):
            cached.cache_clear()
    assert counts[0] == counts[1] > 0


# What has no value where there is no element, or takes from an axis that has none: NumPy's own error says so.
NEEDS_ELEMENTS = {
    *("max", "min", "amax", "amin", "norm", "argmax", "argmin", "median"),
    *("cross_entropy", "nll", "multi_margin"),
    *("take", "take_along_axis", "gather", "pick", "getitem", "index", "pad", "diagonal", "diag", "diag_embed", "concat", "unfold"),
    *(row.name for family in ("windows", "convolution", "pooling") for row in ops.families()[family]),
}

# Of the mean of nothing, or the logarithm of its sum, they warn even where no element of the result is made of it.
OF_MEANS = {"log_softmax", *(row.name for row in ops.families()["normalisation"])}


def emptied(arrays: dict[str, np.ndarray], graph: Graph) -> dict[str, np.ndarray]:
    """The arrays as they are where the unknown size n is 0."""
    result = {}
    for name, array in arrays.items():
        shape = [sizes.size(each) for each in graph.dag.nodes[name]["shape"]]
        lengths = [int(each if isinstance(each, int) else each.subs(sizes.symbol("n"), 0)) for each in shape]
        if min(lengths, default=0) < 0:
            raise IndexError("a slice of an empty axis")
        result[name] = array[tuple(map(slice, lengths))]
    return result


@pytest.mark.parametrize("name", FLOAT)
def test_empty_axes(name):
    """Arrays of no element along the axes of unknown size: gradients have their shapes; NumPy warns of 0 / 0 and log(0) alone."""
    graph, parameters, inputs = build(name, op_samples.samples(name), symbolic=True)
    module = load(graph)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            parameters = emptied(parameters, graph)
            loss, gradients = module.value_and_grad(parameters, **emptied(inputs, graph))
        except (ValueError, IndexError):
            assert name in NEEDS_ELEMENTS
            return
    assert name in NEEDS_ELEMENTS or name in OF_MEANS or np.isfinite(loss) == (not caught)
    assert {key: value.shape for key, value in gradients.items()} == {key: v.shape for key, v in parameters.items()}
