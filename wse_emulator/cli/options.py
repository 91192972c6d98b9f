"""What was typed: options that several commands share, read from text, and the whole command."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import click

from wse_emulator.errors import InputError

_WORDS = {"true": True, "false": False, "none": None}


def typed_command() -> str:
    """The command line that repeats what runs now; empty outside of a command."""
    words: list[str] = click.get_current_context().find_root().obj or []
    return shlex.join(words)


def parse_options(options: Iterable[str]) -> dict[str, object]:
    """``NAME=VALUE`` texts as arguments: numbers, true/false/none, and tuples by commas.

    Raises:
        InputError: a text without ``=``, or a name given twice.
    """
    parsed: dict[str, object] = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"-o {text!r} is not NAME=VALUE, as in -o weight_decay=0.1")
        if name in parsed:
            raise InputError(f"-o {name} is given twice")
        parsed[name] = _value(value)
    return parsed


def _value(text: str) -> object:
    if "," in text:
        return tuple(_value(part.strip()) for part in text.split(","))
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    from schedulers.names import number  # noqa: PLC0415 - its package loads torch

    return number(text)
