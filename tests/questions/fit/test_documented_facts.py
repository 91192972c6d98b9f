"""What the vendor documents about models that fit a WSE-2, and what the emulator says.

The facts are in ``tests/data/published_fit.json``. Facts about software support, which stand on
both sides for the same model, are marked so in ``docs/fit.md`` and are no question of memory.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import nn

from wse_emulator import fit
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.published import build_published
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.results.fit import FitReport

DATA = Path(__file__).parents[2] / "data"
FACTS = json.loads((DATA / "published_fit.json").read_text())["fit"]


def t5_11b() -> ModelShapes:
    config = {
        "d_model": 1024,
        "d_kv": 128,
        "d_ff": 65536,
        "num_heads": 128,
        "num_layers": 24,
        "num_decoder_layers": 24,
        "vocab_size": 32128,
    }

    def build() -> nn.Module:
        module = build_published("T5ForConditionalGeneration", config)
        assert module is not None
        return module

    return shapes_of_module(build(), "t5-11b", "its published configuration", build=build)


def judged(model, **given) -> FitReport:
    return fit(model, precision="mixed", levers=False, **given)


def parameters_of(name: str) -> list[int]:
    return [fact["params"] for fact in FACTS if fact["model"].startswith(name)]


@pytest.mark.parametrize(
    ("fact", "model", "batch", "sequence"),
    [
        ("gpt2 small (TF)", "gpt2", 32, 1024),
        ("gpt2 medium (TF)", "gpt2-medium", 36, 1024),
        ("gpt2 large (TF)", "gpt2-large", 80, 1024),
        ("bert large msl512", "bert-large", 256, 512),
    ],
)
def test_models_documented_as_pipelined_fit_pipelined(
    fact: str, model: str, batch: int, sequence: int
):
    (documented,) = [entry for entry in FACTS if entry["model"].startswith(fact)]
    assert documented["mode"] == "pipelined"
    assert documented.get("batch", batch) == batch
    report = judged(model, batch_size=batch, seq_len=sequence)
    assert report.model.parameters == documented["params"]
    assert report.fits
    assert report.activations_counted


@pytest.mark.parametrize("model", ["t5-small", "t5-base"])
def test_small_t5_fits_pipelined(model: str):
    assert judged(model, batch_size=216, seq_len=512, target_len=114).fits


def test_t5_3b_does_not_fit_pipelined_and_says_by_how_much():
    assert set(parameters_of("t5 3B")) == {2_851_598_336}
    adam = judged("t5-3b", batch_size=770, seq_len=512, target_len=114)
    factored = judged(
        "t5-3b", batch_size=770, seq_len=512, target_len=114, optimizer="Adafactor", lr=1e-3
    )
    assert adam.gap_bytes > factored.gap_bytes > 0


@pytest.mark.parametrize(
    "fact", [f for f in FACTS if f["model"] == "t5 3B" and "batch" in f], ids=lambda f: f["release"]
)
def test_t5_3b_streams_with_every_documented_batch(fact):
    report = judged(
        "t5-3b",
        batch_size=fact["batch"],
        seq_len=fact["src_len"],
        target_len=fact["tgt_len"],
        mode="weight-streaming",
    )
    assert report.fits


@pytest.mark.parametrize(
    "fact",
    [f for f in FACTS if f["model"] == "t5 11B" and "batch" in f],
    ids=lambda f: f["release"],
)
def test_t5_11b_fits_only_weight_streaming(fact):
    model = t5_11b()
    assert model.total_elements == fact["params"]
    given = {"batch_size": fact["batch"], "seq_len": 512, "target_len": 114}
    assert judged(model, mode="weight-streaming", **given).fits
    # not even with an optimizer that keeps no state
    assert not judged(model, optimizer="SGD", lr=1e-3, **given).fits


@pytest.mark.parametrize("model", ["cerebras-gpt-1.3B", "cerebras-gpt-13B", "gpt-j-6b"])
def test_gpt3_and_gpt_j_sizes_fit_weight_streaming_alone(model: str):
    assert judged(model, batch_size=8, mode="weight-streaming").fits
    assert not judged(model, batch_size=8).fits


def test_bert_large_with_10k_tokens_fits_weight_streaming():
    config = DATA / "run_configs" / "2x__bert_large_MSL10k_preview.yaml"
    streamed = fit(str(config), mode="weight-streaming", levers=False)
    assert streamed.fits
    assert not fit(str(config), mode="pipelined", levers=False).fits


def test_gpt2_xl_fits_weight_streaming_and_not_pipelined_in_training():
    assert judged("gpt2-xl", batch_size=80, mode="weight-streaming").fits
    assert not judged("gpt2-xl", batch_size=80).fits


def test_largest_batch_of_gpt_j_is_printed_with_its_terms():
    report = judged("gpt-j-6b", batch_size=8, seq_len=2048, mode="weight-streaming", solve="batch")
    assert report.solution is not None
    assert report.solution.bounded
    largest = judged(
        "gpt-j-6b",
        batch_size=report.solution.fits_at,
        seq_len=2048,
        mode="weight-streaming",
    )
    assert largest.fits
    assert largest.weight_server is not None
    terms = largest.weight_server.wafer_terms
    # 28 layers and the output layer keep what enters them: 2,048 tokens of 4,096 values of 2 B
    assert terms["layer inputs"] == pytest.approx(
        report.solution.fits_at * 29 * 2048 * 4096 * 2, rel=0.01
    )
