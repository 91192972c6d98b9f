"""How long a kernel takes by itself, on either engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from tests.engines.agreement import differences
from wse_emulator.activities import Activity
from wse_emulator.engines.alone import run_alone
from wse_emulator.wafer import WSE2, WaferSpec


def elapsed(activities: Sequence[Activity], spec: WaferSpec = WSE2) -> int:
    """Cycles on the array engine, on a wafer as large as the activities need."""
    return run_alone(activities, around(activities, spec)).elapsed_cycles


def disagreement(activities: Sequence[Activity], spec: WaferSpec = WSE2) -> list[str]:
    """In which parts of the timing the two engines differ."""
    cut = around(activities, spec)
    return differences(
        run_alone(activities, cut, engine="array"), run_alone(activities, cut, engine="pe")
    )


def around(activities: Sequence[Activity], spec: WaferSpec) -> WaferSpec:
    """The upper left corner of a wafer that holds the activities."""
    rows = max((activity.region.row_stop for activity in activities), default=1)
    cols = max((activity.region.col_stop for activity in activities), default=1)
    return spec.scaled(rows, cols)


def with_coefficient(spec: WaferSpec, name: str, cycles: Fraction) -> WaferSpec:
    """A machine with one coefficient of its kernels changed."""
    return replace(spec, kernels=replace(spec.kernels, **{name: cycles}))
