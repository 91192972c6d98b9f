"""The same request under every optimizer: fits or not."""

from __future__ import annotations

from dataclasses import replace

from wse_emulator.errors import InputError, UnknownOpError
from wse_emulator.inputs.optimizer import ANY_RATE, optimizer_classes
from wse_emulator.questions.fit.judge import Judgement, judge
from wse_emulator.request import OptimizerChoice
from wse_emulator.results.fit import OptimizerRow
from wse_emulator.tell import Tell, silent


def optimizer_table(judgement: Judgement, tell: Tell = silent) -> tuple[OptimizerRow, ...]:
    """One row an optimizer, least bytes first; those that cannot take the model say why."""
    request = judgement.request
    rate = ANY_RATE if request.optimizer.lr is None else request.optimizer.lr
    rows = []
    own = [request.optimizer.name] if request.optimizer.own else []
    for name in (*own, *optimizer_classes()):
        tell(f"planning with {name}")
        same = name.lower() == request.optimizer.name.lower()
        choice = request.optimizer if same else OptimizerChoice(name=name, lr=rate)
        try:
            changed = judgement.inputs.changed(replace(request, optimizer=choice))
            memory = judge(changed, judgement).memory
        except (InputError, UnknownOpError) as error:
            rows.append(OptimizerRow(optimizer=name, refused=str(error)))
            continue
        rows.append(
            OptimizerRow(
                optimizer=name,
                fits=memory.fits,
                state_bytes=memory.totals["optimizer_state"],
                peak_bytes=memory.worst_bytes,
                gap_bytes=memory.gap_bytes,
            )
        )
    return tuple(sorted(rows, key=lambda row: (bool(row.refused), row.peak_bytes, row.optimizer)))
