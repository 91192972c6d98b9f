"""What a step does beside its ops: reads on the host, random numbers, foreign writes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import torch

from wse_emulator.capture.decompositions import tensors_in
from wse_emulator.capture.lineage import MadeBefore

_UNTAGGED_READS: Final = ("aten.equal.default", "aten.is_nonzero.default")


class Act(Enum):
    """What a step does beside its ops."""

    HOST_READ = "Python reads a value"
    SHAPE = "a shape depends on values"
    RANDOM = "random numbers are drawn"
    THREAD = "another thread issues an op"
    SPARSE = "a tensor lies in no one storage"
    OLD_STORAGE = "a storage of an earlier step is read"


@dataclass(frozen=True, slots=True)
class Seen:
    """One such act: the call, the value concerned (None: not known), and ``file.py:12``.

    Of a storage of an earlier step also where it was made, and where it is kept, as a phrase.
    """

    act: Act
    call: str
    value: int | None
    where: str
    made: MadeBefore | None = None
    kept: str = ""


@dataclass(frozen=True, slots=True)
class ForeignWrite:
    """An op wrote to a value that is neither a parameter nor declared state."""

    op: str
    value: int
    where: str


def act_of(func: torch._ops.OpOverload, arguments: Sequence[object]) -> Act | None:
    """What a dispatched op does that no op of a static program does."""
    act = _act_by_tag(func)
    if act is Act.SHAPE and func is torch.ops.aten.index.Tensor:
        masks = (torch.bool, torch.uint8)
        indices = tensors_in(arguments[1]) if len(arguments) > 1 else iter(())
        return act if any(index.dtype in masks for index in indices) else None
    return act


@functools.lru_cache(maxsize=4096)
def _act_by_tag(func: torch._ops.OpOverload) -> Act | None:
    if torch.Tag.data_dependent_output in func.tags or str(func) in _UNTAGGED_READS:
        return Act.HOST_READ
    if torch.Tag.dynamic_output_shape in func.tags:
        return Act.SHAPE
    if torch.Tag.nondeterministic_seeded in func.tags:
        return Act.RANDOM
    return None
