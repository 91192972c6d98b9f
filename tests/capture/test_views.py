"""Views of one buffer: each has its own part of it, and parts with common elements are refused."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
from torch import nn

import optimizers
from wse_emulator import check
from wse_emulator.capture.extents import Extent, share_elements
from wse_emulator.capture.step import judge_steps

Layers = list[nn.Parameter]


def separate() -> Layers:
    return [nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(3))]


def one_after_the_other() -> Layers:
    flat = torch.ones(15)
    return [nn.Parameter(flat[:12].view(3, 4)), nn.Parameter(flat[12:])]


def padded() -> Layers:
    flat = torch.ones(64)
    return [nn.Parameter(flat[16:28].view(3, 4)), nn.Parameter(flat[32:35])]


def columns() -> Layers:
    matrix = torch.ones(3, 5)
    return [nn.Parameter(matrix[:, :4]), nn.Parameter(matrix[:, 4])]


def of_two_formats() -> Layers:
    flat = torch.ones(30)
    return [nn.Parameter(flat[:12].view(3, 4)), nn.Parameter(flat[12:].view(torch.float16)[:3])]


class Momentum(torch.optim.Optimizer):
    """Momentum held as views of one buffer, as flat optimizers hold it."""

    def __init__(self, parameters: Layers) -> None:
        super().__init__(parameters, {"lr": 0.1})
        self.buffer = torch.zeros(sum(p.numel() for p in parameters))
        at = 0
        for p in parameters:
            self.state[p]["momentum"] = self.buffer[at : at + p.numel()].view_as(p)
            at += p.numel()

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(self.state[p]["momentum"].mul_(0.9).add_(p.grad), alpha=-0.1)


@pytest.mark.parametrize("made", [one_after_the_other, padded, columns, of_two_formats])
def test_parameters_in_one_buffer_are_parameters_like_others(made: Callable[[], Layers]) -> None:
    programs = []
    for layers in (separate(), made()):
        program, violations = judge_steps(optimizers.AdamW(layers), steps=2)
        assert violations == ()
        assert program is not None
        programs.append(program)
    assert [op.owner for op in programs[1].ops] == [op.owner for op in programs[0].ops]
    assert [op.name for op in programs[1].ops] == [op.name for op in programs[0].ops]
    named = [[v.name for v in program.values] for program in programs]
    assert named[0] == named[1]


def test_state_in_one_buffer_is_state_of_its_parameter() -> None:
    program, violations = judge_steps(Momentum(separate()), steps=3)
    assert violations == ()
    assert program is not None
    assert [v.parameter for v in program.values if v.name.endswith("momentum")] == [0, 1]


def test_the_whole_buffer_is_no_state_of_one_parameter() -> None:
    class Resets(Momentum):
        @torch.no_grad()
        def step(self) -> None:  # type: ignore[override]
            super().step()
            self.buffer.mul_(0.5)

    report = check(Resets(separate()))
    assert [v.rule for v in report.violations] == ["writes-outside-state"]


def test_parameters_with_common_elements_are_refused_by_both_names() -> None:
    flat = torch.ones(15)
    model = nn.Module()
    model.a, model.b = nn.Parameter(flat[:12]), nn.Parameter(flat[11:])
    (violation,) = check(optimizers.SGD(model.parameters(), lr=0.1), model=model).violations
    assert violation.rule == "tensors-overlap"
    assert violation.message.startswith("b and a have elements in common")
    assert torch.equal(flat, torch.ones(15))  # no step was taken
    model.b = nn.Parameter(model.a.data)
    (violation,) = check(optimizers.SGD(model.parameters(), lr=0.1), model=model).violations
    assert violation.rule == "tensors-overlap"


def test_common_elements_are_those_of_both_lists() -> None:
    drawn = random.Random(0)
    answers = []
    for _ in range(300):
        extents, elements = [], []
        for _ in range(2):
            shape = [drawn.randint(1, 3) for _ in range(drawn.randint(0, 3))]
            strides = [drawn.randint(0, 5) for _ in shape]
            offset = drawn.randint(0, 12)
            extents.append(Extent(4 * offset, tuple(shape), tuple(4 * s for s in strides), 4))
            places = torch.arange(60).as_strided(shape, strides, offset)
            elements.append(set(places.reshape(-1).tolist()))
        answers.append(share_elements(*extents))
        assert answers[-1] == bool(elements[0] & elements[1])
    assert 60 < sum(answers) < 240  # both answers are met
