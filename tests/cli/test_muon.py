"""Muon from the command line: timed on both engines, judged by ``wse fit``, named in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from optimizers import AdamW, Muon
from optimizers.muon_with_adamw import MuonWithAdamW
from tests.cli.command import wse
from wse_emulator.inputs.optimizer import build_optimizer
from wse_emulator.request import OptimizerChoice

MATRICES: list[Sequence[object]] = [["h.0.w", [12, 20], "float32"], ["h.1.w", [20, 12], "float32"]]
MODEL: list[Sequence[object]] = [*MATRICES, ["h.1.b", [12], "float32"], ["scale", [], "float32"]]


def model_file(folder: Path, tensors: Sequence[Sequence[object]]) -> str:
    path = folder / "model.json"
    path.write_text(json.dumps(tensors))
    return str(path)


@pytest.mark.parametrize(
    ("tensors", "name"), [(MATRICES, "Muon"), (MODEL, "MuonWithAdamW")], ids=["matrices", "model"]
)
def test_run_times_muon_alike_on_both_engines(
    tmp_path: Path, tensors: Sequence[Sequence[object]], name: str
) -> None:
    cycles = []
    for engine in ("array", "pe"):
        path = tmp_path / f"{engine}.json"
        answer = wse(
            "run", model_file(tmp_path, tensors), "--optimizer", "muon", "--wafer", "wse2:4x5",
            "--engine", engine, "--json", str(path),
        )  # fmt: skip
        assert answer.code == 0
        document = json.loads(path.read_text())
        assert document["optimizer"]["name"] == name
        cycles.append(document["steps"][0]["cycles"])
    assert cycles[0] == cycles[1] > 0


def test_products_are_in_the_table_of_where_the_time_goes(tmp_path: Path) -> None:
    answer = wse(
        "run", model_file(tmp_path, MATRICES), "--optimizer", "Muon", "--wafer", "wse2:2x3"
    )
    assert answer.code == 0
    (line,) = [line for line in answer.output.splitlines() if " mm " in line]
    assert line.split()[2] == "30"  # three products in five iterations of two tensors


@pytest.mark.parametrize("mode", ["pipelined", "weight-streaming"])
def test_fit_plans_muon_in_both_modes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "fit.json"
    answer = wse(
        "fit", model_file(tmp_path, MODEL), "--optimizer", "Muon", "--wafer", "wse2:4x5",
        "--mode", mode, "--json", str(path), "--no-levers",
    )  # fmt: skip
    assert answer.code == 0
    report = json.loads(path.read_text())
    assert report["fits"] is True
    if mode == "pipelined":
        assert report["bytes"]["temporaries"] > 0


def test_a_step_without_room_for_its_products_does_not_fit(tmp_path: Path) -> None:
    sram = "sram_bytes_per_pe=8750"  # the reserve takes 8,192 of them
    arguments = (model_file(tmp_path, MATRICES), "--optimizer", "Muon", "--wafer", "wse2:3x4")
    answer = wse("run", *arguments, "--set", sram)
    assert answer.code == 3
    assert "Does not fit" in answer.output
    assert wse("fit", *arguments, "--set", sram, "--no-levers").code == 3


def test_each_parameter_of_a_model_gets_its_own_rule() -> None:
    torch.manual_seed(0)
    given = [torch.randn(4, 6), torch.randn(5)]
    together, matrix, vector = (
        [torch.nn.Parameter(x.clone()) for x in part] for part in (given, given[:1], given[1:])
    )
    built, _ = build_optimizer(together, OptimizerChoice(name="Muon", lr=0.1))
    assert type(built) is MuonWithAdamW
    alone = (Muon(matrix, lr=0.1), AdamW(vector, lr=0.1, weight_decay=0.01))
    for _ in range(3):
        for p, single in zip(together, (*matrix, *vector), strict=True):
            p.grad = torch.randn(p.shape)
            single.grad = p.grad.clone()
        built.step()
        for optimizer in alone:
            optimizer.step()
    for p, single in zip(together, (*matrix, *vector), strict=True):
        assert torch.equal(p, single)


def test_matrices_alone_get_muon_itself() -> None:
    built, _ = build_optimizer([torch.nn.Parameter(torch.ones(2, 3))], OptimizerChoice(name="Muon"))
    assert type(built) is Muon
