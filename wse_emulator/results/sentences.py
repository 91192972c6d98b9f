"""Sentences about results: each fact is worded by one function, and only these reach a terminal.

A function decorated with :func:`sentence` takes values of a result and returns words. Everything
that says the same fact (a command, the report's page, a picture, a notebook) calls that function.
``say`` of :mod:`wse_emulator.terminal.say` takes what they return and nothing else, which the type
checker sees to; ``tests/sentences`` reads what commands print and holds each to the values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, NewType, ParamSpec

Arguments = ParamSpec("Arguments")

Sentence = NewType("Sentence", str)
"""Whole sentences, or a line that names what follows; empty if there is nothing to say."""

NOTHING: Final = Sentence("")

SENTENCE_MAKERS: Final[dict[str, Callable[..., Sentence]]] = {}
"""Name of a function -> the function, of all that word a fact."""


def sentence(make: Callable[Arguments, str]) -> Callable[Arguments, Sentence]:
    """Register a function as the one that words its fact.

    Example:
        >>> from wse_emulator.results.sentences import SENTENCE_MAKERS
        >>> import wse_emulator.results.answers
        >>> "verdict" in SENTENCE_MAKERS
        True
    """

    @wraps(make)
    def made(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Sentence:
        return Sentence(make(*args, **kwargs))

    SENTENCE_MAKERS[make.__name__] = made
    return made


def sentences_together(*said: Sentence) -> Sentence:
    """The sentences one after the other, without those that are empty."""
    return Sentence(" ".join(text for text in said if text))
