"""ADBench's Gaussian mixture and LSTM: the published value, and every entry of the gradients."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from graphgen import load

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests" / "data" / "adbench.npz"
ALL = ROOT.parent / "shared" / "data" / "adbench" / "adbench.npz"
LARGE = pytest.mark.skipif(not ALL.exists(), reason=f"{ALL} is absent: it is too large for this repository")

CASES = [
    pytest.param("gmm_test", HERE),
    pytest.param("gmm_1k_d2_K5", ALL, marks=LARGE),
    pytest.param("gmm_1k_d10_K5", ALL, marks=LARGE),
    pytest.param("lstm_l2_c8", HERE),
    pytest.param("lstm_l2_c32", ALL, marks=LARGE),
]


def declared(case, inputs):
    """The graph for a case of this size; the sign of its loss."""
    if case.startswith("gmm"):
        example = runpy.run_path(str(ROOT / "examples" / "gaussian_mixture.py"))
        return example["mixture"](inputs["x"].shape[1]), -1
    example = runpy.run_path(str(ROOT / "examples" / "diagonal_lstm.py"))
    length, symbols = inputs["sequence"].shape
    return example["predictor"](length, symbols, len(inputs["state"]) // 2), 1


@pytest.mark.parametrize("style", ["teach", "compact"])
@pytest.mark.parametrize("case, file", CASES)
def test_values_and_gradients_are_the_published_ones(case, file, style):
    data = {key.partition("/")[2]: value for key, value in np.load(file).items() if key.startswith(f"{case}/")}
    inputs = {key.removeprefix("in_"): value for key, value in data.items() if key.startswith("in_")}
    published = {key.removeprefix("g_"): value for key, value in data.items() if key.startswith("g_")}
    graph, sign = declared(case, inputs)
    parameters = {name: inputs.pop(name) for name in published}

    value, gradients = load(graph, style=style).value_and_grad(parameters, **inputs)
    assert sign * value == pytest.approx(float(data["out_F"]), rel=1e-12)
    assert gradients.keys() == published.keys()
    for name, gradient in gradients.items():
        error = np.abs(sign * gradient - published[name]).max()
        assert error <= 1e-12 * np.abs(published[name]).max(), name
