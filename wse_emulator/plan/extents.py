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

import numpy as np

from wse_emulator.placement.forms import Blocks, Stack, TensorForm
from wse_emulator.placement.place import place
from wse_emulator.placement.values import LayerRegion
from wse_emulator.plan.holdings import Holding
from wse_emulator.program import Parameter
from wse_emulator.wafer.arrays import FloatArray
from wse_emulator.wafer.spec import WaferSpec

SMALL_WAFER_PES: Final = 1024
"""Up to this size all parts are tried."""

MOST_CUT: Final = 250
"""Of larger wafers: the largest parts, whose cuts are looked at."""

MOST_PLANS: Final = 12
"""Of larger wafers: the nearest and the best cut parts, which are planned to the end."""

HOPEFUL: Final = 1.1
"""Parts of a larger wafer are planned if their fullest PE is about to hold no more than this times
what it has: what the cuts do not tell (temporaries) differs little from that of the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What has to be placed.

    Attributes:
        parameters: in model order.
        load: bytes an element of each, with all that lies beside it.
        forms: of those that are not spread element by element.
        held: what lies beside each.
        room: bytes free in a PE.
    """

    parameters: Sequence[Parameter]
    load: tuple[float, ...]
    forms: Mapping[int, TensorForm]
    held: Sequence[Holding]
    room: int

    def total(self, activations: Mapping[str, int]) -> float:
        """Bytes over all PEs."""
        held = sum(p.numel * each for p, each in zip(self.parameters, self.load, strict=True))
        return held + sum(activations.values())


def promising_extents(
    spec: WaferSpec, layers: Layers, activations: Mapping[str, int], whole_bytes: int
) -> list[tuple[int, int]]:
    """(rows, cols) of parts of the wafer where no layer exceeds its rectangle, best cut first.

    Of a large wafer, those with a row or a column less go before all others.

    ``whole_bytes`` are in the fullest PE of the plan of the whole wafer.
    """
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
    room = float(layers.room)
    if not small:
        whole = _fullest(spec, layers, activations, (spec.rows, spec.cols))
        room = min(room, whole + HOPEFUL * spec.sram_bytes_per_pe - whole_bytes)
        if layers.total(activations) > room * spec.pes:
            return []
    fullest = {size: _fullest(spec, layers, activations, size) for size in sizes}
    promising = sorted((size for size in sizes if fullest[size] <= room), key=fullest.__getitem__)
    if small:
        return promising
    nearest = [size for size in sizes if spec.rows - size[0] < 2 and spec.cols - size[1] < 2]
    return [*nearest, *(size for size in promising if size not in nearest)][:MOST_PLANS]


def _fullest(
    spec: WaferSpec, layers: Layers, activations: Mapping[str, int], extent: tuple[int, int]
) -> float:
    """Bytes of the fullest PE, about: without temporaries and what is less than an element."""
    placement = place(
        layers.parameters,
        spec,
        bytes_per_parameter=layers.load,
        layer_bytes={name: float(size) for name, size in activations.items()},
        extent=extent,
    )
    return max(_fullest_of(layer, layers, activations) for layer in placement.layers)


def _fullest_of(layer: LayerRegion, layers: Layers, activations: Mapping[str, int]) -> float:
    """Bytes of the fullest PE of a rectangle, about.

    What is spread element by element is even. Blocks are not: a PE of a row and a column that
    both take a line more than others has the most of all the matrices. Nor are stacks: a PE may
    have a matrix more than others.
    """
    forms = layers.forms
    blocks = [i for i in layer.tensors if isinstance(forms.get(i), Blocks)]
    spread = sum(activations.get(member, 0) for member in layer.members)
    even = spread + sum(
        layers.parameters[i].numel * layers.load[i] for i in layer.tensors if i not in forms
    )
    whole = even / layer.region.pes + _fullest_of_stacks(layer, layers)
    if not blocks:
        return whole
    beside = [_lines_beside(layers.held[i]) for i in blocks]
    each = np.array(
        [
            layers.load[i] - sum(o.elements * o.item_bytes for o in layers.held[i].others) / numel
            for i, numel in ((i, layers.parameters[i].numel) for i in blocks)
        ]
    )
    matrices = [forms[i] for i in blocks]
    heights = _lines_at_breaks([m.rows for m in matrices], layer.region.rows)
    widths = _lines_at_breaks([m.cols for m in matrices], layer.region.cols)
    held = (heights * each) @ widths.T
    held += (heights @ [rows for rows, _ in beside])[:, None]
    held += widths @ [cols for _, cols in beside]
    return whole + float(held.max())


def _fullest_of_stacks(layer: LayerRegion, layers: Layers) -> float:
    """Whole matrices in the fullest PE; the surplus of a stack follows that of the one before."""
    everywhere = surplus = largest = 0.0
    for i in layer.tensors:
        form = layers.forms.get(i)
        if isinstance(form, Stack):
            matrix = form.rows * form.cols
            each = matrix * layers.load[i]
            count, more = divmod(layers.parameters[i].numel // matrix, layer.region.pes)
            everywhere += count * each
            surplus += more * each
            largest = max(largest, each if more else 0.0)
    return everywhere + max(largest, surplus / layer.region.pes)


def _lines_beside(holding: Holding) -> tuple[int, int]:
    """Bytes of state for each row and for each column that a PE has a part of."""
    return (
        sum(other.item_bytes for other in holding.others if other.form == "rows"),
        sum(other.item_bytes for other in holding.others if other.form == "cols"),
    )


def _lines_at_breaks(lines: Sequence[int], pes: int) -> FloatArray:
    """(places, matrices) lines of each matrix held where the surplus of one of them begins.

    The surplus of a matrix follows that of the one before, so nowhere are there more.
    """
    count = np.array(lines)
    starts = np.concatenate(([0], np.cumsum(count)[:-1])) % pes
    has_one_more = (starts[:, None] - starts) % pes < count % pes
    held: FloatArray = count // pes + has_one_more.astype(np.float64)
    return held
