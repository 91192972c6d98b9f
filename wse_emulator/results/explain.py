"""What limits a step, as values: each limit of the machine, and the step without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from wse_emulator.request import Request
from wse_emulator.results.codec import encode
from wse_emulator.results.run import PeTime
from wse_emulator.results.words import cycles, share

EXPLAIN_SCHEMA: Final = "wse-explain/1"

LimitKind = Literal["compute", "memory port", "fabric", "latency", "unknown"]
"""What a limit is one of; ``unknown`` is a limit of what is known, not of the machine."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the machine.

    Attributes:
        name: short name, as in the JSON.
        kind: what it is one of.
        lifted: what is assumed when it is lifted, in words.
        remedy: who can move it, and how.
    """

    name: str
    kind: LimitKind
    lifted: str
    remedy: str


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
        model, optimizer: names of what is stepped.
        request: the question whose step it is.
        command: the command line that asks it; empty from Python.
        cycles: of the step as it is.
        critical: the PE that is last to finish, and what it did.
        effects: largest saving first; ties in the order in which the limits were lifted.
        all_lifted_cycles: of the step with every limit of the machine lifted at once: what waits
            for what, with one cycle for anything that takes time.
    """

    model: str
    optimizer: str
    request: Request
    command: str
    cycles: int
    critical: PeTime
    effects: tuple[Effect, ...]
    all_lifted_cycles: int

    @property
    def worst(self) -> Effect | None:
        """The limit of the machine that costs most; None if none costs anything by itself."""
        costly = (e for e in self.effects if e.limit.kind != "unknown" and e.saved_cycles > 0)
        return next(costly, None)

    @property
    def seconds(self) -> float:
        """Of the step as it is."""
        return self.request.wafer.seconds(self.cycles)

    def document(self) -> dict[str, object]:
        """The JSON document, schema "wse-explain/1"."""
        return {
            "schema": EXPLAIN_SCHEMA,
            "command": self.command,
            "model": self.model,
            "optimizer": self.optimizer,
            "wafer": self.request.wafer.name,
            "engine": self.request.engine,
            "cycles": self.cycles,
            "seconds": self.seconds,
            "bottleneck": costliest_limit(self),
            "critical_pe": list(self.critical.pe),
            "critical_path": [encode(part) for part in self.critical.parts],
            "effects": [
                {
                    "limit": effect.limit.name,
                    "kind": effect.limit.kind,
                    "lifted": effect.limit.lifted,
                    "binds": effect.binds,
                    "cycles": effect.cycles,
                    "saved_cycles": effect.saved_cycles,
                    "saved_share": effect.saved_share,
                    "remedy": effect.limit.remedy,
                }
                for effect in self.effects
            ],
            "all_lifted_cycles": self.all_lifted_cycles,
            "request": encode(self.request),
        }


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
