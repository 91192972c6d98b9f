"""Arrays over the memory of tensors: what they do to a parameter is seen by ``check``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.capture.small import Prepare, Small, Update, grad
from tests.capture.test_cheats import (
    UNSEEN,
    Waiting,
    pool,
    waiting,
    write_in_a_pool,
    write_in_a_waiting_thread,
)
from wse_emulator import check
from wse_emulator.capture.copies import NeedsValuesError, twin
from wse_emulator.errors import NotJudgedError


def plain(s: Small, p: Tensor) -> None:
    p.sub_(s.m(p).mul_(0.9).add_(grad(p)), alpha=0.1)


def arrays_of_its_own(s: Small) -> None:
    table = np.arange(6.0).reshape(2, 3)
    s.mine = {"table": table, "row": table[1], "column": table[:, 1], "none": np.zeros(0)}


def small(update: Update, prepare: Prepare | None) -> Small:
    return Small(nn.Linear(3, 3).parameters(), update, prepare)


@pytest.mark.parametrize(
    ("update", "prepare"),
    [pair for pair in UNSEEN if "numpy" in pair[0].__name__ or "array" in pair[0].__name__],  # type: ignore[attr-defined]
)
def test_writes_through_an_array_are_seen(update: Update, prepare: Prepare) -> None:
    optimizer = small(update, prepare)
    before = [p.detach().clone() for p in optimizer.ps]
    assert "writes-without-an-op" in {v.rule for v in check(optimizer, steps=4).violations}
    assert all(map(torch.equal, before, optimizer.ps))


def test_arrays_of_ones_own_break_no_rule() -> None:
    assert check(small(plain, arrays_of_its_own), steps=4).legal


def test_copies_share_memory_as_the_originals_do() -> None:
    tensor, table = torch.arange(6.0).reshape(2, 3), np.arange(4, dtype="float32")
    given = {
        "row": tensor.numpy()[1],
        "tensor": tensor,
        "table": table,
        "end": torch.from_numpy(table[2:]),
    }
    made = twin(given, values=True).copy
    made["row"][0] = 30.0
    made["table"][3] = 40.0
    assert made["tensor"].tolist() == [[0.0, 1.0, 2.0], [30.0, 4.0, 5.0]]
    assert made["end"].tolist() == [2.0, 40.0]
    assert tensor[1, 0] == 3.0
    assert table[3] == 3.0
    for order in (("row", "tensor"), ("tensor", "row"), ("table", "end"), ("end", "table")):
        with pytest.raises(NeedsValuesError):
            twin({name: given[name] for name in order}, values=False)


def test_threads() -> None:
    pooled = small(write_in_a_pool, pool)
    assert "ops-in-another-thread" in {v.rule for v in check(pooled, steps=3).violations}
    assert isinstance(pooled.mine["pool"], ThreadPoolExecutor)
    waits = small(write_in_a_waiting_thread, waiting)
    assert isinstance(waits.mine["worker"], Waiting)
    with pytest.raises(NotJudgedError, match="a thread that it holds runs"):
        check(waits, steps=3)
