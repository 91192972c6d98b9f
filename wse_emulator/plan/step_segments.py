"""Segments of all parameters of a step, worked out once for parameters whose steps are alike."""

from __future__ import annotations

from dataclasses import replace

from wse_emulator.plan.segments import Segment, segments_of, shape_of
from wse_emulator.program import StepProgram


class StepSegments:
    """Parameter -> its segments, found when they are first asked for.

    Those of a parameter whose step is like that of an earlier one are its segments over other
    ops.
    """

    def __init__(self, program: StepProgram) -> None:
        self._program = program
        self._shape = shape_of(program)
        self._known: dict[int, tuple[Segment, ...]] = {}

    def __getitem__(self, parameter: int) -> tuple[Segment, ...]:
        """The segments of one parameter, in order; empty if its step has no ops.

        Raises:
            UnknownOpError: an op that PEs cannot run on shards.
        """
        known = self._known.get(parameter)
        if known is None:
            first = self._program.first_alike(parameter)
            known = (
                segments_of(self._program, parameter, self._shape)
                if first == parameter
                else self._over_ops_of(parameter, first)
            )
            self._known[parameter] = known
        return known

    def _over_ops_of(self, parameter: int, first: int) -> tuple[Segment, ...]:
        theirs, own = self._program.ops_of(first), self._program.ops_of(parameter)
        own_op = {op.index: mine for op, mine in zip(theirs, own, strict=True)}
        return tuple(
            replace(
                segment,
                ops=tuple(replace(member, op=own_op[member.op.index]) for member in segment.ops),
            )
            for segment in self[first]
        )
