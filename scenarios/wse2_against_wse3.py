"""What does a WSE-3 gain over a WSE-2 for one AdamW step of GPT-2 XL, in time and in memory?

The same step on both, and on a WSE-3 with the rates a third party measured on silicon where they
fall short of the documents.
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
from wse_emulator.results.words import seconds, share
from wse_emulator.views.charts import figure_bars
from wse_emulator.views.table import Table

QUESTION = "What does a WSE-3 gain?"
MACHINES = ("wse2", "wse3", "wse3-silicon")


def answer(results: list[RunResult]) -> ScenarioAnswer:
    """Compare the same step on several machines with that on the first of them."""
    first = results[0]
    time = [result.steps[0].seconds for result in results]
    words = (
        *(
            f"A step of {first.model.name} with {first.optimizer.name} takes {seconds(taken)} on "
            f"{result.wafer.name} against {seconds(time[0])} on {first.wafer.name}: "
            f"{time[0] / taken:.2f} times as fast."
            for result, taken in zip(results[1:], time[1:], strict=True)
        ),
        *in_vector_form({result.wafer.name: result for result in results}),
        f"The fullest PE is {share(first.utilization.sram_peak)} full on {first.wafer.name} and "
        f"{share(results[1].utilization.sram_peak)} on {results[1].wafer.name}: "
        f"{results[1].wafer.pes / first.wafer.pes:.2f} times as many PEs share the model.",
        "The intervals overlap: the costs of functions are known within ranges."
        if first.seconds_interval[0] < results[1].seconds_interval[1]
        else "The intervals do not overlap.",
    )
    table = Table(
        (
            "wafer",
            "PEs",
            "clock_MHz",
            "cycles",
            "microseconds",
            "low_microseconds",
            "high_microseconds",
            "fullest_PE_bytes",
        ),
        tuple(
            (
                result.wafer.name,
                result.wafer.pes,
                result.wafer.clock_hz // 1_000_000,
                elapsed(result),
                1e6 * taken,
                1e6 * result.seconds_interval[0],
                1e6 * result.seconds_interval[1],
                result.memory.peak_bytes,
            )
            for result, taken in zip(results, time, strict=True)
        ),
    )
    picture = figure_bars(
        [result.wafer.name for result in results],
        {
            "low end of the interval": [1e6 * result.seconds_interval[0] for result in results],
            "as modelled": [1e6 * taken for taken in time],
            "high end": [1e6 * result.seconds_interval[1] for result in results],
        },
        question=f"{QUESTION} {first.model.name} with {first.optimizer.name}",
        answer=words[0],
        unit="time of a step in microseconds",
    )
    return ScenarioAnswer(words=words, table=table, pictures={"machines": picture})


@click.command()
@click.option("--model", default="gpt2-xl", show_default=True, help="The model.")
@click.option("--size", metavar="ROWSxCOLS", help="Cut every machine to this size.")
@answer_options
def main(model: str, size: str | None, out: Path | None, force: bool) -> int:
    """Time one AdamW step on each machine."""
    names = [name if size is None else f"{name}:{size}" for name in MACHINES]
    results = [wse_emulator.run(model, optimizer="AdamW", wafer=name) for name in names]
    must_fit({result.wafer.name: result for result in results})
    return report_answer(answer(results), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "wse2_against_wse3"))
