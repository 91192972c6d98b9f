"""What stands in for the ``step`` of an object, and leaves it again in any order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Final

from wse_emulator.capture.copies import STANDS_IN_FOR
from wse_emulator.errors import InputError

_ABSENT: Final = object()


class StandIn:
    """A method in an object's own attributes that is called instead of its ``step``.

    It is a bound method like the one it replaces, with that one's name, signature and attributes,
    since torch's schedulers take ``optimizer.step.__func__`` apart and put a function around it. A
    copy of the object, or what is loaded from its pickle, has its plain ``step``.

    Attributes:
        plain: the ``step`` that it stands in for.
    """

    def __init__(self, owner: object, instead: Callable[..., object]) -> None:
        """Take the place of ``owner.step``; ``instead`` is called with the same arguments.

        Raises:
            InputError: the object has no attributes of its own.
        """
        try:
            held = vars(owner)
        except TypeError:
            raise InputError(
                f"{type(owner).__name__} has no attributes of its own (__slots__), so that its "
                "step() cannot be watched; give its class a __dict__"
            ) from None
        self.plain: Callable[..., object] = getattr(owner, "step")  # noqa: B009  # of any object
        self._owner = owner
        self._own = held.get("step", _ABSENT)
        self._instead: Callable[..., object] | None = instead

        @functools.wraps(getattr(self.plain, "__func__", self.plain))
        def step(this: object, *arguments: object, **named: object) -> object:
            if this is self._owner and self._instead is not None:
                return self._instead(*arguments, **named)
            return self._plain_of(this)(*arguments, **named)

        vars(step)["stand_in"] = self
        vars(step)[STANDS_IN_FOR] = self.plain
        self._method = MethodType(step, owner)
        held["step"] = self._method

    def leave(self) -> None:
        """Uncover the ``step`` from before; at once, or when what was put over it since is gone."""
        self._instead = None
        top = _on_top_of(self._owner)
        while top is not None and top._instead is None:
            if top._own is _ABSENT:
                vars(self._owner).pop("step")
            else:
                vars(self._owner)["step"] = top._own
            top = _on_top_of(self._owner)

    def _plain_of(self, this: object) -> Callable[..., object]:
        """The ``step`` stood in for: of the object, or of a copy of it."""
        if this is self._owner or not isinstance(self.plain, MethodType):
            return self.plain
        return MethodType(self.plain.__func__, this)


def _on_top_of(owner: object) -> StandIn | None:
    """The stand-in that a call of the object's ``step`` reaches first."""
    method = vars(owner).get("step")
    found = getattr(method, "stand_in", None)
    return found if isinstance(found, StandIn) and found._method is method else None
