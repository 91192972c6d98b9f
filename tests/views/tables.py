"""The table of views in docs/results.md, made from the views there are.

``python -m tests.views.tables`` writes it into the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.generated_tables import markdown_table, with_table
from wse_emulator.views.catalog import QUESTIONS

PAGE: Final = Path(__file__).parents[2] / "docs" / "results.md"


def page_with_table(page: str) -> str:
    """The text of docs/results.md with its table of views as the code has them."""
    rows = [(f"`{name}`", question) for name, question in QUESTIONS.items()]
    return with_table(page, markdown_table(("view", "the question it answers"), rows))


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
