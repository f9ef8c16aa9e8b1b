"""Checkpoints: what is not saved is computed again, once, with the same bits, and memory is what the header says."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import random_graphs
from halves import agree, alike, body_of, drawn_inputs, keywords, measured

import graphgen
from graphgen import Graph, GraphError, checkpoint, layers, losses, ops
from graphgen.check import check
from graphgen.checkpoint import Sweeps
from graphgen.cli import run
from graphgen.compiler import build
from graphgen.cost.nodes import count
from graphgen.forms import forms
from graphgen.model import load_model
from graphgen.module.setting import Options
from graphgen.schedule import Drop, Memory, peak, statements

EXAMPLES = Path(__file__).parent.parent / "examples"
MODELS = [
    "binarised",
    "diagonal_lstm",
    "gallery/batch_norm",
    "gallery/dropout",
    "gallery/lenet",
    "log_product",
    "recall",
]


def chain(widths: list[int], wide: int = 0) -> Graph:
    """A chain of layers; `wide`: each takes so many times its size on the way, in the forward sweep alone."""
    g = Graph("chain")
    h = g.input("x", shape=("batch", widths[0]))
    for k in range(1, len(widths)):
        w = g.param(f"w{k}", shape=(widths[k - 1], widths[k]))
        if wide:
            h = h + ops.stop_gradient(ops.mean(ops.exp(h[:, :, None] * g.constant(np.arange(wide) / wide)), axis=2))
        h = ops.tanh(h @ w, name=f"h{k}")
    g.loss(ops.mean(h * h))
    return g


def residual() -> Graph:
    g = Graph("residual")
    h = x = g.input("x", shape=("batch", 8))
    for k in range(12):
        h = ops.add(h, ops.tanh(layers.dense(h, 8, name=f"fc{k}")), name=f"h{k}")
    g.loss(losses.mse(h, x))
    return g


def recurrent() -> Graph:
    g = Graph("recurrent")
    x = g.input("x", shape=("batch", 6, 3))
    g.loss(ops.mean(layers.dense(layers.lstm(x, 4, name="lstm"), 1, name="out") ** 2))
    return g


def sweeps_of(graph: Graph, **numbers: int) -> Sweeps:
    body = body_of(graph)
    counts, memory = count(body), Memory(body, numbers)

    def operations(statement):
        return sum(int(counts[name].at(numbers).total()) for name in memory.inside(statement) if name in counts)

    return Sweeps(memory, statements(body), body.program.results.values(), operations)


# -- the 200 layers


@pytest.fixture(scope="module")
def deep():
    graph = chain([16] * 201)
    return graph, build(graph, save="minimal", sizes={"batch": 2000}), graphgen.load(graph)


def test_200_layers_save_at_most_2_sqrt_200_and_compute_the_others_again_once(deep):
    _, made, _ = deep
    saved, again = (
        set(re.search(rf"^{what}: (.*)$", made.report, re.MULTILINE)[1].split(", ")) for what in ("saved", "recomputed")
    )
    assert len(saved) <= 2 * 200**0.5
    assert saved | again == {f"h{k}" for k in range(1, 201)} and not saved & again
    body = made.source.partition("def value_and_grad")[2].partition("\ndef ")[0]
    assert all(body.count(f"\n    h{k} = ") == 1 + (f"h{k}" in again) for k in range(1, 201))


def test_200_layers_have_the_same_bits(deep):
    _, made, plain = deep
    module, x = graphgen.load(made.source), np.random.default_rng(0).normal(size=(7, 16))
    parameters = plain.init_parameters()
    loss, gradients = plain.value_and_grad(parameters, x)
    assert module.value_and_grad(parameters, x)[0] == loss
    assert alike(module.value_and_grad(parameters, x)[1], gradients)
    agree(module, parameters, [x])


def test_200_layers_take_the_memory_that_the_header_says(deep):
    _, made, plain = deep
    x = np.zeros((2000, 16))
    parameters = plain.init_parameters()
    layer = x.nbytes
    after, before = measured(graphgen.load(made.source), parameters, x), measured(plain, parameters, x)
    said = re.search(r"memory      ([\d.]+) MB at the peak for batch = 2,000, ([\d.]+) MB with all saved", made.source)
    assert after == pytest.approx(float(said[1]) * 1e6, rel=0.15)
    assert before == pytest.approx(float(said[2]) * 1e6, rel=0.05)
    assert after < 25 * layer and before > 390 * layer


# -- optimal on chains


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("batch", "wide"), [(5, 0), (1000, 0), (1000, 4)])
def test_no_choice_on_a_chain_is_better(seed, batch, wide):
    sweeps = sweeps_of(chain([int(size) for size in np.random.default_rng(seed).integers(2, 9, 7)], wide), batch=batch)
    names = [each.name for each in sweeps.arrays]
    choices = [set(kept) for number in range(len(names) + 1) for kept in combinations(names, number)]
    found = {}
    for kept in choices:
        steps = sweeps.scheduled(kept)
        found[frozenset(kept)] = sweeps.least_peak(steps).bytes, work(sweeps, kept)
    kept, lowest = checkpoint.least(sweeps)
    assert lowest == min(found.values())[0]
    for share in (0.1, 0.4, 0.8):
        limit = lowest + share * (max(found.values())[0] - lowest)
        kept = checkpoint.within(sweeps, limit)
        assert sweeps.least_peak(sweeps.scheduled(kept)).bytes <= limit
        # work is told apart in 200 levels
        assert work(sweeps, kept) <= 1.03 * min(each for bytes, each in found.values() if bytes <= limit)


def work(sweeps: Sweeps, kept: set[str]) -> int:
    return sum(sweeps.work[step.writes] for step in sweeps.scheduled(kept) if step.again)


def test_more_memory_is_less_work():
    sweeps = sweeps_of(residual(), batch=100)
    lowest = checkpoint.least(sweeps)[1]
    steps = [
        sweeps.plan(checkpoint.within(sweeps, lowest * factor), lowest * factor) for factor in (1.0, 1.2, 1.5, 2.0, 3.0)
    ]
    assert [
        plan.after.bytes <= lowest * factor for plan, factor in zip(steps, (1.0, 1.2, 1.5, 2.0, 3.0), strict=True)
    ] == [True] * 5
    shares = [plan.share for plan in steps]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.5 and shares[-1] < 0.2


# -- any model


@pytest.mark.parametrize("style", ["compact", "teach"])
@pytest.mark.parametrize("graph", [residual, recurrent], ids=["residual", "recurrent"])
def test_skips_and_steps_have_the_same_bits(graph, style):
    same_bits(graph(), style, recomputes=True)


@pytest.mark.parametrize("name", MODELS)
def test_examples_have_the_same_bits(name):
    same_bits(load_model(str(EXAMPLES / f"{name}.py")), "compact")


def test_random_graphs_have_the_same_bits():
    recomputed = 0
    for seed in range(4):
        model = random_graphs.draw(seed)
        style = ("compact", "teach")[seed % 2]
        recomputed += same_bits(model.graph, style, given=(model.parameters, list(model.inputs.values())))
    assert recomputed > 5


def same_bits(graph: Graph, style: str, recomputes: bool = False, given: tuple | None = None) -> int:
    """Assert that least memory and three limits change no bit, and that memory is never more; how many values are made again."""
    plain = graphgen.load(graph, style=style)
    parameters, inputs = given or (plain.init_parameters(**dict.fromkeys(plain._sizes, 3)), drawn_inputs(plain))
    expected = plain.value_and_grad(parameters, *inputs, **keywords(plain))
    numbers = dict.fromkeys(sizes_of(graph), 64)
    made = build(graph, style=style, save="minimal", sizes=numbers)
    after, before = peaks(made.report, numbers)
    assert after <= before
    for save in ("minimal", after, (after + before) // 2, before):
        made = build(graph, style=style, save=save, sizes=numbers)
        assert save == "minimal" or peaks(made.report, numbers)[0] <= save
        module = graphgen.load(made.source)
        loss, gradients, *state = module.value_and_grad(parameters, *inputs, **keywords(module))
        assert np.array_equal(loss, expected[0], equal_nan=True) and alike(gradients, expected[1])
        assert not state or alike(state[0], expected[2])
        agree(module, parameters, inputs)
    again = re.search(
        r"^recomputed: (.*)$", build(graph, style=style, save="minimal", sizes=numbers).report, re.MULTILINE
    )[1]
    names = [] if again == "nothing" else again.split(", ")
    assert len(names) == len(set(names)) and (names or not recomputes)
    return len(names)


def sizes_of(graph: Graph) -> list[str]:
    program = forms(check(graph)).training
    return list(
        dict.fromkeys(
            size.name for node in program.nodes.values() for size in node.shape if getattr(size, "is_Symbol", False)
        )
    )


def peaks(report: str, numbers: dict[str, int]) -> tuple[int, int]:
    """The bytes at the peak, and with all saved, of the formulas that --explain tells."""
    found = re.search(r"^bytes at the peak: (.*); with all saved: (.*)$", report, re.MULTILINE)
    after, before = (eval(re.sub(r"(\d),(?=\d{3})", r"\1", text), dict(numbers)) for text in found.groups())
    return after, before


def test_what_is_drawn_is_drawn_once():
    g = Graph("noise")
    x = g.input("x", shape=("batch", 8))
    h = x
    for k in range(6):
        h = ops.dropout(ops.tanh(layers.dense(h, 8, name=f"fc{k}")), p=0.3)
    g.loss(ops.mean(h * h))
    plain, lean = graphgen.load(g), graphgen.load(g, save="minimal", sizes={"batch": 1000})
    assert source(lean).count("generator.random(") == source(plain).count("generator.random(") == 6
    assert "# recomputed" in source(lean)
    arguments = plain.init_parameters(), np.ones((50, 8))
    assert alike(lean.value_and_grad(*arguments, seed=9)[1], plain.value_and_grad(*arguments, seed=9)[1])


def source(module) -> str:
    return Path(module.__file__).read_text().partition("def value_and_grad")[2].partition("\ndef ")[0]


# -- what users see


def test_named_values_are_saved_and_what_is_made_behind_them():
    made = build(chain([4] * 7), save=["h3", "h5"])
    assert "saved: h3, h5, h6\nrecomputed: h4, h1, h2\n" in made.report
    text = made.source.partition("# forward sweep")[2]
    assert re.search(r"    h5 = .*\n    del h1, h2, h4 +# not saved\n    h6 = ", text)
    assert re.search(r"    del .*h5 +# no longer needed\n    h4 = np.tanh\(h3 @ w4\) +# recomputed\n", text)
    assert build(chain([4] * 7), save="h3, h5").source == made.source


def test_the_header_says_what_is_saved():
    made = build(chain([4] * 7), save="h3,h5", sizes={"batch": 1000})
    assert re.search(
        r"\nsave        by name: 3 values saved, 3 recomputed \(\d\d% of the forward sweep's operations\)\n",
        made.source,
    )
    assert re.search(r"\nmemory      [\d.]+ kB at the peak for batch = 1,000, [\d.]+ kB with all saved\n", made.source)
    assert "save  " not in build(chain([4] * 7), split=True).source.partition('"""\n')[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"save": "12 parsecs"}, "error[GG115]: save: '12 parsecs' is no amount of memory\n   = help: as in 4096"),
        ({"save": "64 mb"}, "error[GG115]: save: '64 mb' is no amount of memory\n   = help: did you mean 'MB'?"),
        ({"save": 0}, "error[GG115]: save: 0 is no amount of memory\n   = help: as in 4096"),
        ({"save": "9" * 400}, f"error[GG115]: save: '{'9' * 400}' is no amount of memory\n   = help: as in 4096"),
        ({"save": "1.5.5 kB"}, "error[GG115]: save: '1.5.5 kB' is no amount of memory\n   = help: as in 4096"),
        ({"save": " , "}, "error[GG115]: save: ' , ' says nothing\n   = help: all, minimal, an amount of memory, or names"),
        ({"save": ["h11"]}, "error[GG116]: save: there is no value 'h11'\n   = help: did you mean 'h1'?"),
        (
            {"save": 10_000},
            "error[GG117]: save: how many bytes there are depends on batch\n   = help: say for what, as with --size batch=64",
        ),
        (
            {"save": "minimal", "sizes": {"bach": 3}},
            "error[GG117]: size: there is no size 'bach'\n   = help: did you mean 'batch'?",
        ),
        ({"save": "minimal", "sizes": {"batch": 0}}, "error[GG117]: size: batch is a whole number above 0, got 0"),
        (
            {"save": "1 kB", "sizes": {"batch": 64}},
            "error[GG118]: save: memory cannot be kept within 1,000 bytes by computing values at most twice\n   = help: the least is ",
        ),
        ({"save": "minimal", "mode": "forward"}, "error[GG119]: save: there is no reverse sweep"),
        ({"save": "minimal", "trace": True}, "error[GG119]: save: the checked variant keeps every value"),
    ],
)
def test_errors_say_what_to_do(options, message):
    with pytest.raises(GraphError) as caught:
        build(chain([4] * 5), **options)
    assert str(caught.value).startswith(message)


def test_a_value_beside_the_loss_cannot_be_saved():
    g = chain([4] * 3)
    g.output(other=ops.exp(g.input("y", shape=()), name="other"))
    with pytest.raises(GraphError, match="save: the loss does not depend on other"):
        build(g, save=["other"])


@pytest.mark.parametrize(
    ("text", "bytes"),
    [("4096", 4096), ("64 MB", 64_000_000), ("1.5GiB", 1_610_612_736), ("2 kB", 2000), ("512B", 512), (77, 77)],
)
def test_amounts_of_memory(text, bytes):
    from graphgen.module.saving import asked

    assert asked(Options(save=text)) == bytes


def test_drops_free_what_the_plan_says():
    sweeps = sweeps_of(chain([8] * 20), batch=100)
    plan = sweeps.plan(checkpoint.least(sweeps)[0])
    assert peak(sweeps.memory, plan.steps).bytes == plan.after.bytes
    without = [step for step in plan.steps if not isinstance(step, Drop)]
    assert peak(sweeps.memory, without).bytes > 2 * plan.after.bytes


def test_the_command_line_says_the_same(tmp_path, capsys):
    model = tmp_path / "model.py"
    model.write_text(
        "from graphgen import *\ng = Graph('m')\nh = g.input('x', shape=('batch', 3))\ng.loss(ops.mean(ops.tanh(h @ g.param('w', shape=(3, 3)))))\n"
    )
    assert run(["compile", str(model), "-o", "-", "--save", "64 kB", "--size", "batch=100", "--explain"]) == 0
    shown = capsys.readouterr()
    assert "\nsave        within 64 kB: " in shown.out and "\nbytes at the peak: " in shown.err
    assert run(["compile", str(model), "-o", "-", "--save", "64 kB", "--size", "batch"]) == 2
    assert "'batch' is no NAME=NUMBER, as in batch=64" in capsys.readouterr().err
