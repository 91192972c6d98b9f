"""The records that gave a coefficient; they are shown and not scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from wse_emulator.wafer.kernel_cycles import DERIVATIONS


def _given() -> Iterator[tuple[str, str]]:
    """Record and coefficient, wherever the package keeps a coefficient with its records."""
    for name, derivation in DERIVATIONS.items():
        for record in derivation.records:
            yield record, f"kernels.{name}"


@cache
def coefficients_by_record() -> Mapping[str, tuple[str, ...]]:
    """Id of a record -> the coefficients that it gave."""
    found: dict[str, tuple[str, ...]] = {}
    for record, coefficient in _given():
        found[record] = (*found.get(record, ()), coefficient)
    return MappingProxyType(found)
