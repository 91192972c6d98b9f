"""``fit``: verdicts, sums, levers, and what may never happen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wse_emulator import WSE2, fit, wafers
from wse_emulator.errors import ConfigError, InputError, UnknownNameError
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.results.codec import decode, encode
from wse_emulator.results.facts import Lever
from wse_emulator.results.fit import BatchFacts, FitReport

CONFIGS = Path(__file__).parents[2] / "data" / "run_configs"


def shapes(*sizes: tuple[int, ...]) -> ModelShapes:
    return ModelShapes(
        name="mine",
        parameters=tuple(
            TensorShape(f"layer.{i // 2}.w{i}", size, "float32") for i, size in enumerate(sizes)
        ),
    )


def test_gpt2_xl_fits_with_adamw_and_says_what_is_not_counted():
    report = fit("gpt2-xl", levers=False)
    assert report.fits
    assert report.bytes["weights"] == 4 * 1_557_611_200
    assert report.bytes["gradients"] == 4 * 1_557_611_200
    assert not report.activations_counted
    assert any("activations are not counted" in note for note in report.notes)
    assert report.pe.used == WSE2.pes
    assert "fits" in report.verdict
    document = report.document()
    assert document["schema"] == "wse-fit/1"
    json.dumps(document, allow_nan=False)


def test_a_70_b_model_is_a_report_not_an_error():
    report = fit("llama2-70b")
    assert not report.fits
    assert report.gap_bytes == report.pe.peak_bytes - 49_152 > 0
    assert "does not fit" in report.verdict
    assert report.levers
    assert report.worst[0].bytes == report.pe.peak_bytes


def assert_sums(report: FitReport) -> None:
    total = sum(size for name, size in report.bytes.items() if name != "total")
    assert total == report.bytes["total"] == int(report.maps.peak.sum())
    for name, array in report.maps.categories.items():
        assert int(array.sum()) == report.bytes[name]
    assert report.pe.peak_bytes == int(report.maps.peak.max())
    assert report.pe.mean_bytes == report.bound_bytes == pytest.approx(report.maps.peak.mean())
    assert report.fits == (report.gap_bytes == 0) == (report.pe.over_limit == 0)
    if report.mode == "pipelined":
        for name in report.maps.categories:
            assert sum(layer.bytes[name] for layer in report.layers) == report.bytes[name]


@pytest.mark.parametrize("mode", ["pipelined", "weight-streaming"])
@pytest.mark.parametrize("sparsity", [0.0, 0.75])
def test_the_sum_over_pes_equals_the_totals(mode, sparsity: float):
    report = fit(
        "gpt2", batch_size=4, mode=mode, sparsity=sparsity, precision="mixed", levers=False
    )
    assert_sums(report)
    assert report.fits


def test_three_quarters_sparse_matrices_keep_a_quarter_with_indices():
    model = shapes((64, 32), (64,))
    dense = fit(model, wafer="wse2:4x4", levers=False)
    sparse = fit(model, wafer="wse2:4x4", sparsity=0.75, levers=False)
    assert dense.bytes["weights"] == 4 * (64 * 32 + 64)
    assert sparse.bytes["weights"] == (4 + 2) * 512 + 4 * 64
    assert sparse.bytes["gradients"] == 4 * 512 + 4 * 64
    # 16 B dense against 18 B a kept element
    assert any("above a sparsity of 11 %" in note for note in sparse.notes)


def test_run_config_brings_batch_precision_optimizer_and_sparsity():
    report = fit(str(CONFIGS / "2x__params_gpt3_125m_static75.yaml"), levers=False)
    assert report.batch is not None
    assert (report.batch.batch_size, report.batch.sequence_length) == (256, 2048)
    assert report.sparsity == 0.75
    assert report.precision == "mixed (cbfloat16)"
    assert report.optimizer.name == "AdamW"
    given = fit(
        str(CONFIGS / "2x__params_gpt3_125m_static75.yaml"),
        levers=False,
        batch_size=2,
        optimizer="SGD",
        lr=0.1,
        sparsity=0.0,
    )
    assert given.batch is not None
    assert (given.batch.batch_size, given.optimizer.name, given.sparsity) == (2, "SGD", 0.0)


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda f: f.stem)
def test_every_run_config_gets_a_verdict(file: Path):
    report = fit(str(file), mode="auto", levers=False)
    assert report.batch is not None
    assert report.mode_reason
    assert report.fits or report.gap_bytes > 0


def test_auto_takes_streaming_where_the_layers_do_not_fit_at_once():
    report = fit("gpt2-xl", mode="auto", batch_size=8, precision="mixed", levers=False)
    assert report.mode == "weight-streaming"
    assert "pipelined needs" in (report.mode_reason or "")
    assert report.weight_server is not None
    # forward and backward read 2 bytes a weight, backward writes 2
    assert report.weight_server.bytes_in == 2 * 2 * 1_557_611_200
    assert report.weight_server.bytes_out == 2 * 1_557_611_200
    assert report.weight_server.link_seconds == pytest.approx(4 * 1_557_611_200 / 150e9)
    assert report.bytes["optimizer_state"] == 0


def test_micro_batch_and_recomputation_are_chosen_or_taken_as_given():
    chosen = fit("gpt2", batch_size=32, precision="mixed", levers=False).batch
    assert chosen is not None
    assert chosen.chosen == ("micro_batch", "recompute")
    given = fit(
        "gpt2", batch_size=32, precision="mixed", micro_batch=2, recompute="full", levers=False
    ).batch
    assert given is not None
    assert (given.micro_batch, given.recompute, given.chosen) == (2, "full", ())
    # one sample more in flight, or one layer less recomputed, does not fit
    more = fit(
        "gpt2",
        batch_size=32,
        precision="mixed",
        levers=False,
        micro_batch=chosen.micro_batch + 1,
        recompute=chosen.recomputed_layers,
    )
    assert not more.fits


def test_least_recomputation_that_fits():
    chosen = fit("gpt2-medium", batch_size=36, precision="mixed", levers=False)
    assert chosen.fits
    assert chosen.batch is not None
    assert 0 < chosen.batch.recomputed_layers < 24
    less = fit(
        "gpt2-medium",
        batch_size=36,
        precision="mixed",
        levers=False,
        micro_batch=1,
        recompute=chosen.batch.recomputed_layers - 1,
    )
    assert not less.fits


small_models = st.lists(
    st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=6
).map(lambda sizes: shapes(*sizes))


@settings(max_examples=15)
@given(small_models, st.integers(1, 5), st.integers(1, 5), st.integers(0, 3_000))
def test_more_pes_never_turn_yes_into_no(model, rows: int, cols: int, slack: int):
    least = fit(model, wafer=WSE2.scaled(rows, cols), levers=False)
    tight = replace(
        WSE2, sram_bytes_per_pe=max(8192 + 64, int(least.bound_bytes) + slack), sources={}
    )
    answers = [
        fit(model, wafer=tight.scaled(rows + more // 2, cols + (more + 1) // 2), levers=False).fits
        for more in range(4)
    ]
    assert answers == sorted(answers)


def transformer(layers: int, width: int, vocabulary: int) -> ModelShapes:
    sizes = {"a.weight": (3 * width, width), "b.weight": (width, 4 * width), "b.bias": (width,)}
    blocks = [
        TensorShape(f"h.{i}.{name}", size, "float32")
        for i in range(layers)
        for name, size in sizes.items()
    ]
    table = TensorShape("wte.weight", (vocabulary, width), "float32")
    return ModelShapes(name="mine", parameters=(table, *blocks))


@settings(max_examples=6)
@given(st.integers(60, 900), st.integers(60, 700), st.integers(0, 1), st.integers(0, 1))
def test_a_row_or_column_more_of_a_large_wafer(rows: int, cols: int, row: int, col: int):
    model = transformer(6, 256, 8_000)
    least = fit(model, wafer=WSE2.scaled(rows, cols), levers=False).pe.peak_bytes
    tight = replace(WSE2, sram_bytes_per_pe=least, sources={})
    assert fit(model, wafer=tight.scaled(rows, cols), levers=False).fits
    assert fit(model, wafer=tight.scaled(rows + row, cols + col), levers=False).fits


@pytest.mark.parametrize(
    ("model", "rows", "cols", "more_rows", "more_cols"),
    [
        ("bert-base", 542, 200, 0, 0),
        ("bert-base", 325, 671, 0, 1),
        ("opt-125m", 326, 241, 1, 0),
        ("tv-resnet50", 429, 468, 8, 5),
        ("timm-vit-base-patch16-224", 579, 376, 0, 1),
        ("timm-vit-base-patch16-224", 156, 467, 4, 3),
    ],
)
def test_a_wafer_whose_blocks_just_fit_and_a_larger_one(
    model: str, rows: int, cols: int, more_rows: int, more_cols: int
):
    """Adafactor's blocks come in whole lines, its stacks in whole matrices, and its sums in whole
    elements a strip."""
    given = {"optimizer": "Adafactor", "lr": 0.01, "levers": False}
    least = fit(model, wafer=WSE2.scaled(rows, cols), **given).pe.peak_bytes
    tight = replace(WSE2, sram_bytes_per_pe=least, sources={})
    assert fit(model, wafer=tight.scaled(rows, cols), **given).fits
    assert fit(model, wafer=tight.scaled(rows + more_rows, cols + more_cols), **given).fits


def test_a_wafer_that_cuts_badly_is_used_in_part():
    tight = replace(WSE2, sram_bytes_per_pe=11_984, sources={})
    report = fit(
        transformer(28, 256, 30_000),
        optimizer="Adafactor",
        lr=0.01,
        wafer=tight.scaled(460, 238),
        levers=False,
    )
    assert report.fits
    assert report.pe.used < 460 * 238


@settings(max_examples=3)
@given(st.integers(1, 40), st.sampled_from(["pipelined", "weight-streaming"]))
def test_a_smaller_batch_never_needs_more(batch: int, mode):
    needed = [
        fit(
            "t5-small",
            batch_size=size,
            seq_len=64,
            mode=mode,
            levers=False,
            micro_batch=1,
            recompute="none",
            wafer="wse2:200x200",
        ).bytes["activations"]
        for size in (batch, batch + 1)
    ]
    assert needed[0] <= needed[1]


@settings(max_examples=3)
@given(
    st.sampled_from(["t5-small", "bert-base"]),
    st.sampled_from(["pipelined", "weight-streaming"]),
    st.sampled_from([None, 2]),
    st.integers(2, 60),
    st.integers(1, 60),
)
def test_what_fits_with_a_batch_fits_with_less_of_it(
    model: str, mode, micro: int | None, batch: int, more: int
):
    given = {"seq_len": 64, "mode": mode, "precision": "mixed", "levers": False}
    wafer = WSE2.scaled(260, 260)
    answers = [
        fit(model, wafer=wafer, batch_size=size, micro_batch=micro, **given).fits
        for size in (batch, batch + more)
    ]
    assert answers[0] >= answers[1]


def test_all_optimizers_in_one_table():
    report = fit("gpt2", all_optimizers=True, levers=False)
    rows = {row.optimizer: row for row in report.optimizers}
    assert {"SGD", "AdamW", "Adafactor", "Lamb"} <= set(rows)
    assert rows["SGD"].state_bytes < rows["RMSprop"].state_bytes < rows["AdamW"].state_bytes
    assert rows["AdamW"].peak_bytes == report.pe.peak_bytes
    assert not any(row.refused for row in report.optimizers)
    assert rows["SGD"].state_bytes < rows["Muon"].state_bytes < rows["AdamW"].state_bytes
    alone = fit("gpt2", optimizer="RMSprop", lr=1e-3, levers=False)
    assert rows["RMSprop"].peak_bytes == alone.pe.peak_bytes


@pytest.mark.parametrize(
    ("what", "given"),
    [
        ("batch", {"batch_size": 1, "mode": "weight-streaming", "precision": "mixed"}),
        ("depth", {}),
        ("width", {}),
    ],
)
def test_the_solution_fits_and_its_successor_does_not(what: str, given):
    wafer = "wse2:160x160"
    report = fit("gpt2", wafer=wafer, solve=what, levers=False, seq_len=256, **given)
    solution = report.solution
    assert solution is not None
    assert solution.bounded
    assert solution.fits_at > 0
    assert solution.next_gap_bytes > 0
    assert f"{solution.fits_at:,}" in solution.sentence
    if what == "batch":
        for size, fits in ((solution.fits_at, True), (solution.next_value, False)):
            again = fit(
                "gpt2", wafer=wafer, levers=False, seq_len=256, **{**given, "batch_size": size}
            )
            assert again.fits == fits


def test_a_pipeline_that_is_full_takes_any_batch():
    report = fit(
        "t5-small",
        batch_size=1,
        seq_len=64,
        precision="mixed",
        wafer="wse2:300x300",
        micro_batch=1,
        recompute="full",
        solve="batch",
        levers=False,
    )
    assert report.solution is not None
    assert not report.solution.bounded
    assert "no limit" in report.solution.sentence


UNEVEN = """\
train_input: {batch_size: 2}
model:
  hidden_size: 16
  vocab_size: 50
  position_embedding_type: learned
  share_embedding_weights: true
  max_position_embeddings: 8
  num_hidden_layers: 2
  num_heads: 2
  filter_size: 40
optimizer: {optimizer_type: RMSprop, learning_rate: 0.1}
"""
"""On 12 PEs the layers share the wafer in another way with 8 tokens than with 1."""


def test_a_size_that_fits_is_a_solution_where_a_smaller_one_does_not_fit(tmp_path: Path):
    path = tmp_path / "uneven.yaml"
    path.write_text(UNEVEN)
    wafer = wafers("wse3:3x4", set={"sram_bytes_per_pe": 18_055})
    assert not fit(path, wafer=wafer, seq_len=1, levers=False).fits
    report = fit(path, wafer=wafer, solve="sequence", levers=False)
    assert report.fits
    assert report.solution is not None
    assert report.solution.fits_at == 8
    assert "largest sequence is 8" in report.solution.sentence


def test_layers_are_looked_for_up_to_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wse_emulator.questions.fit.solve.MOST_LAYERS", 16)
    path = tmp_path / "tiny.yaml"
    path.write_text(UNEVEN)
    report = fit(path, wafer="wse2", mode="weight-streaming", solve="depth", levers=False)
    assert report.solution is not None
    assert (report.solution.fits_at, report.solution.bounded) == (16, True)
    assert "more than 16 layers are not looked for" in report.solution.sentence


def test_positions_limit_the_sequence():
    report = fit(
        "gpt2",
        batch_size=1,
        micro_batch=1,
        recompute="full",
        solve="sequence",
        levers=False,
        precision="mixed",
    )
    assert report.solution is not None
    assert report.solution.fits_at == 1024
    assert "positions" in report.solution.limit


def test_a_module_of_ones_own():
    with torch.device("meta"):
        module = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 8))
    report = fit(module, wafer="wse2:4x4", levers=False)
    assert report.model.parameters == 64 * 64 + 64 + 64 * 8 + 8
    assert [layer.name for layer in report.layers] == ["0", "1"]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"batch_size": 0}, InputError, "batch size is 0"),
        ({"batch_size": -3}, InputError, "batch size is -3"),
        ({"sparsity": 1.5}, InputError, "sparsity is 1.5"),
        ({"sparsity": 1.0}, InputError, "sparsity is 1.0"),
        ({"sparsity": float("nan")}, InputError, "sparsity is nan"),
        ({"mode": "pipelind"}, UnknownNameError, "did you mean pipelined"),
        ({"optimizer": "AdamX"}, UnknownNameError, "AdamW"),
        ({"precision": "float8"}, UnknownNameError, "unknown precision"),
        ({"batch_size": 2, "micro_batch": 3}, InputError, "exceeds the batch"),
        ({"batch_size": 2, "recompute": "some"}, InputError, "recompute is 'some'"),
        ({"batch_size": 2, "recompute": -1}, InputError, "recompute is -1"),
        ({"batch_size": 2, "seq_len": 5000}, InputError, "1024 positions"),
        ({"solve": "colour"}, InputError, "cannot solve"),
        ({"solve": "sequence"}, InputError, "needs a batch size"),
        ({"wafer": "wse9"}, UnknownNameError, "wse9"),
    ],
)
def test_wrong_questions(given, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        fit("gpt2", levers=False, **given)


def test_a_run_config_without_a_model_is_refused(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("optimizer:\n  optimizer_type: adamw\n  learning_rate: 0.1\n")
    with pytest.raises(ConfigError, match="model"):
        fit(str(path))


def test_parts_of_the_report_survive_json():
    lever = Lever(what="x", arguments=("--a", "1"), saves_bytes=1, saves_total_bytes=2, fits=True)
    assert decode(Lever, encode(lever), "lever") == lever
    report = fit("gpt2", batch_size=4, precision="mixed", levers=False)
    assert decode(BatchFacts, encode(report.batch), "batch") == report.batch


def test_a_length_that_is_not_given_is_at_most_2048_tokens_and_said():
    report = fit("mistral-7b", batch_size=1, mode="weight-streaming", levers=False)
    assert report.batch is not None
    assert report.batch.sequence_length == 2048
    assert any("2,048 tokens, of the 4,096 that the model has" in note for note in report.notes)
    assert not any("missing" in note for note in report.notes)


def test_a_lever_shortens_the_sequence_as_far_as_it_must():
    whole = fit("gpt2", batch_size=2048, mode="weight-streaming", lr=1e-3)
    assert not whole.fits
    (lever,) = (one for one in whole.levers if "--seq-len" in one.arguments)
    assert lever.fits
    tokens = int(lever.arguments[1])
    assert tokens in (512, 256, 128)

    def at(length: int) -> FitReport:
        return fit(
            "gpt2", batch_size=2048, mode="weight-streaming", seq_len=length, levers=False, lr=1e-3
        )

    assert at(tokens).fits
    assert not at(2 * tokens).fits
    assert at(tokens).pe.peak_bytes == whole.pe.peak_bytes - lever.saves_bytes
