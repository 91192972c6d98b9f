"""Muon's products on the wafer: both engines, panels, bounds, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import pytest
import torch
from torch import nn

import optimizers
from tests.lowering.agreed import agreed
from wse_emulator.activities import Chain, LineMulticast, Star, Work
from wse_emulator.capture.step import capture_step
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.engines.digest import digest
from wse_emulator.errors import UnknownOpError
from wse_emulator.placement.pieces import pieces_of
from wse_emulator.program import StepProgram
from wse_emulator.summary.run import messages_of
from wse_emulator.wafer import WSE2

Rule = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

CUTS = [(1, 1), (1, 6), (6, 1), (3, 4), (7, 5), (2, 11)]
MODELS = {
    "wide": [(6, 40)],
    "tall": [(40, 6)],
    "square": [(13, 13)],
    "uneven": [(17, 23), (23, 5), (3, 3)],
    "fewer rows than PEs": [(2, 3)],
    "a line": [(1, 9), (9, 1), (1, 1)],
    "kernels": [(8, 3, 3, 3)],
    "nothing": [(0, 4), (4, 3)],
}


def muon(shapes: list[tuple[int, ...]], ns_steps: int = 5) -> StepProgram:
    parameters = [nn.Parameter(torch.empty(shape, device="meta")) for shape in shapes]
    return capture_step(optimizers.Muon(parameters, ns_steps=ns_steps))


def emulated(program: StepProgram, rows: int, cols: int, engine: str = "array") -> EmulatedStep:
    step = emulate_step(program, WSE2.scaled(rows, cols), engine)
    assert step.timing is not None
    return step


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("shapes", MODELS.values(), ids=MODELS)
def test_both_engines_give_the_same_step(
    shapes: list[tuple[int, ...]], cut: tuple[int, int]
) -> None:
    agreed(muon(shapes, ns_steps=2), *cut)


def tight(
    program: StepProgram, rows: int, cols: int, spare_bytes: int, engine: str = "array"
) -> EmulatedStep:
    """The step on PEs with ``spare_bytes`` beside what the widest panels would leave resident."""
    wide = emulate_step(program, WSE2.scaled(rows, cols))
    resident = int(wide.plan.memory.resident_bytes.max())
    spec = replace(WSE2.scaled(rows, cols), sram_bytes_per_pe=resident + spare_bytes, sources={})
    return emulate_step(program, spec, engine)


def panels(step: EmulatedStep) -> list[int]:
    """Lines of the panels of the first parameter's products."""
    return [lines for lines in step.plan.strips[0].lines if lines]


def test_panels_take_the_memory_there_is_and_no_more() -> None:
    program = muon([(24, 32)], ns_steps=1)
    lines = []
    for spare in (220, 260, 300, 420, 600, 5_000):
        step = tight(program, 3, 4, spare)
        assert step.fits
        assert step.timing is not None
        assert np.array_equal(step.timing.sram_peak, step.plan.memory.peak_bytes)
        lines.append(panels(step)[0])
    assert lines == sorted(lines)
    assert 1 <= lines[0] < lines[2] < lines[-1] == 24  # one round at last


def test_a_step_in_many_rounds_is_the_same_in_both_engines() -> None:
    program = muon([(24, 33), (33, 10)], ns_steps=2)
    array, pe = (tight(program, 3, 4, 480, engine) for engine in ("array", "pe"))
    assert 1 < min(panels(array)) < 12
    assert array.timing is not None
    assert pe.timing is not None
    assert digest(array.timing) == digest(pe.timing)
    assert np.array_equal(array.timing.sram_peak, array.plan.memory.peak_bytes)


def test_messages_of_a_products_rounds_are_one_record_a_kind_and_none_is_lost() -> None:
    step = tight(muon([(24, 33), (33, 10)], ns_steps=2), 3, 4, 480)
    assert step.lowered is not None
    assert step.timing is not None
    starts, ends = step.timing.activity_start, step.timing.activity_end
    sent = [i for i, a in enumerate(step.lowered.activities) if not isinstance(a, Work)]
    records = messages_of(step.lowered, step.timing)
    assert len(records) < len(sent) == sum(record.count for record in records)
    on_the_way = sum(int(ends[i] - starts[i]) for i in sent if ends[i] >= 0)
    assert sum(record.cycles for record in records) == on_the_way > 0
    assert max(record.end_cycle for record in records) == max(int(ends[i]) for i in sent)


def test_no_room_for_a_single_line_does_not_fit() -> None:
    step = tight(muon([(24, 32)], ns_steps=1), 3, 4, 40)
    assert not step.fits
    assert step.timing is None
    assert step.plan.memory.gap_bytes > 0


def test_fewer_rounds_are_never_slower() -> None:
    program = muon([(24, 32)], ns_steps=1)
    times = [tight(program, 3, 4, spare).timing for spare in (220, 300, 600, 5_000)]
    cycles = [timing.elapsed_cycles for timing in times if timing is not None]
    assert len(cycles) == 4
    assert cycles == sorted(cycles, reverse=True)


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (64, 64)], ids=str)
def test_a_step_takes_at_least_its_multiply_adds(shape: tuple[int, int]) -> None:
    """Three products an iteration: m*m*n, m*m*m and m*m*n multiply-adds, 4 a cycle in 16 bits."""
    step = emulated(muon([shape], ns_steps=5), 4, 5)
    assert step.timing is not None
    short, long = sorted(shape)
    multiply_adds = 5 * (2 * short * short * long + short**3)
    rate = WSE2.lane_rate("fma", "float16").elements_per_cycle
    assert Fraction(step.timing.elapsed_cycles) >= Fraction(multiply_adds) / (20 * rate)
    products = [op for op in step.program.ops if op.base_name == "mm"]
    busy = sum(
        pes * cost.cycles
        for number, segment in enumerate(step.plan.costs.segments[0])
        if segment.product
        for pes, piece in pieces_of(step.placement.tensors[0])
        for cost in step.plan.totals(0, number, piece)
    )
    assert len(products) == 15
    assert busy >= multiply_adds / rate


def test_every_round_moves_its_panel_and_its_sums_once() -> None:
    """Wavelets by hand: a 4 x 6 matrix on 2 x 3 PEs, blocks of 2 x 2, 2 bytes an element.

    Panel of a Gram product: 4 lines of 2 elements in each column; sums: 4 lines of 2 in each row.
    """
    step = emulated(muon([(4, 6)], ns_steps=1), 2, 3)
    assert step.lowered is not None
    sent = [a for a in step.lowered.activities if isinstance(a, LineMulticast)]
    assert [(a.axis, a.wavelets) for a in sent] == [
        ("column", (4, 4, 4)),
        ("column", (4, 2, 2)),  # the Gram matrix has 2, 1 and 1 columns
        ("row", (4, 4)),
    ]
    first = step.lowered.activities.index(sent[0])
    works = [a for a in step.lowered.activities[first:] if isinstance(a, Work)]
    sums = [
        a
        for a in step.lowered.activities[first:]
        if isinstance(a, (Chain, Star)) and a.wavelets != 1
    ]
    assert {(a.axis, a.wavelets) for a in sums} == {("row", (4, 4)), ("column", (4, 4, 4))}
    assert len(works) >= 3


def test_work_is_what_the_engine_counts() -> None:
    """Busy cycles of all PEs are those of the planned ops and of the touches, nothing else."""
    step = emulated(muon([(9, 14)], ns_steps=1), 1, 1)
    assert step.timing is not None
    tensor = step.placement.tensors[0]
    ((_, piece),) = pieces_of(tensor)
    assert int(step.timing.pe_busy.sum()) == step.plan.cycles(0, piece)
    assert step.timing.elapsed_cycles == step.plan.cycles(0, piece)


class Preconditioned(optimizers.Optimizer):
    """An optimizer of one's own that multiplies the gradient by what ``rule`` makes of it."""

    def __init__(self, params: list[nn.Parameter], rule: Rule) -> None:
        self.rule = rule
        super().__init__(params, {"lr": 0.1})

    def preinitialize(self) -> None:
        for p in self.param_groups[0]["params"]:
            self.state[p]["mean"] = torch.zeros_like(p)

    def state_names_to_sparsify(self) -> list[str]:
        return []

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for p in self.param_groups[0]["params"]:
            p.add_(self.rule(p.grad, self.state[p]["mean"]), alpha=-0.1)


def with_square(gram: torch.Tensor) -> torch.Tensor:
    return torch.addmm(gram, gram, gram, beta=3.0)


ALLOWED: dict[str, Rule] = {
    "times its Gram matrix": lambda g, _: (g @ g.mT) @ g,
    "of the transpose, from the right": lambda g, _: (g.mT @ (g @ g.mT)).mT.contiguous(),
    "with a sum": lambda g, _: torch.addmm(g, g @ g.mT, g, beta=2.0),
    "a Gram matrix and its square": lambda g, _: with_square(g @ g.mT) @ g,
    "scaled by its norm": lambda g, _: ((g @ g.mT) / torch.linalg.vector_norm(g @ g.mT)) @ g,
}
REFUSED: dict[str, tuple[Rule, str]] = {
    "two matrices": (lambda g, m: (g @ m.mT) @ g, "two different matrices"),
    "longer side": (lambda g, _: g @ (g.mT @ g), "longer side"),
    "a vector": (lambda g, _: g * (g @ g[0]).unsqueeze(-1), "by a vector"),
    "not symmetric": (
        lambda g, m: ((g @ g.mT) @ (m @ m.mT)) @ g,
        "need not be symmetric",
    ),
}


@pytest.mark.parametrize("rule", ALLOWED.values(), ids=ALLOWED)
def test_products_of_ones_own_run_on_both_engines(rule: Rule) -> None:
    p = nn.Parameter(torch.empty(7, 12, device="meta"))
    agreed(capture_step(Preconditioned([p], rule)), 3, 4)


@pytest.mark.parametrize(("rule", "why"), REFUSED.values(), ids=REFUSED)
def test_other_products_are_refused_by_name(rule: Rule, why: str) -> None:
    p = nn.Parameter(torch.empty(7, 12, device="meta"))
    program = capture_step(Preconditioned([p], rule))
    with pytest.raises(UnknownOpError, match=why) as caught:
        emulate_step(program, WSE2.scaled(3, 4))
    assert "param_groups[0][0]" in str(caught.value)
    assert "its own transpose" in str(caught.value)


def test_stacked_matrices_are_refused_by_name() -> None:
    p = nn.Parameter(torch.empty(2, 4, 6, device="meta"))
    program = capture_step(Preconditioned([p], lambda g, _: g @ g.mT @ g))
    with pytest.raises(UnknownOpError, match="stacked matrices"):
        emulate_step(program, WSE2.scaled(3, 4))


def test_torchs_own_muon_is_timed_too() -> None:
    """Its products carry their sum with them (addmm)."""
    parameter = nn.Parameter(torch.empty(12, 7, device="meta"))
    parameter.grad = torch.empty_like(parameter)
    program = muon([(12, 7)])
    elements = prod(program.parameters[0].shape)
    assert elements == 84
