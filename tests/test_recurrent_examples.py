"""The recurrent examples: what they learn, and that they hand their state on."""

import runpy
import sys
from pathlib import Path

import pytest

from graphgen import layers

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture
def training(monkeypatch):
    """A function that gives what the training script of an example holds."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    return lambda name: runpy.run_path(str(EXAMPLES / f"train_{name}.py"))


def test_a_gru_remembers_across_fifty_steps(training):
    assert training("recall")["train"](layers.gru, updates=400) >= 0.99


def test_a_network_writes_what_it_has_read(training):
    script = training("letters")
    parameters, bits = script["train"]()
    assert bits < 0.05
    text = script["letters"].TEXT
    assert script["write"](parameters, text[:20], 200) == text[:200]
