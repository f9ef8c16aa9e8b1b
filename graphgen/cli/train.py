"""graphgen train: fit a model to data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from graphgen.cli.compile import default_file
from graphgen.cli.shared import warnings_as_text, wrong


@click.command("train")
@click.argument("model")
@click.option("--data", required=True, metavar="DATA.npz", help="Arrays by the names of the model's inputs.")
@click.option("-o", "--output", metavar="FILE", help="Where the weights go.  [default: generated/<graph name>.npz]")
@click.option(
    "--epochs", type=click.IntRange(1), help="How often to go through the data.  [default: 10, without --steps]"
)
@click.option("--steps", type=click.IntRange(1), help="How many steps to take in all.")
@click.option("--batch-size", type=click.IntRange(1), help="Rows in a batch.  [default: 32]")
@click.option(
    "--lr", "learning_rate", type=click.FloatRange(0), help="The learning rate, in place of the declared one."
)
@click.option("--optimizer", metavar="NAME", help="The optimizer, in place of the declared one.")
@click.option(
    "--seed", type=click.IntRange(0), help="Of first weights, shuffling, splitting and dropout.  [default: 0]"
)
@click.option("--validation", metavar="PART|FILE", help="Rows to evaluate on: a part of DATA such as 0.1, or a file.")
@click.option(
    "--patience", type=click.IntRange(1), help="Stop after so many epochs without progress; keep the best weights."
)
@click.option("--metrics", multiple=True, metavar="FILE.py:NAME", help="A function of outputs and inputs, by name.")
@click.option("--order", metavar="KEY", help="An array in DATA, a number for each row: small ones first, no shuffling.")
@click.option("--resume", is_flag=True, help="Go on where the run in the output file stood, if there is one.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--save-every", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds between savings."
)
def train_command(model: str, data: str, output: str | None, optimizer: str | None, **options: Any) -> None:
    """Train MODEL on the arrays in DATA.npz.

    The weights go into an npz file, from which --resume goes on exactly; Ctrl-C leaves one, too. Accuracy is shown where the
    loss is a cross-entropy. MODEL is file.py, or file.py:name where the file holds several graphs. It is run as Python.
    """
    from graphgen.cli.measured import accuracies, ranges, user_metrics
    from graphgen.compiler import build
    from graphgen.loading import load
    from graphgen.model import load_model, split
    from graphgen.train import fit

    file = Path(output) if output is not None else None
    with warnings_as_text():
        graph = load_model(model)
        module = load(build(graph, optimizer=optimizer).source)
    file = file or default_file(graph.dag.graph["name"]).with_suffix(".npz")
    validation = _validation(options.pop("validation"))
    told = options.pop("metrics")
    _keep_apart(file, {"the data": (data, validation), "the model": (split(model)[0],), "a metric": map(_file, told)})
    metrics = {**accuracies(graph, module), **user_metrics(told)}
    order = _order(data, options.pop("order"))
    overwrite = options.pop("force")
    try:
        result = fit(
            module,
            data,
            output=file,
            overwrite=overwrite,
            validation=validation,
            metrics=metrics,
            order=order,
            ranges=ranges(graph),
            **options,
        )
    except KeyboardInterrupt:
        click.echo(f"interrupted; go on with --resume: {file}", err=True)
        raise
    best = "" if result.best_epoch is None else f", the weights of epoch {result.best_epoch}, the best"
    early = ", stopped early" if result.stopped == "patience" else ""
    click.echo(f"wrote {file}: {result.step} steps{early}{best}", err=True)


def _validation(text: str | None) -> float | str | None:
    """A part of the rows, or a file."""
    if text is None or os.path.exists(text):
        return text
    try:
        part = float(text)
    except ValueError:
        return text
    if not 0 < part < 1:
        raise click.UsageError(f"--validation {text}: a part is between 0 and 1")
    return part


def _keep_apart(output: Path, sources: Mapping[str, Iterable[str | float | None]]) -> None:
    """Refuse to write over what is read."""
    from graphgen import writing

    for what, files in sources.items():
        if any(isinstance(each, str) and writing.same(output, each) for each in files):
            raise wrong("GG084", f"{output} holds {what}", "write the weights to another file with -o")


def _file(text: str) -> str:
    """The file of a metric."""
    from graphgen.model import split

    return split(text)[0]


def _order(data: str, key: str | None) -> Any:
    """The numbers by which rows are ordered."""
    from graphgen import npz
    from graphgen.errors import did_you_mean

    if key is None:
        return None
    with npz.opened(data) as archive:
        if key not in archive.headers:
            raise wrong("GG087", f"{data} has no {key}, to order rows by", did_you_mean(key, archive.headers))
        return archive[key]
