"""One decoder layer on one new token, whose weights and cached keys stay in the PEs.

The program: MeshInfra/WaferLLM@2cd13b5, ``Decode``. A vector lies along the rows or the columns of
a square grid, a part of it on each PE. Products sum along rows and along columns by turns; the ten
all-reduces of a layer, in software over groups, take most of the time. There are two programs. That
of WSE-2 has routes for each axis, and the root of a sum sends the result to its two sides one after
the other. That of WSE-3 has routes for one axis at a time, which it changes six times a layer, and
its root sends to both sides at once.

What is counted here are instructions of that program. Its SiLU runs over ``hidden`` elements, not
over the ``ffn`` elements of its operand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from wse_emulator.activities import Activity, Axis, compute
from wse_emulator.cost.instructions import vector_op_cycles
from wse_emulator.cost.products import pass_cycles
from wse_emulator.cost.starts import Start, start_cycles
from wse_emulator.kernels.grouped_all_reduce import grouped_all_reduce
from wse_emulator.wafer.messages import wavelets_of
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "decoder layer"
"""Route set of all sums, unless the caller names another."""

HALF: Final = "float16"
HALF_BYTES: Final = 2

COLORS: Final = 5
"""Two of each phase of a sum, and one of the result."""

ROTARY: Final = (("mul", 8), ("add", 4))
"""Instructions of the rotary embedding of queries and keys, each over half of their elements."""


@dataclass(frozen=True, slots=True)
class LayerShare:
    """What a PE holds along each axis of a decoder layer.

    Attributes:
        hidden, ffn: elements of the hidden vector and of the one between the feed-forward products.
        tokens: cached keys, or tokens of the sequence.
    """

    hidden: int
    ffn: int
    tokens: int


def decode_layer(
    grid: Region,
    share: LayerShare,
    group: int,
    spec: WaferSpec,
    *,
    one_axis: bool,
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """One new token through a decoder layer of float16 weights.

    Args:
        grid: as many rows as columns.
        share: of a PE.
        group: PEs of a group of the all-reduces.
        spec: the machine.
        one_axis: the program of WSE-3, which has routes for one axis at a time.
        channel: route set.

    Raises:
        ValueError: the grid is not square, or groups of less than one PE.

    Example:
        >>> from wse_emulator.engines.by_lines import run_by_lines
        >>> from wse_emulator.wafer import WSE2
        >>> share = LayerShare(hidden=8, ffn=27, tokens=8)
        >>> layer = decode_layer(Region(0, 0, 60, 60), share, 10, WSE2, one_axis=False)
        >>> run_by_lines(layer, WSE2)
        5865
    """
    if grid.rows != grid.cols:
        raise ValueError(f"the vectors of a layer turn on a square grid, {grid.as_list()} is none")
    return tuple(_Layer(grid, share, group, spec, one_axis, channel).activities())


@dataclass(frozen=True, slots=True)
class _Layer:
    """The parts of the program, in its own order and words."""

    grid: Region
    share: LayerShare
    group: int
    spec: WaferSpec
    one_axis: bool
    channel: str

    def activities(self) -> Iterator[Activity]:
        hidden, ffn, keys = self.share.hidden, self.share.ffn, self.share.tokens
        yield from self.norm()
        for name in ("queries", "keys", "values"):
            yield self.product(name, hidden, hidden)
        yield from self.sum("column", 3 * hidden)
        yield from self.new_routes()
        rotary = sum(times * self.vector(op, hidden // 2) for op, times in ROTARY)
        yield self.work("rotary embedding", rotary)
        yield self.product("scores", hidden, keys)
        yield from self.sum("row", keys)
        yield self.work("scale scores", self.vector("mul", keys))
        yield from self.new_routes()
        yield from self.softmax()
        yield self.product("attention", keys, hidden)
        yield from self.sum("column", hidden)
        yield from self.new_routes()
        yield self.product("projection", hidden, hidden)
        yield from self.sum("row", hidden)
        yield self.work("residual sum", self.vector("add", hidden))
        yield from self.new_routes()
        yield from self.norm()
        for name in ("up", "gate"):
            yield self.product(name, hidden, ffn)
        yield from self.sum("column", 2 * ffn)
        yield self.work("SiLU", hidden * silu_cycles(self.spec) + self.vector("mul", ffn))
        yield from self.new_routes()
        yield self.product("down", ffn, hidden)
        yield from self.sum("row", hidden)
        yield self.work("residual sum", self.vector("add", hidden))
        yield from self.new_routes()

    def norm(self) -> Iterator[Activity]:
        """Divide by the root of the mean square of all elements, and scale by weights."""
        hidden = self.share.hidden
        multiply = self.vector("mul", hidden)
        yield self.work("squares", multiply + self.vector("reduce", hidden))
        yield from self.sum("column", 1)
        root = 2 * self.call("division") + self.call("sqrt")
        yield self.work("norm", 2 * multiply + root)

    def softmax(self) -> Iterator[Activity]:
        """Softmax of the scores, with a short exponential."""
        keys = self.share.tokens
        reduction = self.vector("reduce", keys)
        yield self.work("largest score", reduction)
        yield from self.sum("column", 1)
        exponentials = keys * short_exponential_cycles(self.spec)
        yield self.work("exponentials", self.vector("add", keys) + exponentials + reduction)
        yield from self.sum("column", 1)
        yield self.work("softmax", self.call("division") + self.vector("mul", keys))

    def product(self, name: str, inputs: int, outputs: int) -> Activity:
        """A vector times a matrix: clear the sums, then a multiply-add for each input."""
        cycles = (
            self.vector("move", outputs)
            + start_cycles(Start.IN_LOOP, self.spec)
            + inputs * pass_cycles(outputs, (HALF, HALF), Start.STEPS, self.spec)
        )
        return self.work(name, cycles)

    def sum(self, axis: Axis, elements: int) -> Iterator[Activity]:
        """An all-reduce, before which every PE loads the descriptor of its vector."""
        yield self.work("load the descriptor", self.spec.launch_cycles)
        yield from grouped_all_reduce(
            self.grid,
            axis,
            wavelets_of(elements * HALF_BYTES, self.spec),
            self.group,
            self.spec,
            both_ways=self.one_axis,
            channel=self.channel,
        )

    def new_routes(self) -> Iterator[Activity]:
        """Route all colors along the other axis, where they serve one at a time."""
        if self.one_axis:
            yield self.work("new routes", ceil(COLORS * self.spec.kernels.route_change))

    def work(self, name: str, cycles: int) -> Activity:
        return compute(name, self.grid, cycles)

    def vector(self, op_class: str, elements: int) -> int:
        return vector_op_cycles(op_class, HALF, elements, self.spec)

    def call(self, function: str) -> int:
        return self.spec.library_call(function, HALF).cycles


def short_exponential_cycles(spec: WaferSpec) -> int:
    """An element of ``(1 + x/256)^4`` in a loop: four operations and an iteration.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> short_exponential_cycles(WSE2)
        23
    """
    return spec.loop_cycles + 4 * spec.scalar_op_cycles


def silu_cycles(spec: WaferSpec) -> int:
    """An element of ``x / (1 + exp(-x))`` in a loop, with the short exponential."""
    division = spec.library_call("division", HALF).cycles
    return spec.loop_cycles + short_exponential_cycles(spec) + division
