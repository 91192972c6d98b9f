"""The sequence of each function in each format."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from wse_emulator.cost.sequences.reciprocal_and_roots import reciprocal
from wse_emulator.cost.sequences.steps import Sequence, Step, Stream

_METHODS: Final[dict[str, Callable[[Stream, Stream], tuple[Step, ...]]]] = {
    "reciprocal": reciprocal,
}
FUNCTIONS: Final = (*_METHODS,)
"""The functions that have a sequence."""


@cache
def sequence(function: str, dtype: str) -> Sequence:
    """The steps that compute ``function`` of vectors in ``dtype``.

    Args:
        function: a member of ``FUNCTIONS``.
        dtype: ``float32``, ``float16``, ``bfloat16`` or ``cbfloat16``.

    Example:
        >>> from wse_emulator.cost.sequences import sequence
        >>> len(sequence("reciprocal", "float32").instructions)
        18
    """
    x, result = Stream("x", dtype), Stream("result", dtype)
    return Sequence(function, dtype, (x,), result, _METHODS[function](result, x))
