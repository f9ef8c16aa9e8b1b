"""Random numbers: drawn by seed, the same in all functions of a form."""

from inspect import signature

import numpy as np
import pytest

from graphgen import Graph, compile, layers, load, ops

STYLES = ["teach", "compact"]
DTYPES = ["float64", "float32"]
BATCH = np.linspace(-2.0, 3.0, 60).reshape(15, 4)


def keywords(function):
    """What a function takes by keyword alone."""
    return [each.name for each in signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]


def dropping(p=0.25, dtype="float64"):
    g = Graph("dropping", dtype=dtype)
    x = g.input("x", ("batch", 4))
    w = g.param("w", (4, 3))
    hidden = ops.dropout(x @ w, p=p)
    y = ops.tanh(ops.dropout(hidden))
    g.output(y=y, hidden=hidden)
    g.loss((y * y).mean())
    g.optimizer("sgd")
    return g


def test_an_inference_file_holds_the_form_of_inference_alone():
    source = compile(dropping(), inference=True)
    module = load(source)
    assert not any(word in source for word in ("seed", "np.random", "evaluate"))
    assert not hasattr(module, "loss")
    assert keywords(module.forward) == []


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_seed_drops_the_same(style, dtype):
    module = load(dropping(dtype=dtype), style=style, mode="both")
    parameters = module.init_parameters()
    assert keywords(module.forward) == keywords(module.evaluate) == []
    for function in (module.loss, module.value_and_grad, module.jvp, module.train_step):
        assert keywords(function) == ["seed"]
    values = set()
    for seed in range(5):
        value, gradients = module.value_and_grad(parameters, BATCH, seed=seed)
        assert module.loss(parameters, BATCH, seed=seed) == value
        tangents = {"w": np.cos(np.arange(12.0)).reshape(4, 3)}
        same, slope = module.jvp(parameters, tangents, BATCH, seed=seed)
        assert same == value
        assert slope == pytest.approx(float((gradients["w"] * tangents["w"]).sum()), rel=1e-5, abs=1e-7)
        assert gradients["w"].dtype == dtype
        values.add(value)
    assert len(values) == 5
    assert module.train_step(parameters, module.init_optimizer_state(parameters), BATCH, seed=4) == value
    with pytest.raises(TypeError, match="seed"):
        module.loss(parameters, BATCH)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_keeps_a_share_and_scales_it(dtype):
    g = Graph("share", dtype=dtype)
    x = g.input("x", ("n",))
    dropped = ops.dropout(x, p=0.3)
    g.output(dropped)
    g.loss(dropped.sum())
    module = load(g)
    ones = np.ones(20_000)
    assert (module.forward({}, ones) == 1.0).all()
    _, gradients = module.value_and_grad({}, ones, seed=3)
    gradient = gradients["x"]
    assert gradient.dtype == dtype
    assert set(np.unique(gradient)) == {0.0, np.dtype(dtype).type(1.0) / np.dtype(dtype).type(0.7)}
    assert (gradient == 0.0).mean() == pytest.approx(0.3, abs=0.02)
    assert (gradient == 0.0).tolist() == (np.random.default_rng(3).random(20_000, dtype=dtype) < 0.3).tolist()


@pytest.mark.parametrize(("p", "expected"), [(0.0, 1.0), (1.0, 0.0), (0, 1.0)])
def test_dropout_of_nothing_and_of_everything(p, expected):
    g = Graph("extreme")
    x = g.input("x", (7,))
    g.loss(ops.dropout(x, p=p).sum())
    value, gradients = load(g).value_and_grad({}, np.arange(7.0), seed=0)
    assert value == 21.0 * expected and (gradients["x"] == expected).all()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_are_drawn_in_order_of_declaration(style, dtype):
    g = Graph("noisy", dtype=dtype)
    x = g.input("x", ("n", 3))
    first = ops.randn_like(x)
    second = ops.rand_like(x)
    third = ops.randn_like(x)
    g.output(third=third, first=first, second=second)
    g.loss((x * (third + 10.0 * second - first)).sum())
    module = load(g, style=style)
    generator = np.random.default_rng(11)
    expected = {"first": generator.standard_normal((4, 3), dtype=dtype)}
    expected["second"] = generator.random((4, 3), dtype=dtype)
    expected["third"] = generator.standard_normal((4, 3), dtype=dtype)
    x = np.ones((4, 3))
    found = module.forward({}, x, seed=11)
    for name, array in expected.items():
        assert (getattr(found, name) == array).all() and getattr(found, name).dtype == dtype
    _, gradients = module.value_and_grad({}, x, seed=11)
    assert np.allclose(gradients["x"], expected["third"] + 10.0 * expected["second"] - expected["first"], rtol=1e-5)
    assert not hasattr(module, "evaluate")  # noise of both forms


def test_functions_that_need_less_draw_the_same():
    """An output that reads the second of two draws, a loss that reads both: forward and evaluate agree on it."""
    g = Graph("shared")
    x = g.input("x", ("n",))
    only_loss, both = ops.randn_like(x), ops.randn_like(x)
    g.output(y=x + both)
    g.loss(ops.in_training(x + both, x + both + 0.0 * only_loss).sum())
    module = load(g)
    zeros = np.zeros(5)
    outputs = module.forward({}, zeros, seed=1)
    assert module.evaluate({}, zeros, seed=1) == pytest.approx(outputs.sum(), rel=1e-12)


def test_a_condition_that_is_moved_up_draws_in_its_turn():
    g = Graph("moved")
    x = g.input("x", (4,))
    safe = ops.log(x)
    first, second = ops.rand_like(x), ops.rand_like(x)
    g.output(first=first, second=second)
    g.loss(ops.where(second > 0.5, safe, first).sum())
    module, generator = load(g), np.random.default_rng(2)
    found = module.forward({}, seed=2)
    assert (found.first == generator.random(4)).all() and (found.second == generator.random(4)).all()
    expected = np.where(found.second > 0.5, 0.0, found.first).sum()
    assert module.loss({}, np.ones(4), seed=2) == expected


def test_draws_of_updates_come_after_those_of_the_loss():
    g = Graph("updated")
    x = g.input("x", (3,))
    s = g.state("s", (3,))
    g.update(s, s + ops.randn_like(x))
    g.loss((x * ops.randn_like(x) + 0.0 * s).sum())
    module = load(g)
    state, x = module.init_state(), np.ones(3)
    value, _, new = module.value_and_grad({}, x, state=state, seed=5)
    assert value == module.loss({}, x, state=state, seed=5)
    generator = np.random.default_rng(5)
    assert value == generator.standard_normal(3).sum() and (new["s"] == generator.standard_normal(3)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_scalars_are_drawn_too(dtype):
    g = Graph("scalars", dtype=dtype)
    x = g.input("x")
    w = g.param("w")
    dropped = ops.dropout(x * w, p=0.5)
    g.output(dropped)
    g.loss(dropped + ops.randn_like(x) * w)
    for style in STYLES:
        module = load(g, style=style, mode="both")
        parameters = {"w": 2.0}
        value, gradients = module.value_and_grad(parameters, 3.0, seed=8)
        generator = np.random.default_rng(8)
        kept = generator.random((), dtype=dtype) >= 0.5
        noise = generator.standard_normal((), dtype=dtype)
        assert value == pytest.approx(2.0 * noise + kept * 12.0, rel=1e-6)
        assert gradients["w"] == pytest.approx(noise + kept * 6.0, rel=1e-6)
        assert module.jvp(parameters, {"w": 1.0}, 3.0, seed=8)[1] == pytest.approx(float(gradients["w"]))
        assert module.forward(parameters, 3.0) == 6.0
        assert type(value) is float and (dtype == "float32" or type(gradients["w"]) is float)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_gradients_are_checked_with_one_mask(mode):
    module = load(dropping(), mode=mode)
    assert max(module.check_gradients(seed=3).values()) < 1e-7


@pytest.mark.parametrize("style", STYLES)
def test_what_is_written_within_a_line_is_drawn_in_its_turn(style):
    g = Graph("inside")
    x = g.input("x", (4,))
    draws = [ops.rand_like(x), ops.randn_like(x)]
    g.loss((x * draws[1] + draws[0]).sum())
    generator = np.random.default_rng(6)
    uniform, normal = generator.random(4), generator.standard_normal(4)
    assert load(g, style=style).loss({}, np.full(4, 3.0), seed=6) == (3.0 * normal + uniform).sum()


def test_two_draws_are_never_merged():
    g = Graph("apart")
    x = g.input("x", (50,))
    g.loss((ops.rand_like(x) - ops.rand_like(x)).sum() + 0.0 * x.sum())
    assert load(g).loss({}, np.ones(50), seed=0) != 0.0


def test_arguments_yield_to_names_of_the_user():
    g = Graph("yielding")
    seed = g.input("seed", ("n",))
    generator = ops.dropout(seed)
    state = g.state("state", ())
    g.update(state, state + generator.mean())
    g.output(generator=generator + state)
    g.loss((generator * generator).sum() / 4.0)
    module = load(g)
    given = {"state": np.array(1.0)}
    value, gradients, new = module.value_and_grad({}, np.ones(4), state_=given, seed_=0)
    assert keywords(module.loss) == ["state_", "seed_"]
    assert value == module.loss({}, np.ones(4), state_=given, seed_=0)
    kept = np.random.default_rng(0).random(4) >= 0.5
    assert new["state"] == 1.0 + kept.sum() * 2.0 / 4.0 and (gradients["seed"] == 2.0 * kept).all()
    assert max(module.check_gradients().values()) < 1e-9


def test_layers_before_a_dropout_are_not_disturbed():
    """What is dropped is no branch of a where: nothing before it is protected, and no number is drawn out of turn."""
    g = Graph("pole")
    x = g.input("x", ("n", 3))
    g.loss(ops.dropout(layers.dense(ops.log(x), 2, name="fc")).sum())
    module = load(g)
    parameters = {"fc_w": np.ones((3, 2)), "fc_b": np.zeros(2)}
    _, gradients = module.value_and_grad(parameters, np.ones((4, 3)), seed=2)
    assert np.isfinite(gradients["fc_w"]).all()
    assert "safe" not in compile(g) and "np.where" not in compile(g)
