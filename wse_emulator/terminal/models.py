"""What ``wse models`` prints."""

from __future__ import annotations

from collections.abc import Iterable

from wse_emulator.results.models import ModelEntry
from wse_emulator.terminal.say import show, table


def print_models(models: Iterable[ModelEntry]) -> None:
    """One row per model: its name, how large it is and its architecture."""
    words = ("name", "architecture")
    rows = table("Built-in models", "name", "parameters", "tensors", "architecture", words=words)
    for model in models:
        rows.add_row(
            model.name,
            f"{model.parameters:,}",
            f"{model.tensors:,}",
            model.architecture or "",
        )
    show(rows, opening=True)
