"""Random machines and programs, for the searches that compare engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from wse_emulator.activities import (
    Activity,
    Axis,
    Chain,
    LineMulticast,
    Multicast,
    OpChain,
    ProgramPart,
    Send,
    Shift,
    Star,
    VectorOp,
    Work,
)
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

OPS = 6
Draw = Callable[[st.SearchStrategy], object]


@dataclass(frozen=True, slots=True)
class Case:
    """A machine, a program, and what is in SRAM before."""

    spec: WaferSpec
    activities: tuple[ProgramPart, ...]
    resident_bytes: IntArray

    def __repr__(self) -> str:
        spec = self.spec
        fields = (
            "rows",
            "cols",
            "hop_cycles",
            "turn_cycles",
            "ramp_cycles",
            "touch_cycles",
            "cycles_per_wavelet",
            "queue_depth_wavelets",
            "activation_cycles",
            "completion_cycles",
        )
        machine = ", ".join(f"{name}={getattr(spec, name)!r}" for name in fields)
        return f"Case(machine({machine}), {self.activities!r})"


def machine(**fields: object) -> WaferSpec:
    """A small machine; all else as documented."""
    return WaferSpec(**{"name": "drawn", "rows": 1, "cols": 1, "clock_hz": 1, **fields})


WAVELETS = st.one_of(st.integers(0, 3), st.integers(4, 24), st.integers(25, 200))
CYCLES = st.one_of(st.integers(0, 60), st.integers(0, 60), st.integers(100, 300))
CHANNELS = st.sampled_from("abcd")


@st.composite
def machines(draw: Draw, largest: int = 16) -> WaferSpec:
    rows, cols = draw(
        st.one_of(
            st.tuples(st.integers(1, largest), st.integers(1, largest)),
            st.tuples(st.integers(1, 2), st.integers(1, largest + largest // 2)),
            st.tuples(st.integers(1, largest + largest // 2), st.integers(1, 2)),
        )
    )
    return machine(
        rows=rows,
        cols=cols,
        hop_cycles=draw(st.integers(1, 2)),
        turn_cycles=draw(st.sampled_from((0, 0, 0, 3))),
        ramp_cycles=draw(st.integers(0, 3)),
        touch_cycles=draw(st.sampled_from((1, 1, 1, 2))),
        cycles_per_wavelet=draw(st.sampled_from((Fraction(1), Fraction(1), Fraction(9, 8)))),
        queue_depth_wavelets=draw(st.integers(0, 8)),
        activation_cycles=draw(st.integers(0, 5)),
        completion_cycles=draw(st.integers(0, 5)),
    )


@st.composite
def regions(draw: Draw, rows: int, cols: int) -> Region:
    row, col = draw(st.integers(0, rows - 1)), draw(st.integers(0, cols - 1))
    return Region(row, col, draw(st.integers(1, rows - row)), draw(st.integers(1, cols - col)))


@st.composite
def op_chains(draw: Draw) -> OpChain:
    strips, tail = draw(st.integers(0, 3)), draw(st.booleans())
    ops = []
    for op in draw(st.lists(st.integers(0, OPS - 1), max_size=4, unique=True)):
        once = draw(st.booleans())
        allocated = draw(st.sampled_from((0, 0, 8, 64)))
        ops.append(
            VectorOp(
                op=op,
                strip_cycles=draw(CYCLES),
                tail_cycles=draw(st.integers(0, 30)) if tail and not once else 0,
                allocates_bytes=allocated,
                releases_bytes=allocated,
                once=once,
            )
        )
    plain = [i for i, op in enumerate(ops) if not op.once]
    if len(plain) > 1:  # one temporary lives from an op to a later one
        first, last = plain[0], plain[-1]
        ops[first] = _with(ops[first], allocates=128)
        ops[last] = _with(ops[last], releases=128)
    return OpChain(tuple(ops), strips, tail)


def _with(op: VectorOp, allocates: int = 0, releases: int = 0) -> VectorOp:
    return VectorOp(
        op.op,
        op.strip_cycles,
        op.tail_cycles,
        op.allocates_bytes + allocates,
        op.releases_bytes + releases,
        op.once,
    )


@st.composite
def works(draw: Draw, region: Region) -> Work:
    chains = tuple(draw(st.lists(op_chains(), min_size=1, max_size=3)))
    runs = []
    left = region.pes
    while left:
        pes = draw(st.integers(1, left)) if len(runs) < 5 else left
        runs.append((pes, draw(st.integers(-1, len(chains) - 1))))
        left -= pes
    return Work("work", region, chains, tuple(runs))


@st.composite
def per_line(draw: Draw, lines: int) -> int | tuple[int, ...]:
    if draw(st.booleans()):
        return draw(WAVELETS)
    few = draw(st.lists(WAVELETS, min_size=1, max_size=3))
    return tuple(draw(st.lists(st.sampled_from([0, *few]), min_size=lines, max_size=lines)))


def extent(region: Region, axis: Axis) -> tuple[int, int, int]:
    """First position, length, and number of lines."""
    if axis == "row":
        return region.col, region.cols, region.rows
    return region.row, region.rows, region.cols


@st.composite
def chains(draw: Draw, region: Region) -> Chain:
    axis = draw(st.sampled_from(("row", "column")))
    first, length, lines = extent(region, axis)
    root = draw(st.integers(first, first + length - 1))
    sign = draw(st.sampled_from((1, -1)))
    room = first + length - 1 - root if sign > 0 else root - first
    spacing = draw(st.integers(1, max(1, min(room, 4))))
    most = room // spacing + 1
    positions = draw(st.one_of(st.just(most), st.integers(1, most)))
    group = draw(st.one_of(st.none(), st.integers(1, most)))
    wavelets = draw(per_line(lines))
    return Chain(
        name="chain",
        region=region,
        axis=axis,
        root=root,
        spacing=sign * spacing,
        positions=positions,
        wavelets=wavelets,
        channel=draw(CHANNELS),
        group=group,
        software=draw(st.booleans()),
    )


@st.composite
def stars(draw: Draw, region: Region) -> Star:
    axis = draw(st.sampled_from(("row", "column")))
    first, length, lines = extent(region, axis)
    root = draw(st.integers(first, first + length - 1))
    sign = draw(st.sampled_from((1, -1)))
    room = first + length - 1 - root if sign > 0 else root - first
    positions = draw(st.integers(1, min(room, 9) + 1))
    return Star("star", region, axis, root, sign, positions, draw(per_line(lines)), draw(CHANNELS))


@st.composite
def line_multicasts(draw: Draw, region: Region) -> LineMulticast:
    axis = draw(st.sampled_from(("row", "column")))
    first, length, lines = extent(region, axis)
    root = draw(st.integers(first, first + length - 1))
    return LineMulticast("lines", region, axis, root, draw(per_line(lines)), draw(CHANNELS))


@st.composite
def shifts(draw: Draw, region: Region) -> Shift:
    axis = draw(st.sampled_from(("row", "column")))
    lines = extent(region, axis)[2]
    return Shift("shift", region, axis, draw(per_line(lines)), draw(CHANNELS))


@st.composite
def multicasts(draw: Draw, region: Region) -> Multicast:
    root = (
        draw(st.integers(region.row, region.row_stop - 1)),
        draw(st.integers(region.col, region.col_stop - 1)),
    )
    return Multicast("multicast", region, root, draw(WAVELETS), draw(CHANNELS))


@st.composite
def sends(draw: Draw, spec: WaferSpec) -> Send:
    pes = st.tuples(st.integers(0, spec.rows - 1), st.integers(0, spec.cols - 1))
    return Send("send", draw(pes), draw(pes), draw(WAVELETS), draw(CHANNELS))


Kind = Callable[..., st.SearchStrategy]
KINDS: tuple[Kind, ...] = (
    *(works, multicasts, line_multicasts, chains, chains, stars),
    *(shifts, sends, sends),
)


@st.composite
def cases(
    draw: Draw, largest: int = 16, longest: int = 16, kinds: tuple[Kind, ...] = KINDS
) -> Case:
    """Programs of works and messages in overlapping regions, ready raggedly, on few channels."""
    spec = draw(machines(largest))
    wafer = Region(0, 0, spec.rows, spec.cols)
    places = [wafer, *draw(st.lists(regions(spec.rows, spec.cols), max_size=4))]
    activities: list[Activity] = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=longest)):
        region = draw(st.sampled_from(places))
        activities.append(draw(sends(spec) if kind is sends else kind(region)))
    resident = np.full((spec.rows, spec.cols), draw(st.integers(0, 1_000)), np.int64)
    return Case(spec, tuple(activities), resident)
