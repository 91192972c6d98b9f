"""Ops that torch's tables write as others, scans and shifts: both engines, messages, refusals."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.lowering.agreed import agreed
from tests.ruled import Rule, Ruled
from wse_emulator.activities import Chain, LineMulticast, line_wavelets
from wse_emulator.capture.step import capture_step
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops import op_cost
from wse_emulator.wafer import WSE2

RULES: dict[str, Rule] = {
    "std": lambda g: g / g.std(),
    "std of rows": lambda g: g / g.std(-1, keepdim=True),
    "var": lambda g: g / g.var(),
    "softmax": lambda g: g.softmax(-1),
    "log_softmax": lambda g: g.log_softmax(-1),
    "silu": functional.silu,
    "gelu": functional.gelu,
    "roll": lambda g: g.roll(1),
    "roll along rows": lambda g: g.roll(-3, -1),
    "cumsum": lambda g: g.cumsum(-1),
    "cumsum down columns": lambda g: g.cumsum(0),
    "erf": torch.erf,
}
SHAPES = [(6, 9), (5, 5), (17,), (1, 8), (8, 1), (2, 3), (1,)]


def stepped(rule: Rule, *shapes: tuple[int, ...], rows: int = 3, cols: int = 4) -> EmulatedStep:
    parameters = [nn.Parameter(torch.empty(shape, device="meta")) for shape in shapes]
    return agreed(capture_step(Ruled(parameters, rule)), rows, cols)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_users_step_is_the_same_on_both_engines(rule: Rule) -> None:
    for cut in ((1, 1), (3, 4), (1, 5), (6, 1)):
        step = stepped(rule, *SHAPES, rows=cut[0], cols=cut[1])
        assert step.timing is not None
        assert step.timing.elapsed_cycles > 0


def strips_of(elements: int, strip: int) -> tuple[int, ...]:
    """The elements of each strip of a shard."""
    full, tail = divmod(elements, strip or elements)
    return (strip or elements,) * full + ((tail,) if tail else ())


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_work_is_what_the_records_cost(rule: Rule) -> None:
    """On one PE nothing is sent: the step lasts as long as its ops."""
    step = stepped(rule, (6, 9), rows=1, cols=1)
    assert step.timing is not None
    assert step.timing.link_busy.sum() == 0
    program = step.program
    elements = {True: 54, False: 1}
    cycles = 0
    for segment in step.plan.costs.segments[0]:
        for member in segment.ops:
            strips = strips_of(54, step.plan.strips[0].elements)
            for held in (max(1, member.op.numel),) if member.once else strips:
                cycles += op_cost(member.op, program, held, WSE2).cycles
    assert elements[True] == program.parameters[0].numel
    assert step.timing.elapsed_cycles == cycles


def messages(step: EmulatedStep) -> list[Chain | LineMulticast]:
    assert step.lowered is not None
    return [a for a in step.lowered.activities if isinstance(a, (Chain, LineMulticast))]


def test_a_scan_passes_one_sum_a_line_from_pe_to_pe() -> None:
    (chain,) = messages(stepped(lambda g: g.cumsum(-1), (6, 8)))
    assert isinstance(chain, Chain)
    assert (chain.axis, chain.root, chain.positions) == ("row", 3, 4)
    assert line_wavelets(chain) == (2, 2, 2)  # rows of each row of PEs, a float32 each
    (down,) = messages(stepped(lambda g: g.cumsum(0), (6, 8)))
    assert down.axis == "column"
    assert line_wavelets(down) == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("shift", "root", "columns"),
    [(1, 3, 1), (3, 3, 3), (-1, 0, 1), (7, 0, 1), (9, 3, 1), (4, 3, 4)],
)
def test_a_shift_passes_on_what_leaves_a_pe_and_wraps(shift: int, root: int, columns: int) -> None:
    onward, back = messages(stepped(lambda g: g.roll(shift, 1), (6, 8)))
    assert isinstance(onward, Chain)
    assert isinstance(back, LineMulticast)
    assert onward.root == back.root == root
    assert line_wavelets(onward) == line_wavelets(back) == (2 * columns,) * 3


def test_a_shift_by_whole_turns_sends_nothing() -> None:
    assert messages(stepped(lambda g: g.roll(16, 1), (6, 8))) == []


def test_a_shift_through_the_whole_tensor_goes_from_row_end_to_row_begin() -> None:
    step = stepped(lambda g: g.roll(5), (6, 8))
    assert step.placement.tensors[0].layout == "flat"
    along, down, up, out = messages(step)
    assert [m.axis for m in (along, down, up, out)] == ["row", "column", "column", "row"]
    assert {n for m in (along, down, up, out) for n in line_wavelets(m)} == {5}


def test_half_precision_packs_two_elements_a_wavelet() -> None:
    parameter = nn.Parameter(torch.empty(6, 8, device="meta", dtype=torch.bfloat16))
    step = agreed(capture_step(Ruled([parameter], lambda g: g.roll(1, 1))), 3, 4)
    assert {n for m in messages(step) for n in line_wavelets(m)} == {1}


def test_matrices_that_lie_whole_in_a_pe_are_scanned_there() -> None:
    step = stepped(lambda g: g.cumsum(-1) / g.mean((-2, -1), keepdim=True), (6, 3, 4, 2))
    assert step.placement.tensors[0].layout == "stack"
    assert messages(step) == []


@pytest.mark.parametrize(
    ("rule", "shape", "why"),
    [
        (lambda g: g * g.mean(-1, keepdim=True).cumsum(0), (6, 9), "of a row or column statistic"),
        (lambda g: g.cumsum(0), (4, 3, 3, 3), "along a dimension whose lines PEs do not hold"),
        (lambda g: g.roll(1) * g.mean(0), (6, 9), "through the whole tensor"),
        (
            lambda g: g.roll(1, 0) / g.mean((-2, -1), keepdim=True),
            (6, 3, 4, 2),
            "from one of its stacked matrices to another",
        ),
        (lambda g: g.softmax(0), (4, 3, 3, 3), "works on shape"),
    ],
)
def test_what_pes_cannot_move_is_refused_by_name(
    rule: Rule, shape: tuple[int, ...], why: str
) -> None:
    program = capture_step(Ruled([nn.Parameter(torch.empty(shape, device="meta"))], rule))
    with pytest.raises(UnknownOpError, match=why):
        emulate_step(program, WSE2.scaled(3, 4))
