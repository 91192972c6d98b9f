"""From what was traced to violations of the static-state rules, each said once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import torch

from wse_emulator.capture.acts import Act, ForeignWrite, Seen
from wse_emulator.capture.caller import step_of
from wse_emulator.capture.lineage import Constant
from wse_emulator.errors import (
    DataDependentShapeError,
    ForeignWriteError,
    GraphChangedError,
    HiddenStateError,
    HostSyncError,
    OtherThreadError,
    PythonNumberChangedError,
    RandomNumbersError,
    RateChangedError,
    StaticRuleError,
    UnknownOpError,
    UnseenWriteError,
)
from wse_emulator.program import Value, ValueKind

_HOST_REMEDY: Final = (
    "keep the value a tensor: torch.where instead of if, tensor arithmetic instead of float(), "
    "0-dim tensors for hyper-parameters that change, and p.sub_(update * lr) for alpha=-lr, which "
    "reads a rate that a schedule writes"
)
_SHAPE_REMEDY: Final = (
    "keep the shape: torch.where or a product with the mask instead of x[mask], nonzero() or "
    "unique()"
)
_RANDOM_REMEDY: Final = (
    "draw the numbers on the host between steps into a state that the constructor allocated, or "
    "compute them in the step from a counter that is state"
)
_THREAD_REMEDY: Final = "issue all ops of the step in the thread that calls step()"
_SPARSE_REMEDY: Final = "keep it dense: a product with a mask in place of a sparse tensor"
_WRITE_REMEDY: Final = (
    "write to a new tensor, or allocate the tensor as optimizer state in preinitialize()"
)
_RATE_REMEDY: Final = (
    "leave the rate to a scheduler that writes it between steps; a factor that the step computes "
    "is state of its own"
)
_HIDDEN_REMEDY: Final = (
    "allocate it as optimizer state (self.state[p][...]) in the constructor and update it in place"
)
_UNDECLARED: Final = " that is no declared state"
UNSEEN_REMEDY: Final = (
    "write it with torch's ops, in the thread that calls step(), and not through numpy, an "
    "address or a library that torch does not see"
)


def judge_seen(
    seen: Iterable[Seen],
    values: Sequence[Value],
    names: Sequence[str],
) -> list[StaticRuleError]:
    """One violation for each read of a value, random number and the like."""
    violations: list[StaticRuleError] = []
    for act in seen:
        what = _what(values, act.value)
        concerned = {
            "parameter": _parameter(values, act.value, names),
            "state": _state(values, act.value, names),
        }
        match act.act:
            case Act.HOST_READ:
                violations.append(
                    HostSyncError(
                        f"step() reads the value of {what} from Python ({act.call}{at(act.where)})",
                        **concerned,
                        remedy=_HOST_REMEDY,
                    )
                )
            case Act.SHAPE:
                violations.append(
                    DataDependentShapeError(
                        f"{act.call} in step() gives a shape that depends on the values of {what}"
                        f"{at(act.where)}",
                        **concerned,
                        remedy=_SHAPE_REMEDY,
                    )
                )
            case Act.RANDOM:
                violations.append(
                    RandomNumbersError(
                        f"{act.call} in step() draws random numbers{at(act.where)}: the state of "
                        "the generator is on the host and changes from step to step",
                        remedy=_RANDOM_REMEDY,
                    )
                )
            case Act.THREAD:
                violations.append(
                    OtherThreadError(
                        f"step() issues {act.call}{at(act.where)}", remedy=_THREAD_REMEDY
                    )
                )
            case Act.SPARSE:
                violations.append(
                    UnknownOpError(
                        f"{act.call} in step() works on a sparse tensor{at(act.where)}: no "
                        "cost on a processing element",
                        remedy=_SPARSE_REMEDY,
                    )
                )
            case Act.OLD_STORAGE:
                assert act.made is not None
                shape = [] if act.value is None else list(values[act.value].shape)
                was = (
                    f"step {act.made.step} made{at(act.made.where)}"
                    if act.made.gradient is None
                    else f"was {act.made.gradient} in step {act.made.step}"
                )
                violations.append(
                    HiddenStateError(
                        f"{act.call} in step() reads a tensor of shape {shape} that {was}"
                        f"{act.kept} and that is no declared state{at(act.where)}",
                        remedy=_HIDDEN_REMEDY,
                    )
                )
    return violations


def judge_foreign_writes(
    writes: Iterable[ForeignWrite], values: Sequence[Value], names: Sequence[str]
) -> list[StaticRuleError]:
    """One violation a write to what is neither parameter nor declared state."""
    violations: list[StaticRuleError] = []
    for write in writes:
        kind = values[write.value].kind
        what = _what(values, write.value).removesuffix(_UNDECLARED)
        if kind is ValueKind.STATE:
            continue  # a constant that turned out to be state made in this step has its own
        if kind is ValueKind.RATE:
            violations.append(
                RateChangedError(
                    f"{write.op} in step() writes the learning rate {what}{at(write.where)}",
                    state="lr",
                    remedy=_RATE_REMEDY,
                )
            )
            continue
        violations.append(
            ForeignWriteError(
                f"{write.op} in step() writes to {what}, which is neither a parameter nor "
                f"declared state{at(write.where)}",
                parameter=_parameter(values, write.value, names),
                state=_state(values, write.value, names),
                remedy=_WRITE_REMEDY,
            )
        )
    return violations


def judge_constants(
    first: Mapping[int, Constant],
    later: Mapping[int, Constant],
    values: Sequence[Value],
    steps: tuple[int, int],
    hidden: Iterable[int],
) -> StaticRuleError | None:
    """The first undeclared tensor of which two steps with equal graphs read different contents.

    Args:
        first: those of the first settled step, by index of the value.
        later: those of a later step.
        values: of the later step.
        steps: numbers of the two steps.
        hidden: indices of those that an earlier step made, which have a violation of their own.
    """
    skipped = set(hidden)
    for index, now in later.items():
        was = first.get(index)
        if was is None or index in skipped:
            continue
        shape = list(values[index].shape)
        same = was.place == now.place
        if was.contents == now.contents and (same or was.contents is not None):
            continue
        if same:
            return UnseenWriteError(
                f"a tensor of shape {shape} that step() reads{at(now.where)} has other values in "
                f"step {steps[1]} than in step {steps[0]}, and no op wrote it",
                remedy=UNSEEN_REMEDY,
            )
        other = was.place.storage != now.place.storage
        if other and was.contents is not None and was.reference.expired():
            return PythonNumberChangedError(
                f"a tensor of shape {shape} that step() makes by no op, from Python data or in "
                f"another thread, has other values in step {steps[1]} than in step {steps[0]}"
                f"{at(now.where)}",
                remedy="make it once in the constructor, or compute it from state that is "
                "updated in place",
            )
        return GraphChangedError(
            f"step() reads another {'tensor' if other else 'part of a tensor'} of shape {shape} in "
            f"step {steps[1]} than in step {steps[0]}{at(now.where)}",
            remedy="read the same tensors at every step; put tensors that are read in turn into "
            "one, and gather from it by an index that is state",
        )
    return None


def at(where: str) -> str:
    """``, file.py:12``, or nothing where the place is not known."""
    return f", {where}" if where else ""


def step_begins_at(optimizer: torch.optim.Optimizer) -> str:
    """Where ``step`` is written, as a phrase, for what no op of it shows the line of."""
    place = step_of(optimizer)
    return f" (step() begins at {place})" if place else ""


def say_once(violations: Iterable[StaticRuleError]) -> tuple[StaticRuleError, ...]:
    """The first violation of each rule and state, saying how many more there are like it."""
    groups: dict[tuple[str, str | None], list[StaticRuleError]] = {}
    for violation in violations:
        groups.setdefault((violation.rule, violation.state), []).append(violation)
    merged = []
    for first, *others in groups.values():
        more = len({v.parameter for v in others} - {first.parameter})
        text = f" (and of {more} more parameter{'s' if more > 1 else ''})" if more else ""
        merged.append(
            type(first)(
                first.message if "more parameter" in first.message else first.message + text,
                parameter=first.parameter,
                state=first.state,
                remedy=first.remedy,
            )
        )
    return tuple(merged)


def _what(values: Sequence[Value], index: int | None) -> str:
    if index is None:
        return "a tensor"
    value = values[index]
    kinds = {
        ValueKind.CONSTANT: f"a tensor of shape {list(value.shape)}{_UNDECLARED}",
        ValueKind.TEMPORARY: f"a result of the step, of shape {list(value.shape)}",
    }
    return kinds.get(value.kind, value.name)


def _parameter(values: Sequence[Value], index: int | None, names: Sequence[str]) -> str | None:
    owner = None if index is None else values[index].parameter
    return None if owner is None else names[owner]


def _state(values: Sequence[Value], index: int | None, names: Sequence[str]) -> str | None:
    if index is None:
        return None
    value = values[index]
    if value.kind in (ValueKind.CONSTANT, ValueKind.TEMPORARY):
        return None
    prefix = "" if value.parameter is None else f"{names[value.parameter]}."
    return value.name.removeprefix(prefix)
