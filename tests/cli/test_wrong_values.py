"""Every argument and option of every command with a value that is wrong: one plain line, exit 2.

The list is click's own, so that a new command or option is covered without being named here.
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.command import Answer, wse
from tests.results.factory import tiny
from wse_emulator.cli.main import COMMANDS, cli
from wse_emulator.questions.scenarios import scenario_names
from wse_emulator.results.files import write_run

SHAPES = "shapes.json"
WRONG = f"{SHAPES}/x"
"""No name of anything, no number, no setting, and no file can be there: shapes.json is a file."""
SMALL = (SHAPES, "--wafer", "wse2:4x4")
VALID: dict[str, tuple[str, ...]] = {
    "run": SMALL,
    "fit": (*SMALL, "--no-levers"),
    "check": ("factory.py:adamw",),
    "schedule": ("config.yaml",),
    "explain": SMALL,
    "preflight": SMALL,
    "plot": ("report", "--view", "time"),
    "compare": ("report", "report"),
    "collective": ("reduce", "--pes", "8", "--wavelets", "4"),
    "validate": (),
    "scenario": ("small_mlp_trains",),
    "scenarios": (),
    "wafers": (),
    "models": (),
}
"""Command -> arguments with which it answers 0; a later command has them in its own test file."""
FACTORY = """
import torch
import optimizers

def adamw():
    return optimizers.AdamW([torch.nn.Parameter(torch.zeros(3))])
"""
CONFIG = """
optimizer:
  optimizer_type: AdamW
  learning_rate: 0.001
runconfig:
  max_steps: 10
"""


def valid_line(command: str) -> tuple[str, ...]:
    """Arguments with which a command answers 0: ``VALID``, or VALID_LINE of its test file."""
    if command in VALID:
        return VALID[command]
    tree = ast.parse((Path(__file__).parent / f"test_{command}.py").read_text(encoding="utf-8"))
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    line: tuple[str, ...] = ast.literal_eval(values["VALID_LINE"])
    return line


def parameters() -> Iterator[tuple[str, click.Parameter]]:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            yield name, parameter


def label(case: tuple[str, click.Parameter]) -> str:
    command, parameter = case
    return f"{command} {parameter.opts[-1]}"


OF_A_VALUE = [case for case in parameters() if not getattr(case[1], "is_flag", False)]
FLAGS = [case for case in parameters() if getattr(case[1], "is_flag", False)]
NUMBERS = [
    case for case in OF_A_VALUE if case[1].type.name in ("integer", "float", "integer range")
]


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which all of ``VALID`` are valid."""
    monkeypatch.chdir(tmp_path)
    Path(SHAPES).write_text(json.dumps([["a.w", [8, 4], "float32"], ["a.b", [4], "float32"]]))
    Path("factory.py").write_text(FACTORY)
    Path("config.yaml").write_text(CONFIG)
    write_run(tiny(), tmp_path / "report")


def typed(command: str, parameter: click.Parameter, value: str) -> Answer:
    """The answer of a valid command line with one value put in place."""
    words = list(valid_line(command))
    if isinstance(parameter, click.Option):
        words.append(f"{parameter.opts[-1]}={value}")
    else:
        own = [p for name, p in OF_A_VALUE if name == command and isinstance(p, click.Argument)]
        place = own.index(parameter)
        words[place : place + 1] = [value]
    return wse(command, *words)


def check_refused(answer: Answer) -> str:
    """See that the answer is exit code 2 and one line, or the page of preflight; return it."""
    assert answer.code == 2, answer
    if answer.output:
        assert "Do not queue: something is missing or cannot be used." in answer.output
        assert answer.error == ""
        return answer.output
    assert answer.error.startswith("wse: ")
    assert answer.error.count("\n") == 1
    return answer.error


def test_every_command_has_a_line_that_is_valid() -> None:
    assert VALID.keys() <= COMMANDS.keys()
    for command in COMMANDS:
        assert isinstance(valid_line(command), tuple)


@pytest.mark.parametrize("command", ["check", "schedule", "preflight", "plot", "compare", "wafers"])
def test_the_lines_are_valid(command: str) -> None:
    answer = wse(command, *VALID[command])
    assert answer.code == 0, answer.error


@pytest.mark.parametrize("case", OF_A_VALUE, ids=label)
def test_a_value_of_the_wrong_kind_is_one_line_that_names_it(
    case: tuple[str, click.Parameter],
) -> None:
    command, parameter = case
    said = check_refused(typed(command, parameter, WRONG))
    name = parameter.opts[-1]
    assert "shapes.json" in said or name in said or name.strip("-") in said


@pytest.mark.parametrize("case", OF_A_VALUE, ids=label)
def test_an_empty_value_is_one_line(case: tuple[str, click.Parameter]) -> None:
    """What a shell makes of a variable that is not set; as a path it would be the folder here."""
    assert "give" in check_refused(typed(*case, ""))


@pytest.mark.parametrize("case", FLAGS, ids=label)
def test_a_flag_takes_no_value(case: tuple[str, click.Parameter]) -> None:
    command, parameter = case
    answer = wse(command, *valid_line(command), f"{parameter.opts[0]}=1")
    assert parameter.opts[0] in check_refused(answer)


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "9" * 30])
@pytest.mark.parametrize("case", NUMBERS, ids=label)
def test_a_number_beyond_all_bounds_gives_no_traceback_and_no_nan(
    case: tuple[str, click.Parameter], value: str
) -> None:
    answer = typed(*case, value)
    assert answer.code in (0, 2)
    assert "nan" not in answer.output.split()
    if answer.code == 2:
        check_refused(answer)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_an_option_without_its_value_and_one_that_is_not_there(command: str) -> None:
    for word in ("--no-such-option", "--json"):
        answer = wse(command, *valid_line(command), word)
        assert word in check_refused(answer)


@pytest.mark.parametrize("name", scenario_names())
def test_an_option_of_a_scenario_with_a_wrong_value_is_one_line(name: str) -> None:
    main = importlib.import_module(f"scenarios.{name}").main
    assert isinstance(main, click.Command)
    for parameter in main.params:
        flag = isinstance(parameter, click.Option) and parameter.is_flag
        answer = wse("scenario", name, f"{parameter.opts[-1]}={'1' if flag else WRONG}")
        said = check_refused(answer)
        assert parameter.opts[-1] in said or "shapes.json" in said


@pytest.mark.parametrize("command", ["run", "fit", "preflight", "explain", "plot", "compare"])
def test_a_name_too_long_for_any_file_is_one_line(command: str) -> None:
    check_refused(wse(command, *("x" * 5_000 for _ in range(1 + (command == "compare")))))


def test_bytes_that_are_no_text_are_refused_before_anything_is_done() -> None:
    answer = wse("run", *SMALL, "--out", "caf\udce9")
    assert "not text in UTF-8" in check_refused(answer)
    assert sorted(p.name for p in Path().iterdir()) == [
        "config.yaml",
        "factory.py",
        "report",
        SHAPES,
    ]
