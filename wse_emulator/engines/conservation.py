"""Checks that every run of every engine has to pass [7.1, 7.2, 7.3, 7.4].

The geometry of a program says how many cycles its PEs and links are busy, whatever the times are.
That is counted here and compared with what the engine has booked. A difference is a defect of the
emulator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from wse_emulator.activities import (
    Activity,
    Chain,
    LineActivity,
    LineMulticast,
    Multicast,
    OpChain,
    ProgramPart,
    Send,
    Shift,
    Star,
    Work,
    leaves,
)
from wse_emulator.engines.timing import Timing
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import message_cycles
from wse_emulator.wafer.region import PLANES
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class Demand:
    """The busy cycles that a program asks of the machine, whatever the times are.

    Attributes:
        work: cycles of work, summed over PEs.
        touches: cycles of sending, relaying and taking wavelets, summed over PEs.
        links: cycles booked on links to the east, west, south and north.
        ramps: cycles booked on ramps down to PEs.
    """

    work: int = 0
    touches: int = 0
    links: int = 0
    ramps: int = 0

    def __add__(self, other: Demand) -> Demand:
        return Demand(
            self.work + other.work,
            self.touches + other.touches,
            self.links + other.links,
            self.ramps + other.ramps,
        )

    def times(self, runs: int) -> Demand:
        """What ``runs`` runs of the same ask for."""
        return Demand(self.work * runs, self.touches * runs, self.links * runs, self.ramps * runs)


def check_invariants(
    spec: WaferSpec, program: Sequence[ProgramPart], timing: Timing, *, over_time: bool = True
) -> None:
    """Check a timing against what has to hold in every run.

    Args:
        over_time: whether the timing says what is in use in each cycle.

    Raises:
        ConservationError: something does not hold; the message has the place and both numbers.
    """
    _check_busy("PE", timing.pe_busy, timing.elapsed_cycles)
    for plane, busy in zip(PLANES, timing.link_busy, strict=True):
        _check_busy(f"link {plane} of PE", busy, timing.elapsed_cycles)
    if (timing.pe_final > timing.elapsed_cycles).any() or (
        timing.activity_end > timing.elapsed_cycles
    ).any():
        raise ConservationError("something ends after the last release of any PE")
    for what, start, end in (
        ("activity", timing.activity_start, timing.activity_end),
        ("op", timing.op_start, timing.op_end),
    ):
        late = np.flatnonzero(start > end)
        if late.size:
            i = int(late[0])
            raise ConservationError(f"{what} {i} ends in {end[i]}, before its start in {start[i]}")
    demand = sum(
        (demand_of(activity, spec).times(runs) for activity, runs in leaves(program)), Demand()
    )
    _check_demand(
        ("PEs work and touch", int(timing.pe_busy.sum()), demand.work + demand.touches),
        ("links E, W, S, N are booked for", int(timing.link_busy[:4].sum()), demand.links),
        ("down-ramps are booked for", int(timing.link_busy[4].sum()), demand.ramps),
    )
    if over_time:
        _check_over_time(spec, timing, demand)


def _check_over_time(spec: WaferSpec, timing: Timing, demand: Demand) -> None:
    """Check what is in use in each cycle: its sums, and that there is no more than there is."""
    _check_demand(
        (
            "over all cycles, PEs are busy for",
            int(timing.busy_pes.sum()),
            demand.work + demand.touches,
        ),
        ("over all cycles, links are booked for", int(timing.busy_links.sum()), demand.links),
    )
    pes = spec.pes
    for what, series, most in (
        ("busy PEs", timing.busy_pes, pes),
        ("booked links", timing.busy_links, 4 * pes),
        ("bytes of temporaries", timing.temporary_bytes, pes * spec.sram_bytes_per_pe),
    ):
        if series.size and not 0 <= int(series.min()) <= int(series.max()) <= most:
            raise ConservationError(
                f"{what} range from {int(series.min())} to {int(series.max())} in a cycle, "
                f"outside 0 to {most}"
            )


def _check_demand(*sums: tuple[str, int, int]) -> None:
    """Check cycles that were counted against those the program asks for."""
    for what, booked, asked in sums:
        if booked != asked:
            raise ConservationError(f"{what} {booked} cycles, and the program asks for {asked}")


def _check_busy(what: str, busy: IntArray, elapsed: int) -> None:
    if busy.size and int(busy.max()) > elapsed:
        row, col = np.argwhere(busy > elapsed)[0].tolist()
        raise ConservationError(
            f"{what} ({row}, {col}) is busy for {int(busy[row, col])} of {elapsed} cycles"
        )


def demand_of(activity: Activity, spec: WaferSpec) -> Demand:
    """The busy cycles that one activity asks for, by its geometry alone."""
    match activity:
        case Work():
            cycles = [chain_cycles(chain) for chain in activity.chains]
            return Demand(
                work=sum(pes * cycles[chain] for pes, chain in activity.runs if chain >= 0)
            )
        case Multicast():
            sinks = activity.region.pes - 1
            cycles_each = message_cycles(activity.wavelets, spec)
            touches = sinks + 1 if sinks else 0
            return _messages(cycles_each, touches, sinks, sinks)
        case Send():
            links = abs(activity.source[0] - activity.sink[0]) + abs(
                activity.source[1] - activity.sink[1]
            )
            cycles_each = message_cycles(activity.wavelets, spec)
            return _messages(cycles_each, 2, links, 1) if links else Demand()
    return _line_demand(activity, spec)


def _line_demand(activity: LineActivity, spec: WaferSpec) -> Demand:
    """The busy cycles of an activity that does the same in every line."""
    if isinstance(activity.wavelets, int):
        lines = activity.region.rows if activity.axis == "row" else activity.region.cols
        total = lines * message_cycles(activity.wavelets, spec)
    else:
        lengths = Counter(activity.wavelets)  # few distinct ones, whatever the lines
        total = sum(n * message_cycles(wavelets, spec) for wavelets, n in lengths.items())
    match activity:
        case LineMulticast():
            region = activity.region
            sinks = (region.cols if activity.axis == "row" else region.rows) - 1
            return _messages(total, sinks + 1 if sinks else 0, sinks, sinks)
        case Chain():
            size = activity.group_positions
            full, rest = divmod(activity.positions, size)
            stages = full * (size - 1) + max(rest - 1, 0)
            touches = (full * size if size > 1 else 0) + (rest if rest > 1 else 0)
            return _messages(total, touches, stages * abs(activity.spacing), stages)
        case Star():
            leaves = activity.positions - 1
            return _messages(total, 2 * leaves, leaves * (leaves + 1) // 2, leaves)
        case Shift():
            # each link of the line carries one message in each direction
            region = activity.region
            pes = region.cols if activity.axis == "row" else region.rows
            return _messages(total, pes, 2 * (pes - 1), pes) if pes > 1 else Demand()
    assert_never(activity)


def chain_cycles(chain: OpChain) -> int:
    """Cycles of all strips of a chain."""
    if not chain.strips and not chain.tail:
        return 0
    return sum(
        op.strip_cycles if op.once else op.strip_cycles * chain.strips + op.tail_cycles * chain.tail
        for op in chain.ops
    )


def _messages(cycles: int, touches: int, links: int, ramps: int) -> Demand:
    return Demand(touches=cycles * touches, links=cycles * links, ramps=cycles * ramps)
