"""One decoder layer on all tokens of a sequence, whose weights and activations lie in tiles.

The program: MeshInfra/WaferLLM@2cd13b5, ``Prefill``. Tokens lie along the rows of a square grid of
P x P PEs, features along its columns. Nine products take P steps each, in which tiles travel as in
:mod:`~wse_emulator.kernels.mesh_gemm`; the left operand of five of them is aligned first. Scores
are a product with a transposed matrix: only the keys travel, and each step sums a tile along the
row, to a root that moves on by two places. Norms and softmax sum over the row, in software from
both ends to the middle.

What is counted here are instructions of that program. It leaves the first residual sum out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from wse_emulator.activities import ProgramPart, compute
from wse_emulator.cost.instructions import (
    instruction_cycles,
    plain_instruction,
    vector_op_cycles,
)
from wse_emulator.cost.starts import Start
from wse_emulator.kernels.decode import HALF, HALF_BYTES, LayerShare
from wse_emulator.kernels.grouped_all_reduce import grouped_all_reduce
from wse_emulator.kernels.mapped_product import Tile
from wse_emulator.kernels.mesh_gemm import alignment, shift_steps
from wse_emulator.kernels.scalar_loops import LoopBody, scalar_iteration_cycles, straight_cycles
from wse_emulator.wafer.messages import free_latency, message_cycles, task_cycles, wavelets_of
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "prefill of a layer"
"""Route set of all messages, unless the caller names another."""

ROOT_OF_MEAN_SQUARE: Final = LoopBody(
    loads=1, stores=1, flops=1, calls=("division", "sqrt", "division")
)
"""A token of a norm."""

INVERSE: Final = LoopBody(loads=1, stores=1, calls=("division",))
"""A token of softmax."""

SILU: Final = LoopBody(flops=3, calls=("exp", "division"))
"""An element of SiLU, by ``@map``: a change of sign, a sum, and the conversion of a constant."""

ROTARY: Final = (("mul", 4), ("add", 2))
"""Instructions of the rotary embedding of two features, in queries and in keys."""


def prefill_layer(
    grid: Region, share: LayerShare, spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[ProgramPart, ...]:
    """All tokens of a sequence through a decoder layer of float16 weights.

    Args:
        grid: as many rows as columns.
        share: of a PE; ``tokens`` of the sequence.
        spec: the machine.
        channel: route set.

    Raises:
        ValueError: the grid is not square.

    Example:
        >>> from wse_emulator.engines.by_lines import run_by_lines
        >>> from wse_emulator.wafer import WSE2
        >>> share = LayerShare(hidden=8, ffn=27, tokens=8)
        >>> run_by_lines(prefill_layer(Region(0, 0, 24, 24), share, WSE2), WSE2)
        270794
    """
    return tuple(_Layer(grid, share, spec, channel).parts())


@dataclass(frozen=True, slots=True)
class _Layer:
    """The parts of the program, in its own order and words."""

    grid: Region
    share: LayerShare
    spec: WaferSpec
    channel: str

    def parts(self) -> Iterator[ProgramPart]:
        hidden, ffn, tokens = self.share.hidden, self.share.ffn, self.share.tokens
        yield from self.norm()
        yield from self.product((tokens, hidden, hidden), aligned=True)  # queries
        for _ in ("keys", "values"):
            yield from self.product((tokens, hidden, hidden))
        pairs = sum(times * self.vector(op, tokens) for op, times in ROTARY)
        yield self.work("rotary embedding", 2 * (hidden // 2) * pairs)
        yield from self.scores()
        yield from self.softmax()
        yield from self.product((tokens, tokens, hidden), aligned=True)  # attention
        yield from self.product((tokens, hidden, hidden), aligned=True)  # projection
        yield from self.norm()
        yield from self.product((tokens, hidden, ffn), aligned=True)  # up
        yield from self.product((tokens, hidden, ffn))  # gate
        elements = tokens * ffn
        silu = elements * straight_cycles(SILU, HALF, self.spec)
        yield self.work("SiLU", self.spec.launch_cycles + silu + self.vector("mul", elements))
        yield from self.product((tokens, ffn, hidden), aligned=True)  # down
        yield self.work("residual sum", self.vector("add", tokens * hidden))

    def product(self, tile: Tile, *, aligned: bool = False) -> Iterator[ProgramPart]:
        """Clear the sums, bring the left operand to where the steps begin, and take the steps."""
        rows, summed, cols = tile
        yield self.work("clear the sums", self.vector("move", rows * cols))
        if aligned:
            yield alignment(self.grid, "row", rows * summed, self.spec, channel=self.channel)
        yield shift_steps(self.grid, tile, self.spec, channel=self.channel)

    def scores(self) -> Iterator[ProgramPart]:
        """Queries times keys: in each step the keys travel, and a tile is summed along the row."""
        tokens, hidden = self.share.tokens, self.share.hidden
        yield self.work("clear the sums", self.vector("move", tokens**2))
        yield shift_steps(
            self.grid,
            (tokens, hidden, tokens),
            self.spec,
            left_travels=False,
            each_step=(self.work("sum along the row", self.sum_of_step()),),
            channel=self.channel,
        )

    def sum_of_step(self) -> Fraction:
        """What a step adds for the sum of a tile along the row, whose root moves on by two places.

        The row sums in software from both ends, and the root takes two streams. The PEs go in step
        with the sums that pass: each begins a stage later than the one before it, seen from an end.
        A root that moves on by two places therefore begins two stages later, and on its way back
        one. A call finds the root, three instructions load their descriptors, and the tile is
        cleared.
        """
        spec, elements = self.spec, self.share.tokens**2
        stage = free_latency(1, spec) + task_cycles(spec)
        stream = message_cycles(wavelets_of(elements * HALF_BYTES, spec), spec)
        root = spec.library_call("division", HALF).cycles + 3 * spec.launch_cycles
        return root + Fraction(3, 2) * stage + 2 * stream + self.vector("move", elements)

    def norm(self) -> Iterator[ProgramPart]:
        """Divide each token by the root of its mean square, and scale by weights."""
        hidden, tokens = self.share.hidden, self.share.tokens
        squares = self.vector("mul", hidden * tokens) + self.vector("move", tokens)
        yield self.work("squares", squares + hidden * self.in_loop("add", tokens))
        yield from self.sum_over_row()
        roots = tokens * scalar_iteration_cycles(ROOT_OF_MEAN_SQUARE, HALF, self.spec)
        weight = self.spec.scalar_load_cycles
        scaled = 2 * hidden * (self.in_loop("mul", tokens) + weight)
        yield self.work("norm", roots + scaled)

    def softmax(self) -> Iterator[ProgramPart]:
        """Softmax of each token's scores."""
        tokens = self.share.tokens
        yield self.work(
            "largest score",
            self.vector("mul", tokens**2)
            + self.vector("move", tokens)
            + tokens * self.in_loop("max", tokens),
        )
        yield from self.sum_over_row()
        exponential = self.spec.loop_cycles + self.spec.library_call("exp", HALF).cycles
        yield self.work(
            "exponentials",
            tokens * self.in_loop("add", tokens)
            + tokens**2 * exponential
            + self.vector("move", tokens)
            + tokens * self.in_loop("add", tokens),
        )
        yield from self.sum_over_row()
        inverses = tokens * scalar_iteration_cycles(INVERSE, HALF, self.spec)
        yield self.work("softmax", inverses + tokens * self.in_loop("mul", tokens))

    def sum_over_row(self) -> Iterator[ProgramPart]:
        """Combine a number of each token along the row, from both ends to the middle and back."""
        yield self.work("load the descriptor", self.spec.launch_cycles)
        yield from grouped_all_reduce(
            self.grid,
            "row",
            wavelets_of(self.share.tokens * HALF_BYTES, self.spec),
            self.grid.cols,
            self.spec,
            both_ways=False,
            channel=self.channel,
        )

    def work(self, name: str, cycles: int | Fraction) -> ProgramPart:
        return compute(name, self.grid, cycles)

    def vector(self, op_class: str, elements: int) -> int:
        return vector_op_cycles(op_class, HALF, elements, self.spec)

    def in_loop(self, op_class: str, elements: int) -> int:
        """An instruction of a scalar loop, which steps over descriptors in registers."""
        instruction = replace(plain_instruction(op_class, HALF), start=Start.STEPS)
        return self.spec.loop_jump_cycles + instruction_cycles(instruction, elements, self.spec)
