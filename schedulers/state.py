"""What a scheduler's state dictionary may hold, and the checks before one is taken over."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from schedulers.errors import SchedulerStateError
from schedulers.validation import INT64_LARGEST

NOT_IN_STATE = frozenset(
    {"optimizer", "last_epoch", "_rate_cell", "_composed_in", "param_group_tags"}
)
"""Attributes of a scheduler that are no hyper-parameters."""

_MAY_BE_MISSING = frozenset({"disable_lr_steps_reset"})
"""Later releases of the reference do not write these."""

_MAY_BE_IGNORED = frozenset({"last_epoch", "param_group_tags"})


def is_plain(value: object) -> bool:
    """Whether `value` is a number, string, None, or a list, tuple or dictionary of such."""
    if isinstance(value, list | tuple):
        return all(is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def plain(value: object) -> object:
    """A copy of a plain value, with lists for tuples."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def position(scheduler: str, state_dict: Mapping[str, object]) -> int:
    """The ``last_epoch`` of a state dictionary: a whole number, 0 or more.

    Raises:
        SchedulerStateError: it is missing, or something else.
    """
    if not isinstance(state_dict, Mapping):
        raise SchedulerStateError(
            f"{scheduler}: a state dictionary is needed, got {type(state_dict).__name__}"
        )
    if "last_epoch" not in state_dict:
        raise SchedulerStateError(
            f"{scheduler}: the state dictionary has no last_epoch; it is truncated, or it is not"
            " a scheduler's"
        )
    value = state_dict["last_epoch"]
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta:
        value = value.item()  # the reference saves its counter as it is
    step = value if isinstance(value, int) and not isinstance(value, bool) else -1
    if not 0 <= step <= INT64_LARGEST:
        raise SchedulerStateError(
            f"{scheduler}: last_epoch in the state dictionary is {value!r};"
            " it must be a whole number, 0 or more"
        )
    return step


def check_entries(
    scheduler: str, current: Mapping[str, object], state_dict: Mapping[str, object]
) -> None:
    """Compare a state dictionary with the hyper-parameters `current` that it would replace.

    Raises:
        SchedulerStateError: an entry is missing, unknown, of another kind, or not usable.
    """
    missing = [k for k in current if k not in state_dict and k not in _MAY_BE_MISSING]
    if missing:
        raise SchedulerStateError(
            f"{scheduler}: the state dictionary lacks {', '.join(missing)}; it is truncated, or"
            " it is another scheduler's"
        )
    unknown = [
        k
        for k in state_dict
        if k not in current and k not in _MAY_BE_IGNORED and not k.startswith("_")
    ]
    if unknown:
        raise SchedulerStateError(
            f"{scheduler}: the state dictionary holds {', '.join(map(str, unknown))}, which this"
            " scheduler does not have; it is another scheduler's"
        )
    for name, live in current.items():
        if name in state_dict and not _replaces(live, state_dict[name]):
            raise SchedulerStateError(
                f"{scheduler}: {name} in the state dictionary is {state_dict[name]!r},"
                f" which cannot stand in for {live!r}"
            )


def _replaces(live: object, loaded: object) -> bool:
    """Whether `loaded` is of the same kind as `live`, and a count stays a count."""
    if live is None or loaded is None:
        return loaded is None or is_plain(loaded)
    if isinstance(live, bool) or isinstance(loaded, bool):
        return isinstance(live, bool) and isinstance(loaded, bool)
    if isinstance(live, int):
        return isinstance(loaded, int) and (loaded > 0 or live <= 0)
    if isinstance(live, float):
        return isinstance(loaded, int | float) and math.isfinite(loaded)
    if isinstance(live, list):
        return (
            isinstance(loaded, list | tuple)
            and len(live) == len(loaded)
            and all(_replaces(a, b) for a, b in zip(live, loaded, strict=True))
        )
    return type(live) is type(loaded)
