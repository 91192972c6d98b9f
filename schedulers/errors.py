"""What can be wrong with a schedule, one class a rule.

Every class is also the built-in exception the reference API raises in its place
(``ValueError``, ``TypeError``), so code written against the reference keeps working.
"""

from __future__ import annotations


class SchedulerError(Exception):
    """Base of every error the ``schedulers`` package raises."""


class HyperparameterError(SchedulerError, ValueError):
    """A number of a schedule is outside the range in which its formula has a meaning."""


class HyperparameterTypeError(SchedulerError, TypeError):
    """An argument of a schedule has the wrong type."""


class MilestoneError(SchedulerError, ValueError):
    """Milestones do not increase, or their count does not match the pieces they separate."""


class NotAnOptimizerError(SchedulerError, TypeError):
    """A scheduler was given something other than an ``optimizers.Optimizer``."""


class OptimizerMismatchError(SchedulerError, ValueError):
    """Schedulers that are composed drive different optimizers."""


class ComposedSchedulerError(SchedulerError, RuntimeError):
    """A scheduler that became part of a composition was stepped by itself."""


class UnchainableSchedulerError(SchedulerError, ValueError):
    """A scheduler has no initial rate, or one of zero, by which a chain could divide it."""


class SchedulerStateError(SchedulerError, ValueError):
    """A state dictionary does not belong to this scheduler, or holds no usable numbers."""


class UnreadableRateError(SchedulerError, RuntimeError):
    """The rate was asked for as a number, and the optimizer's parameters have no data (meta)."""


class UnknownSchedulerError(SchedulerError, ValueError):
    """A configuration names a scheduler that does not exist."""


class UnsupportedScheduleError(SchedulerError, ValueError):
    """A configuration names something the reference has and this package does not."""


class ScheduleSectionError(SchedulerError, ValueError):
    """A learning-rate section lacks an argument, has one too many, or has the wrong form."""
