"""Two results laid side by side: what was configured otherwise, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

from wse_emulator.results.answer import DrawnAnswer
from wse_emulator.results.codec import encode
from wse_emulator.results.run import RunResult
from wse_emulator.results.sentences import sentence, sentences_together
from wse_emulator.results.words import cycles, full_bytes, share

COMPARE_SCHEMA: Final = "wse-compare/1"

OF_A_STEP: Final = ("step", "learning rate", "PEs busy", "links busy")
"""Names of the totals that only a timed step has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that was configured otherwise, in words of each side."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One number of both results; ``ratio`` is after over before, None where before is 0."""

    name: str
    unit: str
    before: float
    after: float
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorChange:
    """One tensor of both results: cycles from first start to last end, busy cycles of all PEs.

    Cycles are -1 where the tensor did not run.
    """

    name: str
    before_cycles: int
    after_cycles: int
    before_pe_cycles: int
    after_pe_cycles: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison(DrawnAnswer):
    """The difference of two results.

    Attributes:
        before, after: one line on each.
        settings: what differs in model, machine, optimizer, engine.
        totals: numbers of the whole step.
        tensors: tensors that both have, in the order of the first.
        only_before, only_after: names of tensors that one side has.
        same_wafer: whether maps can be laid over each other.
        timed: whether each side timed a step; what a step takes is 0 where none was.
        results: both results, from which the difference is drawn; no part of the JSON.

    Example:
        >>> model = torch.nn.Linear(64, 64)
        >>> before = wse_emulator.run(model, wafer="wse2:8x8")
        >>> comparison = before.compare(wse_emulator.run(model, wafer="wse2:16x16"))
        >>> comparison.same_wafer
        False
    """

    before: str
    after: str
    settings: tuple[Setting, ...]
    totals: tuple[Total, ...]
    tensors: tuple[TensorChange, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    same_wafer: bool
    timed: tuple[bool, bool] = (True, True)
    results: tuple[RunResult, RunResult] = field(compare=False)

    def document(self) -> dict[str, object]:
        """The JSON document, schema "wse-compare/1"."""
        facts = {
            entry.name: encode(getattr(self, entry.name))
            for entry in fields(self)
            if entry.name != "results"
        }
        return {"schema": COMPARE_SCHEMA, **facts}


def compare(before: RunResult, after: RunResult) -> Comparison:
    """Lay ``after`` beside ``before``."""
    old = {t.name: t for t in before.tensors}
    new = {t.name: t for t in after.tensors}
    return Comparison(
        before=_line(before),
        after=_line(after),
        settings=_settings(before, after),
        totals=_totals(before, after),
        tensors=tuple(
            TensorChange(
                name=name,
                before_cycles=_span(old[name].start_cycle, old[name].end_cycle),
                after_cycles=_span(new[name].start_cycle, new[name].end_cycle),
                before_pe_cycles=old[name].pe_cycles,
                after_pe_cycles=new[name].pe_cycles,
            )
            for name in old
            if name in new
        ),
        only_before=tuple(name for name in old if name not in new),
        only_after=tuple(name for name in new if name not in old),
        same_wafer=before.arrays.pe_busy.shape == after.arrays.pe_busy.shape,
        timed=(bool(before.steps), bool(after.steps)),
        results=(before, after),
    )


@sentence
def before_words(comparison: Comparison) -> str:
    """What stands before, in a line."""
    return f"Before: {comparison.before}"


@sentence
def after_words(comparison: Comparison) -> str:
    """What stands after, in a line."""
    return f"After: {comparison.after}"


def _line(result: RunResult) -> str:
    wafer = result.wafer
    return (
        f"{result.model.name}, {result.optimizer.name}, {wafer.name} "
        f"({wafer.rows} rows x {wafer.cols} columns)"
    )


def _span(start: int, end: int) -> int:
    return end - start if start >= 0 else -1


def _settings(before: RunResult, after: RunResult) -> tuple[Setting, ...]:
    old, new = _flat(before), _flat(after)
    return tuple(
        Setting(
            name=name, before=str(old.get(name, "not set")), after=str(new.get(name, "not set"))
        )
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name) and _told(name, before, after)
    )


def _told(name: str, before: RunResult, after: RunResult) -> bool:
    """Whether both sides tell of a setting: without a step, only options that were given."""
    if not name.startswith("optimizer.") or (before.steps and after.steps):
        return True
    option = name.removeprefix("optimizer.")
    return option in before.optimizer.options and option in after.optimizer.options


def _flat(result: RunResult) -> dict[str, object]:
    """Everything that a user configures; 0 and 0.0 are the same."""
    flat: dict[str, object] = {"model": result.model.name, "optimizer": result.optimizer.name}
    flat |= {f"optimizer.{k}": v for k, v in sorted(result.optimizer.options.items())}
    flat["schedule"] = result.scheduler or "none"
    wafer = encode(result.wafer)
    assert isinstance(wafer, dict)
    flat |= {f"wafer.{key}": value for key, value in wafer.items()}
    return flat | {"engine": result.engine, "mode": result.mode}


def _totals(before: RunResult, after: RunResult) -> tuple[Total, ...]:
    names = ("parameters", "tensors", "step", "step", "learning rate", "PEs busy", "links busy")
    units = ("", "", "cycles", "seconds", "", "fraction", "fraction")
    more = (("fullest PE", "bytes"), ("mean PE", "bytes"), ("all PEs", "bytes"))
    timed = bool(before.steps) and bool(after.steps)
    rows = zip((*zip(names, units, strict=True), *more), _row(before), _row(after), strict=True)
    return tuple(
        Total(name=name, unit=unit, before=old, after=new, ratio=_ratio(name, old, new, timed))
        for (name, unit), old, new in rows
    )


def _ratio(name: str, old: float, new: float, timed: bool) -> float | None:
    return None if not old or (name in OF_A_STEP and not timed) else new / old


def _row(result: RunResult) -> tuple[float, ...]:
    step = result.steps[-1] if result.steps else None
    return (
        result.model.parameters,
        result.model.tensors,
        step.cycles if step else 0,
        step.seconds if step else 0.0,
        (step.learning_rate or 0.0) if step else 0.0,
        result.utilization.pe_busy,
        result.utilization.link_busy,
        result.memory.peak_bytes,
        result.memory.mean_bytes,
        sum(held for name, held in result.memory.bytes.items() if name != "total"),
    )


@sentence
def change_in_words(comparison: Comparison) -> str:
    """The change of the step time and of the fullest PE."""
    total = {(one.name, one.unit): one for one in comparison.totals}
    step = step_change(total["step", "cycles"], comparison.timed)
    return sentences_together(step, peak_change(total["fullest PE", "bytes"]))


@sentence
def step_change(step: Total, timed: tuple[bool, bool]) -> str:
    """How many cycles a step takes before and after."""
    before, after = (
        cycles(taken) if was_timed else "not timed"
        for taken, was_timed in zip((step.before, step.after), timed, strict=True)
    )
    if not any(timed):
        return "The step: not timed in either."
    if not all(timed) or (step.before != step.after and not step.before):
        return f"The step: {before} before, {after} after."
    if step.before == step.after:
        return f"The step takes {after}, as before."
    return f"The step takes {_changed(step)} cycles: {before} before, {after} after."


@sentence
def peak_change(peak: Total) -> str:
    """What the fullest PE holds before and after."""
    before, after = full_bytes(peak.before), full_bytes(peak.after)
    if peak.before == peak.after:
        return f"The fullest PE holds {after}, as before."
    if not peak.before:
        return f"The fullest PE: {before} before, {after} after."
    return f"The fullest PE holds {_changed(peak)} bytes: {before} before, {after} after."


def _changed(total: Total) -> str:
    less = "fewer" if total.after < total.before else "more"
    return f"{share(abs(total.after / total.before - 1))} {less}"
