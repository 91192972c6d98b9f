"""``run``: the step of a model and an optimizer, as a user names them, emulated."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from wse_emulator.capture.built import Built
from wse_emulator.emulate import EmulatedStep, emulate, with_other_form
from wse_emulator.errors import UnknownNameError, near
from wse_emulator.inputs.given import DEFAULT_WAFER, Given
from wse_emulator.inputs.keywords import named_as_flags
from wse_emulator.inputs.optimizer import check_rate
from wse_emulator.inputs.own_optimizer import AnyOptimizer
from wse_emulator.inputs.precision import PrecisionName, StorageDtype, precision_given
from wse_emulator.inputs.read import Inputs, read
from wse_emulator.inputs.schedule_text import LearningRate
from wse_emulator.models.modules import Model
from wse_emulator.plan.known import learn
from wse_emulator.plan.placed import place_and_plan
from wse_emulator.questions.fit.judge import Judgement
from wse_emulator.questions.fit.levers import pull_levers
from wse_emulator.questions.repeat import repeating
from wse_emulator.questions.validate.accuracy import class_error
from wse_emulator.request import EngineName, Mode, Precision
from wse_emulator.results.answer import repeated_by
from wse_emulator.results.run import RunResult, WallSeconds
from wse_emulator.summary.run import RunFacts, summarize
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.parse import Settings, machine_given
from wse_emulator.wafer.spec import WaferSpec

CURVE_POINTS: Final = 1001
RUN_MODES: Final = ("pipelined",)


@named_as_flags(sequence="seq_len", target="target_len")
def run(  # noqa: PLR0913 - the fields of a Request
    model: Model | Path,
    *,
    optimizer: AnyOptimizer | None = None,
    config: str | Path | None = None,
    lr: float | None = None,
    lr_schedule: str | Path | LearningRate | None = None,
    options: Mapping[str, object] | None = None,
    max_grad_norm: float | None = None,
    loss_scaling: bool = False,
    steps: int = 1,
    wafer: str | WaferSpec = DEFAULT_WAFER,
    set: Settings = (),
    engine: EngineName = "array",
    mode: Mode = "pipelined",
    precision: PrecisionName | Precision | None = None,
    compute_dtype: StorageDtype | None = None,
    parameter_dtype: StorageDtype | None = None,
    gradient_dtype: StorageDtype | None = None,
    state_dtype: StorageDtype | None = None,
    batch_size: int | None = None,
    seq_len: int | None = None,
    target_len: int | None = None,
    micro_batch: int | Literal["auto"] | None = None,
    recompute: int | Literal["auto", "none", "full"] | None = None,
    sparsity: float | str | Path | None = None,
    command: str = "",
    tell: Tell | None = None,
) -> RunResult:
    """Emulate optimizer steps of a model on a wafer.

    The step is captured from the real optimizer on meta tensors, so no parameter is allocated.
    All steps have the same graph, hence the same cycles: one is simulated, each has its rate.

    Args:
        model: a built-in name, a shapes file, a run config, ``module:factory``, or an
            ``nn.Module`` (only its parameters' names, shapes and dtypes are used). A run config
            brings optimizer, schedule, clipping, batch, precision and sparsity of its own.
        optimizer: class name, any case; default: that of ``config``, or AdamW. Or one of your own:
            ``module:Class``, ``file.py:Class``, a class, a function of parameters that returns an
            optimizer, or an optimizer on the parameters of ``model``, which is left as it is.
        config: a Model Zoo run config (YAML) to take optimizer, schedule, clipping, precision and
            sparsity from; an argument given beside it goes first.
        lr: learning rate; default: that of the class, or what the schedule says. A class without
            a default needs one of the three.
        lr_schedule: as ``--lr-schedule`` takes it, or as a run config has it.
        options: further constructor arguments of the optimizer.
        max_grad_norm: clip gradients by their global norm before the step, as
            ``optimizers.clip_grad_norm_static`` does; the norm is summed over the wafer.
        loss_scaling: unscale gradients, check them for overflow over the wafer, and choose the
            next scale, as ``optimizers.DynamicLossScale`` does.
        steps: optimizer steps, 1 or more.
        wafer: ``wse1``, ``wse2``, ``wse3``, ``wse2:64x48`` (rows x columns), a machine file, or
            a spec.
        set: figures of the machine to change, as ``{"hop_cycles": 2}``.
        engine: ``array`` or ``pe``; the answers are equal to the cycle.
        mode: ``pipelined``: weights, gradients and state on the wafer.
        precision: policy name or value: the dtypes in which the step is stored and timed;
            default: as the model's parameters are.
        compute_dtype, parameter_dtype, gradient_dtype, state_dtype: the dtype of one part, in
            place of what the policy says.
        batch_size: samples per step; their activations then count among what has to fit.
        seq_len: tokens per sample; default: the model's own length.
        target_len: tokens of an encoder-decoder's target; default: as many.
        micro_batch: samples that move together; ``auto`` (the default): the largest that fits.
        recompute: ``none``, ``full``, a number of layers, or ``auto`` (the default): the fewest
            that fit.
        sparsity: fraction of the elements of the layers' matrices that is left out, or an
            ``.npz`` file of masks; the step works on the kept elements.
        command: the command line to repeat this run, for the result file.
        tell: called with the name of each stage as it begins.

    Returns:
        The result; ``fits`` is False and ``steps`` empty if the model does not fit.

    Raises:
        InputError: a name, number or file that cannot be used.
        StaticRuleError: the optimizer breaks a rule; the instance's class says which.

    Example:
        >>> from wse_emulator import run
        >>> result = run("gpt2", optimizer="AdamW", lr=1e-4)
        >>> result.fits, result.request.optimizer.name
        (True, 'AdamW')
    """
    return answer_run(
        Given(
            model=model,
            optimizer=optimizer,
            config=config,
            lr=lr,
            lr_schedule=lr_schedule,
            options=options,
            max_grad_norm=max_grad_norm,
            loss_scaling=loss_scaling,
            steps=steps,
            wafer=machine_given(wafer, set),
            engine=engine,
            mode=mode,
            precision=precision_given(
                precision,
                compute=compute_dtype,
                parameter=parameter_dtype,
                gradient=gradient_dtype,
                state=state_dtype,
            ),
            batch_size=batch_size,
            seq_len=seq_len,
            target_len=target_len,
            micro_batch=micro_batch,
            recompute=recompute,
            sparsity=sparsity,
        ),
        command=command,
        levers=True,
        tell=tell or silent,
    )


def answer_run(
    given: Given, *, command: str = "", levers: bool = False, tell: Tell = silent
) -> RunResult:
    """What :func:`run` answers; ``levers`` asks what would help a model that does not fit.

    Raises:
        WseError: as :func:`run`.
    """
    if given.mode not in RUN_MODES:
        raise UnknownNameError(
            f"unknown mode {given.mode!r}{near(given.mode, RUN_MODES)}; run times the optimizer "
            "step where it runs on the wafer, which is the mode 'pipelined'; fit and preflight "
            "take the other modes"
        )
    begin = time.perf_counter()
    tell("reading the model")
    inputs = read(given)
    check_rate(inputs.request, inputs.make_optimizer)
    tell("capturing the step")
    known = learn(inputs)
    captured = time.perf_counter()
    tell("placing and planning")
    judgement = Judgement(inputs=inputs, placed=place_and_plan(known, inputs.request))
    placed = time.perf_counter()
    result = emulated_result(
        judgement,
        WallSeconds(capture=captured - begin, place=placed - captured, simulate=0.0),
        command=command,
        tell=tell,
    )
    if levers and not result.fits:
        result = dataclasses.replace(result, levers=pull_levers(judgement, tell))
    repeated_by(result, repeating(inputs, command=command))
    return result


def emulated_result(
    judgement: Judgement, wall_seconds: WallSeconds, *, command: str = "", tell: Tell = silent
) -> RunResult:
    """Emulate what was placed, and sum it up.

    Args:
        judgement: the inputs and their plan.
        wall_seconds: what capturing and placing took.
        command: the command that repeats it, for the result file.
        tell: called with the name of each stage as it begins.
    """
    emulated = with_other_form(emulate(judgement.placed, tell))
    tell("summing up")
    return summarize(emulated, _facts(judgement.inputs, emulated, wall_seconds, command))


def _facts(
    inputs: Inputs, emulated: EmulatedStep, wall_seconds: WallSeconds, command: str
) -> RunFacts:
    built = emulated.placed.known.captured.built
    assert built is not None  # made by learn
    steps = inputs.request.steps or 1
    return RunFacts(
        model=inputs.model.name,
        optimizer_options=_options(built),
        rates=_rates(built, steps),
        rate_curve=_rate_curve(built, steps),
        wall_seconds=dataclasses.replace(wall_seconds, simulate=emulated.simulate_seconds),
        command=command,
        class_error=class_error,
        config_unused=inputs.unused,
    )


def _options(built: Built) -> dict[str, object]:
    """Hyper-parameters of the first group that are plain values, for the result file."""
    group = built.optimizer.param_groups[0] if built.optimizer else {}
    options: dict[str, object] = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in group.items()
        if key != "params" and isinstance(value, (bool, int, float, str, tuple, type(None)))
    }
    if built.scaling.max_norm is not None:
        options["max_grad_norm"] = built.scaling.max_norm
    if built.scaling.loss_scale is not None:
        options["loss_scaling"] = "dynamic"
    return options


def _rates(built: Built, steps: int) -> list[float | None]:
    """The learning rate of each step (of the first scheduler); None where there is no rate."""
    if built.schedulers:
        return [float(r) for r in built.schedulers[0].rates(torch.arange(steps)).tolist()]
    return [built.constant_rate] * steps


def _rate_curve(built: Built, steps: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(steps, rates) over the length of the schedule, at most ``CURVE_POINTS`` points."""
    if not built.schedulers:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    scheduler = built.schedulers[0]
    length = max(steps, (scheduler.total_iters or 0) + 1)
    points = np.unique(np.linspace(0, length - 1, min(length, CURVE_POINTS)).astype(np.int64))
    rates = scheduler.rates(torch.from_numpy(points)).to(torch.float64).numpy()
    return points, rates
