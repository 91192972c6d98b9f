"""Learning-rate sections of run configs, read into a value.

Two spellings are read. Release 1.x names the class in an entry and the arguments beside it
(``{scheduler: Linear, initial_learning_rate: ..., steps: ...}``, several in a list run one after
another). Release 2.x has the class name as the only key
(``{SequentialLR: {schedulers: [{LinearLR: {...}}, ...]}}``). Reading is pure: the section is not
changed, and no optimizer is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, TypeGuard

from schedulers import names
from schedulers.errors import (
    HyperparameterError,
    ScheduleSectionError,
    UnsupportedScheduleError,
)

SectionArguments = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSection:
    """One schedule of a run config, with the names of this package.

    Attributes:
        scheduler: class name in ``schedulers``, such as ``LinearLR``.
        arguments: constructor arguments by name, without optimizer, parts and milestones.
        parts: the sections a SequentialLR or ChainedScheduler is made of.
        milestones: where the parts of a SequentialLR change, in steps.
        length: how many steps it lasts as a part of a sequence; None if the section says nothing.
        param_group_tags: tags of the parameter groups it is for; empty for all groups.
        unused: keys of the section that no argument takes.

    Example:
        >>> entry = {"StepLR": {"initial_learning_rate": 0.1, "step_size": 10, "gamma": 0.5}}
        >>> section = schedulers.read_learning_rate(entry)
        >>> section.scheduler, dict(section.arguments)
        ('StepLR', {'initial_learning_rate': 0.1, 'step_size': 10, 'gamma': 0.5})
    """

    scheduler: str
    arguments: tuple[tuple[str, object], ...] = ()
    parts: tuple[ScheduleSection, ...] = ()
    milestones: tuple[int, ...] = ()
    length: int | None = None
    param_group_tags: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def all_unused(self) -> tuple[str, ...]:
        """Keys nothing takes, of this section and its parts, each with the class it stood in."""
        own = tuple(f"{self.scheduler}.{key}" for key in self.unused)
        return own + tuple(key for part in self.parts for key in part.all_unused())

    def total_steps(self) -> int | None:
        """Steps until the last part ends, or None when it has no end."""
        if self.scheduler == names.SEQUENTIAL and self.milestones:
            last = self.parts[-1]
            absolute = dict(last.arguments).get("disable_lr_steps_reset", False)
            end = last.total_steps()
            return None if end is None else end if absolute else self.milestones[-1] + end
        if self.parts:
            return self.parts[0].total_steps()
        return self.length


_RESET_SWITCH: Final = "disable_lr_steps_reset"
_TAGS: Final = "param_group_tags"
_NOT_ARGUMENTS: Final = frozenset({"scheduler", "main_scheduler", _TAGS})


def read_learning_rate(
    learning_rate: object, *, disable_lr_steps_reset: bool = False
) -> ScheduleSection | None:
    """Read the ``learning_rate`` of a 1.x optimizer section, or a 2.x ``schedulers`` list.

    Args:
        learning_rate: a float, a number in a string, an entry, or a list of entries.
        disable_lr_steps_reset: what entries that do not say are given; 1.x has this key in the
            optimizer section.

    Returns:
        The section, or None for an empty or zero learning rate.

    Raises:
        UnknownSchedulerError: an entry names no scheduler; the message has the nearest names.
        UnsupportedScheduleError: an entry is of a kind the reference has and this package not.
        ScheduleSectionError: anything else that is not a learning-rate section.
        (All three are ``ValueError``.)

    Example:
        >>> entry = {"scheduler": "Constant", "learning_rate": "1e-3"}
        >>> section = schedulers.read_learning_rate(entry)
        >>> section.scheduler, section.arguments
        ('ConstantLR', (('learning_rate', 0.001),))
        >>> schedulers.read_learning_rate({"scheduler": "Cosin"})
        Traceback (most recent call last):
            ...
        schedulers.errors.UnknownSchedulerError: there is no scheduler 'Cosin'; did you mean one
        of: CosineDecayLR, CosineAnnealingLR
    """
    defaults = {_RESET_SWITCH: True} if disable_lr_steps_reset else {}
    if isinstance(learning_rate, bool):
        _refuse(learning_rate)
    if learning_rate is None or learning_rate in (0.0, "") or learning_rate in ([], (), {}):
        return None
    if isinstance(learning_rate, float | str):
        return _constant(learning_rate)
    if isinstance(learning_rate, Mapping):
        return _entry(learning_rate, defaults)
    if not _is_list(learning_rate):
        _refuse(learning_rate)
    if len(learning_rate) == 1:
        return read_learning_rate(
            learning_rate[0], disable_lr_steps_reset=disable_lr_steps_reset
        ) or _constant(0.0)
    entries = [_mapping(entry) for entry in learning_rate]
    if all("scheduler" not in entry for entry in entries):
        raise UnsupportedScheduleError(
            "a list of several schedulers in the 2.x form, each for its own parameter groups, is"
            " not one schedule; put consecutive ones into one SequentialLR"
        )
    return _list(entries, defaults)


def read_grouped_schedules(schedulers: Sequence[object]) -> tuple[ScheduleSection, ...]:
    """Read a 2.x ``schedulers`` list: one section, or several that differ in their group tags.

    Raises:
        UnsupportedScheduleError: several without tags; the reference runs them all over each other.
        UnknownSchedulerError, ScheduleSectionError: as in :func:`read_learning_rate`.

    Example:
        >>> sections = schedulers.read_grouped_schedules([
        ...     {"ConstantLR": {"learning_rate": 0.5, "param_group_tags": "a"}},
        ...     {"ConstantLR": {"learning_rate": 0.25, "param_group_tags": "b"}},
        ... ])
        >>> [section.param_group_tags for section in sections]
        [('a',), ('b',)]
    """
    sections = tuple(_entry(_mapping(entry), {}) for entry in schedulers)
    if len(sections) > 1:
        for section in sections:
            if not section.param_group_tags:
                raise UnsupportedScheduleError(
                    f"{section.scheduler} stands beside other schedulers without"
                    " param_group_tags; put consecutive ones into one SequentialLR, or name the"
                    " groups each is for"
                )
    return sections


def _refuse(learning_rate: object) -> NoReturn:
    raise ScheduleSectionError(
        f"learning_rate is {learning_rate!r} ({type(learning_rate).__name__}); give a float, a"
        " number in a string, a scheduler entry, or a list of entries"
    )


def _constant(value: float | str) -> ScheduleSection:
    number = names.number(value)
    if not isinstance(number, int | float):
        raise ScheduleSectionError(
            f"learning_rate is {value!r}; a string must hold a number, such as '1e-4'"
        )
    return ScheduleSection(scheduler="ConstantLR", arguments=(("learning_rate", float(number)),))


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _mapping(entry: object) -> SectionArguments:
    if not isinstance(entry, Mapping) or not all(isinstance(key, str) for key in entry):
        raise ScheduleSectionError(
            f"a scheduler entry must be a mapping such as {{scheduler: Linear, ...}}, got {entry!r}"
        )
    return entry


def _entry(entry: SectionArguments, defaults: SectionArguments) -> ScheduleSection:
    """One entry of either form."""
    entry = _mapping(entry)
    if "scheduler" in entry:
        name, arguments = entry["scheduler"], entry
    elif len(entry) == 1:
        ((name, inner),) = entry.items()
        arguments = _mapping({} if inner is None else inner)
    else:
        raise ScheduleSectionError(
            f"a scheduler entry needs a 'scheduler' key, or a class name as its only key; this one"
            f" has {', '.join(entry)}"
        )
    if not isinstance(name, str):
        raise ScheduleSectionError(f"scheduler is {name!r}; give the name of a scheduler class")
    scheduler = names.scheduler_class_name(name)
    if scheduler in (names.SEQUENTIAL, names.CHAINED):
        return _composition(scheduler, arguments, defaults)
    given = {key: names.number(value) for key, value in arguments.items()}
    tags = _tags(given.get(_TAGS))
    given = {key: value for key, value in given.items() if key not in _NOT_ARGUMENTS}
    length = next((given[key] for key in names.LENGTH_KEYS if key in given), None)
    resolved, unused = names.resolve_arguments(scheduler, {**defaults, **given}, spelled=name)
    return ScheduleSection(
        scheduler=scheduler,
        arguments=tuple(resolved.items()),
        length=None if length is None else _whole(scheduler, length),
        param_group_tags=tags,
        unused=tuple(unused),
    )


def _composition(
    scheduler: str, arguments: SectionArguments, defaults: SectionArguments
) -> ScheduleSection:
    entries = arguments.get("schedulers")
    if not _is_list(entries) or not entries:
        raise ScheduleSectionError(f"{scheduler}: give schedulers, a list of scheduler entries")
    parts = tuple(_entry(_mapping(entry), defaults) for entry in entries)
    known = {"scheduler", "schedulers", "milestones", "main_scheduler", "last_epoch", _TAGS}
    milestones: tuple[int, ...] = ()
    if scheduler == names.SEQUENTIAL:
        given = arguments.get("milestones")
        if given is None:
            milestones = _milestones(parts)
        elif _is_list(given):
            milestones = tuple(_whole(scheduler, milestone) for milestone in given)
        else:
            raise ScheduleSectionError(f"{scheduler}: milestones must be a list, got {given!r}")
    length = next((arguments[key] for key in names.LENGTH_KEYS if key in arguments), None)
    return ScheduleSection(
        scheduler=scheduler,
        parts=parts,
        milestones=milestones,
        length=None if length is None else _whole(scheduler, length),
        param_group_tags=_tags(arguments.get(_TAGS)),
        unused=tuple(k for k in arguments if k not in known and k not in names.LENGTH_KEYS),
    )


def _list(entries: Sequence[SectionArguments], defaults: SectionArguments) -> ScheduleSection:
    """Several 1.x entries: one after another, or multiplied when one says so."""
    kinds = {str(entry["main_scheduler"]) for entry in entries if entry.get("main_scheduler")}
    compositions = {names.composition_name(kind) for kind in kinds}
    if len(compositions) > 1:
        raise ScheduleSectionError(
            f"main_scheduler is {' and '.join(sorted(kinds))} in one list; give the same in all"
        )
    parts = tuple(_entry(entry, defaults) for entry in entries)
    if compositions == {names.CHAINED}:
        return ScheduleSection(scheduler=names.CHAINED, parts=parts)
    return ScheduleSection(scheduler=names.SEQUENTIAL, parts=parts, milestones=_milestones(parts))


def _milestones(parts: Sequence[ScheduleSection]) -> tuple[int, ...]:
    """Where each part but the first begins: the sums of the lengths before it."""
    milestones: list[int] = []
    reached = 0
    for position, part in enumerate(parts[:-1]):
        length = part.length if part.length is not None else part.total_steps()
        if length is None:
            raise ScheduleSectionError(
                f"schedulers[{position}] ({part.scheduler}) lacks total_iters; every schedule of a"
                " sequence but the last must say how long it lasts"
            )
        if length < 1:
            raise HyperparameterError(
                f"schedulers[{position}] ({part.scheduler}): total_iters is {length}; give a whole"
                " number of steps, 1 or more"
            )
        reached += length
        milestones.append(reached)
    return tuple(milestones)


def _whole(scheduler: str, value: object) -> int:
    number = names.number(value)
    if isinstance(number, float) and number.is_integer():
        return int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ScheduleSectionError(
            f"{scheduler}: a number of steps must be a whole number, got {value!r}"
        )
    return number


def _tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if _is_list(value) and all(isinstance(tag, str) for tag in value):
        return tuple(str(tag) for tag in value)
    raise ScheduleSectionError(f"param_group_tags must be a name or a list of names, got {value!r}")
