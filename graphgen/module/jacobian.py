"""jacobian: all derivatives of the outputs."""

from __future__ import annotations

from graphgen import sizes
from graphgen.differentiation.jacobian import Sweep, derivatives, plan
from graphgen.emit import INDENT
from graphgen.module.function import (
    Function,
    dict_text,
    float_outputs,
    function,
    of_form,
    paragraph,
    read_inputs,
    wrapped_docstring,
)
from graphgen.module.layout import listed
from graphgen.module.setting import Setting
from graphgen.program import Node
from graphgen.wrap import wrapped


def jacobian(setting: Setting) -> list[Function]:
    """The function of all derivatives, above one for each sweep that it takes if they are several."""
    program = setting.forms.inference.restrict("output")
    outputs = float_outputs(program)
    inputs = read_inputs(setting, program)
    sweeps = {name: plan(program, node.name, setting.wrt) for name, node in outputs.items()}
    whose = f"Return all derivatives of {listed(list(outputs))}{of_form(setting, 'inference', 'output')}."
    first = wrapped_docstring(whose, "Return all derivatives of the outputs.")
    docstring = [
        *first,
        *[""] * (len(first) == 1),
        "Each has the shape of the output, then that of what it is by.",
    ]
    single = f"dict[str, {setting.annotation}]"
    answer = single if len(outputs) == 1 else f"dict[str, {single}]"
    flat = [sweep for several in sweeps.values() for sweep in several]
    if not flat:
        return [_of_nothing(setting, inputs, docstring[:-1], list(outputs), answer)]
    if len(flat) == 1 and len(outputs) == 1:
        body = setting.body("jacobian", derivatives(program, flat[0], setting.scalar), guarded=True)
        returned = dict_text({leaf: body.results["jacobian", leaf] for leaf in flat[0].leaves})
        return [function(setting, "jacobian", inputs, [*docstring, *_said(flat[0])], body, returned, answer)]
    parts, texts = [], {}
    for name, several in sweeps.items():
        calls = []
        for place, sweep in enumerate(several):
            own = f"_jacobian_{name}" + (f"_{place + 1}" if len(several) > 1 else "")
            body = setting.body(own, derivatives(program, sweep, setting.scalar), guarded=True)
            by = wrapped_docstring(f"Return the derivatives of {name} by {listed(list(sweep.leaves))}.", f"Return derivatives of {name}.")
            said = [*by, *[""] * (len(by) == 1), *_said(sweep)]
            returned = dict_text({leaf: body.results["jacobian", leaf] for leaf in sweep.leaves})
            parts.append(function(setting, own, inputs, said, body, returned, single))
            given = [setting.names["parameters"], *(node.name for node in inputs), *(f"{each}={each}" for each in setting.keywords(own))]
            calls.append(f"{own}({', '.join(given)})")
        texts[name] = calls[0] if len(calls) == 1 else f"{{{', '.join(f'**{call}' for call in calls)}}}"
    returned = next(iter(texts.values())) if len(outputs) == 1 else dict_text(texts)
    whole = Function("jacobian", parts[0].arguments, answer, docstring, [], wrapped(f"return {returned}", INDENT))
    return [whole, *parts]


def _of_nothing(setting: Setting, inputs: list[Node], docstring: list[str], outputs: list[str], answer: str) -> Function:
    """The function of a model with nothing to differentiate by."""
    body = setting.body("jacobian", setting.program.restrict())
    returned = "{}" if len(outputs) == 1 else dict_text(dict.fromkeys(outputs, "{}"))
    return function(setting, "jacobian", inputs, [*docstring, "There is nothing to differentiate by."], body, returned, answer)


def _said(sweep: Sweep) -> list[str]:
    """Why the sweep is as it is."""
    number = sizes.text(sweep.count)
    sweeps = f"{sweep.mode.capitalize()} mode, {'one sweep' if number == '1' else f'{number} sweeps at once'}"
    if sizes.equal(sweep.count, sweep.full):
        return paragraph(f"{sweeps}.")
    side = sweep.output if sweep.mode == "reverse" else sweep.leaves[0]
    text = f"{sweeps} in place of {sizes.text(sweep.full)}: entries of {side} that cannot meet share one (Curtis, Powell and Reid 1974)."
    return paragraph(text)
