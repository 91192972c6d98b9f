"""What does Adafactor save in memory against AdamW, and what does it take in time for it?

Adafactor keeps the second moment of a matrix as one number a row and one a column. Less state, and
more messages: the sums run along all rows and columns of every tensor's rectangle.
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
from wse_emulator.results.answers import elapsed
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import cycles, size
from wse_emulator.views.charts import figure_bars
from wse_emulator.views.table import Table

QUESTION = "Adafactor: memory against time"
RATE = 1e-3
STATE = "optimizer_state"


def answer(adamw: RunResult, adafactor: RunResult) -> ScenarioAnswer:
    """Compare two steps of the same model: state, fullest PE and time."""
    results = (adamw, adafactor)
    state = [result.memory.bytes[STATE] for result in results]
    slower = elapsed(adafactor) / elapsed(adamw)
    smaller = adafactor.memory.peak_bytes / adamw.memory.peak_bytes
    change = "a smaller" if smaller < 1 else "no smaller"
    words = (
        f"Adafactor keeps {size(state[1])} of state for {adamw.model.name}, AdamW "
        f"{size(state[0])}: {state[1] / state[0]:.2g} of it.",
        f"Its step takes {cycles(elapsed(adafactor))} against {cycles(elapsed(adamw))}, "
        f"{slower:.2g} times as long.",
        *in_vector_form({"Adafactor": adafactor, "AdamW": adamw}),
        f"The fullest PE holds {adafactor.memory.peak_bytes:,} B against "
        f"{adamw.memory.peak_bytes:,} B, {change} one: what state a PE loses is partly taken by "
        "temporaries, and each tensor is cut into blocks rather than into equal shares.",
    )
    table = Table(
        ("optimizer", "state_bytes", "fullest_PE_bytes", "cycles", "microseconds", "messages"),
        tuple(
            (
                result.optimizer.name,
                held,
                result.memory.peak_bytes,
                elapsed(result),
                1e6 * result.steps[0].seconds,
                len(result.messages),
            )
            for result, held in zip(results, state, strict=True)
        ),
    )
    picture = figure_bars(
        ["optimizer state", "fullest PE", "time of a step"],
        {
            "AdamW": [1.0, 1.0, 1.0],
            "Adafactor": [state[1] / state[0], smaller, slower],
        },
        question=f"{QUESTION}, {adamw.model.name} on {adamw.wafer.name}",
        answer=f"{words[0]} {words[1]}",
        unit="times AdamW",
    )
    return ScenarioAnswer(words=words, table=table, pictures={"memory-and-time": picture})


@click.command()
@click.option("--model", default="bert-base", show_default=True, help="The model.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@answer_options
def main(model: str, wafer: str, out: Path | None, force: bool) -> int:
    """One step of a model with AdamW and with Adafactor: memory and time."""
    adamw, adafactor = (
        wse_emulator.run(model, optimizer=name, lr=RATE, wafer=wafer)
        for name in ("AdamW", "Adafactor")
    )
    must_fit({"AdamW": adamw, "Adafactor": adafactor})
    return report_answer(answer(adamw, adafactor), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "adafactor_memory_and_time"))
