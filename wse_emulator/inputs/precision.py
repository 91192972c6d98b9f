"""Precision policies: which dtype each part of the training state is stored in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from wse_emulator.errors import UnknownNameError
from wse_emulator.request import Precision
from wse_emulator.wafer.formats import HALF_FLOATS

STORAGE_DTYPES: Final = ("float32", *HALF_FLOATS)
POLICIES: Final = ("float32", "mixed", *HALF_FLOATS)


def parse_precision(
    policy: str,
    *,
    compute: str | None = None,
    parameter: str | None = None,
    gradient: str | None = None,
    state: str | None = None,
) -> Precision:
    """A policy by name, with overrides of single parts.

    ``float32``: everything in float32. ``mixed``: float32 master weights and state, 16-bit
    compute copy, gradients and activations (cbfloat16 unless ``compute`` says otherwise), 16
    bytes a parameter with Adam, as counted in arXiv:1910.02054, section 3.1. A 16-bit name:
    everything in it, no master.

    Raises:
        UnknownNameError: a policy or dtype that does not exist.
    """
    if policy not in POLICIES:
        raise UnknownNameError(f"unknown precision {policy!r}; one of {', '.join(POLICIES)}")
    if policy == "mixed":
        half = compute or "cbfloat16"
        chosen = Precision(
            name=f"mixed ({half})",
            parameter="float32",
            gradient=half,
            state="float32",
            compute=half,
        )
    else:
        chosen = Precision(
            name=policy, parameter=policy, gradient=policy, state=policy, compute=policy
        )
    parts = {"parameter": parameter, "gradient": gradient, "state": state, "compute": compute}
    for part, dtype in parts.items():
        if dtype is not None and dtype not in STORAGE_DTYPES:
            raise UnknownNameError(
                f"unknown {part} dtype {dtype!r}; one of {', '.join(STORAGE_DTYPES)}"
            )
    given = {part: dtype for part, dtype in parts.items() if dtype is not None}
    return replace(chosen, **given)
