"""The inverse question: the largest batch, sequence, width or depth that fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from torch import nn

from wse_emulator.errors import InputError
from wse_emulator.inputs.read import Inputs
from wse_emulator.models.load import module_of_model
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.resized import (
    deepened,
    depth_of,
    groups_of,
    is_resizable,
    widened,
    width_steps,
)
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.questions.fit.judge import Judgement, judge
from wse_emulator.request import with_batch
from wse_emulator.results.fit import SOLVABLE, Solution
from wse_emulator.tell import Tell, silent

MOST: Final = 2**16
"""No count beyond this is looked for."""

MOST_LAYERS: Final = 256
"""Nor are more layers than this, twice those of the deepest published language models: each size
is captured and placed layer by layer."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Questions in one growing size: ``ask(n)`` for n = 1, 2, ...; ``size(n)`` is what n means.

    ``asked`` is the n of the request itself, where it has one.
    """

    unit: str
    ask: Callable[[int], Inputs]
    size: Callable[[int], int]
    asked: int | None


def solve(judgement: Judgement, what: str, tell: Tell = silent) -> Solution:
    """The largest size that fits, with everything else as in the request.

    Batch in samples, sequence in tokens, depth in layers (of each stack); width is the hidden
    size, with the size of a head and the ratio of the feed-forward network as they are.

    Raises:
        InputError: an unknown word, or a model that has no such size.
    """
    question = _question(judgement, what)
    gaps: dict[int, int] = {}
    refused: dict[int, str] = {}

    def fits(count: int) -> bool:
        if count not in gaps and count not in refused:
            tell(f"trying {what} {question.size(count):,}")
            try:
                gaps[count] = judge(question.ask(count), judgement).memory.gap_bytes
            except InputError as error:
                if count == 1:
                    raise
                refused[count] = str(error)
        return gaps.get(count) == 0

    low, high, most = 0, 1, MOST
    if question.asked is not None and judgement.fits:
        # the layers are placed anew for each size, so that a smaller one may need more memory
        low, high = question.asked, 2 * question.asked
        most = max(MOST, 2 * high)
    while high <= most and fits(high):
        low, high = high, 2 * high
    bounded = high <= most
    while bounded and high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return Solution(
        what=what,
        unit=question.unit,
        fits_at=question.size(low) if low else 0,
        bounded=bounded,
        next_value=question.size(low + 1) if bounded else 0,
        next_gap_bytes=gaps.get(low + 1, 0),
        limit=refused.get(low + 1, ""),
    )


def _question(judgement: Judgement, what: str) -> _Question:
    # with the mode that was chosen for the request
    inputs = judgement.inputs.changed(judgement.request)
    request = inputs.request
    if what == "batch":
        return _Question(
            "samples",
            lambda n: inputs.changed(with_batch(request, n)),
            lambda n: n,
            request.batch_size,
        )
    if what == "sequence":
        if request.batch_size is None:
            raise InputError("solving for the sequence length needs a batch size")
        profile = judgement.known.profile
        return _Question(
            "tokens",
            lambda n: inputs.changed(replace(request, sequence=n)),
            lambda n: n,
            None if profile is None else profile.sequence,
        )
    if what not in SOLVABLE:
        raise InputError(f"cannot solve for {what!r}; one of {', '.join(SOLVABLE)}")
    module = module_of_model(inputs.model)
    if not is_resizable(module):
        raise InputError(
            f"{inputs.model.name} cannot be made in another {what}: only built-in transformers "
            "and run configs can"
        )
    if what == "depth":
        return _Question(
            "layers",
            lambda n: _with_module(inputs, deepened(module, _not_too_deep(n))),
            lambda n: n,
            depth_of(module),
        )
    least, step = width_steps(module)
    return _Question(
        "hidden size",
        lambda n: _with_module(inputs, widened(module, n)),
        lambda n: least + (n - 1) * step,
        groups_of(module),
    )


def _not_too_deep(layers: int) -> int:
    if layers > MOST_LAYERS:
        raise InputError(f"more than {MOST_LAYERS:,} layers are not looked for")
    return layers


def _with_module(inputs: Inputs, module: nn.Module) -> Inputs:
    model: ModelShapes = shapes_of_module(
        module, inputs.model.name, inputs.model.source, build=lambda: module
    )
    return replace(inputs, model=model)
