"""What surrounds an optimizer's step: the check of its state, in exact words, clipping, noise, and the bound of norms."""

import math

import numpy as np
import pytest
from runtime_module import build, source

TABLES = '_trained = ("w",)\n_memory = ("m",)\n_numbers = ("step", "product")\n'


@pytest.fixture(scope="module", params=["_check_step", "_check_step_scalar"])
def check(request, tmp_path_factory):
    """A check of one parameter, w, as a function of the state."""
    scalar = request.param == "_check_step_scalar"
    rename = {"_check_step_scalar": "_check_step"} if scalar else {}
    module = build(tmp_path_factory.mktemp("optimize"), source(["_check_step"], rename=rename, supplied=TABLES))
    w = 1.0 if scalar else np.ones(2)

    def call(state):
        return module._check_step({"w": w}, state, {"w": w})

    call.state = {"step": 0, "product": 1.0, "m": {"w": w}}
    return call


@pytest.mark.parametrize("step", [0, 7, np.int64(7), np.array(7), np.uint8(7)])
def test_a_state_that_fits(check, step):
    check({**check.state, "step": step, "product": np.array(0.5)})


@pytest.mark.parametrize("step", ["a", -1, 1.0, True, None, [1], np.array([1])])
def test_a_step_that_is_no_count(check, step):
    with pytest.raises(ValueError) as caught:
        check({**check.state, "step": step})
    assert str(caught.value) == f"optimizer_state['step']: expected an int from 0 up, got {step!r}"


@pytest.mark.parametrize("product", ["a", True, None, [1.0]])
def test_a_number_that_is_none(check, product):
    with pytest.raises(ValueError) as caught:
        check({**check.state, "product": product})
    assert str(caught.value) == f"optimizer_state['product']: expected a number, got {product!r}"


@pytest.mark.parametrize(("change", "missing"), [("step", "step"), ("product", "product"), ("m", "m")])
def test_what_is_missing(check, change, missing):
    state = {key: value for key, value in check.state.items() if key != change}
    for each in (state, {**state, "m": {}}):
        with pytest.raises(ValueError) as caught:
            check(each)
        said = f"optimizer_state: {missing} is missing; start with init_optimizer_state(parameters)"
        assert str(caught.value) == said


def test_a_state_that_is_no_dict(check):
    with pytest.raises(ValueError, match="^optimizer_state: expected a dict, got NoneType$"):
        check(None)


def test_memory_that_does_not_fit(check):
    whose = r"^optimizer_state\['m'\]\['w'\]: expected "
    for wrong in ("a", np.ones(3), np.ones(2, dtype=int)):
        with pytest.raises(ValueError, match=whose):
            check({**check.state, "m": {"w": wrong}})


# Clipping, noise and norms, for arrays and for numbers.


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    names = ["_clip_value", "_clip_norm", "_with_noise", "_limit_norms"]
    names += ["_clip_value_scalar", "_clip_norm_scalar", "_with_noise_scalar"]
    return build(tmp_path_factory.mktemp("gradients"), source(names, supplied=""))


def some(dtype="float64"):
    return {
        "w": np.array([[3.0, 0.0], [-4.0, 0.0]], dtype),
        "b": np.array(12.0, dtype),
        "none": np.zeros((0, 2), dtype),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_clipped(module, dtype):
    clipped = module._clip_value(some(dtype), 3.5)
    assert clipped["w"].tolist() == [[3.0, 0.0], [-3.5, 0.0]] and clipped["b"] == 3.5
    assert all(array.dtype == dtype for array in clipped.values())
    assert module._clip_value_scalar({"x": 4.0, "y": -9.0, "z": 1.0}, 3.5) == {"x": 3.5, "y": -3.5, "z": 1.0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_common_norm_is_clipped(module, dtype):
    given = some(dtype)  # of norm 13
    clipped = module._clip_norm(given, 6.5)
    scale = 6.5 / (13.0 + 1e-6)
    assert all(np.allclose(clipped[name], scale * given[name], rtol=1e-6, atol=0.0) for name in given)
    assert all(array.dtype == dtype for array in clipped.values())
    assert module._clip_norm(given, 13.1) is given
    numbers = {"x": 3.0, "y": -4.0}
    assert module._clip_norm_scalar(numbers, 2.5) == pytest.approx({"x": 1.5, "y": -2.0}, rel=1e-6)
    assert module._clip_norm_scalar(numbers, 5.1) is numbers


def test_norms_neither_overflow_nor_vanish(module):
    clipped = module._clip_norm({"w": np.array([3e200, 4e200]), "b": np.zeros(2)}, 2.5e200)
    assert clipped["w"] == pytest.approx(np.array([1.5e200, 2e200]), rel=1e-15)
    for size in (1e-200, 1e200):
        parameter = np.array([[3.0, 0.3], [4.0, 0.4]]) * size
        module._limit_norms(parameter, size)
        assert parameter == pytest.approx(np.array([[0.6, 0.3], [0.8, 0.4]]) * size, rel=1e-15, abs=0.0)


def test_gradients_of_zero_and_of_infinity_are_left_alone(module):
    for value in (0.0, math.inf):
        given = {"w": np.full(2, value)}
        assert module._clip_norm(given, 1.0) is given
    assert module._clip_norm({}, 1.0) == {}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_has_its_variance_and_follows_from_the_seed(module, dtype):
    given = {"w": np.ones((200, 100), dtype), "b": np.zeros((), dtype)}
    first, same, other = (module._with_noise(given, 0.04, seed) for seed in [(3, 1), (3, 1), (3, 2)])
    assert all(array.dtype == dtype and array.shape == given[name].shape for name, array in first.items())
    noise = first["w"] - 1.0
    assert abs(noise.mean()) < 0.006 and noise.std() == pytest.approx(0.2, rel=0.02)
    assert np.array_equal(first["w"], same["w"]) and not np.array_equal(first["w"], other["w"])
    assert (given["w"] == 1.0).all()


def test_noise_of_numbers(module):
    drawn = [module._with_noise_scalar({"x": 1.0, "y": 2.0}, 0.04, (0, step)) for step in range(2000)]
    noise = np.array([[each["x"] - 1.0, each["y"] - 2.0] for each in drawn])
    assert type(drawn[0]["x"]) is float
    assert abs(noise.mean()) < 0.02 and noise.std() == pytest.approx(0.2, rel=0.05)
    assert drawn[7] == module._with_noise_scalar({"x": 1.0, "y": 2.0}, 0.04, (0, 7))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms_are_those_of_the_weights_that_a_unit_reads_with(module, dtype):
    generator = np.random.default_rng(0)
    for shape, axes in [((), ()), ((4,), (0,)), ((4, 3), (0,)), ((3, 4, 2), (1, 2)), ((3, 2, 3, 3), (1, 2, 3))]:
        before = generator.normal(size=shape).astype(dtype)
        norms = np.sqrt((before.astype("float64") ** 2).sum(axis=axes, keepdims=True))
        largest = float(np.median(norms))
        after = before.copy()
        module._limit_norms(after, largest)
        assert after.dtype == dtype
        assert after == pytest.approx(before * np.minimum(1.0, largest / norms), rel=1e-6)


def test_norms_of_nothing(module):
    for shape in [(0, 3), (3, 0), (2, 0, 3)]:
        module._limit_norms(np.zeros(shape), 1.0)
    zeros = np.zeros((3, 2))
    module._limit_norms(zeros, 1.0)
    assert (zeros == 0.0).all()
