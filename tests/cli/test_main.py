"""The command line as a whole: its commands, its help, its exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

import wse_emulator
from tests.cli.command import wse
from wse_emulator.cli.main import COMMANDS


def test_help_lists_every_command() -> None:
    answer = wse("--help")
    assert answer.code == 0
    for name, what in COMMANDS.items():
        assert name in answer.output
        assert what in " ".join(answer.output.split())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_has_help_with_an_example(name: str) -> None:
    answer = wse(name, "--help")
    assert answer.code == 0, answer.error
    assert f"wse {name}" in answer.output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_each_command_fits_80_columns(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = wse(name, "--help").output.splitlines()
    assert max(map(len, lines)) <= 80


def test_an_unknown_command_is_one_plain_line() -> None:
    answer = wse("runn")
    assert answer.code == 2
    assert "runn" in answer.error
    assert len(answer.error.strip().splitlines()) == 1


def test_python_dash_m_is_the_same_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "wse_emulator", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("wse")


def test_importing_the_package_imports_no_library() -> None:
    code = "import sys, wse_emulator; print('torch' in sys.modules, 'simpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", wse_emulator.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(wse_emulator, name) is not None


def test_the_face_of_the_reference_api_resolves() -> None:
    from wse_emulator import optim

    assert optim.AdamW.__module__.startswith("optimizers")
    assert optim.lr_scheduler.CosineDecayLR.__module__.startswith("schedulers")
    assert callable(optim.configure_lr_scheduler)


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "run --help",
        "wafers",
        "models",
        "run gpt2-xll",
        "fit gpt2-xll",
        "preflight nowhere.yaml",
        "explain gpt2-xll",
        "run gpt2 --wafer wse9",
        "rum",
    ],
)
def test_help_and_a_misspelt_name_are_answered_without_torch(line: str) -> None:
    code = (
        "import sys; from wse_emulator.cli.main import main\n"
        f"sys.argv = ['wse', *{line.split()!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
