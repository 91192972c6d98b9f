"""Decode and prefill of a decoder layer: what their sizes come to, counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import pytest

from tests.kernels.timed import disagreement, elapsed
from wse_emulator.activities import Activity, Chain, compute, leaves
from wse_emulator.engines.by_lines import run_by_lines
from wse_emulator.kernels.decode import LayerShare, decode_layer
from wse_emulator.kernels.prefill import prefill_layer
from wse_emulator.wafer import WSE2, WSE3_SILICON, Region, WaferSpec


def square(side: int) -> Region:
    return Region(0, 0, side, side)


def all_reduce(pes: int, group: int, elements: int, spec: WaferSpec, one_axis: bool) -> int:
    """A(P, g, B) with a launch for each stream and one before, streams in whole cycles."""
    groups = ceil(pes / group)
    root = groups // 2 * group + group // 2
    in_group = max(group // 2, group - 1 - group // 2)
    over_groups = max(groups // 2, groups - 1 - groups // 2)
    streams = 5 if one_axis else 6
    return (
        (streams + 1) * 16
        + in_group * (11 + spec.hop_cycles)
        + over_groups * (11 + group * spec.hop_cycles)
        + 5
        + max(root, pes - 1 - root) * spec.hop_cycles
        + streams * ceil(ceil(elements / 2) * spec.cycles_per_wavelet)
    )


def decoded(pes: int, group: int, share: LayerShare, spec: WaferSpec, one_axis: bool) -> int:
    """A layer by hand: sums, products, and what a PE does in between."""
    d, f, s = share.hidden, share.ffn, share.tokens
    sums = [1, 3 * d, s, 1, 1, d, d, 1, 2 * f, d]
    # clearing runs at 4 elements a cycle, on CS-3 silicon at 4.82 with a launch of 15
    launch, cleared = (15, 4.82) if one_axis else (16, 4)
    products = sum(
        launch + ceil(n / cleared) + 31 + k * (2 + ceil(n / 4))
        for k, n in (*[(d, d)] * 4, (d, s), (s, d), (d, f), (d, f), (f, d))
    )
    norms = 2 * (3 * (16 + ceil(d / 4)) + 16 + 2 * d + 3 * 55)
    rotary = 12 * (16 + ceil(d // 2 / 4))
    softmax = 3 * (16 + ceil(s / 4)) + 2 * (16 + 2 * s) + 23 * s + 55
    silu = 93 * d + 16 + ceil(f / 4)
    residual = 2 * (16 + ceil(d / 4))
    routes = 6 * 5 * 25 if one_axis else 0
    communicated = sum(all_reduce(pes, group, n, spec, one_axis) for n in sums)
    return communicated + products + norms + rotary + softmax + silu + residual + routes


@pytest.mark.parametrize(
    ("pes", "group", "share", "spec", "one_axis", "cycles"),
    [
        # 8B on 540 x 540 of WSE-2: 9,714 of sums, 895 of products, and the rest. With clears of 8
        # elements a cycle, as WSE-3 fills memory, it would be 12,462.
        (540, 27, LayerShare(8, 27, 8), WSE2, False, 12_475),
        # 8B on 660 x 660 of CS-3: 21,263.1 if messages of 1.125 cycles were not rounded up
        (660, 30, LayerShare(7, 22, 7), WSE3_SILICON, True, 21_297),
        (60, 10, LayerShare(8, 27, 8), WSE2, False, 5_865),
    ],
)
def test_decode_is_what_its_program_counts(
    pes: int, group: int, share: LayerShare, spec: WaferSpec, one_axis: bool, cycles: int
) -> None:
    program = decode_layer(square(pes), share, group, spec, one_axis=one_axis)
    assert run_by_lines(program, spec) == decoded(pes, group, share, spec, one_axis) == cycles


def test_decode_has_ten_sums_and_new_routes_on_one_axis_only() -> None:
    for one_axis in (False, True):
        program = decode_layer(square(6), LayerShare(2, 3, 2), 3, WSE2, one_axis=one_axis)
        names = [activity.name for activity in program]
        assert names.count("load the descriptor") == 10
        assert names.count("new routes") == 6 * one_axis


def moving_root(side: int, work: int, wavelets: int, steps: int) -> Iterator[Activity]:
    """Work, then a sum in software from both ends to a root that moves on by two places."""
    line = Region(0, 0, 1, side)
    for step in range(steps):
        place = step % side
        root = max(2 * place - 1, 0) if place <= side // 2 else 2 * (side - place)
        yield compute("multiply-adds", line, work)
        for spacing, positions in ((-1, root + 1), (1, side - root)):
            yield Chain("sum", line, "row", root, spacing, positions, wavelets, "a", software=True)


def test_a_root_that_moves_on_costs_two_stages_a_step_and_one_on_its_way_back() -> None:
    side, work, wavelets, stage = 32, 200, 20, 12

    def after(steps: int) -> int:
        return elapsed(tuple(moving_root(side, work, wavelets, steps)))

    assert after(14) - after(4) == 10 * (work + 2 * wavelets + 2 * stage)
    assert after(31) - after(21) == 10 * (work + 2 * wavelets + stage)


def prefilled(side: int, share: LayerShare) -> float:
    """Most of a layer by hand, on WSE-2: steps, alignments and the sums of scores."""
    d, f, s = share.hidden, share.ffn, share.tokens

    def local(m: int, k: int, n: int) -> int:
        return k * (48 + n * (2 + ceil(m / 4)))

    tiles = [*[(s, d, d)] * 4, (s, s, d), (s, d, f), (s, d, f), (s, f, d), (s, d, s)]
    scores = 55 + 3 * 16 + 1.5 * 12 + 2 * ceil(s * s / 2) + 16 + ceil(s * s / 4)
    steps = sum(256 / 3 + local(*tile) for tile in tiles) + scores
    aligned = sum(256 / 3 + elements / 2 for elements in (s * d, s * s, s * d, s * d, s * f))
    silu, exponentials = (49 + 55 + 6) * s * f, (49 + 15) * s * s
    return side * steps + side // 2 * aligned + silu + exponentials


@pytest.mark.parametrize(
    ("side", "share"), [(24, LayerShare(9, 30, 9)), (40, LayerShare(6, 20, 6))]
)
def test_prefill_is_what_its_program_counts(side: int, share: LayerShare) -> None:
    cycles = run_by_lines(prefill_layer(square(side), share, WSE2), WSE2)
    # norms, softmax and the sums along rows are the rest
    rest = cycles - prefilled(side, share)
    d, s = share.hidden, share.tokens
    sums = 4 * (side // 2 * 12 + side // 2)
    vectors = (12 * d + 4 * s) * 18 + s * (2 * 183 + 71)
    assert sums + vectors < rest < 1.4 * (sums + vectors)


def test_both_engines_agree_on_decoder_layers() -> None:
    share = LayerShare(hidden=3, ffn=5, tokens=2)
    for spec in (WSE2, WSE3_SILICON):
        decode = decode_layer(square(8), share, 4, spec, one_axis=spec is WSE3_SILICON)
        assert disagreement(decode, spec) == []
        assert run_by_lines(decode, spec) == elapsed(decode, spec)
    prefill = prefill_layer(square(6), share, WSE2)
    assert disagreement(prefill) == []
    assert run_by_lines(prefill, WSE2) == elapsed(prefill)


def test_only_square_grids_have_layers() -> None:
    share = LayerShare(1, 1, 1)
    with pytest.raises(ValueError, match="square grid"):
        decode_layer(Region(0, 0, 2, 3), share, 1, WSE2, one_axis=False)
    with pytest.raises(ValueError, match="square grid"):
        prefill_layer(Region(0, 0, 2, 3), share, WSE2)


def test_all_nine_products_of_prefill_take_a_step_for_each_pe_of_a_side() -> None:
    side = 10
    runs = [
        times
        for activity, times in leaves(prefill_layer(square(side), LayerShare(2, 3, 2), WSE2))
        if activity.name == "tiles along columns"
    ]
    assert runs == [side] * 9
