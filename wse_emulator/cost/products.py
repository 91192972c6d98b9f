"""The multiply-adds of a product of matrices on one PE: passes of ``sums += number * line``."""

from __future__ import annotations

from wse_emulator.cost.kernel import Kernel, OpCost, Operand
from wse_emulator.cost.starts import Start
from wse_emulator.wafer.spec import WaferSpec

Formats = tuple[str, str]
"""Number formats of a product's sums, and of its factors."""


def passes_cost(
    elements: int,
    passes: int,
    formats: Formats,
    start: Start,
    spec: WaferSpec,
    *,
    bank_conflict: bool = False,
) -> OpCost:
    """The cost of ``passes`` multiply-adds over lines of ``elements`` elements.

    Args:
        elements: of a line; 0 costs nothing.
        passes: how many multiply-adds; 0 costs nothing.
        formats: of the sums, and of the factors.
        start: how each of them starts.
        spec: the machine.
        bank_conflict: line and sums lie in the same bank group.

    Raises:
        UnsupportedFormatError: a PE has no vector multiply-add in these formats.
    """
    kernel = Kernel(spec, elements, bank_conflict)
    sums, factor = (Operand(dtype, vector=True) for dtype in formats)
    if passes:
        kernel.emit("product", sums, factor, dtype=sums.dtype, passes=passes, start=start)
    return kernel.cost


def pass_cycles(elements: int, formats: Formats, start: Start, spec: WaferSpec) -> int:
    """The cycles of one multiply-add over a line of ``elements`` elements.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> pass_cycles(64, ("float16", "float16"), Start.BY_WAVELET, WSE2)
        17
    """
    return passes_cost(elements, 1, formats, start, spec).cycles


def local_cycles(
    rows: int, cols: int, summed: int, formats: Formats, start: Start, spec: WaferSpec
) -> int:
    """The cycles of ``sums[rows x cols] += X[rows x summed] Y[summed x cols]`` on a PE.

    A kernel takes the quicker order of loops: lines of columns for each element of X, or lines of
    rows for each element of Y.

    Args:
        rows, cols: of the sums.
        summed: length of the axis that is summed over.
        formats: of the sums, and of the factors.
        start: how each multiply-add starts.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> local_cycles(9, 128, 50, ("float16", "float16"), Start.BY_WAVELET, WSE2)
        14850
    """
    along_cols = rows * summed * pass_cycles(cols, formats, start, spec)
    along_rows = cols * summed * pass_cycles(rows, formats, start, spec)
    return min(along_cols, along_rows)
