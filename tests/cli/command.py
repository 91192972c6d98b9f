"""Running ``wse`` inside the test process, as the console script does."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from wse_emulator.cli.main import exit_code_of


@dataclass(frozen=True, slots=True)
class Answer:
    """Exit code, standard output and standard error of a command."""

    code: int
    output: str
    error: str


def wse(*arguments: str) -> Answer:
    """The answer of ``wse ARGUMENTS``."""
    output, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        code = exit_code_of(list(arguments))
    return Answer(code, output.getvalue(), error.getvalue())
