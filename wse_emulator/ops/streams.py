"""Which values an op reads together, and which of them cannot lie in banks apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from wse_emulator.ops.table import record_of
from wse_emulator.program import Read, StepProgram, TensorOp


def read_in_step(op: TensorOp) -> tuple[int, int] | None:
    """The two values in memory that one instruction of the op reads together, if it has such.

    A value read twice is one stream. Temporaries inside an op can be placed anywhere.
    """
    record = record_of(op.name)
    if record is None or not record.streams:
        return None
    arguments = (op.arguments.get(name) for name in record.streams)
    positions = [x.position for x in arguments if isinstance(x, Read)][:2]
    if len(positions) < 2 or any(_numel(op.read_shapes[position]) <= 1 for position in positions):
        return None
    first, second = (op.reads[position] for position in positions)
    return None if first == second else (first, second)


def _numel(shape: Iterable[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def unavoidable_conflicts(ops: Iterable[TensorOp]) -> frozenset[int]:
    """Indices of the ops whose sources cannot be kept apart.

    A vector starts on an even or an odd 32-bit word; two that are read together need one each.
    The values are coloured in program order, so an op conflicts exactly if it closes an odd cycle
    with the ops before it.
    """
    neighbours: dict[int, list[int]] = {}
    conflicting = set()
    for op in ops:
        pair = read_in_step(op)
        if pair is None:
            continue
        if _same_side(neighbours, *pair):
            conflicting.add(op.index)
            continue
        for one, other in (pair, pair[::-1]):
            neighbours.setdefault(one, []).append(other)
    return frozenset(conflicting)


def _same_side(neighbours: dict[int, list[int]], start: int, goal: int) -> bool:
    """Whether the edges so far force two values onto words of the same parity."""
    side = {start: 0}
    queue = deque([start])
    while queue:
        value = queue.popleft()
        if value == goal:
            return side[value] == 0
        for other in neighbours.get(value, ()):
            if other not in side:
                side[other] = 1 - side[value]
                queue.append(other)
    return False


def step_conflicts(program: StepProgram, owner: int | None) -> frozenset[int]:
    """Ops of one parameter's step that pay the bank-conflict factor under the best placement."""
    return unavoidable_conflicts(program.ops_of(owner))
