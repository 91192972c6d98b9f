"""``wse compare``: two saved results side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import wse
from tests.results.factory import make_result
from wse_emulator.results.files import read_run, write_run


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    for name, cycles in (("a", 300), ("b", 150)):
        result = make_result(rows=12, cols=8, layers=2, tensors_per_layer=2, tensor_cycles=cycles)
        write_run(result, tmp_path / name)
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_words_and_tables(pair: tuple[str, str]) -> None:
    answer = wse("compare", *pair)
    assert answer.code == 0
    assert "fewer cycles" in answer.output
    assert "step (cycles)" in answer.output
    same = wse("compare", pair[0], pair[0])
    cycles = f"{read_run(Path(pair[0])).steps[-1].cycles:,}"
    assert f"The step takes {cycles} cycles, as before." in " ".join(same.output.split())


def test_a_side_without_a_step_is_not_timed(tmp_path: Path) -> None:
    """A fit judges memory alone: its step has no time, and it is not said to take 0 cycles."""
    (tmp_path / "model.json").write_text('[["w", [40, 30], "float32"]]')
    model, small = f"{tmp_path}/model.json", ("--wafer", "wse2:4x4", "--no-levers")
    assert wse("run", model, *small[:2], "--out", f"{tmp_path}/run").code == 0
    assert wse("fit", model, *small, "--out", f"{tmp_path}/fit").code == 0
    said = " ".join(wse("compare", f"{tmp_path}/run", f"{tmp_path}/fit").output.split())
    assert "cycles before, not timed after." in said
    assert "0 cycles" not in said.replace(",", " ")
    assert "not set" not in said, "a fit does not tell every option of the optimizer"


def test_json_and_picture(pair: tuple[str, str], tmp_path: Path) -> None:
    answer = wse("compare", *pair, "--json", "-", "--out", str(tmp_path / "difference"))
    document = json.loads(answer.output)
    assert document["schema"] == "wse-compare/1"
    assert len(document["tensors"]) == 4
    assert (tmp_path / "difference" / "difference.png").stat().st_size > 1000
    again = wse("compare", *pair, "--out", str(tmp_path / "difference"))
    assert again.code == 2
    assert "--force" in again.error


def test_a_missing_result_is_one_line(pair: tuple[str, str], tmp_path: Path) -> None:
    answer = wse("compare", pair[0], str(tmp_path / "nothing"))
    assert answer.code == 2
    assert "cannot read" in answer.error
    assert answer.error.count("\n") == 1
