"""Which line of the optimizer's own code is running: what every violation says of its place."""

from __future__ import annotations

import functools
import inspect
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

import torch

_TORCH: Final = str(Path(torch.__file__).parent)
_PYTHON: Final = str(Path(inspect.__file__).parent)
_CAPTURE: Final = str(Path(__file__).parent)
_EMULATOR: Final = str(Path(__file__).parent.parent)
_CALLS_THE_STEP: Final = (f"{_CAPTURE}/step.py", f"{_CAPTURE}/scaling.py")


def caller() -> str:
    """``file.py:12`` of the innermost frame of the optimizer's own code; empty if it has none.

    Frames of torch, of Python's library and of this package's tracing are passed over. An
    optimizer of torch has no frame of its own: its step is called by the capture directly.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_EMULATOR):
            if file.startswith(_CALLS_THE_STEP) or not file.startswith(_CAPTURE):
                return ""
        elif _is_users(file):
            return _named(file, frame.f_lineno)
        frame = frame.f_back
    return ""


def raised_at(trace: TracebackType | None) -> str:
    """``file.py:12`` of the optimizer's own code in which an error was raised; else empty."""
    found = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if _is_users(file) and not file.startswith(_EMULATOR):
            found = _named(file, trace.tb_lineno)
        trace = trace.tb_next
    return found


def step_of(optimizer: torch.optim.Optimizer) -> str:
    """``file.py:12`` where the optimizer's ``step`` is written; empty for one of torch."""
    code = getattr(inspect.unwrap(type(optimizer).step), "__code__", None)
    if code is None or not _is_users(code.co_filename):
        return ""
    return _named(code.co_filename, code.co_firstlineno)


@functools.lru_cache(maxsize=4096)
def _is_users(file: str) -> bool:
    """Whether a file is neither torch's nor of Python's own library."""
    if file.startswith((_TORCH, "<")):
        return False
    return not file.startswith(_PYTHON) or "site-packages" in file


@functools.lru_cache(maxsize=4096)
def _named(file: str, line: int) -> str:
    return f"{Path(file).name}:{line}"
