"""Suggesting the names a user may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: str, known: Iterable[str], count: int = 3) -> str:
    """``" (did you mean a, b?)"`` for the known names nearest to ``name``, else ``""``."""
    spelled = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), spelled, n=count, cutoff=0.5)
    return f" (did you mean {', '.join(spelled[match] for match in found)}?)" if found else ""
