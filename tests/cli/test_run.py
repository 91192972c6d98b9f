"""``wse run`` as a user types it: JSON contract, equal engines, exit codes, plain errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import schedulers
from optimizers import SGD
from tests.cli.command import Answer, wse

RAGGED = [
    ["embed.w", [13, 7], "float32"],
    ["layer.0.w", [11, 5], "float32"],
    ["layer.0.b", [5], "float32"],
    ["layer.0.scale", [], "float32"],
    ["layer.1.w", [1], "float32"],
    ["layer.1.v", [17, 3], "bfloat16"],
    *[[f"many.{i}", [i % 4 + 1], "float32"] for i in range(12)],
]
"""Prime sizes, a scalar, one-element tensors, more tensors than PEs in a row, two dtypes."""


@pytest.fixture
def ragged(tmp_path: Path) -> str:
    path = tmp_path / "ragged.json"
    path.write_text(json.dumps(RAGGED))
    return str(path)


def run_json(*arguments: str) -> dict[str, object]:
    answer = wse("run", *arguments, "--json", "-")
    assert answer.code == 0, answer.error
    document = json.loads(answer.output)
    assert isinstance(document, dict)
    return document


def test_json_holds_the_contract(ragged: str) -> None:
    document = run_json(ragged, "--wafer", "wse2:6x4", "--steps", "3", "--lr", "0.5")
    assert document["schema"] == "wse-run/1"
    assert document["wafer"] == {
        "name": "wse2:6x4",
        "rows": 6,
        "cols": 4,
        "pes": 24,
        "clock_hz": 850_000_000,
        "sram_bytes_per_pe": 49_152,
        **{k: v for k, v in document["wafer"].items() if k == "reserved_bytes_per_pe"},  # type: ignore[attr-defined]
    }
    assert document["model"] == {"name": "ragged", "parameters": 234, "tensors": 18}
    assert document["optimizer"]["name"] == "AdamW"  # type: ignore[index]
    assert document["engine"] == "array"
    assert document["fits"] is True
    steps = document["steps"]
    assert isinstance(steps, list)
    assert [s["step"] for s in steps] == [1, 2, 3]
    assert {s["learning_rate"] for s in steps} == {0.5}
    for step in steps:
        assert step["cycles"] > 0
        assert step["seconds"] == pytest.approx(step["cycles"] / 850e6)
    tensors = document["tensors"]
    assert isinstance(tensors, list)
    assert len(tensors) == 18
    for tensor in tensors:
        assert set(tensor) >= {"name", "region", "start_cycle", "end_cycle", "ops"}
        assert 0 <= tensor["start_cycle"] < tensor["end_cycle"] <= steps[0]["cycles"]
    use = document["utilization"]
    assert isinstance(use, dict)
    assert set(use) == {"pe_busy", "link_busy", "sram_peak"}
    assert all(0 <= share <= 1 for share in use.values())
    assert set(document["wall_seconds"]) == {"capture", "place", "simulate", "report"}  # type: ignore[call-overload]
    assert len(str(document["digest"])) == 64


@pytest.mark.parametrize(
    "options",
    [
        ("--optimizer", "SGD", "--lr", "0.1"),
        ("--optimizer", "sgd", "--lr", "0.1", "-o", "momentum=0.9", "-o", "nesterov=true"),
        ("--optimizer", "Adam", "-o", "amsgrad=true"),
        ("--optimizer", "AdamW", "--lr-schedule", "linear:0:1e-3:10,cosine_decay:1e-3:0:90"),
        ("--optimizer", "AdamW", "--max-grad-norm", "1.0"),
        ("--optimizer", "Adam", "--loss-scaling", "--max-grad-norm", "1.0"),
        ("--optimizer", "Lamb", "--lr-schedule", "linear:0:1e-3:10"),
        ("--optimizer", "Adafactor", "--lr", "0.1"),
    ],
    ids=["sgd", "nesterov", "amsgrad", "adamw-scheduled", "clipped", "scaled", "lamb", "adafactor"],
)
@pytest.mark.parametrize("wafer", ["wse2:1x1", "wse2:3x5", "wse3:7x2", "wse1:12x9"])
def test_both_engines_give_the_same_digest(
    ragged: str, options: tuple[str, ...], wafer: str
) -> None:
    array = run_json(ragged, *options, "--wafer", wafer, "--engine", "array")
    pe = run_json(ragged, *options, "--wafer", wafer, "--engine", "pe")
    assert array["digest"] == pe["digest"]
    assert array["steps"] == pe["steps"]
    assert array["tensors"] == pe["tensors"]


def test_the_same_input_gives_the_same_bytes(ragged: str) -> None:
    first, second = (
        run_json(ragged, "--wafer", "wse2:4x4", "--lr-schedule", "linear:1:0:5") for _ in range(2)
    )
    first.pop("wall_seconds")
    second.pop("wall_seconds")
    assert first == second


def test_every_steps_rate_is_the_schedulers(ragged: str) -> None:
    document = run_json(
        ragged,
        "--wafer",
        "wse2:4x4",
        "--steps",
        "8",
        "--lr-schedule",
        "linear:0:1:4,cosine_decay:1:0:4",
    )
    import torch

    optimizer = SGD([torch.nn.Parameter(torch.ones(1))], lr=0.0)
    warm_up = schedulers.LinearLR(optimizer, 0.0, 1.0, 4)
    decay = schedulers.CosineDecayLR(optimizer, 1.0, 0.0, 4)
    scheduler = schedulers.SequentialLR(optimizer, [warm_up, decay], [4])
    expected = []
    for _ in range(8):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert [s["learning_rate"] for s in document["steps"]] == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize("rate", ["0", "0.25"])
def test_a_schedule_of_one_number_is_that_rate(ragged: str, rate: str) -> None:
    document = run_json(ragged, "--wafer", "wse2:4x4", "--lr-schedule", rate, "--steps", "2")
    assert [s["learning_rate"] for s in document["steps"]] == [float(rate)] * 2  # type: ignore[attr-defined]


def test_a_model_that_does_not_fit_is_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    answer = wse("run", "gpt2", "--wafer", "wse2:8x8", "--json", str(path))
    assert answer.code == 3
    assert "Does not fit" in answer.output
    document = json.loads(path.read_text())
    assert document["fits"] is False
    assert document["steps"] == []


def test_words_say_fit_time_and_what_is_not_counted(ragged: str) -> None:
    answer = wse("run", ragged, "--wafer", "wse2:4x4")
    assert answer.code == 0
    assert "Fits:" in answer.output
    assert "One step takes" in answer.output
    assert "activations are not counted" in " ".join(answer.output.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gpt2-xll",), "gpt2-xl"),
        (("gpt2", "--optimizer", "Adamm"), "Adam"),
        (("nowhere.json",), "no such file"),
        (("gpt2", "--wafer", "wse2:0x4"), "rows"),
        (("gpt2", "--wafer", "wse9"), "wse9"),
        (("gpt2", "--steps", "0"), "steps"),
        (("gpt2", "--steps", "-1"), "steps"),
        (("gpt2", "--steps", "two"), "two"),
        (("gpt2", "--lr", "nan"), "nan"),
        (("gpt2", "--lr", "-0.1"), "-0.1"),
        (("gpt2", "--optimizer", "SGD"), "--lr"),
        (("gpt2", "--lr-schedule", "linear:0:1e-3"), "total_iters"),
        (("gpt2", "--lr-schedule", "lineer:0:1e-3:10"), "LinearLR"),
        (("gpt2", "--lr-schedule", "nan"), "nan"),
        (("gpt2", "-o", "weight_decay"), "NAME=VALUE"),
        (("gpt2", "-o", "weight_decya=0.1"), "weight_decay"),
        (("gpt2", "-o", "betas=1.5,0.9"), "1.5"),
        (("gpt2", "--engine", "gpu"), "array"),
        (("gpt2", "--mode", "weight-streaming"), "pipelined"),
        (("gpt2", "--max-grad-norm", "0"), "above 0"),
        (("gpt2", "--max-grad-norm", "nan"), "nan"),
        (("gpt2", "--json", "/nowhere/at/all.json"), "cannot write"),
        (("gpt2", "--set", "launch_cycles=10000000"), "are the most that are recorded"),
        (("gpt2", "--no-such-flag"), "no-such-flag"),
        ((), "MODEL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_input_is_one_plain_line_and_exit_2(arguments: tuple[str, ...], says: str) -> None:
    answer = wse("run", *arguments)
    assert answer.code == 2, answer.output
    assert says.lower() in answer.error.lower()
    assert len(answer.error.strip().splitlines()) == 1
    assert "Traceback" not in answer.error


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", "empty"),
        ("{", "JSON"),
        ('[["w", [-3, 4], "float32"]]', "-3"),
        ('[["w", [3, 4], "complex64"]]', "complex64"),
        ('[["w", [3], "float32"], ["w", [3], "float32"]]', "w"),
        ("\x00\x01", "JSON"),
        ("3", "list"),
    ],
)
def test_a_malformed_shapes_file_is_one_plain_line(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "shapes.json"
    path.write_text(content)
    answer = wse("run", str(path))
    assert answer.code == 2
    assert says in answer.error
    assert len(answer.error.strip().splitlines()) == 1


def test_a_report_folder_is_not_overwritten_without_force(ragged: str, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    first = wse("run", ragged, "--wafer", "wse2:4x4", "--out", str(folder))
    assert first.code == 0, first.error
    names = {path.name for path in folder.iterdir()}
    assert {"run.json", "trace.json"} <= names
    assert any(name.endswith(".png") for name in names)
    (folder / "run.json").write_text("mine")
    second = wse("run", ragged, "--wafer", "wse2:4x4", "--out", str(folder))
    assert second.code == 2
    assert "--force" in second.error
    assert (folder / "run.json").read_text() == "mine"
    third = wse("run", ragged, "--wafer", "wse2:4x4", "--out", str(folder), "--force")
    assert third.code == 0
    assert json.loads((folder / "run.json").read_text())["schema"] == "wse-run/1"


def test_a_file_in_the_place_of_the_report_folder_is_kept(ragged: str, tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_text("mine")
    answer = wse("run", ragged, "--wafer", "wse2:4x4", "--out", str(target), "--force")
    assert answer.code == 2
    assert target.read_text() == "mine"


def test_the_command_in_the_result_repeats_the_run(ragged: str) -> None:
    document = run_json(ragged, "--wafer", "wse2:4x4")
    assert document["command"] == f"wse run {ragged} --wafer wse2:4x4 --json -"


def test_a_step_that_breaks_a_rule_exits_4(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\ndef make():\n"
        "    return torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())\n"
    )
    answer: Answer = wse("check", f"{tmp_path}/mine.py:make", "--json", "-")
    assert answer.code == 4
    document = json.loads(answer.output)
    assert document["schema"] == "wse-check/1"
    assert document["legal"] is False
    first = document["violations"][0]
    assert set(first) == {"rule", "parameter", "state", "message", "remedy"}
    assert first["state"] == "exp_avg"
    assert "optimizers.AdamW" in first["remedy"]
