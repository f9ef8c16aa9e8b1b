"""NIST's certified regressions: the models and data are the files', and BFGS finds the certified parameters."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from graphgen import load

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "nist"


@pytest.fixture(scope="module")
def fitting():
    """What examples/nist/fit.py holds."""
    path = [*sys.path]
    sys.path.insert(0, str(FOLDER))
    try:
        yield runpy.run_path(str(FOLDER / "fit.py"))
    finally:
        sys.path[:] = path


def test_every_file_is_a_problem(fitting):
    files = {file.stem for file in fitting["problems"].FILES.glob("*.dat")}
    assert len(files) == 20
    assert {graph.dag.graph["name"] for graph in fitting["PROBLEMS"]} == files


def test_sums_of_squares_are_the_certified_ones(fitting):
    for graph in fitting["PROBLEMS"]:
        name = graph.dag.graph["name"]
        dataset = fitting["problems"].read(name)
        text = (fitting["problems"].FILES / f"{name}.dat").read_text(encoding="ascii")
        rows = int(re.search(r"Number of Observations: +(\d+)", text)[1])
        assert {len(column) for column in dataset.columns.values()} == {rows}, name

        certified = float(re.search(r"Residual Sum of Squares: +(\S+)", text)[1])
        loss = load(graph).loss(dataset.certified, **dataset.columns)
        # Lanczos1's data are exact to 14 digits, and the certified parameters are given to 11.
        assert loss < 1e-19 if name == "Lanczos1" else loss == pytest.approx(certified, rel=1e-9), name


def test_the_fits_reach_the_certified_parameters(fitting):
    """Six digits are asked for; what is reached is printed by the example."""
    reached = {}
    for graph in fitting["PROBLEMS"]:
        name = graph.dag.graph["name"]
        reached[name] = fitting["digits"](fitting["fit"](graph)[0], fitting["problems"].read(name).certified)
    assert len(reached) == 20
    assert {name: digits for name, digits in reached.items() if not digits >= 6} == {}


def test_digits_count_where_the_fewest_agree(fitting):
    digits = fitting["digits"]
    assert digits({"b1": 2.0, "b2": -1.001}, {"b1": 2.0, "b2": -1.0}) == pytest.approx(3)
    assert digits({"b1": 2.0}, {"b1": 2.0}) == 11
