"""Products of matrices on the wafer: both engines, panels, bounds, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, note, settings
from hypothesis import strategies as st
from torch import nn

import optimizers
from tests.lowering.agreed import agreed
from wse_emulator.activities import Chain, LineMulticast, Star, Work
from wse_emulator.capture.step import capture_step
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.engines.digest import digest
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops.contractions import Block, Product
from wse_emulator.ops.spaces import matrices_beside, spaces_of
from wse_emulator.placement.pieces import pieces_of
from wse_emulator.placement.shards import block_grid
from wse_emulator.placement.values import BlockGrid
from wse_emulator.program import StepProgram
from wse_emulator.summary.run import messages_of
from wse_emulator.wafer import WSE2

States = dict[str, torch.Tensor]
Rule = Callable[[torch.Tensor, States], torch.Tensor]

CUTS = [(1, 1), (1, 6), (6, 1), (3, 4), (7, 5), (2, 11)]
MODELS = {
    "wide": [(6, 40)],
    "tall": [(40, 6)],
    "square": [(13, 13)],
    "uneven": [(17, 23), (23, 5), (3, 3)],
    "fewer rows than PEs": [(2, 3)],
    "a line": [(1, 9), (9, 1), (1, 1)],
    "kernels": [(8, 3, 3, 3)],
    "nothing": [(0, 4), (4, 3)],
}


def muon(shapes: list[tuple[int, ...]], ns_steps: int = 5) -> StepProgram:
    parameters = [nn.Parameter(torch.empty(shape, device="meta")) for shape in shapes]
    return capture_step(optimizers.Muon(parameters, ns_steps=ns_steps))


def emulated(program: StepProgram, rows: int, cols: int, engine: str = "array") -> EmulatedStep:
    step = emulate_step(program, WSE2.scaled(rows, cols), engine)
    assert step.timing is not None
    return step


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("shapes", MODELS.values(), ids=MODELS)
def test_both_engines_give_the_same_step(
    shapes: list[tuple[int, ...]], cut: tuple[int, int]
) -> None:
    agreed(muon(shapes, ns_steps=2), *cut)


def tight(
    program: StepProgram, rows: int, cols: int, spare_bytes: int, engine: str = "array"
) -> EmulatedStep:
    """The step on PEs with ``spare_bytes`` beside what the widest panels would leave resident."""
    wide = emulate_step(program, WSE2.scaled(rows, cols))
    resident = int(wide.plan.memory.resident_bytes.max())
    spec = replace(WSE2.scaled(rows, cols), sram_bytes_per_pe=resident + spare_bytes, sources={})
    return emulate_step(program, spec, engine)


def panels(step: EmulatedStep) -> list[int]:
    """Lines of the panels of the first parameter's products."""
    return [lines for lines in step.plan.strips[0].lines if lines]


def test_panels_take_the_memory_there_is_and_no_more() -> None:
    program = muon([(24, 32)], ns_steps=1)
    lines = []
    for spare in (260, 300, 340, 420, 600, 5_000):
        step = tight(program, 3, 4, spare)
        assert step.fits
        assert step.timing is not None
        assert np.array_equal(step.timing.sram_peak, step.plan.memory.peak_bytes)
        lines.append(panels(step)[0])
    assert lines == sorted(lines)
    assert 1 <= lines[0] < lines[2] < lines[-1] == 24  # one round at last


def test_a_step_in_many_rounds_is_the_same_in_both_engines() -> None:
    program = muon([(24, 33), (33, 10)], ns_steps=2)
    array, pe = (tight(program, 3, 4, 480, engine) for engine in ("array", "pe"))
    assert 1 < min(panels(array)) < 12
    assert array.timing is not None
    assert pe.timing is not None
    assert digest(array.timing) == digest(pe.timing)
    assert np.array_equal(array.timing.sram_peak, array.plan.memory.peak_bytes)


def test_messages_of_a_products_rounds_are_one_record_a_kind_and_none_is_lost() -> None:
    step = tight(muon([(24, 33), (33, 10)], ns_steps=2), 3, 4, 480)
    assert step.lowered is not None
    assert step.timing is not None
    starts, ends = step.timing.activity_start, step.timing.activity_end
    sent = [i for i, a in enumerate(step.lowered.activities) if not isinstance(a, Work)]
    records = messages_of(step.lowered, step.timing)
    assert len(records) < len(sent) == sum(record.count for record in records)
    on_the_way = sum(int(ends[i] - starts[i]) for i in sent if ends[i] >= 0)
    assert sum(record.cycles for record in records) == on_the_way > 0
    assert max(record.end_cycle for record in records) == max(int(ends[i]) for i in sent)


def test_no_room_for_a_single_line_does_not_fit() -> None:
    step = tight(muon([(24, 32)], ns_steps=1), 3, 4, 40)
    assert not step.fits
    assert step.timing is None
    assert step.plan.memory.gap_bytes > 0


def test_fewer_rounds_are_never_slower() -> None:
    program = muon([(24, 32)], ns_steps=1)
    times = [tight(program, 3, 4, spare).timing for spare in (260, 300, 600, 5_000)]
    cycles = [timing.elapsed_cycles for timing in times if timing is not None]
    assert len(cycles) == 4
    assert cycles == sorted(cycles, reverse=True)


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (64, 64)], ids=str)
def test_a_step_takes_at_least_its_multiply_adds(shape: tuple[int, int]) -> None:
    """Three products an iteration: m*m*n, m*m*m and m*m*n multiply-adds, 4 a cycle in 16 bits."""
    step = emulated(muon([shape], ns_steps=5), 4, 5)
    assert step.timing is not None
    short, long = sorted(shape)
    multiply_adds = 5 * (2 * short * short * long + short**3)
    rate = WSE2.lane_rate("fma", "float16").elements_per_cycle
    assert Fraction(step.timing.elapsed_cycles) >= Fraction(multiply_adds) / (20 * rate)
    products = [op for op in step.program.ops if op.base_name == "mm"]
    busy = sum(
        pes * cost.cycles
        for number, segment in enumerate(step.plan.costs.segments[0])
        if segment.product
        for pes, piece in pieces_of(step.placement.tensors[0])
        for cost in step.plan.totals(0, number, piece)
    )
    assert len(products) == 15
    assert busy >= multiply_adds / rate


def test_every_round_moves_its_panel_and_its_sums_once() -> None:
    """Wavelets by hand: a 4 x 6 matrix on 2 x 3 PEs, blocks of 2 x 2, 2 bytes an element.

    Panel of a Gram product: 4 lines of 2 elements in each column; sums: 4 lines of 2 in each row,
    which travel as float32.
    """
    step = emulated(muon([(4, 6)], ns_steps=1), 2, 3)
    assert step.lowered is not None
    sent = [a for a in step.lowered.activities if isinstance(a, LineMulticast)]
    assert [(a.axis, a.wavelets) for a in sent] == [
        ("column", (4, 4, 4)),
        ("column", (4, 2, 2)),  # the Gram matrix has 2, 1 and 1 columns
        ("row", (4, 4)),
    ]
    first = step.lowered.activities.index(sent[0])
    works = [a for a in step.lowered.activities[first:] if isinstance(a, Work)]
    sums = [
        a
        for a in step.lowered.activities[first:]
        if isinstance(a, (Chain, Star)) and a.wavelets != 1
    ]
    assert {(a.axis, a.wavelets) for a in sums} == {("row", (8, 8)), ("column", (8, 8, 8))}
    assert len(works) >= 3


@pytest.mark.parametrize("products", ["csl", "map"])
def test_other_programs_send_sums_in_the_format_of_the_result(products: str) -> None:
    machine = replace(WSE2.scaled(2, 3), products=products)
    step = emulate_step(muon([(4, 6)], ns_steps=1), machine)
    assert step.lowered is not None
    sums = [a for a in step.lowered.activities if isinstance(a, (Chain, Star)) and a.wavelets != 1]
    assert {(a.axis, a.wavelets) for a in sums} == {("row", (4, 4)), ("column", (4, 4, 4))}


def test_work_is_what_the_engine_counts() -> None:
    """Busy cycles of all PEs are those of the planned ops and of the touches, nothing else."""
    step = emulated(muon([(9, 14)], ns_steps=1), 1, 1)
    assert step.timing is not None
    tensor = step.placement.tensors[0]
    ((_, piece),) = pieces_of(tensor)
    assert int(step.timing.pe_busy.sum()) == step.plan.cycles(0, piece)
    assert step.timing.elapsed_cycles == step.plan.cycles(0, piece)


def rule_of(
    rule: Rule, shape: tuple[int, ...], states: dict[str, tuple[int, ...]] | None = None
) -> StepProgram:
    """The captured step of an optimizer that adds what a rule makes of gradient and states."""
    p = nn.Parameter(torch.empty(shape, device="meta"))
    return capture_step(Preconditioned([p], rule, {"mean": shape} | (states or {})))


class Preconditioned(optimizers.Optimizer):
    """An optimizer of one's own: ``p - 0.1 * rule(gradient, state)``."""

    def __init__(
        self, params: list[nn.Parameter], rule: Rule, states: dict[str, tuple[int, ...]]
    ) -> None:
        self.rule, self.states = rule, states
        super().__init__(params, {"lr": 0.1})

    def preinitialize(self) -> None:
        for p in self.param_groups[0]["params"]:
            made = {
                name: torch.zeros(shape, device=p.device) for name, shape in self.states.items()
            }
            self.state[p].update(made)

    def state_names_to_sparsify(self) -> list[str]:
        return []

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for p in self.param_groups[0]["params"]:
            p.add_(self.rule(p.grad, self.state[p]), alpha=-0.1)


def with_square(gram: torch.Tensor) -> torch.Tensor:
    return torch.addmm(gram, gram, gram, beta=3.0)


def rows_normed(matrix: torch.Tensor) -> torch.Tensor:
    return matrix / torch.linalg.vector_norm(matrix, dim=1, keepdim=True)


def shampoo(g: torch.Tensor, s: States) -> torch.Tensor:
    s["left"].lerp_(g @ g.mT, 0.1)
    s["right"].lerp_(g.mT @ g, 0.1)
    return s["left"] @ g @ s["right"]


def soap(g: torch.Tensor, s: States) -> torch.Tensor:
    rotated = s["left"].mT @ g @ s["right"]
    s["mean"].mul_(0.9).addcmul_(rotated, rotated, value=0.1)
    return s["left"] @ (rotated / (s["mean"].sqrt() + 1e-8)) @ s["right"].mT


def galore(g: torch.Tensor, s: States) -> torch.Tensor:
    low = s["onto"].mT @ g
    s["low"].lerp_(low, 0.1)
    return s["onto"] @ (s["low"] / torch.linalg.vector_norm(s["low"]))


def apollo(g: torch.Tensor, s: States) -> torch.Tensor:
    low = s["onto"].mT @ g
    s["low"].lerp_(low, 0.1)
    norms = [torch.linalg.vector_norm(x, dim=0, keepdim=True) for x in (s["low"], low)]
    return g * (norms[0] / norms[1])


def power(g: torch.Tensor, s: States) -> torch.Tensor:
    u = g @ s["v"]
    s["v"].copy_(g.mT @ u)
    return torch.addmm(g, u.unsqueeze(1), s["v"].unsqueeze(0))


def preconditioners(m: int, n: int) -> dict[str, tuple[int, ...]]:
    return {"left": (m, m), "right": (n, n)}


def low_rank(m: int, n: int) -> dict[str, tuple[int, ...]]:
    return {"onto": (m, 3), "low": (3, n)}


GENERAL: dict[str, tuple[Rule, Callable[[int, int], dict[str, tuple[int, ...]]]]] = {
    "Shampoo": (shampoo, preconditioners),
    "SOAP": (soap, preconditioners),
    "GaLore": (galore, low_rank),
    "APOLLO": (apollo, low_rank),
    "power iteration": (power, lambda _, n: {"v": (n,)}),
}
SHAPES = [(7, 12), (12, 7), (9, 9), (1, 9), (9, 1), (30, 2), (2, 30)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", GENERAL)
def test_products_of_different_matrices_run_on_both_engines(
    name: str, shape: tuple[int, int]
) -> None:
    rule, states = GENERAL[name]
    if name == "power iteration" and 1 in shape:
        shape = (2 * shape[0], 2 * shape[1])
    program = rule_of(rule, shape, states(*shape))
    for cut in ((3, 4), (1, 6), (7, 2)):
        agreed(program, *cut)


@pytest.mark.parametrize(
    ("rule", "summed"),
    [
        (lambda g, s: s["left"] @ g, "rounds"),  # both factors are sent
        (lambda g, s: s["left"].mT @ g, "down"),  # the transpose lies along the gradient's rows
        (lambda g, s: g @ s["right"].mT, "across"),
        (lambda g, s: (g.mT @ s["left"]).mT, "down"),
    ],
)
def test_a_square_state_and_its_transpose_are_told_apart(rule: Rule, summed: str) -> None:
    program = rule_of(rule, (7, 12), preconditioners(7, 12))
    spaces = spaces_of(program, program.parameters[0])
    assert [s.product.summed for s in spaces.values() if s.product] == [summed]
    agreed(program, 3, 4)


def test_states_beside_a_parameter_are_held_once() -> None:
    step = emulated(rule_of(shampoo, (30, 2), preconditioners(30, 2)), 3, 4)
    held = step.plan.memory.optimizer_state.sum()
    rates = 4  # on the controller
    assert held in (4 * (30 * 2 + 30 * 30 + 2 * 2), 4 * (30 * 2 + 30 * 30 + 2 * 2) + rates)


ALLOWED: dict[str, Rule] = {
    "times its Gram matrix": lambda g, _: (g @ g.mT) @ g,
    "of the transpose, from the right": lambda g, _: (g.mT @ (g @ g.mT)).mT.contiguous(),
    "with a sum": lambda g, _: torch.addmm(g, g @ g.mT, g, beta=2.0),
    "a Gram matrix and its square": lambda g, _: with_square(g @ g.mT) @ g,
    "scaled by its norm": lambda g, _: ((g @ g.mT) / torch.linalg.vector_norm(g @ g.mT)) @ g,
    "two matrices": lambda g, s: (g @ s["mean"].mT) @ g,
    "of the longer side": lambda g, _: g @ (g.mT @ g),
    "not symmetric": lambda g, s: ((g @ g.mT) @ (s["mean"] @ s["mean"].mT)) @ g,
    "of two transposes": lambda g, s: (g.mT @ (s["mean"] @ g.mT).mT).mT,
    "added to zeros": lambda g, _: torch.zeros(g.shape[0], g.shape[0]).to(g).add_(g @ g.mT) @ g,
    "sums of its lines": lambda g, _: g * (g @ g.mT).sum(1, keepdim=True),
    "divided by the norms of its lines": lambda g, _: rows_normed(g @ g.mT) @ g,
    "its transpose divided by the sums of its lines": lambda g, s: (
        ((g @ s["mean"].mT).mT / (g @ s["mean"].mT).sum(1)) @ g
    ),
    "the longer side divided": lambda g, _: g @ (g.mT @ g / (g.mT @ g).square().mean(0)),
    "by way of einsum": lambda g, s: torch.einsum("ij,kj,kl->il", g, s["mean"], g),
}
REFUSED: dict[str, tuple[Rule, str]] = {
    "a part": (lambda g, _: g * (g @ g[0]).unsqueeze(-1), "a part of a larger tensor"),
    "the other side": (
        lambda g, _: g * ((g @ g.mT) @ torch.linalg.vector_norm(g, dim=1)).unsqueeze(-1),
        "does not lie along that side",
    ),
    "a matrix and its transpose": (
        lambda g, s: (g @ s["mean"].mT + (g @ s["mean"].mT).mT) @ g,
        "joins a matrix with the transpose of another",
    ),
    "a part of the gradient": (
        lambda g, _: ((g @ g.mT) * g[:, :7]) @ g,
        "neither the parameter's matrix",
    ),
    "sums along a side that the parameter does not have": (
        lambda g, s: g * (g @ s["mean"].mT).sum(0).unsqueeze(1),
        "a side that the parameter does not have",
    ),
    "divided along its other side": (
        lambda g, s: ((g @ s["mean"].mT) / (g @ s["mean"].mT).sum(1)) @ g,
        "a vector along its other side",
    ),
}


@pytest.mark.parametrize("shape", [(7, 12), (9, 9)], ids=str)
@pytest.mark.parametrize("rule", ALLOWED.values(), ids=ALLOWED)
def test_products_of_ones_own_run_on_both_engines(rule: Rule, shape: tuple[int, int]) -> None:
    agreed(rule_of(rule, shape), 3, 4)


@pytest.mark.parametrize(("rule", "why"), REFUSED.values(), ids=REFUSED)
def test_other_products_are_refused_by_name(rule: Rule, why: str) -> None:
    program = rule_of(rule, (7, 12))
    with pytest.raises(UnknownOpError, match=why) as caught:
        emulate_step(program, WSE2.scaled(3, 4))
    assert "param_groups[0][0]" in str(caught.value)
    assert "Remedy" in str(caught.value)


def test_stacked_matrices_are_refused_by_name() -> None:
    program = rule_of(lambda g, _: g @ g.mT @ g, (2, 4, 6))
    with pytest.raises(UnknownOpError, match="stacked matrices"):
        emulate_step(program, WSE2.scaled(3, 4))


@pytest.mark.parametrize("name", ["eigh", "inverse root"])
def test_what_needs_more_than_products_is_refused_by_name(name: str) -> None:
    def rule(g: torch.Tensor, _: States) -> torch.Tensor:
        gram = g @ g.mT
        root = torch.linalg.eigh(gram)[1] if name == "eigh" else torch.linalg.inv(gram)
        return root @ g

    with pytest.raises(UnknownOpError, match=r"linalg.*param_groups.*Newton-Schulz"):
        emulate_step(rule_of(rule, (7, 12)), WSE2.scaled(3, 4))


MATRICES = {"a": (5, 6), "b": (6, 8), "c": (11, 6), "d": (8, 5)}
"""Sides of different lengths tell the axes of a product; the parameter has two more lengths."""


@pytest.mark.parametrize("cut", [(3, 4), (1, 5), (9, 2)], ids=str)
@pytest.mark.parametrize(
    "rule",
    [
        lambda s: s["a"] @ s["b"],
        lambda s: s["a"] @ s["c"].mT,
        lambda s: s["b"].mT @ s["a"].mT,
        lambda s: s["d"].mT @ (s["c"] @ s["b"]).mT,
        lambda s: s["c"] @ s["b"] @ s["d"],
        lambda s: (s["a"].mT @ s["d"].mT).mT @ s["c"].mT,
    ],
)
def test_rounds_on_blocks_give_the_product_where_it_is_said_to_lie(
    rule: Callable[[States], torch.Tensor], cut: tuple[int, int]
) -> None:
    """Each PE multiplies what it has or what PEs of its line can send it, and no more."""

    def used(g: torch.Tensor, s: States) -> torch.Tensor:
        return g * torch.linalg.vector_norm(rule(s)) + 0 * (g @ g.mT @ g)

    program = rule_of(used, (10, 13), MATRICES)
    reader = matrices_beside(program, program.parameters[0])
    assert reader is not None
    grid = block_grid((10, 13), *cut, down=reader.further[0], across=reader.further[1])
    for op in program.ops:
        product = spaces_of(program, program.parameters[0])[op.index].product
        if product is None or set(op.reads) & {0, 1}:
            continue
        factors = [
            np.random.default_rng(number).standard_normal(shape)
            for number, shape in enumerate(op.read_shapes)
        ]
        done = carried_out(
            product,
            [Operand(reader.blocks[i], x) for i, x in zip(op.reads, factors, strict=True)],
            reader.blocks[op.writes[0]],
            (reader.down, reader.across),
            grid,
        )
        np.testing.assert_allclose(done, factors[0] @ factors[1])


@dataclass(frozen=True)
class Operand:
    """A factor and how it lies."""

    block: Block
    matrix: np.ndarray


def carried_out(
    product: Product,
    factors: list[Operand],
    made: Block,
    lengths: tuple[list[int], list[int]],
    grid: BlockGrid,
) -> np.ndarray:
    """The product, from the parts that PEs can have."""
    down, across = lengths[0][product.stays.down], lengths[1][product.stays.across]
    left, right = (factor.matrix for factor in factors)
    result = np.zeros((left.shape[0], right.shape[1]))

    def reachable(shape: tuple[int, ...], block: Block) -> bool:
        if {*shape} == {down, across}:
            return block == product.stays
        side = lengths[0][block.down], lengths[1][block.across]
        assert {*shape} == {*side}
        if down in shape:
            return block.down == product.stays.down and "row" in moved
        return block.across == product.stays.across and "column" in moved

    moved = {*product.sent, product.gathered}
    assert all(reachable(factor.matrix.shape, factor.block) for factor in factors)
    assert made == product.made
    assert reachable(result.shape, made)
    heights, widths = grid.cuts(product.stays.down, product.stays.across)
    assert (sum(heights), sum(widths)) == (down, across)
    for row in np.split(np.arange(down), np.cumsum(heights)[:-1]):
        for col in np.split(np.arange(across), np.cumsum(widths)[:-1]):
            part = {down: row, across: col, product.lines: np.arange(product.lines)}
            pick = [np.ix_(*(part[side] for side in x.shape)) for x in (left, right, result)]
            result[pick[2]] += left[pick[0]] @ right[pick[1]]
    return result


@st.composite
def general_steps(draw: st.DrawFn) -> StepProgram:
    """A step with random products of a gradient, states of other sizes, and what they made."""
    m, n, r = (draw(st.integers(1, 11)) for _ in range(3))
    sizes = {"mean": (m, n), "a": (m, m), "b": (n, n), "c": (m, r), "d": (n, r)}
    choices = draw(st.lists(st.tuples(*[st.integers(0, 99)] * 3), min_size=1, max_size=5))

    def rule(g: torch.Tensor, s: States) -> torch.Tensor:
        known = [g, *s.values()]
        for left, right, turned in choices:
            first = known[left % len(known)]
            first = first.mT if turned % 2 else first
            fitting = [y for x in known for y in (x, x.mT) if y.shape[0] == first.shape[1]]
            known.append(first @ fitting[right % len(fitting)])
        for made in known[6:]:
            g = g * torch.linalg.vector_norm(made)
        return g

    note(f"{sizes} {choices}")
    return rule_of(rule, (m, n), sizes)


def check_general(program: StepProgram, rows: int, cols: int) -> None:
    try:
        agreed(program, rows, cols)
    except UnknownOpError as error:  # a vector can lie across what it is multiplied by
        note(str(error))
        assert any(1 in shape for op in program.ops for shape in op.read_shapes)


@given(general_steps(), st.integers(1, 7), st.integers(1, 7))
@settings(max_examples=40)
def test_any_products_take_the_same_cycles_in_both_engines(
    program: StepProgram, rows: int, cols: int
) -> None:
    check_general(program, rows, cols)


@pytest.mark.deep
@given(general_steps(), st.integers(1, 7), st.integers(1, 7))
@settings(max_examples=3_000)
def test_any_products_at_length(program: StepProgram, rows: int, cols: int) -> None:
    check_general(program, rows, cols)


def test_bank_conflicts_of_lines_count_twice() -> None:
    """Blocks of 4 x 6 float32: lines of four words leave no conflict, of five half of them."""
    even, odd = (
        emulated(rule_of(lambda g, s: g @ s["right"], (rows, 6), {"right": (6, 6)}), 1, 1)
        for rows in (4, 5)
    )
    launch = WSE2.wavelet_launch_cycles
    for step, rows, conflicts in ((even, 4, 0), (odd, 5, 18)):
        (number,) = (i for i, s in enumerate(step.plan.costs.segments[0]) if s.product)
        ((_, piece),) = pieces_of(step.placement.tensors[0])
        (cost,) = step.plan.totals(0, number, piece)
        along_rows = 36 * (launch + rows) + conflicts * rows
        along_cols = 6 * rows * (launch + 6)
        assert cost.cycles == min(along_rows, along_cols)


def test_torchs_own_muon_is_timed_too() -> None:
    """Its products carry their sum with them (addmm)."""
    parameter = nn.Parameter(torch.empty(12, 7, device="meta"))
    parameter.grad = torch.empty_like(parameter)
    program = muon([(12, 7)])
    elements = prod(program.parameters[0].shape)
    assert elements == 84
