"""What placement yields: which rectangle of PEs holds which shards of which tensor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

ShardRuns = tuple[tuple[int, int], ...]
"""Run-length code ``(pes, elements)`` over a region's PEs in row-major order; the PE counts sum
to ``region.pes``, the products to the number of elements."""

Layout = Literal["flat", "blocks", "stack"]


@dataclass(frozen=True, slots=True)
class BlockGrid:
    """How a matrix is cut into blocks over a region.

    Attributes:
        heights: matrix rows held by each row of PEs, ``region.rows`` entries.
        widths: matrix columns held by each column of PEs, ``region.cols`` entries.
        down: how each further length is cut over the rows of PEs: lengths of the matrices beside
            it that the step multiplies.
        across: how each further length is cut over the columns of PEs.
    """

    heights: tuple[int, ...]
    widths: tuple[int, ...]
    down: tuple[tuple[int, ...], ...] = ()
    across: tuple[tuple[int, ...], ...] = ()

    def cuts(self, down: int, across: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Heights and widths of the blocks of a matrix, by the numbers of its lengths; 0: own."""
        return (self.heights, *self.down)[down], (self.widths, *self.across)[across]


@dataclass(frozen=True, slots=True)
class TensorPlacement:
    """Where one parameter, its gradient and its state of the same shape lie.

    Shards follow the row-major PEs of the region: PE k holds the elements that come after those
    of PE k - 1 (flat), or the block of its row and column (blocks). A stack is flat, and every
    shard is of whole matrices.

    Attributes:
        parameter: index of the parameter in the step program.
        name: its name.
        region: the rectangle, shared with the other tensors of the layer.
        layout: ``flat``, ``blocks`` or ``stack``.
        runs: elements in each PE of the region.
        grid: the block heights and widths, for ``blocks`` only.
        matrix: (rows, cols) of one matrix, for ``stack`` only.
        kept: of a sparse tensor, the elements in each PE that are kept, on which its step works;
            empty for a dense one.
    """

    parameter: int
    name: str
    region: Region
    layout: Layout
    runs: ShardRuns
    grid: BlockGrid | None = None
    matrix: tuple[int, int] | None = None
    kept: ShardRuns = ()


@dataclass(frozen=True, slots=True)
class LayerRegion:
    """A rectangle and what shares it.

    Attributes:
        name: the layer's name; of several layers, the first and the last.
        region: the rectangle.
        tensors: parameter indices, in placement order.
        members: names of the layers in the rectangle (more than one on a small wafer, and
            where a layer is too small for a rectangle of its own).
    """

    name: str
    region: Region
    tensors: tuple[int, ...]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Placement:
    """The whole wafer: disjoint layer rectangles that cover it.

    Attributes:
        wafer: the machine placed on.
        layers: the rectangles, in model order.
        tensors: one placement a parameter; ``tensors[i].parameter == i``.
        controller: (row, col) of the PE that computes the learning rate: the west edge, where
            the host's channels enter the wafer, in the middle row.
    """

    wafer: WaferSpec
    layers: tuple[LayerRegion, ...]
    tensors: tuple[TensorPlacement, ...]
    controller: tuple[int, int]

    @cached_property
    def layer_index(self) -> tuple[int, ...]:
        """Index into ``layers`` of each parameter's rectangle."""
        index = [0] * len(self.tensors)
        for position, layer in enumerate(self.layers):
            for parameter in layer.tensors:
                index[parameter] = position
        return tuple(index)

    def layer_of(self, parameter: int) -> LayerRegion:
        """The rectangle that holds a parameter."""
        return self.layers[self.layer_index[parameter]]
