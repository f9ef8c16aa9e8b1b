"""The sweeps as functions: forward, loss, evaluate, value_and_grad, jvp."""

from __future__ import annotations

from graphgen import sizes
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.differentiation.vmap import vmap
from graphgen.emit import INDENT, Body
from graphgen.module.function import (
    Function,
    function,
    given_tangents,
    of_form,
    of_shape,
    said_loss,
    scalar,
    wrapped_docstring,
)
from graphgen.module.layout import listed
from graphgen.module.modes import modes
from graphgen.module.saving import checkpointed, marked
from graphgen.module.setting import Setting
from graphgen.module.split import split
from graphgen.passes import guard
from graphgen.passes.values import values_alone
from graphgen.program import Node, Program
from graphgen.wrap import WIDTH


def sweeps(setting: Setting) -> list[Function]:
    """The functions that compute: forward alone, or with what training needs."""
    functions = [_forward(setting)]
    if setting.program.loss is not None:
        functions.append(_loss(setting))
        if setting.forms.differ("loss"):
            functions.append(_evaluate(setting))
        if setting.options.has_reverse:
            functions += _value_and_grad(setting)
        if setting.options.has_forward:
            functions += _jvp(setting)
    return [*functions, *modes(setting)]


def _forward(setting: Setting) -> Function:
    program = values_alone(setting.forms.inference.restrict("output"))
    body = setting.body("forward", program)
    read = program.read()
    inputs = [node for node in setting.inputs if node.name in read]
    outputs = {name: program.nodes[node] for name, node in program.of("output").items()}
    described = listed([f"{name}{of_shape(node)}" for name, node in outputs.items()])
    given = listed([f"{node.name}{of_shape(node)}" for node in inputs if node.shape])
    values = [body.results["output", name] for name in outputs]
    if len(outputs) == 1:
        answer, returned = _output_type(setting, next(iter(outputs.values()))), values[0]
    else:
        answer = setting.names["Outputs"]
        returned = f"{answer}({', '.join(values)})"
    docstring = wrapped_docstring(f"Return {described}{f', for {given}' if given else ''}{of_form(setting, 'inference', 'output')}.")
    return function(setting, "forward", inputs, docstring, body, returned, answer)


def _output_type(setting: Setting, node: Node) -> str:
    return setting.annotation if not setting.scalar or node.dtype == "float" else "bool"


def _loss(setting: Setting) -> Function:
    body = setting.body("loss", setting.forms.training.restrict("loss"))
    docstring = [f"Return {said_loss(setting)}{of_form(setting, 'training', 'loss')}."]
    return function(setting, "loss", setting.inputs, docstring, body, scalar(setting, body, "loss"), "float")


def _evaluate(setting: Setting) -> Function:
    body = setting.body("evaluate", setting.forms.inference.restrict("loss"))
    docstring = [f"Return {said_loss(setting)}{of_form(setting, 'inference', 'loss')}."]
    return function(setting, "evaluate", setting.inputs, docstring, body, scalar(setting, body, "loss"), "float")


def _value_and_grad(setting: Setting) -> list[Function]:
    program = gradient(setting.forms.training.restrict("loss", "state"), setting.wrt)
    body, steps = checkpointed(setting, setting.body("value_and_grad", marked(setting, program)))
    entries = ", ".join(f'"{name}": {body.results["gradient", name]}' for name in setting.wrt)
    all_parameters = setting.parameters and not setting.options.wrt and len(setting.wrt) == len(setting.parameters)
    what = "each parameter" if all_parameters else listed(list(setting.wrt)) or "nothing"
    said = f"Return {said_loss(setting)}, and its gradient with respect to {what}{of_form(setting, 'training', 'loss')}."
    docstring = wrapped_docstring(said, "Return the loss, and its gradient.")
    returned, kinds = [scalar(setting, body, "loss"), f"{{{entries}}}"], ["float", f"dict[str, {setting.annotation}]"]
    if setting.state:
        docstring += [""] * (len(docstring) == 1) + ["The state after the step comes third; what is given stays as it is."]
        returned.append(f"{{{', '.join(_updated(setting, body))}}}")
        kinds.append(kinds[1])
    answer = ", ".join(returned)
    if setting.state and len(answer) > WIDTH - INDENT - len("return "):
        answer = f"({answer})"  # it is broken between the three
    joint = function(setting, "value_and_grad", setting.inputs, docstring, body, answer, f"tuple[{', '.join(kinds)}]")
    return [joint, *split(setting, body, steps)]


def _updated(setting: Setting, body: Body) -> list[str]:
    """The entries of the state after a step."""
    return [f'"{node.name}": {body.results["state", node.name]}' for node in setting.state]


def _jvp(setting: Setting) -> list[Function]:
    """jvp, and the same for several directions at once."""
    program = tangent(setting.forms.training.restrict("loss"), setting.wrt).restrict("loss", "loss_dot")
    body = setting.body("jvp", program)
    tangents = setting.names["tangents"]
    docstring = [
        f"Return {said_loss(setting)}, and its derivative along `{tangents}`{of_form(setting, 'training', 'loss')}.",
        "",
        "One sweep carries each value with its tangent; a tangent that is not given is zero. With a leading axis, tangents",
        "are several directions: the derivative has that axis too.",
    ]
    returned = f"{scalar(setting, body, 'loss')}, {scalar(setting, body, 'loss_dot')}"
    first = given_tangents(setting, tangents, body, returned)
    together = [] if setting.scalar or not setting.wrt else [_jvp_along_several(setting, program)]
    if setting.wrt:
        setting.use("_are_several", *["_along_each"] * setting.scalar)
        values = "".join(f", {name}={name}" for name in setting.wrt)
        first = [f"if _are_several({tangents}{values}):", f"    return {_several_call(setting)}", *first]
    made = function(setting, "jvp", setting.inputs, docstring, body, returned, "tuple[float, Any]", first)
    made.arguments.insert(1, f"{tangents}: dict")
    return [made, *together]


def _several_call(setting: Setting) -> str:
    tangents = setting.names["tangents"]
    given = [node.name for node in setting.inputs] + [f"{each}={each}" for each in setting.keywords("jvp")]
    if setting.scalar:
        call = f"jvp({', '.join([setting.names['parameters'], 'each', *given])})"
        return f"_along_each(lambda each: {call}, {tangents})"
    return f"_jvp_along_several({', '.join([setting.names['parameters'], tangents, *given])})"


def _jvp_along_several(setting: Setting, program: Program) -> Function:
    dots = [f"{name}_dot" for name in setting.wrt]
    program = vmap(guard(program), dots, sizes.size(setting.names["directions"]), kinds=["loss_dot"])
    body = setting.body("_jvp_along_several", program, guarded=True)
    tangents = setting.names["tangents"]
    docstring = [f"Return {said_loss(setting)}, and its derivatives along several directions: the leading axis of `{tangents}`."]
    returned = f"{scalar(setting, body, 'loss')}, {body.results['loss_dot', 'loss']}"
    first = given_tangents(setting, tangents, body, returned, "_check_several_tangents")
    sized = [*setting.inputs, *setting.parameters, *(program.nodes[dot] for dot in dots)]
    name, answer = "_jvp_along_several", "tuple[float, np.ndarray]"
    made = function(setting, name, setting.inputs, docstring, body, returned, answer, first, sized=sized)
    made.arguments.insert(1, f"{tangents}: dict")
    return made
