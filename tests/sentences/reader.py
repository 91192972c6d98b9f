"""Reading what a command prints: every sentence is known, and agrees with the JSON.

A reader stands for a function of ``SENTENCE_MAKERS``: a pattern of its words, and a check of what
they say against the values, which takes nothing but the figures of the machine from the
package.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tests.sentences.heard import Heard
from tests.sentences.numbers import BYTES, NUMBER, SHARE, SIZE, TIME

Check = Callable[[re.Match[str], Heard], bool]

READERS: Final[dict[str, list[tuple[re.Pattern[str], Check, frozenset[str]]]]] = {}
"""Name of the function that makes a sentence -> patterns, checks and commands, one a wording."""

OF_A_STEP: Final = ("run", "fit", "preflight")
"""The commands whose JSON has the values of most sentences."""

_PARTS = {
    "NUMBER": NUMBER,
    "SHARE": SHARE,
    "TIME": TIME,
    "BYTES": BYTES,
    "SIZE": SIZE,
    "NAME": r"\S(?:.*?\S)?",
    "REST": r"\S.*",
}


class FalseSentenceError(AssertionError):
    """A sentence that nobody words, or that disagrees with the values."""


def reads(
    maker: str, pattern: str, commands: tuple[str, ...] = OF_A_STEP
) -> Callable[[Check], Check]:
    """Register a check for the words that ``maker`` makes in some commands.

    In ``pattern``, ``<name:KIND>`` is a part that differs and ``[...]`` one that may lack.
    """
    parts = re.split(r"<(\w+):(\w+)>", pattern)
    whole = ""
    for literal, name, kind in zip(
        parts[0::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True
    ):
        whole += re.escape(literal)
        if name:
            whole += f"(?P<{name}>{_PARTS[kind]})"
    compiled = re.compile(
        whole.replace(r"\|", "|").replace(r"\[", "(?:").replace(r"\]", ")?"), re.DOTALL
    )

    def register(check: Check) -> Check:
        READERS.setdefault(maker, []).append((compiled, check, frozenset(commands)))
        return check

    return register


def read_paragraph(text: str, heard: Heard) -> list[str]:
    """The makers of the sentences of a paragraph, each held to the values.

    Raises:
        FalseSentenceError: words that no reader knows, or that are not true.
    """
    at, makers = 0, []
    while at < len(text):
        maker, end = _read_one(text, at, heard)
        makers.append(maker)
        at = end + (text[end : end + 1] == " ")
    return makers


def _read_one(text: str, at: int, heard: Heard) -> tuple[str, int]:
    false = []
    for maker, wordings in READERS.items():
        for pattern, check, commands in wordings:
            match = pattern.match(text, at) if heard.words[0] in commands else None
            if match is None:
                continue
            if check(match, heard):
                return maker, match.end()
            false.append(f"{maker}: {match[0]!r}")
    raise FalseSentenceError(
        f"wse {' '.join(heard.words)}\nsays {text[at:]!r}\n"
        + (f"which is not true: {false}" if false else "which no function words")
    )
