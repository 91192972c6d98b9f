"""``fit``: the question as a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wse_emulator.inputs.given import DEFAULT_WAFER, Given
from wse_emulator.inputs.keywords import named_as_flags
from wse_emulator.inputs.own_optimizer import AnyOptimizer
from wse_emulator.inputs.precision import PrecisionName, StorageDtype, precision_given
from wse_emulator.inputs.read import read
from wse_emulator.inputs.schedule_text import LearningRate
from wse_emulator.models.modules import Model
from wse_emulator.questions.fit.judge import judge
from wse_emulator.questions.fit.levers import pull_levers
from wse_emulator.questions.fit.optimizer_table import optimizer_table
from wse_emulator.questions.fit.report import report
from wse_emulator.questions.fit.solve import solve
from wse_emulator.questions.repeat import repeating
from wse_emulator.request import Mode, Precision, with_batch
from wse_emulator.results.answer import repeated_by
from wse_emulator.results.fit import FitReport, Solvable
from wse_emulator.results.fit_answers import default_batch, no_batch_fits
from wse_emulator.results.sentences import NOTHING
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.parse import Settings, machine_given
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


@named_as_flags(
    sequence="seq_len", target="target_len", solve_for="solve", optimizers="all_optimizers"
)
def fit(  # noqa: PLR0913 - the fields of a Request, and what is asked beside the verdict
    model: Model | Path,
    *,
    optimizer: AnyOptimizer | None = None,
    config: str | Path | None = None,
    lr: float | None = None,
    lr_schedule: str | Path | LearningRate | None = None,
    options: Mapping[str, object] | None = None,
    max_grad_norm: float | None = None,
    loss_scaling: bool = False,
    wafer: str | WaferSpec = DEFAULT_WAFER,
    set: Settings = (),
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
    levers: bool = True,
    all_optimizers: bool = False,
    solve: Solvable | None = None,
    command: str = "",
    tell: Tell | None = None,
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
        lr: learning rate; no byte depends on it.
        lr_schedule: as ``--lr-schedule`` takes it; its state lies on the controller PE.
        options: further constructor arguments of the optimizer.
        max_grad_norm, loss_scaling: as :func:`wse_emulator.run` takes them.
        wafer: what ``--wafer`` takes, or a machine.
        set: figures of the machine to change, as ``{"hop_cycles": 2}``.
        mode: ``pipelined``, ``weight-streaming`` or ``auto``.
        precision: policy name or value; default: parameters as they are, all else alike.
        compute_dtype, parameter_dtype, gradient_dtype, state_dtype: the dtype of one part, in
            place of what the policy says.
        batch_size: samples a step; without it the optimizer step alone is judged.
        seq_len: tokens a sample; default: the model's own length.
        target_len: tokens of an encoder-decoder's target; default: as many.
        micro_batch: samples that move together; ``auto`` (the default): the largest that fits.
        recompute: ``none``, ``full``, a number of layers, or ``auto`` (the default): the fewest
            that fit.
        sparsity: fraction of the elements of the layers' matrices that is left out, or an
            ``.npz`` file of masks.
        levers: whether to plan again with single changes, to say what would help.
        all_optimizers: whether to judge every optimizer too.
        solve: ``batch``, ``sequence``, ``width`` or ``depth``: find the largest that fits. The
            report is that of the batch found, if ``batch_size`` is not given.
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
            wafer=machine_given(wafer, set),
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
        More(levers=levers, optimizers=all_optimizers, solve_for=solve),
        command=command,
        tell=tell or silent,
    )


def answer_fit(given: Given, more: More, *, command: str = "", tell: Tell = silent) -> FitReport:
    """What :func:`fit` answers.

    Raises:
        WseError: as :func:`fit`.
    """
    inputs = read(given)
    tell("planning the model as it is")
    solution, taken = None, NOTHING
    if more.solve_for == "batch" and inputs.request.batch_size is None:
        # one verdict: that of the batch which is found
        judgement = judge(inputs.changed(with_batch(inputs.request, 1)))
        solution = solve(judgement, more.solve_for, tell)
        batch = max(1, solution.fits_at)
        taken = default_batch(batch) if solution.fits_at else no_batch_fits()
        if batch > 1:
            changed = inputs.changed(with_batch(inputs.request, batch))
            judgement = judge(changed, judgement)
    else:
        judgement = judge(inputs)
        if more.solve_for is not None:
            solution = solve(judgement, more.solve_for, tell)
    answer = report(
        judgement,
        levers=pull_levers(judgement, tell) if more.levers else (),
        optimizers=optimizer_table(judgement, tell) if more.optimizers else (),
        solution=solution,
        batch_taken=taken,
        command=command,
    )
    repeated_by(answer, repeating(inputs, command=command))
    return answer
