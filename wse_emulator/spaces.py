"""Which elements each op works on: a PE's whole shard, its rows, its columns, or one number.

An op over the shard runs strip by strip. An op that makes something smaller of it (a norm, a row
mean) is a reduction: each PE does its part, and wavelets carry the rest. Row and column
statistics of a matrix in blocks live on every PE of the row or column of PEs that shares them.
A matrix multiplied by its own transpose makes another one, in blocks on the same PEs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod

from wse_emulator.errors import UnknownOpError
from wse_emulator.products import PRODUCTS, GeneralProductError, Product, ProductReader
from wse_emulator.program import Parameter, StepProgram, TensorOp, ValueKind


class Space(Enum):
    """What a tensor's elements are to the PEs that hold its parameter."""

    SHARD = "shard"  # as many elements as the parameter: spread over the PEs
    GRAM = "gram"  # one element a pair of rows (columns, if there are fewer): blocks of their own
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
        product: how PEs multiply, for a product of matrices.
    """

    over: Space
    result: Space
    across: bool
    product: Product | None = None


_SIZE = {Space.SHARD: 3, Space.GRAM: 3, Space.ROWS: 2, Space.COLS: 2, Space.ONE: 1}


def spaces_of(program: StepProgram, parameter: Parameter) -> dict[int, OpSpace]:
    """Op index -> space, for all ops of one parameter.

    Raises:
        UnknownOpError: a shape that is neither the parameter's, nor a row or column statistic of
            it, nor one number; or a product of matrices other than of a matrix with its own
            transpose, of symmetric matrices made of such products, or of one and the matrix.
    """
    spaces: dict[int, OpSpace] = {}
    known: dict[int, Space] = {}
    products = ProductReader(parameter.shape)
    for op in program.ops_of(parameter.index):
        operands = [
            Space.GRAM
            if products.holds_gram(index, shape)
            else _space(op, shape, parameter, known.get(index), program.values[index].name)
            for index, shape in zip(op.reads, op.read_shapes, strict=True)
        ]
        product = None
        if op.base_name in PRODUCTS:
            product, result = _product(op, parameter, products, operands)
        elif products.note(op):
            result = Space.GRAM
        else:
            result = _result_space(op, parameter, known, operands)
        together = {*operands, result}
        if {Space.ROWS, Space.COLS} <= together:
            raise _refused(op, parameter, "joins row and column statistics")
        if product is None and Space.GRAM in together and not together <= {Space.GRAM, Space.ONE}:
            raise _refused(op, parameter, "joins a Gram matrix with what lies in other blocks")
        over = max([*operands, result], key=_SIZE.__getitem__)
        across = product is not None or _SIZE[result] < _SIZE[over]
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
