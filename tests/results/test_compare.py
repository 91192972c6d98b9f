"""Two results side by side."""

from __future__ import annotations

import dataclasses
import json

from tests.results.factory import make_result, tiny, too_large
from wse_emulator.results.compare import compare
from wse_emulator.results.facts import OptimizerFacts


def test_a_result_equals_itself() -> None:
    same = compare(tiny(), tiny())
    assert same.settings == ()
    assert all(total.before == total.after for total in same.totals)
    assert all(t.before_cycles == t.after_cycles for t in same.tensors)
    assert same.same_wafer


def test_what_was_configured_otherwise_is_named() -> None:
    before = tiny()
    after = dataclasses.replace(
        before, optimizer=OptimizerFacts(name="SGD", options={"lr": 6e-4, "momentum": 0.9})
    )
    changed = {s.name: (s.before, s.after) for s in compare(before, after).settings}
    assert changed == {
        "optimizer": ("AdamW", "SGD"),
        "optimizer.betas": ("[0.9, 0.95]", "not set"),
        "optimizer.momentum": ("not set", "0.9"),
    }


def test_totals_and_tensors_carry_both_sides() -> None:
    before = make_result(layers=2, tensors_per_layer=2, rows=8, cols=8)
    after = make_result(layers=3, tensors_per_layer=2, rows=8, cols=6, tensor_cycles=600)
    result = compare(before, after)
    step = next(t for t in result.totals if (t.name, t.unit) == ("step", "cycles"))
    assert (step.before, step.after) == (before.steps[-1].cycles, after.steps[-1].cycles)
    assert step.ratio == step.after / step.before
    assert len(result.tensors) == 4
    assert result.only_before == ()
    assert result.only_after == tuple(f"transformer.h.2.part_{i}.weight" for i in range(2))
    assert not result.same_wafer


def test_a_side_that_does_not_fit_has_no_step() -> None:
    result = compare(too_large(), too_large())
    step = next(t for t in result.totals if (t.name, t.unit) == ("step", "cycles"))
    assert (step.before, step.after, step.ratio) == (0, 0, None)
    assert all(t.before_cycles == -1 for t in result.tensors)
    document = result.document()
    assert document["schema"] == "wse-compare/1"
    assert json.loads(json.dumps(document, allow_nan=False)) == document
