"""How sparse do the weights of a model have to be until its training state fits on the wafer?

Sparse matrices keep the values that are left and where they stand, and so do the moments of their
optimizer. Below the sparsity at which an index costs what it saves, nothing is gained.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

import wse_emulator
from scenarios._answer import ScenarioAnswer, answer_options, report_answer
from wse_emulator.cli.main import run_command
from wse_emulator.results.fit import FitReport
from wse_emulator.results.words import share
from wse_emulator.views.charts import LimitLine, figure_curves
from wse_emulator.views.table import Table

QUESTION = "How sparse does it have to be to fit?"
LEVELS = "0,0.1,0.25,0.5,0.6,0.7,0.75,0.8,0.9,0.95"


def answer(reports: list[FitReport]) -> ScenarioAnswer:
    """Compare the same model at rising sparsity."""
    first = reports[0]
    fitting = next((report for report in reports if report.fits), None)
    what = f"{first.model.name} with {first.optimizer.name} on {first.wafer.name}"
    notes = [note for report in reports for note in report.notes if "pays above" in note]
    words = (
        f"{what} fits from a sparsity of {share(fitting.sparsity)} on, of those tried."
        if fitting is not None
        else f"{what} fits at none of the sparsities tried.",
        f"The fullest PE holds {first.pe.peak_bytes:,} B at {share(first.sparsity)} and "
        f"{reports[-1].pe.peak_bytes:,} B at {share(reports[-1].sparsity)}.",
        *notes[:1],
    )
    table = Table(
        ("sparsity", "fullest_PE_bytes", "mean_PE_bytes", "total_bytes", "fits"),
        tuple(
            (r.sparsity, r.pe.peak_bytes, round(r.pe.mean_bytes), r.bytes["total"], r.fits)
            for r in reports
        ),
    )
    capacity = first.pe.capacity_bytes
    picture = figure_curves(
        [100 * report.sparsity for report in reports],
        {
            "fullest PE": [report.pe.peak_bytes for report in reports],
            "mean PE": [report.pe.mean_bytes for report in reports],
        },
        question=f"{QUESTION} {what}",
        answer=words[0],
        x_unit="weights left out, percent",
        unit="bytes per PE",
        limit=LimitLine(capacity, f"SRAM of a PE, {capacity:,} B"),
    )
    return ScenarioAnswer(words=words, table=table, pictures={"sparsity": picture})


@click.command()
@click.option("--model", default="t5-3b", show_default=True, help="The model.")
@click.option("--optimizer", default="AdamW", show_default=True, help="The optimizer.")
@click.option("--levels", default=LEVELS, show_default=True, help="Fractions, by commas.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@answer_options
def main(model: str, optimizer: str, levels: str, wafer: str, out: Path | None, force: bool) -> int:
    """Memory of one model at several sparsities."""
    try:
        fractions = sorted(float(level) for level in levels.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{levels!r} is no list of fractions; as 0,0.5,0.9") from error
    reports = [
        wse_emulator.fit(model, optimizer=optimizer, sparsity=level, wafer=wafer, levers=False)
        for level in fractions
    ]
    return report_answer(answer(reports), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "sparsity_levels"))
