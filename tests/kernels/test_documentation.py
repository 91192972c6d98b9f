"""The figures in docs/kernels.md are those of the machine."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from wse_emulator.questions.validate.operations.vendor import VENDOR
from wse_emulator.wafer import WSE2
from wse_emulator.wafer.kernel_cycles import KERNEL_FIELDS

PAGE = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text(encoding="utf-8")


def test_coefficients_stand_in_the_page_with_their_values() -> None:
    written = re.findall(r"`([a-z_]+)` ([\d.]+)", PAGE)
    found = {name: Fraction(value) for name, value in written if name in KERNEL_FIELDS}
    assert len(found) >= 14
    assert found == {name: getattr(WSE2.kernels, name) for name in found}


def test_every_operation_of_the_reports_says_what_a_record_states() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row.split(" | ")[0])}
    assert {operation for operation, _ in VENDOR} <= named
