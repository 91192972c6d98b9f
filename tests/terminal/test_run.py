"""What ``wse run`` prints fits a terminal of 80 columns, whatever the numbers."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from tests.results.factory import tiny
from wse_emulator.results.run import OpFacts
from wse_emulator.terminal.run import run_tables


def printed(largest: int, kinds: int = 20) -> str:
    ops = tuple(
        OpFacts(
            name="linalg_vector_norm",
            phase="schedule",
            count=130_014,
            pe_cycles=largest >> (3 * number),
            counted_pe_cycles=(largest >> (3 * number)) // 2_000_000,
            unsourced_pe_cycles=(largest >> (3 * number)) // 3_000_000,
        )
        for number in range(kinds)
    )
    console = Console(file=io.StringIO(), width=80)
    for table in run_tables(dataclasses.replace(tiny(), ops=ops)):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("largest", "text"),
    [
        (307_779_993_612, "308 G"),
        (12_345_678_901_234_567, "12.3 P"),
        (1_051_019_416, "1.05 G"),
        (934_630_032, "935 M"),
        (9_346_300, "9,346,300"),
    ],
)
def test_no_number_and_no_heading_is_cut_short(largest: int, text: str) -> None:
    shown = printed(largest)
    assert text in shown
    assert "counted" in shown
    assert "ours" in shown
    assert "130,014" in shown
    assert "8 more kinds" in shown
    assert "…" not in shown
