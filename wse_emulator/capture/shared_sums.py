"""Sums of numbers of several parameters, written as what a wafer does: each adds to one number.

``sum(p.grad.square().sum() for p in parameters)`` and ``torch.stack(norms).norm()`` join numbers
that lie in the regions of different parameters. On the wafer each region adds its own to a number
of no parameter, which is summed over the wafer once, as in ``optimizers.clip_grad_norm_static``.
Sums that cannot be written so stay as they are, and are refused where they are lowered.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from wse_emulator.capture.owners import assign_scalars
from wse_emulator.program import Argument, Arguments, Read, StepProgram, TensorOp, Value, ValueKind

_WITHOUT_ALPHA: Final = (None, 1)


_ADDITIONS: Final = (
    ("aten.add_.Tensor", ("self", "other", "alpha"), 1),
    ("aten.addcmul_.default", ("self", "tensor1", "tensor2", "value"), 2),
)
"""How a number, or its square, is added: the op, its arguments, and how often it reads it."""


class _OtherSumError(Exception):
    """Numbers of several parameters are joined by something else than a sum."""


def share_sums(program: StepProgram) -> StepProgram:
    """The same step with such sums as additions to one number; unchanged if it has none."""
    if not any(_joins(program, op) for op in program.ops[program.schedule_ops :]):
        return program
    try:
        rewriter = _Rewriter(program)
        for op in program.ops:
            rewriter.take(op)
    except _OtherSumError:
        return program
    ops, values = assign_scalars(rewriter.ops, rewriter.values, program.schedule_ops)
    return dataclasses.replace(program, ops=ops, values=values)


def _joins(program: StepProgram, op: TensorOp) -> bool:
    """Whether an op reads values of several parameters."""
    owners = {program.values[index].parameter for index in op.reads} - {None}
    return op.owner is None and len(owners) > 1


class _Rewriter:
    """Takes the ops of a step one by one, and keeps those of the step that it makes of them."""

    def __init__(self, program: StepProgram) -> None:
        self.ops: list[TensorOp] = []
        self.values = list(program.values)
        self._schedule_ops = program.schedule_ops
        self._addends: dict[int, list[int]] = {}  # of sums that are not yet made
        self._listed: dict[int, list[int]] = {}  # numbers of a stack that is not made
        self._made: dict[int, int] = {}  # sum -> the number that all add to

    def take(self, op: TensorOp) -> None:
        """Keep an op, or note the sum that it is a part of."""
        if op.index < self._schedule_ops:
            self._keep(op, op.owner)
        elif op.base_name == "add" and self._is_sum(op):
            (written,) = op.writes
            self._addends[written] = [a for index in op.reads for a in self._parts(index)]
            self._made.pop(written, None)
        elif op.base_name == "stack" and self._owners(op.reads, numbers=True) > 1:
            self._listed[op.writes[0]] = list(op.reads)
        elif set(op.reads) & self._listed.keys():
            self._reduce(op)
        else:
            if set(op.writes) & {*self._addends, *self._made}:
                raise _OtherSumError
            reads = tuple(self._sum(index) for index in op.reads)
            owners = {self.values[index].parameter for index in reads} - {None}
            if len(owners) > 1:
                raise _OtherSumError
            self._keep(dataclasses.replace(op, reads=reads), owners.pop() if owners else None)

    def _is_sum(self, op: TensorOp) -> bool:
        """Whether an addition joins numbers of several parameters."""
        if op.numel != 1 or op.arguments.get("alpha") not in _WITHOUT_ALPHA:
            return False
        if any(self.values[index].kind is not ValueKind.TEMPORARY for index in op.writes):
            return False
        if len(op.reads) != 2 or ("out" in op.arguments and op.arguments["out"] is not None):
            return False
        parts = [part for index in op.reads for part in self._parts(index)]
        return self._owners(parts, numbers=True) > 1

    def _parts(self, index: int) -> list[int]:
        return self._addends.get(index, [index])

    def _owners(self, indices: Sequence[int], *, numbers: bool) -> int:
        """How many parameters the values belong to; 0 if one is no number of a parameter."""
        found = [self.values[index] for index in indices]
        if numbers and any(v.numel != 1 or v.parameter is None for v in found):
            return 0
        return len({value.parameter for value in found})

    def _reduce(self, op: TensorOp) -> None:
        """A sum or a norm over a stack of numbers."""
        stack, *others = op.reads
        numbers = self._listed.get(stack)
        if numbers is None or others or op.numel != 1:
            raise _OtherSumError
        (written,) = op.writes
        if op.base_name == "sum":
            self._addends[written] = numbers
        elif op.base_name in ("linalg_vector_norm", "norm"):
            order = op.arguments.get("ord", op.arguments.get("p"))
            if order not in (None, 2):
                raise _OtherSumError
            total = self._accumulate(numbers, squares=True)
            arguments = Arguments.of(("self",), (Read(0),))
            self._emit("aten.sqrt.default", None, (total,), (written,), arguments)
            self.values[written] = dataclasses.replace(self.values[written], parameter=None)
        else:
            raise _OtherSumError

    def _sum(self, index: int) -> int:
        """The value to read in place of one: for a sum, the number that all have added to."""
        if index in self._listed:
            raise _OtherSumError
        if index not in self._addends:
            return index
        if index not in self._made:
            self._made[index] = self._accumulate(self._addends[index], squares=False)
        return self._made[index]

    def _accumulate(self, numbers: Sequence[int], *, squares: bool) -> int:
        """A new number to which each parameter adds its own."""
        dtype = self.values[numbers[0]].dtype
        total = len(self.values)
        self.values.append(
            Value(total, f"%{total}", ValueKind.TEMPORARY, None, (), dtype, strides=())
        )
        sizes = Arguments.of(("size", "dtype"), ((), dtype))
        self._emit("aten.zeros.default", None, (), (total,), sizes)
        for number in numbers:
            name, names, reads = _ADDITIONS[squares]
            held: tuple[Argument, ...] = (*(Read(i) for i in range(len(names) - 1)), 1)
            arguments = Arguments.of(names, held)
            owner = self.values[number].parameter
            self._emit(name, owner, (total, *(number,) * reads), (total,), arguments)
        return total

    def _emit(
        self,
        name: str,
        owner: int | None,
        reads: tuple[int, ...],
        writes: tuple[int, ...],
        arguments: Arguments,
    ) -> None:
        op = TensorOp(
            index=0,
            name=name,
            owner=owner,
            reads=reads,
            writes=writes,
            shape=(),
            dtype=self.values[writes[0]].dtype,
            arguments=arguments,
            read_shapes=((),) * len(reads),
        )
        self._keep(op, owner)

    def _keep(self, op: TensorOp, owner: int | None) -> None:
        """Append an op; what it makes belongs to its owner."""
        for index in op.writes:
            value = self.values[index]
            if value.kind is ValueKind.TEMPORARY and index not in op.reads:
                self.values[index] = dataclasses.replace(value, parameter=owner)
        self.ops.append(dataclasses.replace(op, index=len(self.ops), owner=owner))
