"""The figures in docs/machine.md are those of the model."""

from __future__ import annotations

import re
from fractions import Fraction

from tests.questions.validate.tables import MACHINE, README, machine_with_tables, readme_with_table
from tests.questions.validate.whole import ReadParameters, whole_report
from wse_emulator.questions.validate.compare import METRICS
from wse_emulator.wafer import WSE2
from wse_emulator.wafer.machine_file import FIELDS

TEXT = MACHINE.read_text(encoding="utf-8")


def rows_with(cells: int) -> dict[str, list[str]]:
    """Table rows by their first cell."""
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    return {row[0].strip("`"): row for row in rows if len(row) == cells}


def test_the_tables_of_accuracy_are_those_of_the_command() -> None:
    page = README.read_text("utf-8")
    assert readme_with_table(page) == page, "run: make docs"
    assert machine_with_tables(TEXT) == TEXT, "run: make docs"


def test_every_operation_and_metric_of_a_record_is_documented() -> None:
    """The parameters of each operation stand in its row."""
    pages = [MACHINE.with_name(name).read_text("utf-8") for name in ("machine.md", "kernels.md")]
    rows = [line for page in pages for line in page.splitlines() if line.startswith("| `")]
    for one in whole_report().comparisons:
        parameters = one.record.parameters
        assert isinstance(parameters, ReadParameters)
        mine = [row for row in rows if f"`{one.record.operation}`" in row.split(" | ")[0]]
        for name in parameters.read & set(parameters.keys()):
            found = any(re.search(rf"\b{name}\b", row) for row in mine)
            assert found, (one.record.operation, name)
    for metric in METRICS:
        assert f"`{metric}`" in TEXT


def test_every_field_of_a_machine_is_documented() -> None:
    named = set(re.findall(r"`([a-z_]+)`", TEXT))
    assert set(FIELDS) <= named


def test_the_lane_table() -> None:
    documented = rows_with(4)
    for op_class in ("move", "add", "mul", "fma", "max", "sign", "scale", "convert"):
        half, single = documented[op_class][2].split(" / ")
        assert WSE2.lane_rate(op_class, "float16").elements_per_cycle == Fraction(half)
        assert WSE2.lane_rate(op_class, "float32").elements_per_cycle == Fraction(single)
