"""``models``: the built-in models, smallest first."""

from __future__ import annotations

from wse_emulator.models.catalog import builtin_model, builtin_names
from wse_emulator.results.models import ModelEntry


def models() -> tuple[ModelEntry, ...]:
    """List the built-in models, with their number of parameters (tied ones once).

    Returns:
        One entry a model, smallest first.

    Example:
        >>> [entry.parameters for entry in wse_emulator.models() if entry.name == "gpt2"]
        [124439808]
    """
    entries = (
        ModelEntry(
            name=model.name,
            parameters=model.total_elements,
            tensors=len(model.parameters),
            architecture=model.architecture,
            source=model.source,
        )
        for model in map(builtin_model, builtin_names())
    )
    return tuple(sorted(entries, key=lambda entry: (entry.parameters, entry.name)))
