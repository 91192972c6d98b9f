"""How much slower a loop is under ``attach``: plain and attached, side by side in one process.

    python benchmarks/attach.py             # half a minute
    python benchmarks/attach.py --steps 20  # steps of one turn

A small network (three linear layers of 64) is trained with ``optimizers.AdamW`` and a schedule,
backward included. Both loops take their first ten steps, all of which ``attach`` traces. From then
on they take turns, since the load of a shared machine changes, and the CPU seconds of all turns are
compared. Each turn goes on where the last ended, so that steps that are traced now and then count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Final

import torch
from torch import nn

import optimizers
import schedulers
import wse_emulator

WIDTH: Final = 64
BATCH: Final = 32
FIRST_STEPS: Final = 10
TURNS: Final = 12


def loop(*, attached: bool) -> Callable[[int], float]:
    """A training loop that has taken its first steps: steps -> CPU seconds of as many more."""
    torch.manual_seed(0)
    layers = [nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(WIDTH, 8))
    optimizer = optimizers.AdamW(model.parameters(), lr=1e-3)
    scheduler = schedulers.CosineDecayLR(optimizer, 1e-3, 1e-5, 10_000)
    if attached:
        wse_emulator.attach(optimizer, scheduler, wafer="wse2:16x12", model=model)
    data = torch.randn(BATCH, WIDTH)

    def take(steps: int) -> float:
        begin = time.process_time()
        for _ in range(steps):
            optimizer.zero_grad()
            model(data).square().mean().backward()
            optimizer.step()
            scheduler.step()
        return time.process_time() - begin

    take(FIRST_STEPS)
    return take


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=50, help="steps of one turn")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    plain, emulated = loop(attached=False), loop(attached=True)
    seconds = [0.0, 0.0]
    for _ in range(TURNS):
        seconds[0] += plain(steps)
        seconds[1] += emulated(steps)
    each = [1e6 * total / (TURNS * steps) for total in seconds]
    print(f"{TURNS * steps} steps after the first {FIRST_STEPS}, CPU microseconds a step")
    print("plain  attached  ratio")
    print(f"{each[0]:5.0f} {each[1]:9.0f} {each[1] / each[0]:6.2f}")


if __name__ == "__main__":
    main()
