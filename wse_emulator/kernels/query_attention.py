"""Dense attention of one head, its queries spread over PEs that each hold all keys and values.

The program of a public kernel for one PE and for grids: vector instructions over the keys and over
the width of the head, one for each pass of a scalar loop that forms its descriptors, and a scalar
loop over the exponentials. Its arrays lie as a linker packs them, so most multiply-adds read two
vectors from one bank group. PEs exchange nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Final

from wse_emulator.activities import Work, compute
from wse_emulator.cost.banks import bank_period_bytes, conflicts_in_step, packed_addresses
from wse_emulator.cost.instructions import (
    Instruction,
    element_cycles,
    instruction_cycles,
    plain_instruction,
)
from wse_emulator.cost.starts import Start, start_cycles
from wse_emulator.kernels.scalar_loops import (
    ONE_PE,
    LoopBody,
    iteration_cycles,
    straight_cycles,
)
from wse_emulator.wafer.formats import BYTES, lane_dtype
from wse_emulator.wafer.spec import WaferSpec

_EXPONENTIAL: Final = LoopBody(loads=1, stores=1, flops=2, calls=("exp",))
"""Less the maximum, the exponential stored, added to the sum."""


@dataclass(frozen=True)
class _Head:
    """One PE's part of a head: its queries, all keys and values, and its scores in memory."""

    queries: int
    keys: int
    head_dim: int
    dtype: str
    spec: WaferSpec

    @property
    def size(self) -> int:
        return BYTES[self.dtype]

    @property
    def multiply_add(self) -> Instruction:
        return plain_instruction("fma", lane_dtype(self.dtype))

    @cached_property
    def addresses(self) -> tuple[int, ...]:
        """Of queries, keys, values, outputs and scores, in the order of their declaration."""
        matrices = (self.queries, self.keys, self.keys, self.queries)
        sizes = [rows * self.head_dim * self.size for rows in matrices]
        return packed_addresses([*sizes, self.queries * self.keys * self.size])

    def multiply_adds(self, first: tuple[int, int], second: tuple[int, int], elements: int) -> int:
        """One multiply-add in a scalar loop, each source with its start and its stride."""
        period = bank_period_bytes(self.spec)
        first, second = ((start % period, stride) for start, stride in (first, second))
        conflicts = conflicts_in_step(first, second, elements, self.spec)
        plain = element_cycles(self.multiply_add, self.spec)
        slow = element_cycles(self.multiply_add, self.spec, bank_conflict=True)
        walked = ceil((elements - conflicts) * plain + conflicts * slow)
        return start_cycles(Start.IN_LOOP, self.spec) + walked

    def scores(self, query: int, keys: int) -> int:
        """Products of a query with the keys, one column of the keys after the other."""
        at = self.addresses[4] + query * self.keys * self.size
        stride = self.head_dim * self.size
        return sum(
            self.multiply_adds(
                (at, self.size), (self.addresses[1] + column * self.size, stride), keys
            )
            for column in range(self.head_dim)
        )

    def values(self, query: int, keys: int) -> int:
        """The values, each times its score, added to the query's output."""
        at = self.addresses[3] + query * self.head_dim * self.size
        rows = (self.addresses[2] + key * self.head_dim * self.size for key in range(keys))
        return sum(
            self.multiply_adds((at, self.size), (row, self.size), self.head_dim) for row in rows
        )

    def softmax(self, keys: int) -> int:
        """Scaled scores, their maximum, exponentials and sum, and the division by it."""
        lanes, spec = lane_dtype(self.dtype), self.spec
        by_number = Instruction("mul", lanes, self.size, self.size, passes=2)  # scale, normalise
        return (
            instruction_cycles(by_number, keys, spec)
            + instruction_cycles(plain_instruction("reduce", lanes), keys, spec)
            + keys * iteration_cycles(_EXPONENTIAL, self.dtype, spec)
            + straight_cycles(LoopBody(calls=("division",)), self.dtype, spec)
        )

    def cleared(self, elements: int) -> int:
        """A vector filled with zeros."""
        fill = Instruction("move", lane_dtype(self.dtype), 0, self.size, 0)
        return instruction_cycles(fill, elements, self.spec)

    def query(self, query: int, keys: int) -> int:
        """All cycles of one query, in an iteration of the loop over queries."""
        return (
            self.spec.loop_cycles
            + self.cleared(keys)
            + self.scores(query, keys)
            + self.softmax(keys)
            + self.cleared(self.head_dim)
            + self.values(query, keys)
        )


def query_attention(
    queries: int,
    keys: int,
    head_dim: int,
    dtype: str,
    spec: WaferSpec,
    *,
    causal: bool = False,
) -> tuple[Work, ...]:
    """Attention of the queries of the busiest PE over all keys.

    Args:
        queries: on the PE.
        keys: of the head, all of which the PE holds.
        head_dim: width of the head.
        dtype: format of all arrays.
        spec: the machine.
        causal: each query sees the keys up to its own; the PE has the last queries.

    Raises:
        WaferSpecError: the machine has no rate in this format, or its library no exponential.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = query_attention(64, 64, 16, "float32", WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        836352
    """
    head = _Head(queries, keys, head_dim, dtype, spec)
    first = keys - queries
    cycles = sum(
        head.query(query, min(keys, first + query + 1) if causal else keys)
        for query in range(queries)
    )
    return (compute("attention", ONE_PE, cycles),)
