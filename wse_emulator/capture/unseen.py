"""What changes or is carried on without an op that says so: what a step's lineage shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch

from wse_emulator.capture.lineage import (
    ContentsGuard,
    Lineage,
    MadeBefore,
    Part,
    Watched,
    differs,
    holder_of,
)
from wse_emulator.capture.rules import UNSEEN_REMEDY
from wse_emulator.capture.storages import StorageTable
from wse_emulator.errors import UnseenWriteError
from wse_emulator.program import ValueKind


class Unseen:
    """Finds what changes without an op, between two steps and within one; nothing by itself."""

    def __init__(
        self, lineage: Lineage | None, optimizer: torch.optim.Optimizer, names: list[str]
    ) -> None:
        self._lineage = lineage
        self._optimizer = optimizer
        self._names = names
        self._between: list[Watched] = []
        self._before: Mapping[Part, Watched] = {}
        if lineage is not None:
            self._before, self._between = lineage.begin(optimizer, names)
        self.guard = ContentsGuard(self._before.values())

    def judge(
        self, table: StorageTable, made: Sequence[int], writes: Mapping[int, int], where: str
    ) -> list[UnseenWriteError]:
        """The step is over: violations by what its ops do not explain."""
        if self._lineage is None:
            return []
        after = self._lineage.end(self._optimizer, self._names, table, made)
        self.guard.compare({watched.storage for watched in after.values()})
        within = [*_unexplained(self._before, after, writes), *self.guard.changed]
        return [
            *_violations(self._between, self._names, "between two steps", where),
            *_violations(within, self._names, "in step()", where),
        ]


def holder_phrase(
    optimizer: torch.optim.Optimizer, names: Sequence[str]
) -> Callable[[MadeBefore], str]:
    """A function that says where the optimizer keeps a storage, as a phrase."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    known = {id(p): name for p, name in zip(parameters, names, strict=False)}

    def holder(made: MadeBefore) -> str:
        path = holder_of(optimizer, made.reference.cdata, known)
        return "" if path is None else f", kept as {path}"

    return holder


def _unexplained(
    before: Mapping[Part, Watched], after: Mapping[Part, Watched], writes: Mapping[int, int]
) -> list[Watched]:
    """Declared tensors that changed more often than the step's ops wrote them.

    Args:
        before: at the start of the step.
        after: at its end.
        writes: how many ops wrote each storage.
    """
    found = []
    for key, was in before.items():
        now = after.get(key)
        if now is None:
            continue
        count = writes.get(was.storage, 0)
        if now.version - was.version > count or (count == 0 and differs(was, now)):
            found.append(was)
    return found


def _violations(
    found: Iterable[Watched], names: Sequence[str], when: str, where: str
) -> list[UnseenWriteError]:
    """One violation a declared tensor that changed without an op (``when``, ``where``: phrases)."""
    return [
        UnseenWriteError(
            f"{watched.name} changes {when} without an op that writes it{where}",
            parameter=None if watched.parameter is None else names[watched.parameter],
            state=None
            if watched.kind is ValueKind.PARAMETER
            else watched.name.removeprefix(
                "" if watched.parameter is None else f"{names[watched.parameter]}."
            ),
            remedy=UNSEEN_REMEDY,
        )
        for watched in found
    ]
