"""One segment of one tensor as activities: work on its PEs, then the collective that ends it."""

from __future__ import annotations

from wse_emulator.activities import Activity, Work
from wse_emulator.collectives import LineSet, all_reduce_2d, all_reduce_lines, root_of
from wse_emulator.placement.pieces import pieces_of
from wse_emulator.placement.values import TensorPlacement
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.segments import Collective, Segment
from wse_emulator.plan.strips import StripChoice
from wse_emulator.wafer.spec import WaferSpec


def segment_activities(
    tensor: TensorPlacement, number: int, strip: StripChoice, costs: ChainCosts, channel: str
) -> list[Activity]:
    """Activities of segment ``number`` of a tensor; none if it has no elements."""
    runs = pieces_of(tensor)
    pieces = sorted({piece for _, piece in runs if piece.elements})
    if not pieces:
        return []
    segment = costs.segments[tensor.parameter][number]
    chain_of = {piece: i for i, piece in enumerate(pieces)}
    work = Work(
        name=tensor.name,
        region=tensor.region,
        chains=tuple(
            costs.chain(tensor.parameter, number, piece, strip.elements) for piece in pieces
        ),
        runs=tuple((pes, chain_of.get(piece, -1)) for pes, piece in runs),
        tensor=tensor.parameter,
    )
    return [work, *_collective(tensor, segment, channel, costs.spec)]


def _collective(
    tensor: TensorPlacement, segment: Segment, channel: str, spec: WaferSpec
) -> tuple[Activity, ...]:
    kind = segment.collective
    region = tensor.region
    if kind is None or kind is Collective.WAFER:
        return ()  # a sum over the wafer follows all tensors, not one
    centre = root_of(region, "centre")
    if kind is Collective.NUMBER:
        return all_reduce_2d(
            region,
            centre,
            _wavelets(1, segment, spec),
            spec,
            name=tensor.name,
            channel=channel,
            tensor=tensor.parameter,
        )
    along_rows = kind in (Collective.ROW_SUMS, Collective.OVER_COLUMNS)
    lines = LineSet(
        name=tensor.name,
        region=region,
        axis="row" if along_rows else "column",
        root=centre[1] if along_rows else centre[0],
        wavelets=_line_wavelets(tensor, segment, spec),
        channel=channel,
        tensor=tensor.parameter,
    )
    return all_reduce_lines(lines, spec)


def _line_wavelets(
    tensor: TensorPlacement, segment: Segment, spec: WaferSpec
) -> int | tuple[int, ...]:
    """Length of the message of each line: one number, or the line's part of the statistic."""
    assert tensor.grid is not None  # a step with row or column statistics is placed in blocks
    if segment.collective is Collective.ROW_SUMS:
        return tuple(_wavelets(height, segment, spec) for height in tensor.grid.heights)
    if segment.collective is Collective.COLUMN_SUMS:
        return tuple(_wavelets(width, segment, spec) for width in tensor.grid.widths)
    return _wavelets(1, segment, spec)


def _wavelets(elements: int, segment: Segment, spec: WaferSpec) -> int:
    return -(-elements * segment.result_bytes // spec.wavelet_bytes)
