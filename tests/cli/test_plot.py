"""``wse plot``: pictures again from a saved result."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.command import wse
from tests.results.factory import make_result
from wse_emulator.results.files import write_run
from wse_emulator.views.catalog import QUESTIONS


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    write_run(make_result(rows=12, cols=8, layers=2, tensors_per_layer=2), folder)
    return folder


def test_the_ending_chooses_the_format(saved: Path, tmp_path: Path) -> None:
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "csv": b"cycle,busy_pes"}
    for kind, start in starts.items():
        target = tmp_path / f"picture.{kind}"
        answer = wse("plot", str(saved), "--view", "utilization", "--out", str(target))
        assert answer.code == 0, answer.error
        assert target.read_bytes().startswith(start)


def test_a_picture_goes_here_by_default_and_replaces_nothing(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert wse("plot", str(saved), "--view", "memory", "--style", "dark").code == 0
    assert (tmp_path / "memory.png").exists()
    again = wse("plot", str(saved), "--view", "memory")
    assert again.code == 2
    assert "--force" in again.error
    assert wse("plot", str(saved), "--view", "memory", "--force").code == 0


def test_the_list_names_every_view() -> None:
    answer = wse("plot", "--list")
    assert answer.code == 0
    assert all(f"{name} " in answer.output for name in QUESTIONS)


def test_the_help_names_every_view() -> None:
    words = wse("plot", "--help").output.replace(",", " ").split()
    assert set(QUESTIONS) <= set(words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--view", "wafr"), "did you mean wafer?; there are: timeline"),
        (("--view", "wafer", "--out", "a.jpeg"), "must end in"),
        (("--view", "wafer", "--out", "a.csv"), "run.npz"),
        (("--view", "wafer", "--out", "/proc/no/a.png"), "cannot write"),
        ((), "--view NAME"),
    ],
)
def test_a_mistake_is_one_line(saved: Path, arguments: tuple[str, ...], words: str) -> None:
    answer = wse("plot", str(saved), *arguments)
    assert answer.code == 2
    assert words in answer.error
    assert answer.error.count("\n") == 1


@pytest.mark.parametrize("content", ["{}", "[]", '{"schema": "wse-run/9"}', "{"])
def test_a_file_that_is_no_result_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    answer = wse("plot", str(tmp_path), "--view", "wafer")
    assert answer.code == 2
    assert answer.error.count("\n") == 1


def test_the_picture_of_bottlenecks_holds_what_explain_says(tmp_path: Path) -> None:
    shapes, folder = tmp_path / "shapes.json", tmp_path / "report"
    shapes.write_text('[["a.w", [31, 17], "float32"], ["a.b", [17], "float32"]]')
    ran = wse(
        "run", str(shapes), "--wafer", "wse2:6x4", "--optimizer", "Lamb", "--out", str(folder)
    )
    assert ran.code == 0, ran.error
    for name in ("limits.csv", "limits.png", "limits.svg"):
        target = tmp_path / name
        drawn = wse("plot", str(folder), "--view", "bottlenecks", "--out", str(target))
        assert drawn.code == 0, drawn.error
        assert target.stat().st_size > 0
    explained = json.loads(wse("explain", str(folder), "--json", "-").output)
    with (tmp_path / "limits.csv").open() as file:
        rows = {row["limit"]: int(row["saved_cycles"]) for row in csv.DictReader(file)}
    assert rows.pop("all at once") == explained["cycles"] - explained["all_lifted_cycles"]
    assert rows == {effect["limit"]: effect["saved_cycles"] for effect in explained["effects"]}


def test_a_result_that_no_command_made_has_no_picture_of_bottlenecks(saved: Path) -> None:
    answer = wse("plot", str(saved), "--view", "bottlenecks")
    assert answer.code == 2
    assert "cannot be repeated" in answer.error
    assert answer.error.count("\n") == 1


def test_bottlenecks_of_what_does_not_fit_say_so(tmp_path: Path) -> None:
    write_run(make_result(rows=12, cols=8, layers=2, fits=False), tmp_path / "report")
    target = tmp_path / "limits.svg"
    answer = wse("plot", str(tmp_path / "report"), "--view", "bottlenecks", "--out", str(target))
    assert answer.code == 0, answer.error
