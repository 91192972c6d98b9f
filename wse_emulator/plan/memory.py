"""The SRAM plan: bytes in every PE by category, exact, from placement and captured values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wse_emulator.ops.contractions import Block
from wse_emulator.placement.shards import expand, flat_runs
from wse_emulator.placement.values import LayerRegion, Placement, TensorPlacement
from wse_emulator.plan.holdings import STORED, Holding, OtherState, controller_values, holdings
from wse_emulator.plan.sparse import DENSE, Sparsity, kept_runs
from wse_emulator.program import StepProgram
from wse_emulator.request import AS_CAPTURED, Precision
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.formats import BYTES

CATEGORIES: Final = (
    "weights",
    "gradients",
    "optimizer_state",
    "temporaries",
    "activations",
    "reserved",
)
"""What fills a PE, in the order of every table and picture."""

STATE_ROW: Final = STORED.index("optimizer_state")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBytes:
    """Bytes of one layer rectangle, over its PEs, by category."""

    name: str
    bytes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class MemoryPlan:
    """Bytes in every PE.

    Attributes:
        capacity_bytes: SRAM of one PE.
        weights, gradients, optimizer_state, activations, temporaries: (rows, cols) bytes.
            Temporaries are the largest sum alive at one moment of the step.
        reserved_bytes: code and communication buffers, in every PE.
    """

    capacity_bytes: int
    weights: IntArray
    gradients: IntArray
    optimizer_state: IntArray
    activations: IntArray
    temporaries: IntArray
    reserved_bytes: int

    @cached_property
    def resident_bytes(self) -> IntArray:
        """(rows, cols) bytes that stay through the step: everything but temporaries."""
        resident: IntArray = (
            self.weights
            + self.gradients
            + self.optimizer_state
            + self.activations
            + self.reserved_bytes
        )
        return resident

    @cached_property
    def peak_bytes(self) -> IntArray:
        """(rows, cols) largest number of bytes in use during the step."""
        peak: IntArray = self.resident_bytes + self.temporaries
        return peak

    def category(self, name: str) -> IntArray:
        """(rows, cols) bytes of one of ``CATEGORIES``."""
        if name == "reserved":
            return np.full_like(self.weights, self.reserved_bytes)
        array: IntArray = getattr(self, name)
        return array

    @cached_property
    def totals(self) -> dict[str, int]:
        """Category -> bytes over all PEs."""
        return {name: int(self.category(name).sum()) for name in CATEGORIES}

    @property
    def total_bytes(self) -> int:
        """Bytes over all PEs, all categories."""
        return sum(self.totals.values())

    @cached_property
    def worst_pe(self) -> tuple[int, int]:
        """(row, col) of the fullest PE; the first in row-major order of several."""
        row, col = np.unravel_index(int(self.peak_bytes.argmax()), self.peak_bytes.shape)
        return int(row), int(col)

    @property
    def worst_bytes(self) -> int:
        """Bytes of the fullest PE."""
        return int(self.peak_bytes[self.worst_pe])

    @property
    def mean_bytes(self) -> float:
        """Mean over all PEs."""
        return float(self.peak_bytes.mean())

    @property
    def used_pes(self) -> int:
        """PEs that hold anything but the reserve."""
        return int((self.resident_bytes > self.reserved_bytes).sum())

    @property
    def gap_bytes(self) -> int:
        """Bytes by which the fullest PE exceeds its SRAM; 0 if it fits."""
        return max(0, self.worst_bytes - self.capacity_bytes)

    @property
    def fits(self) -> bool:
        """Whether every PE holds what it has to."""
        return self.gap_bytes == 0

    def at(self, row: int, col: int) -> dict[str, int]:
        """Category -> bytes in one PE."""
        return {name: int(self.category(name)[row, col]) for name in CATEGORIES}

    def percentiles(self, points: Sequence[int] = (0, 1, 25, 50, 75, 99, 100)) -> dict[int, int]:
        """Percentile -> bytes over all PEs (nearest rank)."""
        ranked = np.sort(self.peak_bytes, axis=None)
        last = ranked.size - 1
        return {point: int(ranked[-(-point * last // 100)]) for point in points}

    def with_temporaries(self, temporaries: IntArray) -> MemoryPlan:
        """The same plan with the step's temporaries."""
        return replace(self, temporaries=temporaries)

    def of_layers(self, layers: Sequence[LayerRegion]) -> tuple[LayerBytes, ...]:
        """Bytes of each layer rectangle by category."""
        arrays = {name: self.category(name) for name in CATEGORIES}
        return tuple(
            LayerBytes(
                name=layer.name,
                bytes={
                    name: int(array[layer.region.slices].sum()) for name, array in arrays.items()
                },
            )
            for layer in layers
        )


def plan_resident(
    program: StepProgram,
    placement: Placement,
    *,
    precision: Precision = AS_CAPTURED,
    held: Sequence[Holding] | None = None,
    sparsity: Sparsity = DENSE,
    activation_bytes: Mapping[str, int] | None = None,
) -> MemoryPlan:
    """What stays in every PE from step to step; temporaries are zero here.

    Every PE that holds an element of a tensor also holds the tensor's 0-dim state and the rates
    its ops read; the controller holds the schedule. Activations of a layer are spread evenly
    over its rectangle.

    Args:
        program: the captured step.
        placement: where its parameters lie.
        precision: dtypes of the stored parts.
        held: holdings, if they are known already.
        sparsity: elements kept of sparse parameters.
        activation_bytes: layer name (as in ``LayerRegion.members``) -> bytes.
    """
    held = holdings(program, precision) if held is None else held
    spec = placement.wafer
    stored = np.zeros((len(STORED), spec.rows, spec.cols), dtype=np.int64)
    activations = np.zeros((spec.rows, spec.cols), dtype=np.int64)
    rate_bytes = {v.index: BYTES[v.dtype] * v.numel for v in program.values}
    for layer in placement.layers:
        region = layer.region
        part = np.zeros((len(STORED), region.pes), dtype=np.int64)
        readers: dict[int, NDArray[np.bool_]] = {}
        for index in layer.tensors:
            tensor, holding = placement.tensors[index], held[index]
            _add_tensor(part, tensor, holding, sparsity)
            for value in holding.shared:
                mask = readers.setdefault(value, np.zeros(region.pes, dtype=np.bool_))
                _mark_holders(mask, tensor)
        for value, mask in readers.items():
            part[STATE_ROW][mask] += rate_bytes[value]
        stored[(slice(None), *region.slices)] = part.reshape(-1, region.rows, region.cols)
        kept = sum((activation_bytes or {}).get(member, 0) for member in layer.members)
        if kept:
            shares = expand(flat_runs(kept, region.pes))
            activations[region.slices] = shares.reshape(region.rows, region.cols)
    stored[(STATE_ROW, *placement.controller)] += sum(
        v.numel * BYTES[v.dtype] for v in controller_values(program)
    )
    return MemoryPlan(
        capacity_bytes=spec.sram_bytes_per_pe,
        weights=stored[0],
        gradients=stored[1],
        optimizer_state=stored[2],
        activations=activations,
        temporaries=np.zeros_like(activations),
        reserved_bytes=spec.reserved_bytes_per_pe,
    )


def _add_tensor(
    part: IntArray, tensor: TensorPlacement, holding: Holding, sparsity: Sparsity
) -> None:
    dense = [holding.element_bytes[name] for name in STORED]
    masked = [holding.sparse_bytes[name] for name in STORED]
    sparse = any(masked)
    if not sparse and tensor.grid is None:  # few runs: slices are faster than arrays
        start = 0
        for pes, elements in tensor.runs:
            if elements:
                for row, item_bytes in enumerate(dense):
                    part[row, start : start + pes] += elements * item_bytes
                part[STATE_ROW, start : start + pes] += holding.holder_bytes
            start += pes
    else:
        elements_in = expand(tensor.runs)
        part += elements_in * np.array(dense)[:, None]
        part[STATE_ROW] += (elements_in > 0) * holding.holder_bytes
        if sparse:
            kept = expand(kept_runs(tensor, sparsity))
            part += kept * np.array(masked)[:, None]
            part[0] += kept * sparsity.index_bytes
    for other in holding.others:
        part[STATE_ROW] += _elements_in(other, tensor) * other.item_bytes


def _elements_in(other: OtherState, tensor: TensorPlacement) -> IntArray:
    """(pes,) elements of a state of another size in each PE."""
    if tensor.matrix is not None and other.per_matrix:
        matrices: IntArray = expand(tensor.runs) // prod(tensor.matrix)
        return matrices * other.per_matrix
    if tensor.grid is None or other.form == "spread":
        return expand(flat_runs(other.elements, tensor.region.pes))
    region, grid = tensor.region, tensor.grid
    if isinstance(other.form, Block):
        down, across = grid.cuts(other.form.down, other.form.across)
        return np.outer(np.array(down), np.array(across)).reshape(-1)
    heights, widths = np.array(grid.heights), np.array(grid.widths)
    holds = np.outer(heights > 0, widths > 0)
    count = heights[:, None] if other.form == "rows" else widths[None, :]
    elements: IntArray = (np.broadcast_to(count, (region.rows, region.cols)) * holds).reshape(-1)
    return elements


def _mark_holders(mask: NDArray[np.bool_], tensor: TensorPlacement) -> None:
    start = 0
    for pes, elements in tensor.runs:
        if elements:
            mask[start : start + pes] = True
        start += pes
