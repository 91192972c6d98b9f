"""Which elements each op works on: a PE's whole shard, its rows, its columns, or one number.

An op over the shard runs strip by strip. An op that makes something smaller of it (a norm, a row
mean) is a reduction: each PE does its part, and wavelets carry the rest. Row and column
statistics of a matrix in blocks live on every PE of the row or column of PEs that shares them.
Other matrices that the step multiplies lie in blocks of their own on the same PEs. Statistics of
stacked matrices, which lie whole in the PEs, are made and stay where their matrices are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import Final

from wse_emulator.errors import UnknownOpError
from wse_emulator.ops.contractions import OWN, Block, Product, Side
from wse_emulator.ops.parameter_axes import Along, ParameterAxes
from wse_emulator.ops.product_reader import GeneralProductError, ProductReader
from wse_emulator.ops.stacks import (
    Statistic,
    joined,
    reduces_the_stack,
    stack_height,
    stacked_matrix,
    statistic_along,
    statistic_of,
)
from wse_emulator.ops.table import multiplies, record_of
from wse_emulator.ops.transfers import Transfer, TransferError, transfer_of
from wse_emulator.ops.unknown import unknown_op
from wse_emulator.program import Parameter, StepProgram, TensorOp, ValueKind


class Space(Enum):
    """What a tensor's elements are to the PEs that hold its parameter."""

    SHARD = "shard"  # as many elements as the parameter: spread over the PEs
    ROWS = "rows"  # one element a row of the matrix
    COLS = "cols"  # one element a column of the matrix
    STACK_ROWS = "stack rows"  # one element a row of each of the PE's stacked matrices
    STACK_COLS = "stack cols"  # one element a column of each
    MATRICES = "matrices"  # one element a matrix
    ONE = "one"  # a number that every PE of the region holds


Place = Space | Block
"""Where elements lie: as the parameter's do, or in blocks beside them."""


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

    over: Place
    result: Place
    across: bool
    product: Product | None = None
    transfer: Transfer | None = None

    @property
    def gathered(self) -> bool:
        """Whether strips add up to the result: it is complete after the last one."""
        return self.over is Space.SHARD and self.result is not Space.SHARD


_SIZE = {
    Space.SHARD: 4,
    Space.ROWS: 3,
    Space.COLS: 3,
    Space.STACK_ROWS: 3,
    Space.STACK_COLS: 3,
    Space.MATRICES: 2,
    Space.ONE: 1,
}

_VECTORS: Mapping[Place, Side] = {Space.ROWS: "down", Space.COLS: "across"}
"""Along which side of the rectangle a statistic lies."""

_MADE: Mapping[Side | None, Space] = {None: Space.SHARD, "down": Space.ROWS, "across": Space.COLS}
"""What a product makes that is no block beside."""

_PRODUCTS_REMEDY: Final = (
    "multiply whole matrices of the parameter, or matrices that lie beside it, one at a time; "
    "write a matrix as the product of the two others in their order, or of their transposes"
)

STACKED: Mapping[Statistic, Space] = {
    "rows": Space.STACK_ROWS,
    "cols": Space.STACK_COLS,
    "matrices": Space.MATRICES,
}
"""What belongs to stacked matrices: each PE has that of its own."""


def spaces_of(program: StepProgram, parameter: Parameter) -> dict[int, OpSpace]:
    """Op index -> space, for all ops of one parameter.

    Raises:
        UnknownOpError: an op without a record; a shape that is neither the parameter's, nor a row
            or column statistic of it, nor one number, nor a matrix that the step multiplies; a sum
            of different stacked matrices; a matrix joined with its transpose; a scan or shift along
            lines that PEs do not hold; or a product that PEs cannot carry out.
    """
    return SpaceReader(program, parameter).read_all()


def matrices_beside(program: StepProgram, parameter: Parameter) -> ProductReader | None:
    """Where the matrices lie that a step multiplies; None if it multiplies none, or is refused."""
    if not any(multiplies(op) for op in program.ops_of(parameter.index)):
        return None
    reader = SpaceReader(program, parameter)
    try:
        reader.read_all()
    except UnknownOpError:
        return None  # the plan of the step says why
    return reader.products


class SpaceReader:
    """Reads the ops of one parameter's step, in order, and keeps what their values are."""

    def __init__(self, program: StepProgram, parameter: Parameter) -> None:
        self.parameter = parameter
        self.values = program.values
        self.program = program
        self.ops = ops = program.ops_of(parameter.index)
        self.known: dict[int, Place] = {}
        self.axes = ParameterAxes(program, parameter)
        self.products = ProductReader(program, parameter, self.axes)
        lines = works_on_lines(parameter, ops)
        self.stacked = lines and stacked_matrix(parameter, ops, self.axes) is not None

    def read_all(self) -> dict[int, OpSpace]:
        """The space in which each op runs, by op index."""
        spaces = {op.index: self.read(op) for op in self.ops}
        self.check_transfers(spaces)
        return spaces

    def read(self, op: TensorOp) -> OpSpace:
        """Where one op runs."""
        parameter = self.parameter
        record = record_of(op.name)
        if record is None:
            raise unknown_op(op, self.program)
        rule = record.axes
        operands = [self._operand(op, position) for position in range(len(op.reads))]
        product = transfer = None
        result: Place
        try:
            vectors = [_VECTORS.get(place) for place in operands]
            plain = not (rule.multiplies or rule.orders)
            beside = self.products.note(op, vectors) if plain else None
            line = self._line(op, operands) if rule.reduces and beside is None else None
            if rule.multiplies:
                product, made = self.products.read(op, vectors)
                result = made if isinstance(made, Block) else _MADE[made]
            elif beside is not None:
                result = Space.SHARD if beside == OWN else beside
            elif line is not None:
                result = _MADE[line]
            else:
                result = self._plain(op, operands, reduces=rule.reduces)
                transfer = self._transfer(op, result) if rule.orders else None
        except GeneralProductError as error:
            raise _refused(op, parameter, str(error), remedy=_PRODUCTS_REMEDY) from error
        if product is None:
            together = {*operands, result}
            if beside is not None or line is not None:  # vectors were seen to lie along it
                together -= {*_VECTORS}
            self._refuse_joined(op, together)
        over = max([*operands, result], key=_size)
        stays = _size(result) == _size(over) or result in STACKED.values()
        for index, space in zip(op.reads, operands, strict=True):
            self.known.setdefault(index, space)
        for index in op.writes:
            self.known.setdefault(index, result)
        across = product is not None or transfer is not None or not stays
        return OpSpace(over, result, across, product, transfer)

    def _plain(self, op: TensorOp, operands: Sequence[Place], *, reduces: bool) -> Place:
        """What an op makes that reads no product of matrices."""
        if self.axes.turned and self.axes.transposes(op):
            raise _refused(
                op,
                self.parameter,
                "joins a matrix with its transpose, or with other axes exchanged",
            )
        whole = self.parameter.shape
        looks_alike = reduces and op.numel > 1 and statistic_of(op.shape, whole) is not None
        if looks_alike and reduces_the_stack(op, whole, self.axes):
            raise _refused(op, self.parameter, "adds up different ones of its stacked matrices")
        return self._result(op, operands)

    def _line(self, op: TensorOp, operands: Sequence[Place]) -> Side | None:
        """Along which side the sums lie that an op makes of the lines of a matrix beside."""
        position = next((i for i, x in enumerate(operands) if isinstance(x, Block)), None)
        return None if position is None else self.products.kept(op, position)

    def _refuse_joined(self, op: TensorOp, together: Set[Place]) -> None:
        """Refuse an elementwise op on elements that lie in different PEs."""
        if {Space.ROWS, Space.COLS} <= together:
            raise _refused(op, self.parameter, "joins row and column statistics")
        blocks = {place for place in together if isinstance(place, Block)}
        if len(blocks) > 1 or (blocks and not together <= {*blocks, Space.ONE}):
            raise _refused(op, self.parameter, "joins a matrix with what lies in other blocks")

    def check_transfers(self, spaces: Mapping[int, OpSpace]) -> None:
        """Refuse a scan or shift through the whole tensor where others need whole lines of it."""
        if not any(space.transfer for space in spaces.values()):
            return
        lines = {Space.ROWS, Space.COLS, *STACKED.values()}
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

    def _operand(self, op: TensorOp, position: int) -> Place:
        index, shape = op.reads[position], op.read_shapes[position]
        return (
            self.products.block(op, position)
            or self._by_size(shape)
            or self._by_axes(self.axes.operand(op, position))
            or self.known.get(index)
            or self._by_shape(op, self.values[index].shape if multiplies(op) else shape)
        )

    def _result(self, op: TensorOp, operands: Sequence[Place]) -> Place:
        for index in op.writes:
            if index in self.known:
                return self.known[index]
        fresh = None if op.reads else self.products.fresh(op)
        known = fresh or self._by_size(op.shape) or self._by_axes(self.axes.result(op))
        if known is not None:
            return known
        if Space.SHARD not in operands:  # elementwise on a row or a column
            smaller = [s for s in operands if isinstance(s, Space) and s is not Space.ONE]
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

    def _transfer(self, op: TensorOp, result: Place) -> Transfer | None:
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
    """Whether PEs have to hold whole lines: for a statistic of them, or to move elements along."""
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


def _size(place: Place) -> int:
    return _SIZE[Space.SHARD if isinstance(place, Block) else place]


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
    """Norms that only feed a sum of squares over several parameters, as the global norm does.

    Over shards the squares add up in the same way, so each PE keeps its own accumulator and only
    the total travels: no tensor needs a reduction of its own.
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
