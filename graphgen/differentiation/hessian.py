"""All second derivatives of the loss: tangents of the gradients along every entry, all at once."""

from __future__ import annotations

from functools import partial

from graphgen import ops, sizes
from graphgen.differentiation.basis import block, directions, seeded, units
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.differentiation.vmap import vmap
from graphgen.passes.guard import guard
from graphgen.program import Program, Why


def second_derivatives(program: Program, wrt: tuple[str, ...]) -> Program:
    """The second derivatives of the loss, in a result ("hessian", "a b") for each pair of `wrt`."""
    second = guard(tangent(gradient(program, wrt), wrt)).restrict("gradient_dot")
    shapes = [program.nodes[name].shape for name in wrt]
    dots = [f"{name}_dot" for name in wrt]
    total = sum(map(sizes.product, shapes), start=0)
    several = vmap(second, dots, total, kinds=["gradient_dot"])
    if len(wrt) == 1:
        made = seeded(several, {dots[0]: partial(directions, shape=shapes[0], colours=(None,) * len(shapes[0]))})
    else:
        made = seeded(several, {dot: partial(units, shapes=shapes, place=place) for place, dot in enumerate(dots)})
    builder = made.builder()
    builder.results = {}
    for place, one in enumerate(wrt):
        for other, shape in zip(wrt, shapes, strict=True):
            with builder.making(builder.free(f"hessian_{one}_{other}"), ("reverse", "tangent"), Why()) as finish:
                rows = builder[made.results["gradient_dot", other]]
                own = rows if len(wrt) == 1 else block(rows, shapes, place)
                made_of = finish(ops.reshape(own, shape=(*shapes[place], *shape)))
                builder.results["hessian", f"{one} {other}"] = made_of.name
    return builder.build().restrict("hessian")
