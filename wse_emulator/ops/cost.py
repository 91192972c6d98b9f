"""Cost of one captured tensor op on one PE."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from wse_emulator.cost.kernel import FREE, Kernel, OpCost, Operand, UnsupportedFormatError
from wse_emulator.ops.axes import takes_innermost
from wse_emulator.ops.call import Call
from wse_emulator.ops.table import describes, record_of
from wse_emulator.ops.unknown import NO_COST, unknown_op
from wse_emulator.program import StepProgram, TensorOp
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec


def is_free(op: TensorOp) -> bool:
    """Whether the op is a view or an allocation, which costs nothing on a PE."""
    record = record_of(op.name)
    return record is not None and record.instructions is None


def is_scalar_op(op: TensorOp) -> bool:
    """Whether the result and every operand have one element: a scalar op, run once."""
    return op.numel == 1 and all(prod(shape) == 1 for shape in op.read_shapes)


def op_cost(
    op: TensorOp,
    program: StepProgram,
    elements: int,
    spec: WaferSpec,
    *,
    bank_conflict: bool = False,
) -> OpCost:
    """Cycles of ``op`` on a PE that holds ``elements`` elements of it.

    Args:
        op: the captured op.
        program: the program it belongs to; names and formats of its operands.
        elements: length of the PE's shard or strip: of the result, or of the larger operand of
            a reduction. A scalar op costs the same for any number but 0.
        spec: the machine.
        bank_conflict: instructions with two memory sources find both in the same bank group.

    Returns:
        The cost; all zero for ``elements`` = 0 and for free ops.

    Raises:
        UnknownOpError: the PE has no such op; the message names op and parameter.
        WaferSpecError: the machine has no rate for an instruction of the op.
    """
    record = record_of(op.name)
    if elements == 0 or (record is not None and record.instructions is None):
        return FREE
    dtypes = tuple(program.values[index].dtype for index in op.reads)
    try:
        return _cost(_call(op, dtypes), elements, spec, bank_conflict)
    except UnsupportedFormatError as error:
        raise unknown_op(op, program, str(error)) from error


def has_cost(op: TensorOp) -> bool:
    """Whether a PE can run the op at all."""
    return describes(op.name, op.arguments)


def check_costs(program: StepProgram, spec: WaferSpec) -> None:
    """Refuse a program with an op that has no cost on a PE.

    Raises:
        UnknownOpError: names the first such op and its parameter.
    """
    seen = set()
    for op in program.ops:
        # parameters of a kind have the same ops: those of the first one stand for all
        if op.owner is not None and program.first_alike(op.owner) != op.owner:
            continue
        formats = tuple([program.values[index].dtype for index in op.reads])
        alike = (op.name, op.dtype, op.arguments, formats, op.shape, op.read_shapes)
        if alike not in seen:
            seen.add(alike)
            op_cost(op, program, 1, spec)


@lru_cache(maxsize=4096)  # the same op is costed for many lengths
def _call(op: TensorOp, dtypes: tuple[str, ...]) -> Call:
    """The op as the rules of its instructions see it: which operands stream, and formats."""
    record = record_of(op.name)
    if record is None or not describes(op.name, op.arguments):
        raise UnsupportedFormatError(NO_COST)
    for dtype in (op.dtype, *dtypes):
        if dtype not in BYTES:
            raise UnsupportedFormatError(f"no number format {dtype} on a PE")
    rule = record.axes
    combines = rule.reduces or rule.multiplies or rule.orders
    axes = rule.read(op) if combines else None
    return Call(
        name=op.name,
        dtype=op.dtype,
        result_vector=op.numel > 1,
        tensors=tuple(
            Operand(dtype, prod(shape) > 1)
            for dtype, shape in zip(dtypes, op.read_shapes, strict=True)
        ),
        arguments=op.arguments,
        inner=1 if axes is None else axes.inner,
        innermost=axes is not None and not rule.multiplies and takes_innermost(op, axes),
    )


@lru_cache(maxsize=65_536)
def _cost(call: Call, elements: int, spec: WaferSpec, bank_conflict: bool) -> OpCost:
    record = record_of(call.name)
    assert record is not None
    assert record.instructions is not None
    kernel = Kernel(spec, elements, bank_conflict)
    record.instructions(kernel, call)
    return kernel.cost
