"""Sections of run configs, in every spelling that was published."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path

import pytest
import torch

import schedulers
from schedulers import configure_lr_scheduler, read_grouped_schedules, read_learning_rate
from tests.schedulers.strategies import optimizer

SECTIONS = json.loads(
    (Path(__file__).parents[1] / "data" / "run_config_sections.json").read_text()
)["sections"]
RISE = {"initial_learning_rate": 0.0, "end_learning_rate": 0.1}

REFUSED = {
    "S0164": "CosineDecayWD schedules the weight decay",
    "S0396": "total_iters is missing",
}
"""Published sections that make no schedule, and why."""


@pytest.mark.parametrize("name", ["Linear", "linear", "LinearLR", "LINEARLR"])
@pytest.mark.parametrize("length", ["total_iters", "steps", "decay_steps"])
def test_every_spelling_of_one_schedule(name: str, length: str) -> None:
    scheduler = configure_lr_scheduler(optimizer(), {"scheduler": name, **RISE, length: 10})
    assert type(scheduler) is schedulers.LinearLR
    assert scheduler.total_iters == 10


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"scheduler": "Constant", "learning_rate": "6e-06"}, {"learning_rate": 6e-6}),
        (
            {"scheduler": "Exponential", "base_lr": 0.1, "steps": "1e3", "gamma": 0.5},
            {"initial_learning_rate": 0.1, "total_iters": 1000, "decay_rate": 0.5},
        ),
        (
            {"scheduler": "CosineAnnealing", "learning_rate": 0.1, "t_max": 9},
            {"initial_learning_rate": 0.1, "T_max": 9},
        ),
        (
            {"scheduler": "CosineAnnealingWarmRestarts", "learning_rate": 0.1, "t_0": 9},
            {"T_0": 9, "T_mult": 1},
        ),
        (
            {"scheduler": "Cyclic", "initial_learning_rate": 0.1, "max_lr": 0.2},
            {"base_lr": 0.1, "max_lr": 0.2},
        ),
        (
            {"scheduler": "PiecewiseConstant", "values": [0.1, 0.2], "boundaries": [4]},
            {"learning_rates": [0.1, 0.2], "milestones": [4]},
        ),
        (
            {"scheduler": "Cosine", "initial_learning_rate": 0.2, "alpha": 0.1, "decay_steps": 7},
            {"end_learning_rate": pytest.approx(0.02), "total_iters": 7},
        ),
    ],
)
def test_other_spellings_of_arguments(
    section: dict[str, object], expected: dict[str, object]
) -> None:
    scheduler = configure_lr_scheduler(optimizer(), section)
    assert {name: getattr(scheduler, name) for name in expected} == expected


@pytest.mark.parametrize("nothing", [None, 0.0, "", [], {}])
def test_no_learning_rate_gives_no_scheduler(nothing: object) -> None:
    assert configure_lr_scheduler(optimizer(), nothing) is None


def test_a_list_runs_one_after_another() -> None:
    entries = [
        {"scheduler": "Linear", **RISE, "steps": 10},
        {"scheduler": "Constant", "learning_rate": 0.1, "steps": 5},
        {"scheduler": "Constant", "learning_rate": 0.05},
    ]
    scheduler = configure_lr_scheduler(optimizer(), entries)
    assert type(scheduler) is schedulers.SequentialLR
    assert scheduler.milestones == [10, 15]
    assert scheduler.rates(torch.tensor([0, 10, 15])).tolist() == pytest.approx([0, 0.1, 0.05])


def test_steps_place_the_next_part_and_decay_steps_shape_this_one() -> None:
    entries = [
        {"scheduler": "Linear", **RISE, "decay_steps": 100, "steps": 10},
        {"scheduler": "Constant", "learning_rate": 0.5},
    ]
    scheduler = configure_lr_scheduler(optimizer(), entries)
    assert scheduler.rates(torch.tensor([9, 10])).tolist() == pytest.approx([0.009, 0.5])


def test_the_second_style_derives_milestones_at_every_depth() -> None:
    inner = {"schedulers": [{"LinearLR": RISE | {"total_iters": 4}}, {"ConstantLR": HELD}]}
    section = {"SequentialLR": {"schedulers": [{"SequentialLR": inner}, {"ConstantLR": HELD}]}}
    scheduler = configure_lr_scheduler(optimizer(), section)
    assert scheduler.milestones == [7]
    assert scheduler.schedulers[0].milestones == [4]


HELD = {"learning_rate": 0.1, "total_iters": 3}


def test_chained_in_both_spellings() -> None:
    entries = [
        {"scheduler": "Linear", "initial_learning_rate": 1.0, "end_learning_rate": 0.5, "steps": 9},
        {"scheduler": "Step", "initial_learning_rate": 2.0, "step_size": 3, "gamma": 0.5},
    ]
    first = configure_lr_scheduler(
        optimizer(), [entries[0], {**entries[1], "main_scheduler": "chained"}]
    )
    second = configure_lr_scheduler(
        optimizer(), {"scheduler": "ChainedScheduler", "schedulers": entries}
    )
    assert type(first) is type(second) is schedulers.ChainedScheduler
    assert torch.equal(first.rates(torch.arange(20)), second.rates(torch.arange(20)))


def test_disabling_the_reset_makes_parts_overlap() -> None:
    entries = [
        {"scheduler": "Linear", **RISE, "steps": 10},
        {"scheduler": "Linear", "initial_learning_rate": 1.0, "end_learning_rate": 0, "steps": 100},
    ]
    section = read_learning_rate(entries, disable_lr_steps_reset=True)
    scheduler = schedulers.build_scheduler(optimizer(), section)
    assert scheduler.rates(torch.tensor([50])).tolist() == [0.5]
    assert section.total_steps() == 100


def test_a_users_own_scheduler_is_found_by_name() -> None:
    class HalvingLR(schedulers.LRScheduler):
        """Half the rate at every step."""

        def __init__(self, optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
            self.learning_rate = learning_rate
            super().__init__(optimizer)

        def _get_closed_form_lr(self, step: torch.Tensor) -> torch.Tensor:
            return self.learning_rate * 0.5**step

    scheduler = configure_lr_scheduler(
        optimizer(), {"scheduler": "halving", "learning_rate": "4.0"}
    )
    scheduler.step()
    assert scheduler.get_last_lr() == [2.0, 2.0]


def test_what_no_argument_takes_is_said() -> None:
    section = {"scheduler": "Linear", **RISE, "steps": 10, "alpha": 0.1, "colour": "red"}
    with pytest.warns(UserWarning, match=r"LinearLR\.alpha, LinearLR\.colour"):
        configure_lr_scheduler(optimizer(), section)


def test_every_published_section_makes_a_schedule_or_says_why_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    count: Counter[str] = Counter()
    refused: dict[str, str] = {}
    for published in SECTIONS:
        given = published.get("schedulers", published["optimizer"].get("learning_rate"))
        before = copy.deepcopy(given)
        try:
            if published["style"] == "2.x":
                sections = read_grouped_schedules(given)
            else:
                sections = (read_learning_rate(given),)
            for section in sections:
                built = schedulers.build_formula(optimizer(), section)
                rates = built.rates(torch.arange(0, 3_000_000, 9973))
                assert torch.isfinite(rates).all()
                assert (rates >= 0).all()
                count[type(built).__name__] += 1
        except schedulers.SchedulerError as error:
            refused[published["id"]] = str(error)
        assert given == before
    with capsys.disabled():
        print(f"\n{len(SECTIONS)} sections: {dict(count)}, refused {len(refused)}: {refused}")
    assert set(refused) == set(REFUSED)
    assert all(REFUSED[identity] in message for identity, message in refused.items())
