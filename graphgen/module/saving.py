"""What the reverse sweep finds saved, as the option `save` says, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from graphgen import checkpoint, sizes
from graphgen.checkpoint import Plan, Sweeps
from graphgen.cost.nodes import count
from graphgen.cost.wording import formula, rounded
from graphgen.emit import Body, Line
from graphgen.errors import GraphError, Problem, check_sizes, did_you_mean
from graphgen.module.layout import listed
from graphgen.module.setting import Options, Setting
from graphgen.program import Program
from graphgen.schedule import Drop, Memory, Statement, Step, statements
from graphgen.wrap import WIDTH

ASSUMED = 64  # a symbolic size, where memory is compared and no number is given
MOST = 1e18  # bytes
_UNITS = {"": 1, "B": 1, "KB": 1000, "KiB": 1024} | {
    f"{prefix}{unit}": base**power
    for power, prefix in enumerate("kMGT", start=1)
    for unit, base in (("B", 1000), ("iB", 1024))
}
_AMOUNT = re.compile(r"\s*([0-9][0-9_.]*)\s*([A-Za-z]*)\s*")


def asked(options: Options) -> str | int | tuple[str, ...]:
    """What `save` says: "all", "minimal", a number of bytes, or names."""
    save = options.save
    if isinstance(save, tuple) or save in ("all", "minimal"):
        return save
    if isinstance(save, str) and not save[:1].isdigit():
        names = tuple(name.strip() for name in save.split(",") if name.strip())
        if not names:
            raise _wrong("GG115", f"save: {save!r} says nothing", "all, minimal, an amount of memory, or names of values")
        return names
    match = _AMOUNT.fullmatch(str(save))
    if match is None or match[1].count(".") > 1 or match[2] not in _UNITS or not 0 < float(match[1]) < MOST:
        near = did_you_mean(match[2], _UNITS) if match and match[2] and match[2] not in _UNITS else None
        raise _wrong("GG115", f"save: {save!r} is no amount of memory", near or 'as in 4096, "64 kB" or "1.5 GiB"')
    return int(float(match[1]) * _UNITS[match[2]])


def _wrong(code: str, message: str, help: str | None = None) -> GraphError:
    return GraphError(Problem(code, None, message, help))


def marked(setting: Setting, program: Program) -> Program:
    """The program where all that is to be saved by name has a line of its own."""
    names = asked(setting.options)
    if not isinstance(names, tuple):
        return program
    problems = []
    for name in names:
        if name not in program.nodes or program.nodes[name].sweep:
            declared = name in setting.program.nodes
            known = [each for each, node in program.nodes.items() if not node.sweep]
            message = f"save: the loss does not depend on {name}" if declared else f"save: there is no value {name!r}"
            problems.append(Problem("GG116", None, message, did_you_mean(name, known)))
    if problems:
        raise GraphError(problems)
    return replace(
        program, nodes={name: node._replace(named=node.named or name in names) for name, node in program.nodes.items()}
    )


def checkpointed(setting: Setting, body: Body) -> tuple[Body, list[Step]]:
    """The function with what is not saved computed again, and its steps, where anything of it is asked for."""
    save = asked(setting.options)
    if save == "all" and "split" not in setting.options.functions:
        return body, []
    steps = statements(body)
    if save == "all":
        return body, list(steps)
    numbers = _numbers(body.program, setting.options, save)
    memory = Memory(body, numbers)
    counts = count(body)

    def operations(statement: Statement) -> int:
        return sum(int(counts[name].at(numbers).total()) for name in memory.inside(statement) if name in counts)

    sweeps = Sweeps(memory, steps, body.program.results.values(), operations)
    setting.plan = plan = _planned(sweeps, save)._replace(numbers=numbers)
    setting.report += _report(plan)
    setting.written["value_and_grad"] = found = replace(body, lines=lines(plan.steps))
    return found, plan.steps


def _planned(sweeps: Sweeps, save: str | int | tuple[str, ...]) -> Plan:
    if isinstance(save, tuple):
        named = {owner for name in save if (owner := _owner(sweeps.memory, name)) is not None}
        last = max((each.made for each in sweeps.arrays if each.name in named), default=0)
        # What is made behind the last of them is there when the reverse sweep begins, and would be made again at once.
        return sweeps.plan(named | {each.name for each in sweeps.arrays if each.made > last})
    if isinstance(save, str):
        return sweeps.plan(checkpoint.least(sweeps)[0])
    found = checkpoint.within(sweeps, save)
    if found is None:
        least = checkpoint.least(sweeps)[1]
        message = f"save: memory cannot be kept within {save:,} bytes by computing values at most twice"
        raise _wrong("GG118", message, f"the least is {least:,} bytes, which `minimal` takes")
    return sweeps.plan(found, save)


def _owner(memory: Memory, name: str) -> str | None:
    """The node whose array is to be saved."""
    if name not in memory.program.nodes:
        raise _wrong(
            "GG116",
            f"save: {name} is one with another value once the program is simplified",
            "save that one, or use --style teach",
        )
    return memory.owner(name)


def check(program: Program, options: Options) -> None:
    """Raise a GraphError where the options on memory cannot be met, whatever the statements."""
    save = asked(options)
    wanted = "save" if save != "all" else "split" if "split" in options.functions else ""
    if wanted and (program.loss is None or options.inference or not options.has_reverse):
        raise _wrong(
            "GG119",
            f"{wanted}: there is no reverse sweep",
            "it needs a loss, and mode reverse or both, without inference",
        )
    if save != "all" and options.trace:
        raise _wrong("GG119", "save: the checked variant keeps every value", "leave out either trace or save")
    check_sizes(options.sizes, _symbols(program))


def _symbols(program: Program) -> list[str]:
    """The symbolic sizes of a program."""
    return list(dict.fromkeys(name for node in program.nodes.values() for name in sizes.symbols(node.shape)))


def _numbers(program: Program, options: Options, save: str | int | tuple[str, ...]) -> dict[str, int]:
    """A number for each symbolic size."""
    names = _symbols(program)
    missing = [name for name in names if name not in options.sizes]
    if isinstance(save, int) and missing:
        example = " ".join(f"--size {name}={ASSUMED}" for name in missing)
        raise _wrong(
            "GG117", f"save: how many bytes there are depends on {listed(missing)}", f"say for what, as with {example}"
        )
    return {name: options.sizes.get(name, ASSUMED) for name in names}


# -- the lines


def lines(steps: Sequence[Step]) -> list[Line]:
    """The lines of these steps."""
    found: list[Line] = []
    for place, step in enumerate(steps):
        if isinstance(step, Statement) and not step.again:
            found += step.lines
            continue
        follows = next(
            (each.lines[0].header for each in steps[place:] if isinstance(each, Statement) and not each.again), ""
        )
        # Within the group of one declared statement its header need not be repeated.
        header = follows if found and found[-1].header == follows else ""
        if isinstance(step, Drop):
            reverse = bool(found) and found[-1].section == "reverse"
            found += _dropped(step.names, header, reverse)
        else:
            comments = ["recomputed", *[""] * (len(step.lines) - 1)]
            found += [
                replace(line, comment=comment, header=header, section="reverse")
                for line, comment in zip(step.lines, comments, strict=True)
            ]
    return found


def _dropped(names: Iterable[str], header: str, reverse: bool) -> list[Line]:
    """As many ``del`` as it takes."""
    made: list[list[str]] = [[]]
    for name in names:
        if made[-1] and len(", ".join([*made[-1], name])) + len("    del ") > WIDTH:
            made.append([])
        made[-1].append(name)
    comment, section = ("no longer needed", "reverse") if reverse else ("not saved", "forward")
    return [Line(f"del {', '.join(each)}", comment, header, section) for each in made]


# -- what is said of it


def header(setting: Setting) -> list[str]:
    """What the head of the module says of memory, if not all is saved."""
    plan, save = setting.plan, asked(setting.options)
    if plan is None:
        return []
    what = save if isinstance(save, str) else "by name" if isinstance(save, tuple) else f"within {rounded(save, 'B')}"
    said = f"{what}: {len(plan.saved)} value{'s' * (len(plan.saved) != 1)} saved, {len(plan.again)} recomputed"
    if plan.again:
        said += f" ({plan.share:.0%} of the forward sweep's operations)"
    given = listed([f"{name} = {number:,}" for name, number in plan.numbers.items()])
    peaks = f"{rounded(plan.after.bytes, 'B')} at the peak{f' for {given}' if given else ''}, {rounded(plan.before.bytes, 'B')} with all saved"
    return [f"save        {said}", f"memory      {peaks}"]


def _report(plan: Plan) -> list[str]:
    """What --explain says of it."""
    return [
        f"saved: {', '.join(plan.saved) or 'nothing'}",
        f"recomputed: {', '.join(plan.again) or 'nothing'}",
        f"bytes at the peak: {formula(plan.after.formula)}; with all saved: {formula(plan.before.formula)}",
    ]
