"""The README shows what graphgen does today."""

import re
import subprocess
import sys
from pathlib import Path

from graphgen.cli import run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
MODEL, EXCERPT = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]


def test_the_excerpt_and_the_check_are_real(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlp.py").write_text(MODEL, encoding="utf-8")
    assert run(["compile", "mlp.py"]) == 0
    assert EXCERPT in (tmp_path / "generated" / "mlp.py").read_text(encoding="utf-8")

    table = re.search(r"```\n(name +shape.*?)```", README, re.DOTALL)
    printed = subprocess.run([sys.executable, "generated/mlp.py"], capture_output=True, text=True, check=True).stdout
    assert table is not None
    columns = [[line.split()[0] for line in text.splitlines()] for text in (table[1], printed)]
    assert columns[0] == columns[1]


def test_the_errors_are_real(tmp_path, monkeypatch, capsys):
    shown = re.search(r"```\n(error\[.*?)```", README, re.DOTALL)
    model = re.search(r"<!-- (from graphgen.*?)-->", README, re.DOTALL)
    assert shown is not None and model is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(model[1], encoding="utf-8")
    assert run(["compile", "model.py"]) == 2
    assert capsys.readouterr().err == shown[1]
    assert [path.name for path in tmp_path.iterdir()] == ["model.py"]


def test_the_primitive_is_real(tmp_path, monkeypatch, capsys):
    made, refused = re.search(r"```python\n(import sympy.*?)```\n.*?```\n(error.*?)```", README, re.DOTALL).groups()
    header = 'from graphgen import Graph, layers\n\ng = Graph("m")\npixels = g.input("pixels", (2, 64))\n'
    (tmp_path / "model.py").write_text(f"{header}{made}g.loss(hidden.sum())\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["compile", "model.py", "-o", "-"]) == 0
    assert "# hidden = swish(" in capsys.readouterr().out
    line = re.search(r"\|  (bump = .*)", refused)[1]
    text = f'import sympy\nfrom graphgen import Graph, ops\n\nx = sympy.Symbol("x")\n{line}\n'
    (tmp_path / "model.py").write_text(text, encoding="utf-8")
    assert run(["compile", "model.py"]) == 2
    assert capsys.readouterr().err == refused


def test_the_optimizer_is_real(tmp_path, monkeypatch, capsys):
    declared, shown = re.search(
        r"```python\n(from graphgen import penalties.*?)```.*?```python\n(.*?)```", README, re.DOTALL
    ).groups()
    (tmp_path / "mlp.py").write_text(f"{MODEL.partition('g.loss')[0]}{declared}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["compile", "mlp.py", "-o", "-"]) == 0
    assert shown in capsys.readouterr().out


def test_the_steps_are_real(tmp_path, monkeypatch, capsys):
    section = re.search(r"\*\*Follow sequences(.*?)\*\*Train", README, re.DOTALL)[1]
    declared, shown = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    header = 'from graphgen import Graph, layers, ops\n\ng = Graph("words")\n'
    (tmp_path / "words.py").write_text(f"{header}{declared}g.loss((memory * memory).sum())\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["compile", "words.py", "-o", "-"]) == 0
    assert shown in capsys.readouterr().out


def test_the_two_forms_are_real(tmp_path, monkeypatch, capsys):
    section = re.search(r"\*\*Train one way(.*?)\*\*Check", README, re.DOTALL)[1]
    declared, inference, training, own = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    head, tail = MODEL.partition("hidden = ")[0], f"g.output{MODEL.partition('g.output')[2]}"
    (tmp_path / "mlp.py").write_text(f"{head}{declared}{tail}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["compile", "mlp.py", "-o", "-"]) == 0
    printed = capsys.readouterr().out
    assert inference in printed and training in printed
    (tmp_path / "own.py").write_text(f"{head}{declared}{own}g.loss((centred * centred).sum())\n", encoding="utf-8")
    assert run(["compile", "own.py", "-o", "-"]) == 0
    assert "seen_new = 0.9 * seen + 0.1 *" in capsys.readouterr().out


def test_every_file_it_names_exists():
    for path in re.findall(r"\]\(((?!https?:)[^)]+)\)", README):
        assert (Path(__file__).parent.parent / path).exists(), path


def test_the_listing_is_real(capsys):
    shown = re.search(r"```\n(forward mode: each value.*?)```", README, re.DOTALL)[1]
    assert run(["cost", str(Path(__file__).parent.parent / "examples" / "sigmoid_neuron.py"), "--side-by-side"]) == 0
    assert capsys.readouterr().out.rstrip() == shown.rstrip()


def test_the_finding_is_real(tmp_path, monkeypatch, capsys):
    model, command, shown = re.search(
        r"<!-- steps.py:\n(.*?)-->.*?`graphgen (check steps.py.*?)`.*?```\n(error.*?)```", README, re.DOTALL
    ).groups()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "steps.py").write_text(model, encoding="utf-8")
    assert run(command.split()) == 1
    assert shown in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["steps.py"]


def test_every_mode_that_it_tells_of_is_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "mlp.py").write_text(MODEL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    table = re.search(r"\| flag \| function.*?\n\n", README, re.DOTALL)[0]
    for flag, functions in re.findall(r"\| `([^`]+)`[^|]*\| (.*?) \|", table):
        assert run(["compile", "mlp.py", *flag.split(), "-o", "-"]) == 0
        printed = capsys.readouterr().out
        for name, arguments in re.findall(r"`(\w+)\(([^)]*)\)`", functions):
            head = re.search(rf"^def {name}\((.*?)\) ->", printed, re.MULTILINE | re.DOTALL)[1]
            assert re.findall(r"(\w+):", head) == arguments.split(", "), name
