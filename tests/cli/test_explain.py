"""``wse explain`` as a user types it: a result repeated exactly, or a model with flags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import wse
from wse_emulator.questions.explain import LIMITS

SHAPES = [["a.w", [31, 17], "float32"], ["a.b", [17], "float32"], ["b.w", [17, 5], "float32"]]
FLAGS = ("--optimizer", "Lamb", "--wafer", "wse2:6x4", "--lr-schedule", "linear:0:1e-3:10")


@pytest.fixture
def shapes(tmp_path: Path) -> str:
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps(SHAPES))
    return str(path)


def explained(*arguments: str) -> dict[str, object]:
    answer = wse("explain", *arguments, "--json", "-")
    assert answer.code == 0, answer.error
    document = json.loads(answer.output)
    assert isinstance(document, dict)
    return document


def test_folder_result_file_and_flags_give_the_same_answer(shapes: str, tmp_path: Path) -> None:
    folder, alone = tmp_path / "report", tmp_path / "alone.json"
    ran = wse("run", shapes, *FLAGS, "--out", str(folder))
    assert ran.code == 0, ran.error
    assert wse("run", shapes, *FLAGS, "--json", str(alone)).code == 0
    run = json.loads((folder / "run.json").read_text())
    answers = [
        explained(str(folder)),
        explained(str(folder / "run.json")),
        explained(str(alone)),
        explained(shapes, *FLAGS),
    ]
    for answer in answers:
        answer.pop("command")
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["cycles"] == run["steps"][0]["cycles"]
    assert answers[0]["critical_path"] == run["critical_path"]


def test_json_holds_the_contract(shapes: str) -> None:
    document = explained(shapes, *FLAGS)
    assert document["schema"] == "wse-explain/1"
    assert document["optimizer"] == "Lamb"
    assert document["wafer"] == "wse2:6x4"
    effects = document["effects"]
    assert isinstance(effects, list)
    assert {effect["limit"] for effect in effects} == {limit.name for limit in LIMITS}
    for effect in effects:
        assert set(effect) == {
            "limit",
            "kind",
            "lifted",
            "binds",
            "cycles",
            "saved_cycles",
            "saved_share",
            "remedy",
        }
        assert effect["cycles"] + effect["saved_cycles"] == document["cycles"]


def test_words_name_the_bottleneck_and_every_limit(shapes: str) -> None:
    answer = wse("explain", shapes, *FLAGS)
    assert answer.code == 0
    text = " ".join(answer.output.split())
    assert "What costs most is" in text
    assert "The last PE to finish is row" in text
    assert all(limit.name in text for limit in LIMITS)


def test_a_model_that_is_gone_is_named_with_the_command(shapes: str, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    assert wse("run", shapes, "--wafer", "wse2:4x4", "--out", str(folder)).code == 0
    Path(shapes).unlink()
    answer = wse("explain", str(folder))
    assert answer.code == 2
    assert "no such file" in answer.error
    assert f"wse run {shapes}" in answer.error


def test_a_model_that_has_changed_is_noticed(shapes: str, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    assert wse("run", shapes, "--wafer", "wse2:4x4", "--out", str(folder)).code == 0
    Path(shapes).write_text(json.dumps(SHAPES[:2]))
    answer = wse("explain", str(folder))
    assert answer.code == 2
    assert "has changed since" in answer.error


def test_a_result_takes_no_flags(shapes: str, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    assert wse("run", shapes, "--wafer", "wse2:4x4", "--out", str(folder)).code == 0
    answer = wse("explain", str(folder), "--wafer", "wse3")
    assert answer.code == 2
    assert "--wafer goes with MODEL" in answer.error


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"schema": "wse-run/1", "command": "wse', "not a whole JSON file"),
        ('{"schema": "wse-run/9", "command": "wse run gpt2"}', "wse-run/9"),
        ('{"schema": "wse-fit/1"}', "wse-fit/1"),
        ('{"steps": []}', "names no schema"),
        ("[]", "holds no object"),
        ('{"schema": "wse-run/1", "command": "", "digest": ""}', "from Python"),
        ('{"schema": "wse-run/1", "command": "wse fit gpt2", "digest": ""}', "wse fit gpt2"),
        ('{"schema": "wse-run/1", "command": "wse run \'", "digest": ""}', "made by"),
        ('{"schema": "wse-run/1", "command": "wse run gpt2 --what", "digest": ""}', "--what"),
        ('{"schema": "wse-run/1", "command": 3, "digest": ""}', "no command"),
    ],
)
def test_a_file_that_is_no_result_is_one_plain_line(
    content: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "run.json").write_text(content)
    for target in (tmp_path, tmp_path / "run.json"):
        answer = wse("explain", str(target))
        assert answer.code == 2
        assert says in answer.error
        assert answer.error.count("\n") == 1
        assert answer.output == ""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("gpt2", "--wafer", "wse2:8x8"), 3, "wse fit"),
        (("gpt2-xll",), 2, "gpt2-xl"),
        (("gpt2", "--engine", "gpu"), 2, "array"),
        (("nowhere/run.json",), 2, "nowhere/run.json"),
        ((), 2, "RESULT"),
    ],
)
def test_wrong_input_is_one_plain_line(arguments: tuple[str, ...], code: int, says: str) -> None:
    answer = wse("explain", "--quiet", *arguments)
    assert answer.code == code
    assert says in answer.error
    assert answer.error.count("\n") == 1
