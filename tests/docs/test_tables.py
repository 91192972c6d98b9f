"""Tables in docs/ that are made from code are up to date; ``make docs`` writes them again."""

from __future__ import annotations

from tests.views.tables import PAGE, page_with_table


def test_the_table_of_views() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page_with_table(page) == page, "run: make docs"
