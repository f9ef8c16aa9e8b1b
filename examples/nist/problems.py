"""Twenty nonlinear regressions, whose solutions NIST certifies to eleven digits.

The Statistical Reference Datasets of NIST, nonlinear regression (Rogers, Filliben, Gill, Guthrie, Lagergren and
Vangel, 1998): https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml. Each file holds a model, two starts, the
certified parameters, and the data. A graph here is called like its file, its inputs like the columns of the data, and
its parameters as in the model; they start from the file's second start. `fit.py` fits all of them with the compiled
gradients; one of them to read: ``graphgen compile examples/nist/problems.py:gauss1 -o -``.
"""

import inspect
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphgen import Graph, ops

FILES = Path(__file__).resolve().parents[2] / "tests" / "data" / "nist"


class Dataset(NamedTuple):
    """What a file says: the second start and the certified value of each parameter, and each column of the data."""

    start: dict[str, float]
    certified: dict[str, float]
    columns: dict[str, np.ndarray]


def read(name: str) -> Dataset:
    """Read a file: lines ``b1 = start1 start2 certified deviation``, columns named in line 60, numbers below."""
    lines = (FILES / f"{name}.dat").read_text(encoding="ascii").splitlines()
    found = [re.fullmatch(r" *(b\d) = +\S+ +(\S+) +(\S+) +\S+ *", line) for line in lines[:60]]
    parameters = [match.groups() for match in found if match]
    numbers = np.loadtxt(lines[60:], unpack=True)
    return Dataset(
        {parameter: float(start) for parameter, start, _ in parameters},
        {parameter: float(certified) for parameter, _, certified in parameters},
        dict(zip(lines[59].removeprefix("Data:").split(), numbers, strict=True)),
    )


def regression(name: str, model: Callable, response: Callable | None = None) -> Graph:
    """Declare the sum of squares of a problem; the model's arguments are columns of the data and parameters."""
    dataset = read(name)
    g = Graph(name)
    nodes = {column: g.input(column, shape=("rows",)) for column in dataset.columns}
    nodes |= {parameter: g.param(parameter, init=start) for parameter, start in dataset.start.items()}

    fitted = model(*[nodes[argument] for argument in inspect.signature(model).parameters])
    observed = nodes["y"] if response is None else response(nodes["y"])
    residual = fitted - observed
    g.output(fitted)
    g.loss((residual**2).sum())
    return g


def growth(x, b1, b2):
    return b1 * (1 - ops.exp(-b2 * x))


def misra1b_model(x, b1, b2):
    return b1 * (1 - (1 + b2 * x / 2) ** -2)


def misra1c_model(x, b1, b2):
    return b1 * (1 - (1 + 2 * b2 * x) ** -0.5)


def misra1d_model(x, b1, b2):
    return b1 * b2 * x / (1 + b2 * x)


def damped(x, b1, b2, b3):
    return ops.exp(-b1 * x) / (b2 + b3 * x)


def danwood_model(x, b1, b2):
    return b1 * x**b2


def bennett5_model(x, b1, b2, b3):
    return b1 * (b2 + x) ** (-1 / b3)


def eckerle4_model(x, b1, b2, b3):
    return b1 / b2 * ops.exp(-0.5 * ((x - b3) / b2) ** 2)


def peaks(x, b1, b2, b3, b4, b5, b6, b7, b8):
    decay = b1 * ops.exp(-b2 * x)
    first = b3 * ops.exp(-((x - b4) ** 2) / b5**2)
    second = b6 * ops.exp(-((x - b7) ** 2) / b8**2)
    return decay + first + second


def kirby2_model(x, b1, b2, b3, b4, b5):
    return (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2)


def decays(x, b1, b2, b3, b4, b5, b6):
    return b1 * ops.exp(-b2 * x) + b3 * ops.exp(-b4 * x) + b5 * ops.exp(-b6 * x)


def mgh10_model(x, b1, b2, b3):
    return b1 * ops.exp(b2 / (x + b3))


def nelson_model(x1, x2, b1, b2, b3):
    return b1 - b2 * x1 * ops.exp(-b3 * x2)


def rat42_model(x, b1, b2, b3):
    return b1 / (1 + ops.exp(b2 - b3 * x))


def enso_model(x, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    angle = 2 * math.pi * x
    year = b2 * ops.cos(angle / 12) + b3 * ops.sin(angle / 12)
    el_nino = b5 * ops.cos(angle / b4) + b6 * ops.sin(angle / b4)
    southern = b8 * ops.cos(angle / b7) + b9 * ops.sin(angle / b7)
    return b1 + year + el_nino + southern


misra1a = regression("Misra1a", growth)
misra1b = regression("Misra1b", misra1b_model)
misra1c = regression("Misra1c", misra1c_model)
misra1d = regression("Misra1d", misra1d_model)
boxbod = regression("BoxBOD", growth)
chwirut1 = regression("Chwirut1", damped)
chwirut2 = regression("Chwirut2", damped)
danwood = regression("DanWood", danwood_model)
bennett5 = regression("Bennett5", bennett5_model)
eckerle4 = regression("Eckerle4", eckerle4_model)
gauss1 = regression("Gauss1", peaks)
gauss2 = regression("Gauss2", peaks)
kirby2 = regression("Kirby2", kirby2_model)
lanczos1 = regression("Lanczos1", decays)
lanczos2 = regression("Lanczos2", decays)
lanczos3 = regression("Lanczos3", decays)
mgh10 = regression("MGH10", mgh10_model)
nelson = regression("Nelson", nelson_model, response=ops.log)
rat42 = regression("Rat42", rat42_model)
enso = regression("ENSO", enso_model)
