"""Sparse parameters: which elements are kept, and how many of them each PE holds.

A sparse parameter, its gradient and the states that shrink with it are stored as the kept elements
alone, with one index of two bytes for each. Sharding is that of the dense tensor, so an element
lies where it would lie without sparsity.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wse_emulator.cost.instructions import Instruction, instruction_cycles
from wse_emulator.cost.kernel import OpCost, cost_of
from wse_emulator.inputs.mask_file import Masks
from wse_emulator.models.names import layer_of
from wse_emulator.placement.shards import expand, flat_runs
from wse_emulator.placement.values import BlockGrid, Placement, ShardRuns, TensorPlacement
from wse_emulator.program import Parameter, StepProgram
from wse_emulator.request import Request
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec

INDEX_BYTES: Final = 2
"""Bytes of the index stored with every kept element: positions in a shard of fewer than 65,536
elements take two."""

DENSE_NAMES: Final = ("embed", "wte", "wpe", "shared", "norm", "head", "position", "token")
"""Parts of the names of parameters that stay dense: embeddings, norms, output layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparsity:
    """Which elements of sparse parameters are kept.

    Attributes:
        kept: parameter index -> number of elements kept.
        masks: parameter index -> which elements are kept, in the parameter's shape, where that
            is known; else kept elements are spread evenly.
        states: names of the states that shrink with a sparse parameter.
        index_bytes: bytes of the index stored with every kept element.
    """

    kept: Mapping[int, int]
    masks: Mapping[int, NDArray[np.bool_]] = field(default_factory=dict)
    states: frozenset[str] = frozenset()
    index_bytes: int = INDEX_BYTES

    def density(self, parameter: Parameter) -> float:
        """Fraction of a parameter's elements that is kept."""
        kept = self.kept.get(parameter.index)
        return 1.0 if kept is None or parameter.numel == 0 else kept / parameter.numel

    def shrinking(self) -> dict[int, frozenset[str]] | None:
        """Sparse parameter -> names of its states that shrink; None if none is sparse."""
        return dict.fromkeys(self.kept, self.states) if self.kept else None


DENSE: Final = Sparsity(kept={})


def sparsity_of(
    request: Request, program: StepProgram, masks: Masks, states: frozenset[str]
) -> Sparsity:
    """Which elements of a step's parameters are kept under a request."""
    if masks:
        index_of = {p.name: p.index for p in program.parameters}
        by_index = {index_of[name]: mask for name, mask in masks.items()}
        kept = {index: int(mask.sum()) for index, mask in by_index.items()}
        return Sparsity(kept=kept, masks=by_index, states=states)
    if request.sparsity == 0:
        return DENSE
    return Sparsity(
        kept={
            p.index: ceil((1 - request.sparsity) * p.numel)
            for p in program.parameters
            if is_sparse(p)
        },
        states=states,
    )


def is_sparse(parameter: Parameter) -> bool:
    """Whether a parameter takes part in sparsity: matrices of the layers.

    Vectors stay dense, and so do embeddings, norms and output layers, told by their names.
    """
    if len(parameter.shape) < 2:
        return False
    if layer_of(parameter.name) is not None:
        return "norm" not in parameter.name.lower()
    return not any(word in parameter.name.lower() for word in DENSE_NAMES)


def place_kept(placement: Placement, sparsity: Sparsity) -> Placement:
    """The placement, with the number of kept elements in each PE for every sparse parameter.

    The step then works on the kept elements alone.
    """
    if not sparsity.kept:
        return placement
    return dataclasses.replace(
        placement,
        tensors=tuple(
            dataclasses.replace(tensor, kept=kept_runs(tensor, sparsity))
            if tensor.parameter in sparsity.kept
            else tensor
            for tensor in placement.tensors
        ),
    )


def with_index_reads(
    costs: tuple[OpCost, ...], over_shard: Sequence[bool], elements: int, spec: WaferSpec
) -> tuple[OpCost, ...]:
    """Costs of a chain over kept elements, the reading of their indices included.

    The first op over the shard reads the index of each element once, by a 16-bit move without a
    result. Nobody timed a kernel over sparse storage, so all of it is of the class ``ours``:
    nothing at the low end, a read for each op over the shard at the high end.
    """
    working = [over and cost.cycles > 0 for over, cost in zip(over_shard, costs, strict=True)]
    if not any(working):
        return costs
    index_read = Instruction("move", "int16", reads=INDEX_BYTES, writes=0)
    cycles = instruction_cycles(index_read, elements, spec)
    first = working.index(True)
    read = cost_of(cycles, "ours", (0, cycles * sum(working)))
    return (*costs[:first], costs[first] + read, *costs[first + 1 :])


def kept_runs(tensor: TensorPlacement, sparsity: Sparsity) -> ShardRuns:
    """Kept elements in each PE of the region, run-length coded like ``tensor.runs``.

    Without a mask, PEs with equal shards keep floor or ceil elements each; the surplus begins
    where that of the sparse parameters before ended, so that they even out.
    """
    mask = sparsity.masks.get(tensor.parameter)
    if mask is not None:
        kept = _kept_by_mask(mask, tensor)
        return tuple((len(list(group)), count) for count, group in groupby(kept.tolist()))
    elements = sum(pes * each for pes, each in tensor.runs)
    total = sparsity.kept[tensor.parameter]
    first = sum(kept for index, kept in sparsity.kept.items() if index < tensor.parameter)
    runs: list[tuple[int, int]] = []
    passed = given = 0
    for pes, each in tensor.runs:
        passed += pes * each
        share = total * passed // max(1, elements) - given
        given += share
        runs += flat_runs(share, pes, first % pes)
    return tuple(runs)


def _kept_by_mask(mask: NDArray[np.bool_], tensor: TensorPlacement) -> IntArray:
    """(pes,) kept elements in each PE."""
    if tensor.grid is not None:
        return _kept_in_blocks(mask.reshape(-1, mask.shape[-1]), tensor.grid)
    ends = np.concatenate(([0], np.cumsum(expand(tensor.runs))))
    before = np.concatenate(([0], np.cumsum(mask, axis=None, dtype=np.int64)))
    kept: IntArray = np.diff(before[ends])
    return kept


def _kept_in_blocks(mask: NDArray[np.bool_], grid: BlockGrid) -> IntArray:
    """(pes,) kept elements of a matrix in each block."""
    rows = np.concatenate(([0], np.cumsum(grid.heights)))
    cols = np.concatenate(([0], np.cumsum(grid.widths)))
    before = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    before[1:, 1:] = mask.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    kept: IntArray = np.diff(np.diff(before[np.ix_(rows, cols)], axis=0), axis=1).reshape(-1)
    return kept
