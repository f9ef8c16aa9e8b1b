"""The package as others get it: a wheel, with its templates, that works from another folder."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import graphgen

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def execute(*command, **more):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    execute("-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    (built,) = folder.glob("graphgen-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Run Python in an empty folder with the installed wheel, which goes before any other graphgen."""
    target, elsewhere = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("elsewhere")
    pip = ["-m", "pip", "--disable-pip-version-check", "install"]
    execute(*pip, "--no-deps", "--no-index", "--no-compile", "--target", target, wheel)
    environment = os.environ | {"PYTHONPATH": str(target)}
    where = execute("-c", "import graphgen; print(graphgen.__file__)", cwd=elsewhere, env=environment)
    assert Path(where.strip()).is_relative_to(target)
    return lambda *command: execute(*command, cwd=elsewhere, env=environment)


def test_the_wheel_holds_the_package_and_its_templates(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    templates = {f"graphgen/{file.relative_to(ROOT)}" for file in (ROOT / "templates").rglob("*") if file.is_file()}
    modules = {str(file.relative_to(ROOT)) for file in (ROOT / "graphgen").rglob("*.py")}
    assert "graphgen/templates/model.py.jinja" in templates
    assert names == templates | modules | {"graphgen/py.typed"}


def test_the_installed_version(python):
    assert python("-m", "graphgen", "--version") == f"graphgen {graphgen.__version__}\n"


def test_the_installed_package_compiles(python):
    python("-m", "graphgen", "new", "installed_net")
    python("-m", "graphgen", "compile", "installed_net.py")
    assert "fc1_w" in python("generated/installed_net.py")


def test_every_import_is_declared():
    wanted = set()
    for file in (ROOT / "graphgen").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                wanted.add(node.module.split(".")[0])
    dependencies = [*PROJECT["dependencies"], "matplotlib"]  # which only a plot takes
    assert any(dependency.startswith("matplotlib") for dependency in PROJECT["optional-dependencies"]["plots"])
    declared = {re.match(r"[\w-]+", dependency).group() for dependency in dependencies}
    assert wanted - set(sys.stdlib_module_names) - {"graphgen"} == declared


def test_no_text_is_evaluated_and_nothing_unpickled():
    forbidden = {"eval", "exec", "__import__", "pickle", "sympify", "parse_expr", "S"}
    for file in (ROOT / "graphgen").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        called = {ast.unparse(node.func).split(".")[-1] for node in ast.walk(tree) if isinstance(node, ast.Call)}
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
        assert not forbidden & (called | imported), file
