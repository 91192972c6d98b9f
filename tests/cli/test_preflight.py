"""``wse preflight`` as a CI job runs it: one page, one exit code, the first of 4, 3, 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import wse

SHAPES = [["a.w", [31, 17], "float32"], ["a.b", [17], "float32"], ["b.w", [17, 5], "float32"]]
SMALL = ("--wafer", "wse2:6x4")
SCHEDULE = ("--lr-schedule", "linear:0:1e-3:10,cosine_decay:1e-3:0:90")

CONFIG = """
train_input: {batch_size: 4}
model:
  hidden_size: 16
  vocab_size: 50
  position_embedding_type: learned
  share_embedding_weights: true
  max_position_embeddings: 8
  num_hidden_layers: 2
  num_heads: 2
  filter_size: 32
optimizer:
  optimizer_type: AdamW
  max_gradient_norm: 1.0
  learning_rate:
    - {scheduler: Linear, initial_learning_rate: 0.0, end_learning_rate: 0.001, steps: 10}
    - {scheduler: Linear, initial_learning_rate: 0.001, end_learning_rate: 0.0, steps: 90}
runconfig: {max_steps: MAX_STEPS}
"""


@pytest.fixture
def shapes(tmp_path: Path) -> str:
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps(SHAPES))
    return str(path)


def run_config(tmp_path: Path, max_steps: int = 100) -> str:
    path = tmp_path / "params.yaml"
    path.write_text(CONFIG.replace("MAX_STEPS", str(max_steps)))
    return str(path)


def page(code: int, *arguments: str) -> dict[str, object]:
    answer = wse("preflight", *arguments, "--json", "-")
    assert answer.code == code, answer.error
    document = json.loads(answer.output)
    assert isinstance(document, dict)
    assert document["schema"] == "wse-preflight/1"
    assert document["exit_code"] == code
    return document


def test_a_run_config_answers_every_question(tmp_path: Path) -> None:
    document = page(0, run_config(tmp_path), "--wafer", "wse2:12x10")
    assert document["legal"] is True
    assert document["fits"] is True
    assert document["changes"] == []
    submit = document["submit"]
    assert isinstance(submit, dict)
    assert submit["batch_size"] == 4
    assert submit["micro_batch"] >= 1
    schedules = document["schedules"]
    assert isinstance(schedules, list)
    assert schedules[0]["first"] == {"step": 0, "rate": 0.0}
    assert schedules[0]["highest"] == {"step": 10, "rate": pytest.approx(1e-3)}
    assert schedules[0]["last"]["step"] == 99
    time = document["step_time"]
    assert isinstance(time, dict)
    low, high = time["interval"]
    assert 0 < low <= time["seconds"] <= high


def test_step_time_and_bytes_are_those_of_run_and_fit(shapes: str) -> None:
    document = page(0, shapes, *SMALL, *SCHEDULE)
    ran = json.loads(wse("run", shapes, *SMALL, *SCHEDULE, "--json", "-").output)
    fitted = json.loads(wse("fit", shapes, *SMALL, *SCHEDULE, "--json", "-").output)
    time, fit = document["step_time"], document["fit"]
    assert isinstance(time, dict)
    assert isinstance(fit, dict)
    assert time["cycles"] == ran["steps"][0]["cycles"]
    assert time["interval"] == ran["seconds_interval"]
    assert fit["peak_bytes"] == fitted["pe"]["peak_bytes"]


def test_one_page_of_text(tmp_path: Path) -> None:
    answer = wse("preflight", run_config(tmp_path), "--wafer", "wse2:12x10")
    assert answer.code == 0, answer.error
    assert "Ready to queue." in answer.output
    assert "Nothing has to change." in answer.output
    assert answer.output.count("\n") <= 50
    for question in ("legal", "fits", "submit", "schedule", "step time"):
        assert question in answer.output


@pytest.mark.parametrize(
    ("max_steps", "says"),
    [(400, "the schedule ends at step 100"), (40, "the run ends at step 40")],
)
def test_a_schedule_of_another_length_than_the_run_is_remarked(
    max_steps: int, says: str, tmp_path: Path
) -> None:
    document = page(0, run_config(tmp_path, max_steps), "--wafer", "wse2:12x10")
    changes = document["changes"]
    assert isinstance(changes, list)
    assert any(says in change for change in changes)


def test_flags_go_before_the_config(tmp_path: Path) -> None:
    path = run_config(tmp_path)
    document = page(0, path, "--wafer", "wse2:12x10", "--optimizer", "Lion", "--batch-size", "2")
    assert document["optimizer"] == "Lion"
    submit = document["submit"]
    assert isinstance(submit, dict)
    assert submit["batch_size"] == 2


def test_a_jump_of_the_rate_is_told(shapes: str) -> None:
    schedule = ("--lr-schedule", "linear:0:1e-3:10,linear:1e-4:0:90")
    changes = page(0, shapes, *SMALL, *schedule)["changes"]
    assert isinstance(changes, list)
    assert any("jumps" in change and "step 10" in change for change in changes)


def test_a_rate_of_zero_throughout_is_told(shapes: str) -> None:
    changes = page(0, shapes, *SMALL, "--lr", "0")["changes"]
    assert isinstance(changes, list)
    assert any("nothing would be trained" in change for change in changes)


def test_what_does_not_fit_exits_3_with_levers(shapes: str) -> None:
    tight = ("--set", "sram_bytes_per_pe=9000", "--mode", "pipelined")
    document = page(3, shapes, "--wafer", "wse2:1x1", *tight)
    assert document["fits"] is False
    assert document["step_time"] is None
    assert document["submit"] is None
    assert document["changes"]
    answer = wse("preflight", shapes, "--wafer", "wse2:1x1", *tight)
    assert answer.code == 3
    assert "Do not queue: it does not fit" in answer.output


def test_what_does_not_fit_is_not_to_be_submitted() -> None:
    asked = ("t5-small", "--batch-size", "64", "--wafer", "wse2:60x60", "--mode", "pipelined")
    document = page(3, *asked)
    assert document["submit"] is None
    answer = wse("preflight", *asked)
    assert "Do not submit it as asked" in " ".join(answer.output.split())


def test_a_broken_rule_goes_before_all_else(shapes: str, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "import torch\ndef make():\n"
        "    return torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())\n"
    )
    checked = ("--check", f"{own}:make")
    document = page(4, shapes, *SMALL, *checked)
    assert document["legal"] is False
    violations = document["violations"]
    assert isinstance(violations, list)
    assert "optimizers.AdamW" in violations[0]["remedy"]
    tight = ("--set", "sram_bytes_per_pe=9000", "--mode", "pipelined")
    assert page(4, shapes, "--wafer", "wse2:1x1", *tight, *checked)["fits"] is False


def test_an_unusable_schedule_leaves_the_other_answers_and_exits_2(shapes: str) -> None:
    document = page(2, shapes, *SMALL, "--lr-schedule", "linear:0:1e-3")
    assert document["fits"] is True
    assert document["legal"] is None
    problems = document["problems"]
    assert isinstance(problems, list)
    assert "total_iters" in problems[0]


def test_what_does_not_fit_goes_before_an_unusable_schedule(shapes: str) -> None:
    tight = ("--set", "sram_bytes_per_pe=9000", "--mode", "pipelined")
    page(3, shapes, "--wafer", "wse2:1x1", *tight, "--lr-schedule", "linear:0:1e-3")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere.yaml",), "nowhere.yaml"),
        (("gpt2-xll",), "gpt2-xl"),
        (("gpt2", "--steps", "0"), "steps"),
        (("gpt2", "--wafer", "wse2:0x4"), "rows"),
        (("gpt2", "--check", "nowhere:make"), "nowhere"),
        ((), "MODEL"),
    ],
)
def test_input_that_answers_nothing_is_one_plain_line(
    arguments: tuple[str, ...], says: str
) -> None:
    answer = wse("preflight", *arguments)
    assert answer.code == 2
    assert says in answer.error
    assert answer.error.count("\n") == 1
    assert answer.output == ""
