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
    paragraph,
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
from graphgen.program import Builder, Node, Program

_COTANGENT = "A cotangent has the shape of its output; one that is not given is zero."


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
    body = setting.body("vjp", guard(gradient(program, setting.wrt, cotangents)).restrict("gradient"), guarded=True)
    outputs = float_outputs(program)
    given = list(outputs)
    setting.use("_check_cotangents")
    shapes = "".join(f", {name}={sizes.shape_text(outputs[name].shape)}" for name in given)
    call = f"_check_cotangents({setting.names['cotangents']}{shapes})"
    said = f"Return the gradient of {_products(given)}{of_form(setting, 'inference', 'output')}."
    first = wrapped_docstring(said, "Return the gradient of the outputs, times the given cotangents.")
    docstring = [
        *first,
        *[""] * (len(first) == 1),
        *paragraph(f"It is with respect to {listed(list(setting.wrt)) or 'nothing'}. {_COTANGENT}"),
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
        The cotangent of each node that is an output, and the input of each output: the cotangents of one node that is
        several outputs add.
    """
    outputs = {name: node.name for name, node in float_outputs(program).items()}
    builder = program.builder()
    names: dict[str, str] = {}
    whole: dict[str, str] = {}
    for node in dict.fromkeys(outputs.values()):
        own = [name for name, each in outputs.items() if each == node]
        # Where others read the node, d_node is the sum of this and of what they hand on.
        read = node in program.needed(other for other in outputs.values() if other != node)
        wanted = _apart(builder, f"d_{node}_given") if read else f"d_{node}"
        for output in own:
            names[output] = wanted if len(own) == 1 else _apart(builder, f"d_{output}_given")
            shape = program.nodes[node].shape
            builder.append(Node(names[output], "input", (), {"shape": shape, "dtype": "float"}, shape, "float", ("reverse",)))
        if len(own) > 1:
            with builder.making(_apart(builder, wanted) if read else wanted, ("reverse",)) as finish:
                finish(builder.add("accumulate", [builder[names[output]] for output in own], {}))
        whole[node] = next(reversed(builder.nodes))
    return builder.build(), whole, names


def _apart(builder: Builder, name: str) -> str:
    """A name like this that neither a value has nor the gradient of one."""
    while name in builder.taken or name.removeprefix("d_") in builder.taken:
        name += "_"
    return name


def _hvp(setting: Setting) -> list[Function]:
    sweep = gradient(setting.forms.training.restrict("loss"), setting.wrt)
    body = setting.body("hvp", guard(tangent(sweep, setting.wrt)).restrict("gradient_dot"), guarded=True)
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
    body = setting.body("gauss_newton_product", gauss_newton(program, value, setting.wrt), guarded=True)
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
        what = f": {', '.join(named[-5:])}" if named else ", as in logits = ..."
        help = did_you_mean(value, named) or f"name a value between the parameters and the loss{what}"
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
    program = vmap(guard(gradient(alone, setting.wrt)).restrict("gradient"), each, batch, kinds=["gradient"])
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
    batches = ", ".join(f"{name}[:, None]" for name in taken)
    first = [f"{', '.join(taken)} = {batches}  # each example is a batch of one"] if taken else []
    sized = [*program.leaves("input"), *setting.parameters]
    return [
        function(setting, "per_example_gradients", setting.inputs, docstring, body, returned, _by_name(setting), first, sized=sized)
    ]


def batch_axis(setting: Setting) -> sizes.Size:
    """The symbolic size that counts examples: the first that leads an input. Raises a GraphError if it stands elsewhere too."""
    found = [node.shape[0] for node in setting.inputs if node.shape and getattr(node.shape[0], "is_Symbol", False)]
    if not found:
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
