"""The PE engine: one SimPy process for each PE, one arbiter for each link.

It is slow and written to be read and checked rule by rule. Numbers in brackets are rules of
docs/machine_rules.md. This file holds what a PE does [2.2, 2.3, 3.1, 3.5, 3.6, 4.1, 4.2, 4.5].
Which PE does what, and how strips unroll [2.5, 4.4], stands in
:mod:`~wse_emulator.engines.pe.programs`; routes, latency and room on the way [3.6, 4.3] in
:mod:`~wse_emulator.engines.pe.messages`; links, their arbiters and the order of channels [3.2, 3.3,
3.4] in :mod:`~wse_emulator.engines.pe.links`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Sequence
from typing import assert_never

import numpy as np
from simpy.events import Event, Timeout

from wse_emulator.activities import ProgramPart, leaves, unroll
from wse_emulator.engines import conservation
from wse_emulator.engines.pe.clock import Clock, Pause
from wse_emulator.engines.pe.links import Fabric
from wse_emulator.engines.pe.messages import RoutedMessage, latency_of, room_of
from wse_emulator.engines.pe.programs import (
    ChainStep,
    GatherStep,
    Programs,
    ProgramStep,
    ShiftStep,
    SinkStep,
    SourceStep,
    WorkStep,
)
from wse_emulator.engines.sram import check_released, check_resident, overflow
from wse_emulator.engines.timing import Timing, collector_paused
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec

Process = Generator[Event, object, None]
ChangeByCycle = defaultdict[int, int]
"""Cycle -> by how much a number changes at its beginning."""


def simulate_pe(
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    *,
    resident_bytes: IntArray,
    op_count: int,
    over_time: bool = True,
) -> Timing:
    """Simulate a program PE by PE and link by link.

    Args:
        spec: the machine.
        program: activities and loops, in order. Loops are unrolled [2.8].
        resident_bytes: (rows, cols) SRAM in use before the program starts.
        op_count: ops of the step program; op indices lie below it.
        over_time: whether the timing says what is in use in each cycle.

    Raises:
        SramOverflowError: a PE needs more SRAM than it has (the first in row-major order).
        ConservationError: an invariant of the machine is violated.
    """
    check_resident(spec, resident_bytes)
    with collector_paused():
        machine = Machine(spec, program, resident_bytes, op_count)
        for pe, steps in enumerate(machine.programs.steps):
            if steps:
                machine.clock.process(machine.processing_element(pe, steps))
        machine.clock.run_to_end()
        return machine.timing(over_time)


class Machine:
    """The PEs of a wafer, their fabric, and what is recorded while they run.

    Activities are numbered as they run, loops unrolled; ``leaf`` has the leaf of each.
    """

    def __init__(
        self,
        spec: WaferSpec,
        program: Sequence[ProgramPart],
        resident_bytes: IntArray,
        op_count: int,
    ) -> None:
        self.spec = spec
        self.program = program
        unrolled = tuple(unroll(program))
        self.activities = tuple(activity for _, activity in unrolled)
        self.leaf = tuple(leaf for leaf, _ in unrolled)
        written = sum(1 for _ in leaves(program))
        self.resident = resident_bytes
        self.free_bytes = (spec.sram_bytes_per_pe - resident_bytes).ravel().tolist()
        self.clock = Clock()
        self.programs = Programs(self.clock, spec)
        for index, activity in enumerate(self.activities):
            self.programs.add(index, activity)
        self.fabric = Fabric(self.clock, spec, self.programs.messages, self.deliver)
        self.arrived: set[tuple[int, RoutedMessage]] = set()
        self.expecting: dict[int, tuple[RoutedMessage, Event]] = {}
        never = 1 << 62
        self.op_start = [never] * op_count
        self.op_end = [-1] * op_count
        self.activity_start = [never] * written
        self.activity_end = [-1] * written
        self.busy = [0] * spec.pes
        self.final = [-1 if steps else 0 for steps in self.programs.steps]
        self.held_bytes = [0] * spec.pes
        self.peak_bytes = [0] * spec.pes
        self.busy_changes: ChangeByCycle = defaultdict(int)
        self.byte_changes: ChangeByCycle = defaultdict(int)
        self.overflows: dict[int, tuple[int, int, int]] = {}

    # --- a PE --------------------------------------------------------------------------------

    def processing_element(self, pe: int, steps: Sequence[ProgramStep]) -> Process:
        """Run the steps of one PE, in the order of the program [2.2].

        Work is written out here and not in a generator of its own, because it is most of what a PE
        does. The PE is busy in [r, r + c) [2.3]. Each op takes its SRAM when it starts on a strip
        and gives it back when it ends on it [5.4].
        """
        clock, op_start, op_end = self.clock, self.op_start, self.op_end
        byte_changes, pause = self.byte_changes, Pause(clock)
        held = peak = 0  # bytes of temporaries in this PE's SRAM
        for step in steps:
            ready = now = clock.now  # r, the release time E of the step before
            if type(step) is WorkStep:
                for op, cycles, takes, gives in step.ops:
                    if now < op_start[op]:  # noqa: PLR1730 - a call of min() here costs 5 % of a run
                        op_start[op] = now
                    if takes:
                        held += takes
                        byte_changes[now] += takes
                        if held > peak:
                            peak = held
                            if held > self.free_bytes[pe]:
                                self.overflows.setdefault(pe, (step.activity, op, held))
                    if cycles:
                        yield pause.of(cycles)
                        now += cycles
                    if now > op_end[op]:  # noqa: PLR1730 - as above
                        op_end[op] = now
                    if gives:
                        held -= gives
                        byte_changes[now] -= gives
                self._busy(pe, ready, now - ready)
            else:
                yield from self.communicate(pe, step)
                now = clock.now
            if now != clock.now:
                raise ConservationError(f"PE {pe} counts cycle {now} in cycle {clock.now}")
            index = self.leaf[step.activity]
            self.activity_start[index] = min(ready, self.activity_start[index])
            self.activity_end[index] = max(now, self.activity_end[index])
        self.final[pe] = clock.now
        self.held_bytes[pe], self.peak_bytes[pe] = held, peak

    def communicate(self, pe: int, step: ProgramStep) -> Process:
        """Run one step of a PE that sends, takes or relays a message."""
        match step:
            case SourceStep():
                return self.source(pe, step)
            case SinkStep():
                return self.sink(pe, step)
            case ChainStep():
                return self.chain(pe, step)
            case GatherStep():
                return self.gather(pe, step)
            case ShiftStep():
                return self.shift(pe, step)
            case WorkStep():
                raise AssertionError("work does not communicate")
        assert_never(step)

    def source(self, pe: int, step: SourceStep) -> Process:
        """Send a message: touch it in [s, s + B), and wait until the slowest sink has left room for
        the rest [3.1, 3.6]."""
        message = step.message
        start = message.started = self.clock.now
        self.fabric.send(message)
        yield from self._touch(pe, message)
        if message.hold is not None:
            yield message.hold.gone
            yield from self._held_until(message.hold.until, start + message.cycles)

    def sink(self, pe: int, step: SinkStep) -> Process:
        """Take a message from s = max(a, r) on [3.5], until its last wavelet can be here [3.6]."""
        message = step.message
        yield from self._receive(pe, message)
        start = self.clock.now
        if message.hold is None:
            yield from self._touch(pe, message)
            return
        sink = divmod(pe, self.spec.cols)
        message.hold.sink_started(start, message.cycles, room_of(message, sink, self.spec))
        yield from self._touch(pe, message)
        yield message.hold.gone
        source_end = max(message.started + message.cycles, message.hold.until)
        tail = source_end + latency_of(message, sink, self.spec)
        yield from self._held_until(tail, start + message.cycles)

    def chain(self, pe: int, step: ChainStep) -> Process:
        """Be one position of a chain: begin at max(r_i, a_i), add, and pass on in the same touch.

        The positions towards the root hold this one back once their queues are full [4.1].
        """
        if step.incoming is not None:
            yield from self._receive(pe, step.incoming)
        start = self.clock.now
        message = step.outgoing or step.incoming
        assert message is not None
        if step.starts is not None:
            step.starts.started(step.position, start)
        if step.outgoing is not None:
            step.outgoing.started = start
            self.fabric.send(step.outgoing)
        yield from self._touch(pe, message)
        if step.starts is not None:
            until = start + message.cycles
            for k in range(1, step.position + 1):
                if message.cycles <= k * step.room:
                    break
                yield step.starts.known[step.position - k]
                ahead = step.starts.starts[step.position - k]
                until = max(until, ahead + message.cycles - k * step.room)
            yield from self._held_until(until, start + message.cycles)

    def gather(self, pe: int, step: GatherStep) -> Process:
        """Be the root of a star: take the messages of the leaves one by one, the nearest first
        [4.2]."""
        for message in step.messages:
            yield from self._receive(pe, message)
            if message.hold is not None:
                room = room_of(message, divmod(pe, self.spec.cols), self.spec)
                message.hold.sink_started(self.clock.now, message.cycles, room)
            yield from self._touch(pe, message)

    def shift(self, pe: int, step: ShiftStep) -> Process:
        """Begin to send at once, take the other message when it is here, and go when both are
        through [4.5]."""
        outgoing, incoming = step.outgoing, step.incoming
        outgoing.started = self.clock.now
        self.fabric.send(outgoing)
        yield from self._receive(pe, incoming)
        start = self.clock.now
        if incoming.hold is not None:
            room = room_of(incoming, divmod(pe, self.spec.cols), self.spec)
            incoming.hold.sink_started(start, incoming.cycles, room)
        yield from self._touch(pe, incoming)
        if outgoing.hold is not None:
            yield outgoing.hold.gone
            yield from self._held_until(outgoing.hold.until, start + incoming.cycles)

    # --- what steps are made of --------------------------------------------------------------

    def _touch(self, pe: int, message: RoutedMessage) -> Process:
        self._busy(pe, self.clock.now, message.cycles)
        yield Timeout(self.clock, message.cycles)

    def _held_until(self, until: int, touched: int) -> Process:
        """Wait until cycle ``until``, neither busy nor ready; the touch ended in cycle
        ``touched``."""
        until = max(until, touched)
        if until < self.clock.now:
            raise ConservationError(
                f"a PE is held until cycle {until}, which is known only in {self.clock.now}"
            )
        if until > self.clock.now:
            yield Timeout(self.clock, until - self.clock.now)

    def _receive(self, pe: int, message: RoutedMessage) -> Process:
        """Wait for the head of a message, if it is not here already."""
        if (pe, message) in self.arrived:
            self.arrived.remove((pe, message))
        else:
            here = Event(self.clock)
            self.expecting[pe] = (message, here)
            yield here
        self._check_latency(pe, message)

    def deliver(self, message: RoutedMessage, row: int, col: int) -> None:
        """Note that the head of a message is at PE (row, col)."""
        pe = row * self.spec.cols + col
        message.delivered += 1
        expected = self.expecting.get(pe)
        if expected is not None and expected[0] is message:
            del self.expecting[pe]
            expected[1].succeed()
        else:
            self.arrived.add((pe, message))

    def _busy(self, pe: int, start: int, cycles: int) -> None:
        self.busy[pe] += cycles
        self.busy_changes[start] += 1
        self.busy_changes[start + cycles] -= 1

    def _check_latency(self, pe: int, message: RoutedMessage) -> None:
        """Check that the head of a message does not arrive sooner than its way allows [7.3]."""
        row, col = divmod(pe, self.spec.cols)
        earliest = message.started + latency_of(message, (row, col), self.spec)
        if self.clock.now < earliest:
            raise ConservationError(
                f"PE ({row}, {col}) takes a message of {self.activities[message.activity].name!r} "
                f"in cycle {self.clock.now}, and its head cannot be there before {earliest}"
            )

    # --- the answer --------------------------------------------------------------------------

    def timing(self, over_time: bool) -> Timing:
        """What the run recorded, checked against its invariants [7.1, 7.2, 7.4, 7.5]."""
        spec = self.spec
        shape = (spec.rows, spec.cols)
        if self.overflows:
            pe = min(self.overflows)
            activity, op, held = self.overflows[pe]
            row, col = divmod(pe, spec.cols)
            needed = held + int(self.resident[row, col])
            raise overflow(spec, row, col, self.activities[activity], op, needed)
        self.fabric.check_empty()
        if -1 in self.final:
            row, col = divmod(self.final.index(-1), spec.cols)
            raise ConservationError(f"PE ({row}, {col}) has not come to the end of its program")
        for message in self.programs.messages:
            if message.delivered != message.sinks:
                raise ConservationError(
                    f"{self.activities[message.activity].name!r} from PE {message.source} reached "
                    f"{message.delivered} of its {message.sinks} PEs"
                )
        check_released(self.program, np.array(self.held_bytes, np.int64).reshape(shape))
        elapsed = max(self.final, default=0)
        recorded = elapsed if over_time else 0
        started = np.array(self.activity_end, np.int64) >= 0
        ran = np.array(self.op_end, np.int64) >= 0
        timing = Timing(
            elapsed_cycles=elapsed,
            activity_start=np.where(started, np.array(self.activity_start, np.int64), -1),
            activity_end=np.array(self.activity_end, np.int64),
            op_start=np.where(ran, np.array(self.op_start, np.int64), -1),
            op_end=np.array(self.op_end, np.int64),
            pe_busy=np.array(self.busy, np.int64).reshape(shape),
            pe_final=np.array(self.final, np.int64).reshape(shape),
            link_busy=self.fabric.busy_cycles(),
            sram_peak=self.resident + np.array(self.peak_bytes, np.int64).reshape(shape),
            busy_pes=_by_cycle(self.busy_changes, recorded),
            busy_links=_by_cycle(self.fabric.booked, recorded),
            temporary_bytes=_by_cycle(self.byte_changes, recorded),
            events=self.clock.scheduled(),
            passes=0,
        )
        conservation.check_invariants(spec, self.program, timing, over_time=over_time)
        return timing


def _by_cycle(changes: ChangeByCycle, elapsed: int) -> IntArray:
    """The number in each cycle, from its changes, of shape (elapsed,)."""
    if not elapsed:
        return np.zeros(0, np.int64)
    change = np.zeros(elapsed + 1, np.int64)
    for cycle, by in changes.items():
        change[cycle] += by
    return np.cumsum(change)[:elapsed]
