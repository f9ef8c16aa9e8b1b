"""Names and places found in model files that run."""

import _thread
import importlib.util
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import FunctionType

import pytest

from graphgen import source
from graphgen.errors import Place
from graphgen.source import Site

PACKAGE = Path(source.__file__).parent


def inside(function):
    """Let a function look like one of graphgen's own."""
    function.__code__ = function.__code__.replace(co_filename=str(PACKAGE / "pretended.py"))
    return function


MADE = []


class Node:
    """Records where it was made, as the handles of a graph do."""

    @inside
    def __init__(self, op):
        MADE.append((op, source.site()))


def method(op):
    return inside(lambda self, *operands: Node(op))


OPERATORS = """add:add radd:add mul:multiply matmul:matmul imatmul:matmul neg:negative abs:abs gt:greater eq:equal
               getitem:index call:call"""
for _name, _op in (pair.split(":") for pair in OPERATORS.split()):
    setattr(Node, f"__{_name}__", method(_op))
Node.sum, Node.mean, Node.T = method("sum"), method("mean"), property(method("transpose"))


@inside
def layer(x):
    """Make two parts and a result, as a layer does: only the result is the user's."""
    here = source.site()
    with source.quiet():
        Node("part")
        x + x
    MADE.append(("layer", here))
    return x


@inside
def f(*operands, **keywords):
    return Node("f")


@inside
def g(*operands, **keywords):
    return Node("g")


@inside
def run(function, *arguments):
    return function(*arguments)


@pytest.fixture
def trace(tmp_path):
    """Run a model file; give every node made there with its site."""

    def trace(text, path=None, encoding="utf-8"):
        path = path or tmp_path / "model.py"
        path.write_text(text, encoding=encoding)
        spec = importlib.util.spec_from_file_location("model", path)
        module = importlib.util.module_from_spec(spec)
        a, b, c, x, w, v = (Node("input") for _ in range(6))
        vars(module).update(f=f, g=g, run=run, layer=layer, a=a, b=b, c=c, x=x, w=w, v=v)
        MADE.clear()
        spec.loader.exec_module(module)
        return list(MADE)

    return trace


@pytest.fixture
def names(trace):
    """Run a model file; give every node made there as ``op:name``, in one string."""

    def names(text):
        return " ".join(f"{op}:{site.name or '-'}" for op, site in trace(text))

    return names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Assignment
        ("h = f(x); k = (f(x)); m: object = f(x); n: object", "f:h f:k f:m"),
        ("h = x; h += w; h += f(x); h += a + b; h @= w", "add:h f:- add:h add:- add:h matmul:h"),
        ("h = 1\nh += (f(x) +\n  1)", "f:- add:- add:h"),
        ("g((h := f(x))); k = g(t := f(x))", "f:h g:- f:t g:k"),
        ("h = (t := f(x)); h = k = f(x)", "f:h f:h"),
        ("h, k = f(x), g(x); [m, n] = (f(x), g(x))", "f:h g:k f:m g:n"),
        ("h, (k, m) = f(x), [g(x), -x]; (h, k), m = (f(x), x), -x", "f:h g:k negative:m f:h negative:m"),
        ("h, k = (f(x), g(x)) if x is not None else (a, b)", "f:h g:k"),
        ("h, *k = f(x), g(x); h, k = [*(f(x), g(x))]", "f:- g:- f:- g:-"),
        ("pair = f(x), g(x); pair = h, k = f(x), g(x)", "f:- g:- f:h g:k"),
        ("a.hidden = f(x); a.hidden += w; a.m, n = f(x), g(x)", "f:hidden add:hidden f:m g:n"),
        ("d = {}; d['h'] = f(x); d['h'] = h = f(x); d['h'] += w", "f:- f:h add:-"),
        ("größe = f(x); lambda_ = f(x)", "f:größe f:lambda_"),
        # Branches
        ("h = f(x) if x is not None else g(x); h = f(x) if x is None else g(x)", "f:h g:h"),
        ("h = a if x is None else (f(x) if w is None else -g(x))", "g:- negative:h"),
        ("h = a if f(x) is None else g(x)", "f:- g:h"),
        # No name
        ("f(x); f(h=f(x)); h = x, f(x)", "f:- f:- f:- f:-"),
        ("hs = [f(x), g(x)]; hs = [f(x) for _ in range(2)]", "f:- g:- f:- f:-"),
        ("hs = {k: f(x) for k in range(2)}; hs = tuple(f(x) for _ in range(2))", "f:- f:- f:- f:-"),
        # Operators, attributes, methods
        ("h = x + w; k = 1 + x; m = x @ w; n = -x", "add:h add:k matmul:m negative:n"),
        ("h = x > 0; k = x == w; m = f(x) > g(x)", "greater:h equal:k f:- g:- greater:m"),
        ("h = x[0]; k = x[1:2]; m = x[1:2, ..., None]", "index:h index:k index:m"),
        ("h = x.T; k = x.sum(); m = abs(x)", "transpose:h sum:k abs:m"),
        ("h = f(*[x]); k = f(x, axis=1); m = f(x, **{'axis': 1})", "f:h f:k f:m"),
        # Only the outermost of several
        ("h = f(x @ w); k = f(g(x))", "matmul:- f:h g:- f:k"),
        ("h = (a + b) + c; k = a + (b + c)", "add:- add:h add:- add:k"),
        ("h = a + b + c; k = a + b * c; m = x @ w @ v", "add:- add:h multiply:- add:k matmul:- matmul:m"),
        ("h = -(a + b); k = a + -b; m = - -x", "add:- negative:h negative:- add:k negative:- negative:m"),
        ("h = x[0][1]; k = x[f(w)]", "index:- index:h f:- index:k"),
        ("h = f(x)(w); k = f(x)[0]", "f:- call:h f:- index:k"),
        ("h = f(x) + g(x); k = a + g(x)", "f:- g:- add:h g:- add:k"),
        ("h = a + x.T; k = x.T.T", "transpose:- add:h transpose:- transpose:k"),
        ("h = x.sum().mean(); k = x.T.sum(); m = x.sum().T", "sum:- mean:h transpose:- sum:k sum:- transpose:m"),
        ("d = {}; h = f(d.get(1, g(x)))", "g:- f:h"),
        # Several on one line
        ("h = f(x); k = f(x)", "f:h f:k"),
        ("if x is not None: h = x + w; k = x + w", "add:h add:k"),
    ],
)
def test_names(names, text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h = f(\n    x,\n    w,\n    axis=1,\n)", "f:h"),
        ("h = f(\n    g(\n        x,\n    ),\n)", "g:- f:h"),
        ("h = f(\n    g(x))", "g:- f:h"),
        ("h = f(x,\n    g(\n        x))", "g:- f:h"),
        ("h = (\n    x\n    .sum()\n    .mean()\n)", "sum:- mean:h"),
        ("h = (x\n     .sum(\n     )\n     .mean(\n     ))", "sum:- mean:h"),
        ("h = (x\n     .T\n     .T)", "transpose:- transpose:h"),
        ("h = (\n    a\n    + b\n    + c\n)", "add:- add:h"),
        ("h = x @ \\\n    w", "matmul:h"),
        ("h = x[\n    0\n][\n    1\n]", "index:- index:h"),
        ("h = -(\n    x\n)", "negative:h"),
        ("h, k = (\n    f(\n        x),\n    g(\n        x),\n)", "f:h g:k"),
        ("h = (\n    f(x)\n    if x is not None\n    else g(x)\n)", "f:h"),
        # The value of a return takes the name at the call
        ("def block(x): return f(x)\nh = block(x); k = block(x); block(x)", "f:h f:k f:-"),
        ("def block(x): return f(x)\nh = g(block(x)); k = block(x) + block(x)", "f:- g:h f:- f:- add:k"),
        ("def block(x): return (x @ w + b)\nh = block(x)", "matmul:- add:h"),
        ("def block(x): return x.T\nh = block(\n    x,\n)", "transpose:h"),
        ("def block(x): return f(x) if x is None else g(x)\nh = block(x)", "g:h"),
        ("def block(x): return f(x), g(x)\nh, k = block(x)", "f:- g:-"),
        ("def inner(x): return f(x)\ndef outer(x): return inner(x)\ndef none(): return\nh = outer(x); none()", "f:h"),
        ("def inner(x): return f(x)\ndef outer(x):\n    k = inner(x)\n    return k\nh = outer(x)", "f:k"),
        ("def block(x): return layer(x)\nh = block(x)", "part:- add:- layer:h"),
        ("def block(n): return block(n - 1) if n else f(x)\nh = block(3)", "f:h"),
        ("block = lambda x: f(g(x))\nh = block(x)", "g:- f:h"),
        ("def block(x): return (t := f(x))\nh = block(x)", "f:t"),
        ("def block(x):\n    y = f(x)\n    return y\nh = block(x)", "f:y"),
        ("def block(x): return f(x)\nh = run(block, x); k = run(lambda x: f(x), x)", "f:h f:k"),
        ("def wrap(inner): return lambda x: inner(x)\n@wrap\ndef block(x): return f(x)\nh = block(x)", "f:h"),
        ("class Model:\n    def __call__(self, x): return f(x)\nh = Model()(x)", "f:h"),
        ("class Model:\n    def __neg__(self): return f(x)\nh = -Model()", "f:h"),
        ("class Model:\n    @property\n    def out(self): return f(x)\nh = Model().out", "f:h"),
        ("class Model:\n    def __getitem__(self, i): return f(x)\nh = Model()[0]", "f:h"),
        ("class Model:\n    def __init__(self, x): self.hidden = f(x)\nm = Model(x)", "f:hidden"),
        # Statements of all kinds
        ("for _ in range(2):\n    h = f(x)", "f:h f:h"),
        ("for h in [f(x), g(x)]:\n    k = -h", "f:- g:- negative:k negative:k"),
        ("i = 0\nwhile i < 2:\n    h, i = f(x), i + 1", "f:h f:h"),
        ("import contextlib\nwith contextlib.nullcontext(f(x)) as k:\n    h = g(x)", "f:- g:h"),
        ("match x:\n    case _:\n        h = f(x)", "f:h"),
        ("def block(x=f(x)):\n    pass", "f:-"),
        ("@f\ndef h(x):\n    pass", "f:-"),
        ("@f(x)\ndef h(x):\n    pass", "f:- call:-"),
        ("while (h := f(x)) is None:\n    pass", "f:h"),
        ("hs = [h for _ in range(2) if (h := f(x)) is not None]", "f:h f:h"),
    ],
)
def test_names_over_several_lines(names, text, expected):
    assert names(text) == expected


@pytest.mark.parametrize("prefix", ["'é' and ", "'層' and ", "'\t' and ", "'😀' and "])
def test_columns_are_bytes(names, prefix):
    assert names(f"{prefix}(h := x + w); k = x @ w") == "add:h matmul:k"


def test_white_space_of_all_kinds(names):
    assert names("\x0cif True:\n\th =\tf(\tx\t)\r\n\td = '\x0c\x1c'; k = a + b\r\n") == "f:h add:k"


@pytest.mark.parametrize(("first", "encoding"), [("# coding: latin-1", "latin-1"), ("größe = x @ w", "utf-8-sig")])
def test_other_encodings(trace, first, encoding):
    made = trace(f"{first}\n'é'; größe = x + w\n", encoding=encoding)
    assert {site.name for _, site in made} == {"größe"}


def test_places(trace, tmp_path):
    file = str(tmp_path / "model.py")
    made = trace("k = 'é'; h = f(x @ w)\nz = f(\n    x,\n    w,\n    axis=1,\n)\n")
    assert made == [
        ("matmul", Site(Place(file, 1, 1, 16, 21), None)),
        ("f", Site(Place(file, 1, 1, 14, 22), "h")),
        ("f", Site(Place(file, 2, 6, 4, 1), "z")),
    ]
    assert [site.place.position for _, site in made] == ["model.py:1:16", "model.py:1:14", "model.py:2:5"]


def test_a_returned_value_keeps_its_own_place(trace):
    ((_, site),) = trace("def block(x):\n    return f(x)\nh = block(x)\n")
    assert (site.name, site.place.position) == ("h", "model.py:2:12")


def test_parts_of_a_layer_have_its_place_and_no_name(trace):
    made = trace("h = layer(x)\nk = f(x)\n")
    assert [(op, site.name, site.place.position) for op, site in made] == [
        ("part", None, "model.py:1:5"),
        ("add", None, "model.py:1:5"),
        ("layer", "h", "model.py:1:5"),
        ("f", "k", "model.py:2:5"),
    ]


def test_quiet_nests_and_ends_with_an_exception():
    site = inside(lambda: source.site())

    def ask():
        found = site()
        return found

    loud = ask()
    assert loud.name == "found"
    with pytest.raises(KeyError), source.quiet():
        with source.quiet():
            assert ask() == Site(loud.place, None)
        assert ask().name is None
        raise KeyError
    assert ask() == loud


def test_quiet_is_each_threads_own():
    site = inside(lambda: source.site())
    seen = []

    def work():
        h = site()
        seen.append(h.name)

    with source.quiet():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        work()
    assert seen == ["h", None]


def test_without_a_caller():
    sites = queue.SimpleQueue()
    site = inside(lambda: sites.put(source.site()))
    _thread.start_new_thread(site, ())
    assert sites.get(timeout=10) == Site(None, None)
    _thread.start_new_thread(lambda: site(), ())
    found = sites.get(timeout=10)
    assert (found.name, found.place.file) == (None, __file__)


def test_files_with_equal_code_are_told_apart(trace, tmp_path):
    first = trace("h = f(x)\n", tmp_path / "first.py")
    second = trace("h = f(x)\n", tmp_path / "second.py")
    assert [str(site.place) for _, site in first + second] == ["first.py:1", "second.py:1"]


def test_a_file_that_changed_is_read_again(names):
    assert names("h = f(x)") == "f:h"
    assert names("long = f(x)") == "f:long"


def test_code_without_its_source(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("edited = (\n")
    for file in (str(path), "<string>"):
        assert run_code(compile("h = f()\n", file, "exec")) == Site(Place(file, 1, 1, 4, 7), None)


def test_a_file_with_a_faulty_escape_warns_once(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("h = f('\\d')\n")
    with pytest.warns((DeprecationWarning, SyntaxWarning)) as caught:
        site = run_code(compile(path.read_text(), str(path), "exec"))
    assert (site.name, len(caught)) == ("h", 1)


def run_code(code):
    """Run compiled code in which ``f()`` makes a node; give its site."""
    MADE.clear()
    FunctionType(code, {"f": f})()
    ((_, site),) = MADE
    return site


def test_without_columns(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(
        "from graphgen import source\n"
        "def f(): return source.site()\n"
        "f.__code__ = f.__code__.replace(co_filename=source.__file__)\n"
        "h = f()\n"
        "print(h.name, h.place.line, h.place.column, h.place.position)\n"
    )

    def printed(*options):
        command = [sys.executable, *options, str(path)]
        environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert printed() == "h 4 4 model.py:4:5\n"
    assert printed("-Xno_debug_ranges") == "None 4 None model.py:4\n"


def test_a_file_too_deep_to_parse_where_it_is_first_met(trace):
    deep = f"y = 0 and {' + '.join(['x'] * 2500)}"
    made = trace(f"def block(n):\n    return block(n - 1) if n else f(x)\nif False:\n    {deep}\nh = block(300)\n")
    assert [site.place.position for _, site in made] == ["model.py:2:35"]
