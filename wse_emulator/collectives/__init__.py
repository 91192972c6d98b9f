"""Collectives: the messages that they are made of, the choice of the quickest, the sums they
give."""

from wse_emulator.collectives.algorithms import KINDS, LineAlgorithm, LineSet, reduce_lines
from wse_emulator.collectives.compose import (
    all_reduce_2d,
    all_reduce_lines,
    reduce_2d,
    ring_all_reduce,
    root_of,
)
from wse_emulator.collectives.planner import Candidate, candidates, cheapest
from wse_emulator.collectives.values import reduce_on_fabric, reduce_values, ring_values

__all__ = [
    "KINDS",
    "Candidate",
    "LineAlgorithm",
    "LineSet",
    "all_reduce_2d",
    "all_reduce_lines",
    "candidates",
    "cheapest",
    "reduce_2d",
    "reduce_lines",
    "reduce_on_fabric",
    "reduce_values",
    "ring_all_reduce",
    "ring_values",
    "root_of",
]
