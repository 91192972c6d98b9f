"""Which optimizers fit GPT-2 XL on a whole WSE-2, with weights and gradients beside their state?

The same model is planned once for every optimizer of the package: what counts is the fullest PE,
since one PE out of memory is enough to stop a run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

import wse_emulator
from scenarios._answer import ScenarioAnswer, answer_options, report_answer
from wse_emulator.cli.main import run_command
from wse_emulator.results.fit import FitReport
from wse_emulator.views.charts import LimitLine, figure_bars
from wse_emulator.views.table import Table

QUESTION = "Which optimizers fit?"


def answer(report: FitReport) -> ScenarioAnswer:
    """Answer with the table over optimizers of a fit, the least bytes first."""
    judged = [row for row in report.optimizers if not row.refused]
    fitting = [row.optimizer for row in judged if row.fits]
    beyond = [row.optimizer for row in judged if not row.fits]
    words = (
        f"{len(fitting)} of {len(judged)} optimizers fit {report.model.name} on "
        f"{report.wafer.name}: {', '.join(fitting) or 'none'}.",
        f"Too large are {', '.join(beyond)}." if beyond else "None is too large.",
        "Batch and activations are not counted: this is the optimizer step alone."
        if not report.activations_counted
        else "Activations are counted.",
    )
    table = Table(
        ("optimizer", "state_bytes", "fullest_PE_bytes", "over_by_bytes", "fits"),
        tuple(
            (row.optimizer, row.state_bytes, row.peak_bytes, row.gap_bytes, row.fits)
            for row in judged
        ),
    )
    capacity = report.pe.capacity_bytes
    picture = figure_bars(
        [row.optimizer for row in judged],
        {"fullest PE": [row.peak_bytes for row in judged]},
        question=f"{QUESTION} {report.model.name} on {report.wafer.name}",
        answer=words[0],
        unit="bytes in the fullest PE",
        limit=LimitLine(capacity, f"SRAM of a PE, {capacity:,} B"),
    )
    return ScenarioAnswer(words=words, table=table, pictures={"optimizers": picture})


@click.command()
@click.option("--model", default="gpt2-xl", show_default=True, help="The model.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@click.option("--batch-size", type=int, metavar="N", help="Count activations of N samples a step.")
@answer_options
def main(model: str, wafer: str, batch_size: int | None, out: Path | None, force: bool) -> int:
    """Plan a model's memory once for every optimizer."""
    report = wse_emulator.fit(
        model, wafer=wafer, batch_size=batch_size, levers=False, all_optimizers=True
    )
    return report_answer(answer(report), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "optimizers_that_fit"))
