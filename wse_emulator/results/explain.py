"""What limits a step, as values: each limit of the machine, and the step without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wse_emulator.results.run import PeTime
from wse_emulator.results.words import cycles, share
from wse_emulator.wafer.spec import WaferSpec

LimitKind = Literal["compute", "memory port", "fabric", "latency", "unknown"]
"""What a limit is one of; ``unknown`` is a limit of what is known, not of the machine."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the machine, and the machine without it.

    Attributes:
        name: short name, as in the JSON.
        kind: what it is one of.
        lifted: what is assumed when it is lifted, in words.
        remedy: who can move it, and how.
        lift: the machine without it.
    """

    name: str
    kind: LimitKind
    lifted: str
    remedy: str
    lift: Callable[[WaferSpec], WaferSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one limit costs: the step without it.

    Attributes:
        limit: which one.
        cycles: of the step with it lifted.
        saved_cycles: less than the step as it is.
        saved_share: of the step as it is, 0 to 1.
        binds: False where the machine has the lifted value anyway.
    """

    limit: Limit
    cycles: int
    saved_cycles: int
    saved_share: float
    binds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The effects of all limits on one step.

    Attributes:
        optimizer: name of what is stepped.
        cycles: of the step as it is.
        critical: the PE that is last to finish, and what it did.
        effects: largest saving first; ties in the order in which the limits were lifted.
        all_lifted_cycles: of the step with every limit of the machine lifted at once: what waits
            for what, with one cycle for anything that takes time.
    """

    optimizer: str
    cycles: int
    critical: PeTime
    effects: tuple[Effect, ...]
    all_lifted_cycles: int

    @property
    def worst(self) -> Effect | None:
        """The limit of the machine that costs most; None if none costs anything by itself."""
        costly = (e for e in self.effects if e.limit.kind != "unknown" and e.saved_cycles > 0)
        return next(costly, None)


def costliest_limit(explanation: Explanation) -> str:
    """The limit of the machine that costs most, what its absence would save, and what helps."""
    worst = explanation.worst
    if worst is None:
        return "No single limit costs anything: several bind at once."
    return (
        f"What costs most is {worst.limit.name}. Without it ({worst.limit.lifted}) the step would "
        f"take {cycles(worst.cycles)}, {share(worst.saved_share)} less. What helps: "
        f"{worst.limit.remedy}."
    )
