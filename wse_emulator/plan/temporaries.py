"""The step's temporaries in the SRAM plan: what every PE has left, and what they take of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.placement.pieces import Piece, piece_counts, pieces_of
from wse_emulator.placement.shards import expand
from wse_emulator.placement.values import Placement
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.strips import StripChoice
from wse_emulator.wafer.arrays import IntArray


def temporary_bytes(
    placement: Placement, costs: ChainCosts, strips: Sequence[StripChoice]
) -> IntArray:
    """(rows, cols) bytes of temporaries in every PE at its fullest moment.

    Temporaries of one tensor are gone before the next tensor's chain starts, so a PE's
    temporaries are the largest over its tensors, not their sum.
    """
    spec = placement.wafer
    temporaries = np.zeros((spec.rows, spec.cols), dtype=np.int64)
    known: dict[tuple[object, ...], int] = {}  # chains that look alike need alike

    def needed(parameter: int, piece: Piece, choice: StripChoice) -> int:
        key = (costs.forms(parameter), piece, choice.elements, choice.lines)
        if key not in known:
            known[key] = costs.temporary_bytes(parameter, piece, choice.elements, choice.lines)
        return known[key]

    for layer in placement.layers:
        region = layer.region
        part = np.zeros(region.pes, dtype=np.int64)
        for parameter in layer.tensors:
            if strips[parameter].temporary_bytes == 0:
                continue
            tensor = placement.tensors[parameter]
            choice = strips[parameter]
            bytes_of = {piece: needed(parameter, piece, choice) for piece in piece_counts(tensor)}
            if tensor.grid is not None:
                runs = pieces_of(tensor)
                in_runs = np.array([bytes_of.get(piece, 0) for _, piece in runs], dtype=np.int64)
                np.maximum(part, np.repeat(in_runs, [pes for pes, _ in runs]), out=part)
                continue
            start = 0
            for pes, piece in pieces_of(tensor):
                if piece.elements:
                    held = part[start : start + pes]
                    np.maximum(held, bytes_of[piece], out=held)
                start += pes
        temporaries[region.slices] = part.reshape(region.rows, region.cols)
    return temporaries


def free_bytes(placement: Placement, resident_bytes: IntArray) -> list[int]:
    """SRAM left on the fullest PE that holds a piece of each parameter; 0 if it is overfull."""
    free = placement.wafer.sram_bytes_per_pe - resident_bytes
    left = [0] * len(placement.tensors)
    for layer in placement.layers:
        part: IntArray = free[layer.region.slices].reshape(-1)
        least = int(part.min())
        for parameter in layer.tensors:
            tensor = placement.tensors[parameter]
            if all(elements for _, elements in tensor.runs):
                left[parameter] = max(0, least)
                continue
            holds = expand(tensor.runs) > 0
            left[parameter] = max(0, int(part[holds].min())) if holds.any() else 0
    return left
