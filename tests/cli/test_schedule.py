"""``wse schedule``: table, CSV, JSON and plot of a run config's learning rate."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from optimizers import SGD
from schedulers import CosineDecayLR, LinearLR, SequentialLR
from tests.results.factory import make_result
from wse_emulator.cli.main import exit_code_of
from wse_emulator.configs.read import parse_run_config
from wse_emulator.questions.schedule import learning_rates
from wse_emulator.views.learning_rate import figure_learning_rate, figure_run_learning_rate

CONFIGS = sorted((Path(__file__).parents[1] / "data" / "run_configs").glob("*.yaml"))
GPT2_XL = next(path for path in CONFIGS if path.stem == "1x__params_gpt2_xl")
LLAMA = next(path for path in CONFIGS if path.stem == "1x__params_llama3_8b")
BLOOM = next(path for path in CONFIGS if path.stem == "2x__params_bloom_7b")

SMALL = """
optimizer:
  optimizer_type: adamw
  learning_rate:
    - {scheduler: Linear, initial_learning_rate: 0.0, end_learning_rate: 1.0, steps: 4}
    - {scheduler: Linear, initial_learning_rate: 1.0, end_learning_rate: 0.5, steps: 6}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def _xl_scheduler() -> SequentialLR:
    o = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.0)
    parts = [LinearLR(o, 0.0, 1e-4, 10779), CosineDecayLR(o, 1e-4, 0.0, 3073099)]
    return SequentialLR(o, parts, [10779])


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_published_config_has_a_schedule(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rates.json"
    assert exit_code_of(["schedule", str(path), "--steps", "4000", "--json", str(file)]) == 0
    document = json.loads(file.read_text())
    assert document["schema"] == "wse-schedule/1"
    assert document["steps"] == 4000
    (group,) = document["groups"]
    assert group["name"] == "all"
    assert len(group["learning_rate"]) == 4000
    assert 0 < max(group["learning_rate"]) <= 0.1
    shown = capsys.readouterr()
    assert "4,000 steps" in " ".join(shown.out.split())
    assert shown.err == ""


def test_json_has_the_rates_of_the_schedulers(tmp_path: Path) -> None:
    file = tmp_path / "rates.json"
    assert exit_code_of(["schedule", str(GPT2_XL), "--steps", "12000", "--json", str(file)]) == 0
    (group,) = json.loads(file.read_text())["groups"]
    assert group["milestones"] == [10779]
    assert group["learning_rate"] == _xl_scheduler().rates(torch.arange(12000)).tolist()


def test_the_table_shows_the_milestones(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["schedule", str(small)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["0", "0"] in rows
    assert ["4", "1", "milestone"] in rows
    assert ["9", "0.583333"] in rows  # the last of 4 + 6 steps, which the schedule's length gives


def test_csv_reads_back_exactly(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    assert exit_code_of(["schedule", str(small), "--csv", str(file)]) == 0
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(10))
    read = np.array([row["learning_rate"] for row in rows], dtype=np.float32)
    expected = learning_rates(parse_run_config(_small_document(), "small")).groups[0]
    assert np.array_equal(read, expected.learning_rate)


def _small_document() -> dict[str, object]:
    import yaml

    document: dict[str, object] = yaml.safe_load(SMALL)
    return document


def test_stdout_carries_one_machine_readable_answer(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["schedule", str(small), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 10
    assert exit_code_of(["schedule", str(small), "--csv", "-"]) == 0
    assert capsys.readouterr().out.startswith("step,learning_rate\n0,0\n1,0.25\n")
    assert exit_code_of(["schedule", str(small), "--csv", "-", "--json", "-"]) == 2


def test_two_schedules_side_by_side(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {kind: tmp_path / f"both.{kind}" for kind in ("json", "csv", "png")}
    written = [
        f"--{option}={files[kind]}"
        for option, kind in (("json", "json"), ("csv", "csv"), ("plot", "png"))
    ]
    assert (
        exit_code_of(["schedule", str(small), "--compare", str(LLAMA), "--steps", "20", *written])
        == 0
    )
    document = json.loads(files["json"].read_text())
    assert document["compare"]["source"] == str(LLAMA)
    assert len(document["compare"]["groups"][0]["learning_rate"]) == 20
    header = files["csv"].read_text().splitlines()[0]
    assert header == "step,small.yaml,1x__params_llama3_8b.yaml"
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    assert "small.yaml" in shown
    assert "1x__params_llama3_8b.yaml" in shown


def test_a_config_compared_with_itself_keeps_both_columns(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "twice.csv"
    assert exit_code_of(["schedule", str(small), "--compare", str(small), "--csv", str(file)]) == 0
    assert file.read_text().splitlines()[0] == "step,small.yaml,small.yaml (2)"


def test_parts_of_a_model_with_their_own_rates_are_groups() -> None:
    document = _small_document()
    document["optimizer"]["adjust_learning_rate"] = {"decoder_kernel": 0.25}
    rates = learning_rates(parse_run_config(document, "here"))
    assert [group.name for group in rates.groups] == ["all", "decoder_kernel"]
    whole, part = (group.learning_rate for group in rates.groups)
    assert np.array_equal(part, whole * np.float32(0.25))


def test_tagged_groups_have_their_own_schedules() -> None:
    schedulers = [
        {"ConstantLR": {"learning_rate": 0.1, "param_group_tags": "plain"}},
        {"LinearLR": {**RISE, "total_iters": 4, "param_group_tags": ["head", "tail"]}},
    ]
    config = parse_run_config({"trainer": {"init": {"schedulers": schedulers}}}, "here")
    rates = learning_rates(config)
    assert [group.name for group in rates.groups] == ["plain", "head, tail"]
    assert rates.groups[1].learning_rate.tolist() == [0.0, 0.25, 0.5, 0.75]


RISE = {"initial_learning_rate": 0.0, "end_learning_rate": 1.0}


def test_the_milestones_of_nested_schedules_are_absolute() -> None:
    inner = {
        "SequentialLR": {
            "schedulers": [
                {"LinearLR": {**RISE, "total_iters": 5}},
                {"MultiStepLR": {"initial_learning_rate": 1, "gamma": 0.5, "milestones": [3, 7]}},
            ]
        }
    }
    outer = {"schedulers": [{"ConstantLR": {"learning_rate": 1.0, "total_iters": 10}}, inner]}
    config = parse_run_config(
        {"trainer": {"init": {"schedulers": [{"SequentialLR": outer}]}}}, "here"
    )
    (group,) = learning_rates(config, 100).groups
    assert group.milestones == (10, 15, 18, 22)
    assert group.learning_rate[[17, 18, 22]].tolist() == [1.0, 0.5, 0.25]


def test_half_a_million_steps_are_those_of_single_steps() -> None:
    config = parse_run_config(
        {"optimizer": {"optimizer_type": "sgd", "learning_rate": _xl_entries()}}, "here"
    )
    (group,) = learning_rates(config, 500_000).groups
    scheduler = _xl_scheduler()
    for step in (0, 1, 10778, 10779, 262143, 262144, 499999):
        assert group.learning_rate[step] == scheduler.rates(torch.tensor(step)).item()


def _xl_entries() -> list[dict[str, object]]:
    return [
        {"scheduler": "Linear", **RISE, "end_learning_rate": 1e-4, "total_iters": 10779},
        {
            "scheduler": "CosineDecay",
            "initial_learning_rate": 1e-4,
            "end_learning_rate": 0,
            "total_iters": 3073099,
        },
    ]


@pytest.mark.parametrize("groups", [1, 14])
def test_a_picture_labels_its_axes_and_draws_every_group(groups: int) -> None:
    schedulers = [
        {"LinearLR": {**RISE, "total_iters": 9000, "param_group_tags": f"layer_{i}"}}
        for i in range(groups)
    ]
    config = parse_run_config({"trainer": {"init": {"schedulers": schedulers}}}, "here")
    figure = figure_learning_rate(learning_rates(config))
    linear, log = figure.axes
    assert log.get_xlabel() == "optimizer step"
    assert linear.get_ylabel() == "learning rate"
    assert (linear.get_yscale(), log.get_yscale()) == ("linear", "log")
    assert len(linear.lines) == groups
    texts = [t for axes in figure.axes for t in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    assert min(text.get_fontsize() for text in [*texts, *figure.texts]) >= 8
    if groups > 1:
        styles = {(line.get_color(), line.get_linestyle()) for line in linear.lines}
        assert len(styles) == groups


def test_a_picture_marks_milestones_and_keeps_both_sides_of_a_jump() -> None:
    config = parse_run_config(
        {
            "optimizer": {
                "optimizer_type": "sgd",
                "learning_rate": {
                    "scheduler": "PiecewiseConstant",
                    "values": [0.1, 0.2],
                    "boundaries": [77_777],
                },
            }
        },
        "here",
    )
    linear, _ = figure_learning_rate(learning_rates(config, 1_000_000)).axes
    curve, milestone = linear.lines
    shown = dict(zip(curve.get_xdata().tolist(), curve.get_ydata().tolist(), strict=True))
    assert (shown[77_776], shown[77_777]) == pytest.approx((0.1, 0.2))
    assert list(milestone.get_xdata()) == [77_777, 77_777]
    assert "77,777" in {text.get_text() for text in linear.texts}
    assert len(shown) < 10_000


def test_a_schedule_of_zeros_is_drawn_on_linear_axes() -> None:
    config = parse_run_config(
        {"optimizer": {"optimizer_type": "sgd", "learning_rate": "0.0"}}, "here"
    )
    axes = figure_learning_rate(learning_rates(config, 10)).axes
    assert [a.get_yscale() for a in axes] == ["linear", "linear"]


def test_the_picture_of_a_run_marks_its_steps() -> None:
    result = make_result(steps=3)
    linear, log = figure_run_learning_rate(result).axes
    curve, marks = linear.lines
    assert np.array_equal(curve.get_ydata(), result.arrays.rate_value)
    assert list(marks.get_xdata()) == [step.step for step in result.steps]
    assert list(marks.get_ydata()) == [step.learning_rate for step in result.steps]
    assert log.get_yscale() == "log"


def test_a_run_without_schedule_says_so() -> None:
    result = make_result()
    nothing = replace(result.arrays, rate_step=np.zeros(0, np.int64), rate_value=np.zeros(0))
    figure = figure_run_learning_rate(replace(result, arrays=nothing))
    assert not figure.axes
    assert any("No schedule" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize(
    ("change", "arguments", "mentions"),
    [
        (None, ["missing.yaml"], "missing.yaml: cannot be read"),
        ("a: [", ["CONFIG"], "not YAML"),
        ("optimizer: {optimizer_type: sgd}", ["CONFIG"], "has no learning rate"),
        (SMALL, ["CONFIG", "--steps", "0"], "steps is 0"),
        (SMALL, ["CONFIG", "--steps", "-1"], "steps is -1"),
        (SMALL, ["CONFIG", "--steps", "99999999999"], "are tabulated"),
        (SMALL, ["CONFIG", "--steps", "many"], "not a valid integer"),
        (SMALL, ["CONFIG", "--compare", "missing.yaml"], "missing.yaml: cannot be read"),
        (SMALL, ["CONFIG", "--csv", "no/such/folder.csv"], "cannot write no/such/folder.csv"),
        (SMALL, ["CONFIG", "--plot", "no/such/folder.png"], "cannot write no/such/folder.png"),
        (SMALL, ["CONFIG", "--plot", "rates.gif"], "name a .png or .svg file"),
        (SMALL.replace("Linear", "Liner"), ["CONFIG"], "did you mean one of: LinearLR"),
        (SMALL.replace("steps: 4", "steps: 0"), ["CONFIG"], "total_iters is 0"),
        (SMALL.replace(", steps: 4", ""), ["CONFIG"], "total_iters is missing"),
        (SMALL.replace("0.5", ".nan"), ["CONFIG"], "end_learning_rate is nan"),
        (SMALL.replace("0.5", "-0.5"), ["CONFIG"], "cannot be negative"),
        (
            "optimizer: {optimizer_type: sgd, learning_rate: 0.1}",
            ["CONFIG"],
            "give the number of steps",
        ),
        (
            "optimizer: {optimizer_type: sgd, learning_rate: {scheduler: Multiplicative,"
            " initial_learning_rate: 1.0, coefficient: 3.0}}",
            ["CONFIG", "--steps", "200"],
            "beyond float32 at step 81",
        ),
        (
            "optimizer: {optimizer_type: sgd, learning_rate: {scheduler: PiecewiseConstant,"
            " values: [1.0, 2.0, 3.0], boundaries: [5, 5]}}",
            ["CONFIG", "--steps", "10"],
            "must increase",
        ),
    ],
)
def test_wrong_input_is_one_plain_line(
    change: str | None,
    arguments: list[str],
    mentions: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if change is not None:
        Path("CONFIG").write_text(change)
    assert exit_code_of(["schedule", *arguments]) == 2
    shown = capsys.readouterr()
    assert mentions in shown.err
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_picture_is_the_same_bytes_every_time(small: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.svg", "two.svg")]
    for file in files:
        assert exit_code_of(["schedule", str(small), "--plot", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
