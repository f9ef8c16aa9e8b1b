"""All derivatives of an output: in which mode, along which directions, and the program that computes them.

Forward mode takes a sweep for each entry of what is differentiated by, reverse mode one for each entry of the output. Either
takes fewer where the derivatives are known to be zero outside of bands: entries that cannot meet share a sweep.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

from graphgen import sizes
from graphgen.differentiation.bands import Bands, bands
from graphgen.differentiation.basis import Colours, block, count, directions, seeded, spread, units
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.differentiation.vmap import vmap
from graphgen.ops.banding import Band
from graphgen.passes.guard import guard
from graphgen.program import Builder, Node, Program, Value, Why

NOMINAL = 100  # what an unknown size counts as when modes are compared


class Sweep(NamedTuple):
    """One sweep along many directions, and which derivatives of an output it brings.

    Attributes
    ----------
    mode
        "forward" along directions of the leaves; "reverse" along those of the output.
    colours
        For each axis of the side that directions run over.
    across
        For each leaf the bands along these axes.
    count, full
        The number of directions, and what it would be without colours.
    """

    mode: str
    output: str
    leaves: tuple[str, ...]
    colours: Colours
    across: tuple[Bands, ...]
    count: sizes.Size
    full: sizes.Size


def plan(program: Program, output: str, wrt: tuple[str, ...]) -> list[Sweep]:
    """The sweeps for all derivatives of an output, in the mode that takes fewer of them, or in both if a third less will do."""
    modes = [[plan_of(program, output, leaf, mode) for leaf in wrt] for mode in ("forward", "reverse")]
    one = min(map(_shared, modes), key=_total)
    both = _shared([min(pair, key=lambda sweep: _total([sweep])) for pair in zip(*modes, strict=True)])
    return both if 3 * _total(both) <= 2 * _total(one) else one


def _total(sweeps: list[Sweep]) -> int:
    return sum(_nominal(each.count) for each in sweeps)


def plan_of(program: Program, output: str, leaf: str, mode: str) -> Sweep:
    """The sweep for the derivatives of an output by one leaf in a given mode."""
    return (_forward if mode == "forward" else _reverse)(program, output, leaf)


def _shared(sweeps: list[Sweep]) -> list[Sweep]:
    """The sweeps, with one for several leaves where these share directions.

    Forward all entries of leaves whose every entry has a direction of its own follow one another; in reverse the directions
    are those of the output, and leaves share them if they have the same colours.
    """
    dense = [each for each in sweeps if each.mode == "forward" and all(own is None for own in each.colours)]
    result = [each for each in sweeps if each.mode == "forward" and each not in dense]
    if dense:
        total = sum((each.count for each in dense), start=0)
        alone = dense[0]._replace(colours=(None,), count=total, full=total)
        result.insert(0, _together(alone, dense) if len(dense) > 1 else dense[0])
    reverse = [each for each in sweeps if each.mode == "reverse"]
    for colours in dict.fromkeys(each.colours for each in reverse):
        alike = [each for each in reverse if each.colours == colours]
        result.append(_together(alike[0], alike))
    return result


def _together(sweep: Sweep, several: list[Sweep]) -> Sweep:
    """The sweep for the leaves of several."""
    return sweep._replace(leaves=tuple(each.leaves[0] for each in several), across=tuple(each.across[0] for each in several))


def _forward(program: Program, output: str, leaf: str) -> Sweep:
    shape = program.nodes[leaf].shape
    own = bands(program, leaf).get(output, (None,) * len(shape))
    colours = tuple(_colours(band, size) for band, size in zip(own, shape, strict=True))
    return Sweep("forward", output, (leaf,), colours, (own,), count(shape, colours), sizes.product(shape))


def _reverse(program: Program, output: str, leaf: str) -> Sweep:
    shape = program.nodes[output].shape
    found = bands(program, leaf).get(output, (None,) * len(program.nodes[leaf].shape))
    own: list[Band | None] = [None] * len(shape)
    for axis, band in enumerate(found):
        if band is not None and own[band.axis] is None:
            own[band.axis] = Band(axis, -band.high, -band.low)
    colours = tuple(_colours(band, size) for band, size in zip(own, shape, strict=True))
    return Sweep("reverse", output, (leaf,), colours, (tuple(own),), count(shape, colours), sizes.product(shape))


def _colours(band: Band | None, size: sizes.Size) -> int | None:
    return None if band is None or (isinstance(size, int) and band.width >= size) else band.width


def _nominal(size: sizes.Size) -> int:
    return size if isinstance(size, int) else int(size.subs({symbol: NOMINAL for symbol in size.free_symbols}))


def derivatives(program: Program, sweep: Sweep, alone: bool = False) -> Program:
    """The program of a sweep: a result ("jacobian", leaf) for each leaf, of the output's shape and then the leaf's.

    Parameters
    ----------
    alone
        All values are numbers: there is one direction, and no axis for it.
    """
    network = replace(program, results={("output", sweep.output): sweep.output}).restrict("output")
    return (_by_tangents if sweep.mode == "forward" else _by_cotangents)(network, sweep, alone)


def _by_tangents(network: Program, sweep: Sweep, alone: bool) -> Program:
    dots = [f"{leaf}_dot" for leaf in sweep.leaves]
    shapes = [network.nodes[leaf].shape for leaf in sweep.leaves]
    made = guard(tangent(network, sweep.leaves)).restrict("output_dot")
    made = made if alone else vmap(made, dots, sweep.count, kinds=["output_dot"])
    if len(dots) == 1:
        seed = _unit if alone else partial(directions, shape=shapes[0], colours=sweep.colours)
        made = seeded(made, {dots[0]: seed})
    else:
        made = seeded(made, {dot: partial(units, shapes=shapes, place=place) for place, dot in enumerate(dots)})
    builder = made.builder()
    found = builder[made.results["output_dot", sweep.output]]
    results = {}
    for place, leaf in enumerate(sweep.leaves):
        with builder.making(builder.free(f"jacobian_{leaf}"), ("tangent",), Why()) as finish:
            if alone:
                whole = finish(found)
            elif len(dots) == 1:
                whole = finish(spread(found, shapes[0], sweep.across[0], sweep.colours, first=False))
            else:
                dense = (None,) * len(shapes[place])
                whole = finish(spread(block(found, shapes, place), shapes[place], dense, dense, first=False))
        results["jacobian", leaf] = whole.name
    return replace(builder.build(), results=results).restrict("jacobian")


def _by_cotangents(network: Program, sweep: Sweep, alone: bool) -> Program:
    output = network.nodes[sweep.output]
    given = f"d_{output.name}"
    leaf = Node(given, "input", (), {"shape": output.shape, "dtype": "float"}, output.shape, "float", ("reverse",))
    network = replace(network, nodes={**network.nodes, given: leaf})
    made = guard(gradient(network, sweep.leaves, {output.name: given})).restrict("gradient")
    made = made if alone else vmap(made, [given], sweep.count, kinds=["gradient"])
    made = seeded(made, {given: _unit if alone else partial(directions, shape=output.shape, colours=sweep.colours)})
    builder = made.builder()
    results = {}
    for name, across in zip(sweep.leaves, sweep.across, strict=True):
        found = builder[made.results["gradient", name]]
        with builder.making(builder.free(f"jacobian_{name}"), ("reverse",), Why()) as finish:
            whole = finish(found if alone else spread(found, output.shape, across, sweep.colours, first=True))
        results["jacobian", name] = whole.name
    return replace(builder.build(), results=results).restrict("jacobian")


def _unit(builder: Builder) -> Value:
    return builder.constant(1.0)
