"""The published formula for the time of a collective, to compare the simulated time with.

T = max(C, E/N + L) + (2 T_R + 1) D, Luczynski et al., HPDC 2024, arXiv:2404.15888: contention C
(most wavelets at a PE), energy E (wavelet-hops), links N, distance L, depth D. The engines and
their rules are not used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from wse_emulator.collectives.algorithms import LineAlgorithm
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of the published formula.

    Attributes:
        contention: wavelets through the busiest PE.
        energy: wavelet-hops.
        links: links used.
        distance: hops of the longest dependent path.
        depth: dependent stages.
    """

    contention: Fraction
    energy: Fraction
    links: int
    distance: int
    depth: int

    def cycles(self, spec: WaferSpec) -> int:
        """The published time on a machine, with the cycles of its hops and wavelets."""
        beta = spec.cycles_per_wavelet
        spread = self.energy * beta / self.links if self.links else Fraction(0)
        moving = max(self.contention * beta, spread + self.distance * spec.hop_cycles)
        return ceil(moving) + (2 * spec.ramp_cycles + 1) * self.depth


def reduce_terms(algorithm: LineAlgorithm, pes: int, wavelets: int) -> Terms:
    """The terms of a reduction of ``wavelets`` along a line of ``pes`` PEs to its end."""
    b, p = wavelets, pes
    if p < 2 or b == 0:
        return _terms(0, 0, 0, 0, 0)
    if algorithm.kind == "star":
        # nearest first, the intake of the root never pauses: published without energy, distance
        return _terms(b * (p - 1), 0, p - 1, 0, 1)
    if algorithm.kind == "tree":
        rounds = (p - 1).bit_length()
        energy = Fraction(b * p * rounds, 2)
        return _terms(b * rounds, energy, p - 1, p - 1, rounds)
    group = algorithm.group
    if algorithm.kind == "two-phase" and 1 < group < p:
        leaders = -(-p // group)
        return _terms(2 * b, 2 * b * (p - 1), p - 1, p - 1, group - 1 + leaders - 1)
    return _terms(b, b * (p - 1), p - 1, p - 1, p - 1)


def broadcast_terms(rows: int, cols: int, wavelets: int) -> Terms:
    """The terms of a multicast from a corner over rows x cols PEs."""
    others = rows * cols - 1
    if others == 0 or wavelets == 0:
        return _terms(0, 0, 0, 0, 0)
    return _terms(wavelets, wavelets * others, others, rows + cols - 2, 1)


def ring_cycles(pes: int, wavelets: int, spec: WaferSpec) -> int:
    """Published time of a ring all-reduce: 2 (P-1) B/P + 4 P - 6 + 2 (P-1) (2 T_R + 1)."""
    if pes < 2 or wavelets == 0:
        return 0
    moving = Fraction(2 * (pes - 1) * wavelets, pes) * spec.cycles_per_wavelet
    stages = 2 * (pes - 1) * (2 * spec.ramp_cycles + 1)
    return ceil(moving) + (4 * pes - 6) * spec.hop_cycles + stages


def two_sided_cycles(
    algorithm: LineAlgorithm, arms: tuple[int, int], wavelets: int, spec: WaferSpec
) -> int:
    """Published time of a reduction to an inner root, which takes in both sides."""
    sides = [reduce_terms(algorithm, positions, wavelets) for positions in arms]
    both = Terms(
        contention=sum((side.contention for side in sides), Fraction(0)),
        energy=sum((side.energy for side in sides), Fraction(0)),
        links=sum(side.links for side in sides),
        distance=max(side.distance for side in sides),
        depth=max(side.depth for side in sides),
    )
    return both.cycles(spec)


def _terms(
    contention: int | Fraction, energy: int | Fraction, links: int, distance: int, depth: int
) -> Terms:
    return Terms(Fraction(contention), Fraction(energy), links, distance, depth)
