"""docs/layers.md is made of the layers' docstrings, which tell all that a layer takes."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphgen import layers, ops
from graphgen.layers import document

ROOT = Path(__file__).parent.parent
LAYERS = sorted(set(layers.__all__) - set(layers.OPS))


@pytest.mark.parametrize("seed", ["0", "1"])
def test_up_to_date_whatever_the_hash_seed(seed):
    done = subprocess.run(
        [sys.executable, "-m", "graphgen.layers.document", "docs/layers.md", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
    )
    assert (done.returncode, done.stderr) == (0, "docs/layers.md is up to date\n"), "run `make generated`"


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_an_entry_that_tells_all_its_arguments(name):
    others = re.findall(r"^- See \[(\w+)\]", entry(name), re.MULTILINE)
    taken = list(inspect.signature(getattr(layers, name)).parameters)
    told = arguments(name)
    assert set(told) <= set(taken) and len(set(told)) == len(told)
    assert set(taken) <= {*told, *(each for other in others for each in arguments(other))}


def entry(name):
    found = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", document.document(), re.MULTILINE | re.DOTALL)
    return found[1]


def arguments(name):
    return [given for names in re.findall(r"^- `([^`]*)`:", entry(name), re.MULTILINE) for given in names.split(", ")]


def test_the_readme_names_every_layer():
    (table,) = re.findall(
        r"^\| features.*?\n\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    named = set(re.findall(r"`(\w+)`", table))
    assert named <= set(layers.__all__)
    assert set(LAYERS) - named <= {"conv2d", "conv_transpose2d"}  # which stand between two that are named


def test_layers_that_are_ops():
    assert all(getattr(layers, name) is getattr(ops, name) for name in layers.OPS)
    assert all(f"[{name}](ops.md#{name})" in document.document() for name in layers.OPS)
