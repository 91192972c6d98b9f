"""Whole numbers that no float can hold are refused as other impossible numbers are."""

from __future__ import annotations

import pytest
import torch

import optimizers
import schedulers
from optimizers.errors import ArgumentError
from schedulers.errors import HyperparameterError
from wse_emulator.errors import InputError
from wse_emulator.request import Request
from wse_emulator.wafer.parse import parse_wafer

BEYOND = 9 * 10**399


def test_a_hyper_parameter_beyond_floats_is_refused() -> None:
    with pytest.raises(ArgumentError, match="finite"):
        optimizers.AdamW([torch.nn.Parameter(torch.zeros(2))], lr=0.1, eps=BEYOND)


def test_a_rate_of_a_schedule_beyond_floats_is_refused() -> None:
    optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
    with pytest.raises(HyperparameterError, match="within float32"):
        schedulers.ConstantLR(optimizer, BEYOND)


def test_a_run_of_more_steps_than_can_be_counted_is_refused() -> None:
    with pytest.raises(InputError, match="steps is 9"):
        Request(wafer=parse_wafer("wse2"), steps=BEYOND)
