"""What is bound to an optimizer's names: parameters, their gradients, and what its groups hold.

A step may write to these tensors as the rules allow. It may not put other tensors in their places:
a wafer's program refers to storage that was chosen before it ran.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from wse_emulator.capture.state import Where, describe_move, text_of_value
from wse_emulator.capture.storages import (
    StorageTable,
    TensorPlace,
    group_entries,
    lies_in_storage,
    place_of,
)
from wse_emulator.errors import (
    ForeignWriteError,
    HiddenStateError,
    ParameterReplacedError,
    ParametersChangedError,
    RateChangedError,
    StaticRuleError,
)
from wse_emulator.program import ValueKind


@dataclass(frozen=True, slots=True)
class Bindings:
    """What an optimizer's names stood for at one time.

    Attributes:
        parameters: ids of the parameters, group by group.
        places: where each parameter lies, in the same order.
        groups: tensors of the groups, and their Python rates as texts, by group and name.
    """

    parameters: tuple[tuple[int, ...], ...]
    places: tuple[TensorPlace, ...]
    groups: dict[tuple[int, str], TensorPlace | str]


def bindings(optimizer: torch.optim.Optimizer) -> Bindings:
    """What the optimizer's names stand for now. Values of tensors are not read."""
    groups: dict[tuple[int, str], TensorPlace | str] = {}
    for number, group in enumerate(optimizer.param_groups):
        for key, value in group_entries(group):
            if lies_in_storage(value):
                groups[number, key] = place_of(value)
            elif key == "lr":
                groups[number, key] = text_of_value(value)
    return Bindings(
        tuple(tuple(id(p) for p in group["params"]) for group in optimizer.param_groups),
        tuple(place_of(p) for group in optimizer.param_groups for p in group["params"]),
        groups,
    )


def hyper_parameters(optimizer: torch.optim.Optimizer) -> dict[str, object]:
    """Python values of the parameter groups; names are plain where the groups agree."""
    numbers: dict[str, object] = {}
    for number, group in enumerate(optimizer.param_groups):
        for key, value in group.items():
            if key == "params" or isinstance(value, torch.Tensor):
                continue
            if number == 0 or numbers.get(key) != value:
                numbers[key if number == 0 else f"{key}[{number}]"] = value
    return numbers


def judge_bindings(
    optimizer: torch.optim.Optimizer,
    names: list[str],
    before: Bindings,
    after: Bindings,
    where: Where,
) -> list[StaticRuleError]:
    """Violations between two moments of one step; one alone if it changed which parameters."""
    name = type(optimizer).__name__
    if before.parameters != after.parameters:
        return [
            ParametersChangedError(
                f"{name} changes its parameters inside step(): {_counts(before)} before, "
                f"{_counts(after)} after{where(None)}",
                remedy="give all parameters to the constructor, or call add_param_group() between "
                "two steps",
            )
        ]
    violations: list[StaticRuleError] = [
        ParameterReplacedError(
            f"{name} replaces the parameter {names[index]} inside step(): "
            f"{describe_move(was, now)}{where(now)}",
            parameter=names[index],
            remedy="write to the parameter in place (copy_, add_) instead of assigning .data or "
            "another view",
        )
        for index, (was, now) in enumerate(zip(before.places, after.places, strict=True))
        if was != now
    ]
    for (number, key), now in after.groups.items():
        was = before.groups.get((number, key))
        if was == now:
            continue
        entry = f"param_groups[{number}][{key!r}]"
        place = now if isinstance(now, TensorPlace) else None
        if key == "lr":
            violations.append(
                RateChangedError(
                    f"{name} changes its own learning rate {entry} inside step(): "
                    f"{_rebound(was, now)}{where(place)}",
                    state=key,
                    remedy="leave the rate to a scheduler that writes it between steps; a factor "
                    "that the step computes is state of its own",
                )
            )
        else:
            violations.append(
                HiddenStateError(
                    f"{name} puts another tensor into {entry} inside step(): "
                    f"{_rebound(was, now)}{where(place)}",
                    state=key,
                    remedy="hold it as state of a parameter, allocated by the constructor, and "
                    "update it in place",
                )
            )
    return violations


def judge_bound_gradients(
    optimizer: torch.optim.Optimizer, names: list[str], table: StorageTable, where: Where
) -> list[StaticRuleError]:
    """Violations by tensors of the step that it has bound to a parameter's ``grad``."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    violations: list[StaticRuleError] = []
    for name, p in zip(names, parameters, strict=False):
        known = table.lookup(p.grad) if lies_in_storage(p.grad) else None
        if known is None or table.values[known].kind is ValueKind.GRADIENT:
            continue  # a closure's backward pass makes gradients that no step has seen
        violations.append(
            ForeignWriteError(
                f"{type(optimizer).__name__} binds another tensor to {name}.grad inside step()"
                f"{where(place_of(p.grad))}",
                parameter=name,
                state="grad",
                remedy="compute with a new tensor and leave the gradient to backward()",
            )
        )
    return violations


def _counts(held: Bindings) -> str:
    groups = len(held.parameters)
    tensors = sum(map(len, held.parameters))
    return f"{tensors} tensor{'s' * (tensors != 1)} in {groups} group{'s' * (groups != 1)}"


def _rebound(was: TensorPlace | str | None, now: TensorPlace | str) -> str:
    if isinstance(was, TensorPlace) and isinstance(now, TensorPlace):
        return describe_move(was, now)
    before, after = (
        "nothing" if side is None else "a tensor" if isinstance(side, TensorPlace) else side
        for side in (was, now)
    )
    return f"{before} becomes {after}"
