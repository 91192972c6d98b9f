"""One record an op: its iteration axes, its instructions on a PE, and what it reads together.

A new op is one function that writes its instructions on a kernel, decorated with what else is
known of it::

    @op("addcmul", cost="mul, fma", streams=("tensor1", "tensor2"))
    def _addcmul(kernel: Kernel, call: Call) -> Operand: ...

Everything that treats ops alike (costs, spaces, bank conflicts, the table in the documentation)
reads these records; no other place lists ops by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wse_emulator.cost.kernel import Kernel, Operand
from wse_emulator.ops.axes import ELEMENTWISE, Axes, AxisRule
from wse_emulator.ops.call import Call
from wse_emulator.program import Argument, TensorOp

Rule = Callable[[Kernel, Call], Operand]
"""Writes the instructions of one call on a kernel; returns its result."""


@dataclass(frozen=True, slots=True)
class OpRecord:
    """What is known of an op.

    Attributes:
        names: base names (``add``) or names with overload (``max.other``) of the ATen ops that
            it describes; one record often serves several.
        axes: its iteration axes, and which operand has which.
        instructions: what a PE issues for it; None: nothing, the static plan resolves it.
        streams: names of arguments of which one instruction reads the first two that are tensors
            together; empty if no two of them meet in an instruction.
        cost: the instructions in words, for the documentation.
        when: which calls the record describes, by their arguments; others are as if the op had
            none. None: all calls.
    """

    names: tuple[str, ...]
    axes: AxisRule
    instructions: Rule | None
    streams: tuple[str, ...]
    cost: str
    when: Callable[[Mapping[str, Argument]], bool] | None = None


_RECORDS: Final[list[OpRecord]] = []
_BY_NAME: Final[dict[str, OpRecord]] = {}


def add_record(record: OpRecord) -> None:
    """Add a record to the table.

    Raises:
        ValueError: one of its names is in the table already.
    """
    for name in record.names:
        if name in _BY_NAME:
            raise ValueError(f"the op {name} has a record already")
    _RECORDS.append(record)
    _BY_NAME.update(dict.fromkeys(record.names, record))
    record_of.cache_clear()


def op(
    *names: str,
    cost: str,
    axes: AxisRule = ELEMENTWISE,
    streams: tuple[str, ...] = (),
    when: Callable[[Mapping[str, Argument]], bool] | None = None,
) -> Callable[[Rule], Rule]:
    """Register the decorated function as the instructions of ops; see :class:`OpRecord`.

    Raises:
        ValueError: one of the names is in the table already.
    """

    def registered(rule: Rule) -> Rule:
        add_record(OpRecord(names, axes, rule, streams, cost, when))
        return rule

    return registered


def records() -> tuple[OpRecord, ...]:
    """All records, in the order in which they were registered."""
    return tuple(_RECORDS)


def registered_names() -> frozenset[str]:
    """Base names of all ops with a record."""
    return frozenset(name.partition(".")[0] for name in _BY_NAME)


@lru_cache(maxsize=4096)
def record_of(name: str) -> OpRecord | None:
    """The record of an op by its dispatched name (``aten.addcdiv_.default``), or None.

    A record of one overload goes before that of all. ``out=`` variants and in-place variants
    share the record of the plain op.
    """
    namespace, _, rest = name.partition(".")
    if namespace != "aten":
        return None
    base, _, overload = rest.partition(".")
    base = base.rstrip("_")
    overload = overload.removesuffix("_out")
    return _BY_NAME.get(f"{base}.{overload}") or _BY_NAME.get(base)


def describes(name: str, arguments: Mapping[str, Argument]) -> bool:
    """Whether the op has a record, and one that holds for these arguments."""
    record = record_of(name)
    return record is not None and (record.when is None or record.when(arguments))


def axes_of(op: TensorOp) -> Axes:
    """Iteration axes of a captured op.

    Raises:
        KeyError: the op has no record.
    """
    record = record_of(op.name)
    if record is None:
        raise KeyError(op.name)
    return record.axes.read(op)


def multiplies(op: TensorOp) -> bool:
    """Whether the op is a product of matrices, or of a matrix and a vector."""
    record = record_of(op.name)
    return record is not None and record.axes.multiplies
