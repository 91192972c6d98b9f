"""Every sentence on the screen is one that a function words, and is true.

Random questions are put to the commands; what they print is read sentence by sentence and held to
the JSON of the same command (see ``reader.py``). Levers are typed again and do what they promise.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

import wse_emulator
from tests.sentences import other_readers, readers  # noqa: F401 - they register
from tests.sentences.asked import at_the_edge, question, shapes
from tests.sentences.heard import Heard, cells, hear
from tests.sentences.reader import READERS, FalseSentenceError, read_paragraph
from wse_emulator.results.sentences import SENTENCE_MAKERS

MADE_OF_OTHERS: Final = {
    "advice": "lever_words",
    "change_in_words": "step_change",
    "memory_words": "fit_verdict",
    "solved": "solution_words",
    "timed": "samples_counted",
}
"""Functions that put others' sentences together -> one of those."""

IN_CELLS: Final = {"lever_words", "fit_lever", "lever_change", "change_words"}
"""Parts of sentences and of tables: a lever with what it saves. They are read in place."""

IN_PICTURES: Final = {"no_step", "rate_without_schedule", "repeatable"}
"""Words of pictures and pages, which no command prints."""


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


@pytest.mark.parametrize("seed", range(8))
def test_what_random_questions_are_answered_is_true(seed: int, tmp_path: Path) -> None:
    draw = Random(f"sentences {seed}")
    for _ in range(3):
        ask(draw, tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(8, 72))
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
