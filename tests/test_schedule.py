"""The schedule: statements, what is saved, how long values live, and the memory that a module really takes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from halves import body_of, measured

import graphgen
from graphgen import Graph, ops
from graphgen.emit import Line
from graphgen.model import load_model
from graphgen.schedule import Memory, lifetimes, node_bytes, peak, saved, statements

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("style", ["compact", "teach"])
@pytest.mark.parametrize(
    ("name", "batch"), [("gallery/lenet", 100), ("gallery/residual", 50), ("gallery/transformer", 100)]
)
def test_the_schedule_knows_the_memory_that_a_module_takes(name, batch, style):
    graph = load_model(str(EXAMPLES / f"{name}.py"))
    body = body_of(graph, style)
    module = graphgen.load(graph, style=style)
    inputs = [np.zeros((batch, *shape[1:]), dtype) for shape, dtype in module.INPUTS.values()]
    expected = peak(Memory(body, {"batch": batch}), statements(body)).bytes
    assert measured(module, module.init_parameters(), *inputs) == pytest.approx(expected, rel=0.06)


def test_a_value_that_is_written_into_is_one_statement_with_what_it_was():
    body = body_of(load_model(str(EXAMPLES / "digits.py")))
    place = next(place for place, line in enumerate(body.lines) if line.node == "d_logits")
    code = body.lines[place].code.replace("d_logits = ", "base = ")
    body.lines[place : place + 1] = [Line(code, node="base"), replace(body.lines[place], code="d_logits = base")]
    found = next(step for step in statements(body) if "d_logits" in step.writes)
    assert found.writes == ("base", "d_logits") and len(found.lines) == 3
    assert found.reads == {"batch", "loss_total", "loss_exp", "label"}


def small() -> Graph:
    g = Graph("small", dtype="float32")
    x = g.input("x", shape=("batch", 3))
    w = g.param("w", shape=(3, 5))
    h = ops.tanh(x @ w, name="h")
    flat = ops.reshape(h, (-1,), name="flat")
    g.loss(ops.mean(ops.exp(flat, name="e") * 2.0, name="loss"))
    return g


def test_what_is_saved_and_how_long_values_live():
    body = body_of(small())
    steps = statements(body)
    assert [step.writes[0] for step in steps][:4] == ["h", "flat", "e", "loss"]
    assert saved(steps, body.program) == ("h", "e")
    lives = lifetimes(steps, body.program.results.values())
    last = len(steps) - 1
    assert lives["h"] == (0, last) and lives["flat"] == (1, 2) and lives["loss"] == (3, len(steps))


def test_bytes_and_views():
    body = body_of(small())
    memory = Memory(body, {"batch": 10})
    h = body.program.nodes["h"]
    assert str(node_bytes(h, "float32")) == "20*batch" and str(node_bytes(h, "float64")) == "40*batch"
    assert node_bytes(body.program.nodes["loss"], "float32") == 4
    assert memory.owner("flat") == "h" and memory.owner("x") is None and memory.owner("e") == "e"
    assert memory.bytes(["h", "e"]) == 400


def test_a_reshape_of_what_lies_otherwise_is_a_copy():
    g = Graph("copy")
    x = g.input("x", shape=("batch", 3))
    h = ops.tanh(x, name="h")
    turned = ops.reshape(h.T, (-1,), name="turned")
    g.loss(ops.mean(turned * turned))
    memory = Memory(body_of(g), {"batch": 10})
    assert memory.owner("turned") == "turned"
