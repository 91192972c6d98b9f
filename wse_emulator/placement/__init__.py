"""Placement: which rectangle of PEs each layer gets, and which elements each PE holds."""

from wse_emulator.placement.place import place
from wse_emulator.placement.shards import block_grid, block_runs, expand, flat_runs
from wse_emulator.placement.values import (
    BlockGrid,
    LayerRegion,
    Layout,
    Placement,
    ShardRuns,
    TensorPlacement,
)

__all__ = [
    "BlockGrid",
    "LayerRegion",
    "Layout",
    "Placement",
    "ShardRuns",
    "TensorPlacement",
    "block_grid",
    "block_runs",
    "expand",
    "flat_runs",
    "place",
]
