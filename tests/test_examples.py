"""The examples against the numbers that their sources publish, in both styles and as committed in generated/."""

import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import convolve, correlate
from sklearn.svm import SVC

from graphgen import Graph, load
from graphgen.model import load_model

ROOT = Path(__file__).resolve().parent.parent
GENERATED = sorted((ROOT / "generated").glob("*.py"))


def graph_of(name):
    return load_model(str(ROOT / "examples" / f"{name}.py"))


def committed(name):
    spec = importlib.util.spec_from_file_location(f"generated_{name}", ROOT / "generated" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["teach", "compact", "committed"])
def module(request):
    """A function that gives the module of an example."""
    if request.param == "committed":
        return lambda name, **options: committed(name)
    return lambda name, **options: load(graph_of(name), style=request.param, **options)


@pytest.fixture
def training(monkeypatch):
    """A function that gives what the script of an example holds."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    return lambda name: runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


def test_product(module):
    for name in ("product", "product_networkx"):
        product = module(name)
        assert product.forward({}, -2, 5, -4) == -12.0
        assert product.value_and_grad({}, -2, 5, -4) == (-12.0, {"x": -4.0, "y": -4.0, "z": 3.0})


def test_both_ways_of_declaring_the_product_give_equal_graphs():
    declared, hand_made = graph_of("product"), graph_of("product_networkx")
    assert declared == hand_made
    swapped = Graph("product")
    x, y, z = swapped.inputs("x y z")
    q = y + x
    f = q * z
    swapped.output(f)
    assert declared != swapped


def test_sigmoid_neuron(module):
    neuron = module("sigmoid_neuron", wrt=("x0", "x1"), mode="both")
    parameters = neuron.init_parameters()
    assert parameters == {"w0": 2.0, "w1": -3.0, "w2": -3.0}
    published = {
        "w0": -0.19661193,
        "x0": 0.39322387,
        "w1": -0.39322387,
        "x1": -0.58983580,
        "w2": 0.19661193,
    }
    value, gradients = neuron.value_and_grad(parameters, -1, -2)
    assert value == pytest.approx(0.7310585786, abs=5e-11)
    assert gradients == pytest.approx(published, abs=5e-9)
    for name, slope in published.items():
        assert neuron.jvp(parameters, {name: 1.0}, -1, -2) == (value, pytest.approx(slope, abs=5e-9))


def test_log_product(module):
    log_product = module("log_product", mode="both")
    value, gradients = log_product.value_and_grad({}, 2, 5)
    assert value == pytest.approx(11.652071455223084, rel=1e-15)
    assert gradients == pytest.approx({"x1": 5.5, "x2": 1.71633781}, abs=5e-9)
    assert log_product.jvp({}, {"x1": 1}, 2, 5) == (value, pytest.approx(5.5, rel=1e-15))
    assert log_product.jvp({}, {"x2": 1}, 2, 5) == (value, pytest.approx(1.71633781, abs=5e-9))


def test_two_layer(module):
    two_layer = module("two_layer")
    example = {"i1": 0.05, "i2": 0.10, "target1": 0.01, "target2": 0.99}
    parameters = two_layer.init_parameters()
    biases = {"b1": 0.35, "b2": 0.60}
    assert list(parameters.values()) == [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55, 0.35, 0.60]

    error, gradients = two_layer.value_and_grad(parameters, **example)
    assert error == pytest.approx(0.2983711087600027, rel=1e-15)
    assert gradients["w5"] == pytest.approx(0.0821670405642308, rel=1e-14)
    assert gradients["w1"] == pytest.approx(0.00043856773447434696, rel=1e-14)
    assert list(gradients) == [f"w{k}" for k in range(1, 9)]

    state = two_layer.init_optimizer_state(parameters)
    assert two_layer.train_step(parameters, state, **example) == error
    first_step = [0.14978072, 0.19956143, 0.24975114, 0.29950229, 0.35891648, 0.40866619, 0.51130127, 0.56137012]
    assert [parameters[f"w{k}"] for k in range(1, 9)] == pytest.approx(first_step, abs=5e-9)

    for _ in range(9_999):
        two_layer.train_step(parameters, state, **example)
    assert two_layer.loss(parameters, **example) == pytest.approx(3.510188e-05, abs=5e-12)
    assert {name: parameters[name] for name in biases} == biases


def test_logistic_regression(module):
    logistic = module("logistic")
    x = np.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
    target = np.array([True, True, False, True])
    parameters = logistic.init_parameters()
    state = logistic.init_optimizer_state(parameters)
    assert logistic.loss(parameters, x, target) == pytest.approx(2.772588722239781, rel=1e-15)
    for _ in range(100):
        logistic.train_step(parameters, state, x, target)
    assert logistic.loss(parameters, x, target) == pytest.approx(1.0672706757870163, rel=1e-14)
    assert parameters["weights"] == pytest.approx([0.48307366, -0.37057217, 1.06937395], abs=5e-9)


def test_the_gradient_of_a_convolution_is_the_convolution_with_the_rotated_kernel(module):
    convolution = module("convolution", wrt=("image",))
    parameters = convolution.init_parameters()
    image = np.zeros((1, 1, 6, 6))
    image[..., 3:] = 1.0  # a vertical edge: Sobel's kernel answers -4 at the two windows that lie across it
    target = np.arange(16.0).reshape(1, 1, 4, 4) % 5.0
    edges, image_by_hand, kernel_by_hand = convolution.forward(parameters, image, target)
    assert edges[0, 0].tolist() == [[0.0, -4.0, -4.0, 0.0]] * 4
    gradients = convolution.value_and_grad(parameters, image, target)[1]
    np.testing.assert_array_equal(gradients["image"], image_by_hand)
    np.testing.assert_array_equal(gradients["kernel"], kernel_by_hand)
    error, kernel = (edges - target)[0, 0], parameters["kernel"][0, 0]
    np.testing.assert_array_equal(image_by_hand[0, 0], convolve(error, kernel, mode="full"))
    np.testing.assert_array_equal(kernel_by_hand[0, 0], correlate(image[0, 0], error, mode="valid"))


@pytest.mark.parametrize("name", ["xor", "moons", "svm", "digits"])
def test_styles_give_the_same_numbers(name):
    modules = [load(graph_of(name), style=style) for style in ("teach", "compact")]
    generator = np.random.default_rng(0)
    sizes = {"batch": 7, "rows": 7, "features": 4}
    inputs = {}
    for argument, (shape, dtype) in modules[0].INPUTS.items():
        shape = tuple(sizes.get(size, size) for size in shape)
        inputs[argument] = generator.integers(2, size=shape) if dtype == "int64" else generator.normal(size=shape)
    parameters = modules[0].init_parameters(**({"features": 4} if name == "svm" else {}))
    parameters = {key: value + 0.1 * generator.normal(size=value.shape) for key, value in parameters.items()}
    teach, compact = (module.value_and_grad(parameters, **inputs) for module in modules)
    tolerance = 1e-5 if name == "digits" else 1e-13
    assert teach[0] == pytest.approx(compact[0], rel=tolerance)
    for key, gradient in teach[1].items():
        assert np.linalg.norm(gradient - compact[1][key]) <= tolerance * np.linalg.norm(gradient)


@pytest.mark.parametrize("seed", range(5))
def test_exclusive_or_is_learned(training, seed):
    trained = training("train_xor")
    probability = trained["xor"].forward(trained["train"](seed), trained["X"])
    assert np.abs(probability - trained["TARGET"]).max() < 0.05


def test_moons_are_told_apart(training):
    trained = training("train_moons")
    parameters, loss = trained["train"](seed=0)
    assert loss < 0.075
    assert trained["accuracy"](parameters) >= 0.97


def test_the_support_vector_machine_reaches_the_optimum(training):
    """scikit-learn solves the dual problem; both minima are one."""
    trained = training("train_svm")
    x, x_test, label, label_test = trained["data"]()
    parameters = trained["train"](x, label)
    solved = SVC(kernel="linear", C=1 / (0.01 * len(x)), tol=1e-8).fit(x, label)
    least = trained["svm"].loss({"w": solved.coef_[0], "b": solved.intercept_[0]}, x, label)
    assert least <= trained["svm"].loss(parameters, x, label) <= 1.005 * least
    assert trained["accuracy"](parameters, x_test, label_test) >= 0.95


def test_digits_are_read(training):
    trained = training("train_digits")
    x, x_test, label, label_test = trained["data"]()
    assert (len(x), len(x_test)) == (1437, 360)
    accuracies = [trained["accuracy"](trained["train"](x, label, seed), x_test, label_test) for seed in range(5)]
    assert np.mean(accuracies) >= 0.97


def test_digits_are_read_with_a_bit_for_each_weight(training):
    trained = training("train_binarised")
    x, x_test, label, label_test = trained["data"]()
    parameters = trained["train"](x, label, seed=0)
    bits = trained["packed"](parameters)
    assert set(np.unique(bits["w"])) == {-1.0, 1.0}
    assert trained["accuracy"](bits, x_test, label_test) >= 0.95
    np.testing.assert_array_equal(trained["binarised"].forward(bits, x), trained["binarised"].forward(parameters, x))
    assert max(trained["binarised"].check_gradients().values()) < 1e-6


# Runs in a process of its own, with the path of a generated module as its argument.
ALONE = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {"numpy", *sys.stdlib_module_names}:
            raise ImportError(f"only numpy and the standard library are here, not {name}")

sys.meta_path.insert(0, Refusing())
for name in ("graphgen", "scipy"):
    try:
        __import__(name)
    except ImportError as error:
        assert str(error) == f"only numpy and the standard library are here, not {name}"
    else:
        sys.exit(f"{name} is imported")

import importlib.util
import numpy as np

def imported(path):
    spec = importlib.util.spec_from_file_location("alone", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

generator = np.random.default_rng(0)

def sized(shape):
    return tuple(4 if isinstance(size, str) else size for size in shape)

def drawn(shape, dtype):
    if dtype.startswith("float"):
        return generator.uniform(0.5, 1.0, sized(shape))
    return generator.integers(2, size=sized(shape)).astype(dtype)

module = imported(sys.argv[1])
inputs = {name: drawn(*declared) for name, declared in module.INPUTS.items()}
if not hasattr(module, "init_parameters"):
    parameters = {name: drawn(*declared) for name, declared in module.PARAMETERS.items()}
    print("forward", np.shape(module.forward(parameters, **inputs)))
    sys.exit()

symbols = {size: 4 for shape, _ in module.PARAMETERS.values() for size in shape if isinstance(size, str)}
parameters = module.init_parameters(0, **symbols)
if not hasattr(module, "value_and_grad"):
    errors = module.check_gradients()
    print("derivatives", *errors, max(errors.values()) < 1e-8)
    sys.exit()
if not hasattr(module, "train_step"):
    print("gradients", *module.value_and_grad(parameters, **inputs)[1])
    sys.exit()

state = module.init_optimizer_state(parameters)
losses = [module.train_step(parameters, state, **inputs) for _ in range(10)]
print("trained" if losses[-1] < losses[0] else losses)
"""
WITHOUT_TRAINING = {
    "burgers": "derivatives u True\n",
    "convolution": "gradients kernel image\n",
    "diagonal_lstm": "gradients main_params extra_params\n",
    "digits_inference": "forward (4, 10)\n",
    "gaussian_mixture": "gradients alphas means icf\n",
    "log_product": "gradients x1 x2\n",
    "product": "gradients x y z\n",
    "product_networkx": "gradients x y z\n",
    "sigmoid_neuron": "gradients w0 w1 w2 x0 x1\n",
}


@pytest.mark.parametrize("file", GENERATED, ids=lambda file: file.stem)
def test_a_module_runs_where_there_is_only_numpy(file, tmp_path):
    command = [sys.executable, "-I", "-W", "error", "-c", ALONE, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    expected = WITHOUT_TRAINING.get(file.stem, "trained\n")
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


def test_trained_parameters_serve_the_inference_module(tmp_path):
    digits, teach, inference = committed("digits"), committed("digits_teach"), committed("digits_inference")
    x = np.random.default_rng(0).normal(size=(5, 64))
    digits.save_parameters(tmp_path / "digits.npz", digits.init_parameters(3))
    parameters = teach.load_parameters(tmp_path / "digits.npz")
    expected = digits.forward(digits.init_parameters(3), x)
    assert inference.forward(parameters, x) == pytest.approx(expected, rel=1e-6)
    assert expected.dtype == "float32"


def test_a_front_runs_by_burgers_equation(training):
    """Newton's method with the generated Jacobian, against the exact front; the scheme is of first order in time."""
    script = training("solve_burgers")
    x, front, steps = script["solve"](until=0.4)
    assert np.abs(front - script["exact"](x, 0.4)).max() < 2e-3
    assert steps <= 4 * 20


def test_the_jacobian_of_burgers_equation_takes_three_sweeps(module):
    burgers = module("burgers", jacobian=True)
    assert "3 sweeps at once in place of points" in burgers.jacobian.__doc__
    generator = np.random.default_rng(0)
    u, before = generator.normal(size=9), generator.normal(size=9)
    moved = [burgers.forward({"u": u + 1e-6 * unit}, before) - burgers.forward({"u": u - 1e-6 * unit}, before) for unit in np.eye(9)]
    np.testing.assert_allclose(burgers.jacobian({"u": u}, before)["u"], np.stack(moved, axis=1) / 2e-6, atol=1e-8)
