"""What the machine makes of a measured operation, or that it makes nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Modelled:
    """What the machine makes of a measured operation.

    Attributes:
        cycles: simulated cycles of what the metric names: of the whole operation, or of one
            token, sample or layer. For an operation whose metric is a rate or a size
            (``elements_per_cycle``, ``largest_n``), the value in that metric.
        assumptions: what the publication leaves open and the model had to choose.
    """

    cycles: int | float | Fraction
    assumptions: tuple[str, ...] = ()


class NotModelledError(Exception):
    """The machine has no mechanism for a record: its algorithm, kernel, format or metric.

    The text is the reason that ``wse validate`` lists beside the record. It stops nothing.
    """
