"""``wse check``: exit codes, what is printed and written, and how soon a misspelt name is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Answer, wse
from wse_emulator.cli import progress

SOURCE = '''
"""Factories of a user."""
import sys
import torch
from torch import nn
import optimizers
import schedulers


def net(size=12):
    return nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, size))


def legal():
    model = net()
    optimizer = optimizers.AdamW(model.parameters())
    return model, optimizer, schedulers.ConstantLR(optimizer, 0.1)


def illegal_first():
    model = net()
    return torch.optim.Adam(model[0].parameters()), torch.optim.SGD(model[2].parameters()), model


def illegal_last():
    model = net()
    bad = torch.optim.Adam(model[0].parameters())
    return [torch.optim.SGD(model[2].parameters()), [bad]], model


def legal_pair():
    model = net()
    return optimizers.Adam(model[0].parameters()), optimizers.SGD(model[2].parameters(), lr=0.1)


def two_schedulers():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    constant = torch.optim.lr_scheduler.StepLR(optimizer, 1_000)
    changes = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    return optimizer, changes, constant, model


def two_models():
    a, b = net(), net()
    return torch.optim.Adam([*a.parameters(), *b.parameters()]), a, b


def as_lightning_has_it():
    optimizer = torch.optim.SGD(net().parameters())
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 100)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def frozen():
    return optimizers.SGD(net().requires_grad_(False).parameters(), lr=0.1)


def lazy():
    model = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    return torch.optim.SGD(model.parameters()), model


def lazy_and_ours():
    model = nn.Sequential(nn.LazyLinear(3))
    return optimizers.SGD(model.parameters(), lr=0.1), model


def lazy_after_a_forward():
    model = nn.Sequential(nn.LazyLinear(30), nn.LazyBatchNorm1d())
    model(torch.zeros(2, 40))
    return optimizers.SGD(model.parameters(), lr=0.1), model


class Broken(torch.optim.SGD):
    def step(self, closure=None):
        self.nothing_of_that_name


def broken():
    return Broken(net().parameters())


def raises():
    raise ValueError("no data")


def leaves():
    sys.exit(0)


def number():
    return 3


def a_class():
    return torch.optim.AdamW


def nothing():
    return None


def large():
    model = nn.Linear(100_000, 100_000)
    return optimizers.AdamW(model.parameters()), model


def reads_and_moves():
    model = net().to("cpu").to(torch.float32)
    assert model[0].weight.abs().sum() > 0
    return optimizers.AdamW(model.parameters()), model


def prints():
    print("building")
    return legal()


def unfinished():
    optimizer = torch.optim.SGD(net().parameters())
    optimizer.running = (i for i in range(9))
    return optimizer


class NeedsMore(torch.optim.SGD):
    def __init__(self, params, model, rho):
        super().__init__(params)
'''


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("factories") / "factories_of_check.py"
    path.write_text(SOURCE)
    return path


def judged(source: Path, name: str, *arguments: str) -> Answer:
    return wse("check", f"{source}:{name}", "--steps", "3", *arguments)


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    "name",
    ["legal", "legal_pair", "as_lightning_has_it", "lazy_after_a_forward", "reads_and_moves"],
)
@pytest.mark.parametrize("flags", [(), ("--real",)], ids=["bare", "real"])
def test_a_legal_optimizer(source: Path, name: str, flags: tuple[str, ...]) -> None:
    answer = judged(source, name, *flags)
    assert answer.code == 0, answer.error
    assert answer.output.startswith("Legal: ")


@pytest.mark.parametrize("name", ["illegal_first", "illegal_last", "two_schedulers", "two_models"])
def test_no_optimizer_scheduler_or_model_of_several_is_dropped(source: Path, name: str) -> None:
    answer = judged(source, name)
    assert answer.code == 4
    assert "Not legal: " in answer.output


def test_several_optimizers_in_json(source: Path) -> None:
    document = json.loads(judged(source, "illegal_first", "--json", "-").output)
    assert document["legal"] is False
    assert document["optimizer"] == "torch.optim.adam.Adam, torch.optim.sgd.SGD"
    assert [(part["optimizer"], part["legal"]) for part in document["optimizers"]] == [
        ("torch.optim.adam.Adam", False),
        ("torch.optim.sgd.SGD", True),
    ]
    assert document["violations"] == document["optimizers"][0]["violations"]


def test_names_come_from_all_models(source: Path) -> None:
    document = json.loads(judged(source, "two_models", "--json", "-").output)
    assert document["violations"][0]["parameter"] == "models[0].0.weight"
    assert "7 more parameters" in document["violations"][0]["message"]


def test_the_json_of_one_optimizer_has_the_keys_that_it_had(source: Path) -> None:
    document = json.loads(judged(source, "legal", "--json", "-").output)
    assert list(document) == ["schema", "optimizer", "steps", "legal", "violations", "request"]
    assert document["request"] == {
        "optimizer": f"{source}:legal",
        "steps": 3,
        "objects": [],
    }


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lazy", "parameter 0.weight has no size before the first forward pass"),
        ("lazy_and_ours", "params[0] has no size"),
        ("broken", "could not be judged: Broken.step() raises AttributeError"),
        ("raises", "raised ValueError: no data"),
        ("leaves", "raised SystemExit: 0"),
        ("number", "returned int, which is neither an optimizer"),
        ("a_class", "returned the class AdamW"),
        ("nothing", "returned NoneType"),
        ("NeedsMore", "asks for model and rho; give a function"),
        ("net", "returned Sequential"),
        ("legall", "has no 'legall' (did you mean legal"),
    ],
)
def test_what_cannot_be_judged_is_one_line_and_exit_code_2(
    source: Path, name: str, says: str
) -> None:
    answer = judged(source, name)
    assert answer.code == 2
    assert says in answer.error
    assert answer.error.count("\n") == 1
    assert answer.output == ""


def test_a_step_without_ops_is_said_to_be_one(source: Path) -> None:
    answer = judged(source, "frozen")
    assert answer.code == 0
    assert answer.output.startswith("Nothing to judge: ")
    assert "All 4 parameters of optimizers.sgd.SGD are frozen" in words(answer.output)


def test_a_model_larger_than_memory_is_built_without_values(source: Path) -> None:
    assert judged(source, "large").code == 0


def test_what_cannot_be_copied_is_stepped_itself_since_nobody_else_has_it(source: Path) -> None:
    assert judged(source, "unfinished").code == 0


def test_what_a_factory_prints_stays_out_of_the_answer(source: Path) -> None:
    answer = judged(source, "prints")
    assert answer.code == 0
    assert "building" not in answer.output
    assert "building" in answer.error


@pytest.mark.parametrize(
    ("name", "code"), [("optimizers:SGD", 0), ("optimizers:Muon", 0), ("torch.optim:AdamW", 4)]
)
def test_a_class_is_judged_on_a_small_model(name: str, code: int) -> None:
    answer = wse("check", name, "--steps", "2")
    assert answer.code == code, answer.error
    assert f"{name} is a class; it was built on a small model" in words(answer.output)


def test_progress_is_told_on_standard_error(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.0)
    answer = judged(source, "legal")
    assert "building the optimizer" in answer.error
    assert "step 3 of 3" in answer.error
    assert judged(source, "legal", "--quiet").error == ""


def test_preflight_judges_every_optimizer_of_a_factory(source: Path, tmp_path: Path) -> None:
    shapes = tmp_path / "shapes.json"
    shapes.write_text(json.dumps([["a.w", [31, 17], "float32"]]))
    asked = ("preflight", str(shapes), "--wafer", "wse2:6x4", "--check")
    assert wse(*asked, f"{source}:legal_pair").code == 0
    answer = wse(*asked, f"{source}:illegal_first")
    assert answer.code == 4
    assert "optimizers.Adam" in answer.output
    answer = wse(*asked, f"{source}:broken")
    assert answer.code == 2
    assert "Broken.step() raises AttributeError" in words(answer.output)
    assert "step time" in answer.output


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nosuch.py:f", "there is no file nosuch.py"),
        ("nosuchmodule:f", "No module named 'nosuchmodule'"),
        ("torch.optimm:AdamW", "No module named 'torch.optimm'"),
        ("optimizers:AdamWW", "has no 'AdamWW' (did you mean AdamW"),
        ("torch.optim:AdamWW", "has no 'AdamWW' (did you mean AdamW"),
        ("nothing", "is not of the form module:factory"),
    ],
)
def test_a_misspelt_name_is_answered_without_torch(name: str, says: str) -> None:
    code = (
        "import sys; from wse_emulator.cli.main import exit_code_of\n"
        f"assert exit_code_of(['check', {name!r}]) == 2\n"
        "print(sorted(m for m in ('torch', 'optimizers', 'numpy') if m in sys.modules))\n"
        "print(len(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert says in done.stderr
    loaded, count = done.stdout.splitlines()
    assert loaded == "[]"
    assert int(count) < 450
