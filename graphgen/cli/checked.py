"""How `graphgen check` shows its report: tables on a terminal, aligned text elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import click

from graphgen.checking.report import Report, as_dict, named, said


def show(report: Report, *, nodes: bool = False, as_json: bool = False) -> None:
    """Print a report: the gradients, the nodes if they are asked for, what is at fault, and the verdict."""
    if as_json:
        click.echo(json.dumps(as_dict(report), indent=2))
        return
    click.echo(f"{report.name}: loss {report.loss:.6g}; gradients in {report.dtype}, errors beside the largest entries")
    click.echo()
    _table(*_parameters(report))
    if nodes and report.nodes:
        click.echo()
        _table(*_nodes(report))
    for note in report.notes:
        click.echo(f"\n{note}")
    for each in report.faulty:
        first, *others = said(each)
        click.echo("\n" + "\n".join([click.style(first, fg="red", bold=True), *(f"  {line}" for line in others)]))
    for problem in report.problems:
        click.echo("\n" + click.style(problem, fg="red", bold=True))
    click.echo()
    click.echo(click.style(_verdict(report), fg="green" if report.passed else "red", bold=True))


Cells = list[tuple[str, ...]]
_NARROW = 12  # of a column that is broken


def _parameters(report: Report) -> tuple[Cells, list[bool]]:
    """The cells of the table of gradients, and which rows are wrong."""
    methods = list(dict.fromkeys(each.method for each in report.parameters))
    one = methods[0] if len(methods) == 1 else "measured"
    first = "forward/float64" if report.dtype == "float32" else "reverse/forward"
    cells: Cells = [("parameter", "shape", "largest", first, f"reverse/{one}", "notes")]
    for each in report.parameters:
        notes = [*each.notes] if len(methods) == 1 else [each.method, *each.notes]
        shape = "x".join(map(str, each.shape)) or "scalar"
        cells.append(
            (each.name, shape, number(each.largest), number(each.forward), number(each.measured), "; ".join(notes))
        )
    return cells, [bool(each.wrong(report.tolerances)) for each in report.parameters]


def _nodes(report: Report) -> tuple[Cells, list[bool]]:
    cells: Cells = [("node", "op", "declared at", "reverse", "forward", "against", "notes")]
    for each in report.nodes:
        op = f"{each.op} of {each.node.why.composite}" if each.node.why.composite else each.op
        notes = "; ".join(each.notes)
        cells.append(
            (each.node.name, op, each.node.why.place, number(each.reverse), number(each.forward), each.method, notes)
        )
    return cells, [each.fault is not None for each in report.nodes]


def number(value: float) -> str:
    """An error or a size in three characters more than its exponent; - where there is none."""
    return "-" if math.isnan(value) else "0" if value == 0 else f"{value:.1e}"


def _table(cells: Cells, wrong: Sequence[bool]) -> None:
    """Print aligned text, or a table where there is a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    numeric = [
        column for column, title in enumerate(cells[0]) if "/" in title or title in ("largest", "reverse", "forward")
    ]
    if not console.is_terminal:
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        for row, is_wrong in zip(cells, [False, *wrong], strict=True):
            texts = [
                each.rjust(width) if at in numeric else each.ljust(width)
                for at, (each, width) in enumerate(zip(row, widths, strict=True))
            ]
            click.echo(("  ".join(texts) + "  WRONG" * is_wrong).rstrip())
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    needed = 0
    for at, title in enumerate(cells[0]):
        # Where a terminal is narrow, names go over several lines, and in the end all do: no number may be cut.
        wraps = title in ("parameter", "node", "op", "notes")
        table.add_column(title, justify="right" if at in numeric else "left", no_wrap=not wraps, overflow="fold")
        widest = max(len(row[at]) for row in cells)
        needed += 2 + (min(widest, _NARROW) if wraps else widest)
    console.width = max(console.width, needed)
    for row, is_wrong in zip(cells[1:], wrong, strict=True):
        table.add_row(*map(Text, row), style="red" if is_wrong else None)
    console.print(table)


def _verdict(report: Report) -> str:
    gradients = f"{len(report.parameters)} gradient{'s' * (len(report.parameters) != 1)}"
    compared = [each for each in report.nodes if each.method]
    nodes = f" and the rules of {len(compared)} node{'s' * (len(compared) != 1)}" if report.nodes else ""
    if report.passed:
        return f"right: {gradients}{nodes}; worst error {number(report.worst)}"
    wrong = [each.name for each in report.wrong]
    located = [named(each) for each in report.faulty]
    parts = [f"{len(wrong)} of {gradients}: {', '.join(wrong[:6])}{', ...' * (len(wrong) > 6)}"] if wrong else []
    parts += [f"at fault: {', '.join(located[:6])}{', ...' * (len(located) > 6)}"] if located else []
    return f"wrong: {'; '.join(parts) or '; '.join(report.problems)}"
