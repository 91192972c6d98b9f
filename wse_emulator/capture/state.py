"""What the optimizer's state looks like before and after a step, and which rules that breaks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import torch

import optimizers
from wse_emulator.capture.storages import dtype_name, storage_key
from wse_emulator.errors import (
    PythonNumberChangedError,
    StateCreatedError,
    StateRemovedError,
    StateReplacedError,
    StaticRuleError,
)


@dataclass(frozen=True, slots=True)
class StateEntry:
    """One entry of one parameter's state: a tensor's identity, or a Python value's text."""

    is_tensor: bool
    storage: int
    shape: tuple[int, ...]
    dtype: str
    text: str


Snapshot = dict[tuple[int, str], StateEntry]
"""(parameter index, state name) -> entry."""


def snapshot(optimizer: torch.optim.Optimizer) -> Snapshot:
    """The optimizer's state as it is now. Values of tensors are not read."""
    entries: Snapshot = {}
    index = 0
    for group in optimizer.param_groups:
        for p in group["params"]:
            for key, value in optimizer.state.get(p, {}).items():
                entries[index, str(key)] = _entry(value)
            index += 1
    return entries


def _entry(value: object) -> StateEntry:
    if isinstance(value, torch.Tensor):
        return StateEntry(True, storage_key(value), tuple(value.shape), dtype_name(value.dtype), "")
    return StateEntry(False, 0, (), type(value).__name__, repr(value))


def judge_state(
    optimizer: torch.optim.Optimizer, names: list[str], before: Snapshot, after: Snapshot
) -> list[StaticRuleError]:
    """Violations between two snapshots, one a rule and state name, full-size state first."""
    name = type(optimizer).__name__
    created = defaultdict(list)
    removed = defaultdict(list)
    replaced = defaultdict(list)
    numbers = defaultdict(list)
    for key in after.keys() - before.keys():
        created[key[1]].append(key[0])
    for key in before.keys() - after.keys():
        removed[key[1]].append(key[0])
    for key in before.keys() & after.keys():
        was, now = before[key], after[key]
        if was == now:
            continue
        if was.is_tensor or now.is_tensor:
            replaced[key[1]].append(key[0])
        else:
            numbers[key[1]].append(key[0])

    violations: list[StaticRuleError] = []
    for state, owners in sorted(created.items(), key=lambda item: _size_rank(after, item)):
        first = min(owners)
        violations.append(
            StateCreatedError(
                f"{name} creates the state {state!r} of {names[first]} inside step()"
                + _and_more(owners),
                parameter=names[first],
                state=state,
                remedy=_creation_remedy(optimizer),
            )
        )
    for state, owners in sorted(removed.items()):
        first = min(owners)
        violations.append(
            StateRemovedError(
                f"{name} removes the state {state!r} of {names[first]} inside step()"
                + _and_more(owners),
                parameter=names[first],
                state=state,
                remedy="keep every state tensor for the optimizer's whole life and reset it in "
                "place with zero_()",
            )
        )
    for state, owners in sorted(replaced.items()):
        first = min(owners)
        violations.append(
            StateReplacedError(
                f"{name} replaces the state {state!r} of {names[first]} inside step(): "
                f"{_change(before[first, state], after[first, state])}" + _and_more(owners),
                parameter=names[first],
                state=state,
                remedy="update the tensor in place (mul_, add_, copy_) instead of assigning a new "
                "one",
            )
        )
    for state, owners in sorted(numbers.items()):
        first = min(owners)
        violations.append(
            PythonNumberChangedError(
                f"{name} counts the state {state!r} of {names[first]} as a Python value that "
                f"changes from {before[first, state].text} to {after[first, state].text}"
                + _and_more(owners),
                parameter=names[first],
                state=state,
                remedy="hold it as a 0-dim tensor and update it in place",
            )
        )
    return violations


def _size_rank(after: Snapshot, item: tuple[str, list[int]]) -> tuple[int, str]:
    state, owners = item
    return (-len(after[min(owners), state].shape), state)


def _and_more(owners: list[int]) -> str:
    others = len(set(owners)) - 1
    if others == 0:
        return ""
    return f" (and of {others} more parameter{'s' if others > 1 else ''})"


def _change(was: StateEntry, now: StateEntry) -> str:
    if was.shape != now.shape:
        return f"shape {list(was.shape)} becomes {list(now.shape)}"
    if was.dtype != now.dtype:
        return f"dtype {was.dtype} becomes {now.dtype}"
    return "a tensor with another storage takes its place"


def _creation_remedy(optimizer: torch.optim.Optimizer) -> str:
    name = type(optimizer).__name__
    ours = name in optimizers.__all__ and not isinstance(optimizer, optimizers.Optimizer)
    if ours:
        instead = f"use optimizers.{name}, which allocates all state in its constructor"
        of_torch = type(optimizer) is getattr(torch.optim, name, None)
        return f"{instead}; optimizers.from_torch converts this one" if of_torch else instead
    return "allocate it in preinitialize(), which the constructor of optimizers.Optimizer calls"
