"""Lifting a limit: exact, never slower, and told apart from what does not bind."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from wse_emulator.emulate import EmulatedStep, emulate
from wse_emulator.errors import DoesNotFitError
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.read import read
from wse_emulator.plan.known import learn
from wse_emulator.plan.placed import place_and_plan
from wse_emulator.questions.explain import LIFTS, LIMITS, Lift, lift_limits
from wse_emulator.results.explain import Explanation, Limit
from wse_emulator.wafer import WSE2, WSE3, WaferSpec

SMALL = WSE2.scaled(8, 6)


def emulated(optimizer: str, spec: WaferSpec = SMALL, engine: str = "array") -> EmulatedStep:
    model = torch.nn.Sequential(torch.nn.Linear(40, 30), torch.nn.Linear(30, 7))
    inputs = read(
        Given(
            model=model,
            optimizer=optimizer,
            lr_schedule="linear:0:1e-3:10",
            wafer=spec,
            engine=engine,
        )
    )
    return emulate(place_and_plan(learn(inputs), inputs.request))


def effect_of(explanation: Explanation, name: str) -> int:
    return next(e.saved_cycles for e in explanation.effects if e.limit.name == name)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "Lamb", "Adafactor"])
@pytest.mark.parametrize("spec", [SMALL, WSE3.scaled(5, 9)], ids=["wse2", "wse3"])
def test_no_lifted_limit_makes_a_step_slower(optimizer: str, spec: WaferSpec) -> None:
    explanation = lift_limits(emulated(optimizer, spec))
    assert len(explanation.effects) == len(LIMITS)
    for effect in explanation.effects:
        assert 0 <= effect.saved_cycles == explanation.cycles - effect.cycles
        assert effect.saved_share == effect.saved_cycles / explanation.cycles
        assert effect.cycles >= explanation.all_lifted_cycles > 0
    saved = [effect.saved_cycles for effect in explanation.effects]
    assert saved == sorted(saved, reverse=True)


def test_each_effect_is_the_step_on_the_machine_with_that_field_changed() -> None:
    explanation = lift_limits(emulated("AdamW"))
    free = emulated("AdamW", dataclasses.replace(SMALL, launch_cycles=0)).timing
    assert free is not None
    launch = next(e for e in explanation.effects if e.limit.name == "launch")
    assert launch.cycles == free.elapsed_cycles < explanation.cycles


def test_both_engines_explain_alike() -> None:
    array, pe = (lift_limits(emulated("Lamb", engine=engine)) for engine in ("array", "pe"))
    assert array.effects == pe.effects
    assert array.all_lifted_cycles == pe.all_lifted_cycles
    assert array.critical == pe.critical


def test_what_binds_follows_the_machine() -> None:
    costly_launch = dataclasses.replace(SMALL, launch_cycles=5_000)
    worst = lift_limits(emulated("SGD", costly_launch)).worst
    assert worst is not None
    assert worst.limit.name == "launch"
    slow_ports = dataclasses.replace(
        SMALL, sram_read_bytes_per_cycle=1, sram_write_bytes_per_cycle=1, launch_cycles=0
    )
    worst = lift_limits(emulated("SGD", slow_ports)).worst
    assert worst is not None
    assert worst.limit.name == "memory ports"


def test_hops_bind_on_wse3_and_are_at_their_least_on_wse2() -> None:
    on_wse3 = lift_limits(emulated("Lamb", WSE3.scaled(9, 9)))
    assert effect_of(on_wse3, "hop latency") > 0
    on_wse2 = lift_limits(emulated("Lamb"))
    hop = next(e for e in on_wse2.effects if e.limit.name == "hop latency")
    assert not hop.binds
    assert hop.cycles == on_wse2.cycles


def test_long_messages_are_what_the_link_rate_costs() -> None:
    """Adafactor sends vectors over the fabric, AdamW only the learning rate."""
    assert effect_of(lift_limits(emulated("Adafactor")), "link rate and contention") > 0
    assert effect_of(lift_limits(emulated("AdamW")), "link rate and contention") == 0


def test_the_critical_path_has_no_gap_and_ends_with_the_step() -> None:
    explanation = lift_limits(emulated("Lamb"))
    at = 0
    for part in explanation.critical.parts:
        assert part.start_cycle == at < part.end_cycle
        at = part.end_cycle
    assert at == explanation.cycles


def test_doubt_is_no_limit_of_the_machine() -> None:
    """AdamW's square roots are known within a range; the remedy must be one for the machine."""
    only = [lift for lift in LIFTS if lift.limit.name == "ranges of costs"]
    explanation = lift_limits(emulated("AdamW"), lifts=only)
    assert explanation.effects[0].saved_cycles > 0
    assert explanation.worst is None


def test_limits_of_ones_own_can_be_lifted() -> None:
    twice = Lift(
        Limit("clock of the lanes", "compute", "twice the lanes", "none"),
        lambda spec: dataclasses.replace(
            spec,
            lanes=tuple(
                dataclasses.replace(r, elements_per_cycle=2 * r.elements_per_cycle)
                for r in spec.lanes
            ),
        ),
    )
    explanation = lift_limits(emulated("AdamW"), lifts=[twice])
    assert [effect.limit for effect in explanation.effects] == [twice.limit]
    assert explanation.effects[0].saved_cycles > 0


def test_a_step_that_does_not_fit_has_no_time_to_explain() -> None:
    tight = dataclasses.replace(WSE2.scaled(1, 1), sram_bytes_per_pe=9_000)
    with pytest.raises(DoesNotFitError, match="wse fit"):
        lift_limits(emulated("AdamW", tight))
