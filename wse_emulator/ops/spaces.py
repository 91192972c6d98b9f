"""Which elements each op works on: a PE's whole shard, its rows, its columns, or one number.

An op over the shard runs strip by strip. An op that makes something smaller of it (a norm, a row
mean) is a reduction: each PE does its part, and wavelets carry the rest. Row and column
statistics of a matrix in blocks live on every PE of the row or column of PEs that shares them.
A matrix multiplied by its own transpose makes another one, in blocks on the same PEs. Statistics
of stacked matrices, which lie whole in the PEs, are made and stay where their matrices are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod

from wse_emulator.errors import UnknownOpError
from wse_emulator.ops.contractions import PRODUCTS, GeneralProductError, Product, ProductReader
from wse_emulator.ops.stacks import (
    Statistic,
    reduced_axis,
    reduces_the_stack,
    stack_height,
    stacked_matrix,
    statistic_of,
)
from wse_emulator.program import Parameter, StepProgram, TensorOp, ValueKind


class Space(Enum):
    """What a tensor's elements are to the PEs that hold its parameter."""

    SHARD = "shard"  # as many elements as the parameter: spread over the PEs
    GRAM = "gram"  # one element a pair of rows (columns, if there are fewer): blocks of their own
    ROWS = "rows"  # one element a row of the matrix
    COLS = "cols"  # one element a column of the matrix
    STACK_ROWS = "stack rows"  # one element a row of each of the PE's stacked matrices
    STACK_COLS = "stack cols"  # one element a column of each
    MATRICES = "matrices"  # one element a matrix
    ONE = "one"  # a number that every PE of the region holds


@dataclass(frozen=True, slots=True)
class OpSpace:
    """Where an op runs.

    Attributes:
        over: the largest of its operands and its result: what a PE loops over.
        result: what it makes.
        across: whether PEs have to combine their parts of the result.
        product: how PEs multiply, for a product of matrices.
    """

    over: Space
    result: Space
    across: bool
    product: Product | None = None

    @property
    def gathered(self) -> bool:
        """Whether strips add up to the result: it is complete after the last one."""
        return self.over is Space.SHARD and self.result is not Space.SHARD


_SIZE = {
    Space.SHARD: 4,
    Space.GRAM: 4,
    Space.ROWS: 3,
    Space.COLS: 3,
    Space.STACK_ROWS: 3,
    Space.STACK_COLS: 3,
    Space.MATRICES: 2,
    Space.ONE: 1,
}

STACKED: Mapping[Statistic, Space] = {
    "rows": Space.STACK_ROWS,
    "cols": Space.STACK_COLS,
    "matrices": Space.MATRICES,
}
"""What belongs to stacked matrices: each PE has that of its own."""


def spaces_of(program: StepProgram, parameter: Parameter) -> dict[int, OpSpace]:
    """Op index -> space, for all ops of one parameter.

    Raises:
        UnknownOpError: a shape that is neither the parameter's, nor a row or column statistic of
            it, nor one number; a sum of different stacked matrices; or a product of matrices other
            than of a matrix with its own transpose, of symmetric matrices made of such products,
            or of one and the matrix.
    """
    spaces: dict[int, OpSpace] = {}
    known: dict[int, Space] = {}
    ops = program.ops_of(parameter.index)
    products = ProductReader(parameter.shape)
    stacked = stacked_matrix(parameter, ops) is not None
    for op in ops:
        operands = [
            Space.GRAM
            if products.holds_gram(index, shape)
            else _by_shape(shape, parameter, stacked=stacked)
            or known.get(index)
            or _statistic(
                op, shape, parameter, of_columns=program.values[index].name.endswith("col")
            )
            for index, shape in zip(op.reads, op.read_shapes, strict=True)
        ]
        product = None
        if op.base_name in PRODUCTS:
            product, result = _product(op, parameter, products, operands)
        elif products.note(op):
            result = Space.GRAM
        else:
            result = _result_space(op, parameter, known, operands, stacked=stacked)
        together = {*operands, result}
        if result in (Space.ROWS, *STACKED.values()) and reduces_the_stack(op, parameter.shape):
            raise _refused(op, parameter, "adds up different ones of its stacked matrices")
        if {Space.ROWS, Space.COLS} <= together:
            raise _refused(op, parameter, "joins row and column statistics")
        if product is None and Space.GRAM in together and not together <= {Space.GRAM, Space.ONE}:
            raise _refused(op, parameter, "joins a Gram matrix with what lies in other blocks")
        over = max([*operands, result], key=_SIZE.__getitem__)
        stays = _SIZE[result] == _SIZE[over] or result in STACKED.values()
        across = product is not None or not stays
        spaces[op.index] = OpSpace(over, result, across, product)
        for index, space in zip(op.reads, operands, strict=True):
            known.setdefault(index, space)
        for index in op.writes:
            known.setdefault(index, result)
    return spaces


def _product(
    op: TensorOp, parameter: Parameter, products: ProductReader, operands: Sequence[Space]
) -> tuple[Product, Space]:
    try:
        product, makes_gram = products.read(op)
    except GeneralProductError as error:
        raise _refused(
            op,
            parameter,
            str(error),
            remedy="multiply a matrix by its own transpose, or by a symmetric matrix made of such "
            "products, as Muon does",
        ) from error
    result = Space.GRAM if makes_gram else Space.SHARD
    if product.adds and operands[0] is not result:
        raise _refused(op, parameter, "adds a matrix that lies in other blocks than the product")
    return product, result


def _result_space(
    op: TensorOp,
    parameter: Parameter,
    known: Mapping[int, Space],
    operands: Sequence[Space],
    *,
    stacked: bool,
) -> Space:
    for index in op.writes:
        if index in known:
            return known[index]
    by_shape = _by_shape(op.shape, parameter, stacked=stacked)
    if by_shape is not None:
        return by_shape
    if Space.SHARD not in operands:  # elementwise on a row or a column
        smaller = [s for s in operands if s is not Space.ONE]
        if smaller:
            return smaller[0]
    axis, rank = reduced_axis(op), len(parameter.shape)
    last = axis is None or axis in (-1, rank - 1)
    return _statistic(op, op.shape, parameter, of_columns=not last)


def _by_shape(shape: tuple[int, ...], parameter: Parameter, *, stacked: bool) -> Space | None:
    """What a shape says by itself; None for a row or column statistic of one matrix."""
    elements = prod(shape)
    if shape == parameter.shape or elements == parameter.numel != 1:
        return Space.SHARD
    if elements == 1:
        return Space.ONE
    made = statistic_of(shape, parameter.shape) if stacked else None
    return None if made is None else STACKED[made]


def _statistic(
    op: TensorOp, shape: tuple[int, ...], parameter: Parameter, *, of_columns: bool
) -> Space:
    """Row or column statistic of one matrix, by shape; ``of_columns`` decides for a square one."""
    whole = parameter.shape
    if len(whole) >= 2:
        rows = shape in (whole[:-1], (*whole[:-1], 1))
        cols = stack_height(whole) == 1 and shape in (
            (*whole[:-2], whole[-1]),
            (*whole[:-2], 1, whole[-1]),
        )
        if rows and cols:
            return Space.COLS if of_columns else Space.ROWS
        if rows:
            return Space.ROWS
        if cols:
            return Space.COLS
    raise _refused(op, parameter, f"works on shape {list(shape)} of a tensor {list(whole)}")


def _refused(
    op: TensorOp,
    parameter: Parameter,
    why: str,
    remedy: str = "choose an optimizer whose step is elementwise or reduces whole tensors, rows "
    "and columns of matrices",
) -> UnknownOpError:
    return UnknownOpError(
        f"{op.name} of {parameter.name} {why}, which is not modelled on the wafer",
        parameter=parameter.name,
        remedy=remedy,
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
