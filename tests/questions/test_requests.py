"""What a request keeps: any kind of number, commands that ask it again, verdicts on refusals."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import optimizers
import wse_emulator
from tests.cli.command import wse
from wse_emulator.errors import DoesNotFitError, InputError
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.read import read
from wse_emulator.results.files import read_run, write_run
from wse_emulator.results.request_json import read_request, request_document

SHAPES = [
    ["h.0.w", [40, 50], "float32"],
    ["h.0.b", [50], "float32"],
    ["h.1.w", [60, 50], "float32"],
]
CONFIG = """
trainer:
  init:
    optimizer:
      AdamW:
        weight_decay: 0.1
        params: [{params: ["*.b"], weight_decay: 0.0}]
    schedulers:
      - SequentialLR:
          schedulers:
            - LinearLR: {initial_learning_rate: 0.0, end_learning_rate: 0.1, total_iters: 10}
            - CosineDecayLR: {initial_learning_rate: 0.1, end_learning_rate: 0.0, total_iters: 90}
    sparsity: {sparsity: 0.5}
    precision: {enabled: true, fp16_type: bfloat16, loss_scaling_factor: dynamic}
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "my model.json"
    path.write_text(json.dumps(SHAPES))
    return str(path)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return str(path)


@pytest.mark.parametrize(
    "given",
    [
        {"wafer": "wse2:2x2"},
        {"wafer": wse_emulator.WSE3.scaled(4, 5), "batch_size": 3, "recompute": "full"},
        {"lr_schedule": "linear:0:1e-3:10,constant:1e-3", "options": {"betas": (0.8, 0.9)}},
        {"precision": "mixed", "max_grad_norm": 1.0, "loss_scaling": True, "engine": "pe"},
    ],
)
def test_json_gives_the_request_back(given: dict[str, object], model: str, config: str) -> None:
    for beside in (None, config):
        asked = read(Given(model=model, config=beside, **given)).request  # type: ignore[arg-type]
        document = json.loads(json.dumps(request_document(asked)))
        assert read_request(document, "here") == asked


def test_a_machine_of_ones_own_is_kept_whole(model: str) -> None:
    mine = replace(wse_emulator.WSE2.scaled(3, 3), name="mine", hop_cycles=3)
    asked = read(Given(model=model, wafer=mine)).request
    assert asked.objects == ("wafer",)
    assert read_request(request_document(asked), "here").wafer == mine


def test_numbers_of_numpy_are_numbers(model: str, tmp_path: Path) -> None:
    plain = wse_emulator.run(
        model, wafer="wse2:2x2", sparsity=0.5, steps=3, lr=0.5, options={"weight_decay": 0.5}
    )
    result = wse_emulator.run(
        model,
        wafer="wse2:2x2",
        sparsity=np.float32(0.5),  # type: ignore[arg-type]  # what NumPy users pass
        steps=np.int64(3),  # type: ignore[arg-type]
        lr=np.float32(0.5),  # type: ignore[arg-type]
        options={"weight_decay": np.float32(0.5)},
    )
    assert result.request == plain.request
    assert result.digest == plain.digest
    write_run(result, tmp_path / "report")
    assert read_run(tmp_path / "report").request == plain.request


@pytest.mark.parametrize("given", [{"steps": 1.5}, {"batch_size": "4"}, {"sparsity": object()}])
def test_what_is_no_number_is_refused(given: dict[str, object], model: str) -> None:
    with pytest.raises(InputError, match=next(iter(given))):
        Given(model=model, **given)  # type: ignore[arg-type]


def test_an_option_that_is_an_object_cannot_be_repeated(model: str) -> None:
    asked = read(Given(model=model, options={"lr": torch.tensor(0.01)})).request
    assert asked.objects == ("options",)


@pytest.mark.parametrize(
    "words",
    [
        ("--wafer", "wse2:2x2", "--lr", "0.01", "--loss-scaling"),
        ("--wafer", "wse2:1x1", "--lr-schedule", "linear:0:1e-3:10,constant:1e-3"),
        ("--wafer", "wse2:2x2", "--max-grad-norm", "1", "--precision", "mixed"),
        ("--wafer", "wse2:2x2", "--config", "CONFIG", "--sparsity", "0"),
        ("--wafer", "wse2:2x2", "--config", "CONFIG", "--lr", "0.2"),
        ("--wafer", "wse2:2x2", "--set", "sram_bytes_per_pe=40000", "-o", "betas=0.8,0.9"),
    ],
    ids=" ".join,
)
def test_the_command_of_a_lever_gives_what_the_lever_says(
    words: tuple[str, ...], model: str, config: str
) -> None:
    line = [config if word == "CONFIG" else word for word in words]
    report = json.loads(wse("fit", model, *line, "--json", "-").output)
    assert report["levers"]
    for lever in report["levers"]:
        command = shlex.split(lever["command"])
        assert command[:2] == ["wse", "fit"]
        typed = json.loads(wse(*command[1:], "--no-levers", "--json", "-").output)
        assert typed["fits"] is lever["fits"], lever
        assert report["pe"]["peak_bytes"] - lever["saves_bytes"] == typed["pe"]["peak_bytes"], lever


@pytest.mark.parametrize("mode", ["auto", "pipelined"])
def test_an_op_that_no_pe_carries_out_is_refused_alike(mode: str, tmp_path: Path) -> None:
    shapes = tmp_path / "wide.json"
    shapes.write_text('[["h.0.w", [8, 8], "float64"]]')
    words = (str(shapes), "--wafer", "wse2:4x4")
    assert wse("run", *words).code == 4
    page = wse("preflight", *words, "--mode", mode, "--json", "-")
    assert page.code == 4
    assert json.loads(page.output)["legal"] is False


def test_what_does_not_fit_is_explained_as_that(model: str, tmp_path: Path) -> None:
    saved = tmp_path / "large.json"
    assert wse("run", model, "--wafer", "wse2:1x1", "--json", str(saved)).code == 3
    answer = wse("explain", str(saved))
    assert answer.code == DoesNotFitError.exit_code
    assert "does not fit on wse2:1x1" in answer.error


def test_a_product_that_runs_is_explained(model: str) -> None:
    words = (model, "--optimizer", "Muon", "--lr", "0.01", "--wafer", "wse2:2x2", "--json", "-")
    ran, explained = (json.loads(wse(command, *words).output) for command in ("run", "explain"))
    assert explained["cycles"] == ran["steps"][0]["cycles"] > explained["all_lifted_cycles"]


def test_frozen_weights_count_under_attach_too() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(30, 30), torch.nn.Linear(20, 20))
    module[0].requires_grad_(False)
    trained = [p for p in module.parameters() if p.requires_grad]
    optimizer = optimizers.AdamW(trained)
    emulation = wse_emulator.attach(optimizer, wafer="wse2:2x2", model=module)
    for p in trained:
        p.grad = torch.ones_like(p)
    optimizer.step()
    attached = emulation.result().memory.bytes
    emulation.detach()
    run = wse_emulator.run(module, wafer="wse2:2x2").memory.bytes
    assert attached["weights"] == run["weights"] == 4 * (30 * 31 + 20 * 21)
    assert attached["optimizer_state"] == run["optimizer_state"]


def test_lengths_without_a_batch_are_said_to_have_no_use(model: str) -> None:
    answer = wse("run", model, "--wafer", "wse2:4x4", "--seq-len", "12", "--recompute", "full")
    assert answer.code == 0
    said = " ".join(answer.output.split())
    assert "there is no use for the sequence length, the recomputation." in said
