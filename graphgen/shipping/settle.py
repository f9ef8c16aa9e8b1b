"""What depends on weights alone is computed once, and is a weight itself from then on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from graphgen import sizes
from graphgen.errors import GraphError, Problem
from graphgen.program import Node, Program
from graphgen.shipping.affine import fixed

# They cost nothing when the module runs, and the weight keeps the shape that it was declared with.
_VIEWS = ("reshape", "expand_dims", "squeeze", "transpose", "identity")


def settled(
    program: Program, values: Mapping[str, np.ndarray], wanted: Mapping[str, str]
) -> tuple[Program, dict[str, np.ndarray]]:
    """The program with weights in place of what they decide, and the values of all its weights.

    Parameters
    ----------
    values
        Of its parameters and its state.
    wanted
        Names for some of the new weights: of parameters, which are given if these are read no more.
    """
    constant = fixed(program)
    chosen = [name for name in _frontier(program, constant) if _worthwhile(program, name, name in wanted)]
    computed = _computed(program, chosen, values)
    nodes = {
        name: _weight(node) if name in computed or node.op == "state" else node for name, node in program.nodes.items()
    }
    program = _needed(replace(program, nodes=nodes))
    names: dict[str, str] = {}
    for name in computed:
        if name in wanted:
            names[name] = _free(wanted[name], {*program.nodes, *names.values()})
    known = {**values, **computed}
    found = {names.get(node.name, node.name): known[node.name] for node in program.leaves("param")}
    program = _ordered(_renamed(program, names))
    with np.errstate(over="ignore"):
        weights = {node.name: found[node.name].astype(program.dtype) for node in program.leaves("param")}
    unusable = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if unusable:
        message = f"what {unusable[0]} becomes in inference is not finite"
        raise GraphError(Problem("GG088", None, message, "look at the variances that the weights hold"))
    return program, weights


def _frontier(program: Program, constant: set[str]) -> list[str]:
    """What depends on weights alone and is read by what does not."""
    read = {each for node in program.nodes.values() if node.name not in constant for each in node.args}
    return [name for name in program.nodes if name in constant and name in read and program.nodes[name].args]


def _worthwhile(program: Program, name: str, wanted: bool) -> bool:
    """Whether a value depends on weights, costs something or is wanted, and is no larger than what it comes of."""
    node = program.nodes[name]
    leaves = [program.nodes[each] for each in program.needed([name]) if program.nodes[each].op in ("param", "state")]
    if not leaves or node.dtype != "float" or (_is_view(program, node) and not wanted):
        return False
    if not all(isinstance(size, int) for each in (node, *leaves) for size in each.shape):
        return wanted
    return int(sizes.product(node.shape)) <= sum(int(sizes.product(leaf.shape)) for leaf in leaves)


def _is_view(program: Program, node: Node) -> bool:
    while node.op in _VIEWS:
        node = program.nodes[node.args[0]]
    return not node.args


def _weight(node: Node) -> Node:
    """The node as a parameter."""
    attributes = {"shape": node.shape, "dtype": node.dtype, "init": "zeros", "trainable": False}
    return node._replace(op="param", args=(), attributes=attributes)


def _needed(program: Program) -> Program:
    needed = program.needed(program.results.values())
    return replace(program, nodes={name: node for name, node in program.nodes.items() if name in needed})


def _renamed(program: Program, names: Mapping[str, str]) -> Program:
    renamed = [
        node._replace(name=names.get(node.name, node.name), args=tuple(names.get(each, each) for each in node.args))
        for node in program.nodes.values()
    ]
    return replace(program, nodes={node.name: node for node in renamed})


def _free(name: str, taken: set[str]) -> str:
    """`name`, or name_2, name_3, ... if it is taken: its parameter is read by something else as well."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def _ordered(program: Program) -> Program:
    """The program with its parameters in the order in which they are read."""
    order = dict.fromkeys(each for node in program.nodes.values() for each in node.args)
    names = [name for name in order if program.nodes[name].op == "param"]
    nodes = {name: program.nodes[name] for name in (*names, *program.nodes)}
    return replace(program, nodes=nodes)


def _computed(program: Program, names: list[str], values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values of nodes that depend on weights alone, in float64: by a module made for this."""
    if not names:
        return {}
    from graphgen.loading import load  # which is made of the compiler, as this is a part of it

    nodes = {name: _weight(node) if node.op == "state" else node for name, node in program.nodes.items()}
    results = {("output", name): name for name in names}
    alone = _needed(replace(program, nodes=nodes, results=results, dtype="float64"))
    module = load(_source(alone))
    with np.errstate(all="ignore"):  # what is not finite is told by name
        found = module.forward({name: values[name] for name in module.PARAMETERS})
    return dict(zip(names, map(np.asarray, (found,) if len(names) == 1 else found), strict=True))


def _source(program: Program) -> str:
    from graphgen.forms import Forms
    from graphgen.module import Options, assemble
    from graphgen.render import render

    return render(assemble(Forms(program, program, program), Options(inference=True)))
