"""``fit``: the question as a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from wse_emulator.inputs.optimizer import OptimizerChoice
from wse_emulator.inputs.precision import Precision
from wse_emulator.inputs.read import Asked, Mode, to_request
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.questions.fit.judge import judge
from wse_emulator.questions.fit.levers import pull_levers
from wse_emulator.questions.fit.optimizer_table import optimizer_table
from wse_emulator.questions.fit.report import report
from wse_emulator.questions.fit.solve import solve
from wse_emulator.results.fit import FitReport
from wse_emulator.wafer.presets import WSE2
from wse_emulator.wafer.spec import WaferSpec


def fit(
    model: str | ModelShapes | nn.Module,
    *,
    optimizer: str | OptimizerChoice | None = None,
    lr: float | None = None,
    options: Mapping[str, object] | None = None,
    wafer: str | WaferSpec = WSE2,
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
    tell: Callable[[str], object] = str,
) -> FitReport:
    """Say whether a model's training state fits in on-wafer memory, PE by PE.

    A run config brings optimizer, batch, sequence, precision and sparsity of its own; what is
    given here goes first.

    Args:
        model: what :func:`~wse_emulator.models.load.load_model` takes, shapes, or a module (only
            names, shapes and dtypes of its parameters are used).
        optimizer: class name, or a choice with options; default AdamW.
        lr: learning rate, where the class has no default.
        options: further constructor arguments of the optimizer.
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
        tell: called with the name of each plan as it is made; does nothing by default.

    Raises:
        WseError: wrong input, or an optimizer that breaks a static-state rule. A model that does
            not fit is a report, not an error.

    Example:
        >>> layer = torch.nn.Linear(1024, 1024)
        >>> report = wse_emulator.fit(layer, optimizer="Adam", wafer="wse2:16x16")
        >>> report.fits, report.gap_bytes
        (False, 24688)
        >>> [lever.what for lever in report.levers if lever.fits][:3]
        ['75% sparse weights', 'optimizer SGD', 'weight streaming']
    """
    request = to_request(
        Asked(
            model=model,
            optimizer=optimizer,
            lr=lr,
            options=options or {},
            wafer=wafer,
            mode=mode,
            precision=precision,
            batch_size=batch_size,
            sequence=sequence,
            target=target,
            micro_batch=micro_batch,
            recompute=recompute,
            sparsity=sparsity,
        )
    )
    tell("planning the model as it is")
    judgement = judge(request)
    return report(
        judgement,
        levers=pull_levers(judgement, tell) if levers else (),
        optimizers=optimizer_table(judgement, tell) if optimizers else (),
        solution=None if solve_for is None else solve(judgement, solve_for, tell),
        command=command,
    )
