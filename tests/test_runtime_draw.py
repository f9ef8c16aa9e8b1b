"""The point that check_gradients draws: values within their bounds, sizes that fit each other."""

import numpy as np
import pytest
from runtime_module import build, one_input, source, supplied


@pytest.mark.parametrize(
    ("bounds", "low", "high"),
    [("(2.0, 3.0)", 2.0, 3.0), ("(5.0, None)", 5.0, np.inf), ("(None, -5.0)", -np.inf, -5.0), ("(None, None)", -9, 9)],
)
def test_floats_are_drawn_within_their_bounds(tmp_path, bounds, low, high):
    module = one_input(tmp_path, "x", "np.ones(500)", shape="(500,)", bounds=f'{{"x": {bounds}}}')
    x = module._draw_point(np.random.default_rng(0), None, 0, {})["x"]
    assert x.shape == (500,) and (low <= x).all() and (x < high).all() and x.std() > 0.1


@pytest.mark.parametrize(
    ("dtype", "bounds", "values"),
    [("int64", "(0, 'n')", range(3)), ("int64", "(2, 5)", range(2, 5)), ("int64", "(None, None)", range(10)),
     ("int8", "(-3, None)", range(-3, 7)), ("bool", "(None, None)", (False, True))],
)  # fmt: skip
def test_integers_are_drawn_within_their_bounds(tmp_path, dtype, bounds, values):
    inputs = f'{{"table": (("n",), "float64"), "x": ((500,), "{dtype}")}}'
    tables = supplied(inputs=inputs, bounds=f'{{"x": {bounds}}}')
    module = build(
        tmp_path, source(["check_gradients"], supplied=tables, body="def init_parameters(seed=0):\n    return {}")
    )
    x = module._draw_point(np.random.default_rng(0), None, 0, {})["x"]
    assert x.dtype == dtype and set(x.tolist()) == set(values)


def test_sizes_are_3_4_5_in_order_of_appearance_and_shared_with_parameters(tmp_path):
    tables = supplied('{"w": (("n", "m"), "float64")}', '{"x": (("batch", "n"), "float64"), "y": (("m",), "float64")}',
                      sizes='("n", "m")')  # fmt: skip
    body = "def init_parameters(seed=0, *, n, m):\n    return {'w': np.zeros((n, m))}"
    module = build(tmp_path, source(["check_gradients"], supplied=tables, body=body))
    generator = np.random.default_rng(0)
    shapes = {name: value.shape for name, value in module._draw_point(generator, None, 0, {}).items()}
    assert shapes == {"w": (4, 5), "x": (3, 4), "y": (5,)}
    shapes = {name: value.shape for name, value in module._draw_point(generator, None, 0, {"y": [1.0, 2.0]}).items()}
    assert shapes == {"w": (4, 2), "x": (3, 4), "y": (2,)}
    point = module._draw_point(generator, {"w": np.ones((7, 6))}, 0, {})
    assert {name: value.shape for name, value in point.items()} == {"w": (7, 6), "x": (3, 7), "y": (6,)}


def test_initial_parameters_get_noise_and_given_ones_do_not(tmp_path):
    body = "def init_parameters(seed=0):\n    return {'w': np.full(20, float(seed))}"
    module = build(tmp_path, source(["check_gradients"], supplied=supplied('{"w": ((20,), "float64")}'), body=body))
    noise = module._draw_point(np.random.default_rng(0), None, 7, {})["w"] - 7.0
    assert (noise != 0.0).all() and 0.05 < noise.std() < 0.2
    given = {"w": np.ones(20)}
    assert (module._draw_point(np.random.default_rng(0), given, 7, {})["w"] == 1.0).all()


def test_derived_sizes_stand_in_for_plain_ones(tmp_path):
    tables = supplied(inputs='{"x": (("n",), "float64"), "y": (("2*n + 1", "(n - 1)//2"), "float64")}')
    body = "def init_parameters(seed=0):\n    return {}"
    text = source(["check_gradients"], rename={"_derived_size": "_size"}, supplied=tables, body=body)
    point = build(tmp_path, text)._draw_point(np.random.default_rng(0), None, 0, {})
    assert point["x"].shape == (3,) and point["y"].shape == (7, 1)
