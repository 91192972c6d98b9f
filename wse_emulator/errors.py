"""Every error that a user can meet; each is a subclass of :class:`WseError`.

A message is one plain line: what is wrong, where, and what to do. ``exit_code`` is what the
command line returns for it: 2 for wrong usage or input, 3 for a model that does not fit, 4 for an
optimizer that breaks a static-state rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class WseError(Exception):
    """Base of all errors raised by ``wse_emulator``.

    Example:
        >>> try:
        ...     wse_emulator.run("gpt3")
        ... except wse_emulator.WseError as error:
        ...     print(type(error).__name__, error.exit_code)
        UnknownNameError 2
    """

    exit_code: ClassVar[int] = 2


# --- input -----------------------------------------------------------------------------------


class InputError(WseError):
    """Something that the user named cannot be used.

    Example:
        >>> wse_emulator.run("gpt2", steps=1.5)
        Traceback (most recent call last):
        wse_emulator.errors.InputError: steps is 1.5; give a whole number
    """


class UnknownNameError(InputError):
    """A model, optimizer, scheduler, wafer, scenario or view of that name does not exist."""


class MalformedFileError(InputError):
    """A file is missing, unreadable, or not of the kind that it should be."""


class FactoryError(InputError):
    """A ``module:factory`` cannot be imported, raises, or returns the wrong kind of object."""


class NotJudgedError(InputError):
    """The step of an optimizer could not be judged; the message says why, and what to do."""


class OutputError(InputError):
    """An output folder or file cannot be written, or would overwrite what is there."""


class ConfigError(InputError):
    """A run config asks for something that the emulator cannot do."""


# --- machine ---------------------------------------------------------------------------------


class WaferSpecError(InputError):
    """A machine description is impossible; the message names the field."""


class CollectiveError(InputError):
    """A collective of that kind, algorithm, shape or length does not exist."""


class ColorsExhaustedError(WseError):
    """More channels pass a router than it has colors; the message names region and channels."""


# --- capture: the static-state rules ---------------------------------------------------------


class StaticRuleError(WseError):
    """An optimizer breaks a static-state rule.

    Attributes:
        rule: short name of the rule, as it stands in ``wse check --json``.
        parameter: name of the parameter concerned, or None.
        state: name of the state (or hyper-parameter) concerned, or None.
        remedy: what to do.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(4))
        >>> broken = wse_emulator.check(torch.optim.AdamW([p])).violations
        >>> "state-created-in-step" in {violation.rule for violation in broken}
        True
    """

    exit_code: ClassVar[int] = 4
    rule: ClassVar[str] = "static"

    def __init__(
        self,
        message: str,
        *,
        parameter: str | None = None,
        state: str | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter
        self.state = state
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. Remedy: {self.remedy}" if self.remedy else self.message


class StateCreatedError(StaticRuleError):
    """A state tensor is created inside ``step()``."""

    rule = "state-created-in-step"


class StateRemovedError(StaticRuleError):
    """A state tensor that the constructor made is gone after ``step()``."""

    rule = "state-removed-in-step"


class StateReplacedError(StaticRuleError):
    """A state tensor changes shape, dtype or storage in ``step()``."""

    rule = "state-replaced-in-step"


class ParameterReplacedError(StaticRuleError):
    """A parameter gets other storage, or another view of it, in ``step()`` (``p.data = ...``)."""

    rule = "parameter-replaced-in-step"


class ParametersChangedError(StaticRuleError):
    """``step()`` adds or removes parameters, or reorders them."""

    rule = "parameters-change-in-step"


class HiddenStateError(StaticRuleError):
    """``step()`` reads a tensor that an earlier step made and that is no declared state."""

    rule = "state-outside-state"


class RateChangedError(StaticRuleError):
    """``step()`` changes its own learning rate, or binds another tensor to it."""

    rule = "rate-changes-in-step"


class HostSyncError(StaticRuleError):
    """``step()`` reads a tensor's value from Python (``.item()``, ``bool()``, ``print``)."""

    rule = "host-synchronisation"


class DataDependentShapeError(StaticRuleError):
    """An op of ``step()`` gives a shape that depends on values (``nonzero()``, ``x[mask]``)."""

    rule = "shape-depends-on-values"


class RandomNumbersError(StaticRuleError):
    """``step()`` draws random numbers from a generator, whose state is on the host."""

    rule = "random-numbers-in-step"


class OtherThreadError(StaticRuleError):
    """``step()`` issues tensor ops in another thread, whose order no static program has."""

    rule = "ops-in-another-thread"


class GraphChangedError(StaticRuleError):
    """The captured graph of one step differs from that of the first."""

    rule = "graph-changes-between-steps"


class PythonNumberChangedError(StaticRuleError):
    """A Python number that enters the graph changes from step to step."""

    rule = "python-number-changes"


class ForeignWriteError(StaticRuleError):
    """``step()`` writes to a tensor that is neither a parameter nor declared state."""

    rule = "writes-outside-state"


class UnseenWriteError(StaticRuleError):
    """A parameter, a state or a constant changes without an op of the step that writes it."""

    rule = "writes-without-an-op"


class OverlapError(StaticRuleError):
    """Two parameters, gradients or states have elements in common."""

    rule = "tensors-overlap"


class UnknownOpError(StaticRuleError):
    """An op of the step has no known cost on a PE."""

    rule = "op-without-cost"


class StepFailedError(StaticRuleError):
    """``step()`` raises when it is captured."""

    rule = "step-fails"


# --- memory ----------------------------------------------------------------------------------


class DoesNotFitError(WseError):
    """A model needs more SRAM than there is.

    A model that does not fit is an answer of ``run``, ``fit`` and ``preflight`` and no error; this
    one is raised where there is nothing to answer without a step.

    Example:
        >>> try:
        ...     wse_emulator.explain(torch.nn.Linear(400, 400), wafer="wse2:2x2")
        ... except wse_emulator.DoesNotFitError as error:
        ...     print(error.exit_code)
        3
    """

    exit_code: ClassVar[int] = 3


# --- simulation ------------------------------------------------------------------------------


class ConservationError(WseError):
    """A check on a finished run has failed, which is a defect of the emulator and not of the
    input."""

    exit_code: ClassVar[int] = 70


class SramOverflowError(WseError):
    """A PE runs out of SRAM during the step; the message names the PE and its tensors."""

    exit_code: ClassVar[int] = 3


# --- results ---------------------------------------------------------------------------------


class ResultFileError(InputError):
    """A result file is truncated, of another schema, or no result at all."""


def near(name: str, known: Iterable[str], count: int = 3) -> str:
    """``" (did you mean a, b?)"`` for the known names nearest to ``name``, else ``""``."""
    found = nearest(name, known, count)
    return f" (did you mean {', '.join(found)}?)" if found else ""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names nearest to ``name``, whatever their case; at most ``count``."""
    spelled = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), spelled, n=count, cutoff=0.5)
    return [spelled[match] for match in found]
