"""The operations that are modelled: each family in its file, joined here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wse_emulator.questions.validate.operation import KernelName, Operation
from wse_emulator.questions.validate.operations.published import PUBLISHED
from wse_emulator.questions.validate.operations.rates import RATES
from wse_emulator.questions.validate.operations.scalar import SCALAR
from wse_emulator.questions.validate.operations.small_programs import SMALL_PROGRAMS
from wse_emulator.questions.validate.operations.vendor import VENDOR

OPERATIONS: Final[Mapping[KernelName, Operation]] = {
    **PUBLISHED,
    **RATES,
    **SCALAR,
    **SMALL_PROGRAMS,
    **VENDOR,
}
"""Operation, and the algorithm or kernel that a record names -> how it is modelled."""
