"""The table of CONTRIBUTING.md is true: a toy of each kind works with the files it names alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = {
    what: re.findall(r"`([\w./]+)`", files)
    for what, files in re.findall(r"^\| an? (.+?) \| (.+?) \|", PAGE, re.MULTILINE)
}
MOST = {"optimizer": 3, "op": 1, "wafer": 2, "picture": 2, "command": 5, "model family": 2}

CLASS = '''
"""Toy: half a step of plain descent."""

from __future__ import annotations

import torch

from optimizers.rule import UpdateRule, descend_


class Toy(UpdateRule):
    """Plain descent by half the rate."""

    def __init__(self, params, lr=0.5):
        super().__init__(params, {"lr": lr})

    def state_layout(self, p, group):
        return {}

    def state_names_to_sparsify(self):
        return []

    def update(self, p, grad, state, group):
        descend_(p, grad.mul(0.5).add(torch.erfinv(torch.zeros_like(p))), group["lr"])
'''

OP = """

@op("erfinv", cost="one add")
def _erfinv(kernel: Kernel, call: Call) -> Operand:
    return kernel.emit("add", call.operand("self"), dtype=call.dtype)
"""

RECORD = '''
"""Toy: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from optimizers import Toy
from tests.optimizers.record import OptimizerRecord


def toy(p, gradients, lr=0.5):
    for g in gradients:
        p = p - 0.5 * lr * g
        yield p


RECORDS = (OptimizerRecord(optimizer=Toy, formula=toy, accepted=({},), refused=(), addition=True),)
'''

WAFER = '''
"""A toy wafer."""

from __future__ import annotations

from wse_emulator.wafer.registry import register
from wse_emulator.wafer.spec import WaferSpec

register(WaferSpec(name="toy", rows=6, cols=5, clock_hz=1_000_000))
'''

PICTURE = '''
"""A toy picture."""

from __future__ import annotations

from wse_emulator.views.page import empty_page
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import LIGHT
from wse_emulator.views.table import Table


@view("toy", question="How many cycles?", place=1000)
def figure_toy(result, style=LIGHT):
    return empty_page(style, question="How many cycles?", answer=str(result.steps[0].cycles))


@data_of("toy")
def toy_table(result):
    return Table(("cycles",), ((result.steps[0].cycles,),))
'''

COMMAND = {
    "questions": '''
"""How many PEs a toy has."""

from wse_emulator.results.toy import Toy
from wse_emulator.wafer import parse_wafer


def toy(wafer):
    return Toy(parse_wafer(wafer).pes)
''',
    "results": '''
"""The answer of wse toy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Toy:
    pes: int
''',
    "terminal": '''
"""What wse toy prints."""


def words(toy):
    return f"The toy has {toy.pes} PEs."
''',
    "cli": '''
"""``wse toy``: count the PEs of a toy."""

import click

from wse_emulator.questions import toy as questions
from wse_emulator.terminal.toy import words


@click.command()
@click.argument("wafer")
def toy(wafer):
    """Count the PEs of a toy, as wse toy toy does."""
    click.echo(words(questions.toy(wafer)))
''',
}

FAMILY = '''
"""A toy model: one linear layer."""

import torch
from torch import nn

from wse_emulator.models.family import Example, Family
from wse_emulator.models.registry import config_size, published


class ToyModel(Family):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        return self.layer(x).square().mean()

    def example(self, batch, sequence, target):
        return Example((torch.zeros(batch, self.layer.in_features, device="meta"),))


@published("ToyModel")
def toy(config):
    return ToyModel(config_size(config, "width"))
'''

USE = """
import sys

from optimizers import Toy
from tests.optimizers.records import record
from wse_emulator import fit, run
from wse_emulator.cli.main import exit_code_of as wse
from wse_emulator.views.catalog import QUESTIONS, VIEWS
from wse_emulator.wafer import PRESETS

result = run("toy", optimizer="Toy", wafer="toy")
assert result.steps[0].cycles > 0
assert (result.optimizer.name, result.wafer.name) == ("Toy", "toy")
assert fit("toy", optimizer="Toy", wafer="toy", batch_size=2, levers=False).activations_counted
assert PRESETS["toy"].pes == 30
assert list(VIEWS)[-1] == "toy" and QUESTIONS["toy"] == "How many cycles?"
VIEWS["toy"].figure(result)
assert VIEWS["toy"].table(result).rows == ((result.steps[0].cycles,),)
assert list(record("Toy").formula(1.0, [1.0])) == [0.75]
assert Toy.__module__ == "optimizers.toy"
for words in (["--help"], ["wafers"], ["models"], ["plot", "--list"], ["toy", "toy"]):
    assert wse(words) in (0, None), words
"""


def toys() -> dict[str, dict[str, str]]:
    """For each row of the table, the files of a toy and what stands in them."""
    exported = (ROOT / "optimizers" / "__init__.py").read_text(encoding="utf-8")
    ops = (ROOT / "wse_emulator" / "ops" / "elementwise.py").read_text(encoding="utf-8")
    shapes = '[["layer.weight", [8, 8], "float32"], ["layer.bias", [8], "float32"]]'
    model = '"class": "ToyModel", "config": {"width": 8}, "framework": "toys 1.0", "n_params": 72'
    test = "def test_toy(): ...\n"
    return {
        "optimizer": {
            "optimizers/toy.py": CLASS,
            "optimizers/__init__.py": f"{exported}\nfrom optimizers.toy import Toy\n"
            '__all__ += ["Toy"]\n',
            "tests/optimizers/records/toy.py": RECORD,
        },
        "op": {"wse_emulator/ops/elementwise.py": ops + OP},
        "wafer": {
            "wse_emulator/wafer/presets/toy.py": WAFER,
            "tests/wafer/test_toy.py": test,
        },
        "picture": {"wse_emulator/views/toy.py": PICTURE, "tests/views/test_toy.py": test},
        "command": {
            **{f"wse_emulator/{room}/toy.py": text for room, text in COMMAND.items()},
            "tests/cli/test_toy.py": test,
        },
        "model family": {
            "wse_emulator/models/families/toy.py": FAMILY,
            "wse_emulator/models/toy.json": f'{{{model}, "params": {shapes}}}',
        },
    }


def test_the_table_names_no_more_files_than_it_promises() -> None:
    assert ROWS.keys() == MOST.keys()
    assert {what for what, files in ROWS.items() if len(files) > MOST[what]} == set()


@pytest.mark.parametrize("what", MOST)
def test_the_toys_are_made_of_the_files_of_the_table(what: str) -> None:
    documented = {name.replace("NAME", "toy").replace("KIND", "elementwise") for name in ROWS[what]}
    assert toys()[what].keys() == documented


def test_a_toy_of_each_kind_works(tmp_path: Path) -> None:
    kept = shutil.ignore_patterns("__pycache__", "data")
    for folder in ("wse_emulator", "optimizers", "schedulers", "tests/optimizers"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=kept)
    shutil.copy(ROOT / "tests" / "generated_tables.py", tmp_path / "tests")
    for files in toys().values():
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.lstrip(), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for words in ("count the PEs of a toy", "How many cycles?", "The toy has 30 PEs."):
        assert words in ran.stdout


def test_the_hooks_before_a_commit_are_tools_of_the_environment() -> None:
    """Nothing is cloned: every hook is a local one and runs what ``make`` installed."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")
