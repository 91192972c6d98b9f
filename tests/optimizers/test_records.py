"""The records say what is: complete, and equal to what the classes do."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
import torch

import optimizers
from optimizers.rule import UpdateRule
from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS, record
from tests.optimizers.tables import (
    PAGE,
    page_with_tables,
    state_bytes,
    state_bytes_per_parameter,
)
from tests.optimizers.tracing import operations_of_step

REFERENCE = Path(__file__).parents[1] / "data" / "optimizer_signatures.json"
EACH = pytest.mark.parametrize("entry", RECORDS, ids=lambda r: r.name)


def test_every_rule_of_the_package_has_a_record() -> None:
    exported = [getattr(optimizers, name) for name in optimizers.__all__]
    rules = {
        cls.__name__
        for cls in exported
        if inspect.isclass(cls) and issubclass(cls, UpdateRule) and cls is not optimizers.AdamBase
    }
    assert {entry.name for entry in RECORDS} == rules
    reference = json.loads(REFERENCE.read_text())["signatures"].keys()
    assert {entry.name for entry in RECORDS if entry.addition} == rules - reference >= {"Lion"}


@EACH
def test_collectives_are_those_of_the_captured_step(entry: OptimizerRecord) -> None:
    p = torch.nn.Parameter(torch.ones(6, 4))
    p.grad = torch.ones(6, 4)
    arguments = entry.accepted[0]
    graph = operations_of_step(entry.optimizer([p], **arguments))
    reductions = [op for op in graph if op[0].split(".")[1] in ("linalg_vector_norm", "mean")]
    whole = [op for op in reductions if any(a and a[0] in ((6, 4), (4, 6)) for a in op[1:])]
    products = [op for op in graph if op[0].split(".")[1] in ("mm", "bmm", "addmm")]
    announced = [c.kind for c in entry.collectives]
    assert len(whole) == sum("reduce" in kind for kind in announced)
    assert bool(products) == ("matmul" in announced)


def test_bytes_of_state() -> None:
    expected = {"SGD": 0, "Lion": 4, "AdamW": 8, "ASGD": 4, "RMSprop": 4, "Rprop": 8, "Muon": 4}
    for name, size in expected.items():
        assert state_bytes_per_parameter(record(name)) == pytest.approx(size, abs=1e-5)
    assert state_bytes_per_parameter(record("Adafactor")) < 0.01
    assert state_bytes_per_parameter(record("AdamW"), torch.bfloat16) == pytest.approx(4, abs=1e-5)
    # GPT-2's embedding: two moments and two powers of 4 bytes.
    assert state_bytes(optimizers.AdamW, [(50257, 768)]) == 2 * 4 * 50257 * 768 + 8
    assert state_bytes(optimizers.AdamW, [(3,)], amsgrad=True) == 3 * 4 * 3 + 8
    assert state_bytes(optimizers.SGD, [(3,)], lr=0.1) == 0


@EACH
def test_docstrings_hold_formula_states_and_source(entry: OptimizerRecord) -> None:
    text = inspect.getdoc(entry.optimizer) or ""
    for part in ("::", "Args:", "Raises:", "Source:", "torch"):
        assert part in text, part
    if "AdamBase" not in text:
        p = torch.nn.Parameter(torch.ones(2, 2))
        q = torch.nn.Parameter(torch.ones(2))
        for arguments in entry.accepted:
            params = [p] if entry.least_dims else [p, q]
            optimizer = entry.optimizer(params, **arguments)
            names = {name for state in optimizer.state.values() for name in state}
            assert all(name in text for name in names)
    for argument in inspect.signature(entry.optimizer).parameters:
        assert f"{argument}:" in text, argument


def test_the_documentation_page_has_the_tables_of_the_records() -> None:
    page = PAGE.read_text()
    assert page_with_tables(page) == page, "run: make docs"
