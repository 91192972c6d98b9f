"""An optimizer as it was before a step, to be put back if that step is refused."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from wse_emulator.capture.storages import place_of, tensors_within


@dataclass(frozen=True, slots=True)
class Kept:
    """Copies of all tensors of an optimizer, and what its attributes, groups and state held.

    Attributes:
        tensors: the tensors, what each had as ``data``, and copies of their values.
        gradients: the parameters, and what each had as ``grad``.
        groups: the groups, and what they held.
        state: the entries of the state by their keys, and what each held.
        attributes: of the optimizer.
        random: the state of torch's generator.
    """

    tensors: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]
    gradients: list[tuple[torch.Tensor, torch.Tensor]]
    groups: list[tuple[dict[str, object], dict[str, object]]]
    state: list[tuple[torch.Tensor, dict[str, object], dict[str, object]]]
    attributes: dict[str, object]
    random: torch.Tensor


@torch.no_grad()
def keep(optimizer: torch.optim.Optimizer, *, gradients: bool) -> Kept:
    """Copy what a step may change. ``gradients``: not if a closure of the step makes them."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    held = [(p, p.grad) for p in parameters if p.grad is not None] if gradients else []
    tensors = [*parameters, *(tensor for _, tensor in tensors_within(optimizer, skip=None))]
    tensors += [grad for _, grad in held]
    once = {id(x): x for x in tensors if x.layout is torch.strided}.values()
    return Kept(
        tensors=[(x, x.data, x.detach().clone()) for x in once],
        gradients=held,
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
    for tensor, data, values in kept.tensors:
        if place_of(tensor) != place_of(data):
            tensor.data = data
        storage = data.untyped_storage()
        last = data.storage_offset() + sum(
            (n - 1) * stride for n, stride in zip(data.shape, data.stride(), strict=True)
        )
        needed = int(last + 1) * data.element_size()
        if data.numel() and storage.nbytes() < needed:
            storage.resize_(needed)
        tensor.copy_(values)
    for p, grad in kept.gradients:  # of the parameter's own shape
        p.grad = grad
    torch.set_rng_state(kept.random)
