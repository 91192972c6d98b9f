"""Choose the algorithm of a reduction: the quickest by the rules of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wse_emulator.collectives.algorithms import LineAlgorithm
from wse_emulator.collectives.line_time import reduce_cycles
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class Candidate:
    """An algorithm and its time with all PEs ready at once, in cycles."""

    algorithm: LineAlgorithm
    cycles: int


def candidates(arms: Sequence[int], wavelets: int, spec: WaferSpec) -> tuple[Candidate, ...]:
    """One candidate for each kind of algorithm, two-phase with its best group, the quickest first.

    Args:
        arms: PEs on each side of the root, the root counted in each.
        wavelets: length of the vector.
        spec: the machine.
    """
    return _candidates(tuple(arms), wavelets, spec)


@lru_cache(maxsize=4096)
def _candidates(arms: tuple[int, ...], wavelets: int, spec: WaferSpec) -> tuple[Candidate, ...]:
    def timed(algorithm: LineAlgorithm) -> Candidate:
        return Candidate(algorithm, reduce_cycles(algorithm, arms, wavelets, spec))

    found = [timed(LineAlgorithm("chain")), timed(LineAlgorithm("star"))]
    found.append(timed(LineAlgorithm("tree")))
    longest = max(arms, default=1)
    groups = [timed(LineAlgorithm("two-phase", group)) for group in range(2, longest)]
    if groups:
        found.append(min(groups, key=lambda candidate: candidate.cycles))
    # of equally cheap ones the simplest stands first
    return tuple(sorted(found, key=lambda candidate: candidate.cycles))


def cheapest(arms: Sequence[int], wavelets: int, spec: WaferSpec) -> Candidate:
    """The quickest algorithm for lines with these sides; of equals, the simplest."""
    return candidates(arms, wavelets, spec)[0]
