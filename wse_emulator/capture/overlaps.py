"""Parameters, gradients and state of which some elements are the same: which, and the rule."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from wse_emulator.capture.storages import StorageTable, declare_step
from wse_emulator.errors import OverlapError
from wse_emulator.program import Value

_REMEDY = (
    "give each a part of the buffer to itself; a parameter that two layers share is one Parameter, "
    "stepped once"
)


def judge_overlaps(
    optimizer: torch.optim.Optimizer, scheduler: object | None, names: Sequence[str]
) -> list[OverlapError]:
    """One violation for the first two tensors with elements in common, before a step is run.

    Views of one buffer without common elements break no rule: each lies on PEs of its own.
    """
    table = StorageTable()
    declare_step(table, optimizer, scheduler, list(names))
    if not table.overlaps:
        return []
    known, name = table.overlaps[0]
    others = len(table.overlaps) - 1
    more = f" (and {others} more pair{'s' if others > 1 else ''})" if others else ""
    first: Value = table.values[known]
    return [
        OverlapError(
            f"{name} and {first.name} have elements in common, and each would lie on PEs of its "
            f"own{more}",
            parameter=None if first.parameter is None else names[first.parameter],
            remedy=_REMEDY,
        )
    ]
