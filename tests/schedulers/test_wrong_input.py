"""Wrong arguments: the documented exception, and a message that says what and where."""

from __future__ import annotations

import math

import pytest
import torch

import schedulers
from schedulers import configure_lr_scheduler
from tests.schedulers.strategies import optimizer

LINEAR = {"initial_learning_rate": 0.1, "end_learning_rate": 0.0, "total_iters": 4}

ONE_CYCLE = {"initial_learning_rate": 0.1, "max_lr": 1.0}


@pytest.mark.parametrize(
    ("name", "arguments", "mentions"),
    [
        ("LinearLR", LINEAR | {"total_iters": 0}, "total_iters is 0"),
        ("LinearLR", LINEAR | {"total_iters": -5}, "total_iters is -5"),
        ("LinearLR", LINEAR | {"total_iters": math.inf}, "total_iters is inf"),
        ("LinearLR", LINEAR | {"initial_learning_rate": math.nan}, "initial_learning_rate is nan"),
        ("LinearLR", LINEAR | {"end_learning_rate": -0.1}, "cannot be negative"),
        ("LinearLR", LINEAR | {"end_learning_rate": 1e39}, "float32"),
        ("PolynomialLR", LINEAR | {"power": 0.0}, "power is 0.0"),
        ("ConstantLR", {"learning_rate": 0.1, "total_iters": 0}, "total_iters is 0"),
        ("InverseSquareRootDecayLR", {"warmup_steps": 0}, "warmup_steps is 0"),
        ("StepLR", {"initial_learning_rate": 1, "step_size": 0, "gamma": 0.5}, "step_size is 0"),
        ("StepLR", {"initial_learning_rate": 1, "step_size": 5, "gamma": -1}, "gamma is -1.0"),
        ("CosineAnnealingLR", {"initial_learning_rate": 1.0, "T_max": 0}, "T_max is 0"),
        (
            "CosineAnnealingWarmRestarts",
            {"initial_learning_rate": 1.0, "T_0": 5, "T_mult": 2},
            "T_mult is 2",
        ),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "mode": "square"}, "triangular2"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "scale_mode": "epochs"}, "iterations"),
        (
            "OneCycleLR",
            {"initial_learning_rate": 0.1, "max_lr": 1.0, "total_steps": 1},
            "no step is left",
        ),
        (
            "OneCycleLR",
            {"initial_learning_rate": 0.1, "max_lr": 1.0, "pct_start": 1.0},
            "no step is left",
        ),
        (
            "OneCycleLR",
            {"initial_learning_rate": 0.1, "max_lr": 1.0, "anneal_strategy": "sin"},
            "cos, linear",
        ),
        (
            "PiecewiseConstantLR",
            {"learning_rates": [0.1, 0.2], "milestones": [5, 9]},
            "need 1 milestones, got 2",
        ),
        (
            "PiecewiseConstantLR",
            {"learning_rates": [0.1, 0.2, 0.3], "milestones": [9, 5]},
            "must increase",
        ),
        ("OneCycleLR", {**ONE_CYCLE, "total_steps": 2**62}, "at most"),
        ("OneCycleLR", {**ONE_CYCLE, "final_div_factor": 1e-300}, "the final rate is"),
        ("OneCycleLR", {**ONE_CYCLE, "final_div_factor": 5e-324}, "the final rate is inf"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 2**40}, "product below"),
        (
            "MultiStepLR",
            {"initial_learning_rate": 1.0, "gamma": 1e30, "milestones": [5, 6]},
            "after the last milestone is 1",
        ),
        (
            "MultiStepLR",
            {"initial_learning_rate": 1.0, "gamma": 0.5, "milestones": [5, 5]},
            "must increase",
        ),
        (
            "MultiStepLR",
            {"initial_learning_rate": 1.0, "gamma": 0.5, "milestones": [0, 5]},
            "milestones\\[0\\] is 0",
        ),
    ],
)
def test_a_value_out_of_range_is_a_value_error(
    name: str, arguments: dict[str, object], mentions: str
) -> None:
    with pytest.raises(ValueError, match=mentions) as caught:
        getattr(schedulers, name)(optimizer(), **arguments)
    assert isinstance(caught.value, schedulers.SchedulerError)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments", "mentions"),
    [
        ("LinearLR", LINEAR | {"total_iters": 2.5}, "total_iters"),
        ("LinearLR", LINEAR | {"total_iters": "10"}, "total_iters"),
        ("LinearLR", LINEAR | {"total_iters": True}, "total_iters"),
        ("LinearLR", LINEAR | {"end_learning_rate": "1e-4"}, "end_learning_rate"),
        ("LinearLR", LINEAR | {"disable_lr_steps_reset": 1}, "disable_lr_steps_reset"),
        ("PiecewiseConstantLR", {"learning_rates": 0.1, "milestones": []}, "learning_rates"),
        (
            "MultiStepLR",
            {"initial_learning_rate": 1.0, "gamma": 0.5, "milestones": [3.0]},
            "milestones",
        ),
    ],
)
def test_an_argument_of_the_wrong_type_is_a_type_error(
    name: str, arguments: dict[str, object], mentions: str
) -> None:
    with pytest.raises(TypeError, match=mentions) as caught:
        getattr(schedulers, name)(optimizer(), **arguments)
    assert isinstance(caught.value, schedulers.SchedulerError)


def test_a_whole_float_counts_as_steps() -> None:
    assert schedulers.LinearLR(optimizer(), 0.1, 0.0, 1000.0).total_iters == 1000


@pytest.mark.parametrize("given", [None, 3, torch.optim.SGD([torch.nn.Parameter(torch.ones(1))])])
def test_only_optimizers_of_this_package_can_be_scheduled(given: object) -> None:
    with pytest.raises(TypeError, match=r"optimizers\.Optimizer"):
        schedulers.ConstantLR(given, 0.1)


def test_parts_must_drive_one_optimizer() -> None:
    o = optimizer()
    parts = [schedulers.ConstantLR(o, 0.1), schedulers.ConstantLR(optimizer(), 0.2)]
    with pytest.raises(ValueError, match=r"schedulers\[1\] .* another optimizer"):
        schedulers.SequentialLR(o, parts, [3])
    with pytest.raises(ValueError, match=r"schedulers\[1\]"):
        schedulers.ChainedScheduler(
            [schedulers.ConstantLR(o, 0.1), schedulers.StepLR(optimizer(), 0.1, 3, 0.5)]
        )


@pytest.mark.parametrize(("milestones", "error"), [([], ValueError), ([3, 5], ValueError)])
def test_a_sequence_needs_one_milestone_less_than_parts(
    milestones: list[int], error: type[Exception]
) -> None:
    o = optimizer()
    parts = [schedulers.ConstantLR(o, 0.1), schedulers.ConstantLR(o, 0.2)]
    with pytest.raises(error, match="2 schedulers need 1 milestones"):
        schedulers.SequentialLR(o, parts, milestones)


def test_compositions_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        schedulers.SequentialLR(optimizer(), [], [])
    with pytest.raises(ValueError, match="empty"):
        schedulers.ChainedScheduler([])
    with pytest.raises(TypeError, match=r"schedulers\[0\]"):
        schedulers.SequentialLR(optimizer(), ["ConstantLR"], [])


@pytest.mark.parametrize("last", ["ConstantLR", "zero"])
def test_a_chain_cannot_divide_by_what_is_not_there(last: str) -> None:
    o = optimizer()
    first = schedulers.ConstantLR(o, 0.1)
    second = (
        schedulers.ConstantLR(o, 0.1) if last == "ConstantLR" else schedulers.StepLR(o, 0, 5, 0.5)
    )
    with pytest.raises(schedulers.UnchainableSchedulerError, match=r"schedulers\[1\]"):
        schedulers.ChainedScheduler([first, second])


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        (torch.tensor([1.5]), TypeError),
        (torch.tensor([True]), TypeError),
        ([1, 2], TypeError),
        (torch.tensor([3, -1]), ValueError),
    ],
)
def test_rates_take_integer_steps_from_zero(steps: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="rates: steps"):
        schedulers.ConstantLR(optimizer(), 0.1).rates(steps)


@pytest.mark.parametrize(
    ("section", "mentions"),
    [
        ({"scheduler": "Liner", **LINEAR}, "did you mean one of: LinearLR"),
        ({"CosinDecayLR": {}}, "CosineDecayLR"),
        ({"scheduler": "Linear", "initial_learning_rate": 0.1}, "end_learning_rate is missing"),
        ({"CosineDecayWD": {"initial_val": 0.1}}, "weight decay"),
        ({"ScalePerParamLR": {}}, "parameter's norm"),
        ({"initial_learning_rate": 0.1, "total_iters": 5}, "needs a 'scheduler' key"),
        ({"scheduler": 3}, "give the name"),
        ([{"scheduler": "Linear", **LINEAR}, 0.1], "entry must be a mapping"),
        (
            [{"scheduler": "Constant", "learning_rate": 0.1}, {"scheduler": "Linear", **LINEAR}],
            r"schedulers\[0\] \(ConstantLR\) lacks total_iters",
        ),
        (
            [
                {"scheduler": "Linear", **LINEAR, "main_scheduler": "chained"},
                {"scheduler": "Linear", **LINEAR, "main_scheduler": "sequential"},
            ],
            "main_scheduler",
        ),
        ([{"scheduler": "Linear", **LINEAR, "main_scheduler": "looped"}] * 2, "looped"),
        ([{"LinearLR": LINEAR}, {"LinearLR": LINEAR}], "SequentialLR"),
        ({"SequentialLR": {"schedulers": []}}, "list of scheduler entries"),
        ({"scheduler": "Linear", **LINEAR, "total_iters": 0}, "total_iters"),
        ({"scheduler": "Linear", **LINEAR, "total_iters": "ten"}, "whole number"),
        ({"LinearLR": LINEAR | {"param_group_tags": "head"}}, "no parameter group is tagged head"),
        ({"LinearLR": LINEAR | {"param_group_tags": 4}}, "param_group_tags"),
        ("fast", "must hold a number"),
        (math.nan, "nan"),
        (-0.1, "cannot be negative"),
        (3, "give a float"),
        (True, "give a float"),
    ],
)
def test_a_wrong_section_is_a_value_error(section: object, mentions: str) -> None:
    with pytest.raises(ValueError, match=mentions) as caught:
        configure_lr_scheduler(optimizer(), section)
    assert isinstance(caught.value, schedulers.SchedulerError)
    assert "\n" not in str(caught.value)
