"""``--lr-schedule`` as a person types it: ``linear:0:2.5e-4:2000,cosine_decay:2.5e-4:0:98000``.

Pieces are separated by commas and run one after another, each from its own step 0. A piece is a
scheduler's name (any case, ``LR`` may be left out) and its arguments in the order of its
signature, or ``name=value``, separated by colons. A single number is a constant rate. A file in
JSON or YAML holds what a run config has under ``learning_rate``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from pathlib import Path

from schedulers.errors import SchedulerError
from schedulers.names import known_schedulers, number, scheduler_class_name
from schedulers.sections import ScheduleSection, read_learning_rate
from wse_emulator.configs.yaml_file import read_yaml
from wse_emulator.errors import InputError, MalformedFileError, UnknownNameError
from wse_emulator.models.shapes import read_json

LearningRate = float | list[dict[str, object]] | dict[str, object]
"""What ``schedulers.configure_lr_scheduler`` takes."""


def parse_schedule(text: str) -> LearningRate:
    """The learning rate of ``--lr-schedule``.

    Raises:
        UnknownNameError: no scheduler of that name; the message lists near names.
        InputError: arguments that are too many, or no number.
        MalformedFileError: a file that cannot be read.
    """
    try:
        rate = float(text)
    except ValueError:
        pass
    else:
        return finite_rate("--lr-schedule", rate)
    if Path(text).suffix in (".json", ".yaml", ".yml"):
        return _from_file(Path(text))
    pieces = [piece.strip() for piece in text.split(",")]
    for piece in pieces[1:]:
        if _is_number(piece.partition(":")[0]):
            raise InputError(
                f"--lr-schedule: {piece!r} begins with a number, where the name of a scheduler "
                "belongs; commas stand between schedulers, colons before arguments, as in "
                "linear:0:1e-4:100,constant:1e-4"
            )
    return [_piece(piece) for piece in pieces]


def typed_schedule(sections: Sequence[ScheduleSection]) -> str:
    """What to type after ``--lr-schedule`` for schedules that were read; empty if nothing can.

    Example:
        >>> from schedulers.sections import read_learning_rate
        >>> typed_schedule([read_learning_rate(parse_schedule("linear:0:1e-3:10"))])
        'LinearLR:initial_learning_rate=0.0:end_learning_rate=0.001:total_iters=10'
    """
    if len(sections) != 1:
        return ""
    (section,) = sections
    pieces = [section] if not section.parts else list(section.parts)
    text = ",".join(_typed_piece(piece) for piece in pieces)
    try:
        return text if read_learning_rate(parse_schedule(text)) == section else ""
    except (SchedulerError, InputError):
        return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _typed_piece(section: ScheduleSection) -> str:
    words = [f"{name}={value}" for name, value in section.arguments]
    return ":".join([section.scheduler, *words])


def finite_rate(option: str, rate: float) -> float:
    """A learning rate that is a finite number of 0 or more.

    Raises:
        InputError: NaN, infinite or negative.
    """
    if not math.isfinite(rate) or rate < 0:
        raise InputError(f"{option}: a learning rate is a finite number of 0 or more, got {rate}")
    return rate


def _piece(text: str) -> dict[str, object]:
    name, *given = text.split(":")
    try:
        scheduler = scheduler_class_name(name.replace("_", "").replace("-", ""))
    except SchedulerError as error:
        raise UnknownNameError(f"--lr-schedule: {error}") from error
    parameters = [
        p for p in inspect.signature(known_schedulers()[scheduler]).parameters if p != "optimizer"
    ]
    piece: dict[str, object] = {"scheduler": scheduler}
    for position, argument in enumerate(given):
        key, equals, value = argument.partition("=")
        if not equals:
            if position >= len(parameters):
                raise InputError(
                    f"--lr-schedule: {name} takes {', '.join(parameters)}; {text!r} gives more"
                )
            key, value = parameters[position], argument
        piece[key] = number(value.strip())
    if len(given) == 0:
        raise InputError(
            f"--lr-schedule: {text!r} has no arguments; {scheduler} takes "
            f"{', '.join(parameters)}, as in {':'.join([name, *map(str.upper, parameters)])}"
        )
    return piece


def _from_file(path: Path) -> LearningRate:
    document = read_json(path) if path.suffix == ".json" else read_yaml(path)
    if isinstance(document, dict) and "learning_rate" in document and "scheduler" not in document:
        document = document["learning_rate"]
    if isinstance(document, (int, float)) and not isinstance(document, bool):
        return finite_rate(str(path), float(document))
    if isinstance(document, dict):
        return document
    if isinstance(document, list) and all(isinstance(item, dict) for item in document):
        return document
    raise MalformedFileError(
        f"{path} holds no learning rate: expected a number, a mapping, or a list of mappings"
    )
