"""Every scenario runs in a small form, as a command and as a script, and answers its question."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import wse
from wse_emulator.questions.scenarios import scenario_names, scenario_question

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n"

REPORTS: dict[str, tuple[str, ...]] = {
    "gpt2_xl_adamw": ("--model", "tv-resnet50", "--wafer", "wse2:160x120"),
    "small_mlp_trains": ("--steps", "20", "--wafer", "wse2:4x4"),
}
"""Scenarios that write the report of a run -> arguments of their small form."""

SHAPES = [["a.w", [64, 48], "float32"], ["a.b", [48], "float32"], ["b.w", [48, 32], "float32"]]
MODEL = "{shapes}"
SMALL = ("--model", MODEL, "--wafer", "wse2:8x6")

ANSWERS: dict[str, tuple[str, ...]] = {
    "adafactor_memory_and_time": SMALL,
    "gradient_clipping": SMALL,
    "lamb_trust_ratios": SMALL,
    "optimizers_that_fit": SMALL,
    "own_optimizer": SMALL,
    "pipelined_or_streaming": ("--models", "gpt2", "--wafer", "wse2:400x300"),
    "product_algorithms": ("--size", "24", "--grids", "2,6,12", "--wafer", "wse3-silicon:16x16"),
    "reduction_algorithms": (*SMALL, "--wavelets", "16"),
    "sparsity_levels": (*SMALL, "--levels", "0,0.5,0.9"),
    "static_rules": ("--steps", "4"),
    "warm_up_and_cosine": ("--steps", "1000"),
    "wse2_against_wse3": ("--model", MODEL, "--size", "8x6"),
}
"""Scenarios that write an answer, a table and a picture -> arguments of their small form."""


@pytest.fixture
def shapes(tmp_path: Path) -> str:
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps(SHAPES))
    return str(path)


def small(name: str, shapes: str) -> list[str]:
    return [shapes if text == MODEL else text for text in (REPORTS | ANSWERS)[name]]


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def answered(name: str, shapes: str, folder: Path, *more: str) -> list[dict[str, str]]:
    answer = wse("scenario", name, *small(name, shapes), *more, "--out", str(folder))
    assert answer.code == 0, answer.error
    return table(folder)


def test_every_scenario_has_a_small_form_here() -> None:
    assert sorted(REPORTS | ANSWERS) == scenario_names()


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_it_runs_as_a_command_and_writes_a_report(name: str, tmp_path: Path) -> None:
    answer = wse("scenario", name, *REPORTS[name], "--out", str(tmp_path / "report"))
    assert answer.code == 0, answer.error
    assert "One step takes" in answer.output
    document = json.loads((tmp_path / "report" / "run.json").read_text())
    assert document["schema"] == "wse-run/1"
    assert document["fits"] is True


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_it_answers_in_words_a_table_and_a_picture(name: str, shapes: str, tmp_path: Path) -> None:
    folder = tmp_path / "answer"
    answer = wse("scenario", name, *small(name, shapes), "--out", str(folder))
    assert answer.code == 0, answer.error
    words = (folder / "answer.txt").read_text()
    assert " ".join(words.split()) in " ".join(answer.output.split())
    assert len(table(folder)) >= 1
    pictures = list(folder.glob("*.png"))
    assert len(pictures) == (0 if name == "static_rules" else 1)
    assert all(picture.read_bytes().startswith(PNG) for picture in pictures)
    again = wse("scenario", name, *small(name, shapes), "--out", str(folder))
    assert again.code == 2
    assert "--force" in again.error


@pytest.mark.parametrize("name", sorted(REPORTS | ANSWERS))
def test_its_help_and_its_question_can_be_read(name: str) -> None:
    answer = wse("scenario", name, "--help")
    assert answer.code == 0
    assert "--out" in answer.output
    assert scenario_question(name).endswith("?")
    assert scenario_question(name).split()[0] in wse("scenarios").output


@pytest.mark.parametrize("name", sorted(REPORTS | ANSWERS))
def test_the_gallery_names_it_with_its_question(name: str) -> None:
    gallery = " ".join((ROOT / "scenarios" / "README.md").read_text(encoding="utf-8").split())
    assert f"wse scenario {name}" in gallery
    assert scenario_question(name) in gallery


def test_it_runs_as_a_plain_script_with_plain_errors() -> None:
    ran = subprocess.run(
        [sys.executable, "scenarios/small_mlp_trains.py", "--wafer", "wse2:0x1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "rows" in ran.stderr


def test_weights_on_the_emulator_equal_those_of_the_plain_loop() -> None:
    answer = wse("scenario", "small_mlp_trains", *REPORTS["small_mlp_trains"])
    assert "bit for bit: yes" in answer.output


def test_an_unknown_scenario_is_named_with_near_ones() -> None:
    answer = wse("scenario", "gpt2_xl_adam")
    assert answer.code == 2
    assert "gpt2_xl_adamw" in answer.error


def test_every_habit_breaks_a_rule_and_every_cure_is_legal(tmp_path: Path) -> None:
    rows = answered("static_rules", "", tmp_path / "answer")
    assert [row["rule_broken"] for row in rows] == [
        "state-created-in-step",
        "state-created-in-step",
        "host-synchronisation",
        "python-number-changes",
    ]
    assert {row["legal"] for row in rows} == {"True"}


def test_lamb_reduces_and_adamw_does_not(shapes: str, tmp_path: Path) -> None:
    adamw, lamb = answered("lamb_trust_ratios", shapes, tmp_path / "answer")
    assert int(adamw["messages"]) == 0 == int(adamw["reduce_cycles"])
    assert int(lamb["messages"]) > 0 < int(lamb["reduce_cycles"])
    assert int(lamb["cycles"]) > int(adamw["cycles"])


def test_adafactor_takes_less_state_and_its_time_is_said(shapes: str, tmp_path: Path) -> None:
    adamw, adafactor = answered("adafactor_memory_and_time", shapes, tmp_path / "answer")
    assert int(adafactor["state_bytes"]) < int(adamw["state_bytes"])
    ratio = int(adafactor["cycles"]) / int(adamw["cycles"])
    words = (tmp_path / "answer" / "answer.txt").read_text()
    assert f"{ratio:.2g} times as long" in " ".join(words.split())


def test_the_planned_reduction_is_the_star_of_the_vendors_kernels(
    shapes: str, tmp_path: Path
) -> None:
    rows = answered("reduction_algorithms", shapes, tmp_path / "answer")
    star = next(int(row["step_cycles"]) for row in rows if row["algorithm"] == "star")
    words = " ".join((tmp_path / "answer" / "answer.txt").read_text().split())
    planned = re.search(r"As planned it takes ([\d,]+) cycles: on lines of up to 193 PEs", words)
    assert planned is not None
    assert star < int(planned[1].replace(",", "")) <= star + 93  # the fixed start, partly hidden


def test_products_are_compared_on_each_grid(tmp_path: Path) -> None:
    rows = answered("product_algorithms", "", tmp_path / "answer")
    words = " ".join((tmp_path / "answer" / "answer.txt").read_text().split())
    taken = {(row["PEs_of_a_side"], row["algorithm"]): int(row["cycles"]) for row in rows}
    assert len(taken) == 9
    for row in rows:
        side, cycles = int(row["PEs_of_a_side"]), int(row["cycles"])
        reached = float(row["multiply_adds_per_cycle_and_PE"])
        assert reached == pytest.approx(24**3 / side**2 / cycles, rel=1e-3)
        least = min(taken[key] for key in taken if key[0] == row["PEs_of_a_side"])
        says = f"On {side} x {side} PEs {row['algorithm']} takes {cycles:,} cycles"
        assert (says in words) == (cycles == least)
        if cycles != least:
            assert f"{row['algorithm']} {cycles / least:.2f} times as long" in words
    assert f" PEs: {min(taken.values()):,} cycles" in words


def test_more_elements_a_tile_favour_summa_on_two_colors(tmp_path: Path) -> None:
    grid = ("--grids", "12", "--wafer", "wse3-silicon:16x16")
    fastest = {}
    for size in (36, 288):
        folder = tmp_path / str(size)
        answer = wse(
            "scenario", "product_algorithms", "--size", f"{size}", *grid, "--out", f"{folder}"
        )
        assert answer.code == 0, answer.error
        fastest[size] = min(table(folder), key=lambda row: int(row["cycles"]))["algorithm"]
    assert fastest == {36: "MeshGEMM", 288: "SUMMA on two colors"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--grids", "2,many"), 2, "no list of numbers"),
        (("--grids", "0,2"), 2, "without PEs"),
        (("--grids", "20", "--wafer", "wse3:8x8"), 2, "exceeds wse3:8x8"),
        (("--grids", "4", "--size", "900"), 3, "506,250 B of 49,152 B a PE"),
    ],
)
def test_a_product_that_cannot_be_timed_is_a_plain_line(
    arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = wse("scenario", "product_algorithms", *arguments)
    assert answer.code == code
    assert said in answer.error
    assert answer.error.count("\n") == 1


def test_clipping_adds_what_it_says(shapes: str, tmp_path: Path) -> None:
    for row in answered("gradient_clipping", shapes, tmp_path / "answer"):
        more = int(row["cycles_clipped"]) - int(row["cycles_plain"])
        assert int(row["more_cycles"]) == more > int(row["waiting_cycles"]) > 0


def test_sparser_weights_take_less(tmp_path: Path) -> None:
    rows = answered("sparsity_levels", "gpt2", tmp_path / "answer", "--wafer", "wse2:400x300")
    peaks = [int(row["fullest_PE_bytes"]) for row in rows]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] > peaks[-1]


def test_a_model_that_does_not_fit_is_a_plain_line(tmp_path: Path) -> None:
    for name in ("lamb_trust_ratios", "gradient_clipping", "reduction_algorithms"):
        answer = wse("scenario", name, "--model", "gpt2", "--wafer", "wse2:4x4")
        assert answer.code == 3, name
        assert answer.error.count("\n") == 1
    wrong = wse("scenario", "sparsity_levels", "--levels", "0,many")
    assert wrong.code == 2
    assert "fractions" in wrong.error


def test_the_config_of_the_schedule_ends_at_a_tenth_of_its_highest_rate(tmp_path: Path) -> None:
    answer = wse("scenario", "warm_up_and_cosine", "--out", str(tmp_path / "answer"))
    assert answer.code == 0, answer.error
    rows = {int(row["step"]): float(row["learning_rate"]) for row in table(tmp_path / "answer")}
    assert rows[0] == 0
    assert rows[41_373] == pytest.approx(6.6e-5)
    assert rows[max(rows)] == pytest.approx(6.6e-6, rel=1e-4)
