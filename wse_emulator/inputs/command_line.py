"""A request as it is typed: the words of a command line that asks it again."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping, Sequence

from wse_emulator.inputs.optimizer import optimizer_named
from wse_emulator.inputs.precision import POLICIES, parse_precision
from wse_emulator.inputs.schedule_text import typed_schedule
from wse_emulator.request import AS_CAPTURED, Precision, Request
from wse_emulator.wafer.parse import typed_wafer


def typed_fit(request: Request, change: Sequence[str] = ()) -> str:
    """The ``wse fit`` command of a request.

    Args:
        request: what is asked.
        change: flags that go in the place of the request's own ones of the same name.

    Returns:
        The command line; empty for a request that cannot be repeated.
    """
    given = {word for word in change if word.startswith("-")}
    objects = set(request.objects)
    if "--optimizer" in given:
        given |= {"--lr", "-o"}
        objects -= {"optimizer", "options"}
    if objects:
        return ""
    if "--wafer" in given:
        given |= {"--set"}
    if "--precision" in given:
        given |= set(_PARTS)
    kept = [word for words in _flags(request) if words[0] not in given for word in words]
    config = ["--config", request.config] if _beside(request) and request.config else []
    return shlex.join(["wse", "fit", request.model, *config, *kept, *change])


def _beside(request: Request) -> bool:
    """Whether the run config stands beside MODEL, and is not MODEL itself."""
    return request.config is not None and request.config != request.model


def _flags(request: Request) -> list[tuple[str, ...]]:
    """The words of all that is not the default, or that a run config could say otherwise."""
    flags: list[tuple[str, ...]] = list(_optimizer(request))
    schedule = typed_schedule(request.schedules)
    if schedule:
        flags.append(("--lr-schedule", schedule))
    wafer = typed_wafer(request.wafer)
    assert wafer is not None  # a repeatable request
    flags += [("--wafer", wafer[0]), *(("--set", setting) for setting in wafer[1])]
    if request.mode != "pipelined":
        flags.append(("--mode", request.mode))
    flags += _precision(request.precision)
    if request.loss_scaling is not None and request.loss_scaling.dynamic:
        flags.append(("--loss-scaling",))
    dense = 0 if request.config else None
    numbers = {
        "--batch-size": request.batch_size,
        "--seq-len": request.sequence,
        "--target-len": request.target,
        "--micro-batch": request.micro_batch,
        "--recompute": request.recompute,
        "--sparsity": request.masks or request.sparsity or dense,
        "--max-grad-norm": request.max_grad_norm,
    }
    return flags + [(flag, str(value)) for flag, value in numbers.items() if value is not None]


def _optimizer(request: Request) -> list[tuple[str, str]]:
    """Flags for the optimizer, its rate and its options."""
    choice = request.optimizer
    if choice.own:
        return [("--optimizer", choice.name), *_rate(choice.lr), *_options(choice.options)]
    parameters = inspect.signature(optimizer_named(choice.name)).parameters
    flags = [("--optimizer", choice.name)] if not choice.groups else []
    needed = "lr" in parameters and parameters["lr"].default is inspect.Parameter.empty
    rate = choice.lr
    if rate is None and needed:
        rate = choice.options.get("lr")  # type: ignore[assignment]  # a number, as it was built
    flags += _rate(rate)
    return flags + _options(
        {
            name: value
            for name, value in choice.options.items()
            if name != "lr" and value != parameters[name].default
        }
    )


def _rate(rate: float | None) -> list[tuple[str, str]]:
    if rate is None:
        return []
    return [("--lr", f"{rate:g}" if isinstance(rate, float) else str(rate))]


def _options(options: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        ("-o", f"{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}")
        for name, value in options.items()
    ]


_PARTS = {
    "--parameter-dtype": "parameter",
    "--gradient-dtype": "gradient",
    "--state-dtype": "state",
    "--compute-dtype": "compute",
}


def _precision(precision: Precision) -> list[tuple[str, str]]:
    if precision == AS_CAPTURED:
        return []
    for policy in POLICIES:
        if parse_precision(policy) == precision:
            return [("--precision", policy)]
        if parse_precision(policy, compute=precision.compute) == precision:
            return [("--precision", policy), ("--compute-dtype", str(precision.compute))]
    parts = [(flag, getattr(precision, part)) for flag, part in _PARTS.items()]
    return [("--precision", "float32"), *((flag, str(value)) for flag, value in parts if value)]
