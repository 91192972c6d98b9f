"""From what was traced to violations of the static-state rules, each said once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from wse_emulator.capture.tracer import ForeignWrite, HostRead
from wse_emulator.errors import ForeignWriteError, HostSyncError, StaticRuleError
from wse_emulator.program import Value, ValueKind

_HOST_REMEDY: Final = (
    "keep the value a tensor: torch.where instead of if, tensor arithmetic instead of float(), "
    "0-dim tensors for hyper-parameters that change"
)
_WRITE_REMEDY: Final = (
    "write to a new tensor, or allocate the tensor as optimizer state in preinitialize()"
)


def judge_host_reads(
    reads: Iterable[HostRead], values: Sequence[Value], names: Sequence[str]
) -> list[HostSyncError]:
    """One violation a read of a tensor's value."""
    return [
        HostSyncError(
            f"step() reads the value of {_what(values, read.value)} from Python "
            f"({read.call}{read.where})",
            parameter=_parameter(values, read.value, names),
            state=_state(values, read.value, names),
            remedy=_HOST_REMEDY,
        )
        for read in reads
    ]


def judge_foreign_writes(
    writes: Iterable[ForeignWrite], values: Sequence[Value], names: Sequence[str]
) -> list[ForeignWriteError]:
    """One violation a write to what is neither parameter nor declared state."""
    return [
        ForeignWriteError(
            f"{write.op} in step() writes to {_what(values, write.value)}, which is neither a "
            f"parameter nor declared state{write.where}",
            parameter=_parameter(values, write.value, names),
            state=_state(values, write.value, names),
            remedy=_WRITE_REMEDY,
        )
        for write in writes
        # a constant that turned out to be state made in this step has its own violation
        if values[write.value].kind is not ValueKind.STATE
    ]


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
        ValueKind.CONSTANT: f"a tensor of shape {list(value.shape)} that is no declared state",
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
