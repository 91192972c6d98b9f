"""Does a network really train on the emulator, and do its numbers stay those of PyTorch?

An ordinary training loop runs twice: once alone and once with ``wse_emulator.attach``. The loss
falls, each step is timed, and the two networks end with the same weights, bit for bit.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from torch import nn

import optimizers
import schedulers
import wse_emulator
from wse_emulator.cli.main import run_command
from wse_emulator.cli.run import report_run
from wse_emulator.report.folder import check_report_folder
from wse_emulator.results.run import RunResult


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run: the losses of all steps, the network, and the result if it was attached."""

    losses: list[float]
    model: nn.Module
    result: RunResult | None


def train(steps: int, *, wafer: str | None) -> Trained:
    """Train a small network on a sine; on the emulator if ``wafer`` names a machine."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )
    x = torch.linspace(-3, 3, 256).unsqueeze(1)
    y = torch.sin(x)
    optimizer = optimizers.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    warm_up = schedulers.LinearLR(optimizer, 0.0, 1e-2, steps // 10 or 1)
    decay = schedulers.CosineDecayLR(optimizer, 1e-2, 1e-4, steps)
    scheduler = schedulers.SequentialLR(optimizer, [warm_up, decay], [steps // 10 or 1])
    emulation = (
        wse_emulator.attach(optimizer, scheduler, wafer=wafer, model=model) if wafer else None
    )
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    result = None
    if emulation is not None:
        result = emulation.result()
        emulation.detach()
    return Trained(losses, model, result)


@click.command()
@click.option("--steps", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--wafer", default="wse2:16x12", show_default=True, help="The machine.")
@click.option("--out", type=click.Path(path_type=Path), help="Write a report folder.")
@click.option("--force", is_flag=True, help="Replace files of an earlier report.")
def main(steps: int, wafer: str, out: Path | None, force: bool) -> int:
    """Train a small network on the emulator; weights equal those of the plain loop, bit for bit."""
    if out is not None:
        check_report_folder(out, force=force)
    emulated = train(steps, wafer=wafer)
    plain = train(steps, wafer=None)
    equal = all(
        torch.equal(a, b)
        for a, b in zip(emulated.model.parameters(), plain.model.parameters(), strict=True)
    )
    click.echo(f"loss: {emulated.losses[0]:.4f} at step 1, {emulated.losses[-1]:.6f} at {steps}")
    click.echo(f"weights equal those of the plain loop, bit for bit: {'yes' if equal else 'NO'}")
    assert emulated.result is not None  # a wafer was named
    code = report_run(emulated.result, out, force=force)
    return code if equal else 1


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "small_mlp_trains"))
