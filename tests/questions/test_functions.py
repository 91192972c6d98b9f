"""Every command is a function of the package, with the same arguments and the same answer."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import tomllib
import typing
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
import torch

import wse_emulator
from tests.cli.command import wse
from wse_emulator.cli.main import COMMANDS, cli
from wse_emulator.errors import WseError
from wse_emulator.inputs.precision import POLICIES, STORAGE_DTYPES
from wse_emulator.wafer.formats import HALF_FLOATS

ROOT = Path(__file__).parents[2]

FOR_A_TERMINAL = {"json", "quiet", "list", "csv", "routes", "bounds", "records", "help"}
"""Flags about what is printed: a result has ``document``, ``tables`` and sentences."""

WRITES_A_REPORT = {"run": {"out"}, "fit": {"out"}, "schedule": {"plot"}}
"""Flags that write pictures: the results have ``save`` and ``figure``."""

PLURAL = {"option": "options"}
"""A flag that is given once for each value, and the argument that takes all values."""

OF_PYTHON = {"tell", "command"}
"""Arguments that are no question: who is told how far it is, and the command for the file."""

OBJECTS = {"check": {"scheduler", "model"}}
"""Arguments that stand for what a command's factory returns."""


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def function(name: str) -> Callable[..., object]:
    found = getattr(wse_emulator, name)
    # the package wse_emulator.models has the name of a command, and is called like one
    return found if inspect.isfunction(found) else type(found).__call__.__get__(found)


def flags(name: str) -> dict[str, click.Option]:
    """Name of an argument -> the option of the command that is called so."""
    left_out = FOR_A_TERMINAL | WRITES_A_REPORT.get(name, set())
    if "out" not in inspect.signature(function(name)).parameters:
        left_out |= {"force"}  # of a command that writes a file where its function writes none
    found = {}
    for option in command(name).params:
        if isinstance(option, click.Option):
            long = max(option.opts, key=len).removeprefix("--")
            if long not in left_out:
                found[PLURAL.get(long, long.replace("-", "_"))] = option
    return found


def arguments(name: str) -> dict[str, inspect.Parameter]:
    """The arguments of a function that a user names."""
    left_out = OF_PYTHON | OBJECTS.get(name, set())
    return {
        key: parameter
        for key, parameter in inspect.signature(function(name)).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and key not in left_out
    }


def test_every_command_has_its_function() -> None:
    assert set(wse_emulator.COMMANDS) == set(COMMANDS)
    for name in COMMANDS:
        assert callable(function(name)), name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_flags_of_a_command_are_the_arguments_of_its_function(name: str) -> None:
    taken = set(arguments(name)) | {
        key
        for key, parameter in inspect.signature(function(name)).parameters.items()
        if parameter.default is not inspect.Parameter.empty
        and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        and key in flags(name)
    }
    assert taken == set(flags(name))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_flag_and_its_argument_have_one_default(name: str) -> None:
    for key, option in flags(name).items():
        given = inspect.signature(function(name)).parameters[key].default
        if given in (None, (), "", inspect.Parameter.empty):
            continue  # nothing: the question decides
        default = option.get_default(click.Context(command(name)))
        assert default == given, f"{name} --{key}"


def offered(hint: object) -> set[str]:
    """The values that a type spells out."""
    if typing.get_origin(hint) is typing.Literal:
        return set(map(str, typing.get_args(hint)))
    return set().union(*(offered(one) for one in typing.get_args(hint)))


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"models"}))
def test_choices_are_literals_that_an_editor_offers(name: str) -> None:
    torch_types = {"Model": torch.nn.Module, "LearningRate": float, "AnyOptimizer": object}
    hints = typing.get_type_hints(inspect.unwrap(function(name)), localns=torch_types)
    for key, option in flags(name).items():
        if isinstance(option.type, click.Choice):
            assert set(option.type.choices) == offered(hints[key]), f"{name} --{key}"


def test_precision_names_are_the_formats_of_the_machine() -> None:
    assert ("float32", *HALF_FLOATS) == STORAGE_DTYPES
    assert ("float32", "mixed", *HALF_FLOATS) == POLICIES


@pytest.mark.parametrize("name", [*sorted(COMMANDS), "attach"])
def test_signatures_can_be_read(name: str) -> None:
    text = str(inspect.signature(function(name)))
    assert len(text) < 1_600
    assert " at 0x" not in text
    assert "WaferSpec(" not in text


SHAPES = [["h.0.w", [40, 50], "float32"], ["h.0.b", [50], "float32"]]


@pytest.mark.parametrize(
    ("name", "typed", "given"),
    [
        (
            "fit",
            "--optimizer lion --lr 1e-3 -o weight_decay=0.1 --wafer wse2:8x6 --set hop_cycles=2 "
            "--precision mixed --state-dtype float32 --mode auto --no-levers",
            {
                "optimizer": "lion",
                "lr": 1e-3,
                "options": {"weight_decay": 0.1},
                "wafer": "wse2:8x6",
                "set": {"hop_cycles": 2},
                "precision": "mixed",
                "state_dtype": "float32",
                "mode": "auto",
                "levers": False,
            },
        ),
        (
            "run",
            "--steps 3 --max-grad-norm 1 --lr-schedule linear:0:1e-3:10 --sparsity 0.5 "
            "--engine pe --wafer wse2:4x4 --loss-scaling --gradient-dtype float16",
            {
                "steps": np.int64(3),
                "max_grad_norm": 1.0,
                "lr_schedule": "linear:0:1e-3:10",
                "sparsity": "0.5",
                "engine": "pe",
                "wafer": "wse2:4x4",
                "loss_scaling": True,
                "gradient_dtype": "float16",
            },
        ),
        (
            "preflight",
            "--steps 50 --lr 1e-4 --wafer wse2:4x4",
            {"steps": 50, "lr": 1e-4, "wafer": "wse2:4x4"},
        ),
        ("explain", "--wafer wse2:4x4 --engine pe", {"wafer": "wse2:4x4", "engine": "pe"}),
    ],
)
def test_a_command_and_its_function_ask_the_same(
    tmp_path: Path, name: str, typed: str, given: dict[str, object]
) -> None:
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps(SHAPES))
    answer = wse(name, str(path), *typed.split(), "--json", "-")
    assert answer.code == 0, answer.error
    document = json.loads(answer.output)
    again = function(name)(path, **given)
    assert isinstance(again, wse_emulator.results.answer.Answer)
    own = json.loads(json.dumps(again.document()))
    assert own["request"] == document["request"]
    differ = {key for key in own if own[key] != document[key]}
    assert differ <= {"command", "wall_seconds", "arrays"}


WRONG: list[dict[str, object]] = [
    {"lr": "abc"},
    {"lr": float("nan")},
    {"lr": True},
    {"optimizer": 5},
    {"optimizer": "Adma"},
    {"wafer": None},
    {"wafer": 3},
    {"wafer": "wse9"},
    {"set": 5},
    {"set": {"hop_cycle": 2}},
    {"set": ["hop_cycles"]},
    {"engine": 3},
    {"engine": "arrays"},
    {"config": 4},
    {"config": "no-such.yaml"},
    {"options": 5},
    {"options": {5: 6}},
    {"options": {"weight_decay": "x"}},
    {"precision": 5},
    {"precision": "float12"},
    {"state_dtype": "float12"},
    {"loss_scaling": "yes"},
    {"max_grad_norm": "1"},
    {"batch_size": 1.5},
    {"batch_size": True},
    {"seq_len": "long"},
    {"target_len": []},
    {"micro_batch": "some"},
    {"recompute": 2.5},
    {"recompute": "half"},
    {"sparsity": "x"},
    {"sparsity": 1.0},
    {"lr_schedule": object()},
    {"lr_schedule": "lin"},
    {"model": None},
    {"model": 5},
    {"model": torch.nn.Linear},
    {"model": b"gpt2"},
    {"model": "gpt3"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: "-".join(map(str, wrong)))
def test_a_wrong_value_is_named(wrong: dict[str, object]) -> None:
    model = torch.nn.Linear(8, 8)
    (key,) = wrong
    for name in ("run", "fit", "explain", "preflight"):
        given = {"model": model, "wafer": "wse2:2x2", **wrong}
        target = given.pop("model")
        if name == "fit" and key == "engine":
            continue
        said = refusal(lambda: function(name)(target, **given))  # noqa: B023 - called at once
        assert said
        assert len(said) < 600


def refusal(ask: Callable[[], object]) -> str:
    """What a function says of a wrong value: its error, or the problem on the page."""
    try:
        page = ask()
    except WseError as error:
        return str(error)
    assert isinstance(page, wse_emulator.Preflight)
    return page.problems[0]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("run", {"steps": 1.5}),
        ("run", {"steps": 0}),
        ("run", {"mode": "pipelinedd"}),
        ("fit", {"mode": []}),
        ("fit", {"solve": "colour"}),
        ("preflight", {"check": "mine:make"}),
    ],
)
def test_a_wrong_value_of_one_function_is_named(name: str, wrong: dict[str, object]) -> None:
    with pytest.raises(WseError):
        function(name)(torch.nn.Linear(8, 8), wafer="wse2:2x2", **wrong)


@pytest.mark.parametrize(
    ("name", "positional", "given"),
    [
        ("collective", ("reduce",), {"pes": 8, "wavelets": 0}),
        ("collective", ("reduce",), {"pes": 8, "wavelets": None}),
        ("collective", ("reduce",), {"pes": 8, "wavelets": "4"}),
        ("collective", ("reduced",), {"pes": 8, "wavelets": 4}),
        ("collective", ("reduce",), {"pes": 8, "rows": 2, "wavelets": 4}),
        ("collective", ("reduce",), {"wavelets": 4}),
        ("collective", ("reduce",), {"pes": 8, "wavelets": 4, "algorithm": "cheap"}),
        ("collective", ("reduce",), {"pes": 8, "wavelets": 4, "root": "middle"}),
        ("collective", ("reduce",), {"pes": 8, "wavelets": 4, "engine": "fast"}),
        ("collective", ("reduce",), {"pes": 10**7, "wavelets": 4}),
        ("schedule", (5,), {}),
        ("schedule", (None,), {}),
        ("schedule", ("no-such.yaml",), {}),
        ("schedule", ("scenarios/run_configs/llama_7b.yaml",), {"steps": 0}),
        ("schedule", ("scenarios/run_configs/llama_7b.yaml",), {"steps": 1.5}),
        ("validate", (5,), {}),
        ("validate", ("no-such.json",), {}),
        ("validate", ([5],), {}),
        ("compare", (5, 6), {}),
        ("compare", ("no-such", "folder"), {}),
        ("plot", (5, "memory"), {}),
        ("plot", ("no-such", "memory"), {}),
        ("plot", ("no-such", "memry"), {}),
        ("plot", ("no-such", "memory"), {"style": "grey"}),
        ("plot", ("no-such", "memory"), {"out": "x.pdf"}),
        ("wafers", (5,), {}),
        ("wafers", (), {"set": {"hop_cycles": 2}}),
        ("scenario", ("no_such",), {}),
        ("scenario", (5,), {}),
    ],
)
def test_a_wrong_value_of_the_other_functions_is_named(
    name: str, positional: tuple[object, ...], given: dict[str, object], monkeypatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(WseError):
        function(name)(*positional, **given)


@pytest.mark.parametrize(
    ("name", "former", "now", "value"),
    [
        ("run", "sequence", "seq_len", 0),
        ("run", "target", "target_len", 0),
        ("fit", "sequence", "seq_len", 0),
        ("fit", "target", "target_len", 0),
        ("fit", "solve_for", "solve", "hours"),
        ("explain", "sequence", "seq_len", 0),
    ],
)
def test_an_argument_is_understood_by_its_former_name(
    name: str, former: str, now: str, value: object
) -> None:
    """Both names lead to the same check of the value, and nobody gives an argument twice."""
    said = []
    for word in (former, now):
        with pytest.raises(WseError) as refused:
            function(name)("gpt2", **{word: value})
        said.append(str(refused.value))
    assert said[0] == said[1]
    with pytest.raises(TypeError, match=f"{now}.*twice.*{former}"):
        function(name)("gpt2", **{former: value, now: value})


def test_a_misspelt_argument_is_told_its_own_name() -> None:
    with pytest.raises(TypeError, match=r"optimiser.*optimizer"):
        function("fit")("gpt2", optimiser="AdamW")


def test_an_explained_result_takes_no_other_arguments() -> None:
    result = wse_emulator.run(torch.nn.Linear(8, 8), wafer="wse2:2x2")
    with pytest.raises(wse_emulator.InputError, match="as it was run"):
        wse_emulator.explain(result, engine="pe")
    assert wse_emulator.explain(result).cycles == result.steps[0].cycles


def test_models_is_a_command_and_a_package() -> None:
    """The built-in models are in a package of the command's name."""
    from wse_emulator.models.catalog import builtin_names

    assert {entry.name for entry in wse_emulator.models()} == set(builtin_names())
    assert json.loads(wse("models", "--json", "-").output)["models"][0]["name"] == (
        wse_emulator.models()[0].name
    )


def test_the_import_is_quick_and_loads_no_torch() -> None:
    code = (
        "import sys, wse_emulator; names = dir(wse_emulator); version = wse_emulator.__version__; "
        "assert not {'torch', 'matplotlib', 'numpy', 'rich', 'click'} & set(sys.modules); "
        "print(version, 'run' in names, 'RunResult' in names)"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert made.returncode == 0, made.stderr
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert made.stdout.split() == [project["project"]["version"], "True", "True"]


def test_the_version_is_known_without_an_installation(monkeypatch) -> None:
    from wse_emulator import version

    monkeypatch.setattr(version, "DISTRIBUTION", "no-such-distribution")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert version.package_version() == project["project"]["version"]
    monkeypatch.setattr(version, "__file__", "/no/such/file.py")
    assert version.package_version() == "unknown"


def test_every_exported_name_is_there() -> None:
    assert sorted(set(wse_emulator.__all__)) == sorted(wse_emulator.__all__)
    assert set(wse_emulator.__all__) <= set(dir(wse_emulator))
    for name in wse_emulator.__all__:
        assert getattr(wse_emulator, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = wse_emulator.no_such_name
