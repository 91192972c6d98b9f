"""Cost of one captured tensor op on one PE."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Final

from wse_emulator.cost.kernel import FREE, Kernel, OpCost, Operand, UnsupportedFormatError
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops.elementwise import ELEMENTWISE, Call, Rule
from wse_emulator.ops.reductions import MATRIX_PRODUCTS, REDUCTIONS
from wse_emulator.program import StepProgram, TensorOp
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec

_VIEW_NAMES = """
view _unsafe_view reshape _reshape_alias expand expand_as t transpose permute unsqueeze squeeze
select slice narrow split chunk unbind diagonal detach alias as_strided lift_fresh lift empty
empty_like empty_strided new_empty new_empty_strided view_as movedim
"""
_FREE_OPS: Final = frozenset(_VIEW_NAMES.split())
"""Views and allocations: the static plan resolves them, no cycle is spent."""


def is_free(op: TensorOp) -> bool:
    """Whether the op is a view or an allocation, which costs nothing on a PE."""
    return op.base_name in _FREE_OPS


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
    if elements == 0 or is_free(op):
        return FREE
    dtypes = tuple(program.values[index].dtype for index in op.reads)
    try:
        return _cost(_call(op, dtypes), elements, spec, bank_conflict)
    except UnsupportedFormatError as error:
        raise _unknown(op, program, str(error)) from error


def has_cost(op: TensorOp) -> bool:
    """Whether a PE can run the op at all."""
    return op.base_name in _FREE_OPS or _rule(op.base_name, len(op.reads)) is not None


def check_costs(program: StepProgram, spec: WaferSpec) -> None:
    """Refuse a program with an op that has no cost on a PE.

    Raises:
        UnknownOpError: names the first such op and its parameter.
    """
    for op in program.ops:
        op_cost(op, program, 1, spec)


def _unknown(op: TensorOp, program: StepProgram, why: str) -> UnknownOpError:
    owner = None if op.owner is None else program.parameters[op.owner].name
    where = "on the controller" if owner is None else f"for parameter {owner}"
    return UnknownOpError(
        f"{program.optimizer}.step() issues {op.name} {where} (op {op.index}): {why}",
        parameter=owner,
        remedy=(
            "write the step with ops the wafer has (docs/machine.md lists them), in float32 or "
            "a 16-bit format"
        ),
    )


def _rule(name: str, tensors: int) -> Rule | None:
    if name in ("max", "min") and tensors > 1:
        return ELEMENTWISE["maximum"]
    return ELEMENTWISE.get(name) or REDUCTIONS.get(name)


def _call(op: TensorOp, dtypes: tuple[str, ...]) -> Call:
    """The op as the cost rules see it: which operands stream, formats, static arguments."""
    parts = op.name.split(".")
    name = op.base_name
    inner = _contracted(op) if name in MATRIX_PRODUCTS else 0
    for dtype in (op.dtype, *dtypes):
        if dtype not in BYTES:
            raise UnsupportedFormatError(f"no number format {dtype} on a PE")
    overload = parts[2] if len(parts) > 2 else ""
    # out= names where the result goes; it comes last and is no source
    sources = len(dtypes) - 1 if overload.endswith("out") else len(dtypes)
    return Call(
        name=name,
        overload=overload.removesuffix("_out"),
        dtype=op.dtype,
        result_vector=op.numel > 1,
        operands=tuple(
            Operand(dtype, prod(shape) > 1)
            for dtype, shape in zip(dtypes[:sources], op.read_shapes[:sources], strict=True)
        ),
        scalars=op.scalars,
        inner=inner,
        keeps_last_axis=name in REDUCTIONS and _keeps_last_axis(op),
    )


def _contracted(op: TensorOp) -> int:
    """Length of the axis a matrix product sums over: the last one of its left factor."""
    left = 1 if op.base_name in ("addmm", "baddbmm") else 0
    return op.read_shapes[left][-1]


def _keeps_last_axis(op: TensorOp) -> bool:
    """Whether a reduction leaves the last axis of its operand (column means do, row means not)."""
    rank = len(op.read_shapes[0]) if op.read_shapes else 0
    numbers = [x for x in op.scalars if isinstance(x, int) and not isinstance(x, bool)]
    if op.base_name in ("linalg_vector_norm", "norm") and op.scalars:
        first = op.scalars[0]
        numbers = numbers[1:] if isinstance(first, int) and not isinstance(first, bool) else numbers
    return bool(numbers) and rank > 0 and all(axis % rank != rank - 1 for axis in numbers)


@lru_cache(maxsize=65_536)
def _cost(call: Call, elements: int, spec: WaferSpec, bank_conflict: bool) -> OpCost:
    rule = _rule(call.name, len(call.operands))
    if rule is None:
        raise UnsupportedFormatError("no cost on a processing element")
    kernel = Kernel(spec, elements, bank_conflict)
    rule(kernel, call)
    return kernel.cost
