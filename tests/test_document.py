"""docs/ops.md: made of the op table and up to date, with formulas that can be shown and links that lead somewhere."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp

from graphgen import latex, ops
from graphgen.ops import document
from graphgen.ops.equations import statements

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "ops.md"
ROWS = [row for rows in ops.families().values() for row in rows]

# What KaTeX, MathJax and GitHub all know; GitHub shows no \operatorname.
MACROS = re.findall(
    r"\w+",
    """
Gamma alpha arg begin beta bmod colon cos cosh delta dots end exists exp forall frac ge geq in infty lambda land lceil le left
leq lfloor lnot log lor lvert mathop mathrel mathrm max min ne neg neq notin pi prod qquad rceil rfloor right rvert sigma
sin sinh sqrt sum tan tanh text top vee wedge
""",
)


def math():
    return re.findall(r"^```math\n(.*?)\n```$", FILE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_up_to_date_whatever_the_hash_seed(seed):
    done = subprocess.run(
        [sys.executable, "-m", "graphgen.ops.document", "docs/ops.md", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
    )
    assert (done.returncode, done.stderr) == (0, "docs/ops.md is up to date\n"), "run `make generated`"


def test_a_table_that_has_changed_is_noticed(monkeypatch, tmp_path, capsys):
    """The check above can fail."""
    file = tmp_path / "ops.md"
    monkeypatch.setattr(document.ops, "families", lambda: {"losses": [ops.TABLE["mse"]]})
    assert document.main([str(file)]) == document.main([str(file), "--check"]) == 0
    monkeypatch.setitem(ops.TABLE["mse"].__dict__, "summary", "Another.")
    assert document.main([str(file), "--check"]) == 1
    file.unlink()
    assert document.main([str(file), "--check"]) == 1
    said = [line.replace(str(file), "FILE") for line in capsys.readouterr().err.splitlines()]
    assert said == ["wrote FILE", "FILE is up to date", *["FILE differs from what would be written"] * 2]


def test_every_op_has_an_entry_with_a_formula():
    text = FILE.read_text(encoding="utf-8")
    entries = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)[1:]
    assert entries[::2] == [row.name for row in ROWS]
    for entry in entries[1::2]:
        assert "```math\n" in entry and "- *shape* " in entry and "- *dtype* " in entry and "- *origin* " in entry
        assert "d_" in entry or "*slope* zero: no gradient passes" in entry


def test_links_lead_somewhere():
    text = FILE.read_text(encoding="utf-8")
    headings = [document.anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    headings = [heading for heading in headings if heading not in ("made-of", "slope")]  # comments in code
    assert len(headings) == len(set(headings))
    for target in re.findall(r"\]\(([^)]*)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (FILE.parent / target).exists(), target


def test_formulas_can_be_shown_everywhere():
    formulas = math()
    assert len(formulas) == len(ROWS)
    for formula in formulas:
        assert set(re.findall(r"\\\\|\\([A-Za-z]+)", formula)) <= {"", *MACROS}
        assert re.fullmatch(r"[\x20-\x7e\n]+", formula)
        bare = re.sub(r"\\[{}]", "", formula)
        depths = [bare[: place + 1].count("{") - bare[: place + 1].count("}") for place in range(len(bare))]
        assert min(depths) == depths[-1] == 0
        assert len(re.findall(r"\\left\b", formula)) == len(re.findall(r"\\right\b", formula))
        assert (
            re.findall(r"\\begin{(\w+)}", formula)
            and formula.count(r"\begin") == formula.count(r"\end")
            or "&" not in bare
        )


def test_statements_use_only_what_is_known():
    text = re.sub(r"array of shape \([^)]*\)", "1", FILE.read_text(encoding="utf-8"))
    entries = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)[1:]
    for entry in entries[1::2]:
        (taken,) = re.findall(r"^- \*shape\* (.*?)(?: with .*)?$", entry, re.MULTILINE)
        known = {*ops.NAMES, *"mnkp", "y", "d_y", "d_y0", "d_y1", "inf", *re.findall(r"\w+(?= \()", taken)}
        for block in re.findall(r"```python\n(.*?)```", entry, re.DOTALL):
            for line in ast.parse(block).body:
                assert {node.id for node in ast.walk(line.value) if isinstance(node, ast.Name)} <= known
                known.add(line.targets[0].id)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a**2 and `axis=1`, ``pad_width``", "a\\*\\*2 and `axis=1`, `pad_width`"),
        ("<b>[x](y)</b> $1$ a|b `", "\\<b\\>\\[x\\](y)\\</b\\> \\$1\\$ a\\|b \\`"),
        ("`a` `b`", "`a` `b`"),
        ("&lt; \\ #1 ~x~", "\\&lt; \\\\ \\#1 \\~x\\~"),
    ],
)
def test_sentences_are_escaped(text, shown):
    assert document.escaped(text) == shown


def test_code_may_hold_backticks():
    assert document.code_span("a`b``c") == "``` a`b``c ```"
    assert document.code_span("x.sum()") == "`x.sum()`"


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("y = x", ["y = x"]),
        ("y[..., i] = sum(x[k] for k in range(i + 1))", [r"y_{\dots, i} = \sum_{k = 0}^{i} x_{k}"]),
        ("y = sum(x[i]**2 for i along axis)", [r"y = \sum_{i \in \mathrm{axis}} x_{i}^{2}"]),
        ("y = max(x[i, j] for i, j along axis)", [r"y = \max_{i, j \in \mathrm{axis}} x_{i, j}"]),
        ("y = prod(x[k] for k along axis if k != i)", [r"y = \prod_{k \in \mathrm{axis},\, k \ne i} x_{k}"]),
        ("y = sum(a[i] for i < k for j)", [r"y = \sum_{i < k,\, j} a_{i}"]),
        ("y = argmax(x[i] for i along axis)", [r"y = \mathop{\mathrm{argmax}}_{i \in \mathrm{axis}} x_{i}"]),
        ("y = 1 if i == j and not p else 0", [r"y = \begin{cases} 1 & \text{for}\: i = j \land \lnot p \\ 0 & \text{otherwise} \end{cases}"]),
        ("y = -(a + b) * (c - (d - e)) / n", [r"y = \frac{-\left(a + b\right) \, \left(c - \left(d - e\right)\right)}{n}"]),
        ("y = a @ b.T; z += x_i[2:, ::-1]", [r"y = a \, b^{\top}", r"z \mathrel{+}\! = {x_{i}}_{2 :, :  : -1}"]),
        ("y = x[(i + shift) % n // 2]", [r"y = x_{\left\lfloor \left(i + \mathrm{shift}\right) \bmod n / 2 \right\rfloor}"]),
        ("y = abs(alpha) * sqrt(floor(x)) * f_g(2, k=3)", [r"y = \left\lvert \alpha \right\rvert \, \sqrt{\left\lfloor x \right\rfloor} \, \mathrm{f\_g}\left(2, k = 3\right)"]),
    ],
)  # fmt: skip
def test_what_reads_like_python(formula, shown):
    assert [" = ".join(sides) for sides in statements(formula)] == shown


@pytest.mark.parametrize("text", ["y", "y = ", "y == x", "y = lambda: x", "import os", "y = {1}", "y = await x"])
def test_what_is_no_formula(text):
    with pytest.raises(ValueError, match="no formula|not an assignment|not part of a formula"):
        statements(text)


a, b = sp.symbols("a b", real=True)


@pytest.mark.parametrize(
    ("whole", "shown"),
    [
        (b - a, "b - a"),
        (1 - ops.sigmoid(a), r"1 - \sigma\left(a\right)"),
        (sp.Eq(a, b), r"\left(a = b\right)"),
        (a * sp.Rational(8943, 200000), r"0.044715 \, a"),
        (1e-12 * a + 2e-9, r"10^{-12} \, a + 2 \cdot 10^{-9}"),
        (ops.atan2(a, b), r"\mathrm{atan2}\left(a, b\right)"),
        (ops.expm1(a) * b, r"b \, \left(e^{a} - 1\right)"),
        (ops.digamma(a), r"\frac{\Gamma'\left(a\right)}{\Gamma\left(a\right)}"),
        (sp.polygamma(1, a), r"\mathrm{digamma}'\left(a\right)"),
        (sp.polygamma(2, a) ** 2, r"\left(\mathrm{digamma}^{(2)}\left(a\right)\right)^{2}"),
    ],
)
def test_sympy(whole, shown):
    assert latex.expression(whole, {}, frozenset(("sigmoid", "atan2"))) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x", "x"),
        ("x0", "x_{0}"),
        ("d_x", "d_{x}"),
        ("beta", r"\beta"),
        ("beta_1", r"\beta_{1}"),
        ("d_w_h", "d_{w_{h}}"),
        ("min_val", r"\mathrm{min\_val}"),
        ("_x", r"\mathrm{\_x}"),
        ("x_", r"\mathrm{x\_}"),
    ],
)
def test_names(name, shown):
    assert latex.identifier(name) == shown
