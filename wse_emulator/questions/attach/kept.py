"""An optimizer as it was before a step, to be put back if that step is refused."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from wse_emulator.capture.storages import tensors_within


@dataclass(frozen=True, slots=True)
class Kept:
    """Copies of all tensors of an optimizer, and what its attributes, groups and state held.

    Attributes:
        tensors: the tensors, and copies of their values.
        data: the parameters, and what each had as ``data`` and as ``grad``.
        groups: the groups, and what they held.
        state: the entries of the state by their keys, and what each held.
        attributes: of the optimizer.
        random: the state of torch's generator.
    """

    tensors: list[tuple[torch.Tensor, torch.Tensor]]
    data: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]]
    groups: list[tuple[dict[str, object], dict[str, object]]]
    state: list[tuple[torch.Tensor, dict[str, object], dict[str, object]]]
    attributes: dict[str, object]
    random: torch.Tensor


@torch.no_grad()
def keep(optimizer: torch.optim.Optimizer, *, gradients: bool) -> Kept:
    """Copy what a step may change. ``gradients``: not if a closure of the step makes them."""
    data = [(p, p.data, p.grad) for group in optimizer.param_groups for p in group["params"]]
    tensors = [tensor for _, tensor in tensors_within(optimizer, skip=None)]
    if gradients:
        tensors += [grad for _, _, grad in data if grad is not None]
    return Kept(
        tensors=[(x, x.detach().clone()) for x in tensors if x.layout is torch.strided],
        data=data if gradients else [(p, values, None) for p, values, _ in data],
        groups=[
            (group, {**group, "params": list(group["params"])}) for group in optimizer.param_groups
        ],
        state=[(key, entries, dict(entries)) for key, entries in optimizer.state.items()],
        attributes=dict(vars(optimizer)),
        random=torch.get_rng_state(),
    )


@torch.no_grad()
def put_back(optimizer: torch.optim.Optimizer, kept: Kept) -> None:
    """Make the optimizer what it was when it was kept; the same objects hold the same values."""
    attributes = vars(optimizer)
    attributes.clear()
    attributes.update(kept.attributes)
    for group, held in kept.groups:
        group.clear()
        group.update(held)
    optimizer.param_groups[:] = [group for group, _ in kept.groups]
    optimizer.state.clear()
    for key, entries, before in kept.state:
        entries.clear()
        entries.update(before)
        optimizer.state[key] = entries
    for p, values, grad in kept.data:
        if p.data_ptr() != values.data_ptr():
            p.data = values
        if grad is not None:
            p.grad = grad
    for tensor, values in kept.tensors:
        tensor.copy_(values)
    torch.set_rng_state(kept.random)
