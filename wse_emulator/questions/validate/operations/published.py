"""Collectives, messages, vector instructions and products, as the planner of a step makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from wse_emulator.collectives.algorithms import Kind, LineAlgorithm
from wse_emulator.collectives.bounds import broadcast_terms, reduce_terms, two_sided_cycles
from wse_emulator.collectives.compose import RootPlace, line_arms, root_of
from wse_emulator.collectives.planner import cheapest
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import groups, kernels
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled
from wse_emulator.questions.validate.operation import KernelName, NullSize, Operation
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def _vector_op(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.vector_op(
        record.word("op"),
        record.word("dtype"),
        record.number("elements"),
        record.flag("bank_conflict"),
        spec,
    )


def _algorithm(record: Measurement) -> LineAlgorithm:
    kind = cast("Kind", record.word("algorithm").replace("_", "-"))  # checked by the value itself
    return LineAlgorithm(kind, record.number("group") if kind == "two-phase" else 0)


def _wavelets(record: Measurement) -> int:
    return record.number("wavelets")


def _reduce_1d(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.reduce_1d(_algorithm(record), record.number("pes"), _wavelets(record), spec)


def _reduce_1d_bound(record: Measurement, spec: WaferSpec) -> int:
    terms = reduce_terms(_algorithm(record), record.number("pes"), _wavelets(record))
    return terms.cycles(spec)


def _allreduce_2d(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.allreduce_2d(
        record.number("rows"), record.number("cols"), _wavelets(record), _root(record), spec
    )


def _root(record: Measurement) -> RootPlace:
    word = record.one_of("root", "centre", "edge", default="centre")
    return cast("RootPlace", word)


def _allreduce_2d_bound(record: Measurement, spec: WaferSpec) -> int:
    """The published formula of each half with its best algorithm, and of the broadcast."""
    rows, cols, wavelets = record.number("rows"), record.number("cols"), _wavelets(record)
    root = root_of(Region(0, 0, rows, cols), _root(record))
    total = 0
    for size, place in ((cols, root[1]), (rows, root[0])):
        arms = line_arms(0, size, place)
        total += two_sided_cycles(cheapest(arms, wavelets, spec).algorithm, arms, wavelets, spec)
    reach = [max(line_arms(0, size, place)) for size, place in ((rows, root[0]), (cols, root[1]))]
    return total + broadcast_terms(reach[0], reach[1], wavelets).cycles(spec)


def _stream(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.stream(record.number("hops"), _wavelets(record), spec)


def _hop_rate(record: Measurement, spec: WaferSpec) -> Modelled:
    record.one_of("direction", "east", "west", "north", "south")
    nearest, farthest = record.number("hops_from"), record.number("hops_to")
    if farthest <= nearest:
        raise MalformedFileError(
            f"record {record.id} ({record.operation}): parameter hops_to has to be above "
            f"hops_from ({nearest}), got {farthest}"
        )
    return kernels.hop_rate(nearest, farthest, spec)


def _relay_chain(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.relay_chain(record.number("stages"), _wavelets(record), spec)


def _gemm(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.gemm(
        record.number("rows"),
        record.number("cols"),
        record.number("n"),
        record.number("k"),
        record.number("m"),
        record.word("dtype"),
        spec,
    )


def _gemv(record: Measurement, spec: WaferSpec) -> Modelled:
    side = min(spec.rows, spec.cols)  # the largest square grid, where the record names none
    rows, cols = record.number("rows", side), record.number("cols", side)
    n, m = record.number("n"), record.number("m")
    return kernels.gemv(rows, cols, n, m, record.word("dtype"), spec)


ELEMENTS: Final = NullSize("elements", lambda record: record.number("elements"))
WAVELETS: Final = NullSize("wavelets", lambda record: record.number("wavelets"))
_REDUCE: Final = Operation(_reduce_1d, groups.REDUCE, bound=_reduce_1d_bound)
_GEMM: Final = Operation(_gemm, groups.PRODUCT)

PUBLISHED: Final[Mapping[KernelName, Operation]] = {
    ("vector_op", ""): Operation(_vector_op, groups.VECTOR, ELEMENTS),
    ("reduce_1d", "star"): _REDUCE,
    ("reduce_1d", "chain"): _REDUCE,
    ("reduce_1d", "tree"): _REDUCE,
    ("reduce_1d", "two_phase"): _REDUCE,
    ("allreduce_2d", ""): Operation(_allreduce_2d, groups.ALLREDUCE, bound=_allreduce_2d_bound),
    ("stream", ""): Operation(_stream, groups.STREAM, metrics=("cycles_beyond_zero_hops",)),
    ("hop_rate", ""): Operation(_hop_rate, groups.STREAM, metrics=("cycles_per_hop",)),
    ("relay_chain", ""): Operation(_relay_chain, groups.RELAY),
    ("gemm", ""): _GEMM,
    ("gemm", "column_broadcast_row_reduce"): _GEMM,
    ("gemv", ""): Operation(_gemv, groups.PRODUCT_WITH_VECTOR),
}
"""The operations of the records that the package has held from the start."""
