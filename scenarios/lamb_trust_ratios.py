"""What do Lamb's trust ratios cost over AdamW, whose update has no norms?

Lamb divides the norm of each tensor by the norm of its update, so every tensor is summed over all
its PEs twice a step, and its result sent back. AdamW keeps to itself.
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
from wse_emulator.results.answers import elapsed, phase_cycles, phase_words
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import cycles, share
from wse_emulator.views.charts import figure_bars
from wse_emulator.views.table import Table

QUESTION = "What do trust ratios cost?"
RATE = 1e-3


def answer(adamw: RunResult, lamb: RunResult) -> ScenarioAnswer:
    """Compare two steps of the same model."""
    results = (adamw, lamb)
    extra = elapsed(lamb) - elapsed(adamw)
    spent = [phase_cycles(result.critical_path) for result in results]
    phases = list(dict.fromkeys(phase for each in spent for phase in each))
    reducing = spent[1].get("reduce", 0)
    rest = "more" if extra - reducing >= 0 else "less"
    words = (
        f"A Lamb step of {lamb.model.name} takes {cycles(elapsed(lamb))}, an AdamW step "
        f"{cycles(elapsed(adamw))}: {extra / elapsed(adamw):+.0%}.",
        *in_vector_form({"Lamb": lamb, "AdamW": adamw}),
        f"On the slowest PE {cycles(reducing)} ({share(reducing / elapsed(lamb))} of the step) are "
        f"reductions and waiting for them; arithmetic takes {abs(extra - reducing):,} cycles "
        f"{rest}.",
        f"Lamb sends {len(lamb.messages):,} messages a step, AdamW {len(adamw.messages):,}; PEs "
        f"are busy {share(lamb.utilization.pe_busy)} and {share(adamw.utilization.pe_busy)} of "
        "the time.",
    )
    table = Table(
        ("optimizer", "cycles", "microseconds", *(f"{p}_cycles" for p in phases), "messages"),
        tuple(
            (
                result.optimizer.name,
                elapsed(result),
                1e6 * result.steps[0].seconds,
                *(each.get(phase, 0) for phase in phases),
                len(result.messages),
            )
            for result, each in zip(results, spent, strict=True)
        ),
    )
    picture = figure_bars(
        [result.optimizer.name for result in results],
        {phase_words(phase): [each.get(phase, 0) for each in spent] for phase in phases},
        question=f"{QUESTION} {lamb.model.name} on {lamb.wafer.name}",
        answer=words[0],
        unit="cycles of the slowest PE",
        stacked=True,
    )
    return ScenarioAnswer(words=words, table=table, pictures={"trust-ratios": picture})


@click.command()
@click.option("--model", default="bert-large", show_default=True, help="The model.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@answer_options
def main(model: str, wafer: str, out: Path | None, force: bool) -> int:
    """One step of a model with AdamW and with Lamb, side by side."""
    adamw, lamb = (
        wse_emulator.run(model, optimizer=name, lr=RATE, wafer=wafer) for name in ("AdamW", "Lamb")
    )
    must_fit({"AdamW": adamw, "Lamb": lamb})
    return report_answer(answer(adamw, lamb), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "lamb_trust_ratios"))
