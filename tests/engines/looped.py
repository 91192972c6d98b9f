"""Random programs with nested loops on small machines, and what it means that one equals its
unrolled program.

They are drawn from a seed and not by Hypothesis, which would take longer to draw a program than the
engines take to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import numpy as np

from tests.engines.agreement import OWN
from tests.engines.drawn import Case, machine
from wse_emulator.activities import (
    Activity,
    Axis,
    Chain,
    LineMulticast,
    Loop,
    Multicast,
    OpChain,
    ProgramPart,
    Send,
    Shift,
    Star,
    VectorOp,
    Work,
    leaves,
    unroll,
)
from wse_emulator.engines import ENGINES
from wse_emulator.engines.timing import Timing
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

OPS = 4
MOST_RUNS = 120
"""Activities of an unrolled program, so that both engines run it in a few milliseconds."""


def timed(engine: str, case: Case, program: Sequence[ProgramPart], over_time: bool) -> Timing:
    return ENGINES[engine](
        case.spec,
        program,
        resident_bytes=case.resident_bytes,
        op_count=OPS,
        over_time=over_time,
    )


def unlike_unrolled(program: Sequence[ProgramPart], looped: Timing, unrolled: Timing) -> list[str]:
    """Names of the fields in which a program with loops differs from the same without.

    A leaf starts with the first of its runs and ends with the last.
    """
    start = np.full(sum(1 for _ in leaves(program)), -1, np.int64)
    end = start.copy()
    for run, (leaf, _) in enumerate(unroll(program)):
        if start[leaf] < 0:
            start[leaf] = unrolled.activity_start[run]
        end[leaf] = max(end[leaf], unrolled.activity_end[run])
    differ = [
        name
        for name, expected in (("activity_start", start), ("activity_end", end))
        if not np.array_equal(getattr(looped, name), expected)
    ]
    return differ + [
        name
        for name in Timing.__dataclass_fields__
        if name not in (*OWN, "activity_start", "activity_end")
        and not np.array_equal(getattr(looped, name), getattr(unrolled, name))
    ]


def looped_case(seed: int) -> Case:
    """A program of works, messages and nested loops; often on one channel, whose loops jump."""
    draw = Random(seed)
    rows, cols = draw.choice(((1, 2), (1, 3), (1, 4), (1, 6), (2, 2), (2, 3), (3, 3), (4, 2)))
    spec = machine(
        rows=rows,
        cols=cols,
        hop_cycles=draw.randint(1, 2),
        turn_cycles=draw.choice((0, 0, 3)),
        ramp_cycles=draw.randint(0, 3),
        touch_cycles=draw.choice((1, 1, 2)),
        cycles_per_wavelet=draw.choice((Fraction(1), Fraction(1), Fraction(9, 8))),
        queue_depth_wavelets=draw.randint(0, 6),
    )
    channels = draw.choice(("a", "a", "a", "ab"))
    ragged = _work(draw, Region(0, 0, rows, cols), longest=draw.choice((0, 60, 150)))
    program: tuple[ProgramPart, ...] = ()
    while not any(map(_nested, program)):
        if draw.random() < 0.5:
            program = (ragged, _overtaken(draw, spec, ragged))
        else:
            program = (ragged, *_parts(draw, spec, channels, depth=0, runs=MOST_RUNS))
    resident = np.full((rows, cols), draw.randint(0, 100), np.int64)
    return Case(spec, program, resident)


def _nested(part: ProgramPart) -> bool:
    """Whether a part is a loop over a loop, and both run."""
    return (
        isinstance(part, Loop)
        and part.times > 0
        and any(
            isinstance(inner, Loop) and (inner.times > 0 or _nested(inner)) for inner in part.body
        )
    )


def _overtaken(draw: Random, spec: WaferSpec, ragged: Work) -> Loop:
    """A loop in which a PE that is ahead waits for slower ones in its later passes only."""
    work = _work(draw, Region(0, 0, spec.rows, spec.cols), longest=12)
    messages: list[ProgramPart] = []
    for _ in range(draw.randint(1, 3)):
        row, col = draw.randrange(spec.rows), draw.randrange(spec.cols - 1)
        ends = [(row, col), (row, col + 1)]
        source, sink = ends if draw.random() < 0.5 else reversed(ends)
        messages.append(Send("send", source, sink, draw.randint(1, 4), "a"))
    if draw.random() < 0.3:
        messages.append(_activity(draw, spec, "a"))
    draw.shuffle(messages)
    if draw.random() < 0.5:
        return Loop((*messages, Loop((work,), draw.randint(1, 2))), draw.choice((20, 30)))
    return Loop((Loop((*messages, work), draw.choice((15, 20))), ragged), draw.randint(1, 2))


def _parts(
    draw: Random, spec: WaferSpec, channels: str, depth: int, runs: int
) -> tuple[ProgramPart, ...]:
    parts: list[ProgramPart] = []
    for _ in range(draw.randint(0 if depth else 1, 3)):
        if depth < 3 and draw.random() < 0.8 / (depth + 1):
            times = draw.choice((0, 1, 2, 3, 4, 5, 7, 12, 25, 50))
            body = _parts(draw, spec, channels, depth + 1, runs // max(times, 1))
            part: ProgramPart = Loop(body, times)
        else:
            part = _activity(draw, spec, draw.choice(channels))
        cost = sum(1 for _ in unroll([part]))
        if cost <= runs:
            runs -= cost
            parts.append(part)
    return tuple(parts)


def _activity(draw: Random, spec: WaferSpec, channel: str) -> Activity:
    row, col = draw.randrange(spec.rows), draw.randrange(spec.cols)
    region = Region(row, col, draw.randint(1, spec.rows - row), draw.randint(1, spec.cols - col))
    if draw.random() < 0.5:
        region = Region(0, 0, spec.rows, spec.cols)
    axis: Axis = draw.choice(("row", "column"))
    first, length, lines = (
        (region.col, region.cols, region.rows)
        if axis == "row"
        else (region.row, region.rows, region.cols)
    )
    root = first + draw.randrange(length)
    sign = draw.choice((1, -1))
    reach = first + length - 1 - root if sign > 0 else root - first
    wavelets = draw.choice((0, 1, 2, draw.randint(3, 9), draw.randint(10, 60)))
    each = wavelets if draw.random() < 0.6 else tuple(draw.choice((0, 1, 7)) for _ in range(lines))
    kind = draw.randrange(8)
    if kind < 2:
        return _work(draw, region)
    if kind == 2:
        place = region.row + draw.randrange(region.rows), region.col + draw.randrange(region.cols)
        return Multicast("multicast", region, place, wavelets, channel)
    if kind in (3, 6):
        lines_alike = (
            LineMulticast("lines", region, axis, root, each, channel),
            Shift("shift", region, axis, each, channel),
        )
        return lines_alike[kind == 6]
    if kind == 4:
        spacing = draw.randint(1, max(1, min(reach, 2)))
        positions = draw.randint(1, reach // spacing + 1)
        return Chain(
            name="chain",
            region=region,
            axis=axis,
            root=root,
            spacing=sign * spacing,
            positions=positions,
            wavelets=each,
            channel=channel,
            group=draw.choice((None, 2, 3)),
            software=draw.random() < 0.5,
        )
    if kind == 5:
        return Star("star", region, axis, root, sign, draw.randint(1, reach + 1), each, channel)
    source, sink = (
        (draw.randrange(spec.rows), draw.randrange(spec.cols)) for _ in ("source", "sink")
    )
    return Send("send", source, sink, wavelets, channel)


def _work(draw: Random, region: Region, longest: int = 80) -> Work:
    chains = []
    for _ in range(draw.randint(1, 3)):
        ops = tuple(
            VectorOp(op, draw.choice((0, draw.randint(1, 9), draw.randint(0, longest))), 0, 8, 8)
            for op in draw.sample(range(OPS), draw.randint(0, 2))
        )
        chains.append(OpChain(ops))
    runs = tuple((1, draw.randint(-1, len(chains) - 1)) for _ in range(region.pes))
    return Work("work", region, tuple(chains), runs)
