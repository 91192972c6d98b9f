"""What a start costs is told by records: another figure misses them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.starts import CHANGES, errors
from wse_emulator.errors import WaferSpecError
from wse_emulator.questions.validate import Measurement, read_measurements, validate

PAGE = (Path(__file__).parents[3] / "docs" / "machine.md").read_text(encoding="utf-8")

QUICK = ("allreduce_row", "fully_connected_train")
"""Operations of the table that take no time."""


def of(operation: str) -> list[Measurement]:
    return [record for record in read_measurements() if record.operation == operation]


def mean_error(operation: str, changed: Mapping[str, object]) -> float:
    ((mean, _),) = errors(of(operation), changed).values()
    return mean


def test_the_vendors_products_start_with_a_wavelet_and_in_one_cycle() -> None:
    """The compile reports of fully connected layers, 13 of them."""
    as_it_is = mean_error("fully_connected_train", {})
    assert as_it_is < 0.04
    for start, least in ((0, 0.10), (2, 0.15), (16, 2.0)):
        assert mean_error("fully_connected_train", {"wavelet_launch_cycles": start}) > least
    for other in ("launch_cycles", "step_launch_cycles", "loop_cycles"):
        assert mean_error("fully_connected_train", {other: 1}) == as_it_is


def test_the_rows_of_compile_reports_have_a_fixed_start() -> None:
    assert mean_error("allreduce_row", {}) < 0.01
    assert mean_error("allreduce_row", {"kernels.star_start": 0}) > 0.5


def test_products_of_earlier_publications_load_their_descriptors() -> None:
    """They were programmed in CSL, whatever a step's products are."""
    gemm = [record for record in of("gemm") if record.machine == "wse2"]
    as_it_is = errors(gemm, {})
    assert errors(gemm, {"wavelet_launch_cycles": 16}) == as_it_is
    assert errors(gemm, {"products": "map"}) == as_it_is
    assert errors(gemm, {"launch_cycles": 1}) != as_it_is


@pytest.mark.parametrize("records", [[], of("allreduce_row")], ids=["no records", "records"])
@pytest.mark.parametrize("setting", ["launch=1", "launch_cycles=-1", "products=none"])
def test_a_wrong_setting_is_refused_whatever_is_compared(
    records: list[Measurement], setting: str
) -> None:
    with pytest.raises(WaferSpecError):
        validate(records, set=[setting])


@pytest.mark.parametrize("words", CHANGES)
def test_the_page_has_the_table_that_the_benchmark_prints(words: str) -> None:
    heading = next(line for line in PAGE.splitlines() if line.startswith("| change |"))
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {words} |"))
    columns = dict(zip(heading.split(" | "), row.split(" | "), strict=True))
    for operation in QUICK:
        (cell,) = (cell for name, cell in columns.items() if name.startswith(f"`{operation}`"))
        ((mean, most),) = errors(of(operation), CHANGES[words]).values()
        assert cell == f"{100 * mean:.1f}; {100 * most:.1f}"
