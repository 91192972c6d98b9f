"""Text measured in the font of the pictures."""

from __future__ import annotations

from wse_emulator.views.text import text_width, wrapped


def test_wrapped_lines_are_no_wider_than_asked() -> None:
    text = "the fullest PE holds so many bytes of the capacity that it has " * 5
    lines = wrapped(text, 200, 9)
    assert " ".join(lines) == text.strip()
    assert all(text_width(line, 9) <= 200 for line in lines)
