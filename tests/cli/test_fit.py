"""``wse fit`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wse_emulator.cli.main import exit_code_of

SMALL = ["gpt2", "--wafer", "wse2:200x200", "--precision", "mixed", "--batch-size", "2"]
SMALL += ["--seq-len", "128"]


def report_of(tmp_path: Path, *arguments: str) -> tuple[int, dict]:
    path = tmp_path / "fit.json"
    code = exit_code_of(["fit", *arguments, "--json", str(path)])
    return code, json.loads(path.read_text())


def test_the_answer_and_the_fixed_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, report = report_of(tmp_path, "bert-base", "--no-levers")
    assert code == 0
    assert report["schema"] == "wse-fit/1"
    assert set(report["bytes"]) == {
        "weights",
        "gradients",
        "optimizer_state",
        "temporaries",
        "activations",
        "reserved",
        "total",
    }
    assert {"used", "capacity_bytes", "peak_bytes", "mean_bytes"} <= set(report["pe"])
    assert {"wafer", "model", "optimizer", "mode", "fits", "gap_bytes", "levers"} <= set(report)
    assert report["gap_bytes"] == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "bert-base with AdamW fits pipelined on wse2" in text
    assert "activations are not counted" in text
    assert "What fills the SRAM" in text


def test_not_fitting_is_exit_code_3_with_a_gap(tmp_path: Path):
    code, report = report_of(tmp_path, "gpt2-xl", "--wafer", "wse2:64x48", "--no-levers")
    assert code == 3
    assert report["fits"] is False
    assert report["gap_bytes"] == report["pe"]["peak_bytes"] - report["pe"]["capacity_bytes"]


def test_json_to_stdout_is_json_alone(capsys: pytest.CaptureFixture[str]):
    assert exit_code_of(["fit", "t5-small", "--no-levers", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["name"] == "t5-small"


def test_each_lever_saves_what_it_says_when_pulled(tmp_path: Path):
    _, before = report_of(tmp_path, *SMALL)
    assert {lever["what"] for lever in before["levers"]} >= {"weight streaming", "optimizer SGD"}
    for lever in before["levers"]:
        code, after = report_of(tmp_path, *SMALL, *lever["arguments"], "--no-levers")
        saved = before["pe"]["peak_bytes"] - after["pe"]["peak_bytes"]
        assert saved == lever["saves_bytes"], lever["what"]
        assert after["fits"] == lever["fits"] == (code == 0)


def test_where_no_lever_is_enough_several_are_taken_together(tmp_path: Path):
    asked = ["gpt2", "--wafer", "wse2:70x70", "--precision", "mixed", "--batch-size", "64"]
    asked += ["--seq-len", "128"]
    _, before = report_of(tmp_path, *asked)
    enough, *single = before["levers"]
    assert enough["fits"]
    assert not any(lever["fits"] for lever in single)
    *way, batch = enough["arguments"]
    assert way == ["--mode", "weight-streaming", "--batch-size"]
    assert enough["what"] == f"weight streaming + batch {batch}"
    code, after = report_of(tmp_path, *asked, *way, batch, "--no-levers")
    assert code == 0
    assert before["pe"]["peak_bytes"] - after["pe"]["peak_bytes"] == enough["saves_bytes"]
    code, _ = report_of(tmp_path, *asked, *way, str(int(batch) + 1), "--no-levers")
    assert code == 3


def test_matrices_too_large_for_a_pe_are_streamed_if_the_mode_is_open(tmp_path: Path):
    shapes = tmp_path / "experts.json"
    shapes.write_text(json.dumps([["experts", [4, 200, 300], "float32"]]))
    asked = [str(shapes), "--optimizer", "Adafactor", "--lr", "0.01"]
    code, report = report_of(tmp_path, *asked, "--mode", "auto")
    assert (code, report["mode"]) == (0, "weight-streaming")
    assert "too large to lie whole in one PE" in report["mode_reason"]
    assert exit_code_of(["fit", *asked, "--json", str(tmp_path / "no.json")]) == 4
    assert not (tmp_path / "no.json").exists()


def test_tables_for_streaming_optimizers_and_solution(capsys: pytest.CaptureFixture[str]):
    arguments = ["--mode", "weight-streaming", "--all-optimizers", "--no-levers"]
    assert exit_code_of(["fit", *SMALL, *arguments, "--solve", "batch"]) in (0, 3)
    text = " ".join(capsys.readouterr().out.split())
    for part in ("Weight streaming", "link, to the wafer", "Optimizers", "the largest batch"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gpt3"], "unknown model 'gpt3'"),
        (["gpt2", "--optimizer", "Adamm"], "unknown optimizer 'Adamm'"),
        (["gpt2", "--batch-size", "0"], "batch size is 0"),
        (["gpt2", "--batch-size", "many"], "batch-size"),
        (
            ["gpt2", "--batch-size", "1", "--seq-len", "8", "--target-len", "5"],
            "the model is no encoder-decoder; leave it out",
        ),
        (["gpt2", "--sparsity", "1.5"], "sparsity is 1.5"),
        (["gpt2", "--micro-batch", "x"], "micro-batch is 'x'"),
        (["gpt2", "--wafer", "wse2:0x5"], "rows"),
        (["gpt2", "--lr", "nan"], "nan"),
        (["gpt2", "--mode", "both"], "both"),
        (["none.json"], "no such file"),
        (["none.yaml"], "none.yaml"),
        (["nowhere:factory"], "cannot be imported"),
        ([], "MODEL"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert exit_code_of(["fit", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("wse: ")
    assert error.count("\n") == 1


def test_a_length_without_a_batch_is_said_to_be_of_no_use(capsys: pytest.CaptureFixture[str]):
    exit_code_of(["fit", "gpt2", "--wafer", "wse2:300x300", "--seq-len", "64", "--no-levers"])
    said = " ".join(capsys.readouterr().out.split())
    assert "No batch size is given" in said
    assert "Without it there is no use for the sequence length" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1", "line 1"),
        ("model: !!python/object/apply:os.system ['echo no']", "python"),
        ("- 1\n- 2\n", "top level"),
    ],
)
def test_dangerous_and_broken_yaml(
    tmp_path: Path, content: str, message: str, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "config.yaml"
    path.write_text(content)
    assert exit_code_of(["fit", str(path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_that_does_not_exist(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    target = tmp_path / "none" / "fit.json"
    assert exit_code_of(["fit", "t5-small", "--no-levers", "--json", str(target)]) == 2
    assert "cannot write" in capsys.readouterr().err
