"""Precision policies: which dtype each part of the training state is stored in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, get_args

from wse_emulator.errors import InputError, UnknownNameError
from wse_emulator.request import Precision

StorageDtype = Literal["float32", "float16", "bfloat16", "cbfloat16"]
"""A format in which a part of the training state can be stored."""
PrecisionName = Literal["float32", "mixed", "float16", "bfloat16", "cbfloat16"]
"""A policy: one format for all parts, or 16 bits beside float32 master weights."""

STORAGE_DTYPES: Final[tuple[StorageDtype, ...]] = get_args(StorageDtype)
POLICIES: Final[tuple[PrecisionName, ...]] = get_args(PrecisionName)


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


def precision_given(
    policy: str | Precision | None,
    *,
    compute: str | None = None,
    parameter: str | None = None,
    gradient: str | None = None,
    state: str | None = None,
) -> Precision | None:
    """What a user gives of the precision; None if nothing, so that a run config may say it.

    A dtype of one part without a policy changes that part of ``float32``.

    Raises:
        UnknownNameError: a policy or dtype that does not exist.
        InputError: dtypes of parts beside a policy that is a value, which has its own.
    """
    parts = {"compute": compute, "parameter": parameter, "gradient": gradient, "state": state}
    given = [part for part, dtype in parts.items() if dtype is not None]
    if isinstance(policy, Precision):
        if given:
            raise InputError(
                f"precision is a value with a dtype for each part; give {given[0]}_dtype to it"
            )
        return policy
    if policy is None and not given:
        return None
    return parse_precision(
        "float32" if policy is None else policy,
        compute=compute,
        parameter=parameter,
        gradient=gradient,
        state=state,
    )
