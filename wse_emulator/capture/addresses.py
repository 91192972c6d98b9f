"""Memory that Python reaches by its address: ctypes, told while a step runs."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

_FUNCTIONS: Final = ("memset", "memmove", "string_at", "wstring_at", "cast")
_AT_AN_ADDRESS: Final = "ctypes.cdata"
"""What Python's audit calls an object of ctypes that is laid over memory."""

_listening: list[Callable[[str], None]] = []


class NoAddressError(RuntimeError):
    """Raised instead of giving 0 as an address, which a foreign function would read."""

    def __init__(self) -> None:
        super().__init__("a tensor without values has no address")


@contextmanager
def told_of_addresses(tell: Callable[[str], None]) -> Iterator[None]:
    """Call ``tell`` with the name of every function of ctypes that is about to use an address.

    ``tell`` may raise, so that the function does not run: a wrong address ends the process.
    """
    _listen()
    own = {name: getattr(ctypes, name) for name in _FUNCTIONS}
    for name, function in own.items():
        setattr(ctypes, name, _telling(function, name, tell))
    _listening.append(tell)
    try:
        yield
    finally:
        _listening.pop()
        for name, function in own.items():
            setattr(ctypes, name, function)


def _telling(
    function: Callable[..., object], name: str, tell: Callable[[str], None]
) -> Callable[..., object]:
    def told(*arguments: object) -> object:
        tell(f"ctypes.{name}()")
        return function(*arguments)

    return told


@cache  # a hook stays for the life of the process
def _listen() -> None:
    def heard(event: str, _arguments: tuple[object, ...]) -> None:
        if _listening and event == _AT_AN_ADDRESS:
            _listening[-1]("an object of ctypes at an address")

    sys.addaudithook(heard)
