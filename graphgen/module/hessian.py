"""hessian: all second derivatives of the loss."""

from __future__ import annotations

from graphgen.differentiation.hessian import second_derivatives
from graphgen.emit import INDENT
from graphgen.module.function import Function, dict_text, function, keyword_arguments, of_form, said_loss
from graphgen.module.setting import Setting
from graphgen.module.tables import names_text
from graphgen.wrap import wrapped


def hessian(setting: Setting) -> list[Function]:
    """The function of all second derivatives: tangents of the gradients along every entry, all at once."""
    docstring = [
        f"Return all second derivatives of {said_loss(setting)}{of_form(setting, 'training', 'loss')}.",
        "",
        "hessian(...)[a][b] has the shape of a, then that of b. Forward mode over reverse mode, along every entry at once.",
    ]
    if setting.scalar:
        return [_of_numbers(setting, docstring)]
    body = setting.body("hessian", second_derivatives(setting.forms.training.restrict("loss"), setting.wrt), guarded=True)
    rows = {one: dict_text({other: body.results["hessian", f"{one} {other}"] for other in setting.wrt}) for one in setting.wrt}
    return [function(setting, "hessian", setting.inputs, docstring, body, dict_text(rows), "dict[str, dict[str, np.ndarray]]")]


def _of_numbers(setting: Setting, docstring: list[str]) -> Function:
    """A row at a time: hvp along each number."""
    given = [setting.names["parameters"], '{name: 1.0}', *(node.name for node in setting.inputs)]
    given += [f"{each}={each}" for each in setting.keywords("hvp")]
    arguments = [f"{setting.names['parameters']}: dict", *(f"{node.name}: float" for node in setting.inputs), *keyword_arguments(setting, "hvp")]
    said = [*docstring[:-1], "Each row hessian(...)[a] is hvp along a."]
    returned = wrapped(f"return {{name: hvp({', '.join(given)}) for name in {names_text(setting.wrt)}}}", INDENT)
    return Function("hessian", arguments, "dict[str, dict[str, float]]", said, [], returned)
