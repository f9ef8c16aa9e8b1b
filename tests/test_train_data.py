"""Data that do not fit are refused, all problems at once, each with a remedy; files are read without trust."""

import io
import zipfile

import numpy as np
import pytest

from graphgen.errors import GraphError
from graphgen.train.data import batch_size_name, read

INPUTS = {"x": (("batch", 3), "float32"), "label": (("batch",), "int64")}
GOOD = {"x": np.ones((4, 3)), "label": np.arange(4)}


def problems(arrays, inputs=INPUTS, ranges=None):
    with pytest.raises(GraphError) as caught:
        read(arrays, inputs, ranges or {})
    assert all(problem.code == "GG087" for problem in caught.value.problems)
    return [(problem.message, problem.help) for problem in caught.value.problems]


def test_good_data_are_cast_and_counted(tmp_path):
    np.savez(tmp_path / "data.npz", **GOOD, more=np.zeros(2))
    data = read(tmp_path / "data.npz", INPUTS, {})
    assert data.rows == 4 and {name: array.dtype for name, array in data.arrays.items()} == {
        "x": np.float32,
        "label": np.int64,
    }
    taken = data.take(np.array([3, 1]))
    assert taken["label"].tolist() == [3, 1] and taken["x"].shape == (2, 3)
    assert read(GOOD, INPUTS, {}).fingerprint == data.fingerprint
    assert read(GOOD | {"x": GOOD["x"] + 1}, INPUTS, {}).fingerprint != data.fingerprint


@pytest.mark.parametrize(
    ("change", "message", "help"),
    [
        ({"x": None}, "x is missing, expected float32 of shape (batch, 3)", "save it as numpy.savez(file, x=...)"),
        ({"x": np.ones((4, 2))}, "x has shape (4, 2), expected (batch, 3)", None),
        ({"x": np.ones(12)}, "x has shape (12,), expected (batch, 3)", None),
        ({"label": np.ones((4, 1), int)}, "label has shape (4, 1), expected (batch,)", "save label.reshape(-1)"),
        ({"label": np.arange(5)}, "batch is 4 in x and 5 in label", "they share their axis batch, row for row"),
        ({"label": np.arange(4.0)}, "label is float64, expected int64", "save label.astype('int64')"),
        ({"label": np.arange(4) + 0.5}, "label is float64, expected int64", "save it as int64"),
        ({"label": np.array(["a"] * 4)}, "label is <U1, expected int64", "save it as int64"),
        ({"x": np.ones((4, 3), complex)}, "x is complex128, expected float32", "save it as float32"),
        (
            {"x": np.full((4, 3), np.nan)},
            "x has 12 values that are nan, the first at (0, 0)",
            "leave these rows out, or fill them in",
        ),
        ({"x": np.full((4, 3), 1e300)}, "x has values beyond float32, the first at (0, 0)", "scale them"),
        (
            {"x": np.array([[{}] * 3] * 4)},
            "x holds Python objects, which are never unpickled; expected float32 of shape (batch, 3)",
            "convert it to numbers first, as in numpy.array(rows, dtype='float32')",
        ),
    ],
)
def test_what_does_not_fit(change, message, help):
    given = {name: array for name, array in {**GOOD, **change}.items() if array is not None}
    assert problems(given) == [(f"data: {message}", help)]


def test_a_name_that_is_nearly_right():
    assert (
        problems({"x": GOOD["x"], "labels": GOOD["label"]})[0][1]
        == "rename 'labels', or save it as numpy.savez(file, label=...)"
    )


def test_all_problems_are_told_at_once():
    assert [message.split()[1] for message, _ in problems({"x": np.ones(3), "label": np.ones(4, bool)})] == [
        "x",
        "label",
    ]


def test_integers_out_of_range():
    assert problems(GOOD, ranges={"label": (0, 3)}) == [
        (
            "data: label has 1 value that is not from 0 to 2, the first 3 at (3,)",
            "number the classes or rows that it names from 0",
        )
    ]
    assert read(GOOD, INPUTS, {"label": (0, 4)}).rows == 4
    assert problems({"x": GOOD["x"], "label": np.array([0, 0, -1, 2**40])}, {**INPUTS, "label": (("batch",), "int32")})[
        0
    ][0].endswith("the first 1099511627776 at (3,)")


def test_no_rows():
    with pytest.raises(GraphError, match="data has no rows: batch is 0"):
        read({"x": np.ones((0, 3)), "label": np.ones(0, int)}, INPUTS, {})


def test_infinities_may_be_meant():
    assert np.isinf(read(GOOD | {"x": np.full((4, 3), -np.inf)}, INPUTS, {}).arrays["x"]).all()


@pytest.mark.parametrize(
    ("shapes", "name"),
    [
        ([("batch", 3), ("batch",)], "batch"),
        ([("time", "batch"), ("batch",)], "batch"),
        ([("n", "m"), ("m", "n")], "n"),
        ([("n", "m"), ("k",)], None),
        ([("2*n",), ("2*n",)], None),
        ([(), ()], None),
        ([], None),
    ],
)
def test_the_batch_axis_is_the_first_size_that_all_share(shapes, name):
    assert batch_size_name({str(place): (shape, "float64") for place, shape in enumerate(shapes)}) == name


def test_rows_are_taken_along_every_axis_that_counts_them():
    inputs = {"pairs": (("n", "n"), "float64"), "steps": (("time", "n"), "float64")}
    data = read({"pairs": np.arange(9.0).reshape(3, 3), "steps": np.arange(6.0).reshape(2, 3)}, inputs, {})
    taken = data.take(np.array([2, 0]))
    assert taken["pairs"].tolist() == [[8, 6], [2, 0]] and taken["steps"].tolist() == [[2, 0], [5, 3]]


def refusal(path):
    with pytest.raises(GraphError) as caught:
        read(path, INPUTS, {})
    return caught.value.problems[0].message


def test_files_that_are_none(tmp_path):
    path = tmp_path / "data.npz"
    assert refusal(path) == f"there is no file {path}"
    path.write_bytes(b"\x80\x04K\x01.")
    assert refusal(path) == f"{path} is no npz file"
    assert refusal(tmp_path) == f"cannot read {tmp_path}: Is a directory"


def test_objects_in_a_file_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.array([[print] * 3]), label=np.array([1]))
    assert "x holds Python objects, which are never unpickled" in refusal(tmp_path / "data.npz")


def test_every_damage_is_an_error_or_harmless(tmp_path):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **GOOD)
    content = path.read_bytes()
    for place in range(0, len(content), 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x11]) + content[place + 1 :])
        try:
            assert read(path, INPUTS, {}).rows == 4
        except GraphError as error:
            assert str(path) in error.problems[0].message


def test_a_header_that_claims_more_than_the_file_has(tmp_path):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3)})
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as file:
        file.writestr("x.npy", stream.getvalue())
    assert "x.npy is said to be of shape (1000000000000, 3), and is shorter" in refusal(tmp_path / "data.npz")
