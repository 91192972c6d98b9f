"""The answers in words that stand above the pictures and first in the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from wse_emulator.request import Request
from wse_emulator.results.facts import FunctionForms, Lever
from wse_emulator.results.run import CriticalPart, RunResult
from wse_emulator.results.sentences import NOTHING, Sentence, sentence, sentences_together
from wse_emulator.results.words import cycles, full_bytes, plural, rate_text, seconds, share, short

CONFIG_BATCH: Final = "the batch and its lengths, which are those of the config's own model"
"""What is not used of a run config that stands beside another model."""


@sentence
def fullest_pe(peak: int, capacity: int, place: tuple[int, int]) -> str:
    """What the fullest PE holds and has, and by how much it is over if it is."""
    pe = f"the fullest PE, row {place[0]} column {place[1]},"
    if peak <= capacity:
        return f"{pe} holds {peak:,} of {full_bytes(capacity)} ({share(peak / capacity)})."
    over = peak - capacity
    return (
        f"{pe} would need {full_bytes(peak)}, {full_bytes(over)} ({share(over / capacity)}) more "
        f"than its {full_bytes(capacity)}."
    )


@sentence
def verdict(result: RunResult) -> str:
    """Whether the model fits, with the fullest PE's bytes and the capacity."""
    memory = result.memory
    words = fullest_pe(memory.peak_bytes, memory.capacity_bytes, memory.worst_pe)
    return f"{'Fits' if result.fits else 'Does not fit'}: {words}"


@sentence
def no_step(result: RunResult) -> str:
    """The words on a picture of the step if no step was simulated."""
    why = (
        "Its memory alone was judged: there is no step to show."
        if result.fits
        else f"So there is no step to show. {advice(result)}"
    )
    return f"{verdict(result)} {why}".strip()


@sentence
def step_time(result: RunResult) -> str:
    """The cycles and seconds of the step, and between which times it may lie."""
    if not result.steps:
        return "No step was simulated."
    step = result.steps[-1]
    said = f"One step takes {cycles(step.cycles)} = {seconds(step.seconds)}"
    return sentences_together(
        Sentence(f"{said}{in_both_forms(result.forms)}."), time_interval(result.seconds_interval)
    )


@sentence
def in_both_forms(forms: FunctionForms | None) -> str:
    """How a step has its functions, and what it would take with them in the other form: a clause
    behind a time; empty if it computes none."""
    if forms is None:
        return ""
    *before, last = forms.functions
    named = f"{', '.join(before)} and {last}" if before else last
    if forms.form == "vector":
        return (
            f" with {named} as vector sequences; {seconds(forms.library_seconds)} with the "
            "library's functions"
        )
    were = "were" if before else "was"
    written = "vector sequences" if before else "a vector sequence"
    return (
        f" with the library's functions; {seconds(forms.vector_seconds)} if {named} {were} written "
        f"as {written}"
    )


@sentence
def time_interval(interval: tuple[float, float]) -> str:
    """Between which times a step may lie, and why; empty if both are written alike."""
    low, high = map(seconds, interval)
    if not 0 < interval[0] < interval[1] or low == high:
        return ""
    return f"Its costs are known within ranges, so it may take between {low} and {high}."


@sentence
def evidence_words(result: RunResult) -> str:
    """The shares of the busy cycles that rest on each class of evidence; empty without a step."""
    if not result.steps:
        return ""
    busy = sum(op.pe_cycles for op in result.ops) or 1
    counted = sum(op.counted_pe_cycles for op in result.ops)
    own = sum(op.unsourced_pe_cycles for op in result.ops)
    return (
        f"Of the busy cycles {share((busy - counted - own) / busy)} rest on evidence, "
        f"{share(counted / busy)} on operations counted in the vendor's source, and "
        f"{share(own / busy)} on sequences of ours that nobody timed."
    )


@sentence
def last_pe_done(result: RunResult) -> str:
    """When the last PE is done; empty without a step."""
    return f"The last PE is done after {cycles(elapsed(result))}." if result.steps else ""


@sentence
def bottleneck(result: RunResult) -> str:
    """What the critical PE spends its time on, and the costliest kind of op."""
    if not result.critical_path or not result.steps:
        return ""
    spent = phase_cycles(result.critical_path)
    total = sum(spent.values()) or 1
    phase, most = max(spent.items(), key=lambda item: item[1])
    text = f"The slowest PE spends {share(most / total)} of its time on {phase_words(phase)}"
    if not result.ops:
        return f"{text}."
    op = max(result.ops, key=lambda o: o.pe_cycles)
    whole = sum(o.pe_cycles for o in result.ops) or 1
    return (
        f"{text}; the costliest op is {short(op.name, 30)}, with {share(op.pe_cycles / whole)} of "
        "the busy cycles of all PEs."
    )


@sentence
def rate_without_schedule(result: RunResult) -> str:
    """The learning rate of steps that no schedule changes."""
    rates = [step.learning_rate for step in result.steps if step.learning_rate is not None]
    given = result.optimizer.options.get("lr")
    rate = rates[0] if rates else given if isinstance(given, int | float) else None
    held = "the optimizer has no learning rate" if rate is None else "the rate stays at "
    return f"No schedule: {held}{'' if rate is None else rate_text(rate)}."


@sentence
def busy(result: RunResult) -> str:
    """Shares of the step in which PEs and links are busy, and the fullest PE's share of SRAM."""
    use = result.utilization
    return (
        f"Over the step PEs are busy {share(use.pe_busy)} of the time and links "
        f"{share(use.link_busy)}; the fullest PE uses {share(use.sram_peak)} of its SRAM."
    )


def best_levers(result: RunResult, count: int = 3) -> tuple[Lever, ...]:
    """The levers that save most, most first; none when the model fits."""
    if result.fits:
        return ()
    return tuple(sorted(result.levers, key=lambda lever: -lever.saves_bytes)[:count])


@sentence
def lever_words(lever: Lever) -> str:
    """A change, what it saves in the fullest PE, and whether it is enough."""
    enough = ", and then it fits" if lever.fits else ""
    return (
        f"{short(lever.what, 160)} (saves {full_bytes(lever.saves_bytes)} in the fullest "
        f"PE{enough})"
    )


@sentence
def advice(result: RunResult) -> str:
    """What the best levers save, or nothing when the model fits."""
    best = best_levers(result)
    return f"What would help: {'; '.join(map(lever_words, best))}." if best else ""


@sentence
def timed(result: RunResult) -> str:
    """What is judged and what is timed: with a batch its activations count, and are not timed."""
    return samples_counted(result.request, result.config_unused, timed=bool(result.steps))


@sentence
def samples_counted(
    request: Request | None, config_unused: Sequence[str] = (), *, timed: bool = False
) -> str:
    """Whether activations count among the bytes, and why if they do not.

    Args:
        request: the question; None if a result does not hold it.
        config_unused: what of a run config the answer does not use.
        timed: whether a step was timed beside its memory being judged.
    """
    batch = None if request is None else request.batch_size
    judged = "judged and timed" if timed else "judged"
    if batch is not None:
        alone = "; the optimizer step alone is timed" if timed else ""
        return (
            f"The activations of a batch of {plural(batch, 'sample')} count among the bytes{alone}."
        )
    left_out = f"the optimizer step alone is {judged}; activations are not counted."
    if CONFIG_BATCH in config_unused:
        return f"The batch of the config is that of its own model and is not used: {left_out}"
    given = "" if request is None else ", ".join(request.without_use)
    unused = f" Without it there is no use for {given}." if given else ""
    return f"No batch size is given: {left_out}{unused}"


@sentence
def repeatable(result: RunResult) -> str:
    """What the same command gives again."""
    what = "cycles" if result.steps else "bytes"
    return f"The same command gives the same {what}, on any computer."


@sentence
def config_left_out(unused: Sequence[str], told: int | None = None) -> str:
    """What of a run config played no part; empty if all did.

    Args:
        unused: dotted names, or words.
        told: how many are named; the rest is counted. Default: all.
    """
    if not unused:
        return ""
    named = unused[:told]
    more = len(unused) - len(named)
    end = f"; and {more} more (all in the JSON)." if more else "."
    return f"Not used of the run config: {'; '.join(named)}{end}"


@sentence
def about(result: RunResult) -> str:
    """What was run, in one line without a full stop."""
    model, wafer = result.model, result.wafer
    return (
        f"{short(model.name, 40)}: {plural(model.parameters, 'parameter')} in "
        f"{plural(model.tensors, 'tensor')}, {short(result.optimizer.name, 30)}, on "
        f"{short(wafer.name, 30)} ({wafer.rows:,} rows x {wafer.cols:,} columns)"
    )


def run_paragraphs(result: RunResult) -> list[Sentence]:
    """The answer of a run in paragraphs of one or two sentences."""
    words = [
        about(result),
        verdict(result),
        step_time(result) if result.fits else advice(result),
        bottleneck(result),
        busy(result) if result.steps else NOTHING,
        timed(result),
        config_left_out(result.config_unused),
        *(run_note(result, number) for number in range(len(result.notes))),
    ]
    return [text for text in words if text]


@sentence
def run_note(result: RunResult, number: int) -> str:
    """What else there is to know about a run: note ``number`` of the result."""
    return result.notes[number]


def phase_words(phase: str) -> str:
    """The words for a phase of the step."""
    known = {
        "schedule": "waiting for the controller's learning rate",
        "broadcast": "waiting for the broadcast",
        "update": "updating weights",
        "wait": "waiting",
        "reduce": "reductions",
    }
    return known.get(phase, phase)


def phase_cycles(path: tuple[CriticalPart, ...]) -> dict[str, int]:
    """The cycles of each phase of the critical path, in the order of the phases."""
    spent: dict[str, int] = {}
    for part in path:
        spent[part.phase] = spent.get(part.phase, 0) + part.end_cycle - part.start_cycle
    return spent


def elapsed(result: RunResult) -> int:
    """The cycles of the step that is drawn; 0 if none was simulated."""
    return result.steps[-1].cycles if result.steps else 0


def worst_pes(result: RunResult, count: int = 5) -> list[tuple[str, int, int, int, int]]:
    """The fullest PE of each of the fullest layers: (layer, row, col, peak bytes, busy cycles).

    One PE is enough for each layer, since its neighbours hold the same.
    """
    found: dict[tuple[int, int], tuple[str, int, int, int, int]] = {}
    for name, (top, left, rows, cols) in result.layers:
        area = np.s_[top : top + rows, left : left + cols]
        peak = result.arrays.sram_peak[area]
        row, col = divmod(int(peak.argmax()), cols)
        busy_cycles = int(result.arrays.pe_busy[top + row, left + col])
        place = (top + row, left + col)
        found.setdefault(place, (name, *place, int(peak[row, col]), busy_cycles))
    return sorted(found.values(), key=lambda pe: -pe[3])[:count]
