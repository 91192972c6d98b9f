"""The multiply-adds of a product on one PE, as programs in CSL write them.

``sums[m x n] += X[m x k] Y[k x n]`` as k updates by a column of X and a row of Y. An update is one
multiply-add over m elements for each of the n columns, which ``@map`` steps through with its
descriptors in registers. An iteration over k loads them anew.
"""

from __future__ import annotations

from fractions import Fraction

from wse_emulator.cost.products import Formats, pass_cycles
from wse_emulator.cost.starts import Start, start_cycles
from wse_emulator.wafer.spec import WaferSpec

Tile = tuple[int, int, int]
"""(m, k, n): rows of the sums, length of the axis that is summed over, columns of the sums."""


def mapped_product_cycles(
    tile: Tile, formats: Formats, iteration: int | Fraction, spec: WaferSpec
) -> Fraction:
    """The cycles of a product whose columns ``@map`` steps through: ``k (iteration + n (step +
    m / lanes))``.

    Args:
        tile: (m, k, n).
        formats: of the sums, and of the factors.
        iteration: cycles of an iteration over k, beside its multiply-adds.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> halves = ("float16", "float16")
        >>> iteration = iteration_cycles(WSE2)
        >>> iteration, mapped_product_cycles((6, 6, 6), halves, iteration, WSE2)
        (31, Fraction(330, 1))
    """
    m, k, n = tile
    return k * (Fraction(iteration) + n * pass_cycles(m, formats, Start.STEPS, spec))


def iteration_cycles(spec: WaferSpec) -> int:
    """The cycles of an iteration that forms three descriptors from local variables and starts
    ``@map``."""
    return start_cycles(Start.IN_LOOP, spec)
