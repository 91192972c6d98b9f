"""Coefficients that nothing explains: few, each with the records that gave it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from wse_emulator.errors import WaferSpecError
from wse_emulator.wafer import PRESETS
from wse_emulator.wafer.kernel_cycles import DERIVATIONS, KERNEL_FIELDS, KernelCycles

MOST = 20
"""Coefficients that the machine may have in all."""


def test_every_coefficient_names_the_records_that_gave_it() -> None:
    assert tuple(DERIVATIONS) == KERNEL_FIELDS
    assert len(KERNEL_FIELDS) <= MOST
    for name, derivation in DERIVATIONS.items():
        assert derivation.records, name
        assert derivation.reading, name


def test_all_presets_have_the_same_coefficients() -> None:
    assert {spec.kernels for spec in PRESETS.values()} == {KernelCycles()}


@pytest.mark.parametrize("field", KERNEL_FIELDS)
@pytest.mark.parametrize("value", [Fraction(-1), Fraction(10**6 + 1), 93, 1.5, "93"])
def test_an_impossible_coefficient_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(WaferSpecError, match=rf"kernels\.{field}"):
        replace(KernelCycles(), **{field: value})
