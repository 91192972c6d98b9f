"""What does clipping by the global norm cost a step, when its sum has to cross the whole wafer?

Every PE adds up the squares it holds, the sums run together at the centre, and one factor goes back
to all before any weight may change.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

import wse_emulator
from scenarios._answer import (
    ScenarioAnswer,
    answer_options,
    in_vector_form,
    must_fit,
    report_answer,
)
from wse_emulator.cli.main import run_command
from wse_emulator.results.answers import elapsed, phase_cycles
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import cycles
from wse_emulator.views.charts import figure_bars
from wse_emulator.views.table import Table

QUESTION = "What does clipping cost?"
OPTIMIZERS = ("SGD", "AdamW")
RATE = 1e-3
NORM = 1.0


def answer(pairs: list[tuple[RunResult, RunResult]]) -> ScenarioAnswer:
    """Compare steps without and with clipping, a pair for each optimizer."""
    extra = [elapsed(clipped) - elapsed(plain) for plain, clipped in pairs]
    waiting = [_waiting(clipped) for _, clipped in pairs]
    words = tuple(
        f"{plain.optimizer.name}: {cycles(elapsed(clipped))} with clipping against "
        f"{cycles(elapsed(plain))} without, {added / elapsed(plain):+.0%}. Of the {added:,} cycles "
        f"more the slowest PE waits {waited:,} for the sum over the wafer and its way back."
        for (plain, clipped), added, waited in zip(pairs, extra, waiting, strict=True)
    ) + in_vector_form({f"{clipped.optimizer.name} with clipping": clipped for _, clipped in pairs})
    table = Table(
        ("optimizer", "cycles_plain", "cycles_clipped", "more_cycles", "waiting_cycles"),
        tuple(
            (plain.optimizer.name, elapsed(plain), elapsed(clipped), added, waited)
            for (plain, clipped), added, waited in zip(pairs, extra, waiting, strict=True)
        ),
    )
    first = pairs[0][0]
    picture = figure_bars(
        [plain.optimizer.name for plain, _ in pairs],
        {
            "the step without clipping": [elapsed(plain) for plain, _ in pairs],
            "squares, sums and scaling": [
                added - waited for added, waited in zip(extra, waiting, strict=True)
            ],
            "waiting for the sum over the wafer": waiting,
        },
        question=f"{QUESTION} {first.model.name} on {first.wafer.name}",
        answer=" ".join(words),
        unit="cycles of a step",
        stacked=True,
    )
    return ScenarioAnswer(words=words, table=table, pictures={"clipping": picture})


def _waiting(result: RunResult) -> int:
    """How many cycles the last PE to finish waits for the sum."""
    spent = phase_cycles(result.critical_path)
    return spent.get("reduce", 0) + spent.get("broadcast", 0)


@click.command()
@click.option("--model", default="gpt2-xl", show_default=True, help="The model.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@answer_options
def main(model: str, wafer: str, out: Path | None, force: bool) -> int:
    """Steps of two optimizers without and with clipping by the global norm."""
    pairs = []
    for name in OPTIMIZERS:
        plain, clipped = (
            wse_emulator.run(model, optimizer=name, lr=RATE, wafer=wafer, max_grad_norm=norm)
            for norm in (None, NORM)
        )
        must_fit({name: clipped})
        pairs.append((plain, clipped))
    return report_answer(answer(pairs), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "gradient_clipping"))
