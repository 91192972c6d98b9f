"""What does an optimizer of my own take on the wafer, in memory and time, before I write a kernel?

The rule here is Adam on a low-rank projection of each gradient, as GaLore has it: a matrix that the
host renews now and then projects the gradient of a matrix, and the moments live in the small space.
It is a plain ``torch.optim.Optimizer``; ``--optimizer`` takes one of yours in its place.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import torch
from torch import nn

import wse_emulator
from scenarios._answer import (
    ScenarioAnswer,
    answer_options,
    in_vector_form,
    must_fit,
    report_answer,
)
from wse_emulator.cli.main import run_command
from wse_emulator.results.answers import elapsed
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import cycles, size
from wse_emulator.views.charts import figure_bars
from wse_emulator.views.table import Table

QUESTION = "An optimizer of my own"
STATE = "optimizer_state"


class LowRankAdam(torch.optim.Optimizer):
    """Adam with the moments of matrices in a space of ``rank`` dimensions.

    Of a matrix with rows at least as many as columns, ``projection`` (columns x rank) shortens the
    rows; of others, ``projection`` (rows x rank) the columns. Vectors get plain Adam.

    Args:
        params: what it steps.
        lr: the rate.
        rank: dimensions of the small space.
        betas: decay of the two moments.
        eps: added to the root of the second moment.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        rank: int = 32,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "rank": rank, "betas": betas, "eps": eps})
        for group in self.param_groups:
            for p in group["params"]:
                self._allocate(p, group["rank"])

    def _allocate(self, p: torch.Tensor, rank: int) -> None:
        """All state, before the first step: a step on the wafer can create none."""
        state = self.state[p]
        shape = tuple(p.shape)
        if p.ndim == 2:
            rows, cols = shape
            rank = min(rank, rows, cols)
            state["projection"] = torch.zeros(min(rows, cols), rank, device=p.device)
            shape = (rows, rank) if rows >= cols else (rank, cols)
        state["exp_avg"] = torch.zeros(shape, device=p.device)
        state["exp_avg_sq"] = torch.zeros(shape, device=p.device)

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no closure is run  # noqa: ARG002
        """One step of every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, p.grad, self.state[p], group)

    def _update(
        self,
        p: torch.Tensor,
        gradient: torch.Tensor,
        state: dict[str, torch.Tensor],
        group: dict[str, Any],  # Any: as torch types it
    ) -> None:
        onto = state.get("projection")
        tall = onto is not None and p.shape[0] >= p.shape[1]
        if onto is not None:
            gradient = gradient @ onto if tall else onto.mT @ gradient
        first, second = group["betas"]
        mean = state["exp_avg"].lerp_(gradient, 1 - first)
        square = state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        update = mean / (square.sqrt() + group["eps"])
        if onto is not None:
            update = update @ onto.mT if tall else onto @ update
        p.sub_(update * group["lr"])


def answer(own: RunResult, adamw: RunResult) -> ScenarioAnswer:
    """Compare the own optimizer with AdamW: state, fullest PE and time."""
    results = (own, adamw)
    state = [result.memory.bytes[STATE] for result in results]
    name = own.optimizer.name
    words = (
        f"{name} is legal: every step is the same graph, and no state is created in it.",
        f"It keeps {size(state[0])} of state for {own.model.name}, AdamW {size(state[1])}; the "
        f"fullest PE holds {own.memory.peak_bytes:,} B against {adamw.memory.peak_bytes:,} B.",
        f"Its step takes {cycles(elapsed(own))} against {elapsed(adamw):,}, "
        f"{elapsed(own) / elapsed(adamw):.2g} times as long.",
        *in_vector_form({name: own, "AdamW": adamw}),
    )
    table = Table(
        ("optimizer", "state_bytes", "fullest_PE_bytes", "cycles", "microseconds", "messages"),
        tuple(
            (
                result.optimizer.name,
                held,
                result.memory.peak_bytes,
                elapsed(result),
                1e6 * result.steps[0].seconds,
                sum(message.count for message in result.messages),
            )
            for result, held in zip(results, state, strict=True)
        ),
    )
    picture = figure_bars(
        ["optimizer state", "fullest PE", "time of a step"],
        {
            "AdamW": [1.0, 1.0, 1.0],
            name: [
                state[0] / state[1],
                own.memory.peak_bytes / adamw.memory.peak_bytes,
                elapsed(own) / elapsed(adamw),
            ],
        },
        question=f"{QUESTION}: {name}, {own.model.name} on {own.wafer.name}",
        answer=f"{words[1]} {words[2]}",
        unit="times AdamW",
        logarithmic=True,
    )
    return ScenarioAnswer(words=words, table=table, pictures={"own-optimizer": picture})


@click.command()
@click.option("--model", default="gpt2", show_default=True, help="The model.")
@click.option("--wafer", default="wse2", show_default=True, help="The machine.")
@click.option(
    "--optimizer",
    default="scenarios.own_optimizer:LowRankAdam",
    show_default=True,
    metavar="FILE.py:CLASS",
    help="One of your own: a class, or a function of parameters.",
)
@answer_options
def main(model: str, wafer: str, optimizer: str, out: Path | None, force: bool) -> int:
    """One step of a model with an optimizer of your own and with AdamW: memory and time."""
    own, adamw = (
        wse_emulator.run(model, optimizer=rule, wafer=wafer) for rule in (optimizer, "AdamW")
    )
    must_fit({own.optimizer.name: own, "AdamW": adamw})
    return report_answer(answer(own, adamw), out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "own_optimizer"))
