"""How `graphgen cost` shows its report: tables on a terminal, aligned text elsewhere."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence

import click

from graphgen import sizes
from graphgen.cost.counts import BYTES, KINDS, Counts
from graphgen.cost.report import Report
from graphgen.cost.wording import formula

Cells = Sequence[str]
WIDTH = 140  # of what goes elsewhere than to a terminal


def show(report: Report, *, nodes: bool, as_json: bool) -> None:
    """Print a report: the functions, their nodes if they are asked for, and the modes beside each other."""
    if as_json:
        click.echo(json.dumps(report.data(nodes), indent=2))
        return
    at = "".join(f", {name} = {number:,}" for name, number in report.given.items())
    click.echo(f"{report.model}: what its functions cost, in the {report.style} style and {report.dtype}{at}\n")
    _functions(report)
    if nodes:
        _nodes(report)
    if report.compares:
        _modes(report)


def _functions(report: Report) -> None:
    rows: list[Cells | str] = []
    for section in report.sections():
        rows.append(section.title)
        rows += [(f"  {row.label}", *map(_cell, row.values)) for row in section.rows]
    for columns in _fitting(("", *report.costs), rows):
        _table(*columns)


def _nodes(report: Report) -> None:
    for name, cost in report.costs.items():
        click.echo(f"\n{name}")
        rows: list[Cells | str] = []
        for each, counts in cost.nodes.items():
            node = cost.body.program.nodes[each]
            rows.append((f"  {each}", sizes.shape_text(node.shape), *_of_node(counts.at(report.given))))
        _table(("  node", "shape", "operations", "of which", "bytes"), rows, left=(0, 1, 3))


def _of_node(counts: Counts) -> Cells:
    named = [_named(counts.total(kind), kind) for kind in counts.kinds()]
    return formula(counts.total()), ", ".join(named), formula(counts.total(groups=(BYTES,)))


def _named(count: sizes.Size, kind: str) -> str:
    return f"1 {kind[:-1]}" if count == 1 and kind in KINDS else f"{formula(count)} {kind}"


def _modes(report: Report) -> None:
    """The ways to a gradient, and from how many outputs on forward mode is cheaper."""
    loss = report.operations("loss")
    at = ", ".join(f"{name} = {number:,}" for name, number in report.numbers.items())
    count = int(report.differentiated)
    numbers = f"{count:,} number{'s' * (count != 1)}"
    click.echo(f"\nThe gradient of the loss by {numbers}{f', for {at}' if at else ''}")
    rows: list[Cells | str] = [
        (
            f"  {each.way}",
            f"{int(each.count):,} x {each.function}",
            f"{each.operations:,}",
            _ratio(each.operations, loss),
        )
        for each in report.gradients()
    ]
    _table(("", "sweeps", "operations", "of a loss"), rows, left=(0, 1))
    text = _jacobian(report, count)
    click.echo("\n" + "\n".join(textwrap.wrap(text, min(_width(), 100))))


def _jacobian(report: Report, count: int) -> str:
    reverse, forward, crossover = report.sweep_of_reverse, report.sweep_of_forward, report.crossover
    text = (
        f"A Jacobian of m outputs takes the values once, then m reverse sweeps of {reverse:,} operations, or "
        f"{count:,} forward sweep{'s' * (count != 1)} of {forward:,}, one for each number. "
    )
    if crossover is None:
        return f"{text}A reverse sweep costs nothing here."
    text += f"Forward mode is the cheaper one from m = {crossover:,} on"
    if report.outputs is None:
        return f"{text}."
    return (
        f"{text}; the outputs hold {report.outputs:,}: {'forward' if report.outputs >= crossover else 'reverse'} mode."
    )


def _ratio(operations: int, loss: int) -> str:
    if not loss:
        return ""
    return f"{operations / loss:,.1f}" if operations < 100 * loss else f"{operations / loss:,.0f}"


def _cell(value: sizes.Size | None) -> str:
    return "" if value is None else "-" if value == 0 else formula(value)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, WIDTH) if sys.stdout.isatty() else WIDTH


def _fitting(head: Cells, rows: Sequence[Cells | str]) -> list[tuple[Cells, list[Cells | str]]]:
    """The table, or several tables with a part of the columns each, so that each fits the terminal's width."""
    room = _width()
    cells = [head, *(row for row in rows if not isinstance(row, str))]
    widths = [max(len(row[column]) for row in cells) + 2 * (column > 0) for column in range(len(head))]
    groups: list[list[int]] = [[]]
    for column in range(1, len(head)):
        if groups[-1] and widths[0] + sum(widths[each] for each in [*groups[-1], column]) > room:
            groups.append([])
        groups[-1].append(column)
    found: list[tuple[Cells, list[Cells | str]]] = []
    for group in groups:
        part: list[Cells | str] = [
            row if isinstance(row, str) else (row[0], *(row[each] for each in group)) for row in rows
        ]
        part = [row for row in part if isinstance(row, str) or any(row[1:])]
        found.append(((head[0], *(head[each] for each in group)), [*part, ""] if group is not groups[-1] else part))
    return found


def _table(head: Cells, rows: Sequence[Cells | str], left: Sequence[int] = (0,)) -> None:
    """Rows under a head, and titles over groups of rows."""
    cells = [head, *(row for row in rows if not isinstance(row, str))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row: Cells) -> str:
        pairs = enumerate(zip(row, widths, strict=True))
        return "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width) for place, (cell, width) in pairs
        ).rstrip()

    click.echo(click.style(line(head), bold=True))
    for row in rows:
        click.echo(click.style(row, bold=True) if isinstance(row, str) else line(row))


def show_side_by_side(report: Report) -> None:
    """Print both modes' source beside each other."""
    from graphgen.cost.side_by_side import LEAST, WIDTH, side_by_side

    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    width = max(LEAST, min(room, WIDTH))
    click.echo("\n".join(side_by_side(report.costs["jvp"], report.costs["value_and_grad"], width)))
