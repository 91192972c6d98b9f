"""How even is the placement: the fullest PE against the mean, over all built-in models.

    python -P benchmarks/placement.py [--wafer wse2] [--optimizer AdamW]

The mean is what a perfectly even placement would reach, so the ratio is the price of whole
elements and straight cuts. The last columns are the time of placing, a tensor, and its ratio to
the time of capturing the step.
"""

from __future__ import annotations

import time

import click

from wse_emulator.capture.built import step_program
from wse_emulator.models.catalog import builtin_model, builtin_names
from wse_emulator.placement import place
from wse_emulator.placement.forms import tensor_forms
from wse_emulator.plan.holdings import holdings, load_per_element
from wse_emulator.plan.memory import plan_resident
from wse_emulator.request import DEFAULT_OPTIMIZER, OptimizerChoice
from wse_emulator.wafer.parse import parse_wafer


@click.command()
@click.option("--wafer", default="wse2", show_default=True)
@click.option("--optimizer", default=DEFAULT_OPTIMIZER, show_default=True)
def main(wafer: str, optimizer: str) -> None:
    """Print one line a model, and the worst of all."""
    spec = parse_wafer(wafer)
    worst = 0.0
    click.echo(
        f"{'model':28}{'tensors':>8}{'regions':>8}{'mean B':>10}{'fullest B':>10}{'ratio':>8}"
        f"{'us a tensor':>12}{'of capture':>11}"
    )
    for name in builtin_names():
        begin = time.perf_counter()
        program = step_program(builtin_model(name), OptimizerChoice(name=optimizer, lr=1e-3))
        captured = time.perf_counter() - begin
        held = holdings(program)
        load = load_per_element(program, held)
        forms = tensor_forms(program)
        begin = time.perf_counter()
        placement = place(program.parameters, spec, bytes_per_parameter=load, forms=forms)
        placed = time.perf_counter() - begin
        resident = plan_resident(program, placement, held=held).resident_bytes
        stored = resident - spec.reserved_bytes_per_pe
        ratio = float(stored.max() / stored.mean())
        worst = max(worst, ratio)
        tensors = len(program.parameters)
        click.echo(
            f"{name:28}{tensors:8,}{len(placement.layers):8,}{stored.mean():10,.0f}"
            f"{int(stored.max()):10,}{ratio:8.4f}{placed / tensors * 1e6:12.1f}"
            f"{placed / captured:11.3f}"
        )
    click.echo(f"fullest over mean, worst of all models: {worst:.4f}")


if __name__ == "__main__":
    main()
