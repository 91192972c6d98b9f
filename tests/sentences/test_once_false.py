"""Sentences that were false once: each with the smallest question that showed it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from random import Random

import pytest

import wse_emulator
from tests.cli.command import wse
from tests.results.factory import tiny, too_large
from tests.sentences.asked import config
from wse_emulator.inputs.optimizer import optimizer_classes
from wse_emulator.results.answers import rate_without_schedule
from wse_emulator.results.facts import OptimizerFacts
from wse_emulator.results.fit_answers import room


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "model.json"
    path.write_text('[["h.0.w", [40, 30], "float32"], ["h.1.w", [30], "float32"]]')
    return str(path)


SMALL = ("--wafer", "wse2:5x4")


def said(*words: str) -> str:
    return " ".join(wse(*words).output.split())


def document(*words: str) -> dict[str, object]:
    answer = wse(*words, "--json", "-")
    found = json.loads(answer.output)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("optimizer", optimizer_classes())
def test_no_optimizer_needs_a_rate_to_say_whether_it_fits(optimizer: str, model: str) -> None:
    """SGD and Adafactor have no default rate, and no byte depends on it."""
    words = ("fit", model, *SMALL, "--no-levers", "--optimizer", optimizer)
    rated = document(*words, "--lr", "0.5")
    bare = document(*words)
    for key in ("fits", "bytes", "pe", "layers"):
        assert bare[key] == rated[key]


def test_a_run_says_why_it_asks_for_a_rate(model: str) -> None:
    answer = wse("run", model, *SMALL, "--optimizer", "SGD")
    assert answer.code == 2
    assert "the answer tells the rate of each step" in answer.error
    assert wse("run", model, *SMALL, "--optimizer", "SGD", "--lr-schedule", "0.1").code == 0
    assert wse("explain", model, *SMALL, "--optimizer", "SGD", "--quiet").code == 0


def test_preflight_answers_all_but_the_schedule_without_a_rate(model: str) -> None:
    page = document("preflight", model, *SMALL, "--optimizer", "SGD")
    rated = document("preflight", model, *SMALL, "--optimizer", "SGD", "--lr", "0.1")
    assert page["exit_code"] == 2
    assert page["schedules"] == []
    assert rated["exit_code"] == 0
    for key in ("legal", "fits", "step_time"):
        assert page[key] == rated[key]


def test_the_lever_of_a_lighter_optimizer_gives_no_rate_that_nobody_gave(model: str) -> None:
    words = ("fit", model, "--wafer", "wse2:1x1", "--set", "sram_bytes_per_pe=30000")
    levers = document(*words)["levers"]
    assert isinstance(levers, list)
    assert [lever["arguments"] for lever in levers if "SGD" in lever["what"]] == [
        ["--optimizer", "SGD"]
    ]


def test_what_an_even_placement_saves_is_a_share_of_the_fullest_pe(model: str) -> None:
    report = wse_emulator.fit(model, wafer="wse2:5x4", levers=False)
    uneven = dataclasses.replace(
        report,
        bound_bytes=91_961.0,
        pe=dataclasses.replace(report.pe, peak_bytes=120_344),
        fits=False,
        gap_bytes=71_192,
    )
    assert room(uneven) == (
        "The fullest PE has a gap of 71,192 B; a perfectly even placement would need 91,961 B, "
        "24 % less."
    )
    left = report.pe.capacity_bytes - report.pe.peak_bytes
    assert room(report).startswith(f"The fullest PE has a headroom of {left:,} B;")


def test_a_rate_that_was_given_is_known_though_no_step_was_simulated() -> None:
    lost = dataclasses.replace(
        too_large(), optimizer=OptimizerFacts(name="SGD", options={"lr": 0.001})
    )
    assert rate_without_schedule(lost) == "No schedule: the rate stays at 0.001."
    without = dataclasses.replace(lost, optimizer=OptimizerFacts(name="Rule"))
    assert rate_without_schedule(without) == "No schedule: the optimizer has no learning rate."
    held = tiny()
    rate = held.steps[0].learning_rate
    assert rate_without_schedule(held) == f"No schedule: the rate stays at {rate:.6g}."


def test_solving_for_the_batch_has_one_verdict(tmp_path: Path) -> None:
    path = config(Random(3), tmp_path)
    shapes = Path(path).read_text().replace("train_input: {batch_size", "train_input: {other")
    Path(path).write_text(shapes)
    for sram, fitting in (("49152", True), ("8600", False)):
        words = ("fit", path, "--wafer", "wse2:3x3", "--set", f"sram_bytes_per_pe={sram}")
        answer = document(*words, "--solve", "batch", "--no-levers")
        assert answer["fits"] is fitting
        solution, batch = answer["solution"], answer["batch"]
        assert isinstance(solution, dict)
        assert isinstance(batch, dict)
        assert (solution["fits_at"] > 0) is fitting
        assert batch["batch_size"] == max(1, solution["fits_at"])
        assert answer["activations_counted"] is True


def test_what_explain_advises_has_been_tried(model: str) -> None:
    """Typed again, each change takes the cycles that it is said to take."""
    words = ("explain", model, *SMALL, "--optimizer", "Lamb", "--quiet")
    answer, text = document(*words), said(*words)
    changes = answer["changes"]
    assert isinstance(changes, list)
    assert changes
    for change in changes:
        assert document(*change["command"].split()[1:], "--quiet")["cycles"] == change["cycles"]
        helps = f"({' '.join(change['arguments'])}), {change['cycles']:,} cycles"
        assert (helps in text) == (change["saved_cycles"] > 0)
    assert "fewer PEs" not in text


@pytest.mark.parametrize("policy", ["mixed", "bfloat16"])
def test_preflight_times_the_step_in_the_precision_it_names(policy: str, model: str) -> None:
    flags = (model, *SMALL, "--precision", policy)
    time = document("preflight", *flags)["step_time"]
    steps = document("run", *flags)["steps"]
    assert isinstance(time, dict)
    assert isinstance(steps, list)
    assert time["cycles"] == steps[0]["cycles"]
    assert f"the optimizer step alone in {policy}" in said("preflight", *flags)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rum", "gpt2"), "did you mean run?"),
        (("fits",), "did you mean fit"),
        (("version",), "did you mean wse --version?"),
        (("explain", "nosuchdir"), "there is no report folder 'nosuchdir'"),
        (("run", "gpt2", "--lr-schedule", "linear:0,1e-4,100"), "colons before arguments"),
        (("run", "gpt2", "--lr-schedule", "cosine"), "cosine:INITIAL_LEARNING_RATE:"),
        (("run", "gpt2", "--lr-schedule", "zzz:1"), "there is no scheduler 'zzz'; there are"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_told_what_to_type_instead(words: tuple[str, ...], says: str) -> None:
    answer = wse(*words)
    assert answer.code == 2
    assert says in answer.error
    assert answer.error.count("\n") == 1
    assert "1e4'" not in answer.error
