"""The networks of the gallery reach what the README says of them."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "examples" / "gallery"

# For each network, what must hold of its figures; those of the README are a little better.
HOLDS = {
    "lenet": lambda figures: figures["test accuracy"] >= 0.985,
    "residual": lambda figures: figures["test accuracy"] >= 0.985,
    "transformer": lambda figures: figures["accuracy of whole sequences"] >= 0.98,
    "autoencoder": lambda figures: figures["test error"] <= 0.7 * figures["that of principal components"],
    "prelu": lambda figures: figures["test accuracy"] >= 0.97 and figures["least slope"] < 0.1 < figures["largest"],
    "maxout": lambda figures: figures["test accuracy"] >= 0.97,
    "hidden_sizes": lambda figures: figures["accuracy with 1"] <= 0.9 and figures["accuracy with 3"] >= 0.95,
    "batch_norm": lambda figures: figures["test accuracy with it"] >= figures["test accuracy without"] + 0.5,
    "dropout": lambda figures: figures["test accuracy with it"] >= figures["test accuracy without"] + 0.03,
    "early_stopping": lambda figures: (
        figures["stopped after"] == figures["kept epoch"] + 20 < 300
        and figures["test loss"] < figures["test loss after 300"]
    ),
}


@pytest.fixture(autouse=True)
def path(monkeypatch):
    """The networks import each other's data."""
    monkeypatch.syspath_prepend(str(FOLDER))


def test_every_network_is_run(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = runpy.run_path(str(ROOT / "examples" / "train_gallery.py"))["NAMES"]
    assert set(names) == set(HOLDS) == {file.stem for file in FOLDER.glob("*.py")} - {"images"}


@pytest.mark.parametrize("name", HOLDS)
def test_a_network_reaches_its_figures(name):
    figures = runpy.run_path(str(FOLDER / f"{name}.py"))["reached"]()
    assert np.isfinite(list(figures.values())).all()
    assert HOLDS[name](figures), figures


def test_shifted_images_lie_where_they_should():
    images = runpy.run_path(str(FOLDER / "images.py"))
    data, test = images["digits"]()
    assert (len(data["label"]), len(test["label"])) == (1437, 360)
    copies = images["shifted"](data)
    assert copies["image"].shape == (9 * 1437, 1, 8, 8)
    rows = 4 * 1437, 5 * 1437  # the copy in the middle is not shifted
    np.testing.assert_array_equal(copies["image"][slice(*rows)], data["image"])
    np.testing.assert_array_equal(copies["image"][:1437, :, 1:, 1:], data["image"][:, :, :-1, :-1])
    np.testing.assert_array_equal(copies["label"][:1437], data["label"])
