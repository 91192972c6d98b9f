"""What can be wrong with an optimizer, one class a rule.

`StaticStateError` and its subclasses report a step that breaks the rule of static state: on the
wafer every tensor that outlives a step is named, placed and given memory before the first step,
so a tensor that appears, vanishes or moves during a step would be lost without a word.
The other classes report wrong arguments, gradients or checkpoints. All of them derive from the
built-in exception that the reference API raises, so `except ValueError` keeps working.
"""

from __future__ import annotations


class StaticStateError(RuntimeError):
    """The state of an optimizer is not what it was when construction ended.

    Args:
        what: what was found, with the names of optimizer, parameter and state.
        parameter: position of the parameter in the optimizer's groups, or its name if it has one.
        state: key of the state entry.
        remedy: what to do about it.
    """

    def __init__(self, what: str, *, parameter: int | str, state: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.parameter = parameter
        self.state = state
        self.remedy = remedy


class StateCreatedError(StaticStateError):
    """A state entry exists that did not exist when construction ended."""


class StateRemovedError(StaticStateError):
    """A state entry that existed when construction ended is gone."""


class StateReplacedError(StaticStateError):
    """A state entry is another tensor, or the same tensor over other storage."""


class StateShapeError(StaticStateError):
    """A state tensor changed its shape."""


class StateDtypeError(StaticStateError):
    """A state tensor changed its dtype."""


class StateNumberError(StaticStateError):
    """A state entry that is a Python number changed; the graph keeps its first value for ever."""


class StateKindError(StaticStateError, TypeError):
    """A state entry is neither a tensor nor a plain constant, so it can have no place."""


class GlobalStepError(RuntimeError):
    """The global step was asked of an optimizer that keeps none."""


class SparseGradientError(RuntimeError):
    """A gradient has a sparse layout; the update rules are defined on dense gradients."""


class ArgumentError(ValueError):
    """An argument, or a parameter group's value, lies outside its documented range.

    Args:
        owner: name of the optimizer class or function.
        argument: name of the argument, with an index where it is a tuple.
        value: what was given.
        rule: what it must be.
    """

    def __init__(self, owner: str, argument: str, value: object, rule: str) -> None:
        super().__init__(f"{owner}: {argument} is {value!r}; it must be {rule}")
        self.argument = argument
        self.value = value
        self.rule = rule


class ParameterError(ValueError):
    """The parameters given to an optimizer cannot be optimized together."""


class StateDictError(ValueError):
    """A state dict does not belong to this optimizer; nothing of it was loaded."""


class UnknownOptimizerError(ValueError):
    """No optimizer has the given name."""


class ConfigurationError(RuntimeError):
    """An optimizer's constructor refused what a configuration gave it."""


class NoCounterpartError(TypeError):
    """The optimizer has no class of the same rule on the other side."""


class RuleDifferenceWarning(UserWarning):
    """The legal optimizer of the same name follows a rule that differs from torch's."""


class IgnoredKeyWarning(UserWarning):
    """A configuration carries a key that no optimizer takes; it was set aside."""
