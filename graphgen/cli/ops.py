"""graphgen ops: the op table, to look things up."""

from __future__ import annotations

from typing import Any

import click

from graphgen.cli.shared import to_stdout


@click.command("ops")
@click.argument("name", required=False)
@to_stdout()
def ops_command(name: str | None) -> None:
    """List the ops, or describe the one called NAME."""
    from graphgen import ops

    if name is None:
        _print_families(ops.families())
        return
    facts = ops.describe(name)
    width = max(len(label) for label, _ in facts)
    before = ""
    for label, text in facts:
        for line in text.splitlines() or [""]:
            click.echo(f"{label if label != before else '':<{width}}  {line}".rstrip())
            before = label


def _print_families(families: dict[str, list[Any]]) -> None:
    """Print the op table, wrapped to the terminal; in a pipe each op keeps to one line."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from graphgen.ops.families import FAMILIES

    console = Console(highlight=False)
    width = max(len(row.name) for rows in families.values() for row in rows)
    for family, rows in families.items():
        told = [(row.name, " ".join(row.summary.split("\n\n")[0].split())) for row in rows]
        if not console.is_terminal:
            click.echo("\n".join([FAMILIES[family].title, *(f"  {name:<{width}}  {said}" for name, said in told)]))
            continue
        table = Table.grid(padding=(0, 2), pad_edge=False)
        table.add_column(min_width=width)
        for name, said in told:
            table.add_row(Text(name, no_wrap=True), Text(said))
        console.print(Text(FAMILIES[family].title, style="bold"), Padding(table, (0, 0, 0, 2)), sep="\n")
