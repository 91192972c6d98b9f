"""From a record to the machine and the kernel it was measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from wse_emulator.collectives.algorithms import Kind, LineAlgorithm
from wse_emulator.collectives.bounds import broadcast_terms, reduce_terms, two_sided_cycles
from wse_emulator.collectives.compose import RootPlace, line_arms, root_of
from wse_emulator.collectives.planner import cheapest
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import kernels
from wse_emulator.questions.validate.kernels import Modelled
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.wafer.machine_file import preset
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.registry import silicon
from wse_emulator.wafer.spec import WaferSpec

OperationModel = Callable[[Measurement, WaferSpec], Modelled]


def machine_of(record: Measurement) -> WaferSpec:
    """The preset that a record is compared with.

    A record measured on hardware is compared with the preset of that hardware's measured rates,
    if there is one.

    Raises:
        UnknownNameError: no such machine.
    """
    spec = preset(record.machine)
    return (silicon(spec.name) or spec) if record.kind == "hardware" else spec


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that is modelled.

    Attributes:
        model: simulates it.
        line: the mean error it is meant to stay within, as a fraction.
        bound: cycles by the published formula, if that covers it.
    """

    model: OperationModel
    line: float
    bound: Callable[[Measurement, WaferSpec], int] | None = None


def _vector_op(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.vector_op(
        record.word("op"),
        record.word("dtype"),
        record.number("elements"),
        record.flag("bank_conflict"),
        spec,
    )


def algorithm_of(record: Measurement) -> LineAlgorithm:
    """The reduction algorithm a record names.

    Raises:
        CollectiveError: there is none of that name.
    """
    kind = cast("Kind", record.word("algorithm").replace("_", "-"))  # checked by the value itself
    return LineAlgorithm(kind, record.number("group") if kind == "two-phase" else 0)


def _wavelets(record: Measurement) -> int:
    return record.number("wavelets")


def _reduce_1d(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.reduce_1d(algorithm_of(record), record.number("pes"), _wavelets(record), spec)


def _reduce_1d_bound(record: Measurement, spec: WaferSpec) -> int:
    terms = reduce_terms(algorithm_of(record), record.number("pes"), _wavelets(record))
    return terms.cycles(spec)


def _allreduce_2d(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.allreduce_2d(
        record.number("rows"), record.number("cols"), _wavelets(record), _root(record), spec
    )


def _root(record: Measurement) -> RootPlace:
    word = record.word("root", "centre")
    if word not in ("centre", "edge"):
        raise MalformedFileError(
            f"record {record.id} ({record.operation}): root has to be centre or edge, got {word!r}"
        )
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


def _relay_chain(record: Measurement, spec: WaferSpec) -> Modelled:
    return kernels.relay_chain(record.number("stages"), _wavelets(record), spec)


def _gemm(record: Measurement, spec: WaferSpec) -> Modelled:
    known = "column_broadcast_row_reduce"
    if record.word("algorithm", known) != known:
        raise MalformedFileError(
            f"record {record.id} (gemm): algorithm {record.word('algorithm')!r} is not modelled; "
            f"only {known}"
        )
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


OPERATIONS: Final = {
    "vector_op": Operation(_vector_op, 0.10),
    "reduce_1d": Operation(_reduce_1d, 0.05, _reduce_1d_bound),
    "allreduce_2d": Operation(_allreduce_2d, 0.05, _allreduce_2d_bound),
    "stream": Operation(_stream, 0.05),
    "relay_chain": Operation(_relay_chain, 0.05),
    "gemm": Operation(_gemm, 0.15),
    "gemv": Operation(_gemv, 0.25),
}
"""Operation name -> how it is modelled."""

NOT_MODELLED: Final = {
    "train_step": "forward and backward passes are not modelled",
}
"""Operations that records may hold and the machine does not run, with the reason."""
