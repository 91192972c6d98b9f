"""Further questions about a result: what limits its step, and what another one changes."""

from __future__ import annotations

from pathlib import Path

from wse_emulator.errors import InputError
from wse_emulator.questions.saved.compare import side
from wse_emulator.results.answer import StepAnswer, repeat_of
from wse_emulator.results.compare import Comparison
from wse_emulator.results.compare import compare as lay_side_by_side
from wse_emulator.results.explain import Explanation
from wse_emulator.results.fit import FitReport
from wse_emulator.results.preflight import Preflight
from wse_emulator.results.run import RunResult
from wse_emulator.tell import Tell, silent


def explained(
    answer: StepAnswer, tell: Tell | None = None, *, source: str = "this result"
) -> Explanation:
    """What limits the step; see :meth:`~wse_emulator.results.answer.StepAnswer.explain`.

    Args:
        answer: the result whose question is asked again.
        tell: called with the name of each part as it begins.
        source: the file of the result, for messages.

    Raises:
        InputError: the question cannot be asked again.
    """
    repeat = repeat_of(answer)
    if repeat is not None:
        return repeat(tell or silent)
    # pictures of a saved result are drawn without loading torch
    from wse_emulator.inputs.read import read_again  # noqa: PLC0415 - loads torch
    from wse_emulator.questions.explain import (  # noqa: PLC0415 - loads torch
        KnownResult,
        explain_again,
        explain_inputs,
    )

    if isinstance(answer, RunResult):
        known = KnownResult(source=source, digest=answer.digest, command=answer.command)
        return explain_again(answer.request, known, tell or silent)
    if isinstance(answer, FitReport | Preflight):
        inputs = read_again(answer.request)
        return explain_inputs(inputs, command=answer.command, tell=tell or silent)
    raise InputError(f"a {type(answer).__name__} has no step to explain")


def compared(answer: StepAnswer, other: StepAnswer | str | Path) -> Comparison:
    """What another result changes; see :meth:`~wse_emulator.results.answer.StepAnswer.compare`.

    Raises:
        InputError: one of the two is no result of a run or a fit.
    """
    return lay_side_by_side(side(answer), side(other))
