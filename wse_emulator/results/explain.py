"""What limits a step, as values: each limit of the machine, and the step without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from wse_emulator.request import Request
from wse_emulator.results.answer import DrawnAnswer
from wse_emulator.results.answers import in_both_forms, phase_cycles, phase_words
from wse_emulator.results.codec import encode
from wse_emulator.results.facts import FunctionForms
from wse_emulator.results.run import PeTime
from wse_emulator.results.sentences import Sentence, sentence, sentences_together
from wse_emulator.results.words import cycles, plural, seconds, share, short

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
        remedy: what it depends on, in words; nothing that was tried.
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
class TriedChange:
    """The step with a change that a user can ask for, as an emulation of its own.

    Attributes:
        what: the change in words.
        arguments: what to add to the command.
        cycles: of the step with it.
        saved_cycles: less than the step as it is; negative if it takes longer.
        command: the command line that explains it; empty where the model or the machine was given
            as a Python object.
    """

    what: str
    arguments: tuple[str, ...]
    cycles: int
    saved_cycles: int
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Explanation(DrawnAnswer):
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
        forms: the step with its functions in both forms; None if it computes none of a vector.
        changes: what was tried to shorten the step, most cycles saved first.

    Example:
        >>> model = torch.nn.Linear(64, 64)
        >>> explanation = wse_emulator.run(model, wafer="wse2:8x8").explain()
        >>> explanation.worst.limit.name
        'launch'
    """

    model: str
    optimizer: str
    request: Request
    command: str
    cycles: int
    critical: PeTime
    effects: tuple[Effect, ...]
    all_lifted_cycles: int
    forms: FunctionForms | None = None
    changes: tuple[TriedChange, ...] = ()

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
            "forms": None if self.forms is None else encode(self.forms),
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
            "changes": [encode(change) for change in self.changes],
            "request": encode(self.request),
        }


@sentence
def explained_time(explanation: Explanation) -> str:
    """What is explained, and how long its step takes."""
    return (
        f"{short(explanation.model, 40)} with {short(explanation.optimizer, 30)} on "
        f"{explanation.request.wafer.name}: one step takes {cycles(explanation.cycles)} = "
        f"{seconds(explanation.seconds)}{in_both_forms(explanation.forms)}."
    )


@sentence
def last_pe(explanation: Explanation) -> str:
    """Where the last PE to finish lies, and what it spends its time on."""
    row, col = explanation.critical.pe
    spent = phase_cycles(explanation.critical.parts)
    by_phase = ", ".join(
        f"{phase_words(phase)} {share(count / explanation.cycles)}"
        for phase, count in spent.items()
        if count
    )
    return f"The last PE to finish is row {row} column {col}: {by_phase or 'it has nothing to do'}."


@sentence
def costliest_limit(explanation: Explanation) -> str:
    """The limit of the machine that costs most, what its absence would save, and what helps."""
    worst = explanation.worst
    if worst is None:
        return sentences_together(
            Sentence("No single limit costs anything: several bind at once."),
            what_helps(explanation),
        )
    said = (
        f"What costs most is {worst.limit.name}. Without it ({worst.limit.lifted}) the step would "
        f"take {cycles(worst.cycles)}, {share(worst.saved_share)} less."
    )
    return sentences_together(Sentence(said), what_helps(explanation))


@sentence
def what_helps(explanation: Explanation) -> str:
    """The changes of a user's that make the step shorter, as tried; empty if none was tried."""
    helping = [change for change in explanation.changes if change.saved_cycles > 0]
    if helping:
        return f"What helps: {'; '.join(change_words(c, explanation.cycles) for c in helping)}."
    tried = ", ".join(change.what for change in explanation.changes)
    return f"Nothing that was tried makes it shorter: {tried}." if tried else ""


@sentence
def change_words(change: TriedChange, before: int) -> str:
    """A change, what to add to the command, and what it saves of the cycles before."""
    return (
        f"{change.what} ({' '.join(change.arguments)}), {cycles(change.cycles)}, "
        f"{share(change.saved_cycles / before)} less"
    )


@sentence
def stretches_left_out(count: int, total: int) -> str:
    """How many stretches a table leaves out, and how long they are; empty if none."""
    if not count:
        return ""
    left_out = plural(count, "shorter stretch", "shorter stretches")
    return f"{left_out} left out, {cycles(total)}; all are in the JSON."


@sentence
def limits_overlap(explanation: Explanation) -> str:
    """How to read the table of lifted limits."""
    said = "Limits overlap, so the savings do not sum. Each line is an emulation of its own."
    if all(effect.binds for effect in explanation.effects):
        return said
    return f"{said} No limit here: the machine has the lifted value already."
