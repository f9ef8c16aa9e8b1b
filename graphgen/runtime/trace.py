"""The checked variant of a module: which value was the first that is not finite, and what it was made of.

What is infinite on the way and reaches no result is left alone: a mask of -inf before a softmax, the branch that a
`where` does not take. So nothing is looked at before a function ends, and nothing but its results if they are finite.
"""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graphgen.runtime.supplied import INPUTS, PARAMETERS, _facts, _remedies, _traced

# How many results and operands a message tells of.
_TOLD = 3


def _expect_finite(function: str, values: dict) -> None:
    """Raise a FloatingPointError that names the first value to blame, if a result of the function is not finite.

    Parameters
    ----------
    function : str
        The name of the generated function.
    values : dict
        All that it has computed, by name.
    """
    results = _traced[function][0]
    bad = {name: mask for name in results if (mask := _not_finite(_value(name, values))).any()}
    if not bad:
        return
    facts = _facts_of(function)
    infinite = _meant(facts, values)
    # An output may be infinite on purpose, as masked scores are; a loss and a gradient may not.
    bad = {
        name: mask for name, mask in bad.items() if name not in infinite or not results[name].startswith("the output")
    }
    if bad:
        said = [f"{results[name]} is {_first(_value(name, values), mask)}" for name, mask in bad.items()]
        name, mask = _culprit(facts, values, bad, infinite)
        raise _not_finite_error({"function": function, "results": said, **_finding(name, mask, facts, values)})


def _facts_of(function: str) -> dict:
    """Return the facts of the values of a function, by name and in order."""
    _, names, own = _traced[function]
    return {name: own.get(name) or _facts[name] for name in names}


def _not_finite_error(finding: dict) -> FloatingPointError:
    """Return the error that tells a finding; it holds it as `finding`, too."""
    error = FloatingPointError(_told(finding))
    error.finding = finding  # type: ignore[attr-defined]
    return error


def _not_finite(value: Any) -> np.ndarray:
    """Return which entries of a value are nan or infinite."""
    array = np.asarray(value)
    return ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)


def _value(name: Any, values: dict) -> Any:
    """Return an operand: a number stands for itself, a constant array in the module, all else in the function."""
    return values.get(name, globals().get(name, 0.0)) if isinstance(name, str) else name


def _meant(facts: dict, values: dict) -> set:
    """Return the values that are infinite because a constant is, or an input that is -inf in places, as masks are."""
    found = {name for name in INPUTS if name in values and _masks(_value(name, values))}
    for name, (_, _, operands, *_) in facts.items():
        wild = [each for each in operands if _not_finite(_value(each, values)).any()]
        known = [each in found or not isinstance(each, str) or each.startswith("_") for each in wild]
        if wild and all(known) and not np.isnan(_value(name, values)).any():
            found.add(name)
    return found


def _masks(value: Any) -> bool:
    """Say whether a value is finite but for entries of -inf."""
    array = np.asarray(value)
    bad = _not_finite(array)
    return bool(bad.any() and np.all(array[bad] == -np.inf))


def _culprit(facts: dict, values: dict, bad: dict, meant: set) -> tuple:
    """Return the first value that is not finite though its operands are, and which of its entries reach a result.

    `bad` has the entries of the results, and gets those of what they were made of: of elementwise operands the same
    entries, of the operands of a `where` those that were taken, of all others every one.
    """
    first = None
    for name, (kind, _, operands, *_) in reversed(facts.items()):
        if name not in bad:
            continue
        inside = False
        for place, operand in enumerate(operands):
            wild = _not_finite(_value(operand, values))
            if not isinstance(operand, str) or operand in meant or operand.startswith("_") or not wild.any():
                continue
            taken = bad[name]
            if kind == "choice":
                condition = np.broadcast_to(_value(operands[0], values), taken.shape)
                taken = taken & (condition if place == 1 else ~condition)
            reached = wild if kind == "whole" else wild & _of_shape(taken, wild.shape)
            if reached.any():
                bad[operand] = bad.get(operand, False) | reached
                inside = True
        first = first if inside else name
    leaf = next((name for name in bad if name not in facts), first)
    return leaf, bad[leaf]


def _of_shape(mask: np.ndarray, shape: tuple) -> np.ndarray:
    """Return which entries of an operand of this shape went into those of a broadcast result."""
    extra = mask.ndim - len(shape)
    axes = [axis for axis in range(mask.ndim) if axis < extra or shape[axis - extra] == 1 != mask.shape[axis]]
    return mask.any(axis=tuple(axes), keepdims=True).reshape(shape)


def _first(value: Any, mask: np.ndarray) -> str:
    """Return the first of these entries as text: nan, inf or -inf."""
    return str(float(np.asarray(value)[mask].flat[0]))


def _finding(name: str, mask: np.ndarray, facts: dict, values: dict) -> dict:
    """Return what is known of a value that is not finite."""
    value = np.asarray(_value(name, values))
    index = tuple(map(int, np.argwhere(mask)[0]))
    found = {"name": name, "value": _first(value, mask), "index": index, "size": value.size}
    found |= {"count": int(mask.sum()), "dtype": str(value.dtype)}
    if name in facts:
        kind, op, operands, sweep, statement, whole, place = facts[name]
        told = [
            _operand(each, kind, index, value.ndim, values) for each in dict.fromkeys(operands) if isinstance(each, str)
        ]
        found |= {"op": op, "sweep": sweep, "statement": statement, "whole": whole, "place": place, "operands": told}
        return {**found, "help": _remedies.get(op) or _remedies["nan" if found["value"] == "nan" else "inf"]}
    what = "parameter" if name in PARAMETERS else "input" if name in INPUTS else "argument"
    help = "it came so: look for what wrote it there, and pass what is finite"
    if what == "parameter":
        help = (
            "a step broke it, or a file: start from weights that are finite, with a smaller learning rate or clip_norm"
        )
    found |= {"op": what, "sweep": "", "statement": f"the {what} {name}", "whole": "", "place": "", "operands": []}
    return {**found, "help": help}


def _operand(name: str, kind: str, index: tuple, rank: int, values: dict) -> str:
    """Return an operand as text: the entry that went into the result's at `index`, or of many what range they have."""
    array = np.asarray(_value(name, values))
    if kind != "whole" or array.ndim == 0:
        places = index[rank - array.ndim :] if array.ndim else ()
        place = tuple(0 if size == 1 else at for at, size in zip(places, array.shape, strict=True))
        entry = array[place].item()
        return f"{name}{_place(place)} = {entry if array.dtype.kind != 'f' else f'{entry:.6g}'}"
    if array.dtype.kind != "f" or not array.size:
        return f"{name} of shape {array.shape}"
    bad = _not_finite(array)
    finite = array[~bad]
    text = f"{name} of shape {array.shape}"
    text += f" from {finite.min():.6g} to {finite.max():.6g}" if finite.size else ""
    return f"{text}, {bad.sum()} of {array.size} not finite" if bad.any() else text


def _place(index: tuple) -> str:
    """Return an index as it is written."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def _told(finding: dict) -> str:
    """Return a finding as text."""
    results = finding["results"]
    more = f" and {len(results) - _TOLD} more" if len(results) > _TOLD else ""
    many = f", {finding['count']} of {finding['size']} entries" if finding["size"] > 1 else ""
    sweep = f", in the {finding['sweep']} sweep" if finding["sweep"] else ""
    lines = [f"{finding['function']}: {', '.join(results[:_TOLD])}{more}"]
    lines.append(f"  first: {finding['statement']} is {finding['value']}{_at(finding['index'])}{many}{sweep}")
    lines += [f"  of: {each}" for each in filter(None, ["  ".join(filter(None, [finding["place"], finding["whole"]]))])]
    lines += [f"  with: {each}" for each in finding["operands"][:_TOLD]]
    return "\n".join([*lines, f"  help: {finding['help']}"])


def _at(index: tuple) -> str:
    """Return where something is, or nothing of a scalar."""
    return f" at {_place(index)}" if index else ""


def _with_findings(function: Callable) -> Callable:
    """Return a function of Python floats that tells of a statement where `math` raised as of one that gave nan."""

    @functools.wraps(function)
    def told(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except FloatingPointError:
            raise  # told already: Python's own floats raise others
        except (ValueError, ArithmeticError) as error:
            inside = error.__traceback__.tb_next if error.__traceback__ is not None else None
            if inside is None or (
                inside.tb_next is not None and inside.tb_next.tb_frame.f_code.co_name.startswith("_")
            ):
                raise  # what is wrong is an argument
            finding = _raised(function.__name__, inside.tb_frame.f_locals, error)
            raise _not_finite_error(finding) from error

    return told


def _raised(function: str, values: dict, error: Exception) -> dict:
    """Return what is known of the statement at which an exception was raised: the first whose value is not there."""
    results, facts = _traced[function][0], _facts_of(function)
    name = next(name for name in facts if name not in values)
    finding = _finding(name, np.ones((), bool), facts, {**values, name: np.nan})
    return {
        **finding,
        "function": function,
        "results": [f"{each} has no value" for each in results.values()],
        "value": f"not defined ({error})",
    }
