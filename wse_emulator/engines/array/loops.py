"""Loops in the array engine: it jumps over passes that are proven to be equal [8.4].

A pass maps the state x (when PEs are released, when links fall free) to A(x), each time in it the
largest of sums of times before. If two passes in a row add the same d, the engine sets x + k d for
a later pass and runs that pass. If it adds d too, so have all between, because
A(x + k d) - x - (k + 1) d is convex in k, and is 0 at k = 0, at k = 1 and at the pass that was run.

Messages of different channels are served in the order in which they ask, which is no largest of
sums. A loop in which two channels meet, or a message of another channel is met, is run pass by
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from wse_emulator.activities import Activity, Loop, ProgramPart, Work
from wse_emulator.engines.array.channel_slots import hull, meet
from wse_emulator.engines.array.sweep import Sweep
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import Region

FEWEST: Final = 4
"""Loops of fewer passes are over before a jump could save one."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """An activity as it is written in a program, and its number among the leaves."""

    number: int
    activity: Activity


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A loop, with what a jump has to know of its body.

    Attributes:
        body: the parts of a pass.
        times: passes.
        runs: activities that run in a pass.
        region: a rectangle with all PEs and links of the body; None for an empty body.
        slots: where the times of the body's links are kept.
        jumps: whether no two channels of the body meet.
    """

    body: tuple[Leaf | Repeat, ...]
    times: int
    runs: int
    region: Region | None
    slots: frozenset[int]
    jumps: bool


PlannedPart = Leaf | Repeat
Run = Callable[[Leaf], None]
State = tuple[IntArray, ...]
"""When PEs are released and links fall free, one array each."""


def planned(
    program: Sequence[ProgramPart], slots: Mapping[str, int], first: int = 0
) -> tuple[PlannedPart, ...]:
    """The parts of a program, with leaves numbered from ``first`` on.

    Args:
        slots: channel -> slot, as in :class:`Channels`.
    """
    parts: list[PlannedPart] = []
    for part in program:
        if isinstance(part, Loop):
            body = planned(part.body, slots, first)
            first += _written(body)
            parts.append(_repeat(part, body, slots))
        else:
            parts.append(Leaf(first, part))
            first += 1
    return tuple(parts)


def _repeat(loop: Loop, body: tuple[PlannedPart, ...], slots: Mapping[str, int]) -> Repeat:
    around: dict[str, Region] = {}
    region: Region | None = None
    for activity in _activities(body):
        region = activity.region if region is None else hull(region, activity.region)
        if not isinstance(activity, Work):
            known = around.get(activity.channel, activity.region)
            around[activity.channel] = hull(known, activity.region)
    return Repeat(
        body,
        loop.times,
        sum(1 if isinstance(part, Leaf) else part.runs * part.times for part in body),
        region,
        frozenset(slots[channel] for channel in around if channel in slots),
        not any(meet(one, other) for one, other in combinations(around.values(), 2)),
    )


def _activities(parts: Sequence[PlannedPart]) -> Iterator[Activity]:
    for part in parts:
        if isinstance(part, Leaf):
            yield part.activity
        else:
            yield from _activities(part.body)


def run_parts(sweep: Sweep, parts: Sequence[PlannedPart], run: Run, *, jumps: bool) -> None:
    """Run a part of a program.

    Args:
        run: runs one activity.
        jumps: whether loops may jump. The state of the wafer after them is the same; what is in use
            in the cycles of skipped passes is not counted.
    """
    for part in parts:
        if isinstance(part, Leaf):
            run(part)
        elif jumps and part.jumps and part.times >= FEWEST and part.region is not None:
            _Passes(sweep, part, part.region, run).run_all()
        else:
            for _ in range(part.times):
                run_parts(sweep, part.body, run, jumps=jumps)


@dataclass(slots=True, eq=False)
class _Passes:
    """The passes of one loop.

    Attributes:
        done: passes so far.
    """

    sweep: Sweep
    loop: Repeat
    region: Region
    run: Run
    done: int = 0

    def run_all(self) -> None:
        """Run passes until two in a row add the same, and jump as far as that goes on."""
        state, added = self._state(), None
        while self.done < self.loop.times:
            begun = self.sweep.bookings.progress()
            self._pass()
            if not self.sweep.bookings.is_undisturbed(begun):
                self._rest()
                return
            now = self._state()
            step = _difference(now, state)
            if step is not None and added is not None and _equal(step, added):
                now = self._follow(now, step)
            state, added = now, step

    def _follow(self, state: State, step: State) -> State:
        """Jump over all passes that add ``step`` to ``state``, and return the state after them.

        If not all passes that are left do, halving finds the first that does not.
        """
        passes = self.loop.times - self.done
        end = passes + 1  # this many passes from here, the step is broken or the loop has ended
        while end > 1:
            if self._jump(state, step, passes):
                state = _after(state, step, passes)
                end -= passes
            else:
                end = passes
            passes = end // 2
        return state

    def _rest(self) -> None:
        """Run all passes that are left, one by one."""
        while self.done < self.loop.times:
            self._pass()

    def _pass(self) -> None:
        run_parts(self.sweep, self.loop.body, self.run, jumps=True)
        self.done += 1

    def _views(self) -> State:
        """All that decides later times."""
        free = self.sweep.bookings.free_times(self.loop.slots, self.region)
        return self.sweep.ready[self.region.slices], *free

    def _state(self) -> State:
        return tuple(view.copy() for view in self._views())

    def _set(self, state: State) -> None:
        for view, times in zip(self._views(), state, strict=True):
            view[...] = times

    def _jump(self, state: State, step: State, passes: int) -> bool:
        """Do ``passes`` passes by running the last of them, if all of them add ``step``.

        Returns:
            Whether they do. If not, all is as before.
        """
        sweep, bookings = self.sweep, self.sweep.bookings
        progress, times_of_ops = bookings.progress(), sweep.op_times()
        self._set(_after(state, step, passes - 1))
        bookings.skip((passes - 1) * self.loop.runs, self.loop.slots)
        begun = bookings.progress()
        self._pass()
        if bookings.is_undisturbed(begun) and goes_on(self._views(), _after(state, step, passes)):
            self.done += passes - 1
            return True
        self.done -= 1
        self._set(state)
        bookings.go_back(progress)
        sweep.go_back(times_of_ops)
        return False


def _written(parts: Sequence[PlannedPart]) -> int:
    return sum(1 if isinstance(part, Leaf) else _written(part.body) for part in parts)


def _difference(now: State, before: State) -> State | None:
    """What was added; None if links were used for the first time."""
    if len(now) != len(before):
        return None
    return tuple(one - other for one, other in zip(now, before, strict=True))


def _after(state: State, step: State, passes: int) -> State:
    return tuple(was + added * passes for was, added in zip(state, step, strict=True))


def goes_on(now: State, expected: State) -> bool:
    """Whether the pass that was run after a jump has added what the passes before it have."""
    return _equal(now, expected)


def _equal(one: State, other: State) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
