"""The cutter: helpers come with all they use, in order, whole, and under the names asked for."""

import ast
import dis
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from runtime_module import build, source

import graphgen.runtime
from graphgen.runtime import helpers

RUNTIME = Path(graphgen.runtime.__file__).parent
ALL = tuple(graphgen.runtime._table())


def test_a_helper_follows_those_it_uses():
    cut = helpers(["glorot_normal", "_views", "he_uniform"])
    assert cut.names == ("_fans", "glorot_normal", "_views", "he_uniform")
    assert (cut.imports, cut.numpy, cut.supplied) == (("import math",), True, ("_float",))


def test_helpers_of_other_files_and_constants_are_followed():
    names = helpers(["load_parameters", "_directions"]).names
    assert {"_fits", "_misfit", "_packed", "_views", "_ENTRIES"} <= set(names)
    assert names.index("_views") < names.index("_packed") < names.index("load_parameters")
    assert names.index("_ENTRIES") < names.index("_directions")


def test_constants_keep_the_comment_above_them():
    cut = helpers(["_directions"])
    assert cut.sources[0].startswith("# Of an array with more entries than this")
    assert cut.sources[0].endswith("\n_ENTRIES = 64")


@pytest.mark.parametrize("name", ALL)
def test_sources_are_verbatim_and_complete(name):
    cut = helpers([name])
    folder = Path(graphgen.runtime.__file__).parent
    files = [path.read_text() for path in folder.glob("*.py")]
    for text in cut.sources:
        assert any(f"\n{text}\n" in file for file in files)
    known = set(cut.names) | set(cut.supplied) | set(dir(__builtins__)) | set(__builtins__) | {"np"}
    known |= {line.split()[-1] for line in cut.imports}
    code = compile(cut.text, "cut", "exec")
    assert not _globals_of(code) - known


def _globals_of(code):
    """Return the global names that a code object and those inside it read."""
    names = {each.argval for each in dis.get_instructions(code) if each.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*(_globals_of(each) for each in code.co_consts if hasattr(each, "co_code")))


def test_functions_are_two_lines_apart_and_constants_together():
    text = helpers(["_slopes", "_one_sided_slope"]).text
    tree = ast.parse(text)
    assert "\n\n\n\n" not in text and not text.endswith("\n")
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)][-1] == "_slopes"


def test_a_renamed_helper_is_renamed_in_those_that_use_it_and_nowhere_else():
    cut = helpers(["he_normal"], {"_fans": "_fan_counts", "he_normal": "he_normal_2"})
    assert cut.names == ("_fan_counts", "he_normal_2")
    assert "def _fan_counts(shape: tuple)" in cut.text and "_fan_counts(shape)[0]" in cut.text
    assert "_fans" not in cut.text
    # a local or an attribute of that name, and text, stay: `value` is an argument here
    assert helpers(["_argument"], {"value": "other"}) == helpers(["_argument"])
    assert helpers(["normal"], {"normal": "normal_2"}).sources[0].endswith("return generator.normal(mean, std, shape)")


def test_a_helper_that_gets_another_ones_name_takes_its_place():
    cut = helpers(["save_parameters", "_check"], {"_check_scalar": "_check"})
    assert cut.names == ("_write", "_scalar", "_check", "save_parameters")
    assert cut.sources[2].startswith('def _check(parameters: dict, /, **inputs: Any) -> list:\n    """Return all')
    assert "as Python floats" in cut.sources[2]


def test_scalar_functions_need_no_numpy():
    cut = helpers(["sigmoid_scalar", "softplus_scalar", "_check_scalar"], {"sigmoid_scalar": "sigmoid"})
    assert cut.imports == ("import math", "from typing import Any") and not cut.numpy


def test_the_order_asked_for_is_the_order_given():
    assert helpers(["sigmoid", "softplus"]).names == ("sigmoid", "softplus")
    assert helpers(["softplus", "sigmoid", "softplus"]).names == ("softplus", "sigmoid")
    assert helpers([]).text == ""


def test_an_unknown_helper_is_a_key_error():
    with pytest.raises(KeyError, match="swish"):
        helpers(["swish"])


def test_no_helper_evaluates_text_or_unpickles():
    tree = ast.parse(helpers(ALL).text)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & {"eval", "exec", "compile", "__import__", "pickle.load", "pickle.loads"}
    assert not any("pickle" in line for line in helpers(ALL).imports)


def test_a_module_of_all_helpers_is_clean_and_imports(tmp_path):
    names = ("PARAMETERS", "INPUTS", "STATE", "_hash", "_bounds", "_sizes", "_wrt", "_trained", "_memory", "_numbers")
    names += ("_traced", "_facts", "_remedies", "_declared", "_saved", "OUTPUTS", "_read", "_differentiated")
    supplied = "".join(f"{name} = ()\n" for name in names) + "_float = np.float64\n"
    body = "init_parameters = loss = jvp = forward = vjp = jacobian = _value_and_grad = _value_and_grad_clipped = print"
    text = source(ALL, supplied=supplied, body=body)
    module = build(tmp_path, text)
    assert all(hasattr(module, name) for name in ALL)
    path = tmp_path / "generated_module.py"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", str(path)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_it_works_from_an_archive(tmp_path):
    folder = Path(graphgen.runtime.__file__).parent
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("graphgen/__init__.py", "")
        for path in folder.glob("*.py"):
            archive.write(path, f"graphgen/runtime/{path.name}")
    program = "import sys; sys.path.insert(0, sys.argv[1])\n"
    program += "from graphgen.runtime import helpers; print(helpers(['_check']).text)"
    command = [sys.executable, "-I", "-W", "error", "-c", program, str(tmp_path / "package.zip")]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (result.stderr, result.stdout) == ("", helpers(["_check"]).text + "\n")


def test_helpers_fit_the_lines_of_generated_modules():
    for file in sorted(RUNTIME.glob("*.py")):
        if file.name != "__init__.py":
            assert max(map(len, file.read_text(encoding="utf-8").splitlines())) <= 120, file.name
