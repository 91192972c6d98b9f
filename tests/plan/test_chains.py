"""Chains: what a PE runs over its shard, strip by strip, and what it holds meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import optimizers
from optimizers import Optimizer
from wse_emulator.activities import OpChain
from wse_emulator.capture.step import capture_step
from wse_emulator.ops.spaces import Space
from wse_emulator.placement.pieces import Piece
from wse_emulator.plan.chain_bytes import bytes_each_pass, bytes_over_strips
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.segments import SegmentOp, segments_of, shape_of
from wse_emulator.plan.strips import choose_strip
from wse_emulator.program import StepProgram
from wse_emulator.wafer import WSE2


def program_of(optimizer: str, shape: tuple[int, ...] = (64, 32), **options: object) -> StepProgram:
    p = nn.Parameter(torch.empty(shape, device="meta"))
    made = getattr(optimizers, optimizer)([p], **options)
    assert isinstance(made, Optimizer)
    return capture_step(made)


def cycles(chain: OpChain) -> int:
    return sum(
        op.strip_cycles if op.once else op.strip_cycles * chain.strips + op.tail_cycles
        for op in chain.ops
    )


def test_sgd_without_momentum_is_one_multiply_add() -> None:
    """Documented: launch 16 plus one float32 multiply-add a cycle (rate table of WSE-2)."""
    costs = ChainCosts(program_of("SGD", lr=0.1), WSE2)
    assert [op.op.base_name for op in costs.segments[0][0].ops] in (["add"], ["addcmul"], ["sub"])
    assert costs.cycles(0, Piece(1000), 1000) == 16 + 1000


@pytest.mark.parametrize("elements", [1, 7, 31, 32, 33, 500, 2048])
@pytest.mark.parametrize("strip", [1, 8, 32, 2048])
def test_strips_cover_the_shard_once(elements: int, strip: int) -> None:
    """The chain's cycles are those of its strips laid end to end, plus scalar ops once."""
    costs = ChainCosts(program_of("AdamW"), WSE2)
    chain = costs.chain(0, 0, Piece(elements), strip)
    used = min(strip, elements)
    assert chain.strips * used + (elements % used) == elements
    assert chain.tail == bool(elements % used)
    lengths = [used] * chain.strips + [elements % used] * chain.tail
    vector = [i for i, op in enumerate(costs.segments[0][0].ops) if not op.once]
    scalar = [i for i, op in enumerate(costs.segments[0][0].ops) if op.once]
    expected = sum(costs.op_costs(0, 0, Piece(n))[i].cycles for n in lengths for i in vector)
    expected += sum(costs.op_costs(0, 0, Piece(1))[i].cycles for i in scalar)
    assert cycles(chain) == expected == costs.cycles(0, Piece(elements), strip)


def test_an_empty_shard_runs_nothing() -> None:
    costs = ChainCosts(program_of("AdamW"), WSE2)
    assert costs.chain(0, 0, Piece(0), 8).ops == ()
    assert costs.cycles(0, Piece(0), 8) == 0


def test_every_byte_taken_is_given_back() -> None:
    for name, options in (("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {}), ("AdamW", {})):
        program = program_of(name, weight_decay=0.1, **options)
        (segment,) = segments_of(program, 0, shape_of(program))
        taken = sum(op.allocates_bytes for op in segment.ops)
        assert taken == sum(op.releases_bytes for op in segment.ops)


def test_temporaries_are_bounded_by_two_strips() -> None:
    """AdamW holds at most the root and the quotient at once: two float32 buffers of a strip."""
    costs = ChainCosts(program_of("AdamW", weight_decay=0.1), WSE2)
    assert 0 < costs.temporary_bytes(0, Piece(2048), 256) <= 2 * 4 * 256


def test_a_scalar_that_later_strips_still_need_ends_the_chain() -> None:
    """A step counter read by the vector op and then overwritten must not change under strip 2."""

    class Halving(optimizers.Optimizer):
        def __init__(self, params: list[nn.Parameter]) -> None:
            super().__init__(params, {"lr": 0.1})

        def preinitialize(self) -> None:
            for p in self.param_groups[0]["params"]:
                self.state[p]["scale"] = torch.ones((), device=p.device)

        def state_names_to_sparsify(self) -> list[str]:
            return []

        @torch.no_grad()
        def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
            for p in self.param_groups[0]["params"]:
                p.addcmul_(p.grad, self.state[p]["scale"], value=-0.1)
                self.state[p]["scale"].mul_(0.5)

    program = capture_step(Halving([nn.Parameter(torch.empty(100, device="meta"))]))
    segments = segments_of(program, 0, shape_of(program))
    assert [[op.op.base_name for op in segment.ops] for segment in segments] == [
        ["addcmul"],
        ["mul"],
    ]


@pytest.mark.parametrize("free", [10, 100, 1_000, 7_248, 40_000])
@pytest.mark.parametrize("elements", [1, 9, 2_107])
def test_the_chosen_strip_fits_and_is_quick_or_the_longest(elements: int, free: int) -> None:
    costs = ChainCosts(program_of("AdamW", weight_decay=0.1), WSE2)
    choice = choose_strip(costs, 0, Piece(elements), free)
    per_element = costs.temporary_bytes(0, Piece(1), 1)
    shortest = min(8, elements) * per_element
    assert choice.fits == (shortest <= free)
    if not choice.fits:
        return
    assert choice.temporary_bytes <= free
    unstripped = costs.cycles(0, Piece(elements), elements)
    slow = costs.cycles(0, Piece(elements), choice.elements) > unstripped * 1.01
    longer_fits = min(2 * choice.elements, elements) * per_element <= free
    assert not (slow and longer_fits and choice.elements < elements)
    if choice.elements > 8:
        half = costs.cycles(0, Piece(elements), choice.elements // 2)
        assert half > unstripped * 1.01


def test_parameters_of_equal_form_share_their_costs() -> None:
    a, b = (nn.Parameter(torch.empty(n, 8, device="meta")) for n in (16, 32))
    costs = ChainCosts(capture_step(optimizers.AdamW([a, b])), WSE2)
    assert costs.form(0, 0) == costs.form(1, 0)


def _strip_by_strip(members: Sequence[SegmentOp], piece: Piece, strip: int) -> tuple[int, int]:
    """The highest sum and the last, from every change of every strip."""
    changes = []
    strip = min(strip, piece.elements)
    for number in range(-(-piece.elements // strip)):
        for member, (taken, back) in zip(
            members, bytes_each_pass(members, piece, strip), strict=True
        ):
            if number == 0 or not member.once:
                changes += [taken, -back]
    sums = [0, *accumulate(changes)]
    return max(sums), sums[-1]


@given(
    changes=st.lists(
        st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6
    ),
    elements=st.integers(1, 60),
    strip=st.integers(1, 70),
)
def test_bytes_over_all_strips_are_those_of_each_in_turn(
    changes: list[tuple[bool, int, int]], elements: int, strip: int
) -> None:
    """Also where a strip leaves more, or less, than it found: what crosses into the next pass."""
    (segment,) = _ADAMW.segments[0]
    members = [
        replace(
            segment.ops[0],
            over=Space.ONE if once else Space.SHARD,
            allocates_bytes=taken,
            releases_bytes=given_back,
        )
        for once, taken, given_back in changes
    ]
    piece = Piece(elements)
    assert bytes_over_strips(members, piece, strip) == _strip_by_strip(members, piece, strip)


@pytest.mark.parametrize("optimizer", ["AdamW", "Adafactor"])
def test_a_piece_of_any_length_is_planned_at_once(optimizer: str) -> None:
    """No PE has 2^60 elements, and the answer that it does not fit takes no longer for them."""
    costs = ChainCosts(program_of(optimizer, lr=0.1), WSE2)
    piece = Piece(2**60, 2**30, 2**30)
    assert not choose_strip(costs, 0, piece, 0).fits


_ADAMW = ChainCosts(program_of("AdamW"), WSE2)
