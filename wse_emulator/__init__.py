"""Emulates the constraints of the Cerebras Wafer-Scale Engine for PyTorch optimizer steps.

The functions have the names of the commands: :func:`run`, :func:`fit`, :func:`check`; and
:func:`attach` runs a loop that exists already on the emulator. They are imported on first use, so
that ``import wse_emulator`` alone is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wse_emulator.questions.attach import Emulation, attach
    from wse_emulator.questions.check import check
    from wse_emulator.questions.fit.answer import fit
    from wse_emulator.questions.run import run
    from wse_emulator.wafer import WSE1, WSE2, WSE3, WSE3_SILICON, WaferSpec

__all__ = [
    "WSE1",
    "WSE2",
    "WSE3",
    "WSE3_SILICON",
    "Emulation",
    "WaferSpec",
    "attach",
    "check",
    "fit",
    "run",
]

_HOME: Final = {
    "WSE1": "wafer",
    "WSE2": "wafer",
    "WSE3": "wafer",
    "WSE3_SILICON": "wafer",
    "WaferSpec": "wafer",
    "Emulation": "questions.attach",
    "attach": "questions.attach",
    "check": "questions.check",
    "fit": "questions.fit.answer",
    "run": "questions.run",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
