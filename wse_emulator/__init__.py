"""Emulates the constraints of the Cerebras Wafer-Scale Engine for PyTorch optimizer steps.

Each command of ``wse`` is a function of the same name here, with the command's options as arguments
of the same names; :func:`attach` runs a training loop that exists already on the emulator. Their
results print as the command's answer, and have the methods ``save``, ``tables``, ``figure``,
``explain`` and ``compare``. Everything is imported on first use, so that ``import wse_emulator``
alone is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wse_emulator.errors import (
        DoesNotFitError,
        InputError,
        StaticRuleError,
        WseError,
    )
    from wse_emulator.questions.attach import Emulation, attach
    from wse_emulator.questions.check import check
    from wse_emulator.questions.collective import Study, collective
    from wse_emulator.questions.fit.answer import fit
    from wse_emulator.questions.models import models
    from wse_emulator.questions.preflight import preflight
    from wse_emulator.questions.run import run
    from wse_emulator.questions.saved.compare import compare
    from wse_emulator.questions.saved.explain import explain
    from wse_emulator.questions.saved.plot import plot
    from wse_emulator.questions.scenario import scenario
    from wse_emulator.questions.scenarios import scenarios
    from wse_emulator.questions.schedule import schedule
    from wse_emulator.questions.validate.compare import validate
    from wse_emulator.questions.validate.report import ValidationReport
    from wse_emulator.questions.wafers import wafers
    from wse_emulator.results.check import CheckReport
    from wse_emulator.results.compare import Comparison
    from wse_emulator.results.explain import Explanation
    from wse_emulator.results.files import read_run
    from wse_emulator.results.fit import FitReport
    from wse_emulator.results.models import ModelEntry
    from wse_emulator.results.preflight import Preflight
    from wse_emulator.results.run import RunResult
    from wse_emulator.results.schedule import LearningRates
    from wse_emulator.wafer import WSE1, WSE2, WSE3, WSE3_SILICON, WaferSpec

    __version__: str

__all__ = [
    "WSE1",
    "WSE2",
    "WSE3",
    "WSE3_SILICON",
    "CheckReport",
    "Comparison",
    "DoesNotFitError",
    "Emulation",
    "Explanation",
    "FitReport",
    "InputError",
    "LearningRates",
    "ModelEntry",
    "Preflight",
    "RunResult",
    "StaticRuleError",
    "Study",
    "ValidationReport",
    "WaferSpec",
    "WseError",
    "attach",
    "check",
    "collective",
    "compare",
    "explain",
    "fit",
    "models",
    "plot",
    "preflight",
    "read_run",
    "run",
    "scenario",
    "scenarios",
    "schedule",
    "validate",
    "wafers",
]

COMMANDS: Final = {
    "run": "questions.run",
    "fit": "questions.fit.answer",
    "check": "questions.check",
    "schedule": "questions.schedule",
    "explain": "questions.saved.explain",
    "preflight": "questions.preflight",
    "plot": "questions.saved.plot",
    "compare": "questions.saved.compare",
    "collective": "questions.collective",
    "models": "questions.models",
    "scenario": "questions.scenario",
    "scenarios": "questions.scenarios",
    "validate": "questions.validate.compare",
    "wafers": "questions.wafers",
}
"""Command -> the module of the function of that name, which answers the same question."""

_HOME: Final = {
    **COMMANDS,
    "WSE1": "wafer",
    "WSE2": "wafer",
    "WSE3": "wafer",
    "WSE3_SILICON": "wafer",
    "CheckReport": "results.check",
    "Comparison": "results.compare",
    "DoesNotFitError": "errors",
    "Emulation": "questions.attach",
    "Explanation": "results.explain",
    "FitReport": "results.fit",
    "InputError": "errors",
    "LearningRates": "results.schedule",
    "ModelEntry": "results.models",
    "Preflight": "results.preflight",
    "RunResult": "results.run",
    "StaticRuleError": "errors",
    "Study": "questions.collective",
    "ValidationReport": "questions.validate.report",
    "WaferSpec": "wafer",
    "WseError": "errors",
    "attach": "questions.attach",
    "read_run": "results.files",
}
"""Name -> its module; everything here is imported when it is first asked for."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        return importlib.import_module(f"{__name__}.version").package_version()
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
