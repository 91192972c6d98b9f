"""What says which step is meant: the options that run, fit, explain and preflight share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict, TypeVar

import click

from wse_emulator.cli.options import parse_options
from wse_emulator.inputs.given import DEFAULT_WAFER, Given
from wse_emulator.inputs.optimizer_names import check_optimizer_name
from wse_emulator.inputs.precision import POLICIES, STORAGE_DTYPES, precision_given
from wse_emulator.request import DEFAULT_OPTIMIZER, EngineName, Mode
from wse_emulator.wafer.parse import machine_given

Command = TypeVar("Command", bound=Callable[..., Any])


class StepFlags(TypedDict):
    """The values of the options below, by the names click gives them."""

    optimizer: str | None
    config: Path | None
    lr: float | None
    lr_schedule: str | None
    options: tuple[str, ...]
    max_grad_norm: float | None
    loss_scaling: bool
    wafer: str
    settings: tuple[str, ...]
    engine: NotRequired[EngineName]
    batch_size: int | None
    seq_len: int | None
    target_len: int | None
    micro_batch: str
    recompute: str
    sparsity: str | None
    precision: str | None
    compute_dtype: str | None
    parameter_dtype: str | None
    gradient_dtype: str | None
    state_dtype: str | None


_DTYPE: Final = click.Choice(STORAGE_DTYPES)

_STEP: Final = (
    click.option(
        "--optimizer",
        metavar="NAME|FILE.py:CLASS",
        help="Optimizer class, any case, or one of your own, as module:Class or file.py:Class; "
        f"default: the config's, or {DEFAULT_OPTIMIZER}.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Run config (YAML) to take optimizer, schedule, clipping and precision from.",
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
)
_MEMORY: Final = (
    click.option(
        "--batch-size", type=int, metavar="N", help="Samples per step; counts activations."
    ),
    click.option(
        "--seq-len", type=int, metavar="N", help="Tokens per sample; default: the model's."
    ),
    click.option(
        "--target-len", type=int, metavar="N", help="Tokens of an encoder-decoder's target."
    ),
    click.option(
        "--micro-batch",
        metavar="N",
        default="auto",
        show_default=True,
        help="Samples that move together.",
    ),
    click.option(
        "--recompute",
        metavar="auto|none|full|N",
        default="auto",
        show_default=True,
        help="Layers that run forward again in backward, from the first.",
    ),
    click.option(
        "--sparsity",
        metavar="FRACTION|FILE",
        help="Part of the layers' matrices left out, or an .npz of boolean masks by name.",
    ),
    click.option(
        "--precision",
        type=click.Choice(POLICIES),
        help="What is stored in which dtype; default: as the model's parameters are.",
    ),
    click.option(
        "--compute-dtype", type=_DTYPE, help="Activations, and weights as layers read them."
    ),
    click.option("--parameter-dtype", type=_DTYPE, help="Weights as the optimizer updates them."),
    click.option("--gradient-dtype", type=_DTYPE, help="Gradients kept for the step."),
    click.option("--state-dtype", type=_DTYPE, help="Optimizer state."),
)
_MACHINE: Final = (
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
)
_ENGINE: Final = click.option(
    "--engine",
    default="array",
    show_default=True,
    metavar="array|pe",
    help="array (fast) or pe (one process per PE); equal to the cycle.",
)


def step_options(command: Command) -> Command:
    """Add the options of a step that is timed, in the order of the tables above."""
    return _with(command, (*_STEP, *_MEMORY, *_MACHINE, _ENGINE))


def memory_options(command: Command) -> Command:
    """Add the options of a step whose memory is judged: all but the engine."""
    return _with(command, (*_STEP, *_MEMORY, *_MACHINE))


def _with(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def given(model: str, flags: StepFlags, *, mode: Mode, steps: int | None = None) -> Given:
    """What a model and the flags give.

    Raises:
        InputError: a name, number or file that cannot be used.
    """
    check_optimizer_name(flags["optimizer"])
    return Given(
        model=model,
        optimizer=flags["optimizer"],
        config=flags["config"],
        lr=flags["lr"],
        lr_schedule=flags["lr_schedule"],
        options=parse_options(flags["options"]),
        max_grad_norm=flags["max_grad_norm"],
        loss_scaling=flags["loss_scaling"],
        wafer=machine_given(flags["wafer"], flags["settings"]),
        engine=flags.get("engine", "array"),
        mode=mode,
        precision=precision_given(
            flags["precision"],
            compute=flags["compute_dtype"],
            parameter=flags["parameter_dtype"],
            gradient=flags["gradient_dtype"],
            state=flags["state_dtype"],
        ),
        batch_size=flags["batch_size"],
        seq_len=flags["seq_len"],
        target_len=flags["target_len"],
        micro_batch=flags["micro_batch"],
        recompute=flags["recompute"],
        sparsity=flags["sparsity"],
        steps=steps,
    )
