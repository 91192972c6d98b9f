"""Every sentence on the screen is one that a function words, and is true.

Random questions are put to the commands; what they print is read sentence by sentence and held to
the JSON of the same command (see ``reader.py``). Levers are typed again and do what they promise.
"""

from __future__ import annotations

import html
import importlib
import json
import pkgutil
import re
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

import wse_emulator
from tests.sentences import other_readers, readers, validate_readers  # noqa: F401 - they register
from tests.sentences.asked import at_the_edge, question, shapes
from tests.sentences.heard import Heard, cells, hear
from tests.sentences.reader import READERS, FalseSentenceError, read_paragraph
from wse_emulator.inputs.given import Given
from wse_emulator.questions.run import answer_run
from wse_emulator.report.fit import result_of_fit
from wse_emulator.report.page import html_report
from wse_emulator.results.files import run_document, run_files
from wse_emulator.results.folder import write_files
from wse_emulator.results.sentences import SENTENCE_MAKERS
from wse_emulator.wafer import parse_wafer
from wse_emulator.wafer.kernel_cycles import DERIVATIONS

MADE_OF_OTHERS: Final = {
    "advice": "lever_words",
    "change_in_words": "step_change",
    "memory_words": "fit_verdict",
    "solved": "solution_words",
    "timed": "samples_counted",
    "verdict_on_part": "rules_verdict",
}
"""Functions that put others' sentences together -> one of those."""

IN_CELLS: Final = {"fit_lever", "lever_change", "change_words", "in_both_forms"}
"""Parts of sentences and of tables, such as a lever with what it saves. They are read in place."""

IN_PICTURES: Final = {"no_step", "rate_without_schedule"}
"""Words of pictures, which no command prints."""


def read_all(heard: Heard) -> set[str]:
    """The makers of all that a command said, each held to the values.

    Raises:
        FalseSentenceError: a sentence that is not true, or that no function words.
    """
    if heard.error:
        assert heard.code in (2, 4)
        assert heard.paragraphs == ()
        assert heard.error.count("\n") == 1
        return set()
    assert heard.outside == "", "printed by another way than say and show"
    assert heard.paragraphs or heard.tables
    said = [*heard.paragraphs]
    if heard.words[0] == "preflight":
        said += [words for row in cells(heard.tables[0]) for words in row[2:]]
    makers = {maker for text in said for maker in read_paragraph(text, heard)}
    return makers | _read_levers(heard)


def _read_levers(heard: Heard) -> set[str]:
    """Hold the table of levers to the JSON."""
    shown = [t for t in heard.tables if t.title == "Levers, each planned again"]
    if not shown:
        return set()
    levers: list[dict[str, Any]] = heard.document["levers"]  # type: ignore[assignment]
    assert list(cells(shown[0])) == [
        (
            f"{lever['what']} ({' '.join(lever['arguments'])})",
            f"{lever['saves_bytes']:,}",
            "yes" if lever["fits"] else "no",
        )
        for lever in levers
    ]
    return {"fit_lever"}


def pull(heard: Heard, folder: Path, draw: Random) -> None:
    """Type a lever of a fit, and see that it saves what it says."""
    levers: list[dict[str, Any]] = heard.document["levers"]  # type: ignore[assignment]
    if not levers:
        return
    lever = draw.choice(levers)
    again = hear(folder, *lever["command"].split()[1:], "--no-levers")
    assert again.document["fits"] == lever["fits"], lever["command"]
    before: dict[str, int] = heard.document["pe"]  # type: ignore[assignment]
    after: dict[str, int] = again.document["pe"]  # type: ignore[assignment]
    assert before["peak_bytes"] - after["peak_bytes"] == lever["saves_bytes"] > 0
    read_all(again)


def ask(draw: Random, folder: Path) -> set[str]:
    """Put one random question to a command, and to another at the edge of fitting."""
    command = draw.choice(("fit", "fit", "fit", "run", "run", "preflight", "preflight"))
    samples = draw.random() < 0.4
    words = [command, *question(draw, folder, samples=samples, rate=command == "run")]
    if command != "run" and draw.random() < 0.4:
        words += ["--mode", draw.choice(("auto", "weight-streaming", "pipelined"))]
    if command == "fit" and samples and draw.random() < 0.4:
        words += ["--solve", draw.choice(("batch", "batch", "depth", "width", "sequence"))]
    heard = hear(folder, *words)
    makers = read_all(heard)
    if heard.document.get("fits") is None:
        return makers
    if command == "fit" and draw.random() < 0.4:
        pull(heard, folder, draw)
    edge = hear(folder, *at_the_edge(draw, words, readers.memory(heard)["peak_bytes"]))
    return makers | read_all(edge)


@pytest.mark.parametrize("seed", range(6))
def test_what_random_questions_are_answered_is_true(seed: int, tmp_path: Path) -> None:
    draw = Random(f"sentences {seed}")
    for _ in range(2):
        ask(draw, tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(6, 70))
def test_what_many_random_questions_are_answered_is_true(seed: int, tmp_path: Path) -> None:
    draw = Random(f"sentences {seed}")
    for _ in range(25):
        ask(draw, tmp_path)


def test_every_function_that_words_a_fact_has_a_reader() -> None:
    for module in pkgutil.walk_packages(wse_emulator.__path__, "wse_emulator."):
        if module.name.split(".")[1] in ("results", "terminal", "summary", "report"):
            importlib.import_module(module.name)
    known = {*READERS, *MADE_OF_OTHERS, *IN_CELLS, *IN_PICTURES}
    assert set(SENTENCE_MAKERS) == known
    assert set(MADE_OF_OTHERS.values()) <= known


def test_a_sentence_that_no_function_words_is_noticed(tmp_path: Path) -> None:
    model = shapes(Random(1), tmp_path)
    heard = hear(tmp_path, "run", model, "--wafer", "wse2:6x6")
    for text in heard.paragraphs:
        assert read_paragraph(text, heard)
        for wrong in (f"{text} It is fine.", text.replace("0", "1"), text.replace("is", "was")):
            if wrong != text:
                with pytest.raises(FalseSentenceError):
                    read_paragraph(wrong, heard)


CONFIG: Final = """\
model: {hidden_size: 8, vocab_size: 11, num_hidden_layers: 1, num_heads: 2, filter_size: 16,
  max_position_embeddings: 4, position_embedding_type: learned, share_embedding_weights: true}
train_input: {batch_size: 2}
optimizer:
  optimizer_type: SGD
  unknown_key: 3
  learning_rate: [{scheduler: Linear, initial_learning_rate: 0.0, end_learning_rate: 1.0e-3,
    steps: 4, what: 1}]
runconfig: {max_steps: 6}
"""
FACTORY: Final = """\
import optimizers, torch
def legal(): return optimizers.SGD(torch.nn.Linear(2, 2).parameters(), lr=0.1)
def illegal(): return torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, a run config, a factory, and results of run and fit."""
    here = tmp_path_factory.mktemp("sentences")
    (here / "model.json").write_text('[["h.0.w", [31, 17], "float32"], ["h.1.w", [31], "float32"]]')
    (here / "one.json").write_text('[["w", [8], "float32"]]')
    (here / "params.yaml").write_text(CONFIG)
    (here / "mine.py").write_text(FACTORY)
    (here / "records.json").write_text(json.dumps({"records": records()}))
    for name, optimizer in (("report", "AdamW"), ("other", "Lion")):
        result = wse_emulator.run(f"{here}/model.json", optimizer=optimizer, wafer=SMALL[1])
        write_files(here / name, run_files(result), force=False)
    judged = wse_emulator.fit(f"{here}/model.json", wafer=SMALL[1], levers=False)
    write_files(here / "judged", run_files(result_of_fit(judged)), force=False)
    return here


def records() -> list[dict[str, object]]:
    """Measurements of which every kind of standing has one, and whose null model is nearer."""

    def vector(name: str, elements: int, **changes: object) -> dict[str, object]:
        of = {"op": "add", "dtype": "float32", "elements": elements}
        return {
            "id": name, "machine": "wse2", "operation": "vector_op", "parameters": of,
            "metric": "cycles", "value": 100 + 3 * elements, "unit": "cycles", **changes,
        }  # fmt: skip

    gave = next(iter(DERIVATIONS.values())).records[0]
    return [
        *(vector(f"v{elements}", elements) for elements in (10, 200, 3000)),
        vector("same", 10, same_as="v10"),
        vector("doubtful", 10, contested="in doubt"),
        vector(gave, 10),
        vector("silicon", 10, machine="wse3"),
        vector("whole", 10, operation="train_step"),
        vector("unknown", 10, operation="fft"),
    ]


SMALL: Final = ("--wafer", "wse2:5x4")
TIGHT: Final = ("--set", "sram_bytes_per_pe=8500")
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "run": ("run", "{}/model.json", *SMALL),
    "run, no room": ("run", "{}/model.json", *SMALL, *TIGHT),
    "run, config beside": ("run", "{}/model.json", *SMALL, "--config", "{}/params.yaml"),
    "fit": ("fit", "{}/model.json", *SMALL, "--optimizer", "Adafactor", "--out", "{}/fit"),
    "fit, no batch fits": ("fit", "{}/params.yaml", *SMALL, *TIGHT, "--solve", "batch"),
    "fit, many layers": (
        "fit", "t5-small", "--wafer", "wse2:200x200", "--no-levers", "--sparsity", "0.5",
    ),
    "preflight, no rate": ("preflight", "{}/model.json", *SMALL, "--optimizer", "SGD"),
    "preflight, no room": (
        "preflight", "{}/params.yaml", *SMALL, *TIGHT, "--mode", "pipelined", "--batch-size", "9",
    ),
    "preflight, streamed": ("preflight", "{}/model.json", *SMALL, "--mode", "weight-streaming"),
    "preflight, illegal": ("preflight", "{}/model.json", *SMALL, "--check", "{}/mine.py:illegal"),
    "explain": ("explain", "{}/model.json", *SMALL, "--optimizer", "Lamb"),
    "explain, all small": ("explain", "{}/one.json", "--wafer", "wse3:2x2", "--optimizer", "SGD"),
    "compare": ("compare", "{}/report", "{}/other", "--out", "{}/difference"),
    "compare, same": ("compare", "{}/report", "{}/report"),
    "compare, not timed": ("compare", "{}/report", "{}/judged"),
    "compare, none timed": ("compare", "{}/judged", "{}/judged"),
    "check": ("check", "{}/mine.py:legal", "--steps", "3"),
    "check, illegal": ("check", "{}/mine.py:illegal", "--steps", "2"),
    "collective": ("collective", "reduce", "--pes", "12", "--wavelets", "5"),
    "collective, square": (
        "collective", "all-reduce", "--rows", "70", "--cols", "60", "--wavelets", "1",
    ),
    "schedule": ("schedule", "{}/params.yaml"),
    "validate": ("validate", "--data", "{}/records.json"),
    "validate, by machine": ("validate", "--data", "{}/records.json", "--group", "machine"),
    "validate, training": ("validate", "--data", "{}/records.json", "--group", "training"),
    "wafers": ("wafers",),
    "one wafer": ("wafers", "wse2"),
    "models": ("models",),
    "scenarios": ("scenarios",),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_command_tells_the_truth(name: str, folder: Path) -> None:
    words = [word.replace("{}", str(folder)) for word in EXAMPLES[name]]
    heard = hear(folder, *words)
    assert heard.error == ""
    read_all(heard)


def test_pictures_and_their_list_are_named(folder: Path) -> None:
    words = ("plot", f"{folder}/report", "--view", "time", "--out", f"{folder}/time.svg")
    assert read_all(hear(folder, *words, as_json=False)) == {"file_written"}
    assert hear(folder, "plot", "--list", as_json=False).outside == ""
    wafer = hear(folder, *words[:2], "--view", "wafer", "--out", "w.csv", as_json=False)
    assert wafer.code == 2
    assert ".png, .svg; its data are the arrays in run.npz" in wafer.error


@pytest.mark.parametrize("name", ["timed", "no room", "memory", "streamed samples"])
def test_the_page_of_a_report_tells_the_truth(name: str, folder: Path) -> None:
    """The header, the levers and the assumptions; each fact once, and no time without a step."""
    words, page, document = _page(name, folder)
    heard = Heard(words, 0 if document["fits"] else 3, (), (), document, "", "")
    header = page[page.index("<header") : page.index("</header>")]
    said = re.findall(r"<(?:h1|p|li)[^>]*>(.*?)(?:<br>.*?)?</(?:h1|p|li)>", header)
    listed = page[page.index('id="assumptions"') : page.index('id="repeat"')]
    said += re.findall(r"<li>(.*?)</li>", listed)
    repeated = re.search(r"<p>(The same command .*?) Beside", page[page.index('id="repeat"') :])
    assert repeated is not None
    texts = [html.unescape(text) for text in (*said, repeated[1]) if text]
    assumptions = wse_emulator.run("gpt2", wafer="wse2:4x4").assumptions
    assert set(assumptions) <= set(texts)
    for text in texts:
        if text not in (*assumptions, "What would make room, most first:"):
            read_paragraph(text, heard)
    assert len(texts) == len(set(texts))
    assert ("#zoom" in page) == bool(document.get("steps"))


def _page(name: str, folder: Path) -> tuple[tuple[str, ...], str, dict[str, object]]:
    """What is asked, the page of its answer, and the JSON of it."""
    model = f"{folder}/{'params.yaml' if name == 'streamed samples' else 'model.json'}"
    if name in ("timed", "no room"):
        spec = parse_wafer(SMALL[1], TIGHT[1:] if name == "no room" else ())
        run = answer_run(Given(model=model, wafer=spec), levers=True)
        words = ("run", model, *SMALL, *(TIGHT if name == "no room" else ()))
        return words, html_report(run, {}).decode(), json.loads(json.dumps(run_document(run)))
    mode = "weight-streaming" if name == "streamed samples" else "pipelined"
    report = wse_emulator.fit(model, wafer=SMALL[1], mode=mode)
    words = ("fit", model, *SMALL, "--mode", mode)
    return words, html_report(result_of_fit(report), {}).decode(), report.document()
