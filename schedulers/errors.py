"""What can be wrong with a schedule, one class a rule.

Every class is also the built-in exception the reference API raises in its place
(``ValueError``, ``TypeError``), so code written against the reference keeps working.
"""

from __future__ import annotations


class SchedulerError(Exception):
    """Base of every error the ``schedulers`` package raises.

    Example:
        >>> try:
        ...     schedulers.read_learning_rate("fast")
        ... except schedulers.SchedulerError as error:
        ...     print(error)
        learning_rate is 'fast'; a string must hold a number, such as '1e-4'
    """


class HyperparameterError(SchedulerError, ValueError):
    """A number of a schedule is outside the range in which its formula has a meaning.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedulers.LinearLR(optimizer, 1.0, 0.0, total_iters=0)
        Traceback (most recent call last):
            ...
        schedulers.errors.HyperparameterError: LinearLR: total_iters is 0; give a whole number of
        steps, 1 or more
    """


class HyperparameterTypeError(SchedulerError, TypeError):
    """An argument of a schedule has the wrong type.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedulers.ConstantLR(optimizer, "0.1")
        Traceback (most recent call last):
            ...
        schedulers.errors.HyperparameterTypeError: ConstantLR: learning_rate must be a number, got
        '0.1' (str)
    """


class MilestoneError(SchedulerError, ValueError):
    """Milestones do not increase, or their count does not match the pieces they separate.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedulers.MultiStepLR(optimizer, 1.0, gamma=0.1, milestones=[4, 2])
        Traceback (most recent call last):
            ...
        schedulers.errors.MilestoneError: MultiStepLR: milestones must increase, but milestones[1]
        = 2 follows 4
    """


class NotAnOptimizerError(SchedulerError, TypeError):
    """A scheduler was given something other than an ``optimizers.Optimizer``.

    Example:
        >>> theirs = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedulers.ConstantLR(theirs, 0.1)
        Traceback (most recent call last):
            ...
        schedulers.errors.NotAnOptimizerError: ConstantLR: the optimizer must be an
        optimizers.Optimizer, got torch.optim.sgd.SGD; build it from the optimizers package
        (optimizers.from_torch converts a torch one)
    """


class OptimizerMismatchError(SchedulerError, ValueError):
    """Schedulers that are composed drive different optimizers.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> one, other = optimizers.SGD([p], lr=0.1), optimizers.SGD([p], lr=0.1)
        >>> parts = [schedulers.ConstantLR(o, 0.1) for o in (one, other)]
        >>> schedulers.SequentialLR(one, parts, milestones=[10])
        Traceback (most recent call last):
            ...
        schedulers.errors.OptimizerMismatchError: SequentialLR: schedulers[1] (ConstantLR) drives
        another optimizer; build every part on the same one
    """


class ComposedSchedulerError(SchedulerError, RuntimeError):
    """A scheduler that became part of a composition was stepped by itself.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> part = schedulers.ConstantLR(optimizer, 0.1)
        >>> chained = schedulers.ChainedScheduler([part])
        >>> part.step()
        Traceback (most recent call last):
            ...
        schedulers.errors.ComposedSchedulerError: ConstantLR is part of a ChainedScheduler; step
        that one instead
    """


class UnchainableSchedulerError(SchedulerError, ValueError):
    """A scheduler has no initial rate, or one of zero, by which a chain could divide it.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> parts = [schedulers.ConstantLR(optimizer, 0.1) for _ in range(2)]
        >>> schedulers.ChainedScheduler(parts)
        Traceback (most recent call last):
            ...
        schedulers.errors.UnchainableSchedulerError: ChainedScheduler: schedulers[1] (ConstantLR)
        has no initial_learning_rate above 0 to be divided by; put it first, or leave it out
    """


class SchedulerStateError(SchedulerError, ValueError):
    """A state dictionary does not belong to this scheduler, or holds no usable numbers.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedulers.ConstantLR(optimizer, 0.1).load_state_dict({})
        Traceback (most recent call last):
            ...
        schedulers.errors.SchedulerStateError: ConstantLR: the state dictionary has no last_epoch;
        it is truncated, or it is not a scheduler's
    """


class UnreadableRateError(SchedulerError, RuntimeError):
    """The rate was asked for as a number, and the optimizer's parameters have no data (meta).

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2, device="meta"))
        >>> schedulers.ConstantLR(optimizers.SGD([p], lr=0.1), 0.1).get_last_lr()
        Traceback (most recent call last):
            ...
        schedulers.errors.UnreadableRateError: ConstantLR: the optimizer's parameters are on the
        meta device, so there is no current rate; use rates(steps) for the rate at a step
    """


class UnknownSchedulerError(SchedulerError, ValueError):
    """A configuration names a scheduler that does not exist.

    Example:
        >>> schedulers.read_learning_rate({"scheduler": "Cosin"})
        Traceback (most recent call last):
            ...
        schedulers.errors.UnknownSchedulerError: there is no scheduler 'Cosin'; did you mean one
        of: CosineDecayLR, CosineAnnealingLR
    """


class UnsupportedScheduleError(SchedulerError, ValueError):
    """A configuration names something the reference has and this package does not.

    Example:
        >>> schedulers.read_grouped_schedules([
        ...     {"ConstantLR": {"learning_rate": 0.5}}, {"ConstantLR": {"learning_rate": 0.25}},
        ... ])
        Traceback (most recent call last):
            ...
        schedulers.errors.UnsupportedScheduleError: ConstantLR stands beside other schedulers
        without param_group_tags; put consecutive ones into one SequentialLR, or name the groups
        each is for
    """


class ScheduleSectionError(SchedulerError, ValueError):
    """A learning-rate section lacks an argument, has one too many, or has the wrong form.

    Example:
        >>> schedulers.read_learning_rate({"LinearLR": {"initial_learning_rate": 0.1}})
        Traceback (most recent call last):
            ...
        schedulers.errors.ScheduleSectionError: LinearLR: end_learning_rate is missing; LinearLR
        takes initial_learning_rate, end_learning_rate, total_iters, cycle, disable_lr_steps_reset
    """
