"""Commands of these tests tell no progress on a busy machine; test_progress sets its own time."""

from __future__ import annotations

import pytest

from wse_emulator.cli import progress


@pytest.fixture(autouse=True)
def no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the first progress line an hour away, so that errors are the only lines on stderr."""
    monkeypatch.setattr(progress, "SILENT_SECONDS", 3600.0)
