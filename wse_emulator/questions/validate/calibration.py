"""The records that gave a coefficient or a figure of a machine; they are shown and not scored."""

from __future__ import annotations

import re
from functools import cache

from wse_emulator.wafer.kernel_cycles import DERIVATIONS
from wse_emulator.wafer.registry import machines


@cache
def _sources() -> dict[str, str]:
    """Coefficient or field of a machine -> what its sources say, of all machines."""
    said: dict[str, set[str]] = {}
    for spec in machines().values():
        for field, text in spec.sources.items():
            said.setdefault(field, set()).add(text)
    for name, derivation in DERIVATIONS.items():
        said[f"kernels.{name}"] = set(derivation.records)
    return {name: "\n".join(sorted(texts)) for name, texts in said.items()}


def coefficients_from(record: str) -> tuple[str, ...]:
    """The coefficients and machine figures whose source names a record.

    Args:
        record: its id.

    Example:
        >>> from wse_emulator.questions.validate.calibration import coefficients_from
        >>> coefficients_from("cr16_allreduce_1d_P17")
        ('kernels.star_start',)
    """
    named = re.compile(rf"(?<![\w-]){re.escape(record)}(?![\w-])")
    return tuple(name for name, text in _sources().items() if named.search(text))
