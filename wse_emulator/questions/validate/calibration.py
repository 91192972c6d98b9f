"""The records that gave a coefficient or a figure of a machine; they are shown and not scored."""

from __future__ import annotations

import re
from functools import cache

from wse_emulator.questions.validate.measurements import read_measurements
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


@cache
def _published() -> frozenset[str]:
    return frozenset(record.id for record in read_measurements())


def coefficients_from(record: str) -> tuple[str, ...]:
    """The coefficients and machine figures whose source names a record of the package.

    Args:
        record: its id; another file's record that has none of the package's ids gave nothing.

    Example:
        >>> from wse_emulator.questions.validate.calibration import coefficients_from
        >>> from wse_emulator.wafer.kernel_cycles import DERIVATIONS
        >>> coefficients_from(DERIVATIONS["star_start"].records[0])
        ('kernels.star_start',)
    """
    if record not in _published():
        return ()
    named = re.compile(rf"(?<![\w-]){re.escape(record)}(?![\w-])")
    return tuple(name for name, text in _sources().items() if named.search(text))
