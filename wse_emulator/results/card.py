"""The small HTML table in which a notebook shows a result."""

from __future__ import annotations

import html
from collections.abc import Iterable


def card_table(rows: Iterable[tuple[str, str]]) -> str:
    """Make an HTML table of two columns; empty without rows."""
    lines = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{lines}</table>" if lines else ""
