"""ADBench's Gaussian mixture and LSTM: the published value, and every entry of the gradients."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from graphgen import load

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data" / "adbench.npz"
CASES = ["gmm_test", "lstm_l2_c8"]


def declared(case, inputs):
    """The graph for a case of this size; the sign of its loss."""
    if case.startswith("gmm"):
        example = runpy.run_path(str(ROOT / "examples" / "gaussian_mixture.py"))
        return example["mixture"](inputs["x"].shape[1]), -1
    example = runpy.run_path(str(ROOT / "examples" / "diagonal_lstm.py"))
    length, symbols = inputs["sequence"].shape
    return example["predictor"](length, symbols, len(inputs["state"]) // 2), 1


@pytest.mark.parametrize("style", ["teach", "compact"])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_the_published_ones(case, style):
    data = {key.partition("/")[2]: value for key, value in np.load(DATA).items() if key.startswith(f"{case}/")}
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
