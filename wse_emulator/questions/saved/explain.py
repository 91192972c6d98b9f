"""``explain``: what limits a step that is named by a result, a saved result, or a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wse_emulator.errors import InputError, ResultFileError
from wse_emulator.inputs.given import DEFAULT_WAFER, Given
from wse_emulator.inputs.keywords import named_as_flags
from wse_emulator.inputs.precision import PrecisionName, StorageDtype, precision_given
from wse_emulator.questions.saved.again import explained
from wse_emulator.request import EngineName, Precision, Request
from wse_emulator.results.answer import StepAnswer
from wse_emulator.results.codec import decode
from wse_emulator.results.explain import Explanation
from wse_emulator.results.files import RUN_JSON, check_run_document, read_document
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.parse import Settings, machine_given
from wse_emulator.wafer.spec import WaferSpec

if TYPE_CHECKING:
    from wse_emulator.inputs.own_optimizer import AnyOptimizer
    from wse_emulator.inputs.schedule_text import LearningRate
    from wse_emulator.models.modules import Model


@named_as_flags(sequence="seq_len")
def explain(  # noqa: PLR0913 - the fields of a Request
    target: StepAnswer | Model | Path,
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
    engine: EngineName = "array",
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
    tell: Tell | None = None,
) -> Explanation:
    """Say what limits a step: emulate it again with each limit of the machine lifted in turn.

    Args:
        target: a result, or the folder it was saved in, whose question is asked again; or a
            model, as :func:`wse_emulator.run` takes it. All other arguments are those of
            :func:`wse_emulator.run` and go with a model.
        tell: called with the name of each part as it begins.

    Raises:
        InputError: arguments beside a result, or a name, number or file that cannot be used.
        ResultFileError: a saved result whose question cannot be asked again.
        DoesNotFitError: the model does not fit, so that its step has no time.

    Example:
        >>> found = wse_emulator.explain(torch.nn.Linear(64, 64), wafer="wse2:8x8")
        >>> found.cycles > found.all_lifted_cycles
        True
        >>> found.effects[0].limit.name, found.effects[0].cycles < found.cycles
        ('functions', True)
    """
    given = Given(
        model="" if isinstance(target, StepAnswer) else target,
        optimizer=optimizer,
        config=config,
        lr=lr,
        lr_schedule=lr_schedule,
        options=options,
        max_grad_norm=max_grad_norm,
        loss_scaling=loss_scaling,
        wafer=machine_given(wafer, set),
        engine=engine,
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
        steps=1,
    )
    saved = named_result(str(target)) if isinstance(target, str | Path) else None
    if saved is None and not isinstance(target, StepAnswer):
        return answer_explain(given, tell=tell or silent)
    if given != Given(model=given.model, wafer=machine_given(DEFAULT_WAFER), steps=1):
        raise InputError("a result is explained as it was run; other arguments go with a model")
    if isinstance(target, StepAnswer):
        return explained(target, tell)
    assert saved is not None
    return explain_file(saved, tell or silent)


def answer_explain(given: Given, *, command: str = "", tell: Tell = silent) -> Explanation:
    """What :func:`explain` answers of a model.

    Raises:
        WseError: as :func:`explain`.
    """
    # a misspelt name is refused before torch is loaded
    from wse_emulator.inputs.read import read  # noqa: PLC0415 - loads torch
    from wse_emulator.questions.explain import explain_inputs  # noqa: PLC0415 - loads torch

    return explain_inputs(read(given), command=command, tell=tell)


def named_result(target: str) -> Path | None:
    """The result file that a text names, if it names one rather than a model."""
    path = Path(target)
    if path.is_dir():
        folder_of_model = (path / "config.json").is_file() and not (path / RUN_JSON).is_file()
        return None if folder_of_model else path / RUN_JSON
    if path.name == RUN_JSON:
        return path
    if path.suffix == ".json" and path.is_file():
        try:
            schema = read_document(path).get("schema")
        except ResultFileError:
            return None  # no object: a list of shapes, or an error that loading the model explains
        return path if isinstance(schema, str) and schema.startswith("wse-") else None
    return None


def explain_file(path: Path, tell: Tell) -> Explanation:
    """Explain the step of a result file, from the question that it holds.

    Raises:
        ResultFileError: no result of a run, or one whose question cannot be asked again.
        InputError: a file that it names cannot be read any more.
    """
    document = read_document(path)
    check_run_document(path, document)
    known, command = document.get("digest"), document.get("command")
    if not isinstance(command, str) or not isinstance(known, str):
        raise ResultFileError(f"{path} holds no command and no digest; run again to make it")
    request = decode(Request, document["request"], str(path)) if document.get("request") else None
    from wse_emulator.questions.explain import (  # noqa: PLC0415 - loads torch
        KnownResult,
        explain_again,
    )

    result = KnownResult(source=str(path), digest=known, command=command)
    return explain_again(request, result, tell)
