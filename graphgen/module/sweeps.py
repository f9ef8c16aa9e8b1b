"""The sweeps as functions: forward, loss, evaluate, value_and_grad, jvp."""

from __future__ import annotations

from graphgen.emit import INDENT, Body
from graphgen.gradient import gradient
from graphgen.module.function import (
    Function,
    assigned,
    function,
    of_form,
    of_shape,
    reads,
    said_loss,
    scalar,
    wrapped_docstring,
)
from graphgen.module.layout import listed
from graphgen.module.setting import Setting
from graphgen.program import Node
from graphgen.tangent import tangent
from graphgen.wrap import WIDTH


def sweeps(setting: Setting) -> list[Function]:
    """The functions that compute: forward alone, or with what training needs."""
    functions = [_forward(setting)]
    if setting.program.loss is not None:
        functions.append(_loss(setting))
        if setting.forms.differ("loss"):
            functions.append(_evaluate(setting))
        if setting.options.has_reverse:
            functions.append(_value_and_grad(setting))
        if setting.options.has_forward:
            functions.append(_jvp(setting))
    return functions


def _forward(setting: Setting) -> Function:
    program = setting.forms.inference.restrict("output")
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


def _value_and_grad(setting: Setting) -> Function:
    body = setting.body("value_and_grad", gradient(setting.forms.training.restrict("loss", "state"), setting.wrt))
    entries = ", ".join(f'"{name}": {body.results["gradient", name]}' for name in setting.wrt)
    all_parameters = setting.parameters and not setting.options.wrt and len(setting.wrt) == len(setting.parameters)
    what = "each parameter" if all_parameters else listed(list(setting.wrt)) or "nothing"
    docstring = wrapped_docstring(f"Return {said_loss(setting)}, and its gradient with respect to {what}{of_form(setting, 'training', 'loss')}.")
    returned, kinds = [scalar(setting, body, "loss"), f"{{{entries}}}"], ["float", f"dict[str, {setting.annotation}]"]
    if setting.state:
        docstring += [""] * (len(docstring) == 1) + ["The state after the step comes third; what is given stays as it is."]
        returned.append(f"{{{', '.join(_updated(setting, body))}}}")
        kinds.append(kinds[1])
    answer = ", ".join(returned)
    if setting.state and len(answer) > WIDTH - INDENT - len("return "):
        answer = f"({answer})"  # it is broken between the three
    return function(setting, "value_and_grad", setting.inputs, docstring, body, answer, f"tuple[{', '.join(kinds)}]")


def _updated(setting: Setting, body: Body) -> list[str]:
    """The entries of the state after a step."""
    return [f'"{node.name}": {body.results["state", node.name]}' for node in setting.state]


def _jvp(setting: Setting) -> Function:
    program = tangent(setting.forms.training.restrict("loss"), setting.wrt).restrict("loss", "jvp")
    body = setting.body("jvp", program)
    docstring = [
        f"Return {said_loss(setting)}, and its derivative along `{setting.names['tangents']}`{of_form(setting, 'training', 'loss')}.",
        "",
        "One sweep carries each value with its tangent; a tangent that is not given is zero.",
    ]
    returned = f"{scalar(setting, body, 'loss')}, {scalar(setting, body, 'jvp')}"
    given = "".join(f", {name}={name}" for name in setting.wrt)
    first = []
    if setting.wrt:
        setting.use("_check_tangents")
        code = "\n".join([*(line.code for line in body.lines), returned])
        names = [f"{name}_dot" if reads(code, f"{name}_dot") else "_" for name in setting.wrt]
        call = f"_check_tangents({setting.names['tangents']}{given})"
        first = [assigned(names, call) if set(names) > {"_"} or "_" not in names else call]
    made = function(setting, "jvp", setting.inputs, docstring, body, returned, "tuple[float, float]", first)
    made.arguments.insert(1, f"{setting.names['tangents']}: dict")
    return made
