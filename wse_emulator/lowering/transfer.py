"""A scan or a shift as activities: messages from neighbour to neighbour, and back round the end.

Every PE of a line takes what comes from the one before it, and passes on as much: the sum of all
that lies before for a scan, the elements that leave it for a shift. A link between neighbours
carries each of them once. The engines know this form as the chain of a reduction. A shift then
takes the elements at the end of the line back to its beginning by one message along the line. (A
kernel whose PEs all pass on their elements at once needs the chain's latency only once; this one
pays it once a PE.)
"""

from __future__ import annotations

from wse_emulator.activities import Activity, Axis, Chain, LineMulticast
from wse_emulator.ops.transfers import Transfer
from wse_emulator.placement.values import TensorPlacement
from wse_emulator.plan.segments import Exchange
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def transfer_activities(
    tensor: TensorPlacement,
    exchange: Exchange,
    transfer: Transfer,
    channel: str,
    spec: WaferSpec,
) -> tuple[Activity, ...]:
    """The messages of one scan or shift of a tensor; none in a region of one PE."""
    line_bytes = exchange.numbers * exchange.result_bytes * transfer.lines

    def wavelets(elements: int) -> int:
        return -(-elements * line_bytes // spec.wavelet_bytes)

    if transfer.along == "all":
        return _through_all(tensor, transfer, wavelets(1), channel)
    assert tensor.grid is not None  # a step that moves elements along lines is placed in blocks
    axis = transfer.along
    sides = tensor.grid.heights if axis == "row" else tensor.grid.widths
    lengths = tuple(wavelets(side) for side in sides)
    return _along_lines(tensor, axis, tensor.region, lengths, transfer, channel, wraps=True)


def _along_lines(
    tensor: TensorPlacement,
    axis: Axis,
    region: Region,
    wavelets: int | tuple[int, ...],
    transfer: Transfer,
    channel: str,
    *,
    wraps: bool,
) -> tuple[Activity, ...]:
    """From the first PE of every line to the last (or the other way), and back if it wraps."""
    first, stop = (region.col, region.col_stop) if axis == "row" else (region.row, region.row_stop)
    end = stop - 1 if transfer.forward else first
    onward = Chain(
        name=tensor.name,
        region=region,
        axis=axis,
        root=end,
        spacing=-1 if transfer.forward else 1,
        positions=stop - first,
        wavelets=wavelets,
        channel=channel,
        tensor=tensor.parameter,
    )
    if not (wraps and transfer.wraps):
        return (onward,)
    return onward, _from(end, tensor, axis, region, wavelets, channel)


def _through_all(
    tensor: TensorPlacement, transfer: Transfer, wavelets: int, channel: str
) -> tuple[Activity, ...]:
    """Through all PEs in row-major order: along the rows, and from the end of each to the next.

    The ends of the rows lie in one column of PEs, to which what comes before is passed down; a
    message along each row takes it to the row's PEs.
    """
    region = tensor.region
    end = region.col_stop - 1 if transfer.forward else region.col
    ends = Region(region.row, end, region.rows, 1)
    along = _along_lines(tensor, "row", region, wavelets, transfer, channel, wraps=False)
    down = _along_lines(tensor, "column", ends, wavelets, transfer, channel, wraps=True)
    return (*along, *down, _from(end, tensor, "row", region, wavelets, channel))


def _from(
    root: int,
    tensor: TensorPlacement,
    axis: Axis,
    region: Region,
    wavelets: int | tuple[int, ...],
    channel: str,
) -> LineMulticast:
    return LineMulticast(
        name=tensor.name,
        region=region,
        axis=axis,
        root=root,
        wavelets=wavelets,
        channel=channel,
        tensor=tensor.parameter,
    )
