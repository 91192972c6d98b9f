"""Which elements each op works on: a PE's whole shard, its rows, its columns, or one number.

An op over the shard runs strip by strip. An op that makes something smaller of it (a norm, a row
mean) is a reduction: each PE does its part, and wavelets carry the rest. Row and column
statistics of a matrix in blocks live on every PE of the row or column of PEs that shares them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod

from wse_emulator.errors import UnknownOpError
from wse_emulator.program import Parameter, StepProgram, TensorOp, ValueKind


class Space(Enum):
    """What a tensor's elements are to the PEs that hold its parameter."""

    SHARD = "shard"  # as many elements as the parameter: spread over the PEs
    ROWS = "rows"  # one element a row of the matrix
    COLS = "cols"  # one element a column of the matrix
    ONE = "one"  # a number that every PE of the region holds


@dataclass(frozen=True, slots=True)
class OpSpace:
    """Where an op runs.

    Attributes:
        over: the largest of its operands and its result: what a PE loops over.
        result: what it makes.
        across: whether PEs have to combine their parts of the result.
    """

    over: Space
    result: Space
    across: bool


_SIZE = {Space.SHARD: 3, Space.ROWS: 2, Space.COLS: 2, Space.ONE: 1}


def spaces_of(program: StepProgram, parameter: Parameter) -> dict[int, OpSpace]:
    """Op index -> space, for all ops of one parameter.

    Raises:
        UnknownOpError: a shape that is neither the parameter's, nor a row or column statistic of
            it, nor one number; or a product of matrices.
    """
    spaces: dict[int, OpSpace] = {}
    known: dict[int, Space] = {}
    for op in program.ops_of(parameter.index):
        if op.base_name in ("mm", "bmm", "addmm", "mv", "matmul"):
            raise _refused(op, parameter, "is a product of matrices spread over many PEs")
        operands = [
            _space(op, shape, parameter, known.get(index), program.values[index].name)
            for index, shape in zip(op.reads, op.read_shapes, strict=True)
        ]
        result = _result_space(op, parameter, known, operands)
        over = max([*operands, result], key=_SIZE.__getitem__)
        if {Space.ROWS, Space.COLS} <= {*operands, result}:
            raise _refused(op, parameter, "joins row and column statistics")
        spaces[op.index] = OpSpace(over, result, _SIZE[result] < _SIZE[over])
        for index, space in zip(op.reads, operands, strict=True):
            known.setdefault(index, space)
        for index in op.writes:
            known.setdefault(index, result)
    return spaces


def _result_space(
    op: TensorOp, parameter: Parameter, known: Mapping[int, Space], operands: Sequence[Space]
) -> Space:
    for index in op.writes:
        if index in known:
            return known[index]
    if op.shape in (parameter.shape, ()) or prod(op.shape) in (0, 1, parameter.numel):
        return _space(op, op.shape, parameter, None, "")
    if Space.SHARD not in operands:  # elementwise on a row or a column
        smaller = [s for s in operands if s is not Space.ONE]
        if smaller:
            return smaller[0]
    return _statistic(op, op.shape, parameter, None, _reduced_axis(op))


def _space(
    op: TensorOp, shape: tuple[int, ...], parameter: Parameter, known: Space | None, name: str
) -> Space:
    if shape == parameter.shape:
        return Space.SHARD
    if prod(shape) == 1:
        return Space.ONE
    if prod(shape) == parameter.numel:
        return Space.SHARD
    if known is not None:
        return known
    return _statistic(op, shape, parameter, "col" if name.endswith("col") else None, None)


def _statistic(
    op: TensorOp,
    shape: tuple[int, ...],
    parameter: Parameter,
    said: str | None,
    reduced_axis: int | None,
) -> Space:
    """Row or column statistic, by shape; a square matrix needs the axis or the name."""
    whole = parameter.shape
    rank = len(whole)
    if rank >= 2:
        batch = prod(whole[:-2])
        rows = shape in (whole[:-1], (*whole[:-1], 1))
        cols = shape in ((*whole[:-2], whole[-1]), (*whole[:-2], 1, whole[-1]))
        if rows and cols:
            of_rows = said is None if reduced_axis is None else reduced_axis % rank == rank - 1
            rows, cols = of_rows, not of_rows
        if cols and batch > 1:
            raise _refused(
                op, parameter, f"keeps column statistics of each of {batch} matrices apart"
            )
        if rows:
            return Space.ROWS
        if cols:
            return Space.COLS
    raise _refused(op, parameter, f"works on shape {list(shape)} of a tensor {list(whole)}")


def _reduced_axis(op: TensorOp) -> int | None:
    axes = [s for s in op.scalars if isinstance(s, int) and not isinstance(s, bool)]
    return axes[-1] if axes else None


def _refused(op: TensorOp, parameter: Parameter, why: str) -> UnknownOpError:
    return UnknownOpError(
        f"{op.name} of {parameter.name} {why}, which is not modelled on the wafer",
        parameter=parameter.name,
        remedy="choose an optimizer whose step is elementwise or reduces whole tensors, rows and "
        "columns of matrices",
    )


def local_reductions(program: StepProgram) -> frozenset[int]:
    """Norms that only feed a sum of squares over several parameters.

    The global norm adds ``norm * norm`` of every tensor to one accumulator. Over shards the
    squares add up in the same way, so each PE keeps its own accumulator and only the total
    travels: no tensor needs a reduction of its own.
    """
    users: dict[int, list[TensorOp]] = {}
    for op in program.ops:
        for index in set(op.reads):
            users.setdefault(index, []).append(op)
    shared = accumulators(program)
    found = set()
    for op in program.ops:
        if op.base_name != "linalg_vector_norm" or op.owner is None or len(op.writes) != 1:
            continue
        order = [s for s in op.scalars if isinstance(s, (int, float)) and s != 2]
        squared = all(
            user.base_name == "addcmul"
            and user.writes[0] in shared
            and user.reads.count(op.writes[0]) == 2
            for user in users.get(op.writes[0], [])
        )
        if not order and squared:
            found.add(op.index)
    return frozenset(found)


def accumulators(program: StepProgram) -> frozenset[int]:
    """Numbers without a parameter into which ops of parameters add: sums over the wafer."""
    return frozenset(
        index
        for op in program.ops
        if op.owner is not None
        for index in op.writes
        if program.values[index].parameter is None
        and program.values[index].kind is ValueKind.TEMPORARY
    )
