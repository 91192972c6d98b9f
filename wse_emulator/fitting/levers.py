"""Levers: single changes to a request, each judged by planning again with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from wse_emulator.errors import InputError, UnknownOpError
from wse_emulator.fitting.judge import Judgement, judge
from wse_emulator.fitting.request import ALL_LAYERS, FitRequest
from wse_emulator.inputs.optimizer_choice import OptimizerChoice, optimizer_classes
from wse_emulator.plan.precision import parse_precision
from wse_emulator.results.fit_report import Lever
from wse_emulator.wafer.presets import PRESETS

LIGHTER_OPTIMIZERS: Final = ("Adafactor", "Lion", "SGD")
"""One a size of state: factored, one value an element, none."""

LEVER_SPARSITY: Final = 0.75


@dataclass(frozen=True, slots=True)
class Change:
    """A changed request, in words and as command-line arguments that replace what was given."""

    what: str
    arguments: tuple[str, ...]
    request: FitRequest


def changes(request: FitRequest) -> Iterator[Change]:
    """The single changes worth trying."""
    yield from _optimizers(request)
    yield from _precisions(request)
    yield from _samples(request)
    if request.sparsity < LEVER_SPARSITY and not request.masks:
        yield Change(
            f"{LEVER_SPARSITY:.0%} sparse weights",
            ("--sparsity", str(LEVER_SPARSITY)),
            replace(request, sparsity=LEVER_SPARSITY),
        )
    if request.mode == "pipelined":
        yield Change(
            "weight streaming",
            ("--mode", "weight-streaming"),
            replace(request, mode="weight-streaming"),
        )
    for name, spec in PRESETS.items():
        # a wafer of one's own cut, and variants of one machine, are no advice to buy another
        if spec.pes > request.wafer.pes and ":" not in request.wafer.name and "-" not in name:
            yield Change(f"wafer {spec.name}", ("--wafer", name), replace(request, wafer=spec))


def _optimizers(request: FitRequest) -> Iterator[Change]:
    known = optimizer_classes()
    for name in LIGHTER_OPTIMIZERS:
        if name in known and name.lower() != request.optimizer.name.lower():
            rate = 1e-3 if request.optimizer.lr is None else request.optimizer.lr
            yield Change(
                f"optimizer {name}",
                ("--optimizer", name, "--lr", str(rate)),
                replace(request, optimizer=OptimizerChoice(name=name, lr=rate)),
            )


def _precisions(request: FitRequest) -> Iterator[Change]:
    wide = request.precision.activation_dtype == "float32"
    if wide and request.batch_size is not None:
        yield Change(
            "mixed precision",
            ("--precision", "mixed"),
            replace(request, precision=parse_precision("mixed")),
        )
    if request.precision.parameter in (None, "float32"):
        yield Change(
            "everything in bfloat16, without float32 master weights",
            ("--precision", "bfloat16"),
            replace(request, precision=parse_precision("bfloat16")),
        )


def _samples(request: FitRequest) -> Iterator[Change]:
    if request.batch_size is None:
        return
    if request.recompute != ALL_LAYERS or request.micro_batch != 1:
        yield Change(
            "one sample at a time, all layers recomputed",
            ("--micro-batch", "1", "--recompute", "full"),
            replace(request, micro_batch=1, recompute=ALL_LAYERS),
        )
    if request.batch_size > 1:
        half = request.batch_size // 2
        yield Change(
            f"batch {half}",
            ("--batch-size", str(half)),
            replace(request, batch_size=half, micro_batch=_at_most(request.micro_batch, half)),
        )


def _at_most(value: int | None, most: int) -> int | None:
    return None if value is None else min(value, most)


def pull_levers(judgement: Judgement, tell: Callable[[str], object] = str) -> tuple[Lever, ...]:
    """Every change that saves bytes on the fullest PE; those that make it fit come first.

    With options of the optimizer, a change of optimizer is judged without them.
    """
    before = judgement.memory
    levers = []
    for change in changes(judgement.request):
        tell(f"planning with {change.what}")
        try:
            after = judge(change.request, judgement).memory
        except (InputError, UnknownOpError):
            continue  # an optimizer that does not take every tensor of this model
        saved = before.worst_bytes - after.worst_bytes
        if saved > 0:
            levers.append(
                Lever(
                    what=change.what,
                    arguments=change.arguments,
                    saves_bytes=saved,
                    saves_total_bytes=before.total_bytes - after.total_bytes,
                    fits=after.fits,
                )
            )
    return tuple(sorted(levers, key=lambda lever: (not lever.fits, -lever.saves_bytes)))
