"""The sequence of each function in each format."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from wse_emulator.cost.sequences.circular import cosine, sine
from wse_emulator.cost.sequences.exponential import expm1, exponential
from wse_emulator.cost.sequences.layout import LAYOUTS, WordLayout, float32_for
from wse_emulator.cost.sequences.logarithm import log1p, logarithm
from wse_emulator.cost.sequences.reciprocal import division, reciprocal
from wse_emulator.cost.sequences.roots import reciprocal_root, square_root
from wse_emulator.cost.sequences.saturating import error_function, sigmoid, tanh
from wse_emulator.cost.sequences.steps import Sequence, Step, Stream, step

_METHODS: Final[dict[str, Callable[[WordLayout, Stream, Stream], tuple[Step, ...]]]] = {
    "reciprocal": reciprocal,
    "sqrt": square_root,
    "rsqrt": reciprocal_root,
    "exp": exponential,
    "expm1": expm1,
    "log": logarithm,
    "log1p": log1p,
    "cos": cosine,
    "sin": sine,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "erf": error_function,
}

VECTOR_FUNCTIONS: Final = ("division", *_METHODS)
"""The functions that have a sequence."""

_IN_ITS_FORMAT: Final = ("reciprocal", "division", "sqrt", "rsqrt")
"""Functions that bfloat16 computes in its own format. Its 8 digits are too few for the reduced
arguments of the others: they are converted to float32, with the polynomials that 8 digits need."""


@cache
def sequence(function: str, dtype: str) -> Sequence:
    """The steps that compute ``function`` of vectors in ``dtype``.

    Args:
        function: a member of ``VECTOR_FUNCTIONS``.
        dtype: ``float32``, ``float16``, ``bfloat16`` or ``cbfloat16``.

    Raises:
        KeyError: the function or the format is none of these.

    Example:
        >>> from wse_emulator.cost.sequences import sequence
        >>> for instruction in sequence("sqrt", "float32").instructions[:3]:
        ...     print(instruction.op_class, instruction.dtype, instruction.reads)
        add float32 4
        shift int16 2
        integer int16 2
    """
    layout = LAYOUTS[dtype]
    x, y, result = layout.streams("x", "y", "result")
    if function == "division":
        return Sequence(function, dtype, (x, y), result, division(layout, result, x, y))
    method = _METHODS[function]
    if dtype != "bfloat16" or function in _IN_ITS_FORMAT:
        return Sequence(function, dtype, (x,), result, method(layout, result, x))
    wide = float32_for(dtype)
    wide_x, wide_result = wide.streams("wide_x", "wide_result")
    steps = (
        step("convert", wide_x, x),
        *method(wide, wide_result, wide_x),
        step("convert", result, wide_result),
    )
    return Sequence(function, dtype, (x,), result, steps)
