"""Names of arguments: a function of this package says which one was meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from wse_emulator.errors import near

P = ParamSpec("P")
R = TypeVar("R")


def named_as_flags(**former: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function that refuses an unknown argument by naming the one that is meant.

    Python's own message for an unknown argument names no other. The signature stays as it is.

    Args:
        former: an argument's former name -> its name, which is that of the command's flag.

    Example:
        >>> from wse_emulator.inputs.keywords import named_as_flags
        >>> @named_as_flags(sequence="seq_len")
        ... def tokens(*, seq_len: int) -> int:
        ...     return seq_len
        >>> tokens(sequence=8)
        Traceback (most recent call last):
        TypeError: tokens() has no argument 'sequence'; it is called 'seq_len'
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = list(inspect.signature(function).parameters)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name in known:
                    continue
                told = near(name, known, 1) or f"; it takes {', '.join(known)}"
                if name in former:
                    told = f"; it is called {former[name]!r}"
                raise TypeError(f"{function.__name__}() has no argument {name!r}{told}")
            return function(*args, **kwargs)

        return call

    return decorate
