"""Tables of the documents that are generated from records: written by one, held by the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (headings, *rows)]
    return [lines[0], "|" + "---|" * len(headings), *lines[1:]]


def with_table(page: str, table: Sequence[str]) -> str:
    """The page with ``table`` in place of the one that has the same line of headings.

    Raises:
        ValueError: the page has no table with these headings.
    """
    lines = page.split("\n")
    begin = lines.index(table[0])
    end = next(n for n in range(begin, len(lines)) if not lines[n].startswith("|"))
    return "\n".join([*lines[:begin], *table, *lines[end:]])
