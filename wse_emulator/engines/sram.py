"""Checks of the SRAM of PEs, and the error of one that runs out of it, for both engines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.activities import Activity, ProgramPart, leaves
from wse_emulator.errors import ConservationError, SramOverflowError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec


def check_resident(spec: WaferSpec, resident_bytes: IntArray) -> None:
    """Check the bytes that are in SRAM before the program starts.

    Raises:
        ValueError: ``resident_bytes`` is not (rows, cols) or has a negative number.
        SramOverflowError: a PE holds more than its SRAM.
    """
    if resident_bytes.shape != (spec.rows, spec.cols):
        raise ValueError(
            f"resident_bytes has shape {resident_bytes.shape}, the wafer has "
            f"{spec.rows} rows x {spec.cols} columns"
        )
    if resident_bytes.size and resident_bytes.min() < 0:
        raise ValueError("resident_bytes holds a negative number")
    over = resident_bytes > spec.sram_bytes_per_pe
    if over.any():
        row, col = np.argwhere(over)[0].tolist()
        raise SramOverflowError(
            f"PE ({row}, {col}) holds {int(resident_bytes[row, col]):,} bytes before the step "
            f"starts, and its SRAM has {spec.sram_bytes_per_pe:,}; spread the tensors over more "
            "PEs or use a larger wafer"
        )


def overflow(
    spec: WaferSpec, row: int, col: int, activity: Activity, op: int, needed_bytes: int
) -> SramOverflowError:
    """The error for PE (row, col), which needs ``needed_bytes`` in all when ``op`` starts."""
    return SramOverflowError(
        f"PE ({row}, {col}) needs {needed_bytes:,} bytes when op {op} of {activity.name!r} starts, "
        f"and its SRAM has {spec.sram_bytes_per_pe:,}; use shorter strips or spread the tensor "
        "over more PEs"
    )


def check_released(program: Sequence[ProgramPart], temporary_bytes: IntArray) -> None:
    """Check that the program has given all temporaries back.

    Args:
        program: for the message.
        temporary_bytes: (rows, cols) still allocated in each PE.

    Raises:
        ConservationError: naming the first PE that holds something, or owes it.
    """
    if temporary_bytes.any():
        row, col = np.argwhere(temporary_bytes)[0].tolist()
        raise ConservationError(
            f"PE ({row}, {col}) has allocated {int(temporary_bytes[row, col]):,} bytes more than "
            f"it has released after all {sum(1 for _ in leaves(program))} activities"
        )
