"""Which elements each op works on: a PE's whole shard, its rows, its columns, or one number.

An op over the shard runs strip by strip. An op that makes something smaller of it (a norm, a row
mean) is a reduction: each PE does its part, and wavelets carry the rest. Row and column
statistics of a matrix in blocks live on every PE of the row or column of PEs that shares them.
A matrix multiplied by its own transpose makes another one, in blocks on the same PEs. Statistics
of stacked matrices, which lie whole in the PEs, are made and stay where their matrices are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod

from wse_emulator.errors import UnknownOpError
from wse_emulator.ops.contractions import GeneralProductError, Product, ProductReader
from wse_emulator.ops.parameter_axes import Along, ParameterAxes
from wse_emulator.ops.stacks import (
    Statistic,
    joined,
    reduces_the_stack,
    stack_height,
    stacked_matrix,
    statistic_along,
    statistic_of,
)
from wse_emulator.ops.table import record_of
from wse_emulator.ops.transfers import Transfer, TransferError, transfer_of
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
        transfer: what passes from PE to PE, for a scan or a shift.
    """

    over: Space
    result: Space
    across: bool
    product: Product | None = None
    transfer: Transfer | None = None

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
            it, nor one number; a sum of different stacked matrices; a matrix joined with its
            transpose; a scan or shift along lines that PEs do not hold; or a product of matrices
            other than of a matrix with its own transpose, of symmetric matrices made of such
            products, or of one and the matrix.
    """
    ops = program.ops_of(parameter.index)
    reader = SpaceReader(program, parameter, ops)
    spaces = {op.index: reader.read(op) for op in ops}
    reader.check_transfers(spaces)
    return spaces


class SpaceReader:
    """Reads the ops of one parameter's step, in order, and keeps what their values are."""

    def __init__(self, program: StepProgram, parameter: Parameter, ops: Sequence[TensorOp]) -> None:
        self.parameter = parameter
        self.ops = ops
        self.known: dict[int, Space] = {}
        self.products = ProductReader(parameter.shape)
        self.axes = ParameterAxes(program, parameter)
        lines = works_on_lines(parameter, ops)
        self.stacked = lines and stacked_matrix(parameter, ops, self.axes) is not None

    def read(self, op: TensorOp) -> OpSpace:
        """Where one op runs."""
        parameter = self.parameter
        record = record_of(op.name)
        rule = None if record is None else record.axes
        operands = [self._operand(op, position) for position in range(len(op.reads))]
        product = transfer = None
        if rule is not None and rule.multiplies:
            product, result = _product(op, parameter, self.products, operands)
        elif self.products.note(op):
            result = Space.GRAM
        else:
            if self.axes.turned and self.axes.transposes(op):
                raise _refused(
                    op, parameter, "joins a matrix with its transpose, or with other axes exchanged"
                )
            if rule is not None and rule.reduces:
                self._refuse_sums_over_the_stack(op)
            result = self._result(op, operands)
            if rule is not None and rule.orders:
                transfer = self._transfer(op, result)
        together = {*operands, result}
        if {Space.ROWS, Space.COLS} <= together:
            raise _refused(op, parameter, "joins row and column statistics")
        if product is None and Space.GRAM in together and not together <= {Space.GRAM, Space.ONE}:
            raise _refused(op, parameter, "joins a Gram matrix with what lies in other blocks")
        over = max([*operands, result], key=_SIZE.__getitem__)
        stays = _SIZE[result] == _SIZE[over] or result in STACKED.values()
        for index, space in zip(op.reads, operands, strict=True):
            self.known.setdefault(index, space)
        for index in op.writes:
            self.known.setdefault(index, result)
        across = product is not None or transfer is not None or not stays
        return OpSpace(over, result, across, product, transfer)

    def _refuse_sums_over_the_stack(self, op: TensorOp) -> None:
        whole = self.parameter.shape
        looks_alike = op.numel > 1 and statistic_of(op.shape, whole) is not None
        if looks_alike and reduces_the_stack(op, whole, self.axes):
            raise _refused(op, self.parameter, "adds up different ones of its stacked matrices")

    def check_transfers(self, spaces: Mapping[int, OpSpace]) -> None:
        """Refuse a scan or shift through the whole tensor where others need whole lines of it."""
        if not any(space.transfer for space in spaces.values()):
            return
        lines = {Space.ROWS, Space.COLS, Space.GRAM, *STACKED.values()}
        blocks = self.stacked or any(
            space.product is not None
            or {space.over, space.result} & lines
            or (space.transfer is not None and space.transfer.along != "all")
            for space in spaces.values()
        )
        for op in self.ops if blocks else ():
            transfer = spaces[op.index].transfer
            if transfer is not None and transfer.along == "all":
                raise _refused(
                    op,
                    self.parameter,
                    "moves elements through the whole tensor, which lies in blocks since other "
                    "ops work on its rows, columns or matrices",
                    remedy="move elements along one dimension",
                )

    def _operand(self, op: TensorOp, position: int) -> Space:
        index, shape = op.reads[position], op.read_shapes[position]
        if self.products.holds_gram(index, shape):
            return Space.GRAM
        return (
            self._by_size(shape)
            or self._by_axes(self.axes.operand(op, position))
            or self.known.get(index)
            or self._by_shape(op, shape)
        )

    def _result(self, op: TensorOp, operands: Sequence[Space]) -> Space:
        for index in op.writes:
            if index in self.known:
                return self.known[index]
        known = self._by_size(op.shape) or self._by_axes(self.axes.result(op))
        if known is not None:
            return known
        if Space.SHARD not in operands:  # elementwise on a row or a column
            smaller = [s for s in operands if s is not Space.ONE]
            if smaller:
                return smaller[0]
        return self._by_shape(op, op.shape)

    def _by_size(self, shape: tuple[int, ...]) -> Space | None:
        """What the number of elements says: as many as the parameter, or one."""
        elements = prod(shape)
        if shape == self.parameter.shape or elements == self.parameter.numel != 1:
            return Space.SHARD
        return Space.ONE if elements == 1 else None

    def _by_axes(self, dimensions: Sequence[Along | None]) -> Space | None:
        """What the axes of the parameter say that a tensor has; None if they are not known."""
        along = joined(dimensions)
        whole = self.parameter.shape
        if along is None or len(whole) < 2:
            return None
        if self.stacked:
            made = statistic_along(along, whole)
            return None if made is None else STACKED[made]
        long = frozenset(axis for axis, size in enumerate(whole) if size > 1)
        last = len(whole) - 1
        if along & long == long - {last}:
            return Space.ROWS
        if stack_height(whole) == 1 and along & long == long - {last - 1}:
            return Space.COLS
        return None

    def _by_shape(self, op: TensorOp, shape: tuple[int, ...]) -> Space:
        """Row or column statistic by shape, where axes are not known: of a square matrix, rows."""
        parameter, whole = self.parameter, self.parameter.shape
        if self.stacked:
            made = statistic_of(shape, whole)
            if made is not None:
                return STACKED[made]
        if len(whole) >= 2:
            if shape in (whole[:-1], (*whole[:-1], 1)):
                return Space.ROWS
            columns = ((*whole[:-2], whole[-1]), (*whole[:-2], 1, whole[-1]))
            if stack_height(whole) == 1 and shape in columns:
                return Space.COLS
        raise _refused(op, parameter, f"works on shape {list(shape)} of a tensor {list(whole)}")

    def _transfer(self, op: TensorOp, result: Space) -> Transfer | None:
        try:
            return transfer_of(
                op,
                self.parameter.shape,
                self.axes,
                whole_result=result is Space.SHARD,
                stacked=self.stacked,
            )
        except TransferError as error:
            raise _refused(
                op,
                self.parameter,
                str(error),
                remedy="scan or shift a matrix along its rows or columns, or a vector",
            ) from error


def works_on_lines(parameter: Parameter, ops: Iterable[TensorOp]) -> bool:
    """Whether a step may make statistics of rows, columns or matrices, or move elements."""
    return any(1 < op.numel < parameter.numel or moves(op) for op in ops)


def moves(op: TensorOp) -> bool:
    """Whether an element of the result depends on elements at other places: a scan or a shift."""
    record = record_of(op.name)
    return record is not None and record.axes.orders


def needs_lines(op: TensorOp, parameter: Parameter, axes: ParameterAxes) -> bool:
    """Whether PEs have to hold blocks of whole lines: for a statistic of rows or columns, or to
    move elements along them. A norm of all elements needs none."""
    if moves(op):
        try:
            transfer = transfer_of(
                op, parameter.shape, axes, whole_result=op.numel == parameter.numel, stacked=False
            )
        except TransferError:
            return False  # refused where its space is read
        return transfer is not None and transfer.along != "all"
    whole = (prod(shape) == parameter.numel for shape in op.read_shapes)
    return 1 < op.numel < parameter.numel and any(whole)


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
        order = op.arguments.get("ord", 2) != 2
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
