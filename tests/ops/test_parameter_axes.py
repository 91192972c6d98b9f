"""Rows and columns are told apart by strides, not by shapes or names: square matrices above all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.lowering.agreed import agreed
from tests.ruled import Ruled
from wse_emulator.capture.step import capture_step
from wse_emulator.emulate import emulate_step
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops.spaces import spaces_of
from wse_emulator.plan.holdings import holdings
from wse_emulator.wafer import WSE2

Rule = Callable[[torch.Tensor], torch.Tensor]


def exchanges(rule: Rule, *shape: int) -> list[str]:
    """What PEs combine in a step by that rule, on both engines."""
    step = agreed(
        capture_step(Ruled([nn.Parameter(torch.empty(shape, device="meta"))], rule)), 3, 4
    )
    return [e.kind.value for s in step.plan.costs.segments[0] for e in s.exchanges]


ROWS = ["row sums"]
COLS = ["column sums"]


@pytest.mark.parametrize("shape", [(6, 9), (7, 7)], ids=str)
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda g: g / g.mean(-1, keepdim=True), ROWS),
        (lambda g: g / g.mean(0), COLS),
        (lambda g: g / g.T.mean(0)[:, None], ROWS),
        (lambda g: g / g.T.mean(1), COLS),
        (lambda g: g / (g.T * 2).mean(-1), COLS),
        (lambda g: g / g.T.contiguous().mean(-1), COLS),
        (lambda g: g * g.T.mean(-1).sqrt().square(), COLS),
        (lambda g: g / g.mean(1).mean(), [*ROWS, "over rows"]),
        (lambda g: g / g.mean(0).mean(), [*COLS, "over columns"]),
    ],
)
def test_a_statistic_is_of_the_axes_that_are_left(
    rule: Rule, expected: list[str], shape: tuple[int, int]
) -> None:
    assert exchanges(rule, *shape) == expected


class TwoStatistics(torch.optim.Optimizer):
    """Keeps means of rows and of columns, under names that say nothing."""

    def __init__(self, params: list[nn.Parameter]) -> None:
        super().__init__(params, {"lr": 0.1})
        for p in params:
            self.state[p] = {
                "first_column": torch.zeros(p.shape[0], device=p.device),
                "second": torch.zeros(p.shape[1], device=p.device),
            }

    @torch.no_grad()
    def step(self, _: None = None) -> None:
        for p in self.param_groups[0]["params"]:
            rows, cols = self.state[p]["first_column"], self.state[p]["second"]
            rows.mul_(0.9).add_(p.grad.mean(-1))
            cols.mul_(0.9).add_(p.grad.mean(-2))
            p.sub_(p.grad / rows[:, None] / cols)


@pytest.mark.parametrize("shape", [(6, 9), (7, 7)], ids=str)
def test_state_of_rows_and_columns_is_told_by_what_fills_it(shape: tuple[int, int]) -> None:
    optimizer = TwoStatistics([nn.Parameter(torch.empty(shape, device="meta"))])
    (held,) = holdings(capture_step(optimizer))
    assert [(o.form, o.elements) for o in held.others] == [("rows", shape[0]), ("cols", shape[1])]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (lambda g: g + g.T, "joins a matrix with its transpose"),
        (lambda g: g.T.contiguous() * g, "joins a matrix with its transpose"),
        (lambda g: (g.T @ g.T) / g.norm(), "joins a matrix with the transpose of another"),
    ],
)
def test_a_square_matrix_is_not_taken_for_its_transpose(rule: Rule, why: str) -> None:
    program = capture_step(Ruled([nn.Parameter(torch.empty(7, 7, device="meta"))], rule))
    with pytest.raises(UnknownOpError, match=why):
        emulate_step(program, WSE2.scaled(3, 4))


def test_a_square_matrix_times_its_transpose_is_a_gram_matrix() -> None:
    assert exchanges(lambda g: (g @ g.T) @ g, 7, 7) == []


@pytest.mark.parametrize(
    ("rule", "summed"),
    [
        (lambda g: g @ g.T @ g, "across"),  # a Gram matrix: the lines of one factor are sent
        (lambda g: g.T @ g @ g, "down"),
        (lambda g: g @ g @ g, "rounds"),  # both factors are sent
    ],
)
def test_a_square_matrix_times_itself_is_none(rule: Rule, summed: str) -> None:
    program = capture_step(Ruled([nn.Parameter(torch.empty(7, 7, device="meta"))], rule))
    products = [s.product for s in spaces_of(program, program.parameters[0]).values() if s.product]
    assert products[0].summed == summed
