"""A request as it is typed: the words of a command line that asks it again."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Sequence

from wse_emulator.inputs.optimizer import ANY_RATE, optimizer_named
from wse_emulator.inputs.precision import POLICIES, parse_precision
from wse_emulator.request import AS_CAPTURED, OptimizerChoice, Precision, Request
from wse_emulator.wafer.parse import typed_wafer


def typed_fit(request: Request, change: Sequence[str] = ()) -> str:
    """The ``wse fit`` command of a request.

    Args:
        request: what is asked.
        change: flags that go in the place of the request's own ones of the same name.

    Returns:
        The command line; empty for a request that cannot be repeated.
    """
    if not request.repeatable:
        return ""
    given = {word for word in change if word.startswith("-")}
    if "--optimizer" in given:
        given |= {"--lr", "-o"}
    if "--wafer" in given:
        given |= {"--set"}
    if "--precision" in given:
        given |= set(_PARTS)
    kept = [word for flag, value in _flags(request) if flag not in given for word in (flag, value)]
    config = ["--config", request.config] if _beside(request) and request.config else []
    return shlex.join(["wse", "fit", request.model, *config, *kept, *change])


def _beside(request: Request) -> bool:
    """Whether the run config stands beside MODEL, and is not MODEL itself."""
    return request.config is not None and request.config != request.model


def _flags(request: Request) -> list[tuple[str, str]]:
    """(flag, value) of all that is not the default."""
    flags = _optimizer(request.optimizer, scheduled=bool(request.schedules))
    wafer = typed_wafer(request.wafer)
    assert wafer is not None  # a repeatable request
    flags += [("--wafer", wafer[0]), *(("--set", setting) for setting in wafer[1])]
    if request.mode != "pipelined":
        flags.append(("--mode", request.mode))
    flags += _precision(request.precision)
    numbers = {
        "--batch-size": request.batch_size,
        "--seq-len": request.sequence,
        "--target-len": request.target,
        "--micro-batch": request.micro_batch,
        "--recompute": request.recompute,
        "--sparsity": request.masks or request.sparsity or None,
        "--max-grad-norm": request.max_grad_norm,
    }
    return flags + [(flag, str(value)) for flag, value in numbers.items() if value is not None]


def _optimizer(choice: OptimizerChoice, *, scheduled: bool) -> list[tuple[str, str]]:
    """Flags for optimizer, rate and options."""
    parameters = inspect.signature(optimizer_named(choice.name)).parameters
    flags = [("--optimizer", choice.name)] if not choice.groups else []
    rate = choice.lr if choice.lr is not None else choice.options.get("lr")
    needed = "lr" in parameters and parameters["lr"].default is inspect.Parameter.empty
    if rate is None and needed and scheduled:
        rate = ANY_RATE  # the schedule is left out, and the rate is no part of memory
    if rate is not None and needed:
        flags.append(("--lr", f"{rate:g}" if isinstance(rate, float) else str(rate)))
    for name, value in choice.options.items():
        if name != "lr" and value != parameters[name].default:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            flags.append(("-o", f"{name}={text}"))
    return flags


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
