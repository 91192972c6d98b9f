"""How much does the algorithm of a reduction change the step that waits for it?

A step with clipping sums one number over the whole wafer. The same step is simulated with each
algorithm for that sum; the sum of a longer vector, alone on the wafer, shows where the order turns.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from scenarios._answer import ScenarioAnswer, answer_options, report_answer
from wse_emulator.cli.main import run_command
from wse_emulator.collectives import LineAlgorithm, candidates, reduce_2d, root_of
from wse_emulator.collectives.compose import line_arms
from wse_emulator.emulate import EmulatedStep, emulate
from wse_emulator.engines import simulate
from wse_emulator.errors import DoesNotFitError
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.read import read
from wse_emulator.lowering.update import SUM_CHANNEL
from wse_emulator.plan.known import learn
from wse_emulator.plan.placed import place_and_plan
from wse_emulator.questions.collective import Choice, CollectiveRequest, study
from wse_emulator.results.words import cycles
from wse_emulator.views.charts import figure_bars
from wse_emulator.views.table import Table
from wse_emulator.wafer import WaferSpec, parse_wafer
from wse_emulator.wafer.region import Region

QUESTION = "How much does the algorithm of a reduction change the step?"
SUM: Final = "sum over the wafer"
KINDS: Final[tuple[Choice, ...]] = ("chain", "tree", "two-phase", "star")
RATE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What an algorithm takes: cycles of the step with it, and of a sum of ``wavelets`` alone."""

    kind: str
    step: int
    one: int
    many: int


def step_cycles(step: EmulatedStep, kind: Choice) -> int:
    """The cycles of a step whose sum over the wafer runs by this algorithm."""
    assert step.lowered is not None
    spec = step.placement.wafer
    wafer = Region(0, 0, spec.rows, spec.cols)
    centre = root_of(wafer, "centre")
    row, column = (
        _best(kind, line_arms(0, length, root), spec)
        for length, root in ((spec.cols, centre[1]), (spec.rows, centre[0]))
    )
    summed = reduce_2d(
        wafer,
        centre,
        1,
        spec,
        name=SUM,
        channel=SUM_CHANNEL,
        row_algorithm=row,
        column_algorithm=column,
    )
    names = [activity.name for activity in step.lowered.activities]
    begin, length = names.index(SUM), names.count(SUM)
    activities = step.lowered.activities
    changed = (*activities[:begin], *summed, *activities[begin + length :])
    timing = simulate(
        "array",
        spec,
        changed,
        resident_bytes=step.plan.memory.resident_bytes,
        op_count=len(step.program.ops),
    )
    return timing.elapsed_cycles


def _best(kind: Choice, arms: tuple[int, int], spec: WaferSpec) -> LineAlgorithm:
    """The best algorithm of a kind for one number; for two-phase, with the best groups."""
    found = [c.algorithm for c in candidates(arms, 1, spec) if c.algorithm.kind == kind]
    return found[0] if found else LineAlgorithm("chain")  # a line too short to have groups


def answer(
    timed: list[Timed], as_planned: int, where: str, wavelets: int, spec: WaferSpec
) -> ScenarioAnswer:
    """Compare steps and sums, a line for each algorithm."""
    rule = ""
    if max(spec.rows, spec.cols) <= spec.star_line_pes:
        rule = (
            f": on lines of up to {spec.star_line_pes} PEs one number is summed by a star with a "
            f"fixed start of {float(spec.kernels.star_start):g} cycles, as in the vendor's kernels"
        )
    fastest, slowest = (choose(timed, key=lambda t: t.step) for choose in (min, max))
    best_long = min(timed, key=lambda t: t.many)
    words = (
        f"The step takes {cycles(fastest.step)} with {fastest.kind} and {cycles(slowest.step)} "
        f"with {slowest.kind}, {slowest.step / fastest.step:.2f} times as long. As planned it "
        f"takes {cycles(as_planned)}{rule}.",
        f"For {wavelets:,} wavelets instead of 1 the best is {best_long.kind} with "
        f"{cycles(best_long.many)}.",
    )
    table = Table(
        ("algorithm", "step_cycles", "sum_of_1_cycles", f"sum_of_{wavelets}_cycles"),
        tuple((t.kind, t.step, t.one, t.many) for t in timed),
    )
    picture = figure_bars(
        [t.kind for t in timed],
        {
            "the whole step": [t.step for t in timed],
            "sum of 1 wavelet alone": [t.one for t in timed],
            f"sum of {wavelets:,} wavelets alone": [t.many for t in timed],
        },
        question=f"{QUESTION} {where}",
        answer=words[0],
        unit="cycles (logarithmic)",
        logarithmic=True,
    )
    return ScenarioAnswer(words=words, table=table, pictures={"algorithms": picture})


@click.command()
@click.option("--model", default="gpt2", show_default=True, help="The model.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@click.option("--wavelets", type=click.IntRange(2, 4096), default=256, show_default=True)
@answer_options
def main(model: str, wafer: str, wavelets: int, out: Path | None, force: bool) -> int:
    """A step with clipping, its sum over the wafer by each algorithm."""
    spec = parse_wafer(wafer)
    inputs = read(Given(model=model, optimizer="AdamW", lr=RATE, max_grad_norm=1.0, wafer=spec))
    step = emulate(place_and_plan(learn(inputs), inputs.request))
    if step.timing is None:
        raise DoesNotFitError(f"{model} with AdamW does not fit on {spec.name}; name a larger one")
    timed = []
    for kind in KINDS:
        one, many = (
            study(
                CollectiveRequest(
                    kind="reduce",
                    rows=spec.rows,
                    cols=spec.cols,
                    wavelets=length,
                    algorithm=kind,
                    root="centre",
                ),
                spec,
            ).cycles
            for length in (1, wavelets)
        )
        timed.append(Timed(kind=kind, step=step_cycles(step, kind), one=one, many=many))
    where = f"{inputs.model.name} with AdamW and clipping on {spec.name}"
    found = answer(timed, step.timing.elapsed_cycles, where, wavelets, spec)
    return report_answer(found, out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "reduction_algorithms"))
