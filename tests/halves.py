"""value_and_grad as statements, in two halves, and in memory: what tests of all three share."""

import inspect
import tracemalloc
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from graphgen import Graph
from graphgen.check import check
from graphgen.differentiation.gradient import gradient
from graphgen.emit import Body
from graphgen.forms import forms
from graphgen.module.setting import Options, Setting


def drawn_inputs(module: ModuleType, seed: int = 0) -> list[np.ndarray]:
    """Inputs that the module takes, with sizes from 3."""
    generator = np.random.default_rng(seed)
    sizes: dict[str, int] = {}
    for shape, _ in [*module.PARAMETERS.values(), *module.INPUTS.values()]:
        for size in shape:
            if isinstance(size, str) and size.isidentifier():
                sizes.setdefault(size, 3 + len(sizes))
    found = []
    for name, (shape, dtype) in module.INPUTS.items():
        known = tuple(sizes[size] if isinstance(size, str) else size for size in shape)
        low, high = module._bounds.get(name, (None, None))
        if dtype.startswith("int"):
            found.append(generator.integers(low or 0, sizes.get(high, high) if high is not None else 2, known))
        else:
            within = -1.0 if low is None else low, 1.0 if high is None else high
            found.append(generator.uniform(*within, known).astype(dtype))
    return found


def keywords(module: ModuleType) -> dict[str, Any]:
    """The state, and a seed, where value_and_grad takes them."""
    given = {"state": module.init_state()} if hasattr(module, "init_state") else {}
    return given | ({"seed": 3} if "seed" in inspect.signature(module.value_and_grad).parameters else {})


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two dicts hold the same bits, in arrays of the same types."""
    return list(one) == list(other) and all(
        np.asarray(one[name]).dtype == np.asarray(other[name]).dtype
        and np.array_equal(one[name], other[name], equal_nan=True)
        for name in one
    )


def agree(module: ModuleType, parameters: Mapping[str, Any] | None = None, inputs: Sequence[Any] | None = None) -> None:
    """Assert that the halves give what value_and_grad gives, twice, and that results are the caller's own."""
    parameters = module.init_parameters(**dict.fromkeys(module._sizes, 3)) if parameters is None else parameters
    inputs, given = drawn_inputs(module) if inputs is None else inputs, keywords(module)
    loss, gradients, *state = module.value_and_grad(parameters, *inputs, **given)
    value, saved, *after = module.forward_sweep(parameters, *inputs, **given)
    assert value == loss and tuple(saved) == module._saved
    assert not state or alike(after[0], state[0])
    before = {name: np.array(array) for name, array in saved.items()}
    found = module.backward(saved)
    assert alike(found, gradients)
    for array in [*found.values(), *(after[0].values() if after else ())]:
        if isinstance(array, np.ndarray):
            assert not any(np.shares_memory(array, each) for each in saved.values())
            array[...] = 7.0
    assert all(np.array_equal(before[name], array, equal_nan=True) for name, array in saved.items())
    assert alike(module.backward(saved), gradients)


def body_of(graph: Graph, style: str = "compact") -> Body:
    """The statements of value_and_grad."""
    both = forms(check(graph))
    setting = Setting.of(both, Options(style=style))
    return setting.body("value_and_grad", gradient(both.training.restrict("loss", "state"), setting.wrt))


def measured(module: ModuleType, *arguments: Any) -> int:
    """The bytes at the peak of value_and_grad, as NumPy takes them."""
    given = keywords(module)
    module.value_and_grad(*arguments, **given)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        module.value_and_grad(*arguments, **given)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
