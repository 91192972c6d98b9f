"""Measured kernels rebuilt on the emulated machine, from the same parts as everything else.

Each function returns a :class:`Modelled`: cycles of the engine, and what had to be assumed since
the publication does not say it. No function knows a published value.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

from wse_emulator.activities import Activity, Multicast, OpChain, Send, VectorOp, compute
from wse_emulator.collectives.algorithms import LineAlgorithm, LineSet, reduce_lines
from wse_emulator.collectives.compose import RootPlace, choose, reduction_lines, root_of
from wse_emulator.cost.instructions import vector_op_cycles
from wse_emulator.engines.alone import run_alone
from wse_emulator.errors import CollectiveError
from wse_emulator.lowering.matmul import Site, product_activities
from wse_emulator.ops.contractions import Product
from wse_emulator.placement.pieces import Piece, largest_piece
from wse_emulator.placement.shards import block_grid, block_runs
from wse_emulator.placement.values import TensorPlacement
from wse_emulator.plan.panels import MultiplyAdds, Round, multiply_adds
from wse_emulator.questions.validate.modelled import Modelled, NotModelledError
from wse_emulator.wafer.messages import free_latency
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

BYTES: Final = {"float32": 4, "float16": 2}
VECTOR_OPS: Final = {"copy": "move", "fma": "fma", "add": "add", "mul": "mul", "max": "max"}
CHANNEL: Final = "kernel"


def line_region(pes: int, spec: WaferSpec) -> Region:
    """A line of PEs: a row where it fits, else a column.

    Raises:
        CollectiveError: the wafer has no line that long.
    """
    if pes <= spec.cols:
        return Region(0, 0, 1, pes)
    if pes <= spec.rows:
        return Region(0, 0, pes, 1)
    raise CollectiveError(
        f"a line of {pes} PEs exceeds {spec.name}'s {spec.rows} rows and {spec.cols} columns"
    )


def element_bytes(dtype: str) -> int:
    """Bytes of an element.

    Raises:
        NotModelledError: another format than float32 or float16.
    """
    if dtype not in BYTES:
        raise NotModelledError(f"format {dtype!r} is not modelled; one of {', '.join(BYTES)}")
    return BYTES[dtype]


def vector_op(op: str, dtype: str, elements: int, bank_conflict: bool, spec: WaferSpec) -> Modelled:
    """One vector instruction on one PE.

    Raises:
        NotModelledError: another op or format.
    """
    element_bytes(dtype)
    if op not in VECTOR_OPS:
        raise NotModelledError(f"op {op!r} is not modelled; one of {', '.join(VECTOR_OPS)}")
    cycles = vector_op_cycles(VECTOR_OPS[op], dtype, elements, spec, bank_conflict=bank_conflict)
    one = Region(0, 0, 1, 1)
    timing = run_alone([compute(op, one, cycles)], spec.scaled(1, 1))
    return Modelled(timing.elapsed_cycles)


def reduce_1d(algorithm: LineAlgorithm, pes: int, wavelets: int, spec: WaferSpec) -> Modelled:
    """A reduction along a line to its first PE."""
    region = line_region(pes, spec)
    lines = LineSet(
        name="reduce",
        region=region,
        axis="row" if region.rows == 1 else "column",
        root=0,
        wavelets=wavelets,
        channel=CHANNEL,
    )
    timing = run_alone(reduce_lines(lines, algorithm), spec.scaled(region.rows, region.cols))
    return Modelled(timing.elapsed_cycles)


def allreduce_2d(
    rows: int, cols: int, wavelets: int, root: Literal["centre", "edge"], spec: WaferSpec
) -> Modelled:
    """A sum over a rectangle that all PEs get; algorithms as the planner chooses them."""
    cut, region = spec.scaled(rows, cols), Region(0, 0, rows, cols)
    place = root_of(region, root)
    halves = reduction_lines(region, place, wavelets, name="reduce", channel=CHANNEL)
    chosen = [choose(lines, cut) for lines in halves]
    back = Multicast(name="result", region=region, root=place, wavelets=wavelets, channel=CHANNEL)
    rows_summed = reduce_lines(halves[0], chosen[0])
    column_summed = reduce_lines(halves[1], chosen[1])
    timing = run_alone([*rows_summed, *column_summed, back], cut)
    return Modelled(
        timing.elapsed_cycles,
        (f"planner's choice: rows by {chosen[0]}, the {root}'s column by {chosen[1]}",),
    )


def stream(hops: int, wavelets: int, spec: WaferSpec) -> Modelled:
    """A message over ``hops`` links, less the latency it would have over none."""
    region = line_region(hops + 1, spec)
    message = Send(
        name="stream",
        source=(0, 0),
        sink=(region.rows - 1, region.cols - 1),
        wavelets=wavelets,
        channel=CHANNEL,
    )
    timing = run_alone([message], spec.scaled(region.rows, region.cols))
    return Modelled(timing.elapsed_cycles - free_latency(0, spec))


def hop_rate(nearest: int, farthest: int, spec: WaferSpec) -> Modelled:
    """Cycles a hop of one wavelet: the slope between a near and a far sink."""
    near, far = (stream(hops, 1, spec).cycles for hops in (nearest, farthest))
    return Modelled(Fraction(far - near) / (farthest - nearest))


def relay_chain(stages: int, wavelets: int, spec: WaferSpec) -> Modelled:
    """Store-and-forward through ``stages`` relays, until the sink's task has begun.

    Each relay takes the whole message before it sends it on; the sink begins on the first
    wavelet of the last message, whose body is therefore not waited for.
    """
    region = line_region(stages + 2, spec)
    places = [(0, k) if region.rows == 1 else (k, 0) for k in range(stages + 2)]
    activities: list[Activity] = []
    for stage, (source, sink) in enumerate(pairwise(places)):
        last = stage == stages
        activities += [
            compute("dispatch", Region(*source, 1, 1), spec.dispatch_cycles),
            Send(
                name="relay",
                source=source,
                sink=sink,
                wavelets=1 if last else wavelets,
                channel=CHANNEL,
            ),
            compute("task", Region(*sink, 1, 1), spec.activation_cycles + spec.completion_cycles),
        ]
    timing = run_alone(activities, spec.scaled(region.rows, region.cols))
    return Modelled(
        timing.elapsed_cycles, ("the sink begins on the first wavelet of the last message",)
    )


def gemm(rows: int, cols: int, n: int, k: int, m: int, dtype: str, spec: WaferSpec) -> Modelled:
    """C (n x m) = A (n x k) B (k x m) on rows x cols PEs.

    A PE holds a tile of A; its rows of B come down its column in one multicast; it adds B's
    entry times a column of A to a column of C, for each of them; the tiles of C are summed along
    the rows to the first PE. Arrays lie as a linker packs them: A, B, C.

    Raises:
        NotModelledError: another format than float32 or float16.
    """
    product = Product(lines=m, summed="across")
    cycles, assumed, algorithm = _multiplied(product, (n, k), (rows, cols), dtype, spec, "edge")
    return Modelled(cycles, (*assumed, f"rows reduced by {algorithm}, to the edge"))


def gemv(rows: int, cols: int, n: int, m: int, dtype: str, spec: WaferSpec) -> Modelled:
    """y (n) = A (n x m) x on rows x cols PEs, x lying with the columns of A.

    Each PE adds x's entry times a column of its tile to its part of y; parts are summed along the
    rows to the centre column, where the result stays.

    Raises:
        NotModelledError: another format than float32 or float16.
    """
    product = Product(lines=1, summed="across", vectors=True)
    cycles, assumed, algorithm = _multiplied(product, (n, m), (rows, cols), dtype, spec, "centre")
    return Modelled(
        cycles,
        (
            *assumed,
            f"grid {rows} x {cols}",
            f"clock {Fraction(spec.clock_hz, 10**6)} MHz",
            f"rows reduced by {algorithm} to the centre, where the result stays",
        ),
    )


def _multiplied(
    product: Product,
    matrix: tuple[int, int],
    pes: tuple[int, int],
    dtype: str,
    spec: WaferSpec,
    root: RootPlace,
) -> tuple[int, tuple[str, ...], LineAlgorithm]:
    """Cycles of a product in one round, what was assumed, and how its sums add up.

    All PEs run one program, so tiles are of one size, padded where the matrix is not. The bank
    rule decides which multiply-adds conflict: the tile, the other operand and the result lie one
    after another, each line at its own address.
    """
    spec = replace(spec, products="csl")  # programs from before the vendor's kernels were known
    size = element_bytes(dtype)
    formats = (dtype, dtype)
    rows, cols = (-(-side // over) * over for side, over in zip(matrix, pes, strict=True))
    grid = block_grid((rows, cols), *pes)
    tensor = TensorPlacement(0, "product", Region(0, 0, *pes), "blocks", block_runs(grid), grid)

    def multiplied(piece: Piece, panel: Round) -> MultiplyAdds:
        sides = piece.rows, piece.cols
        return multiply_adds(product, formats, sides, panel.lines, spec, packed=True)

    def chain(panel: Round, piece: Piece) -> OpChain:
        cycles = multiplied(piece, panel).cost.cycles
        return OpChain((VectorOp(op=0, strip_cycles=cycles, once=True),))

    site = Site(tensor, CHANNEL, root)
    activities = product_activities(site, product, formats, product.lines, chain, spec)
    timing = run_alone(activities, spec.scaled(*pes))
    largest = largest_piece(tensor)
    adds = multiplied(largest, Round(product.lines))
    packed = largest.elements + (largest.rows + largest.cols) * product.lines
    share = f"{adds.conflicts} of {adds.passes} multiply-adds conflict in the banks"
    assumed = [f"arrays packed in order; {share}"]
    if packed * size > spec.sram_bytes_per_pe:
        assumed.append(f"{packed * size:,} B per PE, more than its {spec.sram_bytes_per_pe:,} B")
    sums = site.lines("row", product, product.lines, dtype, spec)
    return timing.elapsed_cycles, tuple(assumed), choose(sums, spec)
