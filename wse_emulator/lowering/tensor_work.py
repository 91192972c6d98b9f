"""One segment of one tensor as activities: work on its PEs, then the collective that ends it."""

from __future__ import annotations

from functools import partial

from wse_emulator.activities import Activity
from wse_emulator.collectives import LineSet, all_reduce_lines, root_of
from wse_emulator.lowering.matmul import Site, product_activities
from wse_emulator.lowering.piece_work import work_on_pieces
from wse_emulator.lowering.sums import sum_for_region, sum_in_lines
from wse_emulator.lowering.transfer import transfer_activities
from wse_emulator.placement.values import TensorPlacement
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.segments import Collective, Exchange
from wse_emulator.plan.strips import StripChoice
from wse_emulator.wafer.messages import wavelets_of
from wse_emulator.wafer.spec import WaferSpec


def segment_activities(
    tensor: TensorPlacement, number: int, strip: StripChoice, costs: ChainCosts, channel: str
) -> list[Activity]:
    """Activities of segment ``number`` of a tensor; none if it has no elements."""
    if not strip.elements:
        return []
    segment = costs.segments[tensor.parameter][number]
    if segment.product is not None:
        return product_activities(
            Site(tensor, channel),
            segment.product,
            costs.formats(tensor.parameter, number),
            strip.lines[number],
            partial(costs.round_chain, tensor.parameter, number, strip.elements),
            costs.spec,
        )
    work = work_on_pieces(
        tensor, lambda piece: costs.chain(tensor.parameter, number, piece, strip.elements)
    )
    return [
        work,
        *(
            activity
            for exchange in segment.exchanges
            for activity in _collective(
                tensor, exchange, channel, segment.ops[-1].op.index, costs.spec
            )
        ),
    ]


def _collective(
    tensor: TensorPlacement, exchange: Exchange, channel: str, last_op: int, spec: WaferSpec
) -> tuple[Activity, ...]:
    """What PEs combine after a segment that ends with ``last_op``."""
    region = tensor.region
    centre = root_of(region, "centre")
    if exchange.kind is Collective.NUMBER:
        return sum_for_region(
            region,
            _wavelets(1, exchange, spec),
            spec,
            name=tensor.name,
            channel=channel,
            op=last_op,
            tensor=tensor.parameter,
        )
    if exchange.transfer is not None:
        return transfer_activities(tensor, exchange, exchange.transfer, channel, spec)
    along_rows = exchange.kind in (Collective.ROW_SUMS, Collective.OVER_COLUMNS)
    lines = LineSet(
        name=tensor.name,
        region=region,
        axis="row" if along_rows else "column",
        root=centre[1] if along_rows else centre[0],
        wavelets=_line_wavelets(tensor, exchange, spec),
        channel=channel,
        tensor=tensor.parameter,
    )
    if exchange.kind in (Collective.ROW_SUMS, Collective.COLUMN_SUMS):
        return all_reduce_lines(lines, spec)
    return sum_in_lines(lines, spec, op=last_op)


def _line_wavelets(
    tensor: TensorPlacement, exchange: Exchange, spec: WaferSpec
) -> int | tuple[int, ...]:
    """Length of the message of each line: the numbers, or the line's part of the statistic."""
    assert tensor.grid is not None  # a step with row or column statistics is placed in blocks
    if exchange.kind is Collective.ROW_SUMS:
        return tuple(_wavelets(height, exchange, spec) for height in tensor.grid.heights)
    if exchange.kind is Collective.COLUMN_SUMS:
        return tuple(_wavelets(width, exchange, spec) for width in tensor.grid.widths)
    return _wavelets(1, exchange, spec)


def _wavelets(elements: int, exchange: Exchange, spec: WaferSpec) -> int:
    return wavelets_of(elements * exchange.numbers * exchange.result_bytes, spec)
