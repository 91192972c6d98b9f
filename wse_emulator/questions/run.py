"""``run``: the step of a model and an optimizer, as a user names them, emulated."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from wse_emulator.capture.built import PreparedStep, Step, capture_prepared, prepare_step
from wse_emulator.emulate import emulate_step
from wse_emulator.engines import ENGINES
from wse_emulator.errors import InputError, UnknownNameError, near
from wse_emulator.inputs.read import DEFAULT_WAFER, RUN_MODES
from wse_emulator.inputs.schedule_text import LearningRate
from wse_emulator.models.shapes import Model
from wse_emulator.questions.validate.accuracy import class_error
from wse_emulator.results.run import RunResult, WallSeconds
from wse_emulator.summary.run import RunFacts, summarize
from wse_emulator.wafer.parse import parse_wafer
from wse_emulator.wafer.spec import WaferSpec

CURVE_POINTS: Final = 1001


def run(
    model: Model,
    *,
    optimizer: str | None = None,
    config: str | Path | None = None,
    lr: float | None = None,
    lr_schedule: str | LearningRate | None = None,
    options: Mapping[str, object] | None = None,
    max_grad_norm: float | None = None,
    loss_scaling: bool = False,
    steps: int = 1,
    wafer: str | WaferSpec = DEFAULT_WAFER,
    engine: str = "array",
    mode: str = "pipelined",
    command: str = "",
    tell: Callable[[str], object] = str,
) -> RunResult:
    """Emulate optimizer steps of a model on a wafer.

    The step is captured from the real optimizer on meta tensors, so no parameter is allocated.
    All steps have the same graph, hence the same cycles: one is simulated, each has its rate.

    Args:
        model: a built-in name, a shapes file, ``module:factory``, or an ``nn.Module`` (only its
            parameters' names, shapes and dtypes are used).
        optimizer: class name, any case; default: that of ``config``, or AdamW.
        config: a Model Zoo run config (YAML) to take optimizer, schedule and clipping from; an
            argument given beside it goes first.
        lr: learning rate; default: that of the class, or what the schedule says.
        lr_schedule: as ``--lr-schedule`` takes it, or as a run config has it.
        options: further constructor arguments of the optimizer.
        max_grad_norm: clip gradients by their global norm before the step, as
            ``optimizers.clip_grad_norm_static`` does; the norm is summed over the wafer.
        loss_scaling: unscale gradients, check them for overflow over the wafer, and choose the
            next scale, as ``optimizers.DynamicLossScale`` does.
        steps: optimizer steps, 1 or more.
        wafer: ``wse1``, ``wse2``, ``wse3``, ``wse2:64x48`` (rows x columns), or a spec.
        engine: ``array`` or ``pe``; the answers are equal to the cycle.
        mode: ``pipelined``: weights, gradients and state on the wafer.
        command: the command line to repeat this run, for the result file.
        tell: called with the name of each stage as it begins (five of them); does nothing by
            default.

    Returns:
        The result; ``fits`` is False and ``steps`` empty if the model does not fit.

    Raises:
        InputError: a name, number or file that cannot be used.
        StaticRuleError: the optimizer breaks a rule; the instance's class says which.

    Example:
        >>> layer = torch.nn.Linear(256, 256)
        >>> result = wse_emulator.run(layer, optimizer="AdamW", wafer="wse2:16x12")
        >>> result.fits, result.steps[0].cycles
        (True, 10919)
        >>> f"{result.steps[0].seconds * 1e6:.1f} µs"
        '12.8 µs'
    """
    if steps < 1:
        raise InputError(f"steps must be at least 1, got {steps}")
    if engine not in ENGINES:
        raise UnknownNameError(f"unknown engine {engine!r}; there are {', '.join(ENGINES)}")
    if mode not in RUN_MODES:
        raise UnknownNameError(
            f"unknown mode {mode!r}{near(mode, RUN_MODES)}; run times the optimizer step where it "
            "runs on the wafer, which is the mode 'pipelined'"
        )
    spec = parse_wafer(wafer) if isinstance(wafer, str) else wafer
    tell("reading the model")
    begin = time.perf_counter()
    prepared = prepare_step(
        model,
        optimizer=optimizer,
        config=config,
        lr=lr,
        lr_schedule=lr_schedule,
        options=options,
        max_grad_norm=max_grad_norm,
        loss_scaling=loss_scaling,
    )
    return run_prepared(
        prepared,
        spec,
        steps=steps,
        engine=engine,
        mode=mode,
        command=command,
        prepare_seconds=time.perf_counter() - begin,
        tell=tell,
    )


def run_prepared(
    prepared: PreparedStep,
    spec: WaferSpec,
    *,
    steps: int = 1,
    engine: str = "array",
    mode: str = "pipelined",
    command: str = "",
    prepare_seconds: float = 0.0,
    tell: Callable[[str], object] = str,
) -> RunResult:
    """Capture and emulate a prepared step; the arguments and errors are those of :func:`run`.

    ``prepare_seconds`` is what preparing took; the result counts it as part of the capture.
    """
    tell("capturing the step")
    begin = time.perf_counter()
    program = capture_prepared(prepared, spec)
    captured = time.perf_counter()
    emulated = emulate_step(program, spec, engine, tell)
    tell("summing up")
    return summarize(
        emulated,
        RunFacts(
            model=prepared.model,
            optimizer_options=_options(prepared.step),
            engine=engine,
            mode=mode,
            rates=_rates(prepared.step, steps),
            rate_curve=_rate_curve(prepared.step, steps),
            wall_seconds=WallSeconds(
                capture=prepare_seconds + captured - begin,
                place=emulated.place_seconds,
                simulate=emulated.simulate_seconds,
            ),
            command=command,
            class_error=class_error,
            config_unused=prepared.step.unused,
        ),
    )


def _options(step: Step) -> dict[str, object]:
    """Hyper-parameters of the first group that are plain values, for the result file."""
    options: dict[str, object] = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in step.optimizer.param_groups[0].items()
        if key != "params" and isinstance(value, (bool, int, float, str, tuple, type(None)))
    }
    if step.scaling.max_norm is not None:
        options["max_grad_norm"] = step.scaling.max_norm
    if step.scaling.loss_scale is not None:
        options["loss_scaling"] = "dynamic"
    return options


def _rates(step: Step, steps: int) -> list[float | None]:
    """The learning rate of each step (of the first scheduler); None where there is no rate."""
    if step.schedulers:
        return [float(r) for r in step.schedulers[0].rates(torch.arange(steps)).tolist()]
    rate = step.optimizer.param_groups[0].get("lr")
    return [None if rate is None else float(rate)] * steps


def _rate_curve(step: Step, steps: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(steps, rates) over the length of the schedule, at most ``CURVE_POINTS`` points."""
    if not step.schedulers:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    scheduler = step.schedulers[0]
    length = max(steps, (scheduler.total_iters or 0) + 1)
    points = np.unique(np.linspace(0, length - 1, min(length, CURVE_POINTS)).astype(np.int64))
    rates = scheduler.rates(torch.from_numpy(points)).to(torch.float64).numpy()
    return points, rates
