"""One collective by itself: time, bounds, candidates, link loads, routes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from wse_emulator.activities import Activity, Multicast
from wse_emulator.collectives import bounds
from wse_emulator.collectives.algorithms import KINDS, Kind, LineAlgorithm
from wse_emulator.collectives.compose import (
    RootPlace,
    line_arms,
    reduce_2d,
    ring_all_reduce,
    root_of,
)
from wse_emulator.collectives.line_time import broadcast_cycles
from wse_emulator.collectives.planner import Candidate, candidates
from wse_emulator.collectives.routes import RouterColors, routers_document
from wse_emulator.engines.alone import run_alone
from wse_emulator.errors import CollectiveError, near
from wse_emulator.inputs.given import DEFAULT_WAFER, whole_number
from wse_emulator.request import EngineName, check_mode_and_engine
from wse_emulator.results.answer import Answer
from wse_emulator.wafer.parse import Settings, machine_given
from wse_emulator.wafer.region import PLANES, Region
from wse_emulator.wafer.spec import WaferSpec

CollectiveKind = Literal["broadcast", "reduce", "all-reduce"]
COLLECTIVES: Final[tuple[CollectiveKind, ...]] = ("broadcast", "reduce", "all-reduce")
Choice = Literal["auto", "ring"] | Kind
CHOICES: Final[tuple[Choice, ...]] = ("auto", *KINDS, "ring")
ROOTS: Final[tuple[RootPlace, ...]] = ("edge", "centre")
CHANNEL: Final = "collective"
SCHEMA: Final = "wse-collective/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveRequest:
    """What is asked for.

    Attributes:
        kind: broadcast, reduce or all-reduce.
        rows, cols: PEs that take part; one of them 1 for a line.
        wavelets: length of the vector.
        algorithm: of the reduction; ``auto`` for the cheapest, ``ring`` for an all-reduce along
            a line.
        group: PEs of a group of a two-phase reduction; None for the best.
        root: where the root lies: ``centre`` or ``edge`` (the first PE).
    """

    kind: CollectiveKind
    rows: int
    cols: int
    wavelets: int
    algorithm: Choice = "auto"
    group: int | None = None
    root: RootPlace = "edge"


@dataclass(frozen=True, slots=True)
class LinkLoad:
    """Use of the links of one direction.

    Attributes:
        plane: E, W, S, N, or D for the ramps into the PEs.
        links: links used.
        busiest_cycles: cycles booked on the busiest.
        total_cycles: cycles booked on all.
    """

    plane: str
    links: int
    busiest_cycles: int
    total_cycles: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Study(Answer):
    """The answer.

    Attributes:
        request: what was asked.
        wafer: name of the machine.
        cycles, seconds: simulated time, all PEs ready at once.
        formula_cycles: the published formula for the algorithms used.
        least_cycles: no algorithm is faster: distance and length of the vector.
        algorithms: what was used along the rows, and along the root's column.
        row_candidates, column_candidates: time of every algorithm, cheapest first.
        loads: use of the links.
        activities: what ran, for the router table.

    Example:
        >>> study = wse_emulator.collective("broadcast", pes=64, wavelets=256)
        >>> study.algorithms
        ('multicast',)
        >>> sorted(study.tables())
        ['links']
    """

    request: CollectiveRequest
    wafer: str
    cycles: int
    seconds: float
    formula_cycles: int
    least_cycles: int
    algorithms: tuple[str, ...]
    row_candidates: tuple[Candidate, ...]
    column_candidates: tuple[Candidate, ...]
    loads: tuple[LinkLoad, ...]
    activities: tuple[Activity, ...]

    def document(self, routers: tuple[RouterColors, ...] | None = None) -> dict[str, object]:
        """The JSON document (schema ``wse-collective/1``).

        Args:
            routers: colors and routes of every PE, to be listed by those that have the same.
        """
        return collective_document(self, routers)


def collective(  # noqa: PLR0913 - the options of the command
    kind: CollectiveKind,
    *,
    wavelets: int,
    pes: int | None = None,
    rows: int | None = None,
    cols: int | None = None,
    algorithm: Choice = "auto",
    group: int | None = None,
    root: RootPlace = "edge",
    wafer: str | WaferSpec = DEFAULT_WAFER,
    set: Settings = (),
    engine: EngineName = "array",
) -> Study:
    """Time one collective by itself, on an otherwise empty wafer.

    Args:
        kind: ``broadcast``, ``reduce`` or ``all-reduce``.
        wavelets: length of the vector in 32-bit words.
        pes: PEs of a line; or ``rows`` and ``cols`` of a rectangle.
        rows, cols: see ``pes``.
        algorithm: ``auto`` takes the cheapest.
        group: PEs of a group of the algorithm ``two-phase``; default: the best.
        root: ``edge`` or ``centre``: where the PE lies that sends, or receives the sum.
        wafer: as :func:`wse_emulator.run` takes it.
        set: figures of the machine to change, as ``{"hop_cycles": 2}``.
        engine: ``array`` or ``pe``; the answers are equal to the cycle.

    Raises:
        CollectiveError: no such kind, algorithm or shape, or the wafer is too small.
        InputError: something else where a number belongs, or an unknown wafer or engine.

    Example:
        >>> study = wse_emulator.collective("reduce", pes=512, wavelets=4096)
        >>> study.cycles >= study.least_cycles
        True
        >>> study.algorithms
        ('rows: chain',)
    """
    _check_choice("kind of collective", kind, COLLECTIVES)
    _check_choice("algorithm", algorithm, CHOICES)
    _check_choice("root", root, ROOTS)
    check_mode_and_engine("pipelined", engine)
    spec = machine_given(wafer, set)
    shape = collective_shape(
        whole_number("pes", pes), whole_number("rows", rows), whole_number("cols", cols), spec
    )
    length = whole_number("wavelets", wavelets)
    request = CollectiveRequest(
        kind=kind,
        rows=shape[0],
        cols=shape[1],
        wavelets=0 if length is None else length,
        algorithm=algorithm,
        group=whole_number("group", group),
        root=root,
    )
    return study(request, spec, engine=engine)


def collective_shape(
    pes: int | None, rows: int | None, cols: int | None, spec: WaferSpec
) -> tuple[int, int]:
    """Rows and columns of what was asked for; a line lies along a row if it fits.

    Raises:
        CollectiveError: a line and a rectangle at once, neither, or a line too long.
    """
    if pes is not None:
        if rows is not None or cols is not None:
            raise CollectiveError("give --pes for a line, or --rows and --cols, not both")
        if pes <= spec.cols:
            return 1, pes
        if pes <= spec.rows:
            return pes, 1
        raise CollectiveError(
            f"a line of {pes} PEs exceeds {spec.name}'s {spec.rows} rows and {spec.cols} columns"
        )
    if rows is None or cols is None:
        raise CollectiveError("give --pes for a line, or --rows and --cols for a rectangle")
    return rows, cols


def _check_choice(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise CollectiveError(
            f"there is no {what} {given!r}{near(str(given), known)}; one of {', '.join(known)}"
        )


def study(request: CollectiveRequest, spec: WaferSpec, *, engine: str = "array") -> Study:
    """Time one collective on an otherwise empty wafer.

    Raises:
        CollectiveError: the wafer is too small, or the algorithm does not go with the kind.
        WaferSpecError: rows or columns below 1 or beyond the wafer.
    """
    _check(request)
    cut = spec.scaled(request.rows, request.cols)
    region = Region(0, 0, request.rows, request.cols)
    root = root_of(region, request.root)
    arms = (line_arms(0, request.cols, root[1]), line_arms(0, request.rows, root[0]))
    ranked = [candidates(sides, request.wavelets, cut) for sides in arms]
    chosen = [_chosen(request, kinds) for kinds in ranked]
    activities = _activities(request, region, root, chosen, cut)
    timing = run_alone(activities, cut, engine=engine)
    reach = max(arms[0]) + max(arms[1]) - 2
    least = broadcast_cycles(reach, request.wavelets, cut)
    reduces = request.kind != "broadcast" and request.algorithm != "ring"
    return Study(
        request=request,
        wafer=spec.name,
        cycles=timing.elapsed_cycles,
        seconds=spec.seconds(timing.elapsed_cycles),
        formula_cycles=_formula(request, arms, chosen, cut),
        least_cycles=least,
        algorithms=_names(request, chosen, arms),
        row_candidates=ranked[0] if reduces and request.cols > 1 else (),
        column_candidates=ranked[1] if reduces and request.rows > 1 else (),
        loads=_loads(timing.link_busy),
        activities=activities,
    )


def _check(request: CollectiveRequest) -> None:
    if request.wavelets < 1:
        raise CollectiveError(f"{request.wavelets} wavelets; a message has at least 1")
    if request.group is not None and request.algorithm != "two-phase":
        raise CollectiveError(
            f"a group of {request.group} goes with --algorithm two-phase, not {request.algorithm}"
        )
    if request.group is not None and request.group < 1:
        raise CollectiveError(f"a group of {request.group}; give at least 1 PE")
    if request.kind == "broadcast" and request.algorithm != "auto":
        raise CollectiveError(
            f"a broadcast is one multicast and takes no algorithm, got {request.algorithm}"
        )
    if request.algorithm == "ring" and (request.kind != "all-reduce" or min(_shape(request)) > 1):
        raise CollectiveError("a ring is an all-reduce along a line; give all-reduce and --pes")


def _shape(request: CollectiveRequest) -> tuple[int, int]:
    return request.rows, request.cols


def _chosen(request: CollectiveRequest, ranked: tuple[Candidate, ...]) -> LineAlgorithm:
    """The algorithm of one half: the one asked for, or the cheapest."""
    kind = request.algorithm
    if kind == "auto" or kind == "ring":  # noqa: PLR1714 - mypy narrows comparisons, not tuples
        return ranked[0].algorithm
    if kind == "two-phase":
        if request.group is not None:
            return LineAlgorithm("two-phase", request.group)
        best = [c.algorithm for c in ranked if c.algorithm.kind == "two-phase"]
        return best[0] if best else LineAlgorithm("chain")  # a side of two PEs has no groups
    return LineAlgorithm(kind)


def _activities(
    request: CollectiveRequest,
    region: Region,
    root: tuple[int, int],
    chosen: list[LineAlgorithm],
    spec: WaferSpec,
) -> tuple[Activity, ...]:
    if request.algorithm == "ring":
        return ring_all_reduce(region, request.wavelets, name="ring", channel=CHANNEL)
    back = Multicast(
        name="broadcast", region=region, root=root, wavelets=request.wavelets, channel=CHANNEL
    )
    if request.kind == "broadcast":
        return (back,)
    summed = reduce_2d(
        region,
        root,
        request.wavelets,
        spec,
        name="reduce",
        channel=CHANNEL,
        row_algorithm=chosen[0],
        column_algorithm=chosen[1],
    )
    return summed if request.kind == "reduce" else (*summed, back)


def _formula(
    request: CollectiveRequest,
    arms: tuple[tuple[int, int], tuple[int, int]],
    chosen: list[LineAlgorithm],
    spec: WaferSpec,
) -> int:
    """The published formula, part by part."""
    if request.algorithm == "ring":
        return bounds.ring_cycles(request.rows * request.cols, request.wavelets, spec)
    total = 0
    if request.kind != "broadcast":
        for sides, algorithm in zip(arms, chosen, strict=True):
            total += bounds.two_sided_cycles(algorithm, sides, request.wavelets, spec)
    if request.kind != "reduce":
        back = bounds.broadcast_terms(max(arms[1]), max(arms[0]), request.wavelets)
        total += back.cycles(spec)
    return total


def _names(
    request: CollectiveRequest,
    chosen: list[LineAlgorithm],
    arms: tuple[tuple[int, int], tuple[int, int]],
) -> tuple[str, ...]:
    if request.algorithm == "ring":
        return ("ring",)
    if request.kind == "broadcast":
        return ("multicast",)
    where = ("rows", "column")
    parts = [
        f"{place}: {algorithm}"
        for place, algorithm, sides in zip(where, chosen, arms, strict=True)
        if max(sides) > 1
    ]
    return (*parts, "multicast") if request.kind == "all-reduce" else tuple(parts)


def _loads(link_busy: np.ndarray) -> tuple[LinkLoad, ...]:
    return tuple(
        LinkLoad(plane, int((busy > 0).sum()), int(busy.max()), int(busy.sum()))
        for plane, busy in zip(PLANES, link_busy, strict=True)
        if busy.any()
    )


def collective_document(answer: Study, table: tuple[RouterColors, ...] | None) -> dict[str, object]:
    """The answer as JSON holds it, schema ``wse-collective/1``; ``routers`` as :func:`roles`."""
    request = answer.request
    document: dict[str, object] = {
        "schema": SCHEMA,
        "kind": request.kind,
        "wafer": answer.wafer,
        "rows": request.rows,
        "cols": request.cols,
        "wavelets": request.wavelets,
        "root": request.root,
        "algorithms": list(answer.algorithms),
        "cycles": answer.cycles,
        "seconds": answer.seconds,
        "bounds": {
            "published_formula_cycles": answer.formula_cycles,
            "least_cycles": answer.least_cycles,
        },
        "candidates": {
            place: [{"algorithm": str(c.algorithm), "cycles": c.cycles} for c in ranked]
            for place, ranked in (
                ("rows", answer.row_candidates),
                ("column", answer.column_candidates),
            )
            if ranked
        },
        "request": {**dataclasses.asdict(request), "wafer": answer.wafer},
        "links": [
            {
                "plane": load.plane,
                "links": load.links,
                "busiest_cycles": load.busiest_cycles,
                "total_cycles": load.total_cycles,
            }
            for load in answer.loads
        ],
    }
    if table is not None:
        document["routers"] = routers_document(table)
    return document
