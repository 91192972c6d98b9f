"""How an operation of a record is modelled: what a file in ``operations/`` says of each.

A family of operations is a file ``operations/FAMILY.py`` with a mapping
``FAMILY: Mapping[KernelName, Operation]``; ``operations/__init__.py`` joins the families. A model
takes the record and the machine it is compared with, calls a kernel with the record's sizes, and
returns :class:`~wse_emulator.questions.validate.modelled.Modelled`. It reads parameters with
``record.number``, ``record.word``, ``record.flag`` and ``record.one_of``, which refuse what is
missing or ill-typed, and never the record's id, value, source or note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from wse_emulator.questions.validate.groups import OperationGroup
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled
from wse_emulator.wafer.spec import WaferSpec

KernelName = tuple[str, str]
"""Operation, and the ``algorithm`` or ``kernel`` that a record names; "" for one that names none.

``("gemm", "meshgemm")``, ``("scalar_kernel", "axpy")``, ``("allreduce_row", "")``. A record that
names another algorithm or kernel is listed as not modelled.
"""

OperationModel = Callable[[Measurement, WaferSpec], Modelled]

IN_CYCLES: Final = ("cycles", "cycles_per_token", "cycles_per_sample", "seconds")


@dataclass(frozen=True, slots=True)
class NullSize:
    """The natural size of an operation, on which its null model a + b x size is fitted.

    Attributes:
        words: the size as it is printed: ``inputs x outputs``.
        of: the size of a record.
    """

    words: str
    of: Callable[[Measurement], float]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that is modelled.

    Attributes:
        model: simulates it. It may raise ``NotModelledError`` with the reason.
        group: it is scored in this group,
        group_on: or in this one where the record's machine stands here (``wse2``).
        null_size: the size that the null model takes; None for no null model.
        bound: cycles by a published formula, if one covers it.
        metrics: of its records; the model's value is in cycles for those of ``IN_CYCLES``, and
            in the metric itself for others.
    """

    model: OperationModel
    group: OperationGroup
    null_size: NullSize | None = None
    bound: Callable[[Measurement, WaferSpec], int] | None = None
    metrics: tuple[str, ...] = IN_CYCLES
    group_on: Mapping[str, OperationGroup] = field(default_factory=dict)
