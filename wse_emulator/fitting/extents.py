"""Parts of the wafer on which a model may fit that does not fit the cuts of the whole.

Rectangles come in whole PEs, so a wafer with a row more may cut worse than one without. Every
part of a small wafer is tried before the answer is no, so that more PEs never turn a yes into a
no; of a large wafer, where a row is little, the best cut ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from wse_emulator.placement.place import place
from wse_emulator.program import Parameter
from wse_emulator.wafer.spec import WaferSpec

SMALL_WAFER_PES: Final = 1024
"""Up to this size all parts are tried."""

MOST_CUT: Final = 250
"""Of larger wafers: the largest parts, whose cuts are looked at."""

MOST_PLANS: Final = 12
"""Of larger wafers: the best cut parts, which are planned to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What has to be placed: parameters, bytes an element of each, and bytes free in a PE."""

    parameters: Sequence[Parameter]
    load: tuple[float, ...]
    room: int

    def total(self, activations: Mapping[str, int]) -> float:
        """Bytes over all PEs."""
        held = sum(p.numel * each for p, each in zip(self.parameters, self.load, strict=True))
        return held + sum(activations.values())


def promising_extents(
    spec: WaferSpec, layers: Layers, activations: Mapping[str, int]
) -> list[tuple[int, int]]:
    """(rows, cols) of parts of the wafer where no layer exceeds its rectangle, best cut first."""
    least = max(1, ceil(layers.total(activations) / layers.room))
    sizes = [
        (rows, cols)
        for rows in range(spec.rows, 0, -1)
        for cols in range(spec.cols, ceil(least / rows) - 1, -1)
        if rows * cols < spec.pes
    ]
    sizes.sort(key=lambda size: (-size[0] * size[1], size))
    small = spec.pes <= SMALL_WAFER_PES
    if not small:
        sizes = sizes[:MOST_CUT]
    fullest = {size: _fullest(spec, layers, activations, size) for size in sizes}
    promising = sorted(
        (size for size in sizes if fullest[size] <= layers.room), key=fullest.__getitem__
    )
    return promising if small else promising[:MOST_PLANS]


def _fullest(
    spec: WaferSpec, layers: Layers, activations: Mapping[str, int], extent: tuple[int, int]
) -> float:
    """Bytes a PE of the fullest layer, without the step's temporaries."""
    placement = place(
        layers.parameters,
        spec,
        bytes_per_parameter=layers.load,
        layer_bytes={name: float(size) for name, size in activations.items()},
        extent=extent,
    )
    return max(
        (
            sum(layers.parameters[i].numel * layers.load[i] for i in layer.tensors)
            + sum(activations.get(member, 0) for member in layer.members)
        )
        / layer.region.pes
        for layer in placement.layers
    )
