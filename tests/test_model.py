"""Finding the graph in a model file, and saying what is wrong with the file."""

import os
import sys
from pathlib import Path
from types import FunctionType

import networkx
import pytest

from graphgen.errors import GraphError
from graphgen.graph import Graph
from graphgen.model import load_model, split

ONE = 'from graphgen import Graph\n\ng = Graph("one")\nx = g.input("x")\n'


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Write model.py (or another file) in an empty current folder."""
    monkeypatch.chdir(tmp_path)

    def write(text, file="model.py"):
        Path(file).write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def message(name):
    """The report that a model gets."""
    with pytest.raises(GraphError) as caught:
        load_model(name)
    return str(caught.value)


def test_the_one_graph_needs_no_name(model):
    graph = load_model(model(ONE))
    assert isinstance(graph, Graph)
    assert list(graph.dag) == ["x"]


def test_a_graph_is_chosen_by_name(model):
    model('from graphgen import Graph\na, b = Graph("first"), Graph("second")\n')
    assert load_model("model.py:b").dag.graph["name"] == "second"
    assert message("model.py") == (
        "error[GG082]: the file holds 2 graphs: a, b\n  --> model.py\n   = help: name one: model.py:a"
    )
    assert message("model.py:c") == (
        "error[GG083]: the file holds no graph called 'c'\n  --> model.py\n   = help: it holds a, b"
    )


def test_a_mistyped_name_is_guessed(model):
    model('from graphgen import Graph\nnetwork = Graph("n")\n')
    assert message("model.py:netwrok").endswith("\n   = help: did you mean 'network'?")


def test_a_name_of_something_else(model):
    model(ONE + "size = 3\n")
    assert message("model.py:size") == (
        "error[GG083]: size is a int, not a Graph, networkx.DiGraph or networkx.MultiDiGraph\n  --> model.py"
    )


def test_aliases_and_the_dag_itself_are_no_further_graphs(model):
    model(ONE + "again = g\ndag = g.dag\n")
    assert load_model("model.py").dag.graph["name"] == "one"
    assert load_model("model.py:again").dag.graph["name"] == "one"


@pytest.mark.parametrize("kind", ["DiGraph", "MultiDiGraph"])
def test_a_networkx_graph_is_converted(model, monkeypatch, kind):
    model(f'import networkx\nd = networkx.{kind}(name="raw")\n')
    converted = []
    monkeypatch.setattr(Graph, "from_networkx", lambda dag: converted.append(dag) or Graph("converted"))
    assert load_model("model.py").dag.graph["name"] == "converted"
    assert isinstance(converted[0], getattr(networkx, kind))


def test_no_graph(model):
    expected = (
        "error[GG082]: the file holds no Graph and no networkx DiGraph\n  --> model.py\n"
        '   = help: keep it in a variable of the module, such as g = Graph("name")'
    )
    assert message(model("x = 1\n")) == expected
    assert message(model("import networkx\nundirected = networkx.Graph()\n")) == expected


def test_no_such_file(model):
    model(ONE)
    assert message("modle.py") == "error[GG080]: there is no file modle.py\n   = help: did you mean 'model.py'?"
    assert message("modle.py:g") == "error[GG080]: there is no file modle.py\n   = help: did you mean 'model.py'?"
    assert message("nowhere/model.py") == "error[GG080]: there is no file nowhere/model.py"


def test_no_model_file(model):
    Path("folder.py").mkdir()
    assert message("folder.py") == "error[GG080]: cannot read folder.py: Is a directory"
    assert message(model(ONE, "model.txt")) == (
        "error[GG080]: model.txt is no model: the name of a model file ends in .py"
    )


def test_an_exception_is_shown_with_its_line(model):
    model("def half(a):\n    return a / 0\n\nhalf(1)\n")
    assert message("model.py") == (
        "error[GG081]: ZeroDivisionError: division by zero\n  --> model.py:2:12\n   |  return a / 0\n   |         ^^^^^"
    )


def test_an_exception_below_the_model_is_shown_at_the_models_line(model):
    model("import helper\n\n\nhelper.fail()\n")
    model("\n\ndef fail():\n    raise KeyError('w')\n", "helper.py")
    assert message("model.py") == (
        "error[GG081]: KeyError: 'w'\n"
        "  --> model.py:4:1\n"
        "   |  helper.fail()\n"
        "   |  ^^^^^^^^^^^^^\n"
        "   = raised at helper.py:4"
    )
    sys.modules.pop("helper")


def test_an_exceptions_text_cannot_fake_output(model):
    model("class Broken(Exception): pass\nraise Broken('a\\n\\x1b[31merror')\n")
    assert message("model.py").splitlines()[0] == r"error[GG081]: Broken: a\n\x1b[31merror"
    model("class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute\n")
    assert message("model.py").splitlines()[0] == "error[GG081]: Mute: <exception str() failed>"


def test_wrong_syntax(model):
    model("from graphgen import Graph\nx = 1; g = = 1\n")
    assert message("model.py") == (
        "error[GG081]: SyntaxError: invalid syntax\n  --> model.py:2:12\n   |  x = 1; g = = 1\n   |             ^"
    )
    model("if True:\nx = 1\n")
    assert message("model.py").startswith("error[GG081]: IndentationError: expected an indented block")


def test_wrong_syntax_where_columns_are_uncertain(model):
    model('name = "é"; g = = 1\n')
    assert message("model.py") == (
        'error[GG081]: SyntaxError: invalid syntax\n  --> model.py:1\n   |  name = "é"; g = = 1'
    )


def test_wrong_syntax_in_a_module_of_the_model(model):
    model("import broken\n")
    model("(\n", "broken.py")
    assert message("model.py").splitlines()[:2] == [
        "error[GG081]: SyntaxError: '(' was never closed",
        "  --> broken.py:1:1",
    ]


def test_wrong_syntax_in_a_text(model):
    model("import ast\n\nast.parse('1 +')\n")
    assert message("model.py").splitlines()[:2] == ["error[GG081]: SyntaxError: invalid syntax", "  --> model.py:3:1"]


@pytest.mark.parametrize("text", [b"x = '\xff'\n", b"# coding: nonsense\n", b"x = 1\0\n"])
def test_a_file_that_is_no_text(model, text):
    assert message(model(text)).startswith("error[GG081]: ")


def test_a_model_that_ends_the_program(model):
    assert message(model("import sys\nsys.exit('enough')\n")) == (
        "error[GG081]: the model file ends the program: SystemExit('enough')\n"
        "  --> model.py:2:1\n"
        "   |  sys.exit('enough')\n"
        "   |  ^^^^^^^^^^^^^^^^^^\n"
        '   = help: what only `python file.py` should do belongs under if __name__ == "__main__":'
    )


def test_a_graph_error_passes_through(model):
    model(
        "from graphgen import GraphError\nfrom graphgen.errors import Problem\nraise GraphError(Problem('GG999', None, 'no'))\n"
    )
    assert message("model.py") == "error[GG999]: no"


def test_an_exception_inside_graphgen_is_a_bug(model, monkeypatch):
    def fails(self):
        raise AssertionError("ours")

    # As if it stood in graph.py.
    code = fails.__code__.replace(co_filename=sys.modules["graphgen.graph"].__file__)
    monkeypatch.setattr(Graph, "__init__", FunctionType(code, globals()))
    model("from graphgen import Graph\nGraph()\n")
    with pytest.raises(AssertionError, match="ours"):
        load_model("model.py")


def test_interrupts_pass_through(model):
    with pytest.raises(KeyboardInterrupt):
        load_model(model("raise KeyboardInterrupt\n"))


def test_a_model_is_run_as_python_would_run_it(model, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["graphgen", "compile", "models/model.py"])
    before = list(sys.path)
    Path("models").mkdir()
    model("text = 'from beside'\n", "models/beside_the_model.py")
    model(
        ONE + "import sys\nfrom beside_the_model import text\n"
        "print(text, sys.argv[1:], __file__)\nassert __name__ != '__main__'\n",
        "models/model.py",
    )
    load_model("models/model.py")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"from beside [] {os.path.abspath('models/model.py')}\n"
    assert sys.path == before
    assert sys.argv == ["graphgen", "compile", "models/model.py"]
    assert sorted(os.listdir("models")) == ["beside_the_model.py", "model.py"]
    sys.modules.pop("beside_the_model")


def test_a_file_that_was_edited_is_read_anew(model):
    model("first = 1\nraise ValueError\n")
    assert "|  raise ValueError" in message("model.py")
    model("import os\n\nraise KeyError(os.sep)\n")
    assert "|  raise KeyError(os.sep)" in message("model.py")


def test_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert split("a/model.py") == ("a/model.py", None)
    assert split("a/model.py:g") == ("a/model.py", "g")
    Path("odd:name.py").write_text(ONE)
    assert split("odd:name.py") == ("odd:name.py", None)
    assert split("odd:name.py:g") == ("odd:name.py", "g")
