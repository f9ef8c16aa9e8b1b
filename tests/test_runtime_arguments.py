"""Checks of arguments: what is accepted as what, and the exact words for what is not."""

import numpy as np
import pytest
from runtime_module import build, source

TABLES = """
PARAMETERS = {"w": ((3, "n"), "float32"), "b": (("n",), "float32"), "scale": ((), "float32")}
INPUTS = {
    "x": (("batch", 3), "float32"),
    "label": (("batch",), "int64"),
    "byte": ((), "int8"),
    "mask": (("batch", "n"), "bool"),
    "wide": (("batch", "2*n"), "float32"),
    "square": (("m", "m"), "float32"),
}
_float = np.float32
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    names = ["_check", "_expect", "_check_tangents", "_check_scalar", "_check_tangents_scalar"]
    return build(tmp_path_factory.mktemp("arguments"), source(names, supplied=TABLES))


@pytest.fixture
def parameters():
    return {"w": np.ones((3, 2), np.float32), "b": np.zeros(2, np.float32), "scale": np.float32(1.0), "extra": None}


def message(function, *arguments, **keywords):
    """Return the text of the ValueError that a call raises."""
    with pytest.raises(ValueError) as caught:
        function(*arguments, **keywords)
    assert type(caught.value) is ValueError
    return str(caught.value)


def test_right_arrays_come_back_as_they_are_in_order(module, parameters):
    x, label = np.ones((5, 3), np.float32), np.zeros(5, np.int64)
    arrays = module._check(parameters, label=label, x=x)
    assert arrays[0] is parameters["w"] and arrays[1] is parameters["b"]
    assert type(arrays[2]) is np.ndarray and arrays[2].shape == ()
    assert arrays[3] is label and arrays[4] is x


@pytest.mark.parametrize(
    "value", [[[1, 2, 3]], [[1.0, 2.0, 3.0]], np.ones((1, 3)), np.ones((1, 3), ">f4"), np.ones((1, 3), np.uint8),
              np.ones((1, 3), bool), np.ones((1, 3), np.float16)],
)  # fmt: skip
def test_numbers_become_the_module_float(module, parameters, value):
    x = module._check(parameters, x=value)[3]
    assert type(x) is np.ndarray and x.dtype == np.float32 and x.dtype.isnative


def test_the_float_type_is_kept_in_one_place(module, parameters, monkeypatch):
    monkeypatch.setattr(module, "_float", np.float64)
    assert {array.dtype for array in module._check(parameters, x=np.ones((1, 3)))} == {np.dtype("float64")}


@pytest.mark.parametrize(
    ("name", "value", "dtype"),
    [("label", [0, 1], "int64"), ("label", np.array([0, 1], np.uint64), "int64"), ("byte", 127, "int8"),
     ("byte", np.int64(-128), "int8"), ("mask", [[True, False]], "bool"), ("label", np.zeros(0, np.uint64), "int64")],
)  # fmt: skip
def test_integers_and_bools_become_the_declared_dtype(module, parameters, name, value, dtype):
    array = module._check(parameters, **{name: value})[3]
    assert array.dtype == dtype
    assert np.array_equal(array, value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("x", None, "x: missing, expected float32 of shape (batch, 3)"),
        ("byte", None, "byte: missing, expected int8 of shape ()"),
        ("x", np.ones((2, 3), complex), "x: expected float32, got complex128"),
        ("x", [["1", "2", "3"]], "x: expected float32, got <U1"),
        ("x", np.array([[None, 1, 2]]), "x: expected float32, got object"),
        ("label", [0.0, 1.0],
         "label: expected int64, got float64; if its values are whole numbers, pass label.astype('int64')"),
        ("label", [True],
         "label: expected int64, got bool; if its values are whole numbers, pass label.astype('int64')"),
        ("label", ["a"], "label: expected int64, got <U1"),
        ("label", np.array([0, 2**63], np.uint64), "label: expected int64, got uint64 from 0 to 9223372036854775808"),
        ("byte", 128, "byte: expected int8, got int64 from 128 to 128"),
        ("byte", -129, "byte: expected int8, got int64 from -129 to -129"),
        ("mask", [[0, 1]], "mask: expected bool, got int64; pass a comparison such as mask != 0"),
        ("mask", [["a"]], "mask: expected bool, got <U1"),
        ("x", np.ones((2, 4)), "x: expected shape (batch, 3), got (2, 4)"),
        ("x", np.ones(3), "x: expected shape (batch, 3), got (3,)"),
        ("x", 1.0, "x: expected shape (batch, 3), got ()"),
        ("square", np.ones((2, 3)), "square: expected shape (m, m), got (2, 3)"),
        ("mask", np.ones((4, 3), bool), "mask: expected shape (batch, n) with n = 2 as in w, got (4, 3)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(module, parameters, name, value, text):
    assert message(module._check, parameters, **{name: value}) == text


@pytest.mark.parametrize(("value", "name"), [(None, "NoneType"), ([], "list"), (np.ones(3), "ndarray")])
def test_parameters_that_are_no_dict_are_named(module, value, name):
    x = np.ones((1, 3))
    assert message(module._check, value, x=x) == f"parameters: expected a dict of arrays by name, got {name}"
    assert message(module._check_scalar, value) == f"parameters: expected a dict of numbers by name, got {name}"


def test_lists_of_unequal_lengths_are_named(module, parameters):
    text = message(module._check, parameters, x=[[1.0], [1.0, 2.0]])
    assert text.startswith("x: expected float32, got what is no array: ")


def test_symbolic_sizes_agree_across_arguments(module, parameters):
    x = np.ones((64, 3))
    text = message(module._check, parameters, x=x, label=np.zeros(32, int))
    assert text == "label: expected shape (batch,) with batch = 64 as in x, got (32,)"
    text = message(module._check, parameters, x=x, mask=np.ones((64, 2, 1), bool))
    assert text == "mask: expected shape (batch, n) with batch = 64 as in x, n = 2 as in w, got (64, 2, 1)"
    parameters["b"] = np.zeros(3)
    assert message(module._check, parameters) == "b: expected shape (n,) with n = 2 as in w, got (3,)"
    del parameters["b"]
    assert message(module._check, parameters) == "b: missing, expected float32 of shape (n,)"


def test_derived_sizes_are_checked_afterwards(module, parameters):
    wide = module._check(parameters, wide=np.ones((2, 5)))[3]
    assert message(module._expect, "wide", wide, 1, 4) == "wide: expected shape (batch, 2*n) with 2*n = 4, got (2, 5)"
    module._expect("wide", wide, 1, 5)


def test_an_input_may_be_called_parameters(module, parameters, monkeypatch):
    monkeypatch.setitem(module.INPUTS, "parameters", ((), "float32"))
    assert module._check(parameters, parameters=2.0)[3] == 2.0


def test_tangents_come_in_the_order_of_the_values(module):
    w, b = np.ones((3, 2), np.float32), np.zeros(2, np.float32)
    b_dot, w_dot, x_dot = module._check_tangents({"w": [[1, 2]] * 3}, b=b, w=w, x=np.float32(0.0))
    assert [each.dtype for each in (b_dot, w_dot, x_dot)] == [np.float32] * 3
    assert b_dot.tolist() == [0.0, 0.0] and w_dot.tolist() == [[1.0, 2.0]] * 3 and x_dot.shape == ()
    assert b_dot is not b


def test_tangents_that_do_not_fit_are_named(module):
    w = np.ones((3, 2), np.float32)
    text = message(module._check_tangents, {"w": np.ones(2)}, w=w)
    assert text == "w: expected the shape of its value, (3, 2), got (2,)"
    text = message(module._check_tangents, {"v": 1.0, "w": w, "u": 1.0}, w=w, b=w)
    assert text == "unknown: v, u; known are w, b"
    assert message(module._check_tangents, {"w": w * 1j}, w=w) == "w: expected float32, got complex64"


@pytest.mark.parametrize(
    "value", [2, 2.0, True, np.float32(2), np.int64(2), np.array(2.0), np.array(2), np.bool_(True)]
)
def test_scalars_are_python_floats(module, monkeypatch, value):
    monkeypatch.setattr(module, "PARAMETERS", {"w": ((), "float64")})
    answer = module._check_scalar({"w": value}, x=value)
    assert [type(each) for each in answer] == [float, float] and answer == [float(value)] * 2
    assert [type(each) for each in module._check_tangents_scalar({"x": value}, w=1.0, x=1.0)] == [float, float]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "x: missing, expected a number"),
        ("1", "x: expected a number, got str"),
        ([1.0], "x: expected a number, got list"),
        (1j, "x: expected a number, got complex"),
        (np.ones(1), "x: expected a number, got float64 of shape (1,)"),
        (np.array(1j), "x: expected a number, got complex128 of shape ()"),
    ],
)
def test_what_is_no_scalar_is_named(module, monkeypatch, value, text):
    monkeypatch.setattr(module, "PARAMETERS", {})
    assert message(module._check_scalar, {}, x=value) == text


def test_scalar_tangents_are_zero_by_default(module):
    assert module._check_tangents_scalar({"x": 2}, w=1.0, x=1.0) == [0.0, 2.0]
    assert message(module._check_tangents_scalar, {"v": 1}, w=1.0, x=1.0) == "unknown: v; known are w, x"
