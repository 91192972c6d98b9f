"""Levers: changes to a request, each judged by planning again with it.

Single changes tell what each is worth. Where none is enough, some are taken together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from wse_emulator.errors import InputError, UnknownOpError
from wse_emulator.inputs.command_line import typed_fit
from wse_emulator.questions.fit.changes import (
    Change,
    changes,
    precisions,
    shorter_sequences,
    smaller_batch,
    sparser,
    streaming,
)
from wse_emulator.questions.fit.judge import Judgement, judge
from wse_emulator.request import Request, with_batch
from wse_emulator.results.facts import Lever
from wse_emulator.tell import Tell, silent

TOGETHER: Final = (streaming, precisions, sparser)
"""What is added one after the other until a model fits: what costs the training least first."""


def pull_levers(judgement: Judgement, tell: Tell = silent) -> tuple[Lever, ...]:
    """Every change that saves bytes on the fullest PE; those that make it fit come first.

    If the model does not fit and no single change is enough, one of the levers is several
    changes together that are, if there are any. With options of the optimizer, a change of
    optimizer is judged without them.
    """
    levers = []
    for change in changes(judgement.request):
        tell(f"planning with {change.what}")
        try:
            lever = _lever(judgement, change)
        except (InputError, UnknownOpError):
            continue  # an optimizer that does not take every tensor of this model
        if lever.saves_bytes > 0:
            levers.append(lever)
    levers.extend(_shorter(judgement, tell))
    if not judgement.memory.fits and not any(lever.fits for lever in levers):
        enough = _together(judgement, tell)
        if enough is not None:
            levers.append(_lever(judgement, enough))
    return tuple(sorted(levers, key=lambda lever: (not lever.fits, -lever.saves_bytes)))


def _shorter(judgement: Judgement, tell: Tell) -> list[Lever]:
    """The longest half, quarter, ... of the sequence that makes the model fit, else its half."""
    profile = judgement.known.profile
    length = None if profile is None else profile.sequence
    found: list[Lever] = []
    for change in shorter_sequences(judgement.request, length):
        tell(f"planning with {change.what}")
        try:
            lever = _lever(judgement, change)
        except InputError:
            break  # a model that takes one length only
        found.append(lever)
        if lever.fits:
            return [lever] if lever.saves_bytes > 0 else []
    return [lever for lever in found[:1] if lever.saves_bytes > 0]


def _lever(judgement: Judgement, change: Change) -> Lever:
    before, after = judgement.memory, _judged(judgement, change.request).memory
    return Lever(
        what=change.what,
        arguments=change.arguments,
        saves_bytes=before.worst_bytes - after.worst_bytes,
        saves_total_bytes=before.total_bytes - after.total_bytes,
        fits=after.fits,
        command=typed_fit(judgement.request, change.arguments),
    )


def _judged(judgement: Judgement, request: Request) -> Judgement:
    return judge(judgement.inputs.changed(request), judgement)


def _together(judgement: Judgement, tell: Tell) -> Change | None:
    """The first of `TOGETHER`, as many as it takes, with the largest batch that fits then."""

    def fits(request: Request) -> bool:
        return _judged(judgement, request).fits

    whole = judgement.request
    taken: list[Change] = []
    for more in (None, *TOGETHER):
        if more is not None:
            found = list(more(whole))
            if not found:
                continue
            taken.append(found[-1])
            whole = taken[-1].request
            tell(f"planning with {' + '.join(change.what for change in taken)}")
            if fits(whole):
                return _joined(taken)
        if whole.batch_size is None or whole.batch_size == 1 or not fits(with_batch(whole, 1)):
            continue
        low, high = 1, whole.batch_size
        while high - low > 1:
            middle = (low + high) // 2
            tell(f"planning with a batch of {middle}")
            low, high = (middle, high) if fits(with_batch(whole, middle)) else (low, middle)
        return _joined([*taken, smaller_batch(whole, low)])
    return None


def _joined(taken: list[Change]) -> Change:
    return replace(
        taken[-1],
        what=" + ".join(change.what for change in taken),
        arguments=tuple(word for change in taken for word in change.arguments),
    )
