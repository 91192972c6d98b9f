"""A user's own optimizer in every question: found, built, judged, timed, or refused in a line."""

from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import optimizers
import wse_emulator
from tests.cli.command import wse
from tests.inputs import own_rules
from wse_emulator.errors import (
    FactoryError,
    GraphChangedError,
    HostSyncError,
    InputError,
    StateCreatedError,
    UnknownOpError,
)
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.optimizer import optimizer_classes
from wse_emulator.inputs.optimizer_names import optimizer_names
from wse_emulator.inputs.read import read, read_again
from wse_emulator.plan.known import capture_inputs
from wse_emulator.request import OptimizerChoice, ParameterGroup
from wse_emulator.results.files import read_run, write_run
from wse_emulator.results.run import RunResult

RULES = str(Path(own_rules.__file__))
MODEL = "tests.inputs.own_rules:model"
WAFER = "wse2:4x4"


def timed(optimizer: object, model: object = MODEL, **given: object) -> RunResult:
    return wse_emulator.run(model, optimizer=optimizer, wafer=WAFER, **given)  # type: ignore[arg-type]


def cycles(result: RunResult) -> int:
    assert result.fits
    return result.steps[0].cycles


@pytest.fixture(scope="module")
def expected() -> RunResult:
    return timed(f"{RULES}:SignMomentum")


@pytest.mark.parametrize(
    "given",
    [
        "tests.inputs.own_rules:SignMomentum",
        own_rules.SignMomentum,
        own_rules.default_beta,
        own_rules.two_groups,
        own_rules.ByList,
    ],
)
def test_a_name_a_class_and_a_function_are_one_optimizer(
    given: object, expected: RunResult
) -> None:
    assert cycles(timed(given)) == cycles(expected)


def test_both_engines_time_ops_on_lists_alike() -> None:
    assert timed(own_rules.ByList, engine="pe").digest == timed(own_rules.ByList).digest


def test_options_are_arguments_of_the_constructor() -> None:
    result = timed(own_rules.SignMomentum, lr=0.5, options={"beta": 0.25})
    assert result.optimizer.options == {"lr": 0.5, "beta": 0.25}
    assert result.steps[0].learning_rate == 0.5


def test_an_own_class_takes_as_long_as_the_rule_it_is() -> None:
    own, known = (timed(rule) for rule in (own_rules.OwnAdamW, "AdamW"))
    assert own.steps == known.steps
    assert own.memory == known.memory


def test_a_class_of_the_package_is_its_name() -> None:
    asked = read(Given(model="gpt2", optimizer=optimizers.AdamW)).request
    assert asked.optimizer.name == "AdamW"
    assert asked.repeatable


@pytest.mark.parametrize("stepped_before", [False, True])
def test_an_object_is_stepped_in_a_copy(stepped_before: bool, expected: RunResult) -> None:
    model = own_rules.model()
    optimizer = own_rules.SignMomentum(model.parameters(), lr=0.5)
    if stepped_before:
        for p in model.parameters():
            p.grad = torch.ones_like(p)
        optimizer.step()
    kept = copy.deepcopy([*model.parameters()])
    gradients = [p.grad for p in model.parameters()]
    state = copy.deepcopy(optimizer.state_dict())
    result = timed(optimizer, model)
    assert cycles(result) == cycles(expected)
    assert result.steps[0].learning_rate == 0.5
    assert result.request.objects == ("model", "optimizer")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), kept, strict=True))
    assert all(p.grad is g for p, g in zip(model.parameters(), gradients, strict=True))
    for index, entries in optimizer.state_dict()["state"].items():
        assert torch.equal(entries["momentum"], state["state"][index]["momentum"])


def test_an_object_whose_step_a_scheduler_has_wrapped_is_left_alone() -> None:
    model = own_rules.model()
    optimizer = own_rules.SignMomentum(model.parameters())
    torch.optim.lr_scheduler.StepLR(optimizer, 1)
    kept = copy.deepcopy([*model.parameters()])
    timed(optimizer, model)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), kept, strict=True))


def test_what_an_optimizer_leaves_out_is_weights_alone() -> None:
    program = capture_inputs(read(Given(model=MODEL, optimizer=own_rules.MatricesOnly))).program
    assert [p.has_gradient for p in program.parameters] == [True, False, True, False]


def test_a_schedule_writes_the_rate_of_the_groups() -> None:
    result = timed(own_rules.SignMomentum, lr_schedule="linear:0:1:4", steps=3)
    assert [step.learning_rate for step in result.steps] == [0.0, 0.25, 0.5]


def test_clipping_and_loss_scaling_go_around_the_step(expected: RunResult) -> None:
    clipped, scaled = (
        timed(own_rules.SignMomentum, max_grad_norm=1.0),
        timed(own_rules.SignMomentum, loss_scaling=True),
    )
    assert cycles(expected) < cycles(clipped)
    assert cycles(expected) < cycles(scaled)


def test_groups_of_patterns_become_groups_of_the_constructor() -> None:
    choice = OptimizerChoice(
        name=f"{RULES}:SignMomentum",
        groups=(ParameterGroup(patterns=("*.bias",), tag=None, arguments={"beta": 0.5}),),
    )
    captured = capture_inputs(read(Given(model=MODEL, optimizer=choice)))
    assert captured.built is not None
    assert captured.built.optimizer is not None
    assert [group["beta"] for group in captured.built.optimizer.param_groups] == [0.9, 0.5]


def test_states_of_the_parameters_shape_shrink_with_it() -> None:
    captured = capture_inputs(read(Given(model=MODEL, optimizer=own_rules.SignMomentum)))
    assert captured.sparse_states == {"momentum"}


def test_steps_that_are_alike_are_told() -> None:
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(3)))
    own, known = (
        capture_inputs(read(Given(model=model, optimizer=rule))).program
        for rule in (own_rules.OwnAdamW, "AdamW")
    )
    assert own.alike == known.alike == (0, 1, 0, 1, 0, 1)


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (own_rules.Lazy, StateCreatedError),
        (own_rules.Reading, HostSyncError),
        (own_rules.LateChange, GraphChangedError),
        (torch.optim.AdamW, StateCreatedError),
    ],
)
@pytest.mark.parametrize("ask", [wse_emulator.run, wse_emulator.fit])
def test_an_illegal_one_breaks_its_own_rule(
    ask: Callable[..., object], optimizer: type, rule: type[Exception]
) -> None:
    with pytest.raises(rule):
        ask(MODEL, optimizer=optimizer, wafer=WAFER)
    model = own_rules.model()
    with pytest.raises(rule):
        ask(model, optimizer=optimizer(model.parameters()), wafer=WAFER)


def test_the_error_names_the_line_and_has_its_exit_code() -> None:
    lines = Path(RULES).read_text().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "the line that the error names" in text)
    for command in ("run", "fit", "explain"):
        answer = wse(command, MODEL, "--optimizer", f"{RULES}:Reading", "--wafer", WAFER)
        assert answer.code == 4
        assert f"own_rules.py:{line}" in answer.error
    page = wse("preflight", MODEL, "--optimizer", f"{RULES}:Lazy", "--wafer", WAFER)
    assert page.code == 4
    assert "late" in page.output


def test_torchs_own_state_names_what_converts_it() -> None:
    with pytest.raises(StateCreatedError, match=r"optimizers\.from_torch"):
        timed(torch.optim.AdamW)
    own = type("AdamW", (own_rules.Lazy,), {})
    with pytest.raises(StateCreatedError, match=r"optimizers\.AdamW") as caught:
        timed(own)
    assert "from_torch" not in str(caught.value)


REFUSED = {
    "nofile.py:Rule": "there is no file nofile.py",
    "no_such_module:Rule": "cannot be imported",
    f"{RULES}:Missing": "has no 'Missing'",
    f"{RULES}:NoOptimizer": "is a class that is no optimizer",
    f"{RULES}:model": "takes no parameters",
    f"{RULES}:nothing_taken": "takes no parameters",
    f"{RULES}:number": "returned int",
    f"{RULES}:elsewhere": "no parameter of the model",
    f"{RULES}:Raising": "raises KeyError",
    f"{RULES}:Picky": "no default learning rate",
    f"{RULES}:Picky --lr 1": "needs rank; give -o rank=VALUE",
    f"{RULES}:Picky --lr 1 -o rank=0": "raised ValueError: rank is 0",
    f"{RULES}:SignMomentum -o bta=1": "has no option 'bta' (did you mean beta?)",
    f"{RULES}:WithoutRate --lr 1": "has no learning rate",
    f"{RULES}:WithoutRate --lr-schedule constant:1": "no 'lr' in its parameter groups",
    "json:loads": "raised TypeError",
    "AdmW": "did you mean AdamW",
}


@pytest.mark.parametrize(("words", "why"), REFUSED.items(), ids=[*REFUSED])
def test_what_is_no_optimizer_is_refused_in_one_line(words: str, why: str) -> None:
    answer = wse("run", MODEL, "--wafer", WAFER, "--quiet", "--optimizer", *shlex.split(words))
    assert answer.code == 2
    assert why in answer.error
    assert answer.error.startswith("wse: ")
    assert len(answer.error.strip().splitlines()) == 1


def test_a_memory_question_needs_no_learning_rate() -> None:
    rule = own_rules.Picky
    report = wse_emulator.fit(MODEL, optimizer=rule, options={"rank": 2}, wafer="wse2:4x4")
    assert report.fits
    with pytest.raises(wse_emulator.InputError, match="Picky has no default learning rate"):
        wse_emulator.run(MODEL, optimizer=rule, options={"rank": 2}, wafer="wse2:4x4")


@pytest.mark.parametrize(
    ("name", "remedy"),
    {
        "rules.py": "name the class in the file, rules.py:Class",
        "torch.optim.AdamW": "a class in a module is written torch.optim:AdamW",
    }.items(),
)
def test_a_name_that_is_written_otherwise_is_told_how(name: str, remedy: str) -> None:
    with pytest.raises(wse_emulator.InputError, match=re.escape(remedy)):
        wse_emulator.fit(MODEL, optimizer=name)


class OfNoArguments(own_rules.SignMomentum):
    """A step that takes no closure."""

    def step(self) -> None:  # type: ignore[override]  # many users write it so
        super().step()


def test_a_step_without_arguments_that_a_scheduler_of_torch_has_wrapped_is_stepped() -> None:
    module = torch.nn.Linear(8, 4)
    optimizer = OfNoArguments(module.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    assert wse_emulator.check(optimizer, model=module).legal
    assert wse_emulator.run(module, optimizer=optimizer, wafer="wse2:2x2").fits
    assert scheduler.last_epoch == 0


@pytest.mark.parametrize("text", ["raise SystemExit(0)", "import no_such_thing", "x = (", "1/0"])
def test_a_file_that_cannot_be_imported_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "broken_rule.py"
    file.write_text(f"{text}\nclass Rule: ...\n")
    answer = wse("run", MODEL, "--optimizer", f"{file}:Rule")
    assert answer.code == 2
    assert "cannot be imported" in answer.error


def test_an_object_on_other_parameters_is_refused() -> None:
    model = own_rules.model()
    others = own_rules.SignMomentum(own_rules.model().parameters())
    with pytest.raises(InputError, match=r"4 of 4 parameters.*give the class SignMomentum"):
        timed(others, model)
    with pytest.raises(InputError, match=r"not those of gpt2; give the class"):
        timed(others, "gpt2")
    with pytest.raises(InputError, match="leave out lr and options"):
        timed(own_rules.SignMomentum(model.parameters()), model, lr=0.1)


@pytest.mark.parametrize("given", [3, nn.Linear, object()])
def test_what_cannot_be_an_optimizer_is_refused(given: object) -> None:
    with pytest.raises(InputError, match=r"optimizer"):
        timed(given)


def test_a_fused_step_is_refused_with_what_to_give() -> None:
    model = own_rules.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
    with pytest.raises(UnknownOpError, match="with fused=False"):
        timed(optimizer, model)


def test_an_error_of_the_step_is_an_input_error_of_one_line() -> None:
    with pytest.raises(FactoryError) as caught:
        timed(own_rules.Raising)
    assert "\n" not in str(caught.value)


def test_the_result_asks_again_by_its_name(tmp_path: Path) -> None:
    result = timed(f"{RULES}:SignMomentum", options={"beta": 0.25}, lr=0.5)
    write_run(result, tmp_path / "report")
    saved = read_run(tmp_path / "report")
    assert saved.request == result.request
    assert saved.request is not None
    assert saved.request.repeatable
    assert read_again(saved.request).own_optimizer is not None
    for line in (("explain",), ("plot", "--view", "bottlenecks", "--out", f"{tmp_path}/b.csv")):
        assert wse(line[0], str(tmp_path / "report"), *line[1:]).code == 0


def test_the_result_of_an_object_says_that_it_cannot_be_asked_again(tmp_path: Path) -> None:
    write_run(timed(own_rules.SignMomentum), tmp_path / "report")
    answer = wse("explain", str(tmp_path / "report"))
    assert answer.code == 2
    assert "optimizer given as an object" in answer.error


def test_levers_are_relative_to_the_own_one() -> None:
    line = ("fit", MODEL, "--wafer", "wse2:1x1", "--set", "sram_bytes_per_pe=11000", "--json", "-")
    own = ("--optimizer", f"{RULES}:SignMomentum", "-o", "beta=0.5", "--all-optimizers")
    report = json.loads(wse(*line, *own).output)
    assert f"{RULES}:SignMomentum" in [row["optimizer"] for row in report["optimizers"]]
    levers = {lever["what"]: lever for lever in report["levers"]}
    assert "optimizer SGD" in levers
    for lever in levers.values():
        command = shlex.split(lever["command"])
        typed = json.loads(wse(*command[1:], "--no-levers", "--json", "-").output)
        assert report["pe"]["peak_bytes"] - lever["saves_bytes"] == typed["pe"]["peak_bytes"], lever


def test_a_lever_that_names_another_optimizer_can_be_typed_beside_a_class() -> None:
    report = wse_emulator.fit(MODEL, optimizer=own_rules.SignMomentum, wafer="wse2:1x1")
    commands = {lever.what: lever.command for lever in report.levers}
    assert commands["optimizer SGD"].startswith("wse fit")
    assert not commands["75 % sparse weights"]


def test_names_are_known_without_torch() -> None:
    assert set(optimizer_names()) == set(optimizer_classes())
