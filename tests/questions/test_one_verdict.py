"""``run``, ``fit`` and ``wse preflight`` give one verdict, also where a model just stops fitting.

The cases of some walks, in the code that ``PYTHONPATH`` names first:

    python tests/questions/test_one_verdict.py FIRST_WALK LAST_WALK [core]

``core`` leaves out the walks that say more than model, optimizer and wafer.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import wse
from tests.questions.doors import Doors
from tests.questions.edge_cases import AROUND, LOOKS, Case, Question, cases_of_walk, walk_of

WALKS = 38
DEEP_WALKS = 2500
BLOCK = 50
"""Walks of one deep test: several processes share them."""

TYPED = 6
"""Of so many walks, one is typed too."""

FIVE_LAYERS = (
    ("h.0.w", (53, 91), "float32"),
    ("h.1.w", (57, 106), "float32"),
    ("h.2.w", (63, 82), "float32"),
    ("h.3.w", (21, 69), "float32"),
    ("h.4.w", (52, 58), "float32"),
)
"""On a WSE-2 of 3 x 5 PEs they fit with AdamW, on a part of it and not on the whole."""


def cases(walk: int, doors: Doors) -> tuple[Case, ...]:
    """The cases of a walk; ``run`` has the edge, where it knows the mode."""
    question, _ = walk_of(walk)
    door = doors.fit if question.mode == "weight-streaming" else doors.run
    return cases_of_walk(walk, lambda question: door(question).code == 0)


def contradictions(walk: int, doors: Doors) -> Iterator[tuple[Case, str]]:
    """Each case of a walk whose answers are not one, with the answers."""
    for case in cases(walk, doors):
        said = contradiction(case.question, doors)
        if said is not None:
            yield case, said


def contradiction(question: Question, doors: Doors) -> str | None:
    """The answers to a question, if they are not one.

    A mode is chosen so that the layers lie on the wafer where ``run`` can step them there.
    """
    fit, page = doors.fit(question), doors.preflight(question)
    one = (fit.code, fit.peak, fit.mode) == (page.code, page.peak, page.mode)
    words = f"fit: {fit}; preflight: {page}"
    if question.mode == "weight-streaming":
        return None if one else words
    run = doors.run(question)
    if question.mode == "auto":
        one &= (fit.mode == "pipelined") == (run.code == 0)
    if question.mode == "pipelined" or fit.mode == "pipelined":
        one &= (run.code, run.peak, run.cycles) == (page.code, page.peak, page.cycles)
    return None if one else f"run: {run}; {words}"


def test_there_are_three_hundred_cases_and_twenty_thousand() -> None:
    assert WALKS * LOOKS >= 300
    assert DEEP_WALKS * LOOKS >= 20_000


@pytest.mark.parametrize("walk", range(WALKS))
def test_three_questions_have_one_verdict(walk: int, tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    assert list(contradictions(walk, doors)) == []
    if walk % TYPED == 0:
        around = cases(walk, doors)
        for look in (AROUND.index(-1), AROUND.index(0)):
            assert exit_codes(around[look].question, doors) == {
                doors.fit(around[look].question).code
            }


@pytest.mark.deep
@pytest.mark.parametrize("first", range(0, DEEP_WALKS, BLOCK))
def test_twenty_thousand_cases_have_one_verdict(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what would make a model fit takes three quarters of the time, and no verdict depends on it
    for question in ("run", "preflight"):
        monkeypatch.setattr(f"wse_emulator.questions.{question}.pull_levers", lambda *_: ())
    found = [
        contradiction
        for walk in range(first, min(first + BLOCK, DEEP_WALKS))
        for contradiction in contradictions(walk, Doors(tmp_path))
    ]
    assert found == []


@pytest.mark.parametrize("walk", [6, 8, 11, 18])
def test_a_walk_ends_on_both_sides_of_an_edge(walk: int, tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    codes = [doors.run(case.question).code for case in cases(walk, doors)]
    edge = AROUND.index(0)
    assert (codes[edge - 1], codes[edge]) == (0, 3)


@pytest.mark.parametrize(("rows", "cols"), [(3, 5), (6, 2)])
def test_five_layers_on_a_small_odd_wafer(rows: int, cols: int, tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    question = Question(
        tensors=FIVE_LAYERS,
        optimizer="AdamW",
        lr=1e-3,
        options=(),
        rows=rows,
        cols=cols,
        sram=49152,
    )
    assert contradiction(question, doors) is None
    assert exit_codes(question, doors) == {doors.run(question).code}
    if (rows, cols) == (3, 5):
        assert doors.run(question).code == 0
        assert doors.preflight(question).cycles is not None


def exit_codes(question: Question, doors: Doors) -> set[int]:
    """Exit codes of the commands as they are typed; ``wse run`` knows one mode."""
    mode = ("--mode", question.mode)
    codes = {
        doors.typed("fit", question, *mode, "--no-levers"),
        doors.typed("preflight", question, *mode),
    }
    return codes | ({doors.typed("run", question)} if question.mode == "pipelined" else set())


def shapes_file(folder: Path, shapes: list[list[object]]) -> str:
    path = folder / "shapes.json"
    path.write_text(json.dumps(shapes))
    return str(path)


def answer_of(*arguments: str) -> dict[str, object]:
    """The JSON of a command."""
    document = json.loads(wse(*arguments, "--json", "-").output)
    assert isinstance(document, dict)
    return document


def test_muon_of_a_whole_model_that_does_not_fit_is_an_answer(tmp_path: Path) -> None:
    model = shapes_file(tmp_path, [["a.w", [400, 400], "float32"], ["a.b", [400], "float32"]])
    asked = (model, "--optimizer", "Muon", "--lr", "0.01", "--wafer", "wse2:2x2")
    run = answer_of("run", *asked)
    assert run["fits"] is False
    assert wse("run", *asked).code == 3
    assert wse("fit", *asked, "--no-levers").code == 3
    assert wse("preflight", *asked, "--mode", "pipelined").code == 3
    levers = run["levers"]
    assert isinstance(levers, list)
    typed = next(lever for lever in levers if "--optimizer Muon" in lever["command"])
    again = wse(*shlex.split(typed["command"])[1:], "--no-levers")
    assert again.code == (0 if typed["fits"] else 3), again.error


@pytest.mark.parametrize(
    "scaling",
    [("--loss-scaling",), ("--max-grad-norm", "1"), ("--loss-scaling", "--max-grad-norm", "1")],
    ids=" ".join,
)
def test_what_is_done_to_gradients_has_an_effect_in_each_question(
    scaling: tuple[str, ...], tmp_path: Path
) -> None:
    model = shapes_file(
        tmp_path, [[name, list(shape), dtype] for name, shape, dtype in FIVE_LAYERS]
    )
    asked = (model, "--wafer", "wse2:4x6")
    plain, run = answer_of("run", *asked), answer_of("run", *asked, *scaling)
    page, fit = answer_of("preflight", *asked, *scaling), answer_of("fit", *asked, *scaling)
    cycles = [answer["steps"][0]["cycles"] for answer in (plain, run)]
    assert cycles[0] < cycles[1] == page["step_time"]["cycles"]
    peaks = [run["memory"]["peak_bytes"], page["fit"]["peak_bytes"], fit["pe"]["peak_bytes"]]
    assert len(set(peaks)) == 1


CONFIG = """
train_input: {batch_size: 4}
model:
  mixed_precision: true
  fp16_type: bfloat16
  hidden_size: 16
  vocab_size: 50
  position_embedding_type: learned
  share_embedding_weights: true
  max_position_embeddings: 8
  num_hidden_layers: 2
  num_heads: 2
  filter_size: 32
optimizer:
  optimizer_type: AdamW
  learning_rate: 0.001
  log_summaries: true
runconfig: {max_steps: 100, seed: 1}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "params.yaml"
    path.write_text(CONFIG)
    return str(path)


def test_run_says_what_of_a_config_it_did_not_use(config: str, tmp_path: Path) -> None:
    model = shapes_file(
        tmp_path, [[name, list(shape), dtype] for name, shape, dtype in FIVE_LAYERS]
    )
    asked = ("run", model, "--wafer", "wse2:4x6")
    run = answer_of(*asked, "--config", config)
    unused = run["config_unused"]
    assert isinstance(unused, list)
    for word in ("batch", "model", "seed", "log_summaries"):
        assert any(word in entry for entry in unused), word
    assert not any("precision" in entry or "fp16" in entry for entry in unused)
    said = ("--lr-schedule", "constant:1e-3", "--precision", "mixed", "--compute-dtype", "bfloat16")
    halved = answer_of(*asked, *said)
    assert run["memory"]["peak_bytes"] == halved["memory"]["peak_bytes"]
    assert run["steps"][0]["cycles"] == halved["steps"][0]["cycles"]


def test_what_made_the_model_of_a_config_is_used(config: str) -> None:
    for command in ("run", "preflight"):
        unused = answer_of(command, config, "--wafer", "wse2:12x10")["config_unused"]
        assert isinstance(unused, list)
        assert any("seed" in entry for entry in unused)
        assert not any("model.position" in entry or "model.share" in entry for entry in unused)


if __name__ == "__main__":
    first, last = map(int, sys.argv[1:3])
    for walk in range(first, last):
        if "core" in sys.argv[3:] and walk_of(walk)[0].extended:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for case, said in contradictions(walk, Doors(Path(folder))):
                print(f"case {case.number}, size {case.size}: {case.question}\n    {said}")
