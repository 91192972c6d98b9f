"""Captured tensor ops: what a PE is charged for them."""

from __future__ import annotations

import pytest
import torch

from wse_emulator.errors import UnknownOpError
from wse_emulator.ops import is_free, is_scalar_op, op_cost
from wse_emulator.program import (
    Argument,
    Arguments,
    Parameter,
    Read,
    Scalar,
    StepProgram,
    TensorOp,
    Value,
    ValueKind,
)
from wse_emulator.wafer import WSE2, WSE3, WaferSpec

Shape = tuple[int, ...]
VECTOR: Shape = (64, 32)


def named(name: str, tensors: int, scalars: tuple[Scalar, ...]) -> Arguments:
    """Tensors, then scalars, by the names of the op's schema; the rest as it is by default."""
    namespace, base, overload = name.split(".")
    schema = getattr(getattr(getattr(torch.ops, namespace), base), overload)._schema
    held: dict[str, Argument] = {a.name: a.default_value for a in schema.arguments}
    given: list[Argument] = [Read(position) for position in range(tensors)]
    if "out" in held:
        held["out"] = given.pop()
    held.update(zip(held, [*given, *scalars], strict=False))
    return Arguments(held)


def program_of(
    name: str,
    *operands: Shape,
    scalars: tuple[Scalar, ...] = (),
    shape: Shape | None = None,
    dtype: str = "float32",
    dtypes: tuple[str, ...] | None = None,
) -> StepProgram:
    """A program of one op on parameter ``h.0.w``."""
    formats = dtypes or (dtype,) * len(operands)
    values = tuple(
        Value(i, f"v{i}", ValueKind.STATE, 0, operand, formats[i])
        for i, operand in enumerate(operands)
    )
    op = TensorOp(
        index=0,
        name=name,
        owner=0,
        reads=tuple(range(len(operands))),
        writes=(0,),
        shape=operands[0] if shape is None else shape,
        dtype=dtype,
        arguments=named(name, len(operands), scalars),
        read_shapes=operands,
    )
    parameter = Parameter(0, "h.0.w", VECTOR, "float32", 0, True)
    return StepProgram("AdamW", None, (parameter,), values, (op,))


def cycles(name: str, *operands: Shape, elements: int = 256, **more: object) -> int:
    program = program_of(name, *operands, **more)  # type: ignore[arg-type]  # keywords of program_of
    return op_cost(program.ops[0], program, elements, WSE2).cycles


@pytest.mark.parametrize(
    ("name", "operands", "scalars", "expected"),
    [
        ("aten.add_.Tensor", (VECTOR, VECTOR), (1,), 16 + 128),
        ("aten.add_.Tensor", (VECTOR, VECTOR), (0.5,), 16 + 256),  # a multiply-add
        ("aten.add_.Tensor", (VECTOR,), (1e-6, 1), 16 + 128),
        ("aten.mul_.Tensor", (VECTOR,), (0.9,), 16 + 256),
        ("aten.lerp_.Scalar", (VECTOR, VECTOR), (0.1,), 16 + 128 + 16 + 256),
        ("aten.addcmul_.default", (VECTOR, VECTOR, VECTOR), (0.1,), 2 * (16 + 256)),
        ("aten.addcmul_.default", (VECTOR, VECTOR, ()), (-1,), 16 + 256),
        ("aten.div.Tensor", (VECTOR,), (3.0,), 16 + 256),
        ("aten.div.Tensor", (VECTOR, ()), (), 50 + 16 + 256),  # one scalar reciprocal
        ("aten.maximum.default", (VECTOR, VECTOR), (), 16 + 256),
        ("aten.copy_.default", (VECTOR, VECTOR), (), 16 + 128),
        ("aten.zero_.default", (VECTOR,), (), 16 + 128),
        ("aten.pow.Tensor_Scalar", (VECTOR,), (2,), 16 + 256),
        ("aten.sum.default", (VECTOR,), (), 16 + 512),
    ],
)
def test_ops_from_documented_instructions(
    name: str, operands: tuple[Shape, ...], scalars: tuple[Scalar, ...], expected: int
) -> None:
    shape = () if name == "aten.sum.default" else None
    assert cycles(name, *operands, scalars=scalars, shape=shape) == expected


def test_square_root_is_the_documented_sequence() -> None:
    # shift, subtract on 16-bit words; halve; 3 x (3 multiplies, 1 add); the last multiply
    expected = (16 + 256) + (16 + 64) + (16 + 128) + 3 * (3 * (16 + 256) + 16 + 128) + (16 + 256)
    program = program_of("aten.sqrt.default", VECTOR)
    cost = op_cost(program.ops[0], program, 256, WSE2)
    assert cost.cycles == cost.unsourced_cycles == expected
    assert cost.low_cycles < cost.cycles < cost.high_cycles == 16 + 50 * 256


def test_division_by_a_vector_is_a_reciprocal_and_a_multiply() -> None:
    reciprocal = (16 + 64) + 3 * (2 * (16 + 256) + 16 + 128)
    program = program_of("aten.div.Tensor", VECTOR, VECTOR)
    cost = op_cost(program.ops[0], program, 256, WSE2)
    assert cost.unsourced_cycles == reciprocal
    assert cost.cycles == reciprocal + 16 + 256


def test_an_out_argument_is_no_operand() -> None:
    assert cycles("aten.pow.Tensor_Scalar_out", VECTOR, VECTOR, scalars=(2,)) == cycles(
        "aten.pow.Tensor_Scalar", VECTOR, scalars=(2,)
    )
    assert cycles("aten.lerp.Scalar_out", VECTOR, VECTOR, VECTOR, scalars=(0.1,)) == cycles(
        "aten.lerp.Scalar", VECTOR, VECTOR, scalars=(0.1,)
    )


@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("aten.add_.Tensor", ((), ()), 2),
        ("aten.lerp.Scalar", ((), ()), 4),
        ("aten.div.Tensor", ((), ()), 50),
        ("aten.sqrt.default", ((),), 50),
        ("aten.where.self", ((), (), ()), 6),
    ],
)
def test_scalar_ops_cost_their_scalar_cycles_once(
    name: str, operands: tuple[Shape, ...], expected: int
) -> None:
    program = program_of(name, *operands)
    assert is_scalar_op(program.ops[0])
    assert op_cost(program.ops[0], program, 1, WSE2).cycles == expected
    assert op_cost(program.ops[0], program, 999, WSE2).cycles == expected
    assert op_cost(program.ops[0], program, 0, WSE2).cycles == 0


def test_a_64_bit_counter_costs_two_words() -> None:
    assert cycles("aten.add_.Tensor", (), scalars=(1,), dtype="int64") == 4


def test_16_bit_floats_use_their_lanes() -> None:
    assert cycles("aten.add_.Tensor", VECTOR, VECTOR, dtype="bfloat16") == 16 + 64
    assert cycles("aten.mul_.Tensor", VECTOR, VECTOR, dtype="float16") == 16 + 64


def test_mixed_operands_accumulate_in_float32_or_are_widened_first() -> None:
    mixed = ("float32", "bfloat16")
    assert cycles("aten.add_.Tensor", VECTOR, VECTOR, dtypes=mixed) == 16 + 128
    widened = cycles("aten.mul.Tensor", VECTOR, VECTOR, dtypes=mixed)
    assert widened == (16 + 256) + (16 + 256)


def test_means_over_rows_and_over_columns() -> None:
    rows = cycles("aten.mean.dim", VECTOR, scalars=(-1, True), shape=(64, 1))
    columns = cycles("aten.mean.dim", VECTOR, scalars=(0, True), shape=(1, 32))
    assert rows == 16 + 512 + 2  # two cycles an element into one word, one scalar multiply
    assert columns == 16 + 128 + 2  # rows added onto one another


def test_a_matrix_product_is_one_multiply_add_a_contracted_element() -> None:
    shape = (64, 16)
    assert cycles("aten.mm.default", VECTOR, (32, 16), shape=shape) == 32 * (16 + 256)
    assert cycles("aten.addmm.default", (16,), VECTOR, (32, 16), shape=shape) == 33 * (16 + 256)


def test_views_are_free_and_unknown_ops_are_named() -> None:
    view = program_of("aten.view.default", VECTOR)
    assert is_free(view.ops[0])
    assert op_cost(view.ops[0], view, 256, WSE2).cycles == 0
    unknown = program_of("aten.linalg_svd.default", VECTOR)
    with pytest.raises(UnknownOpError, match=r"aten\.linalg_svd\.default.*h\.0\.w"):
        op_cost(unknown.ops[0], unknown, 256, WSE2)


def test_float64_vectors_have_no_cost_on_a_pe() -> None:
    program = program_of("aten.add_.Tensor", VECTOR, VECTOR, dtype="float64")
    with pytest.raises(UnknownOpError, match="float64"):
        op_cost(program.ops[0], program, 256, WSE2)


def test_a_bank_conflict_slows_the_op() -> None:
    program = program_of("aten.add_.Tensor", VECTOR, VECTOR, scalars=(2.0,))
    slow = op_cost(program.ops[0], program, 256, WSE2, bank_conflict=True)
    assert slow.cycles == 16 + 512


@pytest.mark.parametrize("name", ["sqrt", "rsqrt", "reciprocal", "exp", "log", "cos"])
@pytest.mark.parametrize("spec", [WSE2, WSE3])
def test_intervals_enclose_the_modelled_cost(name: str, spec: WaferSpec) -> None:
    program = program_of(f"aten.{name}.default", VECTOR)
    for elements in (1, 7, 256, 2107):
        cost = op_cost(program.ops[0], program, elements, spec)
        assert 0 < cost.low_cycles < cost.cycles <= cost.high_cycles
        assert cost.unsourced_cycles == cost.cycles
