"""Telling how far the work is."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]
"""Told the name of each part of the work as it begins."""
