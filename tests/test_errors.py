"""Rendered problems, to the character."""

import ast
import linecache
import pickle
import sys
from pathlib import Path

import pytest

from graphgen import errors
from graphgen.errors import (
    GraphError,
    GraphWarning,
    Place,
    Problem,
    UnknownName,
    closest,
    did_you_mean,
    render,
)

MODEL = """\
from graphgen import ops

x = 1
w = 2
b = 3

h = relu(x @ w + b)
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="model.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def marking(file, code, line=1, **fields):
    """Give the place of the first occurrence of a code on a line, in bytes."""
    source = linecache.getline(file, line).encode()
    start = source.index(code.encode())
    return Place(file, line, line, start, start + len(code.encode()))


def excerpt(place, label=None):
    return render(Problem("GG001", place, "wrong", label=label)).splitlines()[2:]


def test_the_picture_of_the_contract(write):
    problem = Problem(
        "GG021",
        marking(write(MODEL), "x @ w", 7),
        "matmul: inner sizes differ: (batch, 784) @ (748, 128)",
        help="swap its axes with w.T, or declare w with 784 rows",
        label="784 does not match 748",
        notes=("w is declared at model.py:5 with shape (748, 128)",),
    )
    assert render(problem) == (
        "error[GG021]: matmul: inner sizes differ: (batch, 784) @ (748, 128)\n"
        "  --> model.py:7:10\n"
        "   |  h = relu(x @ w + b)\n"
        "   |           ^^^^^ 784 does not match 748\n"
        "   = w is declared at model.py:5 with shape (748, 128)\n"
        "   = help: swap its axes with w.T, or declare w with 784 rows"
    )


def test_places_as_text(write):
    place = marking(write(MODEL), "x @ w", 7)
    assert str(place) == "model.py:7"
    assert place.position == "model.py:7:10"
    assert Place("folder/model.py", 7).position == "model.py:7"
    assert Place("folder/model.py").position == str(Place("folder/model.py")) == "model.py"
    assert Place("nowhere.py", 7, 7, 9, 14).position == "nowhere.py:7:10"


def test_without_a_place():
    problem = Problem("GG001", None, "the graph is empty", help="declare an input")
    assert render(problem) == "error[GG001]: the graph is empty\n   = help: declare an input"
    assert render(problem, "warning") == "warning[GG001]: the graph is empty\n   = help: declare an input"


def test_without_the_source():
    problem = Problem("GG001", Place("nowhere.py", 7, 7, 9, 14), "wrong", label="this", notes=("that",))
    assert render(problem) == "error[GG001]: wrong\n  --> nowhere.py:7:10\n   = this\n   = that"


def test_without_columns(write):
    place = Place(write(MODEL), 7)
    assert render(Problem("GG001", place, "wrong", label="this")) == (
        "error[GG001]: wrong\n  --> model.py:7\n   |  h = relu(x @ w + b)\n   = this"
    )


def test_without_an_end(write):
    assert excerpt(Place(write(MODEL), 7, None, 4)) == ["   |  h = relu(x @ w + b)", "   |      ^"]


@pytest.mark.parametrize("line", [2, 99])
def test_a_line_that_is_empty_or_missing(write, line):
    assert excerpt(Place(write(MODEL), line, line, 0, 3)) == []


def test_a_line_that_became_shorter(write):
    assert excerpt(Place(write("h = 1\n"), 1, 1, 40, 50)) == ["   |  h = 1"]


def test_indentation_goes_and_the_column_stays(write):
    place = marking(write("if True:\n        h = f(x)\n"), "f(x)", 2)
    assert place.position == "model.py:2:13"
    assert excerpt(place) == ["   |  h = f(x)", "   |      ^^^^"]


def test_tabs(write):
    place = marking(write("if True:\n\th =\tf(x,\ty)  # why\n"), "f(x,\ty)", 2)
    assert place.position == "model.py:2:6"
    assert excerpt(place, "here") == ["   |  h =    f(x,    y)  # why", "   |         ^^^^^^^^^^ here"]


@pytest.mark.parametrize(
    ("source", "carets", "position"),
    [
        ("été = f(ξ)", "      ^^^^", "model.py:1:7"),
        ("層 = f(x)", "     ^^^^", "model.py:1:5"),
        ("h = g('層', f(x))", "            ^^^^", "model.py:1:12"),
        ("h = g('e\u0301', f(x))", "           ^^^^", "model.py:1:13"),
    ],
    ids=["two bytes", "wide name", "wide string", "combining mark"],
)
def test_carets_stand_below_characters_not_bytes(write, source, carets, position):
    code = "f(ξ)" if "ξ" in source else "f(x)"
    place = marking(write(source + "\n"), code)
    assert place.position == position
    assert excerpt(place) == [f"   |  {source}", f"   |  {carets}"]


def test_carets_are_as_wide_as_what_they_mark(write):
    place = marking(write("h = f('層')\n"), "f('層')")
    assert excerpt(place) == ["   |  h = f('層')", "   |      ^^^^^^^"]


def test_several_lines_are_marked_to_the_end_of_the_first(write):
    place = Place(write("h = relu(  \n    x,\n)\n"), 1, 3, 4, 1)
    assert excerpt(place, "too deep") == ["   |  h = relu(", "   |      ^^^^^ too deep"]


def test_nothing_fakes_a_line_of_output(write):
    name = "w\nerror[GG000]: \x1b[31mfake\u2028\u202e"
    escaped = "w\\nerror[GG000]: \\x1b[31mfake\\u2028\\u202e"
    place = marking(write("h = f(x)  # \x1b[2J\n", "mo\ndel.py"), "f(x)")
    problem = Problem("GG001", place, name, help=name, label=name, notes=(name,))
    assert render(problem) == (
        f"error[GG001]: {escaped}\n"
        "  --> mo\\ndel.py:1:5\n"
        "   |  h = f(x)  # \\x1b[2J\n"
        f"   |      ^^^^ {escaped}\n"
        f"   = {escaped}\n"
        f"   = help: {escaped}"
    )


def test_escapes_in_the_source_keep_the_carets_aligned(write):
    place = marking(write("h = g('\x07', f(x))\n"), "f(x)")
    assert excerpt(place) == ["   |  h = g('\\x07', f(x))", "   |                ^^^^"]


def test_letters_of_any_script_are_no_control_characters():
    assert render(Problem("GG001", None, "größe 層 'ξ'")) == "error[GG001]: größe 層 'ξ'"


def test_an_error_carries_all_its_problems():
    first, second = Problem("GG001", None, "one"), Problem("GG002", None, "two", help="three")
    error = GraphError(iter([first, second]))
    assert error.problems == (first, second)
    assert str(error) == "error[GG001]: one\n\nerror[GG002]: two\n   = help: three"
    assert GraphError(first).problems == (first,)
    with pytest.raises(AssertionError):
        GraphError([])


def test_an_error_survives_pickling():
    error = pickle.loads(pickle.dumps(GraphError(Problem("GG001", Place("model.py", 7), "one"))))
    assert (type(error), error.problems) == (GraphError, (Problem("GG001", Place("model.py", 7), "one"),))


def test_problems_are_frozen():
    with pytest.raises(AttributeError):
        Problem("GG001", None, "one").message = "two"


def test_an_unknown_name_is_an_attribute_error():
    class Module:
        def __getattr__(self, name):
            raise UnknownName(Problem("GG003", None, f"there is no op {name!r}"))

    assert not hasattr(Module(), "rleu")
    with pytest.raises(GraphError) as caught:
        Module().__getattr__("rleu")
    assert str(caught.value) == "error[GG003]: there is no op 'rleu'"


def test_a_warning_is_a_user_warning():
    assert issubclass(GraphWarning, UserWarning)


@pytest.mark.parametrize(
    ("word", "match"),
    [("rleu", "relu"), ("ReLU", "relu"), ("logsoftmax", "log_softmax"), ("Linear", None), ("", None)],
)
def test_closest(word, match):
    candidates = ["softmax", "relu", "log_softmax", "tanh"]
    assert closest(word, candidates) == match
    assert closest(word, set(candidates)) == match
    assert did_you_mean(word, candidates) == (match and f"did you mean {match!r}?")


def test_closest_does_not_depend_on_order():
    assert closest("fc", ["fc2", "fc1"]) == closest("fc", ["fc1", "fc2"]) == "fc2"
    assert closest("weight", ["WEIGHTS"]) == "WEIGHTS"
    assert closest("FC", ["Fc", "fc"]) == closest("FC", ["fc", "Fc"]) == "fc"


def test_it_imports_the_standard_library_alone():
    tree = ast.parse(Path(errors.__file__).read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert "linecache" in modules
    assert {module.split(".")[0] for module in modules} <= sys.stdlib_module_names
