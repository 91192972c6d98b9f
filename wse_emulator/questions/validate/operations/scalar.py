"""Scalar loops and functions of the SDK's library on one PE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from wse_emulator.activities import Work
from wse_emulator.engines.alone import run_alone
from wse_emulator.errors import MalformedFileError
from wse_emulator.kernels.functions import (
    ELEMENT_FUNCTIONS,
    FUNCTION_CODES,
    FunctionCode,
    element_function,
    gated_silu,
)
from wse_emulator.kernels.scalar_loops import SCALAR_KERNELS, scalar_kernel
from wse_emulator.questions.validate import groups
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled, NotModelledError
from wse_emulator.questions.validate.operation import (
    KernelName,
    NullSize,
    Operation,
    OperationModel,
)
from wse_emulator.wafer.formats import HALF_FLOATS
from wse_emulator.wafer.spec import WaferSpec


def float_format(record: Measurement) -> str:
    """The float format of a record.

    Raises:
        MalformedFileError: it is missing, or no text.
        NotModelledError: a format that a PE does not compute in.
    """
    return record.one_of("dtype", "float32", *HALF_FLOATS)


def function_code(record: Measurement) -> FunctionCode:
    """How a record applies a function to elements; in a scalar loop if it does not say.

    Raises:
        MalformedFileError: no text.
        NotModelledError: another way.
    """
    word = record.one_of("code", *FUNCTION_CODES, default="scalar_loop")
    return cast("FunctionCode", word)


def on_one_pe(record: Measurement, program: tuple[Work, ...], spec: WaferSpec) -> Modelled:
    """The time of a program that runs on one PE.

    Raises:
        NotModelledError: the record's program runs on more.
    """
    if record.number("pes", 1) > 1:
        raise NotModelledError(f"{record.operation} is modelled on one PE")
    return Modelled(run_alone(program, spec.scaled(1, 1)).elapsed_cycles)


def elements_of(record: Measurement) -> int:
    """Elements on the PE: of a record that spreads a matrix, ``elements_per_pe``.

    Raises:
        MalformedFileError: neither is given, or no whole number above 0.
    """
    for name in ("elements_per_pe", "elements"):
        if name in record.parameters:
            return record.number(name)
    raise MalformedFileError(
        f"record {record.id} ({record.operation}) lacks parameter elements or elements_per_pe"
    )


def _scalar_kernel(record: Measurement, spec: WaferSpec) -> Modelled:
    elements = record.number("elements")
    program = scalar_kernel(record.word("kernel"), elements, float_format(record), spec)
    return on_one_pe(record, program, spec)


def _function(function: str) -> OperationModel:
    def model(record: Measurement, spec: WaferSpec) -> Modelled:
        elements, dtype = elements_of(record), float_format(record)
        program = element_function(function, elements, dtype, function_code(record), spec)
        return on_one_pe(record, program, spec)

    return model


def _gated_silu(record: Measurement, spec: WaferSpec) -> Modelled:
    program = gated_silu(elements_of(record), float_format(record), function_code(record), spec)
    return on_one_pe(record, program, spec)


_ELEMENTS: Final = NullSize("elements", elements_of)

_FUNCTIONS: Final[Mapping[KernelName, Operation]] = {
    (f"function_{name}", ""): Operation(_function(name), groups.FUNCTIONS, _ELEMENTS)
    for name in ELEMENT_FUNCTIONS
}

SCALAR: Final[Mapping[KernelName, Operation]] = {
    **_FUNCTIONS,
    ("function_gated_silu", ""): Operation(_gated_silu, groups.FUNCTIONS, _ELEMENTS),
    **{
        ("scalar_kernel", name): Operation(_scalar_kernel, groups.FUNCTIONS, _ELEMENTS)
        for name in SCALAR_KERNELS
    },
}
"""Functions over the elements of a PE, and kernels of scalar loops."""
