"""Operations and bytes: what a person counts by hand, hand formulas of dense nets, and what is said of them."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
import sympy as sp
from click.testing import CliRunner

from graphgen import Graph, losses, ops, sizes
from graphgen.cli import commands, run
from graphgen.compiler import build
from graphgen.cost.counts import PRODUCTS, Counts
from graphgen.cost.formulas import of_text
from graphgen.cost.functions import Cost
from graphgen.cost.model import written
from graphgen.cost.report import Report
from graphgen.cost.side_by_side import side_by_side
from graphgen.cost.wording import amount, formula, rounded
from graphgen.emit import Body
from graphgen.model import load_model
from graphgen.schedule import saved, statements

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
batch, n = sizes.symbol("batch"), sizes.symbol("n")


@cache
def bodies(model: str, style: str = "compact") -> Mapping[str, Body]:
    return written(load_model(str(EXAMPLES / f"{model}.py")), style=style)


def costs(model: str, style: str = "compact") -> dict[str, Cost]:
    return {name: Cost.of(body) for name, body in bodies(model, style).items() if not name.startswith("_")}


def by_kind(counts: Counts) -> dict[str, int]:
    return {kind: counts.total(kind) for kind in counts.kinds()}


def products(body: Body) -> sp.Expr:
    return Cost.of(body).all.total("multiplications", groups=(PRODUCTS,))


# -- the neuron


def test_operations_of_the_neuron_are_those_that_a_person_counts() -> None:
    """Those of the textbook's listing: 5 forward, 5 more for all gradients, 12 in forward mode for one direction."""
    cost = costs("sigmoid_neuron", "teach")
    assert by_kind(cost["loss"].all) == {"additions": 2, "multiplications": 2, "sigmoid": 1}
    assert by_kind(cost["value_and_grad"].forward) == by_kind(cost["loss"].all)
    assert by_kind(cost["value_and_grad"].derived) == {"additions": 1, "multiplications": 4}
    assert cost["jvp"].all.total() == 12
    assert by_kind(cost["jvp"].derived) == {"additions": 3, "multiplications": 4}


def test_the_compact_style_does_not_multiply_by_the_seed() -> None:
    assert by_kind(costs("sigmoid_neuron")["value_and_grad"].derived) == {"additions": 1, "multiplications": 3}


def test_numbers_alone_and_changes_of_sign_are_not_counted() -> None:
    g = Graph("plain", dtype="float32")
    x = g.input("x", shape=("batch", 4))
    g.loss(-ops.mean(-x * x))
    cost = Cost.of(build(g, style="teach").written["value_and_grad"])
    # mean: 4 additions a row and a division; d_mean / (4 * batch) is arithmetic of numbers
    assert by_kind(cost.forward) == {"additions": 4 * batch, "multiplications": 4 * batch, "divisions": 1}
    assert "divisions" not in by_kind(cost.derived)


def test_a_scatter_in_place_costs_what_it_adds() -> None:
    g = Graph("labels")
    w = g.param("w", shape=(6, 5))
    x, label = g.input("x", shape=("batch", 6)), g.input("label", shape=("batch",), dtype="int64")
    g.loss(losses.cross_entropy(x @ w, label))
    body = build(g).written["value_and_grad"]
    assert body.in_place
    assert Cost.of(body).derived.total("additions", groups=("other",)) == batch


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("slot0**2 + slot1**3", ["multiplications", "power", "additions"]),
        ("np.where(slot0 > 0.0, slot0, -0.5 * slot0)", ["comparisons", "multiplications", "comparisons"]),
        (
            "slot0 if slot0 > 0.0 and slot1 < 1.0 and not slot2 else -slot1",
            ["comparisons"] * 5 + ["signs", "comparisons"],
        ),
        ("_float(1.0) / slot0 * np.arctan2(slot0, 2.0 * np.pi)", ["divisions", "atan2", "multiplications"]),
    ],
)
def test_operations_of_a_formula(text: str, kinds: list[str]) -> None:
    assert [operation.kind for operation in of_text(text)] == kinds


# -- dense nets


@cache
def dense(layers: int) -> Mapping[str, Body]:
    g = Graph("dense")
    h = g.input("x", shape=("batch", "n"))
    for layer in range(layers):
        h = ops.tanh(h @ g.param(f"w{layer}", shape=("n", "n")))
    g.loss(ops.mean(h))
    return written(g)


@pytest.mark.parametrize("layers", [2, 8, 64])
def test_products_of_dense_nets(layers: int) -> None:
    """Of L layers of n units: L products for the loss; each but the first is differentiated by both of its operands.

    The Hessian times a vector: the L products of the values, and L - 1 for the gradients of hidden values, each once
    more for the tangent of each operand that has one: 2 L - 1 for values, 2 L - 1 for gradients of weights, of which
    the gradients themselves are not needed, 2 L - 2 for those of hidden values.
    """
    each, found = batch * n**2, dense(layers)
    loss, gradient, hessian = (products(found[name]) for name in ("loss", "value_and_grad", "hvp"))
    assert loss == layers * each
    assert gradient == sp.expand((3 * layers - 1) * each)
    assert hessian == sp.expand((layers + layers - 1 + 2 * layers - 1 + 2 * layers - 1 + 2 * layers - 2) * each)
    assert gradient / loss <= 3
    assert hessian / loss <= 8


def test_products_of_lenet() -> None:
    """Also with the multiplications of elementwise work."""
    found = bodies("gallery/lenet")
    loss, gradient, hessian = (products(found[name]) for name in ("loss", "value_and_grad", "hvp"))
    assert loss == batch * (9 * 1 * 16 * 64 + 9 * 16 * 32 * 16 + 128 * 120 + 120 * 84 + 84 * 10)
    assert gradient / loss <= 3
    assert hessian / loss <= 8
    whole = [Cost.of(found[name]).all.total("multiplications") for name in ("loss", "value_and_grad", "hvp")]
    assert (whole[1] / whole[0]).subs(batch, 64) <= 3
    assert (whole[2] / whole[0]).subs(batch, 64) <= 8


# -- formulas and numbers


def test_numbers_are_those_of_a_model_of_that_size() -> None:
    def model(rows: int | str) -> Graph:
        g = Graph("sized")
        x = g.input("x", shape=(rows, 3))
        g.loss(losses.mse(ops.softmax(x @ g.param("w", shape=(3, 3))), x))
        return g

    symbolic, number = (written(model(rows), style="teach") for rows in ("rows", 7))  # known numbers can be folded
    for name in ("forward", "loss", "value_and_grad", "jvp", "hvp"):
        one, other = Cost.of(symbolic[name]).all.at({"rows": 7}), Cost.of(number[name]).all
        assert by_kind(one) == by_kind(other)
        assert one.bytes == other.bytes


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (4928, "4,928"),
        (4928 * batch + 1, "4,928*batch + 1"),
        (batch * n**2 * 3 + batch - 2, "3*batch*n**2 + batch - 2"),
        (2 * (n // 2) * batch, "2*batch*(n // 2)"),
    ],
)
def test_formulas_as_text(size: sizes.Size, text: str) -> None:
    assert formula(size) == text


@pytest.mark.parametrize(
    ("size", "sample", "text"),
    [
        (320, None, "320 flop"),
        (999_600, None, "1.0 Mflop"),
        (4928 * batch + 1, "batch", "4.9 kflop a sample"),
        (4928 * batch + 73_728, "batch", "4.9 kflop a sample + 74 kflop"),
        (21 * batch * n + 2 * n + 16, None, "about 21*batch*n flop"),
        (batch**2 + batch, "batch", "about batch**2 flop"),
    ],
)
def test_amounts(size: sizes.Size, sample: str | None, text: str) -> None:
    assert amount(size, "flop", sample) == text


def test_rounding_changes_the_unit() -> None:
    assert [rounded(number, "B") for number in (999, 1000, 9_949, 9_951, 999_499, 999_500)] == [
        "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB",
    ]  # fmt: skip


# -- memory


@pytest.mark.parametrize("model", ["digits", "letters", "gallery/residual", "gaussian_mixture"])
def test_what_is_saved_is_what_the_schedule_says(model: str) -> None:
    for style in ("compact", "teach"):
        body = bodies(model, style)["value_and_grad"]
        assert Cost.of(body).kept() == list(saved(statements(body), body.program))


def test_what_is_computed_again_is_counted() -> None:
    graph = load_model(str(EXAMPLES / "gallery/lenet.py"))
    every, least = (Cost.of(build(graph, save=save).written["value_and_grad"]) for save in ("all", "minimal"))
    assert least.again.total() != 0
    assert by_kind(least.forward) == by_kind(every.forward)
    assert sp.expand(least.all.total() - every.all.total() - least.again.total()) == 0


# -- modes


def test_forward_mode_is_cheaper_from_the_crossover_on() -> None:
    report = Report("digits", "compact", bodies("digits"), {"batch": 8})
    values, count = report.operations("loss"), int(report.differentiated)
    assert count == 64 * 32 + 32 + 32 * 10 + 10

    def by_reverse(outputs: int) -> int:
        return values + outputs * report.sweep_of_reverse

    by_forward = values + count * report.sweep_of_forward
    assert report.crossover is not None
    assert by_reverse(report.crossover - 1) <= by_forward < by_reverse(report.crossover)
    assert report.outputs == 8 * 10
    ways = {each.way: each.operations for each in report.gradients()}
    assert ways["one-sided differences"] == (count + 1) * values
    assert ways["forward mode"] == count * report.operations("jvp")


# -- what people see


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(commands, ["cost", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_neuron_in_both_modes_on_one_slide() -> None:
    cost = costs("sigmoid_neuron", "teach")
    assert side_by_side(cost["jvp"], cost["value_and_grad"]) == NEURON.splitlines()


NEURON = """\
forward mode: each value, then its tangent              │ reverse mode: the values, then their gradients backward
────────────────────────────────────────────────────────┼───────────────────────────────────────────────────────────────
p0 = w0 * x0                                            │ p0 = w0 * x0
p0_dot = w0_dot * x0                                    │
p1 = w1 * x1                                            │ p1 = w1 * x1
p1_dot = w1_dot * x1                                    │
s = p0 + p1                                             │ s = p0 + p1
s_dot = p0_dot + p1_dot                                 │
z = s + w2                                              │ z = s + w2
z_dot = s_dot + w2_dot                                  │
f = sigmoid(z)                                          │ f = sigmoid(z)
f_dot = z_dot * f * (1.0 - f)                           │
return f, f_dot                                         │
                                                        │
                                                        │ # reverse sweep
                                                        │ d_f = 1.0                  # the seed
                                                        │ d_z = d_f * f * (1.0 - f)  # f = sigmoid(z)  df/dz = f*(1 - f)
                                                        │ d_s = d_z                  # z = s + w2
                                                        │ d_w2 = d_z                 # z = s + w2
                                                        │ d_p0 = d_s                 # s = p0 + p1
                                                        │ d_p1 = d_s                 # s = p0 + p1
                                                        │ d_w1 = d_p1 * x1           # p1 = w1 * x1  dp1/dw1 = x1
                                                        │ d_w0 = d_p0 * x0           # p0 = w0 * x0  dp0/dw0 = x0
                                                        │ return f, {"w0": d_w0, "w1": d_w1, "w2": d_w2}
────────────────────────────────────────────────────────┼───────────────────────────────────────────────────────────────
values     5 operations                                 │ values     5 operations
tangents   7                                            │ gradients  5
in all     12                                           │ in all     10
the gradient takes 3 of these, one along each number    │ the gradient takes one of these"""


@pytest.mark.parametrize("model", ["digits", "gallery/lenet", "gaussian_mixture"])
@pytest.mark.parametrize(("style", "width"), [("teach", 100), ("teach", 160), ("compact", 120), ("compact", 160)])
def test_listings_fit_a_slide_and_hold_every_statement(model: str, style: str, width: int) -> None:
    found = bodies(model, style)
    lines = side_by_side(Cost.of(found["jvp"]), Cost.of(found["value_and_grad"]), width)
    assert max(map(len, lines)) <= width
    left, right = ("".join(line.partition(" │ ")[side].strip() for line in lines) for side in (0, 2))
    for listing, function in ((left, "jvp"), (right, "value_and_grad")):
        bare = listing.replace(" ", "")
        for line in found[function].lines:
            assert f"{line.node}=" in bare


def test_the_table_of_functions() -> None:
    lines = invoke(str(EXAMPLES / "digits.py")).splitlines()
    assert lines[0] == "digits: what its functions cost, in the compact style and float32"
    assert lines[2].split() == ["forward", "loss", "value_and_grad", "jvp", "hvp"]
    rows = {line.strip().partition("  ")[0]: line for line in lines}
    assert rows["saved for reverse"].split()[-1] == "172*batch"
    assert max(map(len, lines)) <= 140


def test_numbers_for_given_sizes_as_json() -> None:
    data = json.loads(invoke(str(EXAMPLES / "digits.py"), "--size", "batch=64", "--json", "--nodes"))
    found = data["functions"]["value_and_grad"]
    assert found["products"] == {"additions": 5056 * 64, "multiplications": 5056 * 64}
    assert found["saved_bytes"] == 172 * 64
    assert sum(each["operations"] for each in found["nodes"].values()) == found["operations"]
    assert data["modes"]["gradient"]["reverse mode"] == found["operations"]
    assert (
        json.loads(invoke(str(EXAMPLES / "digits.py"), "--json"))["functions"]["loss"]["operations"]
        == "4853 * batch + 1"
    )


def test_nodes_of_each_function() -> None:
    lines = invoke(str(EXAMPLES / "sigmoid_neuron.py"), "--nodes", "--style", "teach").splitlines()
    start = lines.index("value_and_grad")
    assert lines[start + 7].split() == ["d_z", "()", "3", "1", "addition,", "2", "multiplications", "56"]


def test_a_model_without_a_loss(tmp_path: Path) -> None:
    file = tmp_path / "outputs.py"
    file.write_text('from graphgen import Graph, ops\ng = Graph("o")\ng.output(y=ops.exp(g.input("x", ("n",))))\n')
    assert "n exp" not in invoke(str(file))
    found = json.loads(invoke(str(file), "--json"))["functions"]
    assert [*found] == ["forward", "vjp", "jacobian"] and found["forward"]["other"] == {"exp": "n"}
    assert run(["cost", str(file), "--side-by-side"]) == 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("bach=64", "error[GG117]: size: there is no size 'bach'\n   = help: did you mean 'batch'?\n"),
        ("batch=0", "size: batch is a whole number above 0, got 0"),
        ("batch", "'batch' is no NAME=NUMBER, as in batch=64"),
    ],
)
def test_wrong_sizes(option: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", str(EXAMPLES / "digits.py"), "--size", option]) == 2
    assert message in capsys.readouterr().err


def test_heads_of_modules() -> None:
    graph = load_model(str(EXAMPLES / "sigmoid_neuron.py"))
    text = build(graph, style="teach", mode="both").source
    assert "cost        forward 5 operations; reverse 5 more; forward mode 12 in all for one direction\n" in text
    lines = build(load_model(str(EXAMPLES / "digits.py"))).source.splitlines()
    assert lines[4] == "cost        forward 4.8 kflop, 10 exp and 1 log a sample; reverse 5.5 kflop a sample more"
    assert lines[5].startswith("bytes       forward 1.4 kB a sample + 9.6 kB; reverse 1.4 kB a sample + 11 kB more")
    inference = build(load_model(str(EXAMPLES / "digits.py")), inference=True).source.splitlines()
    assert inference[4] == "cost        forward 4.8 kflop and 10 exp a sample"
