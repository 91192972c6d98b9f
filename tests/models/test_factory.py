"""``module:factory``: built on meta, and its mistakes in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wse_emulator.errors import FactoryError, MalformedFileError
from wse_emulator.models.load import load_model

SOURCE = """
import torch
from torch import nn

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight
        self.scale = nn.Parameter(torch.ones(()), requires_grad=False)

def tied():
    return Tied()

def huge():
    return nn.Linear(10**6, 10**6)

def number():
    return 3

def empty():
    return nn.ReLU()

def raises():
    raise RuntimeError("no weights\\nhere")

def leaves():
    raise SystemExit(7)

def stops():
    raise GeneratorExit

def prints():
    print("building")
    return nn.Linear(2, 2)

print("importing")

VALUE = 1
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "my_models.py"
    path.write_text(SOURCE)
    return path


def test_tied_parameters_count_once_and_frozen_ones_are_marked(source: Path):
    model = load_model(f"{source}:tied")
    assert [p.name for p in model.parameters] == ["scale", "embed.weight"]
    assert [p.requires_grad for p in model.parameters] == [False, True]
    assert model.tied == (("head.weight", "embed.weight"),)
    assert model.total_elements == 41


def test_a_model_larger_than_any_memory_is_only_described(source: Path):
    assert load_model(f"{source}:huge").total_elements == 10**12 + 10**6


def test_a_module_of_the_current_folder_is_found(source: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(source.parent)
    monkeypatch.syspath_prepend(str(source.parent))
    assert load_model("my_models:tied").total_elements == 41


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("number", "returned int"),
        ("raises", "raised RuntimeError"),
        ("leaves", "raised SystemExit"),
        ("stops", "raised GeneratorExit"),
        ("VALUE", "is a int, not a function"),
        ("nothing", "has no 'nothing'"),
        ("", "form"),
    ],
)
def test_what_a_factory_can_do_wrong(source: Path, name: str, message: str):
    with pytest.raises(FactoryError, match=message):
        load_model(f"{source}:{name}")


def test_what_a_factory_prints_stays_out_of_the_answer(
    source: Path, capsys: pytest.CaptureFixture[str]
):
    load_model(f"{source}:prints")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.split() == ["importing", "building"]


def test_a_model_without_parameters(source: Path):
    with pytest.raises(MalformedFileError, match="no parameters"):
        load_model(f"{source}:empty")


def test_a_module_that_does_not_exist():
    with pytest.raises(FactoryError, match="cannot be imported: ModuleNotFoundError"):
        load_model("no_such_module_at_all:factory")
    with pytest.raises(FactoryError, match="there is no file"):
        load_model("nowhere/models.py:factory")
