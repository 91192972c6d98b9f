"""Forty runs keep their digests: a digest holds every cycle, link and byte of a step's timing.

A digest that changes on purpose is explained in CHANGELOG.md. New values come from

    python tests/questions/test_digests.py
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

import wse_emulator

DATA = Path(__file__).parents[1] / "data" / "digests"
WAFER = "wse2:8x6"
SCHEDULE = "linear:0:1e-3:10,constant:1e-3"


@dataclass(frozen=True)
class Case:
    """One run; every optimizer on both engines, and what is added to a step on some of them."""

    optimizer: str
    engine: str
    max_grad_norm: float | None = None
    loss_scaling: bool = False
    lr_schedule: str | None = None

    @property
    def name(self) -> str:
        added = "-clipped" * (self.max_grad_norm is not None) + "-scaled" * self.loss_scaling
        return f"{self.optimizer}{added}-{self.engine}"


def cases() -> list[Case]:
    """15 optimizers, 3 clipped and 2 scaled steps, each on both engines."""
    plain = [
        "SGD",
        "Adam",
        "AdamW",
        "Adamax",
        "NAdam",
        "RAdam",
        "Adadelta",
        "Adafactor",
        "Adagrad",
        "ASGD",
        "Lamb",
        "Lion",
        "Muon",
        "RMSprop",
        "Rprop",
    ]
    made = []
    for engine in ("array", "pe"):
        made += [Case(name, engine, lr_schedule=SCHEDULE) for name in plain]
        made += [Case(name, engine, 1.0, lr_schedule=SCHEDULE) for name in ("SGD", "AdamW", "Lamb")]
        made += [
            Case(name, engine, loss_scaling=True, lr_schedule=SCHEDULE)
            for name in ("AdamW", "Adafactor")
        ]
    return made


def digest_of(case: Case) -> str:
    """The digest of the emulated step."""
    return wse_emulator.run(str(DATA / "model.json"), wafer=WAFER, **asdict(case)).digest


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_run_keeps_its_digest(case: Case) -> None:
    known = json.loads((DATA / "digests.json").read_text())
    assert digest_of(case) == known[case.name]


def test_both_engines_have_one_digest() -> None:
    known = json.loads((DATA / "digests.json").read_text())
    assert len(known) == 40
    for name, value in known.items():
        assert known[name.replace("-pe", "-array")] == value


if __name__ == "__main__":
    values = {case.name: digest_of(case) for case in cases()}
    (DATA / "digests.json").write_text(json.dumps(values, indent=1) + "\n")
