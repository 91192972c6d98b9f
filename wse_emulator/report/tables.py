"""The tables of the report in HTML: readable without scripts, and sortable with them."""

from __future__ import annotations

import html
from collections.abc import Sequence

from wse_emulator.views.table import Cell, Table


def sortable_table(title: str, key: str, table: Table) -> str:
    """Make a table with a heading; a column whose cells are all numbers is sorted by number.

    Args:
        key: id of the table element.
    """
    numeric = [
        all(isinstance(row[place], int | float) for row in table.rows)
        for place in range(len(table.columns))
    ]
    head = "".join(
        f'<th{_class(number)}><button type="button">{html.escape(_words(name))}</button></th>'
        for name, number in zip(table.columns, numeric, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(_cell(c, number) for c, number in zip(row, numeric, strict=True))}</tr>"
        for row in table.rows
    )
    return (
        f'<h3>{html.escape(title)}</h3><div class="table-box"><table class="sortable" id="{key}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def number_list(rows: Sequence[tuple[str, str, str]]) -> str:
    """Make a table of two columns from (name, value, key); the key is the id of the value's
    cell."""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td id="value-{key}">{html.escape(value)}</td></tr>'
        for name, value, key in rows
    )
    return f'<table class="numbers">{lines}</table>'


def _cell(value: Cell, number: bool) -> str:
    if number and isinstance(value, int | float):
        shown = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
        return f'<td class="number" data-value="{value}">{shown}</td>'
    return f"<td>{html.escape('' if value is None else str(value))}</td>"


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _words(name: str) -> str:
    return name.replace("_", " ")
