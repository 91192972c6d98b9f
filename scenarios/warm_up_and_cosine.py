"""Is the warm-up and cosine decay of LLaMA 7B's run config what was meant, to the last step?

The config is read as it stands: 41,373 steps up to 6.6e-5, then a cosine down to a tenth of it.
What every step's rate is, and what the wafer computes for it, come from the same scheduler.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scenarios._answer import ScenarioAnswer, answer_options, report_answer
from wse_emulator.cli.main import run_command
from wse_emulator.configs.read import RunConfig, read_run_config
from wse_emulator.questions.schedule import learning_rates
from wse_emulator.results.schedule import LearningRates
from wse_emulator.results.words import share
from wse_emulator.views.charts import figure_curves
from wse_emulator.views.table import Table

CONFIG = Path(__file__).parent / "run_configs" / "llama_7b.yaml"
QUESTION = "Is the schedule what was meant?"
POINTS = 600


def answer(config: RunConfig, found: LearningRates) -> ScenarioAnswer:
    """Answer with the rates of the first group at its start, milestones, middle and end."""
    group = found.groups[0]
    rates = group.learning_rate
    last = found.steps - 1
    highest = int(rates.argmax())
    marked = sorted({0, *group.milestones, highest, last // 2, last})
    planned = config.max_steps or found.steps
    length = (
        f"The run takes {planned:,} steps, all of them covered."
        if planned <= found.steps
        else f"The run takes {planned:,} steps, {found.steps:,} of them shown."
    )
    words = (
        f"The rate starts at {rates[0]:.3g}, is highest at step {highest:,} with "
        f"{rates[highest]:.3g}, and ends at {rates[last]:.3g} in step {last:,}.",
        f"{length} Warm-up is {share(highest / found.steps)} of it.",
        f"Keys without effect: {', '.join(found.ignored)}."
        if found.ignored
        else "Every key of the schedule has its effect.",
    )
    stride = max(1, found.steps // POINTS)
    shown = sorted({*range(0, found.steps, stride), *marked})
    picture = figure_curves(
        shown,
        {group.name: [float(rates[step]) for step in shown]},
        question=f"{QUESTION} {config.source.rsplit('/', maxsplit=1)[-1]}",
        answer=words[0],
        x_unit="step",
        unit="learning rate",
    )
    table = Table(("step", "learning_rate"), tuple((step, float(rates[step])) for step in marked))
    return ScenarioAnswer(words=words, table=table, pictures={"learning-rate": picture})


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=CONFIG,
    help="Another run config; default: LLaMA 7B's.",
)
@click.option("--steps", type=int, metavar="N", help="The first N steps; default: all.")
@answer_options
def main(config: Path, steps: int | None, out: Path | None, force: bool) -> int:
    """The learning rate of a run config, step by step."""
    read = read_run_config(config)
    return report_answer(answer(read, learning_rates(read, steps)), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "warm_up_and_cosine"))
