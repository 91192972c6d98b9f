"""Every op that an optimizer, a schedule, clipping or loss scaling emits has a cost on a PE."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import schedulers
from optimizers import SGD
from optimizers.clipping import clip_grad_norm_static
from optimizers.loss_scaling import DynamicLossScale
from schedulers import LRScheduler
from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS
from wse_emulator.capture.parameter_names import parameter_names
from wse_emulator.capture.step import capture_step, trace_update
from wse_emulator.ops import check_costs, is_free, is_scalar_op, op_cost
from wse_emulator.ops.streams import step_conflicts
from wse_emulator.program import Parameter, StepProgram
from wse_emulator.wafer import WSE2, WSE3

CASES = [
    pytest.param(record, arguments, dtype, id=f"{record.name}-{number}-{dtype}")
    for record in RECORDS
    for number, arguments in enumerate(record.accepted)
    for dtype in (torch.float32, torch.bfloat16)
]


def tensors(dtype: torch.dtype = torch.float32) -> list[torch.nn.Parameter]:
    made = [torch.nn.Parameter(torch.ones(6, 4, dtype=dtype)) for _ in range(2)]
    for tensor in made:
        tensor.grad = torch.ones_like(tensor)
    return made


@pytest.mark.parametrize(("record", "arguments", "dtype"), CASES)
def test_every_optimizer(
    record: OptimizerRecord, arguments: dict[str, Any], dtype: torch.dtype
) -> None:
    program = capture_step(record.optimizer(tensors(dtype), **arguments))
    check_costs(program, WSE2)
    check_costs(program, WSE3)
    for op in program.ops:
        cost = op_cost(op, program, 24, WSE2)
        assert cost.cycles > 0 or is_free(op)
        assert min(cost.evidence_cycles, cost.counted_cycles, cost.own_cycles) >= 0
        assert cost.low_cycles <= cost.cycles <= cost.high_cycles
    # the operands of every rule can be placed so that no two sources conflict in the banks
    assert step_conflicts(program, 0) == frozenset()


SCHEDULES: dict[str, Callable[[SGD], LRScheduler]] = {
    "constant": lambda o: schedulers.ConstantLR(o, 0.1),
    "linear": lambda o: schedulers.LinearLR(o, 0.1, 0.01, 10),
    "polynomial": lambda o: schedulers.PolynomialLR(o, 0.1, 0.01, 10, power=2.5),
    "exponential": lambda o: schedulers.ExponentialLR(o, 0.1, 10, 0.9, staircase=True),
    "inverse time": lambda o: schedulers.InverseExponentialTimeDecayLR(o, 0.1, 10, 10, 0.9),
    "inverse root": lambda o: schedulers.InverseSquareRootDecayLR(o, 0.1),
    "cosine": lambda o: schedulers.CosineDecayLR(o, 0.1, 0.01, 10),
    "piecewise": lambda o: schedulers.PiecewiseConstantLR(o, [0.1, 0.2, 0.3], [5, 6]),
    "multi-step": lambda o: schedulers.MultiStepLR(o, 0.1, 0.5, [3, 5]),
    "step": lambda o: schedulers.StepLR(o, 0.1, 3, 0.5),
    "annealing": lambda o: schedulers.CosineAnnealingLR(o, 0.1, 10, 0.01),
    "restarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 0.1, 10),
    "one cycle": lambda o: schedulers.OneCycleLR(o, 0.1, 1.0, 100),
    "cyclic": lambda o: schedulers.CyclicLR(o, 0.1, 1.0, mode="triangular2"),
    "sequence": lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.0, 0.1, 5), schedulers.CosineDecayLR(o, 0.1, 0.01, 10)], [5]
    ),
    "chain": lambda o: schedulers.ChainedScheduler(
        [schedulers.LinearLR(o, 0.0, 0.1, 5), schedulers.ExponentialLR(o, 0.1, 10, 0.9)]
    ),
}


@pytest.mark.parametrize("build", SCHEDULES.values(), ids=SCHEDULES)
def test_every_schedule_is_scalar_work_on_the_controller(
    build: Callable[[SGD], LRScheduler],
) -> None:
    optimizer = SGD(tensors(), lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = build(optimizer)
    program = capture_step(optimizer, scheduler)
    check_costs(program, WSE2)
    schedule = [op for op in program.ops if op.owner is None]
    assert schedule
    assert all(is_scalar_op(op) or is_free(op) for op in schedule)
    assert sum(op_cost(op, program, 1, WSE2).cycles for op in schedule) < 1000


def test_clipping_and_loss_scaling() -> None:
    optimizer = SGD(tensors(), lr=0.1, momentum=0.9)
    scaler = DynamicLossScale()

    def step(_: object) -> None:
        scaler.unscale_(optimizer)
        clip_grad_norm_static(optimizer, 1.0)
        scaler.step(optimizer)
        scaler.update()

    trace = trace_update(optimizer, None, parameter_names(optimizer), step)
    parameters = tuple(
        Parameter(index, name, (6, 4), "float32", 0, True)
        for index, name in enumerate(parameter_names(optimizer))
    )
    program = StepProgram("SGD", None, parameters, trace.values, trace.ops)
    names = {op.base_name for op in program.ops}
    assert {"linalg_vector_norm", "where"} <= names
    check_costs(program, WSE2)
