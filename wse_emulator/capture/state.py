"""What the optimizer's state looks like before and after a step, and which rules that breaks."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

import optimizers
from wse_emulator.capture.storages import (
    StorageTable,
    TensorPlace,
    lies_in_storage,
    place_of,
    shared_entries,
    state_entries,
)
from wse_emulator.errors import (
    PythonNumberChangedError,
    StateCreatedError,
    StateRemovedError,
    StateReplacedError,
    StaticRuleError,
)
from wse_emulator.program import Value, ValueKind


@dataclass(frozen=True, slots=True)
class StateEntry:
    """One entry of the state: where a tensor lies, or (without a place) a Python value's text."""

    place: TensorPlace | None
    text: str


Snapshot = dict[tuple[int | None, str], StateEntry]
"""(parameter index, or None for state of no parameter; state name) -> entry."""

Where = Callable[[TensorPlace | None], str]
"""``, file.py:12`` where a tensor was made, or where step() is written."""


def snapshot(optimizer: torch.optim.Optimizer) -> Snapshot:
    """The optimizer's state as it is now. Values of tensors are not read."""
    entries: Snapshot = {}
    known: set[int] = set()
    index = 0
    for group in optimizer.param_groups:
        for p in group["params"]:
            known.add(id(p))
            for key, value in state_entries(optimizer.state.get(p, {})):
                entries[index, key] = _entry(value)
            index += 1
    for name, value in shared_entries(optimizer, known):
        entries[None, name] = _entry(value)
    return entries


def text_of_value(value: object) -> str:
    """A text that is equal for equal Python values; of an array, its type and all its bytes."""
    if isinstance(value, np.ndarray):
        return f"array of {value.dtype} {value.shape} {hash(value.tobytes())}"
    return repr(value)


def _entry(value: object) -> StateEntry:
    if lies_in_storage(value):
        return StateEntry(place_of(value), "")
    if isinstance(value, torch.Tensor):
        return StateEntry(None, f"a tensor of layout {value.layout} ({id(value)})")
    return StateEntry(None, text_of_value(value))


def judge_state(
    optimizer: torch.optim.Optimizer,
    names: list[str],
    before: Snapshot,
    after: Snapshot,
    where: Where = lambda _: "",
) -> list[StaticRuleError]:
    """Violations between two snapshots, one a rule and state name, full-size state first."""
    name = type(optimizer).__name__
    created, removed, replaced, numbers = (_Found(names) for _ in range(4))
    for key in after.keys() - before.keys():
        created.add(key)
    for key in before.keys() - after.keys():
        removed.add(key)
    for key in before.keys() & after.keys():
        was, now = before[key], after[key]
        if was == now:
            continue
        if was.place is not None or now.place is not None:
            replaced.add(key)
        else:
            numbers.add(key)

    violations: list[StaticRuleError] = []
    for state, first, more in created.by_size(after):
        violations.append(
            StateCreatedError(
                f"{name} creates {_entry_name(state, first, names)} inside step()"
                f"{where(after[first, state].place)}{more}",
                parameter=_owner(first, names),
                state=state,
                remedy=_creation_remedy(optimizer),
            )
        )
    for state, first, more in removed:
        violations.append(
            StateRemovedError(
                f"{name} removes {_entry_name(state, first, names)} inside step()"
                f"{where(None)}{more}",
                parameter=_owner(first, names),
                state=state,
                remedy="keep every state tensor for the optimizer's whole life and reset it in "
                "place with zero_()",
            )
        )
    for state, first, more in replaced:
        violations.append(
            StateReplacedError(
                f"{name} replaces {_entry_name(state, first, names)} inside step(): "
                f"{_change(before[first, state], after[first, state])}"
                f"{where(after[first, state].place)}{more}",
                parameter=_owner(first, names),
                state=state,
                remedy="update the tensor in place (mul_, add_, copy_) instead of assigning a new "
                "one or another view",
            )
        )
    for state, first, more in numbers:
        violations.append(
            PythonNumberChangedError(
                f"{name} counts {_entry_name(state, first, names)} as a Python value that "
                f"changes from {before[first, state].text} to {after[first, state].text}"
                f"{where(None)}{more}",
                parameter=_owner(first, names),
                state=state,
                remedy="hold it as a 0-dim tensor and update it in place",
            )
        )
    return violations


class _Found:
    """State names with the parameters concerned, None (no parameter) last."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._owners: defaultdict[str, list[int | None]] = defaultdict(list)

    def add(self, key: tuple[int | None, str]) -> None:
        self._owners[key[1]].append(key[0])

    def __iter__(self) -> Iterator[tuple[str, int | None, str]]:
        for state in sorted(self._owners):
            yield self._first(state)

    def by_size(self, after: Snapshot) -> Iterator[tuple[str, int | None, str]]:
        """State name, first parameter, and a phrase for the others; full-size state first."""

        def rank(state: str) -> tuple[int, str]:
            place = after[self._first(state)[1], state].place
            return (0 if place is None else -len(place.shape), state)

        for state in sorted(self._owners, key=rank):
            yield self._first(state)

    def _first(self, state: str) -> tuple[str, int | None, str]:
        owners = self._owners[state]
        first = min(owners, key=lambda owner: len(self._names) if owner is None else owner)
        return state, first, _and_more(owners)


def _entry_name(state: str, parameter: int | None, names: list[str]) -> str:
    owner = _owner(parameter, names)
    return f"the state {state!r}" if owner is None else f"the state {state!r} of {owner}"


def _owner(parameter: int | None, names: list[str]) -> str | None:
    return None if parameter is None else names[parameter]


def _and_more(owners: list[int | None]) -> str:
    others = len(set(owners)) - 1
    if others == 0:
        return ""
    return f" (and of {others} more parameter{'s' if others > 1 else ''})"


def _change(was: StateEntry, now: StateEntry) -> str:
    if was.place is None or now.place is None:
        kinds = ["a tensor" if entry.place else entry.text for entry in (was, now)]
        return f"{kinds[0]} becomes {kinds[1]}"
    return describe_move(was.place, now.place)


def name_new_state(
    table: StorageTable, optimizer: torch.optim.Optimizer, names: Sequence[str]
) -> tuple[Value, ...]:
    """The table's values, with storages that became state inside the step named as such."""
    values = list(table.values)
    index = 0
    for group in optimizer.param_groups:
        for p in group["params"]:
            for key, tensor in state_entries(optimizer.state.get(p, {})):
                known = table.lookup(tensor) if lies_in_storage(tensor) else None
                if known is not None and values[known].kind is ValueKind.CONSTANT:
                    values[known] = dataclasses.replace(
                        values[known],
                        name=f"{names[index]}.{key}",
                        kind=ValueKind.STATE,
                        parameter=index,
                    )
            index += 1
    return tuple(values)


def describe_move(was: TensorPlace, now: TensorPlace) -> str:
    """What is another: ``shape [3] becomes [4]``, or another storage, or another view."""
    if was.shape != now.shape:
        return f"shape {list(was.shape)} becomes {list(now.shape)}"
    if was.dtype != now.dtype:
        return f"dtype {was.dtype} becomes {now.dtype}"
    if was.storage != now.storage:
        return "a tensor with another storage takes its place"
    if was.nbytes != now.nbytes:
        return f"its storage of {was.nbytes:,} bytes becomes one of {now.nbytes:,}"
    return (
        f"it becomes another view of its storage (from element {was.offset}, strides "
        f"{list(was.strides)}, to element {now.offset}, strides {list(now.strides)})"
    )


def _creation_remedy(optimizer: torch.optim.Optimizer) -> str:
    name = type(optimizer).__name__
    ours = name in optimizers.__all__ and not isinstance(optimizer, optimizers.Optimizer)
    if ours:
        instead = f"use optimizers.{name}, which allocates all state in its constructor"
        of_torch = type(optimizer) is getattr(torch.optim, name, None)
        return f"{instead}; optimizers.from_torch converts this one" if of_torch else instead
    return "allocate it in preinitialize(), which the constructor of optimizers.Optimizer calls"
