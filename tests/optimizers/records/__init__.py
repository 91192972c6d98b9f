"""The records of all optimizers: each file of this folder holds those of one rule."""

from __future__ import annotations

import importlib
import pkgutil

from tests.optimizers.record import OptimizerRecord

_FILES = [
    importlib.import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)
]

RECORDS: tuple[OptimizerRecord, ...] = tuple(
    sorted(
        (record for file in _FILES for record in file.RECORDS),
        key=lambda record: (record.addition, record.name),
    )
)
"""Those of the reference release first, each part by name."""


def record(name: str) -> OptimizerRecord:
    """The record of the class of that name.

    Raises:
        KeyError: there is none.
    """
    return {entry.name: entry for entry in RECORDS}[name]
