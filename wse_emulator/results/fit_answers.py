"""The answers of a fit in words: each takes the report, or the values that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wse_emulator.results.answers import config_left_out, fullest_pe
from wse_emulator.results.facts import Lever
from wse_emulator.results.sentences import Sentence, sentence
from wse_emulator.results.words import full_bytes, plural, seconds, share

if TYPE_CHECKING:  # a report has these sentences as properties
    from wse_emulator.results.fit import FitReport, PeFacts, Solution, WeightServer

UNUSED_TOLD = 6
"""Keys of a run config that a terminal names; the rest is counted."""


@sentence
def fit_verdict(report: FitReport) -> str:
    """Whether the model fits, what the fullest PE holds, and the lever that makes it fit."""
    what = f"{report.model.name} with {report.optimizer.name}"
    if report.batch is not None:
        what += f" at batch {report.batch.batch_size:,}"
    fits = "fits" if report.fits else "does not fit"
    place = (report.worst[0].row, report.worst[0].col)
    words = fullest_pe(report.pe.peak_bytes, report.pe.capacity_bytes, place)
    said = f"{what} {fits} {report.mode} on {report.wafer.name}: {words}"
    lever = next((lever for lever in report.levers if lever.fits), None)
    return said if report.fits or lever is None else f"{said} It would fit with {lever.what}."


@sentence
def room(report: FitReport) -> str:
    """The headroom or gap of the fullest PE, and how much less an even placement would need."""
    if report.fits:
        left = report.pe.capacity_bytes - report.pe.peak_bytes
        has = f"The fullest PE has a headroom of {full_bytes(left)}"
    else:
        has = f"The fullest PE has a gap of {full_bytes(report.gap_bytes)}"
    bound, peak = report.bound_bytes, report.pe.peak_bytes
    less = 1 - bound / peak if peak else 0.0
    even = f"{full_bytes(bound)}, {share(less)} less" if less > 0 else "as many bytes"
    return f"{has}; a perfectly even placement would need {even}."


@sentence
def chosen_mode(report: FitReport) -> str:
    """The mode that was chosen, and why; empty if it was asked for."""
    return f"Mode: {report.mode}, since {report.mode_reason}." if report.mode_reason else ""


@sentence
def solved(solution: Solution) -> str:
    """The largest size that fits."""
    return f"Solved: {solution.sentence}."


@sentence
def solution_words(solution: Solution) -> str:
    """The largest size that fits, without a full stop."""
    at = _amount(solution.fits_at, solution.unit)
    over = f"the fullest PE is {full_bytes(solution.next_gap_bytes)} over"
    if solution.fits_at == 0:
        next_one = _amount(solution.next_value, solution.unit)
        return f"no {solution.what} fits: at {next_one} {over}"
    if not solution.bounded:
        fit = "fits" if solution.fits_at == 1 else "fit"
        return f"{solution.what} is no limit: {at} {fit}, and more need no more memory"
    if solution.limit:
        return f"the largest {solution.what} is {at}: {solution.limit}"
    return f"the largest {solution.what} that fits is {at}; at {solution.next_value:,} {over}"


def _amount(count: int, unit: str) -> str:
    """A count with its unit: ``1 sample``, ``3 layers``, ``hidden size 768``."""
    return plural(count, unit.removesuffix("s")) if unit.endswith("s") else f"{unit} {count:,}"


@sentence
def pes_near_the_limit(pe: PeFacts) -> str:
    """How many PEs are used, nearly full, and over their capacity."""
    return (
        f"{plural(pe.used, 'PE')} used; {pe.near_limit:,} over 95 % full, {pe.over_limit:,} over "
        "capacity."
    )


@sentence
def link_time(server: WeightServer) -> str:
    """How long weights and gradients of a step take over the link."""
    rate = f"{server.link_bytes_per_second / 1e9:g} GB/s"
    return f"The link takes {seconds(server.link_seconds)} per step, at {rate} each way."


@sentence
def layers_left_out(count: int) -> str:
    """How many layers a table leaves out; empty if none."""
    return f"{plural(count, 'smaller layer')} left out; all are in the JSON." if count > 0 else ""


@sentence
def fit_lever(lever: Lever) -> str:
    """A change, and what to add to the command."""
    return f"{lever.what} ({' '.join(lever.arguments)})"


@sentence
def default_length(tokens: int, positions: int | None) -> str:
    """The length that was taken for want of a given one; ``positions`` are those of the model."""
    taken = f"No sequence length is given: {plural(tokens, 'token')}"
    if positions == tokens:
        return f"{taken}, as the model has."
    why = f"of the {positions:,} that the model has" if positions else "since the model names none"
    return f"{taken}, {why} (--seq-len)."


@sentence
def missing_activations(parts: Sequence[str]) -> str:
    """Which parts of the model have activations that are not counted, and what counts them."""
    return (
        f"The activations of {', '.join(parts)} are missing: no input could be made that runs "
        "them. A module with a method example_inputs(batch_size, sequence_length) names its own."
    )


@sentence
def default_batch(batch: int) -> str:
    """The batch that is judged where the largest was asked for and none was given."""
    return f"No batch size is given: the one that is judged is {batch:,}, the largest that fits."


@sentence
def no_batch_fits() -> str:
    """What is judged where no batch fits and none was given."""
    return "No batch size is given: a batch of 1 is judged, the smallest there is."


@sentence
def sparse_storage(dense_bytes: int, index_bytes: int) -> str:
    """From which sparsity on kept values and their indices take less than dense storage.

    Args:
        dense_bytes: bytes of an element of a dense parameter; 0 if none takes part.
        index_bytes: bytes of the index of a kept element.
    """
    if dense_bytes == 0:
        return "No parameter of the model takes part in sparsity."
    kept = dense_bytes + index_bytes
    return (
        f"Sparse storage takes {kept} B per kept element against {dense_bytes} B per dense one, so "
        f"it pays above a sparsity of {share(index_bytes / kept)}."
    )


def fit_paragraphs(report: FitReport) -> list[Sentence]:
    """The answer of a fit in paragraphs."""
    words = [
        fit_verdict(report),
        room(report),
        chosen_mode(report),
        *(() if report.solution is None else (solved(report.solution),)),
        *report.notes,
        config_left_out(report.config_unused, UNUSED_TOLD),
    ]
    return [text for text in words if text]
