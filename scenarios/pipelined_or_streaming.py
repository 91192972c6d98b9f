"""From which model on do weights have to be streamed in, and what does the link cost then?

Pipelined, all layers with their gradients and optimizer state lie on the wafer at once. Streaming,
only activations stay; weights come in layer by layer twice a step, and gradients leave once.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

import wse_emulator
from scenarios._answer import ScenarioAnswer, answer_options, report_answer
from wse_emulator.cli.main import run_command
from wse_emulator.inputs.precision import PrecisionName
from wse_emulator.results.fit import FitReport
from wse_emulator.results.words import seconds
from wse_emulator.views.charts import LimitLine, figure_bars
from wse_emulator.views.table import Table

QUESTION = "From which model on do weights have to be streamed?"
MODELS = "gpt2,gpt2-large,gpt2-xl,gpt-j-6b,llama-13b,llama2-70b"
PRECISION: PrecisionName = "mixed"


def answer(pairs: list[tuple[FitReport, FitReport]]) -> ScenarioAnswer:
    """Compare both modes, a pair for each model, in the order given."""
    on_wafer = [pipelined.model.name for pipelined, _ in pairs if pipelined.fits]
    only_streamed = [p.model.name for p, s in pairs if s.fits and not p.fits]
    neither = [p.model.name for p, s in pairs if not s.fits and not p.fits]
    link = [s.weight_server.link_seconds if s.weight_server else 0.0 for _, s in pairs]
    first = pairs[0][0]
    batch = first.batch.batch_size if first.batch else "none"
    words = (
        f"With {first.optimizer.name}, {first.precision} precision and a batch of {batch}, all of "
        f"it fits on {first.wafer.name} at once for {', '.join(on_wafer) or 'none'}; weights have "
        f"to be streamed for {', '.join(only_streamed) or 'none'}."
        + (f" Neither way fits {', '.join(neither)}." if neither else ""),
        f"The link alone then takes at least {seconds(min(link))} a step for the smallest and "
        f"{seconds(max(link))} for the largest of these models, whatever the batch.",
        "The table's bytes are those of the fullest PE.",
    )
    table = Table(
        (
            "model",
            "parameters",
            "pipelined_fits",
            "pipelined_bytes",
            "streaming_fits",
            "streaming_bytes",
            "link_seconds",
        ),
        tuple(
            (
                p.model.name,
                p.model.parameters,
                p.fits,
                p.pe.peak_bytes,
                s.fits,
                s.pe.peak_bytes,
                taken,
            )
            for (p, s), taken in zip(pairs, link, strict=True)
        ),
    )
    capacity = first.pe.capacity_bytes
    picture = figure_bars(
        [p.model.name for p, _ in pairs],
        {
            "pipelined": [p.pe.peak_bytes for p, _ in pairs],
            "weight streaming": [s.pe.peak_bytes for _, s in pairs],
        },
        question=QUESTION,
        answer=words[0],
        unit="bytes in the fullest PE (logarithmic)",
        logarithmic=True,
        limit=LimitLine(capacity, f"SRAM of a PE, {capacity:,} B"),
    )
    return ScenarioAnswer(words=words, table=table, pictures={"modes": picture})


@click.command()
@click.option("--models", default=MODELS, show_default=True, help="Names, by commas.")
@click.option("--optimizer", default="AdamW", show_default=True, help="The optimizer.")
@click.option("--batch-size", type=int, default=1, show_default=True, help="Samples a step.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@answer_options
def main(
    models: str, optimizer: str, batch_size: int, wafer: str, out: Path | None, force: bool
) -> int:
    """Memory and link time of several models, pipelined and streamed."""
    pairs = []
    for model in models.split(","):
        judged = partial(
            wse_emulator.fit,
            model.strip(),
            optimizer=optimizer,
            batch_size=batch_size,
            precision=PRECISION,
            wafer=wafer,
            levers=False,
        )
        pairs.append((judged(mode="pipelined"), judged(mode="weight-streaming")))
    return report_answer(answer(pairs), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "pipelined_or_streaming"))
