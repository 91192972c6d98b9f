"""Records of ops: one an op, its axes, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.ruled import Ruled
from wse_emulator.capture.step import capture_step
from wse_emulator.ops.axes import Axes, Ordered, einsum
from wse_emulator.ops.contractions import factors_of
from wse_emulator.ops.streams import read_in_step
from wse_emulator.ops.table import axes_of, describes, multiplies, op, record_of, records
from wse_emulator.program import StepProgram, TensorOp


def captured(
    rule: Callable[[torch.Tensor], torch.Tensor], *shape: int, times: int = 1
) -> StepProgram:
    return capture_step(Ruled([nn.Parameter(torch.empty(shape, device="meta"))], rule))


def first(rule: Callable[[torch.Tensor], torch.Tensor], *shape: int) -> TensorOp:
    return captured(rule, *shape).ops[0]


def test_an_op_has_one_record() -> None:
    names = [name for record in records() for name in record.names]
    assert len(names) == len(set(names))
    with pytest.raises(ValueError, match="the op addcmul has a record already"):
        op("addcmul", cost="nothing new")(lambda _, call: call.operand("self"))
    assert record_of("aten.addcmul_.default") is record_of("aten.addcmul.out")


def test_an_op_of_another_library_has_no_record() -> None:
    assert record_of("mine.add.Tensor") is None


def test_the_overload_tells_the_larger_of_two_from_the_largest_of_all() -> None:
    assert record_of("aten.max.other") is record_of("aten.maximum.default")
    assert record_of("aten.max.dim") is record_of("aten.amax.default")


@pytest.mark.parametrize(
    ("rule", "axes"),
    [
        (lambda g: g + g[0], Axes((6, 4), ((0, 1), (1,)), (0, 1))),
        (lambda g: g * g[:, :1], Axes((6, 4), ((0, 1), (0, None)), (0, 1))),
        (lambda g: g.mean(-1), Axes((6, 4), ((0, 1),), (0,))),
        (lambda g: g.sum(0, keepdim=True), Axes((4, 6), ((1, 0),), (None, 0))),
        (lambda g: g.sum(), Axes((6, 4), ((0, 1),), ())),
        (lambda g: g.cumsum(1), Axes((6, 4), ((0, 1),), (0, 1), Ordered(1))),
        (lambda g: g.roll(-2, 0), Axes((6, 4), ((0, 1),), (0, 1), Ordered(0, -2))),
        (lambda g: g @ g.T, Axes((6, 6, 4), ((0, 2), (2, 1)), (0, 1))),
        (lambda g: g @ g[0], Axes((6, 4), ((0, 1), (1,)), (0,))),
        (lambda g: torch.stack([g, g], 1), Axes((6, 2, 4), ((0, 2), (0, 2)), (0, 1, 2))),
        (lambda g: torch.cat([g, g], 1), Axes((6, 8), ((0, None), (0, None)), (0, 1))),
    ],
)
def test_axes(rule: Callable[[torch.Tensor], torch.Tensor], axes: Axes) -> None:
    assert axes_of(first(lambda g: rule(g).sum() * g, 6, 4)) == axes


def test_a_product_is_what_sums_over_a_shared_axis() -> None:
    assert multiplies(first(lambda g: (g @ g.T).sum() * g, 6, 4))
    assert not multiplies(first(lambda g: g.flatten().dot(g.flatten()) * g, 6, 4))
    assert einsum("self bik, mat2 bkj -> bij").multiplies


def test_factors_and_summand_by_their_axes() -> None:
    added = first(lambda g: torch.addmm(g @ g.T, g, g.T).sum() * g, 6, 4)
    assert factors_of(added).both == (0, 1)
    assert factors_of(added).summand is None
    program = captured(lambda g: torch.addmm(g @ g.T, g, g.T).sum() * g, 6, 4)
    assert factors_of(program.ops[1]).both == (1, 2)
    assert factors_of(program.ops[1]).summand == 0


def test_two_streams_of_one_instruction() -> None:
    def pairs(rule: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> list[str]:
        """Ops of ``rule(gradient, other)`` that read two vectors at once."""
        program = captured(lambda g: rule(g, g * 2).sum() * g, 6, 4)
        return [o.base_name for o in program.ops if o.base_name != "add" and read_in_step(o)]

    assert pairs(lambda a, b: a * b) == ["mul"]
    assert pairs(lambda a, b: torch.where(a > 0, a, b)) == ["where"]
    assert pairs(lambda a, b: a.clamp(max=b)) == ["clamp"]
    assert pairs(lambda a, b: a.flatten().dot(b.flatten())) == ["dot"]
    assert pairs(lambda a, _: a * a) == []  # a value read twice is one stream
    assert pairs(lambda a, b: a / b) == []  # by way of the reciprocal
    assert pairs(lambda a, b: a @ b.T) == []  # a number times a line, into sums
    assert pairs(lambda a, b: torch.bmm(a[None], b.T[None])) == []


def test_arguments_have_names_and_defaults() -> None:
    added = first(lambda g: g + g[0], 6, 4)
    assert added.arguments["alpha"] == 1
    mean = first(lambda g: g.mean(0) * g, 6, 4)
    assert mean.arguments["dim"] == (0,)
    assert mean.arguments["keepdim"] is False


def test_strides_and_offset_of_the_view_as_passed() -> None:
    seen = first(lambda g: (g.T[1:] * 2).sum() * g, 6, 4)
    assert (seen.read_shapes, seen.read_strides, seen.read_offsets) == (((3, 6),), ((1, 4),), (1,))


def test_a_roll_over_two_dimensions_is_described_by_rolls_over_one() -> None:
    assert describes("aten.roll.default", {"dims": (0,)})
    assert not describes("aten.roll.default", {"dims": (0, 1)})
    rolled = captured(lambda g: g.roll((1, 2), (0, 1)), 6, 4)
    dims = [o.arguments["dims"] for o in rolled.ops if o.base_name == "roll"]
    assert dims == [(0,), (1,)]
