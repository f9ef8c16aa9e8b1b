"""Templates of the user's own: a file or a block in place of graphgen's, and what is refused."""

from pathlib import Path

import pytest
from training_samples import line

import graphgen
from graphgen import cli
from graphgen.cli import run
from graphgen.errors import GraphError
from graphgen.render import folder

NAMES = sorted(each.name for each in (folder() / "numpy").iterdir())


def write(place, text, name="module.py.jinja"):
    (place / "numpy").mkdir(exist_ok=True)
    (place / "numpy" / name).write_text(text, encoding="utf-8")


def compiled(place):
    return graphgen.compile(line(), templates=place)


def test_a_block(tmp_path):
    write(
        tmp_path,
        '{% extends "graphgen/numpy/module.py.jinja" %}\n{% block tables %}\n{{ super() }}\nOURS = 1\n{% endblock %}\n',
    )
    plain, own = graphgen.compile(line()).splitlines(), compiled(tmp_path).splitlines()
    assert [each for each in own if each not in plain] == ["OURS = 1"]
    assert len(own) - len(plain) <= 2


@pytest.mark.parametrize("block", ["docstring", "imports", "classes", "functions", "helpers", "weights", "main"])
def test_every_part_is_a_block(tmp_path, block):
    write(
        tmp_path, f'{{% extends "graphgen/numpy/module.py.jinja" %}}\n{{% block {block} %}}\n# mine\n{{% endblock %}}\n'
    )
    assert compiled(tmp_path).count("# mine\n") == 1


def test_a_file(tmp_path):
    own = (
        (folder() / "numpy" / "function.py.jinja")
        .read_text()
        .replace("{{ function.head }}", "# {{ function.name }}\n{{ function.head }}")
    )
    write(tmp_path, own, "function.py.jinja")
    text = compiled(tmp_path)
    assert "# forward\ndef forward(" in text and "# train_step\ndef train_step(" in text


def test_a_copy_changes_nothing(tmp_path):
    for name in NAMES:
        write(tmp_path, (folder() / "numpy" / name).read_text(), name)
    assert compiled(tmp_path) == graphgen.compile(line())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% for %}", r"module.py.jinja, line 1: TemplateSyntaxError: Expected an expression"),
        ("{{ module.secret }}", r"module.py.jinja, line 1: UndefinedError: .* has no attribute 'secret'"),
        ('{% extends "nowhere" %}', r"module.py.jinja, line 1: TemplateNotFound: nowhere"),
        ("\n{{ 1 / 0 }}", r"module.py.jinja, line 2: ZeroDivisionError: division by zero"),
        ("def (", r"what the templates make is no Python; line 1: invalid syntax"),
        (b"\xff", r"can't decode byte 0xff"),
    ],
)
def test_templates_that_fail(tmp_path, text, message):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "module.py.jinja").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(GraphError, match=message) as caught:
        compiled(tmp_path)
    assert caught.value.problems[0].code == "GG090"


def test_folders_that_change_nothing(tmp_path):
    with pytest.raises(GraphError, match="there is no folder .*nowhere"):
        compiled(tmp_path / "nowhere")
    write(tmp_path, "", "modul.py.jinja")
    with pytest.raises(
        GraphError, match="holds no template that takes another's place\n.*did you mean 'numpy/module.py.jinja'"
    ):
        compiled(tmp_path)


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text('from graphgen import Graph\n\ng = Graph("one")\nx = g.input("x")\ng.output(y=x + x)\n')
    write(
        tmp_path,
        '{% extends "graphgen/numpy/module.py.jinja" %}\n{% block classes %}\n\n\nclass Mine:\n    pass\n{% endblock %}\n',
    )
    assert run(["compile", "model.py", "--templates", ".", "-o", "-"]) == cli.DONE
    assert "\n\n\nclass Mine:\n    pass\n\n\ndef forward(" in capsys.readouterr().out
    assert run(["compile", "model.py", "--templates", "nowhere"]) == cli.WRONG
    assert capsys.readouterr().err == "error[GG090]: there is no folder nowhere\n"
