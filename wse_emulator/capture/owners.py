"""Which PEs compute a number that no parameter owns, such as ``lr * weight_decay``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from wse_emulator.program import TensorOp, Value, ValueKind


def assign_scalars(
    ops: Sequence[TensorOp], values: Sequence[Value], schedule_ops: int
) -> tuple[tuple[TensorOp, ...], tuple[Value, ...]]:
    """Give an op without owner to the one parameter that uses its result.

    ``1 - lr * weight_decay`` inside the loop over parameters works on no parameter's tensors, yet
    serves one: the PEs of that parameter compute it from the rate they have, which costs no
    message. A number that several parameters use stays with the controller and is broadcast, and
    so does all that the schedule computes (the first ``schedule_ops`` ops).

    Returns:
        The ops and values with owners filled in.
    """
    users: dict[int, set[int | None]] = {}
    owner_of_op: dict[int, int] = {}
    for op in reversed(ops):
        owner = op.owner
        if owner is None and op.index >= schedule_ops:
            made = {
                i
                for i in op.writes
                if values[i].kind is ValueKind.TEMPORARY and values[i].parameter is None
            }
            owners = set().union(*(users.get(i, set()) for i in made)) if made else set()
            if len(owners) == 1 and len(made) == len(set(op.writes)):
                owner = owners.pop()
                if owner is not None:
                    owner_of_op[op.index] = owner
        for index in op.reads:
            users.setdefault(index, set()).add(owner)
    owner_of_value = {
        index: owner_of_op[op.index] for op in ops if op.index in owner_of_op for index in op.writes
    }
    return (
        tuple(
            dataclasses.replace(op, owner=owner_of_op[op.index]) if op.index in owner_of_op else op
            for op in ops
        ),
        tuple(
            dataclasses.replace(value, parameter=owner_of_value[value.index])
            if value.index in owner_of_value
            else value
            for value in values
        ),
    )


def schedule_first(ops: Sequence[TensorOp], update_ops: int) -> tuple[TensorOp, ...]:
    """The wafer computes the rate before the step that uses it; reindex in that order."""
    ordered = [*ops[update_ops:], *ops[:update_ops]]
    return tuple(dataclasses.replace(op, index=i) for i, op in enumerate(ordered))
