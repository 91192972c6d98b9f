"""Changes to a request that can save bytes: each a lever, and how to type it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from wse_emulator.inputs.optimizer import optimizer_classes
from wse_emulator.inputs.precision import parse_precision
from wse_emulator.inputs.schedule_text import typed_schedule
from wse_emulator.request import OptimizerChoice, Request, with_batch
from wse_emulator.results.words import share
from wse_emulator.wafer.presets import PRESETS

LIGHTER_OPTIMIZERS: Final = ("Adafactor", "Lion", "SGD")
"""One a size of state: factored, one value an element, none."""

LEVER_SPARSITY: Final = 0.75

LEAST_TOKENS: Final = 128
"""A shorter sequence is no advice for training."""

MOST_HALVINGS: Final = 4


@dataclass(frozen=True, slots=True)
class Change:
    """A changed request, in words and as command-line arguments that replace what was given."""

    what: str
    arguments: tuple[str, ...]
    request: Request


def changes(request: Request) -> Iterator[Change]:
    """The single changes worth trying."""
    yield from _optimizers(request)
    yield from precisions(request)
    yield from _samples(request)
    yield from sparser(request)
    yield from streaming(request)
    for name, spec in PRESETS.items():
        # a wafer of one's own cut, and variants of one machine, are no advice to buy another
        if spec.pes > request.wafer.pes and ":" not in request.wafer.name and "-" not in name:
            yield Change(f"wafer {spec.name}", ("--wafer", name), replace(request, wafer=spec))


def _optimizers(request: Request) -> Iterator[Change]:
    known = optimizer_classes()
    for name in LIGHTER_OPTIMIZERS:
        if name in known and name.lower() != request.optimizer.name.lower():
            rate = request.optimizer.lr
            yield Change(
                f"optimizer {name}",
                ("--optimizer", name, *(() if rate is None else ("--lr", str(rate)))),
                replace(
                    request,
                    optimizer=OptimizerChoice(name=name, lr=rate),
                    schedules=request.schedules if typed_schedule(request.schedules) else (),
                ),
            )


def streaming(request: Request) -> Iterator[Change]:
    """Weights that come and go, if they stay now."""
    if request.mode == "pipelined":
        yield Change(
            "weight streaming",
            ("--mode", "weight-streaming"),
            replace(request, mode="weight-streaming"),
        )


def sparser(request: Request) -> Iterator[Change]:
    """Fewer weights, if most are there."""
    if request.sparsity < LEVER_SPARSITY and request.masks is None:
        yield Change(
            f"{share(LEVER_SPARSITY)} sparse weights",
            ("--sparsity", str(LEVER_SPARSITY)),
            replace(request, sparsity=LEVER_SPARSITY),
        )


def smaller_batch(request: Request, batch: int) -> Change:
    """A batch of so many samples."""
    return Change(f"batch {batch}", ("--batch-size", str(batch)), with_batch(request, batch))


def shorter_sequences(request: Request, tokens: int | None) -> Iterator[Change]:
    """Halves of the tokens of each sample, of a model that takes tokens and has a batch."""
    if tokens is None or request.batch_size is None:
        return
    for _ in range(MOST_HALVINGS):
        tokens //= 2
        if tokens < LEAST_TOKENS:
            return
        yield Change(
            f"{tokens:,} tokens a sample",
            ("--seq-len", str(tokens)),
            replace(request, sequence=tokens),
        )


def precisions(request: Request) -> Iterator[Change]:
    """Narrower formats, the narrowest last."""
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


def _samples(request: Request) -> Iterator[Change]:
    if request.batch_size is None:
        return
    if request.recompute != "full" or request.micro_batch != 1:
        yield Change(
            "one sample at a time, all layers recomputed",
            ("--micro-batch", "1", "--recompute", "full"),
            replace(request, micro_batch=1, recompute="full"),
        )
    if request.batch_size > 1:
        yield smaller_batch(request, request.batch_size // 2)
