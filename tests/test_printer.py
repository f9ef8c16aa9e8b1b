"""Formulas as text: exact, short, and in the dtype they started in."""

import importlib.util
import warnings

import numpy as np
import pytest

from graphgen.calculus.formula import formula, parse, slot
from graphgen.ops import ELEMENTWISE
from graphgen.targets.precedence import ADD, ATOM, MATMUL, MULTIPLY, UNARY
from graphgen.targets.printer import fill, spell, written

TEXTS = [  # formula, NumPy, Python
    ("2*a", "2.0 * a", "2.0 * a"),
    ("a/3", "a / 3.0", "a / 3.0"),
    ("a/2", "0.5 * a", "0.5 * a"),
    ("2*a/3", "2.0 * a / 3.0", "2.0 * a / 3.0"),
    ("-a/b", "-a / b", "-a / b"),
    ("a/(2*b)", "a / (2.0 * b)", "a / (2.0 * b)"),
    ("1/a**2", "1.0 / a**2", "1.0 / a**2"),
    ("a**3 - b**2", "a**3 - b**2", "a**3 - b**2"),
    ("a**2.5", "a**2.5", "math.pow(a, 2.5)"),
    ("a**(3/2)", "a**1.5", "math.pow(a, 1.5)"),
    ("1/sqrt(a)", "1.0 / np.sqrt(a)", "1.0 / math.sqrt(a)"),
    ("sqrt(2)*a", "1.4142135623730951 * a", "1.4142135623730951 * a"),
    ("a*sqrt(2)/2", "0.7071067811865476 * a", "0.7071067811865476 * a"),
    ("pi*a + log(2)", "3.141592653589793 * a + 0.6931471805599453", "3.141592653589793 * a + 0.6931471805599453"),
    ("1 - a**2", "1.0 - a**2", "1.0 - a**2"),
    ("-a - b", "-a - b", "-a - b"),
    ("a*(b - 1)*exp(a)", "a * np.exp(a) * (b - 1.0)", "a * math.exp(a) * (b - 1.0)"),
    ("exp(a + b)", "np.exp(a + b)", "math.exp(a + b)"),
    ("a*b*(1 - b)", "a * b * (1.0 - b)", "a * b * (1.0 - b)"),
    ("(a + b)**2", "(a + b)**2", "(a + b)**2"),
    ("abs(a) + sign(b)", "np.abs(a) + np.sign(b)", "abs(a) + float((b > 0.0) - (b < 0.0))"),
    ("atan(a) + floor(b)", "np.arctan(a) + np.floor(b)", "math.atan(a) + float(math.floor(b))"),
    ("maximum(a, 0)", "np.maximum(a, 0.0)", "max(a, 0.0)"),
    ("where(a > 0, b, 0)", "np.where(a > 0.0, b, 0.0)", "b if a > 0.0 else 0.0"),
    ("2*where(a > 0, b, 0)", "2.0 * np.where(a > 0.0, b, 0.0)", "2.0 * (b if a > 0.0 else 0.0)"),
    ("where(a > 0, 1, 0)", "np.where(a > 0.0, _float(1.0), _float(0.0))", "1.0 if a > 0.0 else 0.0"),
    ("where(a > 1, b, where(a < 0, a, 0))", "np.where(a > 1.0, b, np.where(a < 0.0, a, 0.0))",
     "b if a > 1.0 else a if a < 0.0 else 0.0"),
    ("where((a > 0) & (b == 1), a, b)", "np.where((a > 0.0) & (b == 1.0), a, b)", "a if a > 0.0 and b == 1.0 else b"),
    ("a < b", "a < b", "a < b"),
    ("sigmoid(a)*b", "b * sigmoid(a)", "b * sigmoid(a)"),
]  # fmt: skip


def named(text: str):
    return parse(text, 2 if "b" in text.replace("abs", "") else 1)


@pytest.mark.parametrize(("text", "numpy", "python"), TEXTS)
def test_exact_text(text, numpy, python):
    names = ("a", "b")[: len(named(text).kinds)]
    assert written(named(text), "numpy", names) == numpy
    assert written(named(text), "math", names) == python


def test_truth_values():
    both = parse("a & ~b | c", 3)
    assert written(both, "numpy", "pqr") == "r | p & ~q"
    assert written(both, "math", "pqr") == "r or p and not q"
    assert written(ELEMENTWISE["logical_and"].printed(), "numpy", "pq") == "p & q"
    filled = fill(spell(ELEMENTWISE["logical_and"], "numpy"), [("x > 0.0", 40), ("q", ATOM)])
    assert filled == "(x > 0.0) & q"


def test_rows_print_their_stable_form_with_their_attributes():
    assert spell(ELEMENTWISE["sigmoid"], "numpy").helpers == ("sigmoid",)
    elu = fill(spell(ELEMENTWISE["elu"], "numpy", (("alpha", 0.5),)), [("x", ATOM)])
    assert elu == "np.where(x > 0.0, x, 0.5 * np.expm1(np.minimum(x, 0.0)))"
    leaky = fill(spell(ELEMENTWISE["leaky_relu"], "math"), [("x", ATOM)])
    assert leaky == "x if x > 0.0 else 0.01 * x"


def test_filling_with_whole_expressions():
    product = spell(parse("a*b", 2), "numpy")
    assert fill(product, [("x + y", ADD), ("z", ATOM)]) == "(x + y) * z"
    assert fill(product, [("x / y", MULTIPLY), ("u * v", MULTIPLY)]) == "x / y * (u * v)"
    assert fill(product, [("x", ATOM), ("h @ w", MATMUL)]) == "x * (h @ w)"
    total = spell(parse("a + b", 2), "numpy")
    assert fill(total, [("h @ w", MATMUL), ("u - v", ADD)]) == "h @ w + (u - v)"
    assert fill(total, [("x", ATOM), ("-y", UNARY)]) == "x - y"
    difference = spell(parse("a - b", 2), "numpy")
    assert fill(difference, [("x", ATOM), ("-y * z", MULTIPLY)]) == "x + y * z"
    negative = spell(ELEMENTWISE["negative"], "numpy")
    assert fill(negative, [("x * y", MULTIPLY)]) == "-(x * y)"
    assert fill(negative, [("-x", UNARY)]) == "x" and fill(negative, [("-x * y", MULTIPLY)]) == "-(-x * y)"
    turned = spell(parse("-a*b", 2), "numpy")
    assert fill(turned, [("-(x + y)", UNARY), ("z", ATOM)]) == "(x + y) * z"
    assert fill(spell(parse("-a**2", 1), "numpy"), [("-x", UNARY)]) == "-(-x)**2"
    square = spell(ELEMENTWISE["square"], "numpy")
    assert fill(square, [("-x", UNARY)]) == "(-x)**2"
    chosen = spell(parse("where(a > 0, b, 0)", 2), "numpy")
    assert fill(chosen, [("x + 1.0", ADD), ("u if v else w", 20)]) == "np.where(x + 1.0 > 0.0, u if v else w, 0.0)"


def test_uses_counts_each_slot():
    assert spell(parse("a*b*(1 - b)", 2), "numpy").uses == (1, 2)
    assert spell(parse("a + sign(b)", 2), "math").uses == (1, 2)


def test_untaken_branches_warn_nobody():
    guarded = parse("where(a > 0, log(a)/b, exp(a))", 2)
    assert written(guarded, "numpy", "xz") == (
        "np.where(x > 0.0, np.log(np.where(x > 0.0, x, 1.0)) / np.where(x > 0.0, z, 1.0), np.exp(np.where(x <= 0.0, x, 0.0)))"
    )
    assert written(guarded, "math", "xz") == "math.log(x) / z if x > 0.0 else math.exp(x)"
    divided = parse("where(a/b > 0, log(a/b), 0)", 2)
    assert written(divided, "numpy", "xz") == (
        "np.where(x / z > 0.0, np.log(np.where(x / z > 0.0, x / np.where(x / z > 0.0, z, 1.0), 1.0)), 0.0)"
    )


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """Every text above as a function of a and b."""
    path = tmp_path_factory.mktemp("texts") / "texts_of_the_printer.py"
    source = "import math\n\nimport numpy as np\n\nfrom graphgen.runtime.functions import sigmoid, sigmoid_scalar\n\n_float = np.float32\n"
    source += f"NUMPY = [{', '.join(f'lambda a, b: {numpy}' for _, numpy, _ in TEXTS)}]\n"
    python = (text.replace("sigmoid", "sigmoid_scalar") for _, _, text in TEXTS)
    source += f"PYTHON = [{', '.join(f'lambda a, b: {text}' for text in python)}]\n"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("shape", [(3,), ()])
def test_float32_stays_float32_and_the_dialects_agree(functions, shape):
    a, b = np.full(shape, 0.75, np.float32), np.full(shape, 1.25, np.float32)
    for (text, _, _), numpy, python in zip(TEXTS, functions.NUMPY, functions.PYTHON, strict=True):
        found = numpy(a, b)
        assert found.dtype == (bool if text == "a < b" else np.float32), text
        np.testing.assert_allclose(found, np.full(shape, python(0.75, 1.25)), rtol=1e-6, err_msg=text)


def test_guarded_text_runs_without_a_warning(tmp_path):
    text = written(parse("where(a > 0, log(a), exp(a))", 1), "numpy", ["a"])
    path = tmp_path / "guarded_text.py"
    path.write_text(f"import numpy as np\n\n\ndef guarded(a):\n    return {text}\n")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(module.guarded(np.array([0.0, 1.0, 1e5])), [1.0, 0.0, np.log(1e5)])


def test_slots_beyond_the_alphabet():
    slots = [slot(index) for index in range(30)]
    text = written(formula(sum(slots), slots), "numpy", [f"x{index}" for index in range(30)])
    assert sorted(text.split(" + ")) == sorted(f"x{index}" for index in range(30))
