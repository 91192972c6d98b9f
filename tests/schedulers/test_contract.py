"""What the optimizer and the emulator rely on: one cell, written in place, by tensor ops alone."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from torch.utils._python_dispatch import TorchDispatchMode

import schedulers
from optimizers import SGD, AdamW
from tests.schedulers.strategies import ANY, Builder, optimizer


class Ops(TorchDispatchMode):
    """Names and scalars of the ops dispatched inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[object, ...]]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        scalars = tuple(a for a in args if not isinstance(a, torch.Tensor))
        self.seen.append((str(func), scalars))
        return func(*args, **(kwargs or {}))


def _meta_optimizer() -> SGD:
    return SGD([torch.nn.Parameter(torch.ones(3, device="meta"))], lr=0.1)


def test_the_rate_of_step_zero_is_in_every_group_after_construction() -> None:
    o = optimizer(groups=3)
    scheduler = schedulers.LinearLR(o, 0.5, 0.1, 4)
    assert all(group["lr"] is scheduler.rate_cell for group in o.param_groups)
    assert float(scheduler.rate_cell) == 0.5
    assert scheduler.get_last_lr() == [0.5, 0.5, 0.5]


def test_step_writes_the_cell_in_place() -> None:
    o = optimizer()
    scheduler = schedulers.LinearLR(o, 0.5, 0.1, 4)
    cell, counter = scheduler.rate_cell, scheduler.last_epoch
    places = cell.data_ptr(), counter.data_ptr()
    scheduler.step()
    assert scheduler.rate_cell is cell
    assert scheduler.last_epoch is counter
    assert places == (cell.data_ptr(), counter.data_ptr())
    assert float(cell) == pytest.approx(0.4)
    assert (cell.shape, cell.dtype) == ((), torch.float32)
    assert (counter.shape, counter.dtype) == ((), torch.int64)


def test_the_optimizer_steps_with_the_rate_of_the_step() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    o = SGD([parameter], lr=9.0)
    scheduler = schedulers.LinearLR(o, 0.4, 0.0, 4)
    for expected in (0.6, 0.3, 0.1):
        parameter.grad = torch.ones(2)
        o.step()
        scheduler.step()
        assert parameter.tolist() == pytest.approx([expected, expected])


def test_a_rate_from_outside_is_overwritten_at_the_next_step() -> None:
    o = optimizer()
    scheduler = schedulers.LinearLR(o, 0.5, 0.1, 4)
    o.param_groups[1]["lr"] = 3.0
    scheduler.step()
    assert o.param_groups[1]["lr"] is scheduler.rate_cell


def test_the_cell_survives_the_optimizers_state() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    o = AdamW([parameter], lr=1.0)
    scheduler = schedulers.ConstantLR(o, 0.25)
    saved = copy.deepcopy(o.state_dict())
    assert saved["param_groups"][0]["lr"] == 0.25
    o.load_state_dict(saved)
    assert o.param_groups[0]["lr"] is scheduler.rate_cell


@given(ANY)
def test_a_step_runs_on_meta_tensors_and_never_changes_its_ops(build: Builder) -> None:
    """Meta tensors have no values, so an op list that runs there cannot depend on any."""
    scheduler = build(_meta_optimizer())
    recorded = []
    for _ in range(3):
        with Ops() as ops:
            scheduler.step()
        recorded.append(ops.seen)
    assert recorded[0] == recorded[1] == recorded[2]
    assert recorded[0][0] == ("aten.add_.Tensor", (1,))
    assert recorded[0][-1][0] == "aten.copy_.default"
    assert not any("_local_scalar_dense" in name for name, _ in recorded[0])
    assert scheduler.rate_cell.is_meta
    assert scheduler.last_epoch.is_meta


@given(ANY)
def test_a_step_does_on_real_tensors_what_it_does_on_meta_ones(build: Builder) -> None:
    recorded = []
    for o in (optimizer(), _meta_optimizer()):
        scheduler = build(o)
        with Ops() as ops:
            scheduler.step()
        recorded.append([name for name, _ in ops.seen])
    assert recorded[0] == recorded[1]


@given(ANY)
def test_rates_on_the_host_need_no_real_optimizer(build: Builder) -> None:
    steps = torch.arange(50)
    on_meta, real = build(_meta_optimizer()), build(optimizer())
    assert torch.equal(on_meta.rates(steps), real.rates(steps))


@given(ANY)
def test_rates_leave_the_scheduler_alone(build: Builder) -> None:
    scheduler = build(optimizer())
    scheduler.step()
    before = scheduler.state_dict()
    scheduler.rates(torch.arange(20))
    assert scheduler.state_dict() == before


@pytest.mark.parametrize("ask", ["get_last_lr", "state_dict"])
def test_numbers_cannot_be_read_from_meta_tensors(ask: str) -> None:
    scheduler = schedulers.ConstantLR(_meta_optimizer(), 0.1)
    with pytest.raises(schedulers.UnreadableRateError, match=r"use rates\(steps\)"):
        getattr(scheduler, ask)()


def test_a_state_dictionary_holds_plain_values_and_does_not_move() -> None:
    o = optimizer()
    scheduler = schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.0, 1.0, 4), schedulers.ConstantLR(o, 1.0)], [4]
    )
    scheduler.step()
    saved = scheduler.state_dict()
    kept = copy.deepcopy(saved)
    for _ in range(5):
        scheduler.step()
    assert saved == kept
    assert saved["last_epoch"] == 1
    assert [part["last_epoch"] for part in scheduler.state_dict()["_schedulers"]] == [6, 2]


def test_loading_brings_the_hyper_parameters_and_the_rate_at_once() -> None:
    saved = schedulers.LinearLR(optimizer(), 0.5, 0.1, 4)
    saved.step()
    o = optimizer()
    loaded = schedulers.LinearLR(o, 7.0, 6.0, 99)
    cell = loaded.rate_cell
    loaded.load_state_dict(saved.state_dict())
    assert o.param_groups[0]["lr"] is cell
    assert float(cell) == float(saved.rate_cell)
    assert (loaded.initial_learning_rate, loaded.end_learning_rate) == (0.5, 0.1)
    assert loaded.total_iters == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_epoch": -1}, "0 or more"),
        ({"last_epoch": 2.5}, "whole number"),
        ({"last_epoch": None}, "whole number"),
        ({"total_iters": 0}, "total_iters"),
        ({"end_learning_rate": float("nan")}, "end_learning_rate"),
        ({"end_learning_rate": "0.1"}, "end_learning_rate"),
        ({"gamma": 0.1}, "gamma"),
    ],
)
def test_a_wrong_state_dictionary_is_refused_and_changes_nothing(
    change: dict[str, object], message: str
) -> None:
    scheduler = schedulers.LinearLR(optimizer(), 0.5, 0.1, 4)
    before = scheduler.state_dict()
    with pytest.raises(schedulers.SchedulerStateError, match=message):
        scheduler.load_state_dict({**before, **change})
    assert scheduler.state_dict() == before


def test_a_truncated_state_dictionary_is_refused() -> None:
    o = optimizer()
    parts = [schedulers.LinearLR(o, 0.5, 0.1, 4), schedulers.ConstantLR(o, 0.1)]
    scheduler = schedulers.SequentialLR(o, parts, [4])
    saved = scheduler.state_dict()
    for missing in ("last_epoch", "milestones", "_schedulers"):
        cut = {key: value for key, value in saved.items() if key != missing}
        with pytest.raises(schedulers.SchedulerStateError, match=missing):
            scheduler.load_state_dict(cut)
    nested = [*saved["_schedulers"][:1], {"last_epoch": 0}]
    with pytest.raises(schedulers.SchedulerStateError, match="learning_rate"):
        scheduler.load_state_dict({**saved, "_schedulers": nested})
    assert scheduler.state_dict() == saved


def test_sequences_nest() -> None:
    o = optimizer()
    inner = schedulers.SequentialLR(
        o, [schedulers.ConstantLR(o, 2.0), schedulers.LinearLR(o, 3.0, 0.0, 3)], [2]
    )
    outer = schedulers.SequentialLR(o, [schedulers.ConstantLR(o, 1.0), inner], [4])
    assert outer.rates(torch.arange(11)).tolist() == [1, 1, 1, 1, 2, 2, 3, 2, 1, 0, 0]
    assert inner.total_iters == 5
    assert outer.total_iters == 9


def test_without_reset_a_part_sees_the_absolute_step() -> None:
    o = optimizer()
    overlapping = schedulers.SequentialLR(
        o,
        [
            schedulers.ConstantLR(o, 9.0),
            schedulers.LinearLR(o, 10.0, 0.0, 10, disable_lr_steps_reset=True),
        ],
        [4],
    )
    assert overlapping.rates(torch.arange(3, 7)).tolist() == [9.0, 6.0, 5.0, 4.0]


def test_last_epoch_places_the_start_of_a_sequence() -> None:
    o = optimizer()
    parts = [schedulers.LinearLR(o, 0.0, 1.0, 4), schedulers.ConstantLR(o, 1.0)]
    scheduler = schedulers.SequentialLR(o, parts, [4], last_epoch=1)
    assert int(scheduler.last_epoch) == 2
    assert scheduler.get_last_lr() == [0.5, 0.5]


def test_a_part_cannot_be_stepped_by_itself() -> None:
    o = optimizer()
    part = schedulers.ConstantLR(o, 0.1)
    schedulers.SequentialLR(o, [part], [])
    with pytest.raises(schedulers.ComposedSchedulerError, match="part of a SequentialLR"):
        part.step()


def test_cycle_is_accepted_and_says_that_it_does_nothing() -> None:
    with pytest.warns(UserWarning, match="cycle=True changes nothing"):
        cycling = schedulers.LinearLR(optimizer(), 0.5, 0.1, 4, cycle=True)
    plain = schedulers.LinearLR(optimizer(), 0.5, 0.1, 4)
    assert torch.equal(cycling.rates(torch.arange(20)), plain.rates(torch.arange(20)))


def test_schedulers_of_different_groups_write_their_own() -> None:
    first, second, third = (torch.nn.Parameter(torch.ones(1)) for _ in range(3))
    o = SGD(
        [
            {"params": [first], "tag": "body"},
            {"params": [second], "tags": ["head", "last"]},
            {"params": [third], "lr": 0.125},
        ],
        lr=0.5,
    )
    body, head = schedulers.configure_lr_schedulers(
        o,
        [
            {"ConstantLR": {"learning_rate": 0.1, "param_group_tags": "body"}},
            {
                "SequentialLR": {
                    "schedulers": [
                        {"LinearLR": dict.fromkeys(RATES, 1.0) | {"total_iters": 2}},
                        {"ConstantLR": {"learning_rate": 3.0}},
                    ],
                    "param_group_tags": ["last"],
                }
            },
        ],
    )
    for _ in range(2):
        body.step()
        head.step()
    assert [float(group["lr"]) for group in o.param_groups] == pytest.approx([0.1, 3.0, 0.125])
    assert body.get_last_lr() == pytest.approx([0.1])
    assert o.param_groups[0]["lr"] is body.rate_cell
    assert o.param_groups[1]["lr"] is head.rate_cell


RATES = ("initial_learning_rate", "end_learning_rate")
