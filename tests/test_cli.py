"""The command line: its exit codes, what it writes where, and what it leaves alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import graphgen
from graphgen import cli
from graphgen.cli import run
from graphgen.errors import GraphError, GraphWarning, Problem

HEADER = "made by graphgen 0.1.0 (target numpy); its authors claim no ownership of this file"
SOURCE = f'"""one: forward sweep of model.py.\n\n{HEADER}\n"""\n\nvalue = "é"\n'
MODEL = 'from graphgen import Graph\n\ng = Graph("one")\nx = g.input("x")\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder with a model."""
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text(MODEL)
    return tmp_path


@pytest.fixture
def build(folder, monkeypatch):
    """A compiler that answers with `SOURCE`; gives the options it was called with."""
    calls = []

    def fake(graph, **options):
        calls.append(options)
        return SimpleNamespace(source=SOURCE, report="12 nodes")

    monkeypatch.setitem(sys.modules, "graphgen.compiler", SimpleNamespace(build=fake))
    return calls


def replace_build(monkeypatch, function):
    monkeypatch.setitem(sys.modules, "graphgen.compiler", SimpleNamespace(build=function))


def files():
    return sorted(str(file) for file in Path().rglob("*") if file.is_file())


def test_version_and_help_import_little():
    code = (
        "import sys\nfrom graphgen.cli import run\n"
        "assert run(['--version']) == run(['--help']) == run(['compile', '--help']) == 0\n"
        "heavy = {'numpy', 'sympy', 'networkx', 'jinja2', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"graphgen {graphgen.__version__}\nUsage: graphgen ")
    assert "The file is run as Python." in " ".join(done.stdout.split())


def test_the_module_can_be_run():
    done = subprocess.run([sys.executable, "-m", "graphgen", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"graphgen {graphgen.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["compile"], "Missing argument 'MODEL'"),
        (["compile", "model.py", "--style", "baroque"], "'baroque' is not one of"),
        (["compile", "model.py", "--relu-at-zero", "2"], "2.0 is not in the range 0<=x<=1"),
        (["compile", "model.py", "--nonsense"], "No such option"),
        (["compile", "model.py", "-o", "-", "--check"], "--check and --diff compare with a file, not with stdout"),
        (["compile", "model.py", "-o", "-", "--diff"], "--check and --diff compare with a file, not with stdout"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_wrong_usage(folder, capsys, arguments, complaint):
    assert run(arguments) == cli.WRONG
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert "Traceback" not in err


def test_compile_writes_into_generated(build, capsys):
    assert run(["compile", "model.py"]) == cli.DONE
    assert Path("generated/one.py").read_bytes() == SOURCE.encode()
    assert files() == ["generated/one.py", "model.py"]
    assert capsys.readouterr() == ("", "wrote generated/one.py\n")
    assert build == [{}]


def test_options_are_passed_on_if_they_are_given(build):
    options = "--style teach --dtype float32 --wrt x,y --wrt z --optimizer none --relu-at-zero 0 --ties first --inference --mode both"
    assert run(["compile", "model.py", *options.split()]) == cli.DONE
    assert build == [
        {
            "style": "teach",
            "dtype": "float32",
            "wrt": ("x", "y", "z"),
            "optimizer": "none",
            "relu_at_zero": 0.0,
            "ties": "first",
            "inference": True,
            "mode": "both",
        }
    ]


def test_compile_to_stdout(build, capfdbinary):
    assert run(["compile", "model.py", "-o", "-", "--explain"]) == cli.DONE
    assert capfdbinary.readouterr() == (SOURCE.encode(), b"12 nodes\n")
    assert files() == ["model.py"]


def test_a_generated_file_is_written_over(build):
    Path("out.py").write_text(SOURCE.replace("0.1.0", "0.0.9") + "broken (\n")
    Path("out.py").chmod(0o640)
    assert run(["compile", "model.py", "-o", "out.py"]) == cli.DONE
    assert Path("out.py").read_text() == SOURCE
    assert stat.S_IMODE(Path("out.py").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"print('{HEADER}')\n",
        f'"""Mine, not\nmade of\n"""\n# {HEADER}\n',
        '"""Plots of what is\nmade by graphgen and others\n"""\n',
        f'"""Mine\n{HEADER}, but mine\n"""\n',
        "x = 1 # \xff\n",
    ],
)
def test_no_other_file_is_written_over(build, capsys, text):
    Path("out.py").write_bytes(text.encode("latin-1"))
    assert run(["compile", "model.py", "-o", "out.py"]) == cli.WRONG
    assert Path("out.py").read_bytes() == text.encode("latin-1")
    assert capsys.readouterr().err == (
        "error[GG084]: out.py was not made by graphgen, and is left as it is\n"
        "   = help: write to another file with -o, or over this one with --force\n"
    )
    assert run(["compile", "model.py", "-o", "out.py", "--force"]) == cli.DONE
    assert Path("out.py").read_text() == SOURCE
    assert files() == ["model.py", "out.py"]


def test_the_model_is_never_written_over(build, capsys):
    assert run(["compile", "model.py:g", "-o", "./model.py", "--force"]) == cli.WRONG
    assert Path("model.py").read_text() == MODEL
    assert capsys.readouterr().err == (
        "error[GG084]: model.py is the model itself\n   = help: write to another file with -o\n"
    )


def test_a_link_stays_a_link(build):
    Path("real.py").write_text(SOURCE + "old\n")
    Path("link.py").symlink_to("real.py")
    assert run(["compile", "model.py", "-o", "link.py"]) == cli.DONE
    assert Path("link.py").is_symlink()
    assert Path("real.py").read_text() == SOURCE


def test_what_is_no_regular_file_is_written_into(build):
    # A pipe of the test's own stands for devices: were one replaced by a file, the machine would suffer.
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run(["compile", "model.py", "-o", "pipe"]) == cli.DONE
    assert os.read(reader, 1000) == SOURCE.encode()
    os.close(reader)
    assert Path("pipe").is_fifo()


def test_what_cannot_be_written(build, capsys):
    Path("out.py").mkdir()
    assert run(["compile", "model.py", "-o", "out.py"]) == cli.WRONG
    assert run(["compile", "model.py", "-o", "model.py/out.py"]) == cli.WRONG
    assert capsys.readouterr().err == (
        "error[GG085]: cannot read out.py: Is a directory\nerror[GG085]: cannot read model.py/out.py: Not a directory\n"
    )


def test_nothing_half_written_is_left(build, monkeypatch, capsys):
    Path("out.py").write_text(SOURCE + "old\n")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert run(["compile", "model.py", "-o", "out.py"]) == cli.WRONG
    assert capsys.readouterr().err == "error[GG085]: cannot write out.py: No space left on device\n"
    assert Path("out.py").read_text() == SOURCE + "old\n"
    assert files() == ["model.py", "out.py"]


def test_a_graph_whose_name_is_no_file_name(build, capsys):
    Path("model.py").write_text(MODEL.replace('"one"', '"../one"'))
    assert run(["compile", "model.py"]) == cli.WRONG
    assert capsys.readouterr().err == (
        "error[GG085]: the graph's name '../one' is no file name\n   = help: name the file with -o FILE\n"
    )


def test_check(build, capsys):
    assert run(["compile", "model.py", "--check"]) == cli.DIFFERS
    assert capsys.readouterr() == ("", "generated/one.py does not exist\n")
    assert files() == ["model.py"]
    assert run(["compile", "model.py"]) == cli.DONE
    capsys.readouterr()
    assert run(["compile", "model.py", "--check"]) == cli.DONE
    assert capsys.readouterr() == ("", "generated/one.py is up to date\n")
    Path("generated/one.py").write_text(SOURCE + "\n")
    assert run(["compile", "model.py", "--check"]) == cli.DIFFERS
    assert capsys.readouterr() == ("", "generated/one.py differs from what would be written\n")
    assert Path("generated/one.py").read_text() == SOURCE + "\n"


def test_diff(build, capsys):
    Path("out.py").write_text(SOURCE.replace("é", "e"))
    difference = f'--- out.py\n+++ out.py\n@@ -3,5 +3,5 @@\n {HEADER}\n """\n \n-value = "e"\n+value = "é"\n \n'
    assert run(["compile", "model.py", "-o", "out.py", "--diff"]) == cli.DONE
    assert capsys.readouterr() == (difference, "")
    assert run(["compile", "model.py", "-o", "out.py", "--diff", "--check"]) == cli.DIFFERS
    assert capsys.readouterr() == (difference, "out.py differs from what would be written\n")
    assert "é" not in Path("out.py").read_text()
    assert run(["compile", "model.py", "-o", "new.py", "--diff"]) == cli.DONE
    assert capsys.readouterr().out.startswith("--- /dev/null\n+++ new.py\n@@ -0,0 +1,7 @@\n")
    Path("out.py").write_text(SOURCE)
    assert run(["compile", "model.py", "-o", "out.py", "--diff"]) == cli.DONE
    assert capsys.readouterr() == ("", "")


def test_a_wrong_model(folder, monkeypatch, capsys):
    def refuse(graph, **options):
        raise GraphError([Problem("GG021", None, "inner sizes differ"), Problem("GG022", None, "no", "yes")])

    replace_build(monkeypatch, refuse)
    assert run(["compile", "model.py"]) == cli.WRONG
    assert capsys.readouterr() == ("", "error[GG021]: inner sizes differ\n\nerror[GG022]: no\n   = help: yes\n")
    assert files() == ["model.py"]


def test_a_model_that_fails(folder, monkeypatch, capsys):
    Path("model.py").write_text("print('hello')\n1 / 0\n")
    replace_build(monkeypatch, None)
    assert run(["compile", "model.py"]) == cli.WRONG
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "hello\nerror[GG081]: ZeroDivisionError: division by zero\n  --> model.py:2:1\n   |  1 / 0\n   |  ^^^^^\n"
    )


def test_warnings(folder, monkeypatch, capsys):
    def warns(graph, **options):
        import warnings

        for _ in range(2):
            warnings.warn("warning[GG050]: x is not used", GraphWarning, stacklevel=1)
        warnings.warn_explicit("old", DeprecationWarning, "elsewhere.py", 3)
        return SimpleNamespace(source=SOURCE, report="")

    replace_build(monkeypatch, warns)
    with pytest.warns(DeprecationWarning, match="^old$"):
        assert run(["compile", "model.py", "-o", "-"]) == cli.DONE
    out, err = capsys.readouterr()
    assert out == SOURCE
    assert err == "warning[GG050]: x is not used\nwarning[GG050]: x is not used\n"


def test_a_bug(folder, monkeypatch, capsys):
    def fails(graph, **options):
        raise KeyError("ours")

    replace_build(monkeypatch, fails)
    assert run(["compile", "model.py"]) == cli.BUG
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        f"graphgen {graphgen.__version__}: this is a bug in graphgen, please report it with this traceback:\n"
        "Traceback (most recent call last):\n"
    )
    assert err.endswith("KeyError: 'ours'\n")


def test_interrupted(build, capsys):
    Path("model.py").write_text("raise KeyboardInterrupt\n")
    assert run(["compile", "model.py"]) == cli.INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err


def test_a_closed_pipe(folder):
    code = "from graphgen.cli import run\nraise SystemExit(run(['ops']))"
    read, write = os.pipe()
    os.close(read)
    environment = os.environ | {"PYTHONPATH": str(Path(graphgen.__file__).parent.parent)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", [["compile", "model.py", "-o", "-"], ["compile", "model.py", "--diff"], ["ops"]])
def test_a_full_stdout(folder, command):
    Path("model.py").write_text(MODEL + "g.output(y=x + x)\n")
    code = f"from graphgen.cli import run\nraise SystemExit(run({command}))"
    environment = os.environ | {"PYTHONPATH": str(Path(graphgen.__file__).parent.parent)}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    assert (done.returncode, done.stderr) == (
        cli.WRONG,
        "error[GG085]: cannot write to stdout: No space left on device\n",
    )


def test_new(folder, capsys):
    assert run(["new", "tiny_net"]) == cli.DONE
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "wrote tiny_net.py; next:\n"
        "  graphgen compile tiny_net.py\n"
        "  python generated/tiny_net.py      checks its own gradients\n"
    )
    text = Path("tiny_net.py").read_text()
    assert 'g = Graph("tiny_net")' in text
    assert text.endswith("\n")
    assert "{" not in text
    assert run(["new", "tiny_net"]) == cli.WRONG
    assert capsys.readouterr().err == (
        "error[GG086]: tiny_net.py exists, and is left as it is\n   = help: choose another name\n"
    )


def test_a_new_model_compiles_and_checks_itself(folder, capsys):
    assert run(["new", "tiny_net"]) == cli.DONE
    assert run(["compile", "tiny_net.py"]) == cli.DONE
    done = subprocess.run(
        [sys.executable, "-W", "error", "generated/tiny_net.py"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "fc1_w" in done.stdout
    assert run(["compile", "tiny_net.py", "--check"]) == cli.DONE


@pytest.mark.parametrize("name", ["", "my-net", "net.py", "a/b", "class", "2nd"])
def test_a_new_model_needs_an_identifier(folder, capsys, name):
    assert run(["new", name]) == cli.WRONG
    assert capsys.readouterr().err == (
        f"error[GG086]: {name!r} is no Python identifier\n"
        "   = help: use letters, digits and _, such as my_model; without .py\n"
    )
    assert files() == ["model.py"]


def test_a_new_model_has_a_name_that_a_graph_may_have(folder, capsys):
    assert run(["new", "é"]) == cli.WRONG
    assert capsys.readouterr().err == (
        "error[GG011]: 'é' cannot name a graph\n"
        "   = help: a module is called by it: use letters, digits and underscores\n"
    )
    assert files() == ["model.py"]


@pytest.mark.parametrize("name", ["numpy", "random", "graphgen"])
def test_a_new_model_hides_no_module(folder, capsys, name):
    assert run(["new", name]) == cli.WRONG
    assert capsys.readouterr().err == (
        f"error[GG086]: {name}.py would hide the module {name} from Python\n"
        f"   = help: choose another name, such as {name}_model\n"
    )


def test_ops_lists_each_op_on_one_line(capsys):
    from graphgen import ops
    from graphgen.ops.families import FAMILIES

    assert run(["ops"]) == cli.DONE
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    for family, rows in ops.families().items():
        assert FAMILIES[family].title in lines
        for row in rows:
            (found,) = [line for line in lines if line.split()[:1] == [row.name] and line.startswith("  ")]
            assert found.endswith(" ".join(row.summary.split("\n\n")[0].split()))


def test_ops_describes_an_op(monkeypatch, capsys):
    facts = [("slope", "1/(1 + exp(-a))"), ("slope", "another"), ("NumPy", "first\n  second")]
    monkeypatch.setattr("graphgen.ops.describe", lambda name: facts, raising=False)
    assert run(["ops", "sigmoid"]) == cli.DONE
    assert capsys.readouterr().out == "slope  1/(1 + exp(-a))\n       another\nNumPy  first\n         second\n"


def test_ops_of_the_table_can_be_described(capsys):
    from graphgen import ops

    for rows in ops.families().values():
        for row in rows:
            assert run(["ops", row.name]) == cli.DONE
    assert run(["ops", "sigmoidd"]) == cli.WRONG
    assert "sigmoid" in capsys.readouterr().err


def test_the_public_names_are_there():
    assert {"compile", "load", "ops", "layers", "losses", "Graph"} < set(dir(graphgen))
    for name in graphgen.__all__:
        assert getattr(graphgen, name) is not None
    assert callable(graphgen.load)
    with pytest.raises(AttributeError, match="module 'graphgen' has no attribute 'laod'"):
        graphgen.laod  # noqa: B018
