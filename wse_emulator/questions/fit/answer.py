"""``fit``: the question as a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wse_emulator.inputs.given import DEFAULT_WAFER, Given
from wse_emulator.inputs.own_optimizer import AnyOptimizer
from wse_emulator.inputs.read import read
from wse_emulator.inputs.schedule_text import LearningRate
from wse_emulator.models.modules import Model
from wse_emulator.questions.fit.judge import judge
from wse_emulator.questions.fit.levers import pull_levers
from wse_emulator.questions.fit.optimizer_table import optimizer_table
from wse_emulator.questions.fit.report import report
from wse_emulator.questions.fit.solve import solve
from wse_emulator.request import Mode, Precision
from wse_emulator.results.fit import FitReport
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """What is asked beside the verdict.

    Attributes:
        levers: whether to plan again with changes, to say what would help.
        optimizers: whether to judge every optimizer too.
        solve_for: ``batch``, ``sequence``, ``width`` or ``depth``: find the largest that fits.
    """

    levers: bool = True
    optimizers: bool = False
    solve_for: str | None = None


def fit(  # noqa: PLR0913 - the fields of a Request, and what is asked beside the verdict
    model: Model,
    *,
    optimizer: AnyOptimizer | None = None,
    config: str | Path | None = None,
    lr: float | None = None,
    lr_schedule: str | LearningRate | None = None,
    options: Mapping[str, object] | None = None,
    max_grad_norm: float | None = None,
    loss_scaling: bool = False,
    wafer: str | WaferSpec = DEFAULT_WAFER,
    mode: Mode = "pipelined",
    precision: str | Precision | None = None,
    batch_size: int | None = None,
    sequence: int | None = None,
    target: int | None = None,
    micro_batch: int | None = None,
    recompute: int | str | None = None,
    sparsity: float | str | Path | None = None,
    levers: bool = True,
    optimizers: bool = False,
    solve_for: str | None = None,
    command: str = "",
    tell: Tell = silent,
) -> FitReport:
    """Say whether a model's training state fits in on-wafer memory, PE by PE.

    A run config brings optimizer, batch, sequence, precision and sparsity of its own; what is
    given here goes first.

    Args:
        model: what :func:`~wse_emulator.models.load.load_model` takes, shapes, or a module (only
            names, shapes and dtypes of its parameters are used).
        optimizer: class name, or a choice with options, or one of your own as
            :func:`wse_emulator.run` takes it; default AdamW.
        config: a Model Zoo run config (YAML) to take optimizer, schedule, clipping, precision and
            sparsity from; an argument given beside it goes first.
        lr: learning rate, where the class has no default.
        lr_schedule: as ``--lr-schedule`` takes it; its state lies on the controller PE.
        options: further constructor arguments of the optimizer.
        max_grad_norm, loss_scaling: as :func:`wse_emulator.run` takes them.
        wafer: what ``--wafer`` takes, or a machine.
        mode: ``pipelined``, ``weight-streaming`` or ``auto``.
        precision: policy name or value; default: parameters as they are, all else alike.
        batch_size: samples a step; without it the optimizer step alone is judged.
        sequence: tokens a sample; default: the model's own length.
        target: tokens of an encoder-decoder's target; default: as many.
        micro_batch: samples that move together; default: the largest that fits.
        recompute: ``none``, ``full``, a number of layers, or ``auto`` (the default): the fewest
            that fit.
        sparsity: fraction of the elements of the layers' matrices that is left out, or an
            ``.npz`` file of masks.
        levers: whether to plan again with single changes, to say what would help.
        optimizers: whether to judge every optimizer too.
        solve_for: ``batch``, ``sequence``, ``width`` or ``depth``: find the largest that fits.
        command: the command that repeats this, for the report.
        tell: called with the name of each plan as it is made.

    Raises:
        WseError: wrong input, or an optimizer that breaks a static-state rule. A model that does
            not fit is a report, not an error.

    Example:
        >>> from wse_emulator import fit
        >>> report = fit("gpt2", optimizer="AdamW", levers=False)
        >>> report.fits, report.gap_bytes
        (True, 0)
    """
    return answer_fit(
        Given(
            model=model,
            optimizer=optimizer,
            config=config,
            lr=lr,
            lr_schedule=lr_schedule,
            options=options,
            max_grad_norm=max_grad_norm,
            loss_scaling=loss_scaling,
            wafer=wafer,
            mode=mode,
            precision=precision,
            batch_size=batch_size,
            sequence=sequence,
            target=target,
            micro_batch=micro_batch,
            recompute=recompute,
            sparsity=sparsity,
        ),
        More(levers=levers, optimizers=optimizers, solve_for=solve_for),
        command=command,
        tell=tell,
    )


def answer_fit(given: Given, more: More, *, command: str = "", tell: Tell = silent) -> FitReport:
    """What :func:`fit` answers.

    Raises:
        WseError: as :func:`fit`.
    """
    inputs = read(given)
    tell("planning the model as it is")
    judgement = judge(inputs)
    return report(
        judgement,
        levers=pull_levers(judgement, tell) if more.levers else (),
        optimizers=optimizer_table(judgement, tell) if more.optimizers else (),
        solution=None if more.solve_for is None else solve(judgement, more.solve_for, tell),
        command=command,
    )
