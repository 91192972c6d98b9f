"""Activities: the entries of the program that the engines run.

A program is an ordered list of activities, and of loops that repeat a part of it. The geometry of
an activity says which PEs take part. Each PE executes its activities in the order of the list and
never overtakes. Everything else (a reduction in two phases, a gather, a ring) is composed of these
[2.1, 2.2, 2.8].

An activity of 0 wavelets sends nothing, and nobody waits for it. The same holds for lines,
rectangles and chains of one PE, and for a message from a PE to itself [4.4].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final, Literal

from wse_emulator.wafer.region import Region

Axis = Literal["row", "column"]
"""How the lines of a region run: along its rows (positions are columns) or along its columns."""

MOST_CYCLES: Final = 50_000_000
"""Longest program that is simulated: an engine's answer holds several numbers for every cycle."""


@dataclass(frozen=True, slots=True)
class VectorOp:
    """One op of a chain with its cost on a PE.

    Attributes:
        op: index of the op in ``StepProgram.ops``.
        strip_cycles: cycles over one full strip (whole cost for an op with ``once``).
        tail_cycles: cycles over the last, shorter strip; 0 if there is none.
        allocates_bytes: SRAM taken when the op starts on a strip (its strip temporaries).
        releases_bytes: SRAM given back when the op ends on a strip.
        once: a scalar op: runs in the first strip only.
    """

    op: int
    strip_cycles: int
    tail_cycles: int = 0
    allocates_bytes: int = 0
    releases_bytes: int = 0
    once: bool = False


@dataclass(frozen=True, slots=True)
class OpChain:
    """A chain of ops over the shard of one PE, which runs strip by strip [2.5].

    ``strips`` full strips come first, then one tail strip if ``tail`` is true. A chain whose
    ops take no cycle at all (an empty shard) costs nothing, and its PEs take no part.
    """

    ops: tuple[VectorOp, ...]
    strips: int = 1
    tail: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """Work on the PEs of a region: each runs its chain of vector ops, without communication [2.3].

    Attributes:
        name: what the trace shows, usually the tensor's name.
        region: the PEs.
        chains: the distinct chains (few: shards come in few sizes).
        runs: run-length code over the region's PEs in row-major order: ``(pes, chain)`` with
            ``chain`` an index into ``chains`` or -1 for PEs that take no part; sums to
            ``region.pes``.
        tensor: index of the parameter, or None for the controller.
        begins_collective: whether it is the start of a collective, and no arithmetic.
    """

    name: str
    region: Region
    chains: tuple[OpChain, ...]
    runs: tuple[tuple[int, int], ...]
    tensor: int | None = None
    begins_collective: bool = False

    def __post_init__(self) -> None:
        covered, chains = 0, len(self.chains)
        for pes, chain in self.runs:
            if pes < 0 or not -1 <= chain < chains:  # words are made for an error alone
                _require(pes >= 0, self.name, f"a run of {pes} PEs")
                _require(False, self.name, f"a run names chain {chain} of {chains}")
            covered += pes
        _require(
            covered == self.region.pes,
            self.name,
            f"the runs cover {covered} of the {self.region.pes} PEs of the region",
        )


def compute(name: str, region: Region, cycles: int | Fraction) -> Work:
    """The same busy cycles on every PE of a region, as op 0 of the program.

    Args:
        name: what the trace shows.
        region: the PEs.
        cycles: of each of them; a fraction is rounded up, since a PE is busy for whole cycles.

    Example:
        >>> from fractions import Fraction
        >>> compute("sum", Region(0, 0, 1, 4), Fraction(9, 2)).chains[0].ops[0].strip_cycles
        5
    """
    chain = OpChain((VectorOp(op=0, strip_cycles=ceil(cycles), once=True),))
    return Work(name=name, region=region, chains=(chain,), runs=((region.pes, 0),))


@dataclass(frozen=True, slots=True)
class Multicast:
    """One message from ``root`` to every other PE of ``region``: along the root's column, then
    along the rows [4.3].

    Attributes:
        root: (row, col) of the source, inside the region.
        wavelets: message length; 0 means there is no message and nobody waits.
        channel: name of the route set; channels of different names contend on shared links.
    """

    name: str
    region: Region
    root: tuple[int, int]
    wavelets: int
    channel: str
    tensor: int | None = None

    def __post_init__(self) -> None:
        _require(
            self.region.contains(*self.root),
            self.name,
            f"root {self.root} lies outside region {self.region.as_list()}",
        )
        _require(self.wavelets >= 0, self.name, f"{self.wavelets} wavelets")


@dataclass(frozen=True, slots=True)
class LineMulticast:
    """One message in each line of ``region``, from the PE at ``root`` to all others of the line.

    Attributes:
        axis: how the lines run.
        root: absolute column (axis "row") or row (axis "column") of every line's source.
        wavelets: message length, one number or one for each line; a line with 0 sends nothing.
    """

    name: str
    region: Region
    axis: Axis
    root: int
    wavelets: int | tuple[int, ...]
    channel: str
    tensor: int | None = None

    def __post_init__(self) -> None:
        _check_lines(self.name, self.region, self.axis, self.wavelets)
        _check_position(self.name, self.region, self.axis, self.root)


@dataclass(frozen=True, slots=True)
class Chain:
    """Reduction along every line of a region: each PE adds what it receives and passes it on in
    the same touch [4.1].

    The line's positions are ``root + k * spacing`` for k = 0 .. ``positions`` - 1. They are cut
    into groups of ``group`` consecutive positions (the last may be shorter); each group is a chain
    of its own that ends at its first position. ``group`` 2 is one round of a tree; ``group`` below
    ``positions`` the first phase of a two-phase reduction.

    Attributes:
        axis: how the lines run.
        root: absolute column (axis "row") or row (axis "column") of position 0.
        spacing: PEs from one position to the next, signed; never 0.
        positions: positions of a line.
        wavelets: message length, one number or one for each line; a line with 0 takes no part.
        group: positions of a group; None for one group.
        software: whether each position receives and passes on in a task that the head starts. The
            task begins the machine's ``activation_cycles + completion_cycles`` after the head is
            there. A chain without it is set up before and needs no task.
    """

    name: str
    region: Region
    axis: Axis
    root: int
    spacing: int
    positions: int
    wavelets: int | tuple[int, ...]
    channel: str
    group: int | None = None
    tensor: int | None = None
    software: bool = False

    def __post_init__(self) -> None:
        _check_lines(self.name, self.region, self.axis, self.wavelets)
        _require(self.spacing != 0, self.name, "a chain with spacing 0")
        _require(self.positions >= 1, self.name, f"{self.positions} positions")
        _require(self.group is None or self.group >= 1, self.name, f"groups of {self.group}")
        for position in (self.root, self.root + (self.positions - 1) * self.spacing):
            _check_position(self.name, self.region, self.axis, position)

    @property
    def group_positions(self) -> int:
        """The number of positions of a full group."""
        return self.positions if self.group is None else min(self.group, self.positions)


@dataclass(frozen=True, slots=True)
class Star:
    """Reduction along every line of a region in which each PE sends straight to the root, the
    nearest first [4.2].

    Attributes:
        axis: how the lines run.
        root: absolute column (axis "row") or row (axis "column") of the root.
        direction: +1 if the leaves lie at larger indices than the root, -1 if at smaller ones.
        positions: positions of a line, the root among them.
        wavelets: message length, one number or one for each line; a line with 0 takes no part.
    """

    name: str
    region: Region
    axis: Axis
    root: int
    direction: int
    positions: int
    wavelets: int | tuple[int, ...]
    channel: str
    tensor: int | None = None

    def __post_init__(self) -> None:
        _check_lines(self.name, self.region, self.axis, self.wavelets)
        _require(self.direction in (-1, 1), self.name, f"direction {self.direction}")
        _require(self.positions >= 1, self.name, f"{self.positions} positions")
        for position in (self.root, self.root + (self.positions - 1) * self.direction):
            _check_position(self.name, self.region, self.axis, position)


@dataclass(frozen=True, slots=True)
class Shift:
    """Every PE of every line of a region sends to the PE two places on, all at once [4.5].

    The line is a ring that is folded onto it, in the order of :func:`ring_order`: even positions
    pass outward and odd ones back, at the two ends to the neighbour. No way is longer than two
    links, and no link carries two of the messages. A PE sends and takes at the same time.

    Attributes:
        axis: how the lines run.
        wavelets: message length, one number or one for each line; a line with 0 takes no part.
    """

    name: str
    region: Region
    axis: Axis
    wavelets: int | tuple[int, ...]
    channel: str
    tensor: int | None = None

    def __post_init__(self) -> None:
        _check_lines(self.name, self.region, self.axis, self.wavelets)

    @property
    def moves(self) -> tuple[tuple[int, int], ...]:
        """(source, sink) of a line's messages, in absolute positions; none if it has one PE."""
        region = self.region
        first, pes = (region.col, region.cols) if self.axis == "row" else (region.row, region.rows)
        if pes == 1:
            return ()
        ring = [first + position for position in ring_order(pes)]
        return tuple(zip(ring, (*ring[1:], first), strict=True))


@dataclass(frozen=True, slots=True)
class Send:
    """One message from ``source`` to ``sink``, both (row, col): along the row, then along the
    column."""

    name: str
    source: tuple[int, int]
    sink: tuple[int, int]
    wavelets: int
    channel: str
    tensor: int | None = None

    def __post_init__(self) -> None:
        _require(min(*self.source, *self.sink) >= 0, self.name, "a PE with a negative index")
        _require(self.wavelets >= 0, self.name, f"{self.wavelets} wavelets")

    @property
    def region(self) -> Region:
        """The smallest rectangle that holds source and sink, and with them the route."""
        rows = sorted((self.source[0], self.sink[0]))
        cols = sorted((self.source[1], self.sink[1]))
        return Region(rows[0], cols[0], rows[1] - rows[0] + 1, cols[1] - cols[0] + 1)


LineActivity = LineMulticast | Chain | Star | Shift
"""Activities that do the same in every line of a region."""

Message = Multicast | LineMulticast | Chain | Star | Shift | Send
"""Activities that use the fabric."""

Activity = Work | Message


@dataclass(frozen=True, slots=True)
class Loop:
    """A part of a program that runs several times in a row [2.8].

    Attributes:
        body: the activities and inner loops of one pass, in order.
        times: passes; 0 means that the body never runs.
        name: what a reader calls it.

    Example:
        >>> from wse_emulator.activities import Loop, Send, unroll
        >>> step = Send("step", (0, 0), (0, 1), wavelets=8, channel="a")
        >>> [leaf for leaf, _ in unroll([Loop((step, Loop((step,), times=2)), times=2)])]
        [0, 1, 1, 0, 1, 1]
    """

    body: tuple[ProgramPart, ...]
    times: int
    name: str = "loop"

    def __post_init__(self) -> None:
        if self.times < 0:
            raise ValueError(f"loop {self.name!r}: {self.times} times")


ProgramPart = Activity | Loop
"""What a program lists. Its *leaves* are the activities written in it, each once, in order."""


def leaves(program: Sequence[ProgramPart]) -> Iterator[tuple[Activity, int]]:
    """The leaves of a program in order, each with how often it runs in all."""
    for part in program:
        if isinstance(part, Loop):
            for activity, times in leaves(part.body):
                yield activity, times * part.times
        else:
            yield part, 1


def unroll(program: Sequence[ProgramPart], first: int = 0) -> Iterator[tuple[int, Activity]]:
    """The activities of a program as they run, each with its leaf, numbered from ``first`` on."""
    for part in program:
        if isinstance(part, Loop):
            for _ in range(part.times):
                yield from unroll(part.body, first)
            first += sum(1 for _ in leaves(part.body))
        else:
            yield first, part
            first += 1


def ring_order(positions: int) -> tuple[int, ...]:
    """The positions of a line as a ring that is folded onto it: neighbours are at most 2 apart."""
    return (*range(0, positions, 2), *range(positions - 1 - positions % 2, 0, -2))


def line_wavelets(activity: LineActivity) -> tuple[int, ...]:
    """The wavelets of each line, in the order of the region's rows (axis "row") or columns."""
    if isinstance(activity.wavelets, tuple):
        return activity.wavelets
    return (activity.wavelets,) * _lines(activity.region, activity.axis)


def _lines(region: Region, axis: Axis) -> int:
    return region.rows if axis == "row" else region.cols


def _check_lines(name: str, region: Region, axis: Axis, wavelets: int | tuple[int, ...]) -> None:
    _require(axis in ("row", "column"), name, f"axis {axis!r}, which is 'row' or 'column'")
    if isinstance(wavelets, tuple):
        lines = _lines(region, axis)
        _require(len(wavelets) == lines, name, f"{len(wavelets)} lengths for the {lines} lines")
        _require(min(wavelets) >= 0, name, f"{min(wavelets)} wavelets")
    else:
        _require(wavelets >= 0, name, f"{wavelets} wavelets")


def _check_position(name: str, region: Region, axis: Axis, position: int) -> None:
    first, stop = (region.col, region.col_stop) if axis == "row" else (region.row, region.row_stop)
    _require(
        first <= position < stop,
        name,
        f"position {position} lies outside region {region.as_list()} along its {axis}s",
    )


def _require(fine: bool, name: str, what: str) -> None:
    if not fine:
        raise ValueError(f"activity {name!r}: {what}")
