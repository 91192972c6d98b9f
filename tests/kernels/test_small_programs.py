"""Attention by queries, tiles times vectors, rows of a matrix, n-body forces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.timed import disagreement, elapsed
from wse_emulator.activities import Activity
from wse_emulator.cost.banks import conflicts_in_step, sources_conflict
from wse_emulator.kernels.functions import FunctionCode
from wse_emulator.kernels.matrix_rows import RowTile, row_rms_norm, row_softmax
from wse_emulator.kernels.n_body import n_body_forces
from wse_emulator.kernels.query_attention import query_attention
from wse_emulator.kernels.tile_products import (
    mapped_matrix_vector,
    scalar_matrix_vector,
    widened_matrix_vector,
)
from wse_emulator.wafer import WSE2, WSE3, WaferSpec
from wse_emulator.wafer.region import Region

WORDS = st.integers(0, 500).map(lambda word: 2 * word)


@given(WORDS, WORDS, WORDS, WORDS, st.integers(0, 40))
def test_conflicts_of_sources_with_strides_of_their_own(
    first: int, step: int, second: int, stride: int, elements: int
) -> None:
    one_by_one = sum(
        sources_conflict(first + k * step, second + k * stride, WSE3) for k in range(elements)
    )
    assert conflicts_in_step((first, step), (second, stride), elements, WSE3) == one_by_one


def test_attention_by_hand() -> None:
    """64 queries and keys, 16 wide: columns of the keys conflict with the scores every other time,
    values with outputs every time."""
    scores = 16 + 64 // 4 + 16 * (15 + 16 + 64 + 32)
    softmax = 2 * (16 + 64) + 16 + 2 * 64 + 64 * (10 + 6 + 4 + 82) + 105
    values = 16 + 16 // 4 + 64 * (15 + 16 + 16 + 16)
    by_hand = 64 * (15 + scores + softmax + values)
    assert elapsed(query_attention(64, 64, 16, "float32", WSE3), WSE3) == by_hand == 836_352


def test_attention_on_a_grid_as_its_authors_report_it() -> None:
    """The same kernel on 4 x 4 PEs, 64 queries and keys, 32 wide: 68,764 cycles on the simulator
    (kernels/Attention-QP of the FABRICA sources)."""
    modelled = elapsed(query_attention(64 // 16, 64, 32, "float32", WSE3), WSE3)
    assert modelled == pytest.approx(68_764, rel=0.005)


def test_attention_conflicts_in_the_banks_unless_the_machine_does_not() -> None:
    without = replace(WSE3, bank_conflict_factor=Fraction(1))
    slow, quick = (
        elapsed(query_attention(64, 64, 16, "float32", spec), spec) for spec in (WSE3, without)
    )
    assert slow - quick == 64 * (16 * 32 + 64 * 16)


def test_a_query_sees_the_keys_up_to_its_own() -> None:
    one_by_one = [
        elapsed(query_attention(1, keys, 16, "float32", WSE3, causal=True), WSE3)
        for keys in range(1, 5)
    ]
    assert one_by_one == sorted(set(one_by_one))
    last = elapsed(query_attention(4, 64, 16, "float32", WSE3, causal=True), WSE3)
    assert last < elapsed(query_attention(4, 64, 16, "float32", WSE3), WSE3)
    assert last > elapsed(query_attention(4, 60, 16, "float32", WSE3), WSE3)


@pytest.mark.parametrize(
    ("program", "by_hand"),
    [
        (scalar_matrix_vector(16, 16, "float32", WSE3), 16 * (16 * 22 + 14)),
        (scalar_matrix_vector(3, 5, "float32", WSE3), 5 * (3 * 22 + 14)),
        (widened_matrix_vector(112, 128, WSE3), 112 * (16 + 128 // 4 + 128)),
        (widened_matrix_vector(80, 128, WSE3), 80 * (16 + 128 // 4 + 128)),
        (mapped_matrix_vector(32, 32, "float16", WSE3), 16 + 4 + 16 + 32 * (2 + 8)),
        (mapped_matrix_vector(5, 6, "float32", WSE3), 16 + 2 + 16 + 5 * (2 + 6)),
    ],
)
def test_a_tile_times_a_vector(program: Sequence[Activity], by_hand: int) -> None:
    assert elapsed(program, WSE3) == by_hand


ROW = Region(0, 0, 1, 8)


@pytest.mark.parametrize(
    ("tile", "code", "cycles"),
    [
        (RowTile(8, 16, "float16"), "map", 7_394),
        (RowTile(8, 8, "float16"), "map", 4_122),
        (RowTile(8, 16, "float16"), "scalar_loop", 7_394 - 16 + 8 * 16 * 16),
    ],
)
def test_softmax_of_rows(tile: RowTile, code: FunctionCode, cycles: int) -> None:
    assert elapsed(row_softmax(ROW, tile, code, WSE3), WSE3) == cycles


def test_softmax_on_one_pe_exchanges_nothing() -> None:
    tile = RowTile(8, 16, "float16")
    by_columns = 16 * (2 + 2)
    local = 16 + 16 + 4 * by_columns + 16 + 128 * 49 + 8 * (10 + 6 + 55)
    assert elapsed(row_softmax(Region(0, 0, 1, 1), tile, "map", WSE3), WSE3) == local


def test_an_all_reduce_of_a_row_takes_launches_tasks_and_hops() -> None:
    """Eight numbers of 16 bits, four wavelets: five PEs pass to the middle, which sends them to the
    far end, four PEs away."""
    tile = RowTile(8, 16, "float16")
    both = [elapsed(row_softmax(Region(0, 0, 1, pes), tile, "map", WSE3), WSE3) for pes in (1, 8)]
    stage = 2 * 2 + 1 + 3 + 3 + 2
    wavelets = 4
    one = 3 * 16 + 4 * stage + 2 * wavelets + (2 * 2 + 1 + 4 * 2) + wavelets
    assert both[1] - both[0] == 2 * one


@pytest.mark.parametrize(("rows", "cols", "cycles"), [(8, 16, 1_709), (16, 128, 7_785)])
def test_rms_norm_of_rows(rows: int, cols: int, cycles: int) -> None:
    assert elapsed(row_rms_norm(ROW, RowTile(rows, cols, "float16"), WSE3), WSE3) == cycles


@pytest.mark.parametrize("spec", [WSE2, WSE3], ids=["wse2", "wse3"])
def test_rows_of_a_matrix_on_both_engines(spec: WaferSpec) -> None:
    tile = RowTile(3, 5, "float16")
    for region in (Region(0, 0, 4, 7), Region(2, 1, 1, 2), Region(0, 0, 3, 1)):
        assert not disagreement(row_softmax(region, tile, "map", spec), spec)
        assert not disagreement(row_rms_norm(region, tile, spec), spec)


PAIR = 10 + 4 * 3 + 19 * 2 + 85 + 105
BODY = 10 + 7 * 3 + 3 * 3 + 3 * 2


@pytest.mark.parametrize(
    ("messages", "bodies", "by_hand"),
    [
        (1023, 1, 1023 * (PAIR + BODY + 2 * 6 + 2 * 16)),
        (3, 2, 3 * (4 * PAIR + 2 * BODY + 44) + PAIR + BODY - 10),
    ],
)
def test_n_body_forces(messages: int, bodies: int, by_hand: int) -> None:
    assert elapsed(n_body_forces(messages, bodies, "float32", WSE3), WSE3) == by_hand
