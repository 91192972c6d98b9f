"""``wse check``: judge an optimizer by the static-state rules."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Final

import click
import torch

from wse_emulator.capture.step import Scheduler
from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.errors import FactoryError, StaticRuleError
from wse_emulator.models.factory import call_factory
from wse_emulator.questions.check import check as judge
from wse_emulator.terminal.check import print_verdict

MOST_STEPS: Final = 100_000
"""Each is captured by itself, some milliseconds for a small model."""


@click.command()
@click.argument("factory", metavar="MODULE:FACTORY")
@click.option(
    "--steps",
    type=click.IntRange(1, MOST_STEPS),
    default=16,
    show_default=True,
    metavar="N",
    help="Steps to capture.",
)
@json_option("the verdict")
@force_option
def check(factory: str, steps: int, json_path: str | None, force: bool) -> int:
    """Judge the optimizer that MODULE:FACTORY returns by the static-state rules.

    The factory takes no arguments and returns an optimizer, or a tuple of optimizer, scheduler
    and model in any order. It may be one of torch's or your own class. FILE.py:FACTORY works too.

    \b
    Examples:
      wse check mymodule:make_optimizer
      wse check train.py:optimizer --steps 100 --json verdict.json

    Exit codes: 0 legal, 2 wrong usage or input, 4 breaks a static-state rule.
    """
    optimizer, scheduler, model = optimizer_among(factory, call_factory(factory))
    judged = judge(optimizer, scheduler, model=model, steps=steps)
    report = dataclasses.replace(judged, factory=factory)
    if json_path is not None:
        write_json(json_path, report.document(), force=force)
    if json_path != STDOUT:
        print_verdict(report)
    return 0 if report.legal else StaticRuleError.exit_code


def optimizer_among(
    factory: str, made: object
) -> tuple[torch.optim.Optimizer, Scheduler | None, torch.nn.Module | None]:
    """Optimizer, scheduler and model among what a factory returned.

    Raises:
        FactoryError: there is no optimizer, or something else.
    """
    optimizer: torch.optim.Optimizer | None = None
    scheduler: Scheduler | None = None
    model: torch.nn.Module | None = None
    for item in made if isinstance(made, tuple) else (made,):
        if isinstance(item, torch.optim.Optimizer):
            optimizer = item
        elif isinstance(item, torch.nn.Module):
            model = item
        elif hasattr(item, "step") and hasattr(item, "optimizer"):
            scheduler = item
        elif item is not None:
            raise FactoryError(
                f"{factory} returned {_what(item)}; it should return an optimizer, or a tuple of "
                "optimizer, scheduler and model"
            )
    if optimizer is None:
        raise FactoryError(
            f"{factory} returned {_what(made)}; it should return a torch.optim.Optimizer"
        )
    return optimizer, scheduler, model


def _what(item: object) -> str:
    return f"the class {item.__name__}" if inspect.isclass(item) else type(item).__name__
