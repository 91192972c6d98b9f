"""What says which step is meant: the options that run, explain and preflight share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar

import click

from wse_emulator.capture.built import PreparedStep, prepare_step
from wse_emulator.cli.options import parse_options
from wse_emulator.inputs.optimizer import DEFAULT_OPTIMIZER
from wse_emulator.inputs.read import DEFAULT_WAFER

Command = TypeVar("Command", bound=Callable[..., Any])


class StepFlags(TypedDict):
    """The values of :func:`step_options`, by the names click gives them."""

    optimizer: str | None
    config: Path | None
    lr: float | None
    lr_schedule: str | None
    options: tuple[str, ...]
    wafer: str
    settings: tuple[str, ...]
    engine: str
    max_grad_norm: float | None
    loss_scaling: bool


_OPTIONS: Final = (
    click.option(
        "--optimizer",
        metavar="NAME",
        help=f"Optimizer class, any case; default: the config's, or {DEFAULT_OPTIMIZER}.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Run config (YAML) to take optimizer, schedule and clipping from.",
    ),
    click.option("--lr", type=float, help="Learning rate; default: that of the optimizer."),
    click.option(
        "--lr-schedule",
        metavar="SCHEDULE",
        help="Schedulers in order, as linear:0:1e-3:100,constant:1e-3, or a JSON or YAML file, or "
        "a number.",
    ),
    click.option(
        "-o",
        "--option",
        "options",
        multiple=True,
        metavar="NAME=VALUE",
        help="An argument of the optimizer, as -o weight_decay=0.1 -o betas=0.9,0.95.",
    ),
    click.option(
        "--max-grad-norm",
        type=float,
        metavar="NORM",
        help="Clip all gradients to this norm over the model.",
    ),
    click.option(
        "--loss-scaling", is_flag=True, help="Scale the loss dynamically: overflow check, update."
    ),
    click.option(
        "--wafer",
        default=DEFAULT_WAFER,
        show_default=True,
        metavar="WAFER",
        help="wse1, wse2, wse3, one cut to rows x columns (wse2:64x48), or a machine file.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="FIELD=VALUE",
        help="Change a figure of the machine, as hop_cycles=2; wse wafers WAFER lists them.",
    ),
    click.option(
        "--engine",
        default="array",
        show_default=True,
        metavar="array|pe",
        help="array (fast) or pe (one process a PE); equal to the cycle.",
    ),
)


def step_options(command: Command) -> Command:
    """Add the options of a step to a command, in the order of the table above."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def prepare_flags(model: str, flags: StepFlags) -> PreparedStep:
    """The step that a model and the flags name.

    Raises:
        InputError: a name, number or file that cannot be used.
    """
    return prepare_step(
        model,
        optimizer=flags["optimizer"],
        config=flags["config"],
        lr=flags["lr"],
        lr_schedule=flags["lr_schedule"],
        options=parse_options(flags["options"]),
        max_grad_norm=flags["max_grad_norm"],
        loss_scaling=flags["loss_scaling"],
    )
