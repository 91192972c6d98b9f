"""From a record to the operation that models it and the machine it is compared with."""

from __future__ import annotations

from typing import Final

from wse_emulator.errors import MalformedFileError, UnknownNameError
from wse_emulator.questions.validate.groups import OperationGroup
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import NotModelledError
from wse_emulator.questions.validate.operation import Operation
from wse_emulator.questions.validate.operations import OPERATIONS
from wse_emulator.wafer.machine_file import preset
from wse_emulator.wafer.registry import silicon
from wse_emulator.wafer.spec import WaferSpec

NAMES_OF_KERNELS: Final = ("algorithm", "kernel")
"""The parameters by which records tell kernels of one operation apart."""

WITHOUT_MECHANISM: Final = {
    "train_step": "forward and backward passes of a model are not timed",
    "evaluate_step": "the forward pass of a model is not timed",
    "micro_batch_fits": "no search for the largest micro-batch that fits",
    "cholesky": "how the program lays out its columns and exchanges them is not known",
    "lu": "how the program lays out its columns and exchanges them is not known",
}
"""Operations of published records that are not modelled, and why."""


def machine_of(record: Measurement) -> WaferSpec:
    """The preset that a record is compared with.

    A record measured on hardware is compared with the preset of that hardware's measured rates,
    if there is one.

    Raises:
        NotModelledError: no preset of that name.
    """
    try:
        spec = preset(record.machine)
    except UnknownNameError as error:
        raise NotModelledError(f"no preset {record.machine!r}") from error
    return (silicon(spec.name) or spec) if record.kind == "hardware" else spec


def operation_of(record: Measurement) -> Operation:
    """How the operation of a record is modelled.

    Raises:
        NotModelledError: no such operation, or not by the algorithm or kernel that it names.
        MalformedFileError: the operation is modelled for named kernels, and it names none.
    """
    known = [kernel for operation, kernel in OPERATIONS if operation == record.operation]
    if not known:
        nothing = f"no mechanism for {record.operation}"
        raise NotModelledError(WITHOUT_MECHANISM.get(record.operation, nothing))
    found = [name for name in NAMES_OF_KERNELS if name in record.parameters]
    parameter = found[0] if found else NAMES_OF_KERNELS[0]
    kernel = record.word(parameter) if found else ""
    if kernel in known:
        return OPERATIONS[record.operation, kernel]
    one_of = ", ".join(name for name in known if name)
    if not found:
        raise MalformedFileError(
            f"record {record.id} ({record.operation}) lacks parameter "
            f"{' or '.join(NAMES_OF_KERNELS)}, which names one of {one_of}"
        )
    raise NotModelledError(
        f"{parameter} {kernel!r} is not modelled" + (f"; one of {one_of}" if one_of else "")
    )


def group_of(record: Measurement, operation: Operation) -> OperationGroup:
    """The group in which a record is scored."""
    return operation.group_on.get(preset(record.machine).name, operation.group)
