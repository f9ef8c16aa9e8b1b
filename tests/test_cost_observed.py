"""Counts against what NumPy is seen to do: every op of the table, in every function, in both styles."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import op_samples
import pytest
from observed import Observer, observe
from test_op_table import ROWS, build

from graphgen import ops
from graphgen.compiler import Build
from graphgen.compiler import build as compiled
from graphgen.cost.counts import PRODUCTS
from graphgen.cost.functions import Cost
from graphgen.cost.model import written
from graphgen.loading import load
from graphgen.model import load_model

EXAMPLES = Path(__file__).parent.parent / "examples"

# Ops that are spelled as several calls, which count as one: their bytes are fewer than NumPy's.
SEVERAL_CALLS = ("norm", "lp_pool1d", "lp_pool2d", "lp_pool3d", "argsort", "sort", "topk_indices", "triplet_margin")
SPECIAL = ("cross_entropy", "custom_gradient")  # added to in place; written with an array of its own for one number


@cache
def counted(name: str, style: str) -> tuple[Build, dict[str, np.ndarray], dict[str, np.ndarray]]:
    graph, parameters, inputs = build(name, op_samples.samples(name), False)
    return compiled(graph, style=style), parameters, inputs


def seen(name: str, style: str, function: str) -> tuple[Cost, Observer]:
    """What is counted, and what is done."""
    made, parameters, inputs = counted(name, style)
    return Cost.of(made.written[function]), observe(load(made.source), function, parameters, inputs)


@pytest.mark.parametrize("name", ROWS)
def test_what_is_counted_is_what_numpy_does(name: str) -> None:
    style = ("teach", "compact")[len(name) % 2]
    cost, done = seen(name, style, "value_and_grad")
    assert {kind: cost.all.total(kind) for kind in cost.all.kinds()} == dict(done.operations)
    assert cost.all.total("multiplications", groups=(PRODUCTS,)) == done.products
    if name not in (*SEVERAL_CALLS, *SPECIAL):
        assert cost.all.bytes == done.bytes


@pytest.mark.parametrize("model", ["digits", "letters", "gallery/lenet", "gallery/transformer"])
@pytest.mark.parametrize("function", ["jvp", "hvp"])
def test_forward_mode_and_second_order_are_what_numpy_does(model: str, function: str) -> None:
    made = written(load_model(str(EXAMPLES / f"{model}.py")), style="compact")[function]
    module = load(load_model(str(EXAMPLES / f"{model}.py")), mode="both", hvp=True)
    parameters = module.init_parameters()
    inputs = {}
    for name, (shape, dtype) in module.INPUTS.items():
        inputs[name] = np.zeros([3 if isinstance(size, str) else size for size in shape], dtype=dtype)
    done = observe(module, function, parameters, inputs, directions=parameters)
    counts = Cost.of(made).all.at({"batch": 3})
    assert {kind: counts.total(kind) for kind in counts.kinds()} == dict(done.operations)
    assert counts.total("multiplications", groups=(PRODUCTS,)) == done.products


def test_an_op_that_states_no_operations_is_found() -> None:
    """What the test over the table is worth: without the fact of its row, a product is counted as a copy."""
    row = ops.TABLE["matmul"]
    ops.TABLE["matmul"] = replace(row, operations=None)
    try:
        cost, done = seen("matmul", "compact", "loss")
    finally:
        ops.TABLE["matmul"] = row
    assert cost.all.total("multiplications", groups=(PRODUCTS,)) == 0 < done.products
