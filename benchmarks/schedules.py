"""Half a million steps of a schedule at once, against stepping there, and against torch's own.

Prints ratios measured side by side in one run; medians of several repetitions.

    python benchmarks/schedules.py [--steps 500000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

# A script beside this one has a package's name; run by its path, this one would find that.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from optimizers import SGD  # after the search path is put right
from schedulers import CosineDecayLR, LinearLR, LRScheduler, SequentialLR  # the same

WARMUP = 2_000
STEPPED = 2_000  # steps taken one by one; their time is scaled to the steps asked for


def parameters() -> list[torch.nn.Parameter]:
    """One parameter of one element: the rate is all that is computed."""
    return [torch.nn.Parameter(torch.zeros(1))]


def schedule(steps: int) -> LRScheduler:
    """Linear warm-up, then cosine decay over `steps`."""
    optimizer = SGD(parameters(), lr=0.0)
    parts = [
        LinearLR(optimizer, 0.0, 1e-3, WARMUP),
        CosineDecayLR(optimizer, 1e-3, 1e-5, steps),
    ]
    return SequentialLR(optimizer, parts, [WARMUP])


def torch_schedule(steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """The same of torch's own schedulers."""
    optimizer = torch.optim.SGD(parameters(), lr=1e-3)
    optimizer.step()  # else each first step warns
    parts: list[torch.optim.lr_scheduler.LRScheduler] = [
        torch.optim.lr_scheduler.LinearLR(optimizer, 1e-8, 1.0, WARMUP),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, 1e-5),
    ]
    return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, [WARMUP])


def seconds(work: Callable[[], object], repeat: int) -> float:
    """Median time of `work` after one run to warm up."""
    work()
    taken = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500_000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    ours, theirs = schedule(arguments.steps), torch_schedule(arguments.steps)
    every_step = torch.arange(arguments.steps)

    def step(scheduler: LRScheduler | torch.optim.lr_scheduler.LRScheduler) -> None:
        for _ in range(STEPPED):
            scheduler.step()

    scale = arguments.steps / STEPPED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's SequentialLR calls its own deprecated form
        at_once = seconds(lambda: ours.rates(every_step), arguments.repeat)
        stepped = seconds(lambda: step(ours), arguments.repeat) * scale
        torchs = seconds(lambda: step(theirs), arguments.repeat) * scale
    print(f"{arguments.steps:,} steps of warm-up and cosine decay, one thread")
    print(f"  all at once                      {at_once:10.4f} s")
    print(f"  stepping, this package           {stepped:10.4f} s  {stepped / at_once:8.0f} x")
    print(f"  stepping, torch.optim            {torchs:10.4f} s  {torchs / at_once:8.0f} x")
    print(f"  one step, this package / torch   {stepped / torchs:10.2f}")


if __name__ == "__main__":
    main()
