"""How far a command is: from the third second on, on standard error, and not if quiet."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import wse
from tests.clock import HandMovedClock
from tests.results.factory import make_result
from wse_emulator.cli import progress
from wse_emulator.results.files import run_files
from wse_emulator.results.folder import write_files

SHAPES = [["h.0.w", [40, 30], "float32"], ["h.1.w", [40, 30], "float32"]]
CONFIG = """
optimizer:
  optimizer_type: AdamW
  learning_rate:
    - {scheduler: Linear, initial_learning_rate: 0.0, end_learning_rate: 1.0e-3, steps: 20}
runconfig:
  max_steps: 40
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model, a run config and two results."""
    (tmp_path / "model.json").write_text(json.dumps(SHAPES))
    (tmp_path / "config.yaml").write_text(CONFIG)
    for name in ("before", "after"):
        files = run_files(make_result(rows=6, cols=5, layers=2, tensors_per_layer=2))
        write_files(tmp_path / name, files, force=False)
    return tmp_path


SMALL = ("--wafer", "wse2:8x6")
COMMANDS: dict[str, tuple[Callable[[Path], tuple[str, ...]], tuple[str, ...]]] = {
    "run": (
        lambda f: ("run", f"{f}/model.json", *SMALL, "--out", f"{f}/report"),
        ("reading the model", "capturing", "placing", "simulating", "timeline", "report.html"),
    ),
    "fit": (
        lambda f: (
            "fit", f"{f}/model.json", *SMALL, "--all-optimizers", "--out", f"{f}/fit",
        ),
        ("the model as it is", "planning with Lamb", "memory"),
    ),
    "explain": (
        lambda f: ("explain", f"{f}/model.json", *SMALL),
        ("capturing the step", "the step as it is", "everything at once"),
    ),
    "compare": (
        lambda f: ("compare", f"{f}/before", f"{f}/after", "--out", f"{f}/difference"),
        ("before", "after", "comparing", "drawing the difference"),
    ),
    "plot": (
        lambda f: ("plot", f"{f}/before", "--view", "time", "--out", f"{f}/t.png"),
        ("reading", "drawing time"),
    ),
    "validate": (lambda f: ("validate",), ("reduce",)),  # noqa: ARG005  needs no file
    "schedule": (
        lambda f: ("schedule", f"{f}/config.yaml", "--plot", f"{f}/rate.png"),
        ("evaluating", "drawing the curves"),
    ),
    "preflight": (
        lambda f: ("preflight", f"{f}/model.json", *SMALL),
        ("reading the model", "evaluating the schedule", "simulating"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_long_command_tells_its_parts_and_a_quiet_one_none(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "clock", HandMovedClock(ticks=progress.SILENT_SECONDS))
    words, expected = COMMANDS[command]
    answer = wse(*words(folder))
    assert answer.code == 0, answer.error
    for part in expected:
        assert part in answer.error
    lines = answer.error.splitlines()
    assert all(line[0].isdigit() and ": " in line for line in lines), lines
    again = (*words(folder), "--quiet")
    forced = (*again, "--force") if {"--out", "--plot"} & set(again) else again
    quiet = wse(*forced)
    assert (quiet.code, quiet.error) == (0, "")


def test_a_short_command_says_nothing(folder: Path) -> None:
    """The clock of the tests stands still."""
    assert wse("plot", f"{folder}/before", "--view", "time", "--out", f"{folder}/t.svg").error == ""


def test_the_part_that_runs_when_silence_ends_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandMovedClock()
    monkeypatch.setattr(progress, "clock", clock)
    with progress.telling(2) as tell:
        tell("a short one")
        tell("the long one")
        clock.move(progress.SILENT_SECONDS - 0.001)
        assert capsys.readouterr().err == ""
        clock.move(0.001)
        assert capsys.readouterr().err == "2/2: the long one\n"
    clock.move(progress.SILENT_SECONDS)
    assert capsys.readouterr().err == ""


def test_nothing_is_told_after_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandMovedClock()
    monkeypatch.setattr(progress, "clock", clock)
    with progress.telling(1) as tell:
        tell("one")
    clock.move(progress.SILENT_SECONDS)
    assert capsys.readouterr().err == ""


def test_the_wall_clock_calls_once_its_time_has_come() -> None:
    """It calls from a thread of its own, for which this waits as long as it takes."""
    wall, called = progress.WallClock(), threading.Event()
    before = wall.now()
    prevent = wall.after(0.001, called.set)
    called.wait()
    assert wall.now() > before
    prevent()


def test_the_wall_clock_can_be_prevented_from_calling() -> None:
    called: list[bool] = []
    progress.WallClock().after(3600.0, lambda: called.append(True))()
    assert not called


def test_parts_beyond_the_total_are_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "clock", HandMovedClock(ticks=progress.SILENT_SECONDS))
    with progress.telling(1) as tell:
        tell("one")
        tell("two")
    assert capsys.readouterr().err.splitlines()[-1] == "2/2: two"


@pytest.mark.parametrize("command", ["run", "plot"])
def test_ctrl_c_leaves_no_file(command: str, folder: Path) -> None:
    """A real interrupt, sent when the command says that it draws."""
    out = folder / "out"
    out.mkdir()
    words = {
        "run": ("run", f"{folder}/model.json", *SMALL, "--out", str(out)),
        "plot": ("plot", f"{folder}/before", "--view", "replay", "--out", f"{out}/step.gif"),
    }[command]
    start = (  # a shell that runs the tests in the background has its children ignore interrupts
        "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from wse_emulator.cli import progress\nfrom tests.clock import HandMovedClock\n"
        "progress.clock = HandMovedClock(ticks=progress.SILENT_SECONDS)\n"
        "from wse_emulator.cli.main import main\nmain(sys.argv[1:])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start, *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stderr is not None
        drawing = ("timeline", "drawing frame")
        said = next(line for line in process.stderr if any(word in line for word in drawing))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        code = process.wait()
    assert code == 130, said + rest
    assert "Traceback" not in rest
    assert rest.splitlines()[-1] == "wse: interrupted"
    assert list(out.iterdir()) == []
