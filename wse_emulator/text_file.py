"""Text and JSON from files of users: read whole, or refused for a reason that can be told.

The readers of each kind of file say which file it was and what it should have been.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Final

MOST_FILE_BYTES: Final = 64 * 2**20
"""A larger description of a model or a machine is refused: the largest known have under 1 MB."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def text_of(path: Path, what: str, most_bytes: int = MOST_FILE_BYTES) -> str:
    """Read a text file in UTF-8, with or without a mark of its byte order.

    Args:
        path: the file.
        what: what it should be, for the message.
        most_bytes: how long it may be.

    Raises:
        OSError: it is missing or cannot be read.
        ValueError: it is longer, or not UTF-8; says so.
    """
    with path.open("rb") as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"larger than {most_bytes // 1024:,} KiB, more than {what} can be")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start})") from error


def json_of(text: str, *, finite: bool = True) -> object:
    """Parse JSON as its standard has it: finite numbers, no name twice, names that are text.

    Args:
        text: the document.
        finite: False for a reader that refuses infinite numbers and NaN by the name of the field.

    Raises:
        ValueError: it is not JSON, or not such; says where.

    Example:
        >>> json_of('{"a": [1, 2.5]}')
        {'a': [1, 2.5]}
        >>> json_of('{"a": 1, "a": 2}')
        Traceback (most recent call last):
            ...
        ValueError: 'a' stands twice in one object
    """
    try:
        document: object = json.loads(
            text,
            parse_constant=_refuse_constant if finite else None,
            parse_float=_finite if finite else None,
            object_pairs_hook=_without_repeats,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _ESCAPED_SURROGATE.search(text):  # most texts have none, and are not looked at twice
        _refuse_surrogates(document)
    return document


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"{repeated!a:.60} stands twice in one object")
    return document


def _refuse_surrogates(document: object) -> None:
    """See that every text of a document can be written again: half a character cannot."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and _SURROGATE.search(value):
            raise ValueError(f"{value!a:.60} holds half of a character (a lone surrogate)")
