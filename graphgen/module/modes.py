"""The functions of other modes, where they are asked for: of vectors, of second order, and of each example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from graphgen import sizes
from graphgen.differentiation.gauss_newton import gauss_newton
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.differentiation.vmap import vmap, with_sizes
from graphgen.errors import GraphError, Problem, did_you_mean
from graphgen.module.function import (
    Function,
    assigned,
    dict_text,
    float_outputs,
    function,
    given_tangents,
    of_form,
    read_inputs,
    reads,
    said_loss,
    wrapped_docstring,
)
from graphgen.module.hessian import hessian
from graphgen.module.jacobian import jacobian
from graphgen.module.layout import listed
from graphgen.module.setting import Setting
from graphgen.passes import guard
from graphgen.program import Node, Program


def modes(setting: Setting) -> list[Function]:
    """The functions that are asked for besides the sweeps."""
    asked = list(setting.options.functions)
    if setting.scalar and "hessian" in asked:
        asked = [*(name for name in asked if name not in ("hvp", "hessian")), "hvp", "hessian"]  # which calls it
    made = [each for name in asked if name in _MAKERS for each in _MAKERS[name](setting)]
    return [*made, *([_gauss_newton(setting)] if setting.options.gauss_newton is not None else [])]


def _by_name(setting: Setting) -> str:
    return f"dict[str, {setting.annotation}]"


def _vjp(setting: Setting) -> list[Function]:
    program, cotangents, names = with_cotangents(setting.forms.inference.restrict("output"))
    inputs = read_inputs(setting, program)
    body = setting.body("vjp", gradient(program, setting.wrt, cotangents).restrict("gradient"))
    outputs = float_outputs(program)
    given = list(outputs)
    setting.use("_check_cotangents")
    shapes = "".join(f", {name}={sizes.shape_text(outputs[name].shape)}" for name in given)
    call = f"_check_cotangents({setting.names['cotangents']}{shapes})"
    docstring = [
        *wrapped_docstring(f"Return the gradient of {_products(given)}{of_form(setting, 'inference', 'output')}."),
        "",
        f"It is with respect to {listed(list(setting.wrt))}. A cotangent has the shape of its output; one that is not given is zero.",
    ]
    returned = dict_text({name: body.results["gradient", name] for name in setting.wrt})
    then = [assigned([names[name] for name in given], call)]
    made = function(setting, "vjp", inputs, docstring, body, returned, _by_name(setting), then=then)
    made.arguments.insert(1, f"{setting.names['cotangents']}: dict")
    return [made]


def _products(outputs: list[str]) -> str:
    what = "the output" if len(outputs) == 1 else "the outputs"
    return f"{what} {listed(outputs)}, times the given cotangents"


def with_cotangents(program: Program) -> tuple[Program, dict[str, str], dict[str, str]]:
    """The program with an input for the cotangent of each output of floats.

    Returns
    -------
    tuple of Program, dict and dict
        The cotangent of each node that is an output, and the input of each output. They differ where one node is several
        outputs, whose cotangents add.
    """
    outputs = float_outputs(program)
    nodes = {node.name: [name for name, each in outputs.items() if each.name == node.name] for node in outputs.values()}
    builder = program.builder()
    whole: dict[str, str] = {}
    names: dict[str, str] = {}
    for node, own in nodes.items():
        wanted = f"d_{node}_given" if node in program.needed(other for other in nodes if other != node) else f"d_{node}"
        while wanted.removeprefix("d_") in program.nodes and wanted != f"d_{node}":  # the gradient of which is called so
            wanted += "_"
        shape = program.nodes[node].shape
        given = [wanted] if len(own) == 1 else [f"{wanted}_{place + 1}" for place in range(len(own))]
        for name, output in zip(given, own, strict=True):
            names[output] = builder.free(name)
            attributes = {"shape": shape, "dtype": "float"}
            builder.append(Node(names[output], "input", (), attributes, shape, "float", ("reverse",)))
        whole[node] = names[own[0]]
        if len(own) > 1:
            with builder.making(wanted, ("reverse",)) as finish:
                whole[node] = finish(builder.add("accumulate", [builder[names[output]] for output in own], {})).name
    return builder.build(), whole, names


def _hvp(setting: Setting) -> list[Function]:
    sweep = gradient(setting.forms.training.restrict("loss"), setting.wrt)
    body = setting.body("hvp", tangent(sweep, setting.wrt).restrict("gradient_dot"))
    vector = setting.names["vector"]
    docstring = [
        f"Return the second derivatives of {said_loss(setting)} times `{vector}`{of_form(setting, 'training', 'loss')}.",
        "",
        "Forward mode over reverse mode: the tangent of each gradient. A part of the vector that is not given is zero.",
    ]
    returned = dict_text({name: body.results["gradient_dot", name] for name in setting.wrt})
    first = given_tangents(setting, vector, body, returned)
    made = function(setting, "hvp", setting.inputs, docstring, body, returned, _by_name(setting), first)
    made.arguments.insert(1, f"{vector}: dict")
    return [made]


def _gauss_newton(setting: Setting) -> Function:
    program = setting.forms.training.restrict("loss")
    value = str(setting.options.gauss_newton)
    _check_value(setting, program, value)
    body = setting.body("gauss_newton_product", gauss_newton(program, value, setting.wrt))
    vector = setting.names["vector"]
    docstring = [
        f"Return the Gauss-Newton matrix of {said_loss(setting)} times `{vector}`{of_form(setting, 'training', 'loss')}.",
        "",
        f"That is J.T @ H @ J @ {vector}: J holds the derivatives of {value}, H the second derivatives of the loss by {value}",
        "(Schraudolph 2002). A part of the vector that is not given is zero.",
    ]
    returned = dict_text({name: body.results["gradient", name] for name in setting.wrt})
    first = given_tangents(setting, vector, body, returned)
    made = function(setting, "gauss_newton_product", setting.inputs, docstring, body, returned, _by_name(setting), first)
    made.arguments.insert(1, f"{vector}: dict")
    return made


def _check_value(setting: Setting, program: Program, value: str) -> None:
    node = program.nodes.get(value)
    if node is None or not node.args or node.dtype != "float":
        named = [name for name, each in program.nodes.items() if each.named and each.args and each.dtype == "float"]
        help = did_you_mean(value, named) or f"name a value between the parameters and the loss: {', '.join(named[-5:])}"
        raise GraphError(Problem("GG131", None, f"gauss_newton: the loss is not computed of a value {value!r}", help))
    nodes = {name: each._replace(op="input", args=()) if name == value else each for name, each in program.nodes.items()}
    past = replace(program, nodes=nodes).active(setting.wrt) & {program.loss}
    if past:
        message = f"gauss_newton: the loss depends on parameters other than through {value}"
        help = "name a value that all of them go through; the curvature of a penalty is left to be added"
        raise GraphError(Problem("GG132", None, message, help))


def _per_example(setting: Setting) -> list[Function]:
    batch = batch_axis(setting)
    each = [node.name for node in setting.inputs if node.shape[:1] == (batch,)]
    alone = with_sizes(setting.forms.training.restrict("loss"), {batch: 1})
    program = vmap(guard(gradient(alone, setting.wrt).restrict("gradient")), each, batch, kinds=["gradient"])
    body = setting.body("per_example_gradients", program, guarded=True)
    returned = dict_text(
        {name: body.results["gradient", name] + ("[:, 0]" if name in each else "") for name in setting.wrt}
    )
    docstring = [
        f"Return the gradient of {said_loss(setting)} of each example alone{of_form(setting, 'training', 'loss')}.",
        "",
        f"Each has a leading axis of size {sizes.text(batch)}: entry i is what value_and_grad answers for a batch of example i alone.",
    ]
    code = "\n".join([*(line.code for line in body.lines), returned])
    taken = [name for name in each if reads(code, name)]
    first = [f"{', '.join(taken)} = {', '.join(f'{name}[:, None]' for name in taken)}  # each example is a batch of one"]
    sized = [*program.leaves("input"), *setting.parameters]
    return [
        function(setting, "per_example_gradients", setting.inputs, docstring, body, returned, _by_name(setting), first, sized=sized)
    ]


def batch_axis(setting: Setting) -> sizes.Size:
    """The symbolic size that counts examples: the first that leads an input. Raises a GraphError if it stands elsewhere too."""
    found = [node.shape[0] for node in setting.inputs if node.shape and not isinstance(node.shape[0], int)]
    if not found or not found[0].is_Symbol:
        help = 'declare inputs with a symbolic first axis, as in shape=("batch", 64)'
        raise GraphError(Problem("GG133", None, "per_example: no input has an axis of examples", help))
    name = found[0].name
    for node in [*setting.inputs, *setting.parameters, *setting.state]:
        rest = node.shape[1:] if node.op == "input" and node.shape[:1] == (found[0],) else node.shape
        if name in sizes.symbols(rest):
            message = f"per_example: {node.name} of shape {sizes.shape_text(node.shape)} has {name} other than as the first axis of an input"
            raise GraphError(Problem("GG133", None, message, f"let {name} count examples alone"))
    return found[0]


_MAKERS: Mapping[str, Callable[[Setting], Iterable[Function]]] = {
    "vjp": _vjp,
    "jacobian": jacobian,
    "hessian": hessian,
    "hvp": _hvp,
    "per_example": _per_example,
}
