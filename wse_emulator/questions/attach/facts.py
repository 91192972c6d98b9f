"""What is cheap to see of an optimizer before and after a step: no op is traced for it.

Which tensors it holds and where they lie, which parameters have gradients, its Python numbers, and
how often each tensor was written to (torch counts that in every tensor).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from wse_emulator.capture.bindings import Bindings, bindings, judge_bindings
from wse_emulator.capture.rules import step_begins_at
from wse_emulator.capture.state import Snapshot, judge_state, snapshot
from wse_emulator.errors import GraphChangedError, StaticRuleError
from wse_emulator.questions.attach.host_numbers import RATE

_FIRST_STEPS: Final = 10
_STRIDE: Final = 193
"""A prime, so that what recurs with any other period meets a compared step in the end."""

_PLAIN: Final = (bool, int, float, complex, str, type(None))


def is_compared_whole(step: int) -> bool:
    """Whether a step (1 for the first of a plan) is traced and compared op by op.

    The first ten are, then every power of four and every multiple of 193. A compared step takes
    about ten times the time of a plain one, so more of them would be felt in a small loop.

    >>> [step for step in range(1, 300) if is_compared_whole(step)]
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 64, 193, 256]
    """
    if step <= _FIRST_STEPS or step % _STRIDE == 0:
        return True
    is_power_of_two = step & (step - 1) == 0
    return is_power_of_two and step.bit_length() % 2 == 1


@dataclass(frozen=True, slots=True)
class Facts:
    """An optimizer at one moment. Two are equal where their attributes are.

    Attributes:
        parameters: identity and address of each.
        state: name, identity and address of each tensor of the state, the text of numbers.
        hyper_tensors: identity and address of the tensors of the groups, by group and name.
        numbers: Python numbers of the groups, by group and name.
        without_gradient: of each parameter, whether it has no gradient.
        writes: how often each tensor above was written to since it was made.
    """

    parameters: tuple[tuple[int, int], ...]
    state: tuple[tuple[str, int, int] | tuple[str, str], ...]
    hyper_tensors: dict[tuple[int, str], tuple[int, int]]
    numbers: dict[tuple[int, str], object]
    without_gradient: tuple[bool, ...]
    writes: tuple[int, ...]


def facts_of(optimizer: torch.optim.Optimizer) -> Facts:
    """The facts as they are now. No value of a tensor is read."""
    parameters: list[tuple[int, int]] = []
    state: list[tuple[str, int, int] | tuple[str, str]] = []
    hyper_tensors: dict[tuple[int, str], tuple[int, int]] = {}
    numbers: dict[tuple[int, str], object] = {}
    without_gradient: list[bool] = []
    writes: list[int] = []
    held = optimizer.state
    for number, group in enumerate(optimizer.param_groups):
        for p in group["params"]:
            parameters.append((id(p), p.data_ptr()))
            writes.append(_writes(p))
            without_gradient.append(p.grad is None)
            for name, value in (held.get(p) or {}).items():
                if isinstance(value, torch.Tensor):
                    state.append((name, id(value), value.data_ptr()))
                    writes.append(_writes(value))
                else:
                    state.append((name, repr(value) if _is_plain(value) else hex(id(value))))
        for name, value in group.items():
            if isinstance(value, torch.Tensor):
                hyper_tensors[number, name] = id(value), value.data_ptr()
                writes.append(_writes(value))
            elif name != "params":
                numbers[number, name] = value if _is_plain(value) else id(value)
    return Facts(
        tuple(parameters),
        tuple(state),
        hyper_tensors,
        numbers,
        tuple(without_gradient),
        tuple(writes),
    )


def writes_between(before: Facts, after: Facts) -> tuple[int, ...]:
    """How often each tensor was written to from one moment to another."""
    return tuple(b - a for a, b in zip(before.writes, after.writes, strict=False))


def same_tensors(a: Facts, b: Facts) -> bool:
    """Whether the optimizer holds the same tensors at both moments, and the same state numbers."""
    return (a.parameters, a.state, a.hyper_tensors) == (b.parameters, b.state, b.hyper_tensors)


def same_rates(a: Facts, b: Facts) -> bool:
    """Whether the learning rates that are Python numbers are the same at both moments."""
    return all(b.numbers.get(key) == value for key, value in a.numbers.items() if key[1] == RATE)


@dataclass(frozen=True, slots=True)
class Held:
    """What an optimizer holds before a step, in the form in which capture judges it."""

    state: Snapshot
    bound: Bindings


def held_by(optimizer: torch.optim.Optimizer) -> Held:
    """What it holds now."""
    return Held(snapshot(optimizer), bindings(optimizer))


def judge_held(
    optimizer: torch.optim.Optimizer, names: Sequence[str], before: Held
) -> StaticRuleError | None:
    """The rule that a step broke by what its optimizer holds after it, or None."""
    begins = step_begins_at(optimizer)
    moved = judge_bindings(
        optimizer, list(names), before.bound, bindings(optimizer), lambda _: begins
    )
    if moved:
        return moved[0]
    replaced = judge_state(
        optimizer, list(names), before.state, snapshot(optimizer), lambda _: begins
    )
    return next(iter(replaced), None)


def judge_writes(
    optimizer: torch.optim.Optimizer,
    names: Sequence[str],
    writes: tuple[tuple[int, ...], tuple[int, ...]],
    steps: tuple[int, int],
) -> GraphChangedError | None:
    """The violation where two steps wrote to a tensor a different number of times, or None."""
    if writes[0] == writes[1] or len(writes[0]) != len(writes[1]):
        return None
    first = next(i for i, (a, b) in enumerate(zip(*writes, strict=True)) if a != b)
    what = _written(optimizer, names)[first]
    return GraphChangedError(
        f"step() writes to {what} {writes[1][first]} times in step {steps[1]} and "
        f"{writes[0][first]} times in step {steps[0]}",
        remedy="make every step issue the same ops: torch.where instead of if, and no branch on a "
        "step count",
    )


def judge_missing_gradients(
    names: Sequence[str],
    without: tuple[tuple[bool, ...], tuple[bool, ...]],
    steps: tuple[int, int],
) -> GraphChangedError | None:
    """The violation where a parameter has a gradient in one of two steps alone, or None."""
    if without[0] == without[1]:
        return None
    first = next(i for i, (a, b) in enumerate(zip(*without, strict=True)) if a != b)
    has, lacks = steps if without[1][first] else (steps[1], steps[0])
    return GraphChangedError(
        f"{names[first]} has a gradient in step {has} and none in step {lacks}",
        parameter=names[first],
        remedy="leave zeros in place of a missing gradient (zero_grad(set_to_none=False)), or "
        "detach() and attach() again where training goes on with other parameters",
    )


def _written(optimizer: torch.optim.Optimizer, names: Sequence[str]) -> list[str]:
    """Names of the tensors whose writes are counted, in their order."""
    written: list[str] = []
    index = 0
    for number, group in enumerate(optimizer.param_groups):
        for p in group["params"]:
            state = optimizer.state.get(p) or {}
            tensors = [k for k, v in state.items() if isinstance(v, torch.Tensor)]
            written += [names[index], *(f"{names[index]}.{k}" for k in tensors)]
            index += 1
        written += [f"{k}[{number}]" for k, v in group.items() if isinstance(v, torch.Tensor)]
    return written


def _writes(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(isinstance(item, _PLAIN) for item in value)
    return isinstance(value, _PLAIN)
