"""What a call of the SDK's math library takes."""

from __future__ import annotations

from typing import Final

from wse_emulator.errors import WaferSpecError
from wse_emulator.wafer.formats import lane_dtype
from wse_emulator.wafer.spec import WaferSpec

_CALLS: Final = {
    ("division", "float32"): 105,
    ("sqrt", "float32"): 85,
    ("rsqrt", "float32"): 93,
    ("exp", "float32"): 82,
    ("log", "float32"): 87,
    ("cos", "float32"): 104,
    ("tanh", "float32"): 87,
    ("division", "float16"): 55,
    ("sqrt", "float16"): 55,
    ("rsqrt", "float16"): 48,
    ("exp", "float16"): 49,
    ("log", "float16"): 48,
    ("cos", "float16"): 58,
    ("tanh", "float16"): 48,
}


def call_cycles(function: str, dtype: str, spec: WaferSpec) -> int:
    """The cycles of one call, without a loop around it."""
    found = _CALLS.get((function, lane_dtype(dtype)))
    if found is None:
        raise WaferSpecError(f"wafer {spec.name}: no {function} in {dtype}")
    return found
