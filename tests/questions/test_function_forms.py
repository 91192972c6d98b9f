"""A step with its functions as calls of the library and as vector sequences: both are told."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import optimizers
import wse_emulator
from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS
from wse_emulator.capture.step import capture_step
from wse_emulator.cost.kernel import FREE
from wse_emulator.ops import op_cost
from wse_emulator.results.answers import in_both_forms, step_time
from wse_emulator.results.facts import FunctionForms
from wse_emulator.wafer import WSE2

WAFER = WSE2.scaled(8, 6)
VECTOR = dataclasses.replace(WAFER, functions="vector")


def model() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(40, 30), torch.nn.Linear(30, 7))


@pytest.mark.parametrize("optimizer", ["AdamW", "Adafactor", "Muon", "Lamb"])
def test_each_form_is_the_step_on_the_machine_with_that_form(optimizer: str) -> None:
    library, vector = (
        wse_emulator.run(model(), optimizer=optimizer, lr=1e-3, wafer=wafer)
        for wafer in (WAFER, VECTOR)
    )
    cycles = [result.steps[0].cycles for result in (library, vector)]
    for result, form in ((library, "library"), (vector, "vector")):
        forms = result.forms
        assert forms is not None
        assert forms.form == form
        assert [forms.library_cycles, forms.vector_cycles] == cycles
        assert forms.library_seconds == forms.library_cycles / WAFER.clock_hz
        assert forms.vector_seconds == forms.vector_cycles / WAFER.clock_hz
    assert library.forms is not None
    assert vector.forms is not None
    assert library.forms.functions == vector.forms.functions


def test_the_engine_that_is_asked_for_changes_neither_form() -> None:
    array, pe = (
        wse_emulator.run(model(), wafer=WAFER, lr=1e-3, engine=engine) for engine in ("array", "pe")
    )
    assert array.forms == pe.forms is not None


def test_a_step_without_functions_says_nothing_of_them() -> None:
    result = wse_emulator.run(model(), optimizer="SGD", lr=0.1, wafer=WAFER)
    assert result.forms is None
    assert "library" not in step_time(result)


def test_all_that_tell_a_step_time_tell_both_forms() -> None:
    result = wse_emulator.run(model(), optimizer="AdamW", lr=1e-3, wafer=WAFER)
    both = in_both_forms(result.forms)
    assert "if square root and division were written as vector sequences" in both
    page = wse_emulator.preflight(model(), optimizer="AdamW", lr=1e-3, wafer=WAFER)
    assert page.time is not None
    assert page.time.forms == result.forms
    explained = wse_emulator.explain(model(), optimizer="AdamW", lr=1e-3, wafer=WAFER)
    assert explained.forms == result.forms
    optimizer = optimizers.AdamW((trained := model()).parameters(), lr=1e-3)
    emulation = wse_emulator.attach(optimizer, wafer=WAFER, model=trained)
    trained(torch.ones(8, 40)).square().mean().backward()
    optimizer.step()
    attached = emulation.result().forms
    assert attached is not None
    assert attached.functions == ("square root", "division")
    for answer in (result, page, explained):
        assert both in str(answer)


def forms(*functions: str, form: str = "library") -> FunctionForms:
    return FunctionForms(
        functions=functions,
        form=form,
        library_cycles=850,
        library_seconds=1e-6,
        vector_cycles=340,
        vector_seconds=4e-7,
    )


def test_the_clause_names_the_functions() -> None:
    assert in_both_forms(None) == ""
    assert in_both_forms(forms("division")) == (
        " with the library's functions; 400 ns if division was written as a vector sequence"
    )
    assert in_both_forms(forms("square root", "division", "exponential")) == (
        " with the library's functions; 400 ns if square root, division and exponential were "
        "written as vector sequences"
    )
    assert in_both_forms(forms("division", form="vector")) == (
        " with division as vector sequences; 1.00 µs with the library's functions"
    )


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_next_to_nothing_of_an_optimizer_rests_on_sequences_of_ours(
    record: OptimizerRecord, dtype: torch.dtype
) -> None:
    """In vector form it is most of an Adam step, so the test could fail."""
    tensors = [torch.nn.Parameter(torch.ones(24, 40, dtype=dtype)) for _ in range(2)]
    for tensor in tensors:
        tensor.grad = torch.ones_like(tensor)
    for arguments in record.accepted:
        program = capture_step(record.optimizer(tensors, **arguments))
        share = {}
        for spec in (WAFER, VECTOR):
            cost = sum((op_cost(op, program, 960, spec) for op in program.ops), FREE)
            share[spec.functions] = cost.own_cycles / cost.cycles
        assert share["library"] < 0.05
        if record.name in ("Adam", "AdamW"):
            assert share["vector"] > 0.5


def test_an_adamw_step_of_gpt2_xl() -> None:
    """By hand 13,048 cycles beside 2,093 x (85 + 105) and 12 x 2 scalar calls; launches on top."""
    result = wse_emulator.run("gpt2-xl", optimizer="AdamW", lr=1e-4, wafer="wse2")
    by_hand = 13_048 + 2_093 * (85 + 105) + 12 * 90
    assert by_hand < result.steps[0].cycles < 1.02 * by_hand
    low, high = (1e3 * seconds for seconds in result.seconds_interval)
    assert low == pytest.approx(0.40, rel=0.02)
    assert high == pytest.approx(0.61, rel=0.02)
    assert result.forms is not None
    assert result.forms.functions == ("square root", "division")
    in_vector_form = 13_048 + 2_093 * (16.25 + 16.5)  # the starts of its instructions on top
    assert in_vector_form < 850e6 * result.forms.vector_seconds < 1.13 * in_vector_form
    assert result.unsourced_share == 0
