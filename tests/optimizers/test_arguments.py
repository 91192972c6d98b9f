"""Wrong inputs: the documented type of error, naming argument and value."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import optimizers
from optimizers.errors import ArgumentError, ParameterError, SparseGradientError
from tests.optimizers.record import OptimizerRecord, Refused
from tests.optimizers.records import RECORDS

REFUSALS = [
    pytest.param(record, refused, id=f"{record.name}-{refused.arguments}")
    for record in RECORDS
    for refused in record.refused
]
EACH = pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)


def matrix() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.ones(2, 2))


@pytest.mark.parametrize(("record", "refused"), REFUSALS)
def test_arguments_outside_their_range(record: OptimizerRecord, refused: Refused) -> None:
    with pytest.raises(ArgumentError) as caught:
        record.optimizer([matrix()], **refused.arguments)
    assert f"{record.name}: {refused.message}" in str(caught.value)


@pytest.mark.parametrize(("record", "refused"), REFUSALS)
def test_the_same_in_a_group(record: OptimizerRecord, refused: Refused) -> None:
    groups = [{"params": [matrix()]}, {"params": [matrix()], **refused.arguments}]
    with pytest.raises(ArgumentError, match=f"{record.name}, group 1: "):
        record.optimizer(groups, **record.accepted[0])


@EACH
def test_every_accepted_set_of_arguments_builds(record: OptimizerRecord) -> None:
    for arguments in record.accepted:
        optimizer = record.optimizer([matrix()], **arguments)
        assert arguments.items() <= optimizer.param_groups[0].items()


@EACH
@pytest.mark.parametrize(
    ("rate", "rule"),
    [
        ("0.1", "a number"),
        (None, "a number"),
        (True, "a number"),
        (float("inf"), "finite"),
        (torch.tensor([0.1]), "0-dim floating tensor"),
        (torch.tensor(1), "0-dim floating tensor"),
        (torch.tensor(-0.5), "at least 0"),
        (torch.tensor(float("nan")), "finite"),
    ],
)
def test_rates(record: OptimizerRecord, rate: Any, rule: str) -> None:
    with pytest.raises(ArgumentError, match=rule) as caught:
        record.optimizer([matrix()], lr=rate)
    assert caught.value.argument == "lr"


@EACH
def test_parameters(record: OptimizerRecord) -> None:
    arguments = record.accepted[0]
    with pytest.raises(ValueError, match="empty parameter list"):
        record.optimizer([], **arguments)
    with pytest.raises(TypeError, match="iterable of Tensors"):
        record.optimizer(matrix(), **arguments)
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        record.optimizer([1.0], **arguments)
    p = matrix()
    with pytest.raises(ParameterError, match=r"params\[2\] is the same parameter as params\[0\]"):
        record.optimizer([p, matrix(), p], **arguments)
    with pytest.raises(ValueError, match="more than one parameter group"):
        record.optimizer([{"params": [p]}, {"params": [p]}], **arguments)
    with pytest.raises(ParameterError, match=r"params\[1\] is on meta, the first .* is on cpu"):
        record.optimizer([p, torch.nn.Parameter(torch.ones(2, 2, device="meta"))], **arguments)
    for dtype in (torch.int64, torch.complex64):
        odd = torch.nn.Parameter(torch.ones(2, 2, dtype=dtype), requires_grad=False)
        with pytest.raises(ParameterError, match=rf"params\[0\] is {dtype}"):
            record.optimizer([odd], **arguments)
    with pytest.raises(ValueError, match="non-leaf"):
        record.optimizer([matrix() * 2], **arguments)


@EACH
def test_sparse_gradients(record: OptimizerRecord) -> None:
    p = matrix()
    optimizer = record.optimizer([p], **record.accepted[0])
    p.grad = torch.ones(2, 2).to_sparse()
    with pytest.raises(SparseGradientError, match=f"{record.name} does not support sparse"):
        optimizer.step()


def test_a_group_that_is_no_dict() -> None:
    optimizer = optimizers.SGD([matrix()], lr=0.1)
    with pytest.raises(TypeError, match="SGD: a parameter group must be a dict"):
        optimizer.add_param_group([matrix()])  # type: ignore[arg-type]  # the mistake under test


def test_muon_refuses_vectors_and_says_who_takes_them() -> None:
    with pytest.raises(ParameterError, match=r"params\[1\] has shape \(4,\).*AdamW"):
        optimizers.Muon([matrix(), torch.nn.Parameter(torch.ones(4))])


@EACH
def test_a_parameter_without_gradient_is_left_out(record: OptimizerRecord) -> None:
    p, q = matrix(), matrix()
    optimizer = record.optimizer([p, q], **record.accepted[0])
    before = {name: t.clone() for name, t in optimizer.state[q].items()}
    p.grad = torch.ones(2, 2)
    optimizer.step()
    assert torch.equal(q, torch.ones(2, 2))
    assert all(torch.equal(optimizer.state[q][name], t) for name, t in before.items())
