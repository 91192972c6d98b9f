"""Which habits break the static-state rules of a wafer, and what does each look like when mended?

Four optimizers as people write them for a GPU, each with one habit that no static program can
have, and the same update rule beside it as the wafer takes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import torch
from torch import nn

import optimizers
import wse_emulator
from scenarios._answer import ScenarioAnswer, answer_options, report_answer
from wse_emulator.cli.main import run_command
from wse_emulator.views.table import Table

MOMENTUM: Final = 0.9


class LazyMomentum(torch.optim.Optimizer):
    """Creates its momentum in the first step that needs it."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:  # Any: as torch types it
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(  # type: ignore[override]  # no closure is run
        self,
        closure: object = None,  # noqa: ARG002  torch's signature
    ) -> None:
        """m = 0.9 m + g; p -= lr m."""
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.momentum(p)
                buffer.mul_(MOMENTUM).add_(self.gradient(p))
                p.sub_(buffer * group["lr"])

    def momentum(self, p: torch.Tensor) -> torch.Tensor:
        """The momentum of a parameter, made when it is first asked for."""
        if "momentum" not in self.state[p]:
            self.state[p]["momentum"] = torch.zeros_like(p)
        momentum: torch.Tensor = self.state[p]["momentum"]
        return momentum

    def gradient(self, p: torch.Tensor) -> torch.Tensor:
        """The gradient that the step uses."""
        assert p.grad is not None  # the check gives every parameter one
        return p.grad


class EagerMomentum(LazyMomentum):
    """The same rule, whose momentum exists from the start."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:  # Any: as torch types it
        super().__init__(params, lr)
        for group in self.param_groups:
            for p in group["params"]:
                self.momentum(p)


class HostClipping(EagerMomentum):
    """Reads the gradient's norm on the host and decides by it."""

    def gradient(self, p: torch.Tensor) -> torch.Tensor:
        """The gradient, divided by its norm if that is above 1."""
        gradient = super().gradient(p)
        norm = gradient.norm().item()
        if norm > 1:
            gradient = gradient / norm
        return gradient


class TensorClipping(EagerMomentum):
    """The same clipping without reading the norm: where nothing is clipped the factor is 1."""

    def gradient(self, p: torch.Tensor) -> torch.Tensor:
        """The gradient times min(1, 1 / norm)."""
        gradient = super().gradient(p)
        norm: torch.Tensor = gradient.norm()
        return gradient * norm.reciprocal().clamp(max=1.0)


class CountingSteps(EagerMomentum):
    """Counts its updates in Python and puts the number into the step."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:  # Any: as torch types it
        super().__init__(params, lr)
        self.updates = 0

    def gradient(self, p: torch.Tensor) -> torch.Tensor:
        """The gradient divided by the number of updates."""
        self.updates += 1
        return super().gradient(p) * (1 / self.updates)


class TensorSteps(EagerMomentum):
    """The same damping, with the count as a tensor of the state."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:  # Any: as torch types it
        super().__init__(params, lr)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["updates"] = torch.zeros(())

    def gradient(self, p: torch.Tensor) -> torch.Tensor:
        """The gradient divided by the number of updates."""
        updates: torch.Tensor = self.state[p]["updates"].add_(1)
        return super().gradient(p) * (1 / updates)


Make = Callable[[Any], torch.optim.Optimizer]

PAIRS: Final[tuple[tuple[str, Make, Make], ...]] = (
    ("state created in step()", torch.optim.AdamW, optimizers.AdamW),
    ("state created in step(), by hand", LazyMomentum, EagerMomentum),
    ("a tensor's value read on the host", HostClipping, TensorClipping),
    ("a Python number that changes", CountingSteps, TensorSteps),
)
"""Habit, the optimizer that has it, and the same rule mended."""


def answer(steps: int) -> ScenarioAnswer:
    """Judge every pair over so many captured steps."""
    rows = []
    remedies = []
    for habit, broken, mended in PAIRS:
        first, second = (
            wse_emulator.check(make(model.parameters()), model=model, steps=steps)
            for make, model in ((broken, nn.Linear(3, 2)), (mended, nn.Linear(3, 2)))
        )
        rule = first.violations[0].rule if first.violations else "none"
        rows.append((habit, _plain(first.optimizer), rule, _plain(second.optimizer), second.legal))
        remedies += [f"{habit}: {first.violations[0].remedy}"] if first.violations else []
    broken_count = sum(row[2] != "none" for row in rows)
    mended_count = sum(bool(row[4]) for row in rows)
    return ScenarioAnswer(
        words=(
            f"{broken_count} of {len(rows)} optimizers break a rule over {steps} steps; mended, "
            f"{mended_count} of {len(rows)} are legal.",
            *(f"{remedy.rstrip('.')}." for remedy in remedies),
        ),
        table=Table(("habit", "optimizer", "rule_broken", "mended", "legal"), tuple(rows)),
    )


def _plain(name: str) -> str:
    """Package and class of a dotted name: ``torch.AdamW``; a script's own class by itself."""
    first, *_, last = name.split(".")
    return f"{first}.{last}" if first in ("torch", "optimizers") else last


@click.command()
@click.option("--steps", type=click.IntRange(min=2), default=16, show_default=True)
@answer_options
def main(steps: int, out: Path | None, force: bool) -> int:
    """Judge four habits by the static-state rules, and their cures."""
    return report_answer(answer(steps), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "static_rules"))
