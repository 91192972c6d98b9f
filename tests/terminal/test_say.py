"""Text reaches the terminal unchanged, tables look alike, and an early reader is no error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wse_emulator.terminal.say import say, say_written, show, table


def test_brackets_and_colons_in_a_sentence_stay(capsys: pytest.CaptureFixture[str]) -> None:
    say("state [bold] of :smile: [/x]", "second")
    assert capsys.readouterr().out == "state [bold] of :smile: [/x]\nsecond\n"


def test_tables_have_one_look(capsys: pytest.CaptureFixture[str]) -> None:
    first = table("Sizes", "name", "bytes", caption="All of them.")
    first.add_row("h[0]", "12,345")
    empty = table("Empty", "name")
    second = table("", "bytes", "word", words=("word",))
    second.add_row("7", "seven")
    show(first, empty, second, opening=True)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "Sizes",
        "name   bytes",
        "────────────",
        "h[0]  12,345",
        "",
        "All of them.",
        "",
        "bytes  word",
        "────────────",
        "    7  seven",
    ]


def test_written_files_are_named_after_their_folder(capsys: pytest.CaptureFixture[str]) -> None:
    say_written(Path("report"), [Path("report/run.json"), Path("report/wafer.png")])
    assert capsys.readouterr().out == "\nWrote report: run.json, wafer.png\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """As ``wse wafers | head -0`` runs it."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "wse_emulator", "wafers"],
            check=False,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
