"""Names of arguments: former ones are understood, and a misspelt one is told which was meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from wse_emulator.errors import near

P = ParamSpec("P")
R = TypeVar("R")


def named_as_flags(**former: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function that takes arguments by former names too, and names what a wrong one means.

    Python's own message for an unknown argument names no other. The signature stays as it is.

    Args:
        former: an argument's former name -> its name, which is that of the command's flag.

    Raises:
        TypeError: from the function, for an unknown argument, or one given by both names.

    Example:
        >>> from wse_emulator.inputs.keywords import named_as_flags
        >>> @named_as_flags(sequence="seq_len")
        ... def tokens(*, seq_len: int) -> int:
        ...     return seq_len
        >>> tokens(sequence=8)
        8
        >>> tokens(seq_length=8)
        Traceback (most recent call last):
        TypeError: tokens() has no argument 'seq_length' (did you mean seq_len?)
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = list(inspect.signature(function).parameters)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in list(kwargs):
                if name in known:
                    continue
                if name not in former:
                    told = near(name, known, 1) or f"; it takes {', '.join(known)}"
                    raise TypeError(f"{function.__name__}() has no argument {name!r}{told}")
                if former[name] in kwargs:
                    raise TypeError(
                        f"{function.__name__}() was given {former[name]!r} twice: also as {name!r}"
                    )
                kwargs[former[name]] = kwargs.pop(name)
            return function(*args, **kwargs)

        return call

    return decorate
