"""Captured tensor ops: what a PE is charged for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from wse_emulator.cost.instructions import instruction_cycles
from wse_emulator.cost.sequences import sequence
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops import OpCost, is_free, is_scalar_op, op_cost
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
        ("aten.div.Tensor", (VECTOR, ()), (), 105 + 16 + 256),  # one scalar reciprocal
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


VECTOR_FORM = replace(WSE2, functions="vector")


def test_a_function_is_a_call_of_the_library_for_each_element() -> None:
    program = program_of("aten.sqrt.default", VECTOR)
    cost = op_cost(program.ops[0], program, 256, WSE2)
    assert cost == OpCost(
        evidence_cycles=16 + 85 * 256,
        counted_cycles=0,
        own_cycles=0,
        low_cycles=16 + 60 * 256,
        high_cycles=16 + (110 + 10) * 256,  # the jump back of a scalar loop
        functions=frozenset({"sqrt"}),
    )
    logarithm = program_of("aten.log.default", VECTOR)
    counted = op_cost(logarithm.ops[0], logarithm, 256, WSE2)
    assert counted.cycles == counted.counted_cycles == 16 + 87 * 256


def test_a_division_by_a_vector_is_one_call_an_element() -> None:
    assert cycles("aten.div.Tensor", VECTOR, VECTOR) == 16 + 105 * 256
    assert cycles("aten.reciprocal.default", VECTOR) == 16 + 105 * 256
    # a + b / c: the division, then the sum
    assert cycles("aten.addcdiv_.default", VECTOR, VECTOR, VECTOR, scalars=(1,)) == (
        16 + 105 * 256 + 16 + 128
    )
    assert cycles("aten.div.Tensor", VECTOR, VECTOR, dtype="bfloat16") == 16 + 55 * 256


def test_the_library_has_a_hyperbolic_tangent_and_a_vector_form_makes_one() -> None:
    assert cycles("aten.tanh.default", VECTOR) == 16 + 87 * 256
    program = program_of("aten.tanh.default", VECTOR)
    made = op_cost(program.ops[0], program, 256, VECTOR_FORM)
    assert made.functions == {"tanh"}
    assert made.cycles == sequence_cycles("tanh", "float32", 256)


def sequence_cycles(function: str, dtype: str, elements: int) -> int:
    instructions = sequence(function, dtype).instructions
    return sum(instruction_cycles(one, elements, WSE2) for one in instructions)


def test_in_vector_form_a_square_root_is_a_sequence_of_ours() -> None:
    # 25 starts; 10 multiplies, a multiply-add and a shift at one element a cycle; 4 sums at two,
    # 9 ops on 16-bit words at four; each lower word that is filled is one of these
    expected = 25 * 16 + 256 * (10 + 1 + 1) + 128 * 4 + 64 * 9
    program = program_of("aten.sqrt.default", VECTOR)
    cost = op_cost(program.ops[0], program, 256, VECTOR_FORM)
    assert expected == sequence_cycles("sqrt", "float32", 256)
    assert cost.cycles == cost.own_cycles == cost.low_cycles == expected
    assert cost.high_cycles > expected  # each product of two vectors meets a bank conflict
    assert cost.functions == {"sqrt"}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "cbfloat16"])
def test_in_vector_form_a_division_is_a_sequence(dtype: str) -> None:
    program = program_of("aten.div.Tensor", VECTOR, VECTOR, dtype=dtype)
    cost = op_cost(program.ops[0], program, 256, VECTOR_FORM)
    assert (cost.own_cycles, cost.evidence_cycles) == (sequence_cycles("division", dtype, 256), 0)
    assert cost.functions == {"division"}


def test_in_vector_form_a_register_over_a_vector_is_a_reciprocal_and_a_multiply() -> None:
    program = program_of("aten.div.Tensor", (), VECTOR, shape=VECTOR)
    cost = op_cost(program.ops[0], program, 256, VECTOR_FORM)
    assert cost.own_cycles == sequence_cycles("reciprocal", "float32", 256)
    assert cost.evidence_cycles == 16 + 256


@pytest.mark.parametrize("function", ["expm1", "log1p", "sigmoid", "sin"])
def test_in_vector_form_what_the_library_lacks_is_one_function(function: str) -> None:
    program = program_of(f"aten.{function}.default", VECTOR)
    cost = op_cost(program.ops[0], program, 256, VECTOR_FORM)
    assert cost.cycles == cost.own_cycles == sequence_cycles(function, "float32", 256)


def test_a_function_of_whole_numbers_needs_a_format_first() -> None:
    program = program_of("aten.div.Tensor", VECTOR, VECTOR, dtype="int32")
    with pytest.raises(UnknownOpError, match="division in int32"):
        op_cost(program.ops[0], program, 256, WSE2)


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
        ("aten.div.Tensor", ((), ()), 105),
        ("aten.sqrt.default", ((),), 85),
        ("aten.rsqrt.default", ((),), 93),
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


@pytest.mark.parametrize("name", ["sqrt", "rsqrt", "reciprocal", "exp", "log", "cos", "erf"])
@pytest.mark.parametrize("spec", [WSE2, WSE3, VECTOR_FORM], ids=["wse2", "wse3", "vector"])
def test_intervals_enclose_the_modelled_cost(name: str, spec: WaferSpec) -> None:
    program = program_of(f"aten.{name}.default", VECTOR)
    for elements in (1, 7, 256, 2107):
        cost = op_cost(program.ops[0], program, elements, spec)
        assert 0 < cost.low_cycles <= cost.cycles < cost.high_cycles


@pytest.mark.parametrize(
    ("name", "operands", "dtype", "own", "evidence"),
    [
        ("aten.add_.Tensor", ((), ()), "float64", 20 * 2, 0),
        ("aten.div.Tensor", ((), ()), "float64", 2 * 20 * 2, 2 * 105),
        ("aten.div.Tensor", ((), ()), "int32", 105, 0),
        ("aten.add_.Tensor", ((), ()), "float32", 0, 2),
        ("aten.cumsum.default", (VECTOR,), "float32", 16 + 512, 16 + 128),
    ],
)
def test_what_nobody_timed_is_of_the_class_ours(
    name: str, operands: tuple[Shape, ...], dtype: str, own: int, evidence: int
) -> None:
    scalars = (1,) if "cumsum" in name else ()
    program = program_of(name, *operands, dtype=dtype, scalars=scalars)
    cost = op_cost(program.ops[0], program, 256, WSE2)
    assert (cost.own_cycles, cost.evidence_cycles, cost.counted_cycles) == (own, evidence, 0)


def test_costs_add_up_by_class() -> None:
    one = OpCost(1, 2, 4, 3, 9, frozenset({"exp"}))
    assert one.cycles == 7
    assert one + one.times(2) == one.times(3) == OpCost(3, 6, 12, 9, 27, frozenset({"exp"}))
    assert (one + OpCost(0, 0, 0, 0, 0, frozenset({"log"}))).functions == {"exp", "log"}
