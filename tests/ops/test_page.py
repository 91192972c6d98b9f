"""docs/ops.md is what the records of ops and torch's tables say."""

from __future__ import annotations

import re

from tests.ops.tables import PAGE, has_record, page, record_table, torch_version, written_as


def test_the_page_is_the_one_that_is_generated() -> None:
    text = PAGE.read_text(encoding="utf-8")
    made = re.search(r"by torch ([\d.]+)", text)
    assert made is not None
    if made[1] == torch_version():
        assert text == page(text), "write it again with: make docs"
    else:  # the tables of another torch are others; the records are not
        assert record_table() in text


def test_what_torch_writes_as_others() -> None:
    for name in ("std", "var", "_softmax", "_log_softmax", "silu", "gelu", "softplus", "relu"):
        assert written_as(name), name
    for name in ("cumsum", "erf", "roll", "add"):
        assert has_record(name)
        assert written_as(name) is None
    for name in ("sort", "flip", "nonzero", "rand"):
        assert not has_record(name)
        assert written_as(name) is None
