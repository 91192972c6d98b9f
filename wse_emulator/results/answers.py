"""The answers in words that stand above the pictures and first in the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from wse_emulator.results.facts import Lever
from wse_emulator.results.run import CriticalPart, RunResult
from wse_emulator.results.words import cycles, plural, seconds, share, short, size

CONFIG_BATCH: Final = "the batch and its lengths, which are those of the config's own model"
"""What is not used of a run config that stands beside another model."""


def verdict(result: RunResult) -> str:
    """Whether the model fits, with the fullest PE's bytes and the capacity."""
    memory = result.memory
    row, col = memory.worst_pe
    capacity = size(memory.capacity_bytes)
    if result.fits:
        return (
            f"Fits: the fullest PE, row {row} column {col}, holds {size(memory.peak_bytes)} of "
            f"{capacity}."
        )
    over = memory.peak_bytes - memory.capacity_bytes
    return (
        f"Does not fit: the fullest PE, row {row} column {col}, would need "
        f"{size(memory.peak_bytes)} of {capacity}, {size(over)} too many."
    )


def no_step(result: RunResult) -> str:
    """The words on a picture of the step if no step was simulated."""
    why = (
        "Its memory alone was judged: there is no step to show."
        if result.fits
        else f"So there is no step to show. {advice(result)}"
    )
    return f"{verdict(result)} {why}".strip()


def step_time(result: RunResult) -> str:
    """The cycles and seconds of the step, and between which times unsourced costs leave it."""
    if not result.steps:
        return "No step was simulated."
    step = result.steps[-1]
    low, high = result.seconds_interval
    interval = (
        f" Some costs have no published source, so it may take between {seconds(low)} and "
        f"{seconds(high)}."
        if 0 < low < high and result.unsourced_share > 0
        else ""
    )
    return f"One step takes {cycles(step.cycles)} = {seconds(step.seconds)}.{interval}"


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
    return f"{text}; the costliest op is {short(op.name, 30)}, {share(op.pe_cycles / whole)}."


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


def advice(result: RunResult) -> str:
    """What the best levers save, or nothing when the model fits."""
    best = best_levers(result)
    if not best:
        return ""
    words = [
        f"{short(lever.what, 80)} (saves {size(lever.saves_bytes)} in the fullest PE"
        f"{', and then it fits' if lever.fits else ''})"
        for lever in best
    ]
    return f"What would help: {'; '.join(words)}."


def timed(result: RunResult) -> str:
    """What is judged and what is timed: with a batch its activations count, and are not timed."""
    batch = None if result.request is None else result.request.batch_size
    if batch is None and CONFIG_BATCH in result.config_unused:
        return (
            "The batch of the config is that of its own model and is not used: the optimizer step "
            "alone is judged and timed; activations are not counted."
        )
    if batch is None:
        given = "" if result.request is None else ", ".join(result.request.without_use)
        unused = f" Without it there is no use for {given}." if given else ""
        return (
            "No batch size is given: the optimizer step alone is judged and timed; activations are "
            f"not counted.{unused}"
        )
    samples = "sample" if batch == 1 else "samples"
    return (
        f"The activations of a batch of {batch:,} {samples} count among the bytes; the optimizer "
        "step alone is timed."
    )


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
    end = f" and {more} more (all in the JSON)." if more else "."
    return f"Not used of the run config: {', '.join(named)}{end}"


def about(result: RunResult) -> str:
    """What was run, in one line."""
    model, wafer = result.model, result.wafer
    return (
        f"{short(model.name, 40)}: {plural(model.parameters, 'parameter')} in "
        f"{plural(model.tensors, 'tensor')}, {short(result.optimizer.name, 30)}, on "
        f"{short(wafer.name, 30)} ({wafer.rows:,} rows x {wafer.cols:,} columns)"
    )


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
