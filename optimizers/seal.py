"""The seal: what an optimizer's state looked like when construction ended.

A mark is (key, address, shape, dtype) of one state tensor. The marks of all tensors are compared
before and after each step; only when they differ is the state walked again to find which rule was
broken. Comparing costs a third of a microsecond a tensor.

The seal keeps the sealed storages alive, so their memory cannot be handed to an impostor by the
allocator: an equal address means the same storage.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import torch

from optimizers.errors import (
    StateCreatedError,
    StateDtypeError,
    StateKindError,
    StateNumberError,
    StateRemovedError,
    StateReplacedError,
    StateShapeError,
    StaticStateError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Entry = torch.Tensor | float | int | bool | str | None
"""What a state may hold: tensors, and plain constants that never change."""

Mark = tuple[object, ...]

# Read without a Python frame a tensor; the comparison is paid twice in every step.
_POINTER = torch.Tensor.data_ptr
_SHAPE = attrgetter("shape")
_DTYPE = attrgetter("dtype")

_IN_PREINITIALIZE = "Create every state tensor in preinitialize()"
_IN_PLACE = "Update it in place (mul_, add_, copy_, lerp_, ...)"


def _address(tensor: torch.Tensor) -> int:
    """Address of the first element; the storage's identity where there is no memory to point at."""
    plain = type(tensor) in (torch.Tensor, torch.nn.Parameter) and tensor.device.type != "meta"
    pointer = tensor.data_ptr() if plain else 0
    storage: int = tensor.untyped_storage()._cdata
    return pointer or storage


def _mark(name: str, entry: Entry) -> Mark:
    if isinstance(entry, torch.Tensor):
        return (name, _address(entry), entry.shape, entry.dtype)
    return (name, type(entry), entry)


class Seal:
    """The state of one optimizer at the end of its construction.

    Args:
        owner: name of the optimizer class, for messages.
        state: the optimizer's state, keyed by parameter.
        parameters: all parameters in the order of the groups, with the name or index of each.

    Raises:
        StateKindError: an entry is neither a tensor nor a number, bool, string or None.
    """

    __slots__ = (
        "_columns",
        "_flat",
        "_labels",
        "_marks",
        "_names",
        "_owner",
        "_parameters",
        "_storages",
    )

    def __init__(
        self,
        owner: str,
        state: Mapping[torch.Tensor, dict[str, Entry]],
        parameters: Iterable[tuple[int | str, torch.Tensor]],
    ) -> None:
        named = list(parameters)
        self._owner = owner
        self._labels = [label for label, _ in named]
        self._parameters = [parameter for _, parameter in named]
        self._marks: list[dict[str, Mark]] = []
        self._storages: list[torch.UntypedStorage] = []
        readable = True
        for label, parameter in named:
            marks = {}
            for name, entry in state.get(parameter, {}).items():
                _require_plain(owner, label, name, entry)
                marks[name] = _mark(name, entry)
                if isinstance(entry, torch.Tensor):
                    self._storages.append(entry.untyped_storage())
                readable &= (
                    type(entry) is torch.Tensor
                    and entry.device.type != "meta"
                    and entry.numel() > 0
                )
            self._marks.append(marks)
        self._flat = [mark for marks in self._marks for mark in marks.values()]
        self._names = [name for marks in self._marks for name in marks]
        # If every entry is a tensor with memory, the marks are compared column by column.
        self._columns = [[mark[i] for mark in self._flat] for i in (1, 2, 3)] if readable else None

    def check(self, state: Mapping[torch.Tensor, dict[str, Entry]], when: str) -> None:
        """Compare the state with the sealed one.

        Args:
            state: the optimizer's state now.
            when: "before step()" or "during step()", for the message.

        Raises:
            StaticStateError: the subclass of the first rule broken, in the order of parameters.
        """
        if self._is_unchanged(state):
            return
        for label, parameter, marks in zip(
            self._labels, self._parameters, self._marks, strict=True
        ):
            self._compare(label, marks, state.get(parameter, {}), when)
        members = set(self._parameters)
        for stranger, entries in state.items():
            if stranger not in members and entries:
                name = str(next(iter(entries)))
                raise StateCreatedError(
                    f"{self._owner}: state {name!r} was created {when} under something that is no "
                    "parameter of this optimizer",
                    parameter="(none)",
                    state=name,
                    remedy="Keep state under the optimizer's parameters, from preinitialize() on",
                )

    def _is_unchanged(self, state: Mapping[torch.Tensor, dict[str, Entry]]) -> bool:
        """Whether all marks are as they were; may say False of a legal change, never True of
        another."""
        present = [state[p] for p in self._parameters if p in state]
        if sum(map(len, state.values())) != len(self._flat):
            return False
        if [name for entries in present for name in entries] != self._names:
            return False
        now = [entry for entries in present for entry in entries.values()]
        if self._columns is None:
            return list(map(_mark, self._names, now)) == self._flat
        try:
            return (
                list(map(_POINTER, now)) == self._columns[0]  # type: ignore[arg-type]  # or except
                and list(map(_SHAPE, now)) == self._columns[1]
                and list(map(_DTYPE, now)) == self._columns[2]
            )
        except (AttributeError, TypeError, RuntimeError):
            return False  # an entry is no longer a tensor with memory

    def _compare(
        self, label: int | str, marks: dict[str, Mark], entries: dict[str, Entry], when: str
    ) -> None:
        for name in [*entries, *marks]:
            kind: type[StaticStateError]
            if name not in marks:
                kind, change, remedy = StateCreatedError, "was created", _IN_PREINITIALIZE
            elif name not in entries:
                kind, change = StateRemovedError, "was removed"
                remedy = "Keep every entry that preinitialize() created; clear it with zero_()"
            else:
                broken = _entry_rule(marks[name], entries[name])
                if broken is None:
                    continue
                kind, change, remedy = broken
            raise kind(
                f"{self._owner}: state {name!r} of parameter {label!r} {change} {when}",
                parameter=label,
                state=name,
                remedy=remedy,
            )


def _entry_rule(mark: Mark, entry: Entry) -> tuple[type[StaticStateError], str, str] | None:
    """The rule that an entry of a known name breaks: error class, what happened, remedy."""
    now = _mark(str(mark[0]), entry)
    if now == mark:
        return None
    if len(mark) != len(now) or not isinstance(entry, torch.Tensor):
        return (
            StateNumberError,
            f"changed from {_short(mark)} to {_short(now)}",
            "Make it a 0-dim tensor in preinitialize() and update it in place",
        )
    _, _, shape, dtype = mark
    if entry.dtype != dtype:
        return StateDtypeError, f"changed its dtype from {dtype} to {entry.dtype}", _IN_PLACE
    if entry.shape != shape:
        return StateShapeError, f"changed its shape from {_short(mark)} to {_short(now)}", _IN_PLACE
    return StateReplacedError, "was replaced by a tensor over other storage", _IN_PLACE


def _require_plain(owner: str, label: int | str, name: str, entry: object) -> None:
    if not isinstance(entry, (torch.Tensor, float, int, bool, str, type(None))):
        raise StateKindError(
            f"{owner}: state {name!r} of parameter {label!r} is a {type(entry).__name__}, which "
            "has no place on the wafer",
            parameter=label,
            state=name,
            remedy="Keep state as tensors, one a key",
        )


def _short(mark: Mark) -> str:
    """A tensor's shape, or a constant's value, as it appears in a message."""
    if len(mark) == 4 and isinstance(mark[2], torch.Size):
        return f"{tuple(mark[2])}"
    return repr(mark[2])
