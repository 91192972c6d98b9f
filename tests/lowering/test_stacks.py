"""Steps that keep stacked matrices apart: what travels, what stays, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import optimizers
from tests.engines.stepper import Stepper
from tests.lowering.agreed import agreed
from wse_emulator.activities import Chain, Multicast, Star
from wse_emulator.capture.step import capture_step
from wse_emulator.emulate import emulate_step
from wse_emulator.errors import UnknownOpError
from wse_emulator.program import StepProgram
from wse_emulator.questions.run import run
from wse_emulator.wafer import WSE2

Rule = Callable[[torch.Tensor], torch.Tensor]

CUTS = [(1, 1), (1, 6), (3, 4), (7, 5)]
MODELS = {
    "kernels": [(8, 3, 3, 3), (8,)],
    "uneven": [(7, 5, 2, 3), (5, 4, 3)],
    "lines": [(6, 2, 3, 1), (6, 2, 1, 3), (6, 2, 1, 1)],
    "volumes": [(3, 2, 2, 3, 3)],
    "fewer matrices than PEs": [(2, 5, 4)],
    "beside one matrix": [(4, 3, 5, 5), (10, 12), (10,)],
    "nothing": [(0, 3, 2, 2), (4, 2, 2)],
}


def adafactor(shapes: list[tuple[int, ...]]) -> StepProgram:
    parameters = [nn.Parameter(torch.empty(shape, device="meta")) for shape in shapes]
    return capture_step(optimizers.Adafactor(parameters, lr=0.01))


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("shapes", MODELS.values(), ids=MODELS)
def test_both_engines_give_the_same_step(
    shapes: list[tuple[int, ...]], cut: tuple[int, int]
) -> None:
    agreed(adafactor(shapes), *cut)


def test_a_machine_that_moves_every_wavelet_agrees() -> None:
    program = adafactor([(4, 3, 3, 2), (4,)])
    step = agreed(program, 3, 4)
    assert step.lowered is not None
    assert step.timing is not None
    stepper = Stepper(step.placement.wafer, step.lowered.activities, len(program.ops))
    assert len(stepper.busy_pes) == step.timing.elapsed_cycles
    assert np.array_equal(stepper.op_start, step.timing.op_start)
    assert np.array_equal(stepper.op_end, step.timing.op_end)
    assert np.array_equal(stepper.pe_busy, step.timing.pe_busy)
    assert np.array_equal(stepper.link_busy, step.timing.link_busy)
    resident = step.plan.memory.resident_bytes
    assert np.array_equal(stepper.sram_peak + resident, step.timing.sram_peak)


@pytest.mark.parametrize("shape", [(12, 5, 3), (12, 5, 1)], ids=["wide", "one column"])
def test_only_two_numbers_travel_however_many_statistics_there_are(shape: tuple[int, ...]) -> None:
    """The root mean squares of the parameter and of the update, one after the other."""
    kernels, vector = (sent_by(adafactor([of])) for of in (shape, (60,)))
    # a vector has no statistics to wait for: its two travel together
    assert {activity.wavelets for activity in kernels} == {1}
    assert {activity.wavelets for activity in vector} == {2}
    assert len(kernels) == 2 * len(vector) > 0


def sent_by(program: StepProgram) -> list[Chain | Star | Multicast]:
    lowered = agreed(program, 3, 4).lowered
    assert lowered is not None
    return [a for a in lowered.activities if isinstance(a, (Chain, Star, Multicast))]


def test_what_one_matrix_makes_is_read_after_the_last_strip() -> None:
    """A row mean is complete when all strips have added to it, and needs no message for that."""
    step = agreed(adafactor([(40, 3, 3)]), 2, 2)
    segments = step.plan.costs.segments[0]
    assert [len(segment.exchanges) for segment in segments] == [1, 1, 0]
    made, read = segments[0], segments[1]
    assert [op.op.base_name for op in made.ops if op.op.base_name == "mean"] == ["mean"] * 2
    assert [op.op.base_name for op in read.ops if op.once].count("lerp") == 2


class Ruled(optimizers.Optimizer):
    """An optimizer of one's own that goes down what ``rule`` makes of the gradient."""

    def __init__(self, params: list[nn.Parameter], rule: Rule) -> None:
        self.rule = rule
        super().__init__(params, {"lr": 0.1})

    def preinitialize(self) -> None:
        pass

    def state_names_to_sparsify(self) -> list[str]:
        return []

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for p in self.param_groups[0]["params"]:
            p.add_(self.rule(p.grad), alpha=-0.1)


def of_norm(g: torch.Tensor, statistic: torch.Tensor) -> torch.Tensor:
    return torch.mul(g, torch.linalg.vector_norm(statistic))


ALLOWED: dict[str, tuple[Rule, int]] = {
    "a mean a matrix": (lambda g: g / g.mean((-2, -1), keepdim=True), 0),
    "columns without rows": (lambda g: g / g.mean(-2, keepdim=True), 0),
    "rows and columns together": (lambda g: g * (g.mean(-1, True) + g.mean(-2, True)), 0),
    "rows, then matrices": (lambda g: g / g.mean(-1, True).mean(-2, True), 0),
    "a norm a column": (lambda g: g / torch.linalg.vector_norm(g, 1, -2, keepdim=True), 0),
    "the largest of a matrix": (lambda g: g / g.amax((-2, -1), keepdim=True), 0),
    "the norm of all rows": (lambda g: of_norm(g / g.mean(-2, True), g.mean(-1)), 1),
    "the norm of all columns": (lambda g: of_norm(g, g.mean(-2)), 1),
    "the norm of all means": (lambda g: of_norm(g, g.mean((-2, -1))), 1),
}
"""Rules, and how many numbers travel for each."""

REFUSED: dict[str, Rule] = {
    "a mean over the stack": lambda g: g / (g.mean(-2, True) + g.mean(0)),
    "a mean over one dimension of the stack": lambda g: g * g.mean(-2, True) * g.mean(1, True),
}


@pytest.mark.parametrize("shape", [(6, 3, 4, 2), (6, 3, 3, 3), (2, 2, 3, 3, 2)], ids=str)
@pytest.mark.parametrize(("rule", "numbers"), ALLOWED.values(), ids=ALLOWED)
def test_statistics_of_each_matrix_stay_and_their_norms_travel(
    rule: Rule, numbers: int, shape: tuple[int, ...]
) -> None:
    p = nn.Parameter(torch.empty(shape, device="meta"))
    step = agreed(capture_step(Ruled([p], rule)), 3, 4)
    assert step.placement.tensors[0].layout == "stack"
    exchanges = [e for segment in step.plan.costs.segments[0] for e in segment.exchanges]
    assert sum(exchange.numbers for exchange in exchanges) == numbers
    assert {exchange.kind.value for exchange in exchanges} <= {"number"}
    assert step.timing is not None
    assert (int(step.timing.link_busy.sum()) > 0) == (numbers > 0)


@pytest.mark.parametrize("rule", REFUSED.values(), ids=REFUSED)
def test_what_reduces_the_stack_is_refused_by_name(rule: Rule) -> None:
    p = nn.Parameter(torch.empty(6, 3, 4, 2, device="meta"))
    with pytest.raises(UnknownOpError, match=r"works on shape .* of a tensor \[6, 3, 4, 2\]"):
        emulate_step(capture_step(Ruled([p], rule)), WSE2.scaled(3, 4))


LOOK_ALIKES: dict[str, Rule] = {
    "a mean over the stack, beside columns": lambda g: g * g.mean(-2, True) * g.mean(1)[..., None],
    "a mean over the stack alone": lambda g: g * g.mean(1)[..., None],
    "over the stack and the columns": lambda g: g * g.mean((1, -1))[..., None, None],
    "of the rows, over the stack": lambda g: g * g.mean(-1).mean(1)[..., None, None],
}


@pytest.mark.parametrize("rule", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_a_sum_of_different_matrices_is_not_taken_for_a_statistic_of_each(rule: Rule) -> None:
    p = nn.Parameter(torch.empty(6, 3, 3, 3, device="meta"))
    with pytest.raises(UnknownOpError, match="adds up different ones of its stacked matrices"):
        emulate_step(capture_step(Ruled([p], rule)), WSE2.scaled(3, 4))


def test_a_convolutional_network_runs_with_adafactor() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 12, (5, 1)), nn.Conv2d(12, 4, 1), nn.Linear(9, 5)
    )
    array, pe = (
        run(network, optimizer="Adafactor", lr=0.01, wafer="wse2:9x7", engine=engine)
        for engine in ("array", "pe")
    )
    assert array.fits
    assert array.digest == pe.digest


def test_matrices_too_large_for_a_pe_are_refused_by_name() -> None:
    program = adafactor([(8, 100, 120)])
    with pytest.raises(UnknownOpError, match=r"8 matrices of 100 x 120 .* whole in one PE"):
        emulate_step(program, WSE2.scaled(4, 4))
