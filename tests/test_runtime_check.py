"""check_gradients in hand-written modules: right gradients pass, wrong ones fail, kinks are left out and said."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from runtime_module import build, one_input, source, supplied

# softmax regression: loss = mean(log(sum(exp(x @ w + b))) - (x @ w + b)[label])
REGRESSION = """
def init_parameters(seed=0):
    parameters = _views({name: shape for name, (shape, _) in PARAMETERS.items()})
    parameters["w"][...] = glorot_uniform(np.random.default_rng(seed), (3, 2))
    return parameters


def loss(parameters, x, label):
    return value_and_grad(parameters, x, label)[0]


def value_and_grad(parameters, x, label):
    w, b, x, label = _check(parameters, x=x, label=label)
    batch = x.shape[0]
    logits = x @ w + b
    logits = logits - finite_max(logits, 1)
    exp = np.exp(logits)
    total = exp.sum(axis=1, keepdims=True)
    result = (np.log(total[:, 0]) - logits[np.arange(batch), label]).sum() / batch
    d_logits = exp / total / batch
    d_logits[np.arange(batch), label] -= 1.0 / batch
    return float(result), {"w": x.T @ d_logits, "b": d_logits.sum(axis=0)}


_value_and_grad = value_and_grad
"""
NAMES = ["check_gradients", "_main", "_check", "_views", "glorot_uniform", "finite_max"]
MAIN = '\n\nif __name__ == "__main__":\n    _main()\n'


def test_right_gradients_pass_far_below_the_tolerance(tmp_path):
    module = build(tmp_path, source(NAMES, body=REGRESSION))
    errors = module.check_gradients()
    assert list(errors) == ["w", "b"]
    assert max(errors.values()) < 1e-9


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("d_logits.sum(axis=0)", "d_logits.sum(axis=0) * 1.00001"),
        ("x.T @ d_logits", "x.T @ (exp / total / batch)"),
        ("x.T @ d_logits", "np.zeros((3, 2))"),
        ("x.T @ d_logits", "np.full((3, 2), np.nan)"),
    ],
)
def test_wrong_gradients_fail_with_the_table(tmp_path, right, wrong):
    module = build(tmp_path, source(NAMES, body=REGRESSION.replace(right, wrong)))
    with pytest.raises(AssertionError, match=r"wrong gradients\nname  shape   largest  worst error  notes\nw "):
        module.check_gradients()


def test_the_tolerance_decides(tmp_path):
    body = REGRESSION.replace("d_logits.sum(axis=0)", "d_logits.sum(axis=0) * 1.001")
    module = build(tmp_path, source(NAMES, body=body))
    assert module.check_gradients(tolerance=0.01)["b"] == pytest.approx(0.001, rel=1e-3)
    with pytest.raises(AssertionError):
        module.check_gradients(tolerance=1e-4)


def test_a_gradient_of_another_shape_is_wrong(tmp_path):
    module = build(tmp_path, source(NAMES, body=REGRESSION.replace("d_logits.sum(axis=0)", "d_logits.sum()")))
    with pytest.raises(AssertionError) as caught:
        module.check_gradients()
    assert str(caught.value) == "the gradient of b has shape (), its value (2,)"


def test_both_functions_must_answer_with_one_loss(tmp_path):
    module = one_input(tmp_path, "x", "np.ones(2)")
    right = module.loss
    module._value_and_grad = lambda parameters, x: (right(parameters, x) + 1e-3, {})
    with pytest.raises(AssertionError, match="^value_and_grad answers with the loss .*, loss with "):
        module.check_gradients()


def test_a_float32_module_is_checked_in_float64_and_left_as_it_was(tmp_path):
    text = (
        source(NAMES, body=REGRESSION).replace('"float64"', '"float32"').replace("= np.float64\n", "= np.float32\n", 1)
    )
    assert "_float = np.float32" in text
    module = build(tmp_path, text)
    assert max(module.check_gradients().values()) < 1e-9
    assert module._float is np.float32
    module.loss = lambda *arguments: 1 / 0
    with pytest.raises(ZeroDivisionError):
        module.check_gradients()
    assert module._float is np.float32


def test_arguments_given_are_used_and_not_touched(tmp_path):
    module = build(tmp_path, source(NAMES, body=REGRESSION))
    parameters = {"w": np.ones((3, 2)), "b": np.zeros(2)}
    x = np.full((7, 3), 0.5)
    seen = []
    inner = module.loss
    module.loss = lambda parameters, x, label: seen.append((x.shape, label.shape)) or inner(parameters, x, label)
    module.check_gradients(parameters, x=x)
    assert set(seen) == {((7, 3), (7,))}
    assert (x == 0.5).all() and (parameters["w"] == 1.0).all() and (parameters["b"] == 0.0).all()


def test_the_same_seed_draws_the_same_point(tmp_path):
    module = build(tmp_path, source(NAMES, body=REGRESSION))
    assert module.check_gradients(seed=3) == module.check_gradients(seed=3)
    assert module.check_gradients(seed=3) != module.check_gradients(seed=4)


def test_unknown_inputs_are_refused(tmp_path):
    module = build(tmp_path, source(NAMES, body=REGRESSION))
    with pytest.raises(ValueError, match="^unknown: y; known are x, label$"):
        module.check_gradients(y=1.0)
    with pytest.raises(ValueError, match=r"^label: expected shape \(batch,\) with batch = 5 as in x, got \(4,\)$"):
        module.check_gradients(x=np.ones((5, 3)), label=np.zeros(4, int))


def test_entries_at_a_kink_are_left_out_and_said(tmp_path):
    module = one_input(tmp_path, "np.maximum(x, 0.0)", "(x > 0.0) * 1.0", shape="(3,)")
    assert module.check_gradients(x=[0.0, 1.0, -1.0])["x"] < 1e-9
    rows = module._gradient_rows(None, 0, {"x": [0.0, 1.0, -1.0]})
    assert module._gradient_table(rows) == (
        "name  shape  largest  worst error  notes\nx     (3,)   1.0e+00  0.0e+00      1 of 3 at a kink, left out"
    )


def test_a_gradient_at_kinks_alone_has_no_error(tmp_path):
    module = one_input(tmp_path, "np.abs(x)", "np.sign(x)", shape="()")
    assert math.isnan(module.check_gradients(x=0.0)["x"])


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-5, 1e-7])
def test_near_a_kink_the_steps_shrink(tmp_path, distance):
    module = one_input(tmp_path, "np.where(x > 0.0, x * x + x, -3.0 * x)", "np.where(x > 0.0, 2.0 * x + 1.0, -3.0)")
    x = [distance, -distance]
    assert module.check_gradients(x=x)["x"] < 1e-6
    assert module._gradient_rows(None, 0, {"x": x})[0][4] == ""


def test_a_wrong_gradient_beside_a_kink_is_found(tmp_path):
    module = one_input(tmp_path, "np.maximum(x, 0.0) + x**2", "(x > 0.0) * 1.0 + 1.99 * x", shape="(3,)")
    with pytest.raises(AssertionError):
        module.check_gradients(x=[0.0, 1e-3, -1.0])


def test_a_wrong_gradient_beside_a_jump_is_found(tmp_path):
    value = "np.where(np.arange(2) == 0, 1e6 * np.floor(x), np.sin(x))"
    module = one_input(tmp_path, value, "np.where(np.arange(2) == 0, 0.0, np.cos(x))")
    assert module.check_gradients(x=[1.0, 1.0])["x"] < 1e-6
    module = one_input(tmp_path, value, "np.where(np.arange(2) == 0, 0.0, 0.0)")
    with pytest.raises(AssertionError):
        module.check_gradients(x=[0.0, 1.0])


def test_large_values_take_large_steps(tmp_path):
    module = one_input(tmp_path, "x**2", "2.0 * x")
    assert module.check_gradients(x=[3e9, 1.0])["x"] < 1e-9
    assert module._gradient_rows(None, 0, {"x": [3e9, 1.0]})[0][4] == ""
    with pytest.raises(AssertionError):
        one_input(tmp_path, "x**2", "2.00001 * x").check_gradients(x=[3e9, 1.0])


def test_all_zero_gradients_are_said(tmp_path):
    module = one_input(tmp_path, "0.0 * x + 1.0", "np.zeros(2)")
    assert module._gradient_rows(None, 0, {}) == [("x", (2,), 0.0, 0.0, "all zero")]


def test_rounding_beside_a_large_loss_is_no_error(tmp_path):
    # softmax does not change when all its logits do: the true slope of the shift is zero
    value = "np.log(np.exp(np.arange(5.0) + x).sum()) - (1.0 + x) + 10.0"
    module = one_input(tmp_path, value, "np.array(1e-17)", shape="()")
    assert module.check_gradients()["x"] < 1e-6
    assert module._gradient_rows(None, 0, {})[0][4] == "too small to measure well"


def test_steps_out_of_the_domain_are_skipped(tmp_path):
    module = one_input(tmp_path, "np.log(x) + np.sqrt(x)", "1.0 / x + 0.5 / np.sqrt(x)")
    assert module.check_gradients(x=[1e-3, 5.0])["x"] < 1e-9


def test_a_loss_that_is_not_finite_is_refused(tmp_path):
    module = one_input(tmp_path, "x", "np.ones(2)")
    with pytest.raises(ValueError, match="^the loss is inf at this point: pass other inputs, or declare their low "):
        module.check_gradients(x=[np.inf, 1.0])


def test_of_large_arrays_some_entries_and_a_direction_are_checked(tmp_path):
    module = one_input(tmp_path, "np.sin(x)", "np.cos(x)", shape="(100, 70)")
    (row,) = module._gradient_rows(None, 0, {})
    assert row[3] < 1e-8 and row[4] == "64 of 7000 entries and a direction"
    # one wrong entry, which is not among the 64, shows along the direction
    module = one_input(tmp_path, "np.sin(x)", "np.where(np.arange(7000).reshape(100, 70) == 1, 0, np.cos(x))",
                       shape="(100, 70)")  # fmt: skip
    assert 1 not in module._directions(np.random.default_rng(5), 7000)[0][:64]
    with pytest.raises(AssertionError):
        module.check_gradients(x=np.zeros((100, 70)))


def test_an_empty_array_has_no_error(tmp_path):
    module = one_input(tmp_path, "x", "np.ones((0, 2))", shape="(0, 2)")
    assert module.check_gradients() == {"x": 0.0}


SCALAR = """
def init_parameters(seed=0):
    return {"w": 0.0}


def loss(parameters, x):
    w, x = _check(parameters, x=x)
    return sigmoid(w * x) + math.log(x)


def value_and_grad(parameters, x):
    w, x = _check(parameters, x=x)
    y = sigmoid(w * x)
    return loss(parameters, x), {"w": y * (1.0 - y) * x, "x": y * (1.0 - y) * w + 1.0 / x}


_value_and_grad = value_and_grad
"""


def test_scalar_modules_are_checked_in_python_floats(tmp_path):
    tables = supplied('{"w": ((), "float64")}', '{"x": ((), "float64")}', bounds='{"x": (0.0, 0.01)}')
    rename = {"_check_scalar": "_check", "sigmoid_scalar": "sigmoid"}
    module = build(tmp_path, source(["check_gradients", "sigmoid"], rename=rename, supplied=tables, body=SCALAR))
    errors = module.check_gradients()  # steps below 0 raise in math.log
    assert list(errors) == ["w", "x"] and max(errors.values()) < 1e-8
    assert type(module.loss({"w": 1}, np.array(2.0))) is float


def test_a_forward_mode_module_builds_its_gradient_from_jvp(tmp_path):
    tables = supplied('{"w": ((2, 3), "float64")}', '{"x": ((3,), "float64")}', more='_wrt = ("w", "x")\n')
    body = """
def init_parameters(seed=0):
    return {"w": np.ones((2, 3))}


def loss(parameters, x):
    return jvp(parameters, {}, x)[0]


def jvp(parameters, tangents, x):
    w, x = _check(parameters, x=x)
    w_dot, x_dot = _check_tangents(tangents, w=w, x=x)
    y, y_dot = w @ x, w_dot @ x + w @ x_dot
    return float((y * y).sum()), float((2.0 * y * y_dot).sum())
"""
    names = ["check_gradients", "_value_and_grad_by_jvp", "_check_tangents"]
    text = source(names, rename={"_value_and_grad_by_jvp": "_value_and_grad"}, supplied=tables, body=body)
    errors = build(tmp_path, text).check_gradients()
    assert list(errors) == ["w", "x"] and max(errors.values()) < 1e-9
    text = text.replace("2.0 * y * y_dot", "y * y_dot")
    with pytest.raises(AssertionError):
        build(tmp_path, text).check_gradients()


def run(path):
    """Run a module as a program, warnings being errors."""
    environment = {**os.environ, "PYTHONPATH": ""}
    return subprocess.run(
        [sys.executable, "-W", "error", path], check=False, capture_output=True, text=True, env=environment
    )


def test_as_a_program_it_prints_the_table(tmp_path):
    path = tmp_path / "right.py"
    path.write_text(source(NAMES, body=REGRESSION + MAIN))
    result = run(path)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "name  shape   largest  worst error  notes"
    assert [line.split()[0] for line in lines] == ["name", "w", "b"]


def test_as_a_program_it_exits_with_1_if_a_gradient_is_wrong(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(source(NAMES, body=REGRESSION.replace("x.T @ d_logits", "-x.T @ d_logits") + MAIN))
    result = run(path)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines()[1].startswith("w     (3, 2)")
