"""What outlives a step: the storages that steps made, and the contents they left.

A step of a wafer begins with what is declared: parameters, gradients, state and rates. Whatever
else a step reads must be the same at every step. So each step's storages are remembered by weak
references, which keep their addresses from being reused and no data alive, and a step that reads
one of an earlier step is found, wherever Python kept it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from wse_emulator.capture.contents import contents_of
from wse_emulator.capture.storages import (
    Declared,
    StorageTable,
    declared,
    storage_key,
)
from wse_emulator.program import ValueKind

_LOOKED_AT: Final = 20_000
"""Objects that the search for a tensor's holder looks at."""


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """A storage that an earlier step made: in which step, and where."""

    reference: StorageWeakRef
    step: int
    where: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor that a step reads and nobody declared: its storage, and its contents if any."""

    reference: StorageWeakRef
    contents: str | None
    where: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A declared tensor at one time: how often torch has seen it written, and its contents."""

    tensor: torch.Tensor
    name: str
    kind: ValueKind
    parameter: int | None
    version: int
    contents: str | None


@dataclass(slots=True)
class Lineage:
    """Remembers from step to step what the steps of one optimizer made and left.

    Attributes:
        step: number of the step that runs, 1 for the first.
    """

    step: int = 0
    _made: dict[int, MadeBefore] = field(default_factory=dict)
    _left: dict[int, Watched] = field(default_factory=dict)

    def origin(self, tensor: torch.Tensor) -> MadeBefore | None:
        """The step that made this tensor's storage, if an earlier one did."""
        return self._made.get(storage_key(tensor))

    def begin(
        self, optimizer: torch.optim.Optimizer, names: list[str]
    ) -> tuple[dict[int, Watched], list[Watched]]:
        """A step begins: the declared tensors as they are, and those changed since the last."""
        self.step += 1
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
    ) -> dict[int, Watched]:
        """A step has ended, with these values made: keep those that outlive it."""
        expired = [key for key, held in self._made.items() if held.reference.expired()]
        for key in expired:
            del self._made[key]
        for index in made:
            reference = table.reference(index)
            if not reference.expired():
                where = table.made_at.get(index, "")
                self._made[reference.cdata] = MadeBefore(reference, self.step, where)
        self._left = dict(_watched(optimizer, names))
        return self._left


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


def _watched(optimizer: torch.optim.Optimizer, names: list[str]) -> Iterator[tuple[int, Watched]]:
    kinds = (ValueKind.PARAMETER, ValueKind.STATE)
    for given in declared(optimizer, None, names):
        if given.kind in kinds and given.tensor.layout is torch.strided:
            yield storage_key(given.tensor), _watch(given)


def _watch(given: Declared) -> Watched:
    version = -1 if given.tensor.is_inference() else given.tensor._version
    return Watched(
        given.tensor, given.name, given.kind, given.parameter, version, contents_of(given.tensor)
    )


def differs(was: Watched, now: Watched) -> bool:
    """Whether the same tensor was written between two moments."""
    if was.tensor is not now.tensor:
        return False
    return was.version != now.version or was.contents != now.contents
