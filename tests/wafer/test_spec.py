"""A machine is refused with the name of the field that is wrong; every figure has a source."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from fractions import Fraction

import pytest

from wse_emulator.errors import WaferSpecError
from wse_emulator.wafer import PRESETS, WSE2, WSE3, WSE3_SILICON, WaferSpec
from wse_emulator.wafer.lanes import LaneRate

NO_FIGURES = {"name", "sources", "unsourced", "typed"}


@pytest.mark.parametrize("spec", PRESETS.values(), ids=PRESETS)
def test_every_figure_of_a_preset_has_a_source(spec: WaferSpec) -> None:
    figures = {f.name for f in fields(spec)} - NO_FIGURES
    assert {name for name in figures if not spec.sources.get(name)} == set()
    assert set(spec.sources) == figures
    assert spec.unsourced <= figures


@pytest.mark.parametrize("spec", PRESETS.values(), ids=PRESETS)
def test_a_source_that_is_an_assumption_is_flagged_and_only_that(spec: WaferSpec) -> None:
    assumed = {name for name, text in spec.sources.items() if "assumption" in text.lower()}
    assert assumed == spec.unsourced


def test_the_published_figures_of_wse2_and_wse3() -> None:
    assert (WSE2.rows, WSE2.cols, WSE2.pes) == (994, 750, 745_500)
    assert WSE2.clock_hz == 850_000_000
    assert WSE2.sram_bytes_per_pe == 48 * 1024
    assert (WSE3.rows, WSE3.cols) == (1170, 755)
    assert (WSE3.hop_cycles, WSE3.clock_hz) == (2, 875_000_000)
    assert WSE3.sram_write_bytes_per_cycle == 2 * WSE2.sram_write_bytes_per_cycle
    assert WSE3_SILICON.cycles_per_wavelet == Fraction(9, 8)
    assert WSE3_SILICON.lane_rate("move", "float16").elements_per_cycle == Fraction("4.82")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rows", 0),
        ("cols", -1),
        ("rows", 997),
        ("cols", 758),
        ("clock_hz", 0),
        ("hop_cycles", 0),
        ("hop_cycles", -1),
        ("ramp_cycles", -2),
        ("launch_cycles", -1),
        ("queue_depth_wavelets", -1),
        ("colors", 0),
        ("reserved_colors", 24),
        ("sram_bytes_per_pe", 0),
        ("reserved_bytes_per_pe", 49_152),
        ("sram_read_bytes_per_cycle", 0),
        ("cycles_per_wavelet", Fraction(0)),
        ("bank_conflict_factor", Fraction(1, 2)),
        ("functions", "Vector"),
        ("functions", 1),
        ("rows", 2.5),
        ("rows", True),
        ("name", ""),
    ],
)
def test_an_impossible_field_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(WaferSpecError, match=field):
        replace(WSE2, **{field: value})


def test_zero_lanes_are_refused_by_class_and_format() -> None:
    with pytest.raises(WaferSpecError, match=r"lanes\.fma\.float32"):
        replace(WSE2, lanes=(LaneRate("fma", "float32", Fraction(0)),))


def test_a_missing_rate_is_named_when_it_is_needed() -> None:
    bare = replace(WSE2, lanes=())
    with pytest.raises(WaferSpecError, match=r"lanes\.add\.float32"):
        bare.lane_rate("add", "float32")


def test_a_cut_changes_the_size_alone() -> None:
    cut = WSE2.scaled(64, 48)
    assert (cut.rows, cut.cols, cut.name) == (64, 48, "wse2:64x48")
    assert replace(cut, rows=994, cols=750, name="wse2") == WSE2
    assert cut.scaled(8, 8).name == "wse2:8x8"
    assert WSE2.scaled(994, 750) is WSE2


@pytest.mark.parametrize(
    ("rows", "cols", "field"), [(0, 4, "rows"), (995, 4, "rows"), (4, 751, "cols")]
)
def test_a_cut_beyond_the_wafer_is_refused(rows: int, cols: int, field: str) -> None:
    with pytest.raises(WaferSpecError, match=field):
        WSE2.scaled(rows, cols)


def test_a_machine_survives_pickling_and_serves_as_a_key() -> None:
    copy = pickle.loads(pickle.dumps(WSE2))
    assert copy == WSE2
    assert hash(copy) == hash(WSE2)
    assert {WSE2: 1}[copy] == 1
    assert replace(WSE2, hop_cycles=2) != WSE2
