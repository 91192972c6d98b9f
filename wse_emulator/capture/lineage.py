"""What outlives a step: the storages that steps made, and the contents they left.

A step of a wafer begins with what is declared: parameters, gradients, state and rates. Whatever
else a step reads must be the same at every step. So each step's storages are remembered by weak
references, which keep their addresses from being reused and no data alive, and a step that reads
one of an earlier step is found, wherever Python kept it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from wse_emulator.capture.contents import contents_of
from wse_emulator.capture.storages import (
    Declared,
    StorageTable,
    TensorPlace,
    declared,
    storage_key,
)
from wse_emulator.program import ValueKind

_GUARDED_BYTES: Final = 1 << 16
"""Tensors of at most so many bytes are compared before every op."""

_LOOKED_AT: Final = 20_000
"""Objects that the search for a tensor's holder looks at."""


Part = tuple[int, int]
"""A storage, by its address, and where in it a tensor begins, in elements."""


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """A storage of an earlier step: which step, where it made it, or whose gradient it was."""

    reference: StorageWeakRef
    step: int
    where: str
    gradient: str | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor that a step reads and nobody declared: where it lies, and its contents if any."""

    reference: StorageWeakRef
    place: TensorPlace
    contents: str | None
    where: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A declared tensor at one time: how often torch has seen it written, and its contents."""

    tensor: torch.Tensor
    storage: int
    name: str
    kind: ValueKind
    parameter: int | None
    version: int
    contents: str | None


@dataclass(slots=True)
class Lineage:
    """Remembers from step to step what the steps of one optimizer made and left.

    Attributes:
        values: also compare contents, and see what other threads and addresses are used for. A
            loop whose tensors the host may change between steps is followed without.
        step: number of the step that runs, 1 for the first.
    """

    values: bool = True
    step: int = 0
    _made: dict[int, MadeBefore] = field(default_factory=dict)
    _left: dict[Part, Watched] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, object]) -> Lineage:
        """A copy of an optimizer steps by itself: nothing was made by it yet."""
        return Lineage(values=self.values)

    def origin(self, tensor: torch.Tensor) -> MadeBefore | None:
        """The step that made this tensor's storage, if an earlier one did."""
        return self._made.get(storage_key(tensor))

    def begin(
        self, optimizer: torch.optim.Optimizer, names: list[str]
    ) -> tuple[dict[Part, Watched], list[Watched]]:
        """A step begins: the declared tensors as they are, and those changed since the last."""
        self.step += 1
        if not self.values:
            return {}, []
        now = dict(_watched(optimizer, names))
        return now, [
            watched
            for key, watched in now.items()
            if key in self._left and differs(self._left[key], watched)
        ]

    def end(
        self,
        optimizer: torch.optim.Optimizer,
        names: list[str],
        table: StorageTable,
        made: Sequence[int],
    ) -> dict[Part, Watched]:
        """A step has ended, with these values made: keep those that outlive it, and gradients."""
        expired = [key for key, held in self._made.items() if held.reference.expired()]
        for key in expired:
            del self._made[key]
        for index in made:
            reference = table.reference(index)
            if not reference.expired():
                where = table.made_at.get(index, "")
                self._made[reference.cdata] = MadeBefore(reference, self.step, where)
        for value in table.values:
            if value.kind is ValueKind.GRADIENT:
                reference = table.reference(value.index)
                self._made[reference.cdata] = MadeBefore(reference, self.step, "", value.name)
        self._left = dict(_watched(optimizer, names)) if self.values else {}
        return self._left


class ContentsGuard:
    """Compares small tensors before each op with what the last op that wrote them has left.

    Attributes:
        changed: those that were written in between, each once.
    """

    def __init__(self, watched: Iterable[Watched]) -> None:
        self.changed: list[Watched] = []
        self._now: dict[int, list[tuple[Watched, str | None]]] = {}
        for each in watched:
            size = each.tensor.numel() * each.tensor.element_size()
            if each.contents is not None and size <= _GUARDED_BYTES:
                self._now.setdefault(each.storage, []).append((each, each.contents))

    def __bool__(self) -> bool:
        """Whether any tensor is guarded."""
        return bool(self._now)

    def compare(self, storages: Iterable[int]) -> list[Watched]:
        """An op reads these storages: tensors in them that no op has written, and that differ."""
        found = [
            each
            for storage in storages
            for each, contents in self._now.get(storage, ())
            if contents_of(each.tensor) != contents
        ]
        for each in found:
            self.wrote([each.storage])
        self.changed += found
        return found

    def wrote(self, storages: Iterable[int]) -> None:
        """An op has written these storages."""
        for storage in storages:
            if storage in self._now:
                self._now[storage] = [
                    (each, contents_of(each.tensor)) for each, _ in self._now[storage]
                ]


def holder_of(
    optimizer: torch.optim.Optimizer, storage: int, names: Mapping[int, str]
) -> str | None:
    """Where the optimizer keeps a storage: ``self.mine['weight']``; None if not in it.

    ``names`` are those of the parameters, by id.
    """
    waiting: deque[tuple[str, object]] = deque([("self", optimizer)])
    seen: set[int] = set()
    while waiting and len(seen) < _LOOKED_AT:
        path, held = waiting.popleft()
        if id(held) in seen:
            continue
        seen.add(id(held))
        if isinstance(held, torch.Tensor):
            if held.layout is torch.strided and storage_key(held) == storage:
                return path
            continue
        waiting.extend(_parts(path, held, names))
    return None


def _parts(path: str, held: object, names: Mapping[int, str]) -> Iterator[tuple[str, object]]:
    if isinstance(held, Mapping):
        for key, value in held.items():
            shown = names.get(id(key), "a tensor") if isinstance(key, torch.Tensor) else key
            yield f"{path}[{shown!r:.40}]", value
    elif isinstance(held, (list, tuple, set, frozenset, deque)):
        for place, value in enumerate(held):
            yield f"{path}[{place}]", value
    elif hasattr(held, "__dict__") and not isinstance(held, type):
        for key, value in vars(held).items():
            if not key.startswith("_optimizer_") and not callable(value):
                yield f"{path}.{key}", value


def _watched(optimizer: torch.optim.Optimizer, names: list[str]) -> Iterator[tuple[Part, Watched]]:
    kinds = (ValueKind.PARAMETER, ValueKind.STATE)
    for given in declared(optimizer, None, names):
        if given.kind in kinds and given.tensor.layout is torch.strided:
            watched = _watch(given)
            yield (watched.storage, int(given.tensor.storage_offset())), watched


def _watch(given: Declared) -> Watched:
    return Watched(
        tensor=given.tensor,
        storage=storage_key(given.tensor),
        name=given.name,
        kind=given.kind,
        parameter=given.parameter,
        version=-1 if given.tensor.is_inference() else given.tensor._version,
        contents=contents_of(given.tensor),
    )


def differs(was: Watched, now: Watched) -> bool:
    """Whether the same tensor was written between two moments."""
    if was.tensor is not now.tensor:
        return False
    return was.version != now.version or was.contents != now.contents
