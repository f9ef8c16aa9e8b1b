"""What is committed in generated/: up to date, the same bytes from every process, clean, and checking itself."""

import ast
import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GENERATED = sorted((ROOT / "generated").glob("*.py"))
COMPILE_ALL = runpy.run_path(str(ROOT / "examples" / "compile_all.py"))

each_file = pytest.mark.parametrize("file", GENERATED, ids=lambda file: file.stem)


def execute(*command, **environment):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


@pytest.mark.parametrize("seed", ["0", "1", "2", "3", "4"])
def test_up_to_date_whatever_the_hash_seed(seed):
    done = execute("examples/compile_all.py", "--check", PYTHONHASHSEED=seed)
    up_to_date = "".join(f"generated/{module}.py is up to date\n" for module, _, _ in COMPILE_ALL["EXAMPLES"])
    assert (done.returncode, done.stderr) == (0, up_to_date)


def test_every_example_is_compiled_and_nothing_else_is_there():
    modules = [module for module, _, _ in COMPILE_ALL["EXAMPLES"]]
    assert sorted(modules) == [file.stem for file in GENERATED]
    files = {file.stem for file in (ROOT / "examples").glob("*.py")}
    models = {name for name in files if name != "compile_all" and not name.startswith(("train_", "solve_"))}
    assert {model for _, model, _ in COMPILE_ALL["EXAMPLES"]} == models


def test_compile_all_says_what_differs(capfd, monkeypatch, tmp_path):
    """The check above can fail."""
    for folder in ("examples", "generated"):
        (tmp_path / folder).mkdir()
    model = (ROOT / "examples" / "product.py").read_text(encoding="utf-8")
    (tmp_path / "examples" / "product.py").write_text(model, encoding="utf-8")
    text = (ROOT / "generated" / "product.py").read_text(encoding="utf-8")
    (tmp_path / "generated" / "product.py").write_text(text.replace("q * z", "z * q"), encoding="utf-8")
    main = COMPILE_ALL["main"]
    monkeypatch.setitem(main.__globals__, "ROOT", tmp_path)
    monkeypatch.setitem(main.__globals__, "EXAMPLES", [("product", "product", [])])
    assert main(["--check"]) == 1
    assert capfd.readouterr().err == "generated/product.py differs from what would be written\n"
    assert main([]) == 0
    assert (tmp_path / "generated" / "product.py").read_text(encoding="utf-8") == text


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
def test_clean_under_the_default_rules():
    options = ["--isolated", "--no-cache", "--line-length", "120", "--extend-select", "E501", "--ignore", "E741"]
    done = execute("-m", "ruff", "check", *options, "generated")
    assert (done.returncode, done.stdout) == (0, "All checks passed!\n")


@each_file
def test_only_numpy_and_the_standard_library_are_imported(file):
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Name):
            assert node.id not in ("exec", "eval", "compile", "__import__")
    assert imported <= {"numpy", *sys.stdlib_module_names}


@each_file
def test_no_path_of_this_machine(file):
    text = file.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert str(Path.home()) + os.sep not in text


@each_file
def test_a_module_checks_its_own_gradients(file):
    done = execute("-W", "error", file)
    assert (done.returncode, done.stderr) == (0, "")
    names = [line.split()[0] for line in done.stdout.splitlines()]
    if file.stem == "digits_inference":
        assert names == []
    else:
        trained = runpy.run_path(str(file))["check_gradients"]()
        assert names == ["name", *trained]
